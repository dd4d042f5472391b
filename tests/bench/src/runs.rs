//! Clients run as processes, and the goals that ours are held to.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use crate::{
    clients::Kind,
    load::Load,
    measure::{Sample, cpu, load_average, memory, slope},
    pbx::{Blocked, Client, LAST, Pbx},
    rivals::Rivals,
    table::{Row, Table},
};

/// Runs of each figure; the clients take turns, so that whatever else the machine does falls on all.
pub(crate) const RUNS: usize = 5;
/// Asterisk with every class read at 60 calls a second sends 5,700.
const RATE: f64 = 60_000.0;
const WANTED_CPU: f64 = 1.0;
const WANTED_MEMORY: f64 = 16.0;
const WANTED_BLOCK: Duration = Duration::from_millis(50);
const WANTED_SLOPE: f64 = 1.0;
const MANY_CALLS: usize = 1_000_000;
const SAMPLE_EVERY: usize = 100_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// Whom to run.
#[derive(Clone, Copy)]
pub(crate) enum Who {
    Ours(Kind),
    Panoramisk,
    /// With the capacity that its makers chose, or another.
    AsteriskRs(Option<u32>),
}

impl Who {
    fn name(self) -> String {
        match self {
            Self::Ours(Kind::Bare) => "bare read (recv, memchr)".into(),
            Self::Ours(Kind::Framing) => "framing alone".into(),
            Self::Ours(Kind::Tracker) => "ours: decode + track".into(),
            Self::Ours(Kind::Link) => "ours: link + decode + track".into(),
            Self::Panoramisk => "panoramisk 1.4 (no tracker)".into(),
            Self::AsteriskRs(None) => "asterisk-rs-ami 0.8.0 (no tracker)".into(),
            Self::AsteriskRs(Some(capacity)) => {
                format!("asterisk-rs-ami 0.8.0, capacity {capacity}")
            }
        }
    }

    /// How many events it must say it has had.
    fn hears(self, load: &Load) -> u64 {
        let all = load.ends.len() as u64;
        match self {
            Self::Ours(Kind::Link) => all - load.noise,
            Self::Ours(_) | Self::Panoramisk | Self::AsteriskRs(_) => all,
        }
    }

    fn command(self, port: u16, rivals: &Rivals) -> Result<Command> {
        let port = port.to_string();
        let mut command = match self {
            Self::Ours(kind) => {
                let mut command = Command::new(own_program()?);
                command.args(["client", kind.name(), &port]);
                command
            }
            Self::Panoramisk => {
                let mut command = Command::new(&rivals.python);
                command.arg(&rivals.script).arg(&port);
                command
            }
            Self::AsteriskRs(capacity) => {
                let mut command = Command::new(&rivals.rust);
                command
                    .arg(&port)
                    .args(capacity.map(|capacity| capacity.to_string()));
                command
            }
        };
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        Ok(command)
    }
}

fn own_program() -> Result<PathBuf> {
    std::env::current_exe().context("the path of this program")
}

/// A client that runs and is logged in.
struct Running {
    child: Child,
    _input: ChildStdin,
    said: mpsc::Receiver<u64>,
    client: Client,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(who: Who, rivals: &Rivals) -> Result<Self> {
        let pbx = Pbx::start()?;
        let mut child = who
            .command(pbx.port()?, rivals)?
            .spawn()
            .with_context(|| who.name())?;
        let input = child.stdin.take().context("its input")?;
        let output = child.stdout.take().context("its output")?;
        let (sender, said) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let count = line
                    .strip_prefix("end ")
                    .and_then(|count| count.parse().ok());
                let _ = count.map(|count| sender.send(count));
            }
        });
        let logged_in = pbx.let_in().and_then(|mut client| {
            client.wait_ready()?;
            Ok(client)
        });
        match logged_in {
            Ok(client) => Ok(Self {
                child,
                _input: input,
                said,
                client,
            }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error).with_context(|| who.name())
            }
        }
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How many events it says it had, once it has had the last.
    fn end(&mut self) -> Result<u64> {
        self.client.say(LAST)?;
        self.said
            .recv_timeout(PATIENCE)
            .context("it did not come to the end")
    }
}

/// CPU, memory and losses over the whole recording, poured as fast as each client reads.
pub(crate) fn poured(runs: usize, load: &Load, rivals: &Rivals, table: &mut Table) -> Result<()> {
    let clients = [
        Who::Ours(Kind::Bare),
        Who::Ours(Kind::Framing),
        Who::Ours(Kind::Tracker),
        Who::Ours(Kind::Link),
        Who::Panoramisk,
        Who::AsteriskRs(None),
        Who::AsteriskRs(Some(2_000_000)),
    ];
    let events = load.ends.len() as u64;
    let mut figures = vec![(Vec::new(), Vec::new(), Vec::new()); clients.len()];
    for _ in 0..runs {
        for (who, (cpus, memories, losses)) in clients.iter().zip(&mut figures) {
            let mut running = Running::start(*who, rivals)?;
            let before = cpu(running.pid())?;
            running.client.pour(&load.bytes)?;
            let received = running.end()?;
            let spent = cpu(running.pid())?.saturating_sub(before);
            cpus.push(spent.as_secs_f64() * 1e6 / events as f64);
            memories.push(memory(running.pid(), "VmHWM")?);
            losses.push(who.hears(load).abs_diff(received) as f64);
        }
    }
    let medians: Vec<Sample> = figures
        .iter()
        .map(|(cpus, ..)| Sample::new(cpus.clone()))
        .collect();
    let (bare, tracker) = (medians[0].median(), medians[2].median());
    for ((who, cpus), (_, memories, losses)) in clients.iter().zip(&medians).zip(figures) {
        let (memories, losses) = (Sample::new(memories), Sample::new(losses));
        let is_ours = matches!(who, Who::Ours(Kind::Tracker | Kind::Link));
        let counts = !matches!(who, Who::Ours(Kind::Bare));
        let missed = is_ours
            && (cpus.median() > WANTED_CPU
                || losses.most() > 0.0
                || memories.most() > WANTED_MEMORY);
        let lost = match counts {
            true => format!(", lost {:.0} (most {:.0})", losses.median(), losses.most()),
            false => String::new(),
        };
        table.add(Row {
            what: format!("CPU an event, {}", who.name()),
            goal: if is_ours {
                "≤ 1.0 µs, ≤ 16 MiB, 0".into()
            } else {
                String::new()
            },
            median: format!("{:.3} µs", cpus.median()),
            spread: format!(
                "{:.3} to {:.3}, {} runs",
                cpus.least(),
                cpus.most(),
                cpus.len()
            ),
            beside: format!(
                "{:.1} × bare, {:.1} × ours; peak {:.1} MiB{lost}; load {}",
                cpus.median() / bare,
                cpus.median() / tracker,
                memories.median(),
                load_average()
            ),
            missed,
        });
    }
    Ok(())
}

