//! Every task of the project once: demo, test, bench, pictures.
fn main() {}
