//! Event → phone system's socket → server → clients, with everybody following the same and with everybody following
//! something else.

use super::{MANY, Runs, THOUSAND};
use crate::{
    firm::{Firm, following},
    lamps::{LAMPS, Reader},
    loader::Loader,
    measure::{Sample, cpu, memory},
    servers::{Kind, Server},
    source::Source,
    table::{Row, Table},
};
use anyhow::{Result, ensure};
use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// Everything that was sent has come within this.
const LIMIT: Duration = Duration::from_secs(90);
/// Without a message for so long nothing comes any more.
const QUIET_NANOS: u64 = 1_000_000_000;
/// Lamps of a burst, each changed once and all in one write.
const BURST: usize = 200;
const BURSTS: usize = 3;
/// Lamps that each client follows where all follow something else.
const FOLLOWED: usize = 20;

#[derive(Default)]
struct Figures {
    memory: Runs,
    paced: Runs,
    p50: Runs,
    p99: Runs,
    burst: Runs,
    burst_rate: Runs,
    interest: Runs,
    laid_over: f64,
}

pub(super) fn run(runs: usize, firm: &Firm, table: &mut Table) -> Result<()> {
    for (clients, times, every) in [
        (THOUSAND, 50, Duration::from_millis(100)),
        (MANY, 20, Duration::from_millis(250)),
    ] {
        let mut figures = Figures::default();
        for _ in 0..runs {
            for kind in Kind::ALL {
                one(kind, firm, clients, (times, every), &mut figures)?;
            }
        }
        figures.tell(clients, every, table);
    }
    Ok(())
}

fn one(
    kind: Kind,
    firm: &Firm,
    clients: usize,
    (times, every): (usize, Duration),
    figures: &mut Figures,
) -> Result<()> {
    let source = Source::start()?;
    let server = Server::start(kind, firm, &source)?;
    // What the first client brings is there in a server without clients as well.
    server.clients(1, |_| following([0]))?.settle()?;
    let empty = memory(server.pid(), "VmRSS")?;
    let mut loader = server.clients(clients, |_| following([0]))?;
    loader.settle()?;
    let full = memory(server.pid(), "VmRSS")?;
    figures.memory.add(kind, (full - empty) / clients as f64);
    let paced = paced(&server, &mut loader, &source, times * clients, || {
        source.pace(times, every, |_| [0])
    })?;
    figures
        .paced
        .add(kind, paced.cpu_us / paced.deliveries as f64);
    figures.p50.add(kind, paced.millis.at(50));
    figures.p99.add(kind, paced.millis.at(99));
    if kind == Kind::Ours {
        let share = 1.0 - paced.deliveries as f64 / (times * clients) as f64;
        figures.laid_over = figures.laid_over.max(share * 100.0);
    }
    if clients > THOUSAND {
        return Ok(());
    }
    drop(loader);
    bursts(kind, &server, &source, clients, figures)?;
    interests(kind, &server, &source, clients, figures)
}

fn bursts(
    kind: Kind,
    server: &Server,
    source: &Source,
    clients: usize,
    figures: &mut Figures,
) -> Result<()> {
    let mut loader = server.clients(clients, |_| following(0..BURST))?;
    loader.settle()?;
    let start = Instant::now();
    let (mut cpu_us, mut deliveries) = (0.0, 0);
    for _ in 0..BURSTS {
        let burst = paced(server, &mut loader, source, BURST * clients, || {
            source.change(0..BURST)
        })?;
        ensure!(
            burst.deliveries == BURST * clients,
            "{} messages were lost",
            kind.name()
        );
        cpu_us += burst.cpu_us;
        deliveries += burst.deliveries;
    }
    figures.burst.add(kind, cpu_us / deliveries as f64);
    let rate = deliveries as f64 / start.elapsed().as_secs_f64();
    figures.burst_rate.add(kind, rate / 1e3);
    Ok(())
}

/// Lamps of a client that shares each of them with few others.
pub(crate) fn some(client: usize) -> impl Iterator<Item = usize> {
    (0..FOLLOWED).map(move |place| (client * FOLLOWED + place) % LAMPS)
}

