//! The parts of the bench, one after the other.

mod fan_out;
mod real;
mod restart;
mod slow;
mod tls;

use crate::{
    firm::Firm,
    measure::Sample,
    servers::Kind,
    table::{Row, Table},
};
use anyhow::{Context as _, Result, ensure};
use std::path::PathBuf;

/// Runs of each figure.
const RUNS: usize = 3;
const THOUSAND: usize = 1_000;
const MANY: usize = 5_000;

/// Runs what is named, or all.
///
/// # Errors
/// Something could not be measured, or a goal is missed.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let option = |name: &str| {
        arguments
            .iter()
            .find_map(|argument| argument.strip_prefix(name))
    };
    let runs = option("--runs=").map_or(Ok(RUNS), str::parse)?;
    ensure!(runs > 0, "nothing can be said of no run");
    let mut named = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--"));
    let named: Vec<&String> = named.by_ref().collect();
    let wants = |part: &str| named.is_empty() || named.iter().any(|name| *name == part);
    let firm = Firm::large(MANY)?;
    let mut table = Table::begin();
    if wants("fan-out") {
        fan_out::run(runs, &firm, &mut table)?;
    }
    if wants("tls") {
        tls::run(runs, &firm, &mut table)?;
    }
    if wants("slow") {
        slow::run(runs, &firm, &mut table)?;
    }
    if wants("restart") {
        restart::run(runs, &firm, &mut table)?;
    }
    if wants("real") {
        real::run(runs, &mut table)?;
    }
    table.write(&option("--json=").map_or_else(figures, |file| Ok(PathBuf::from(file)))?)?;
    if arguments.iter().any(|argument| argument == "--markdown") {
        table.markdown();
    }
    let missed = table.missed();
    ensure!(missed == 0, "{missed} goals missed");
    Ok(())
}

/// Beside this program, where build products lie.
fn figures() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.parent().and_then(std::path::Path::parent);
    Ok(target
        .context("no folder of build products")?
        .join("bench/server.json"))
}

/// One figure of each server, run after run.
#[derive(Debug, Default)]
struct Runs([Vec<f64>; 3]);

impl Runs {
    fn add(&mut self, kind: Kind, figure: f64) {
        self.0[kind as usize].push(figure);
    }

    /// Ours, with the medians of the others beside it.
    fn row(&self, what: impl Into<String>, unit: &'static str) -> Row {
        let beside = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Ours);
        let beside = beside.filter(|kind| !self.0[*kind as usize].is_empty());
        Row {
            beside: beside
                .map(|kind| (kind.name(), self.sample(kind).median()))
                .collect(),
            ..Row::new(what, unit, &self.sample(Kind::Ours))
        }
    }

    fn sample(&self, kind: Kind) -> Sample {
        Sample::new(self.0[kind as usize].clone())
    }
}
