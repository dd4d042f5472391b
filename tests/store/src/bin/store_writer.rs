//! Writes calls to a SQLite file as fast as it can and prints each number once its call is kept; made to be killed.
//! On a full disk it says so, and tries the same call again when it is told a line.

use anyhow::{Context as _, Result};
use std::io::Write as _;
use store::{CallRecord, Location, Store, StoreError};
use store_tests::{answered_call, open_call};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().context("no file is named")?;
    let first: u64 = arguments.next().context("no first number")?.parse()?;
    let store = Store::open(&Location::Sqlite(path.into())).await?;
    say("ready")?;
    for number in first.. {
        let channel = format!("{number}.1");
        let caller = format!("+7495{number:07}");
        let started = i64::try_from(number)? * 1000;
        // Each time under another id, as a server that was killed in between would.
        let open = open_call(&format!("open-{number}"), &caller, started, &[&channel]);
        write(&store, open).await?;
        say(&number.to_string())?;
        let id = format!("end-{number}");
        let ended = answered_call(&id, &caller, started, &[&channel], "100");
        write(&store, ended).await?;
        say(&format!("{number} ended"))?;
    }
    Ok(())
}

async fn write(store: &Store, call: CallRecord) -> Result<()> {
    let batch = [call];
    loop {
        match store.put_calls(&batch).await {
            Ok(_) => return Ok(()),
            Err(StoreError::Full(_)) => say("full")?,
            Err(error) => return Err(error.into()),
        }
        std::io::stdin().read_line(&mut String::new())?;
    }
}

fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
