//! The program `sidetone-server`.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::main()
}
