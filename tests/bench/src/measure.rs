//! What the kernel says of a process, and medians.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

/// CPU time of all threads of a process that live, user and system.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).context("the process has gone")? {
        let text = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        let on_cpu = text
            .split_whitespace()
            .next()
            .and_then(|word| word.parse::<u64>().ok());
        nanos += on_cpu.unwrap_or_default();
    }
    Ok(Duration::from_nanos(nanos))
}

/// Resident memory in MiB: now (`VmRSS`) or at its peak (`VmHWM`).
pub(crate) fn memory(pid: u32, what: &str) -> Result<f64> {
    let status =
        fs::read_to_string(format!("/proc/{pid}/status")).context("the process has gone")?;
    let line = status
        .lines()
        .find(|line| line.starts_with(what))
        .context("no such line")?;
    let kib: f64 = line
        .split_whitespace()
        .nth(1)
        .context("no figure")?
        .parse()?;
    Ok(kib / 1024.0)
}

/// How many processes of the machine wanted a processor in the last minute.
pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("?").to_owned()
}

/// Figures of one kind, sorted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    pub(crate) fn new(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        Self(figures)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn p95(&self) -> f64 {
        let at = (self.0.len() * 95).div_ceil(100).saturating_sub(1);
        self.0.get(at).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn least(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn most(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }
}

/// By how much the figures grow from one to the next, by least squares.
pub(crate) fn slope(figures: &[f64]) -> f64 {
    let count = figures.len() as f64;
    let (middle_x, middle_y) = ((count - 1.0) / 2.0, figures.iter().sum::<f64>() / count);
    let (mut over, mut under) = (0.0, 0.0);
    for (x, y) in figures.iter().enumerate() {
        over += (x as f64 - middle_x) * (y - middle_y);
        under += (x as f64 - middle_x).powi(2);
    }
    if under > 0.0 { over / under } else { 0.0 }
}

pub(crate) fn millis_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}
