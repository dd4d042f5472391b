//! What the integration server costs with thousands of clients, beside other servers in the same run: the program
//! behind `cargo xtask bench server`. Ends with an error when a goal is missed.
#![allow(
    clippy::print_stdout,
    reason = "this program talks to the person at the terminal"
)]

#[cfg(target_os = "linux")]
mod firm;
#[cfg(target_os = "linux")]
mod lamps;
#[cfg(target_os = "linux")]
mod loader;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod parts;
#[cfg(target_os = "linux")]
mod quick;
#[cfg(target_os = "linux")]
mod servers;
#[cfg(target_os = "linux")]
mod source;
#[cfg(target_os = "linux")]
mod table;

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the bench needs Linux: it reads CPU time and memory of processes from /proc");
}

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    measure::raise_open_files()?;
    if arguments.iter().any(|argument| argument == "--quick") {
        return quick::run();
    }
    parts::run(&arguments)
}
