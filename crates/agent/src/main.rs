//! The program `sidetone`: tray, link handler, command line, notifications, keychain.
//!
//! Called while one runs, it hands over and ends within milliseconds; that path starts no runtime.

mod ask;
mod caller;
mod cli;
mod colleagues;
mod folders;
mod keychain;
mod links;
mod logs;
mod notices;
mod opener;
mod people;
mod run;
mod server_line;
mod settings_file;
mod shell;
mod tray;
mod window_program;

use cli::{Command, Parsed};
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os().skip(1)) {
        Parsed::Do(Command::Start) => ask::start(),
        Parsed::Do(Command::Connector(arguments)) => ask::connector(&arguments),
        Parsed::Do(command) => ask::hand_over(command),
        Parsed::Say(text) => {
            ask::say(&text);
            ExitCode::SUCCESS
        }
        Parsed::Wrong(words) => {
            ask::complain(&words);
            cli::Exit::Usage.into()
        }
    }
}
