//! Starts an Asterisk, prints its process id and waits to be killed: the other half of `tests/parent_death.rs`.

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    use std::io::{Write as _, stdout};
    use testkit::asterisk::{Asterisk, Options};

    // Started by a thread that ends: what it started must stay.
    let started = std::thread::spawn(|| Asterisk::start(&Options::default())).join();
    let asterisk = started.map_err(|_| anyhow::anyhow!("the starting thread panicked"))??;
    writeln!(stdout(), "{}", asterisk.pid().unwrap_or_default())?;
    std::thread::sleep(std::time::Duration::from_secs(60));
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {}
