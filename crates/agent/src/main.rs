//! The program `sidetone`: tray, link handler, command line, notifications, keychain.
fn main() {}
