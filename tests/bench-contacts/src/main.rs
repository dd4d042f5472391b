//! What it costs to know who calls: a million numbers in memory, and a source that many phones ask at once. A part of
//! `cargo xtask bench`. Ends with an error when a goal is missed.
#![allow(
    clippy::print_stdout,
    reason = "this program talks to the person at the terminal"
)]

mod counting;
mod index;
mod made_up;
mod rings;
mod sample;
mod table;

use anyhow::{Result, ensure};

type Part = fn(&mut table::Table) -> Result<()>;

/// By the name under which it can be asked for alone. Cards of real CRMs have their place here.
const PARTS: [(&str, Part); 2] = [("index", index::run), ("rings", rings::run)];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (flags, names): (Vec<&str>, Vec<&str>) = arguments
        .iter()
        .map(String::as_str)
        .partition(|argument| argument.starts_with("--"));
    for name in &names {
        let is_part = PARTS.iter().any(|(part, _)| part == name);
        ensure!(is_part, "there is no part {name}");
    }
    let mut table = table::Table::begin();
    for (name, run) in PARTS {
        if names.is_empty() || names.contains(&name) {
            run(&mut table)?;
        }
    }
    if flags.contains(&"--markdown") {
        table.markdown();
    }
    ensure!(table.missed() == 0, "{} goals missed", table.missed());
    Ok(())
}
