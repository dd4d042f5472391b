//! The table that the bench prints: figures with their goals, and a mark where one is missed.

/// A figure, its goal and what stands beside it.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) goal: String,
    pub(crate) median: String,
    pub(crate) spread: String,
    pub(crate) beside: String,
    pub(crate) missed: bool,
}

/// All rows of a run.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Table {
    pub(crate) fn begin() -> Self {
        println!(
            "{:<52} {:<20} {:<12} {:<22} beside it, in the same run",
            "what", "goal", "median", "spread"
        );
        Self::default()
    }

    pub(crate) fn add(&mut self, row: Row) {
        println!(
            "{:<52} {:<20} {:<12} {:<22} {}{}",
            row.what,
            row.goal,
            row.median,
            row.spread,
            row.beside,
            if row.missed { "  MISSED" } else { "" }
        );
        self.rows.push(row);
    }

    /// A line that is no figure of ours.
    pub(crate) fn note(&self, words: &str) {
        println!("  {words}");
    }

    pub(crate) fn markdown(&self) {
        println!(
            "\n| what | goal | median | spread | beside it, in the same run |\n|---|---|---|---|---|"
        );
        for row in &self.rows {
            let mark = if row.missed { " **missed**" } else { "" };
            println!(
                "| {} | {} | {}{mark} | {} | {} |",
                row.what, row.goal, row.median, row.spread, row.beside
            );
        }
    }

    pub(crate) fn missed(&self) -> usize {
        self.rows.iter().filter(|row| row.missed).count()
    }
}
