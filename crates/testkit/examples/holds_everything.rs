//! Starts an Asterisk, phones and a session, prints a process of each and waits to be killed: the
//! other half of `tests/parent_death.rs`.

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    use std::io::{Write as _, stdout};

    use testkit::{Asterisk, DesktopSession, Phones, asterisk, session};

    // Started by a thread that ends: what it started must stay.
    let start = || -> anyhow::Result<_> {
        let asterisk = Asterisk::start(&asterisk::Options::default())?;
        let phones = Phones::start(&asterisk)?;
        let session = DesktopSession::start(&session::Options::default())?;
        Ok((asterisk, phones, session))
    };
    let started = std::thread::spawn(start).join();
    let _held = started.map_err(|_| anyhow::anyhow!("the starting thread panicked"))??;
    writeln!(stdout(), "ready")?;
    std::thread::sleep(std::time::Duration::from_secs(60));
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {}