fn interests(
    kind: Kind,
    server: &Server,
    source: &Source,
    clients: usize,
    figures: &mut Figures,
) -> Result<()> {
    const EVENTS: usize = 200;
    let mut loader = server.clients(clients, |client| following(some(client)))?;
    loader.settle()?;
    let each = match kind {
        Kind::Ours => clients * FOLLOWED / LAMPS,
        Kind::Ws | Kind::SocketIo => clients,
    };
    let paced = paced(server, &mut loader, source, EVENTS * each, || {
        // So far apart that none is changed twice.
        source.pace(EVENTS, Duration::from_millis(20), |event| {
            [event * 7 % LAMPS]
        })
    })?;
    ensure!(
        paced.deliveries == EVENTS * each,
        "{}: {} of {} messages came",
        kind.name(),
        paced.deliveries,
        EVENTS * each
    );
    figures.interest.add(kind, paced.cpu_us / EVENTS as f64);
    Ok(())
}

/// What a stretch of events cost.
pub(super) struct Paced {
    pub(super) cpu_us: f64,
    pub(super) deliveries: usize,
    /// From the event's way into the socket of the phone system to its client.
    pub(super) millis: Sample,
}

/// Lets events happen on a thread of their own and takes what comes of them.
pub(super) fn paced(
    server: &Server,
    loader: &mut Loader,
    source: &Source,
    expected: usize,
    events: impl FnOnce() -> Result<()> + Send,
) -> Result<Paced> {
    let (reader, got, last) = (
        Reader::default(),
        Cell::new(0),
        Cell::new(crate::measure::nanos()),
    );
    let mut millis = Vec::with_capacity(expected);
    let before = cpu(server.pid())?;
    std::thread::scope(|scope| {
        let sending = scope.spawn(events);
        loader.until(
            LIMIT,
            |heard| {
                reader.read(heard.text, |told| {
                    got.set(got.get() + 1);
                    let late = heard.at.saturating_sub(source.lamps.sent(told));
                    millis.push(late as f64 / 1e6);
                });
                last.set(heard.at);
            },
            || {
                let is_quiet = crate::measure::nanos().saturating_sub(last.get()) > QUIET_NANOS;
                sending.is_finished() && (got.get() >= expected || is_quiet)
            },
        )?;
        sending
            .join()
            .map_err(|_| anyhow::anyhow!("the phone system broke"))?
    })?;
    ensure!(got.get() > 0, "nothing came");
    Ok(Paced {
        cpu_us: (cpu(server.pid())? - before).as_secs_f64() * 1e6,
        deliveries: got.get(),
        millis: Sample::new(millis),
    })
}

impl Figures {
    fn tell(&self, clients: usize, every: Duration, table: &mut Table) {
        let pace = format!("{} events/s to {clients}", 1_000 / every.as_millis().max(1));
        table.add(Row {
            goal: Some(5.0),
            ..self
                .memory
                .row(format!("memory of one of {clients} connections"), "KiB")
        });
        table.add(Row {
            goal: Some(8.0),
            note: format!("{:.1} % laid over by a newer one", self.laid_over),
            ..self.paced.row(format!("CPU of a delivery, {pace}"), "µs")
        });
        for (name, figures) in [("median", &self.p50), ("p99", &self.p99)] {
            table.add(Row {
                as_ws: true,
                ..figures.row(format!("event → client, {pace}, {name}"), "ms")
            });
        }
        if clients > THOUSAND {
            return;
        }
        table.add(Row {
            goal: Some(2.0),
            ..self.burst.row(
                format!("CPU of a delivery, {BURST} lamps at once to {clients}"),
                "µs",
            )
        });
        let rate = self.burst_rate.row("the same, deliveries a second", "k/s");
        table.add(rate);
        let what = format!("CPU of an event, each of {clients} follows {FOLLOWED} of {LAMPS}");
        table.add(Row {
            as_ws: true,
            note: "the others tell everybody".into(),
            ..self.interest.row(what, "µs")
        });
    }
}
