//! The program `sidetone-ui`: the windows.
fn main() {}