/// A write for each event, 60,000 a second.
pub(crate) fn paced(runs: usize, load: &Load, rivals: &Rivals, table: &mut Table) -> Result<()> {
    let clients = [
        Who::Ours(Kind::Bare),
        Who::Ours(Kind::Link),
        Who::Panoramisk,
        Who::AsteriskRs(None),
    ];
    let mut figures = vec![Vec::new(); clients.len()];
    for _ in 0..runs {
        for (who, figures) in clients.iter().zip(&mut figures) {
            figures.push(pace(*who, load, rivals)?);
        }
    }
    for (who, runs) in clients.iter().zip(figures) {
        let longest = Sample::new(
            runs.iter()
                .map(|(blocked, ..)| blocked.longest.as_secs_f64() * 1e3)
                .collect(),
        );
        let rates = Sample::new(runs.iter().map(|(_, rate, _)| *rate).collect());
        let lost: u64 = runs.iter().filter_map(|(.., lost)| *lost).sum();
        let cut = runs.iter().filter(|(blocked, ..)| blocked.cut).count();
        let times: u64 = runs.iter().map(|(blocked, ..)| blocked.times).sum();
        let writes: u64 = runs.iter().map(|(blocked, ..)| blocked.writes).sum();
        let is_ours = matches!(who, Who::Ours(Kind::Link));
        let is_slow = rates.median() < RATE * 0.9;
        let lost = match who {
            Who::Ours(Kind::Bare) => String::new(),
            Who::Ours(_) | Who::Panoramisk | Who::AsteriskRs(_) => {
                format!(", lost {lost}, cut off {cut} times")
            }
        };
        let missed = is_ours
            && (longest.most() > WANTED_BLOCK.as_secs_f64() * 1e3
                || is_slow
                || cut > 0
                || !lost.contains("lost 0,"));
        table.add(Row {
            what: format!("longest blocked write, {}", who.name()),
            goal: if is_ours {
                "≤ 50 ms, 0 lost".into()
            } else {
                String::new()
            },
            median: format!("{:.1} ms", longest.median()),
            spread: format!(
                "{:.1} to {:.1}, {} runs",
                longest.least(),
                longest.most(),
                longest.len()
            ),
            beside: format!(
                "{times} of {writes} writes blocked at {:.0} events/s{lost}; load {}",
                rates.median(),
                load_average()
            ),
            missed,
        });
    }
    Ok(())
}

fn pace(who: Who, load: &Load, rivals: &Rivals) -> Result<(Blocked, f64, Option<u64>)> {
    let mut running = Running::start(who, rivals)?;
    let start = std::time::Instant::now();
    let blocked = running.client.pace(&load.bytes, &load.ends, RATE)?;
    let rate = blocked.writes as f64 / start.elapsed().as_secs_f64();
    if blocked.cut {
        return Ok((blocked, rate, None));
    }
    let received = running.end()?;
    Ok((blocked, rate, Some(who.hears(load).abs_diff(received))))
}

/// A million calls with fresh ids: memory must not remember them.
pub(crate) fn million(load: &mut Load, rivals: &Rivals, table: &mut Table) -> Result<()> {
    let who = Who::Ours(Kind::Link);
    let mut running = Running::start(who, rivals)?;
    let (mut calls, mut samples, mut rounds) = (0, Vec::new(), 0_u64);
    while calls < MANY_CALLS {
        load.renew(rounds as usize + 1);
        running.client.pour(&load.bytes)?;
        running.client.stay_in_touch()?;
        rounds += 1;
        calls += load.calls;
        if calls / SAMPLE_EVERY > samples.len() {
            samples.push(memory(running.pid(), "VmRSS")?);
        }
    }
    let received = running.end()?;
    let lost = (who.hears(load) * rounds).abs_diff(received);
    let growth = slope(&samples);
    let Some((first, last)) = samples.first().zip(samples.last()) else {
        bail!("no sample of memory");
    };
    table.add(Row {
        what: format!("memory over {calls} calls, {received} events"),
        goal: "≤ 1 MiB a 100,000".into(),
        median: format!("{growth:+.3} MiB"),
        spread: format!("{first:.1} to {last:.1} MiB"),
        beside: format!("lost {lost}; load {}", load_average()),
        missed: growth > WANTED_SLOPE || lost > 0,
    });
    Ok(())
}
