//! What the bench prints and keeps: figures with their goals and what stands beside them, and a mark where one is missed.

use crate::measure::{Sample, load_average};
use anyhow::{Context as _, Result};
use serde::Serialize;
use std::path::Path;

/// A figure of ours and of the others, in one unit.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    /// Not above this.
    pub(crate) goal: Option<f64>,
    /// Not above what `ws` has in the same run.
    pub(crate) as_ws: bool,
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
    pub(crate) runs: usize,
    /// Medians of the others, by their names.
    pub(crate) beside: Vec<(&'static str, f64)>,
    pub(crate) note: String,
}

impl Row {
    pub(crate) fn new(what: impl Into<String>, unit: &'static str, figures: &Sample) -> Self {
        Self {
            what: what.into(),
            unit,
            median: figures.median(),
            least: figures.least(),
            most: figures.most(),
            runs: figures.len(),
            ..Self::default()
        }
    }

    pub(crate) fn ws(&self) -> Option<f64> {
        let ws = self.beside.iter().find(|(name, _)| *name == "ws");
        ws.map(|(_, figure)| *figure)
    }

    pub(crate) fn is_missed(&self) -> bool {
        let over_goal = self
            .goal
            .is_some_and(|goal| self.median > goal || self.median.is_nan());
        let over_ws = self.as_ws && self.ws().is_some_and(|ws| self.median > ws);
        over_goal || over_ws
    }

    fn cells(&self) -> [String; 5] {
        let goal = match (self.goal, self.as_ws) {
            (Some(goal), _) => format!("≤ {}", number(goal)),
            (None, true) => "≤ ws".into(),
            (None, false) => String::new(),
        };
        let mut beside: Vec<String> = self
            .beside
            .iter()
            .map(|(name, figure)| format!("{name} {}", number(*figure)))
            .collect();
        if let Some(ws) = self.ws() {
            beside.push(format!("ratio to ws {:.2}", self.median / ws));
        }
        if !self.note.is_empty() {
            beside.push(self.note.clone());
        }
        let spread = format!("{} … {}", number(self.least), number(self.most));
        let median = format!("{} {}", number(self.median), self.unit);
        [self.what.clone(), goal, median, spread, beside.join("; ")]
    }
}

fn number(figure: f64) -> String {
    match figure.abs() {
        small if small < 10.0 => format!("{figure:.2}"),
        middle if middle < 100.0 => format!("{figure:.1}"),
        _ => format!("{figure:.0}"),
    }
}

/// All rows of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    machine: String,
    load_before: f64,
    load_after: f64,
    rows: Vec<Row>,
}

impl Table {
    pub(crate) fn begin() -> Self {
        let load_before = load_average();
        let machine = machine();
        println!(
            "{machine}; load average {load_before} before the run, the clients on the same machine"
        );
        println!(
            "{:<64} {:<9} {:<14} {:<20} beside it, in the same run",
            "what", "goal", "median", "spread"
        );
        Self {
            machine,
            load_before,
            load_after: f64::NAN,
            rows: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, row: Row) {
        let [what, goal, median, spread, beside] = row.cells();
        let mark = if row.is_missed() { "  MISSED" } else { "" };
        println!("{what:<64} {goal:<9} {median:<14} {spread:<20} {beside}{mark}");
        self.rows.push(row);
    }

    pub(crate) fn markdown(&self) {
        println!(
            "\n| what | goal | median | spread | beside it, in the same run |\n|---|---|---|---|---|"
        );
        for row in &self.rows {
            let [what, goal, median, spread, beside] = row.cells();
            let mark = if row.is_missed() { " **missed**" } else { "" };
            println!("| {what} | {goal} | {median}{mark} | {spread} | {beside} |");
        }
    }

    pub(crate) fn missed(&self) -> usize {
        self.rows.iter().filter(|row| row.is_missed()).count()
    }

    pub(crate) fn write(&mut self, file: &Path) -> Result<()> {
        self.load_after = load_average();
        let folder = file.parent().context("a folder")?;
        std::fs::create_dir_all(folder).context("make the folder for figures")?;
        std::fs::write(file, serde_json::to_vec_pretty(self)?).context("write the figures")
    }
}

/// Processors and memory, for whoever compares figures.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let read = |file: &str, key: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let line = text
            .lines()
            .find(|line| line.starts_with(key))
            .map(str::to_owned);
        line.and_then(|line| {
            line.split_once(':')
                .map(|(_, value)| value.trim().to_owned())
        })
    };
    let name = read("/proc/cpuinfo", "model name").unwrap_or_default();
    let memory = read("/proc/meminfo", "MemTotal").unwrap_or_default();
    format!("{cores} cores ({name}), {memory}")
}
