//! What the kernel says of a process, medians, and one clock for all.

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::{
    fs,
    sync::OnceLock,
    time::{Duration, Instant},
};

/// Files that 5,000 connections and some programs need.
const OPEN_FILES: u64 = 12_000;

/// Lets this process and those it starts open enough files.
///
/// # Errors
/// The machine's hard limit is lower.
pub(crate) fn raise_open_files() -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX);
    ensure!(
        most >= OPEN_FILES,
        "only {most} open files are allowed here, {OPEN_FILES} are needed: raise `ulimit -n`"
    );
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("raise the limit of open files")
}

/// Nanoseconds since the bench began.
pub(crate) fn nanos() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = START.get_or_init(Instant::now);
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// CPU time of all threads of a process that live, user and system.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).context("the process has gone")? {
        let text = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        let on_cpu = text.split_whitespace().next();
        nanos += on_cpu
            .and_then(|word| word.parse::<u64>().ok())
            .unwrap_or_default();
    }
    Ok(Duration::from_nanos(nanos))
}

/// CPU time of a process since its start, with the threads that have ended; in steps of 10 ms.
pub(crate) fn cpu_with_ended(pid: u32) -> Result<Duration> {
    const TICK: Duration = Duration::from_millis(10);
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).context("the process has gone")?;
    let (_, fields) = text.rsplit_once(')').context("no name in stat")?;
    let times: Vec<u32> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|word| word.parse().ok())
        .collect();
    ensure!(times.len() == 2, "no times in stat");
    Ok(TICK * times.iter().sum::<u32>())
}

/// Resident memory in KiB: now (`VmRSS`) or at its peak (`VmHWM`).
pub(crate) fn memory(pid: u32, what: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"));
    let status = status.context("the process has gone")?;
    let line = status.lines().find(|line| line.starts_with(what));
    let figure = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(figure.context("no such line")?.parse()?)
}

/// The peak begins anew.
pub(crate) fn forget_peak(pid: u32) -> Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").context("reset the peak of memory")
}

/// How many processes of the machine wanted a processor in the last minute.
pub(crate) fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split_whitespace().next();
    first.and_then(|word| word.parse().ok()).unwrap_or(f64::NAN)
}

/// Figures of one kind, sorted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    pub(crate) fn new(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        Self(figures)
    }

    pub(crate) fn median(&self) -> f64 {
        self.at(50)
    }

    /// The least figure that so many percent do not exceed; NaN of nothing.
    pub(crate) fn at(&self, percent: usize) -> f64 {
        let place = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(place).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn least(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn most(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
