//! Writes calls to a SQLite file as fast as it can and prints each number once its call is kept; made to be killed.

use anyhow::{Context as _, Result};
use std::io::Write as _;
use store::{Location, Store};
use store_tests::{answered_call, open_call};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().context("no file is named")?;
    let first: u64 = arguments.next().context("no first number")?.parse()?;
    let store = Store::open(&Location::Sqlite(path.into())).await?;
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    for number in first.. {
        let channel = format!("{number}.1");
        let started = i64::try_from(number)? * 1000;
        // Each time under another id, as a server that was killed in between would.
        let open = open_call(
            &format!("open-{number}"),
            "+74951234567",
            started,
            &[&channel],
        );
        store.put_calls(&[open]).await?;
        writeln!(out, "{number}")?;
        let ended = answered_call(
            &format!("end-{number}"),
            "+74951234567",
            started,
            &[&channel],
            "100",
        );
        store.put_calls(&[ended]).await?;
        writeln!(out, "{number} ended")?;
        out.flush()?;
    }
    Ok(())
}
