//! Every task of the project once: `cargo xtask demo`, `test`, `bench`, `pictures`, `setup`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

mod checks;
mod debian;
mod folders;
mod fuzz;
mod programs;
mod step;
mod tools;
mod ui;
mod windows;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask demo [--headless]   installs what is missing, starts a real Asterisk and shows the main job
cargo xtask test [--quick|--full] [--only NAME]
                                every check; --quick leaves out what needs Asterisk, a display or another toolchain,
                                --full adds what takes patience
cargo xtask bench [calls]       measures speed and memory beside bare lower bounds and rivals, fails when a goal
                                is missed (release build); `calls`: the call model alone
cargo xtask bench contacts [index|rings|live] [--markdown] [--full]
                                a million numbers in memory, a hundred phones that ring for one caller, and cards of a live
                                CRM beside a bare client; --full asks Odoo too
cargo xtask bench server [fan-out|tls|slow|restart|real] [--quick] [--runs=N] [--markdown] [--json=FILE]
                                the integration server with thousands of clients beside ws and socket.io
cargo xtask record-trace NAME|all [--asterisk 22|16] [--config plain|freepbx] [--out DIR]
                                plays a scenario on a real Asterisk with real phones and records it; --list shows them
cargo xtask story FILE [--phones LOG] [--click PHONE] [--cut N] [--charset NAME] [--json]
                                tells the story of a recording of the manager interface
cargo xtask fuzz [TARGET] [--minutes N]
                                looks for inputs that break the decoder, the session, the tracker or the phone numbers
cargo xtask kills [N]           kills the server N times (1000) while real phones call, on SQLite and on PostgreSQL, and
                                looks for every call in its log
cargo xtask pictures            takes the screenshots of docs/pictures anew
cargo xtask setup               only installs what is missing
cargo xtask help";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["demo", rest @ ..] => programs::demo(rest),
        ["test", rest @ ..] => return checks::run(rest),
        ["bench", rest @ ..] => programs::bench(rest),
        ["record-trace", rest @ ..] => programs::record_trace(rest),
        ["story", rest @ ..] => programs::story(rest),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["kills", rest @ ..] => programs::kills(rest),
        ["pictures", rest @ ..] => programs::pictures(rest),
        ["setup"] => debian::install_missing().and_then(|()| ui::install()),
        ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        other => {
            eprintln!("not understood: {}\n\n{HELP}", other.join(" "));
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}
