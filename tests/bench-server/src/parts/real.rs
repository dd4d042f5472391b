//! A real Asterisk with real phones: how long its event is on the way to a desktop, and whether it notices how many
//! desktops there are.

use super::{MANY, THOUSAND};
use crate::{
    firm::{Firm, following_all, pbx},
    loader::{Heard, Loader},
    measure::{Sample, cpu_with_ended},
    servers::Server,
    table::{Row, Table},
};
use anyhow::{Context as _, Result, ensure};
use std::{
    cell::RefCell,
    collections::HashSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use testkit::{Asterisk, Phones, asterisk, phones::RawCaller};
use wire::{Fact, Mine, ServerMessage};

/// The line that rings 101.
const LINE: &str = "74951230001";
const SOON: Duration = Duration::from_secs(30);
/// A call rings so long.
const RINGS: Duration = Duration::from_millis(250);
/// Calls whose way is measured, and over which Asterisk's time is taken.
const CALLS: usize = 15;

pub(super) fn run(runs: usize, table: &mut Table) -> Result<()> {
    let asterisk = Asterisk::start(&asterisk::Options::default())?;
    let _phones = Phones::start(&asterisk)?;
    let firm = Firm::small(MANY)?;
    let tables = pbx(asterisk.ami_addr().port(), "internal", 3);
    let server = Server::ours(&firm, &tables, "")?;
    let (mut p50, mut p99, mut alone, mut crowd) = (vec![], vec![], vec![], vec![]);
    for _ in 0..runs {
        alone.push(calls(&asterisk, &server, 1)?.1);
        let (way, _) = calls(&asterisk, &server, THOUSAND)?;
        p50.push(way.at(50));
        p99.push(way.at(99));
        crowd.push(calls(&asterisk, &server, MANY)?.1);
    }
    table.add(Row {
        goal: Some(50.0),
        note: format!("median {:.1} ms", Sample::new(p50).median()),
        ..Row::new(
            format!("real Asterisk: ring event read → call in a desktop of {THOUSAND}, p99"),
            "ms",
            &Sample::new(p99),
        )
    });
    let (alone, crowd) = (Sample::new(alone), Sample::new(crowd));
    let what = format!("Asterisk's CPU of a call with {MANY} desktops");
    table.add(Row {
        // What two runs with the same number of clients differ by.
        goal: Some(alone.median() * 1.15),
        note: format!(
            "with 1: {:.1} ms ({:.1} … {:.1}), {:.2} times",
            alone.median(),
            alone.least(),
            alone.most(),
            crowd.median() / alone.median()
        ),
        ..Row::new(what, "ms", &crowd)
    });
    Ok(())
}

/// Milliseconds from each ring event to each desktop of its person, and Asterisk's own milliseconds a call.
fn calls(asterisk: &Asterisk, server: &Server, clients: usize) -> Result<(Sample, f64)> {
    let mut loader = server.clients(clients, |_| following_all())?;
    loader.settle()?;
    let pid = asterisk.pid().context("Asterisk runs")?;
    let seen = RefCell::new(Seen::default());
    let before = cpu_with_ended(pid)?;
    for number in 0..CALLS {
        let caller = format!("+4420794{number:05}");
        std::thread::scope(|scope| {
            let calling = scope.spawn(|| -> Result<()> {
                let call = RawCaller::ring(asterisk, &caller, b"Bench", LINE, SOON)?;
                std::thread::sleep(RINGS);
                call.cancel()
            });
            let note = |heard: Heard<'_>| seen.borrow_mut().take(heard);
            loader.until(SOON, note, || calling.is_finished())?;
            calling
                .join()
                .map_err(|_| anyhow::anyhow!("the caller broke"))?
        })?;
        rest(&mut loader, &seen)?;
    }
    let used = cpu_with_ended(pid)? - before;
    let seen = seen.into_inner();
    let wanted = CALLS * clients.div_ceil(4);
    // Of a call that ends before its ringing is sent a desktop is told the end alone; few are so late.
    ensure!(
        clients > THOUSAND || seen.millis.len() * 100 >= wanted * 99,
        "{} of {wanted} rings came",
        seen.millis.len()
    );
    Ok((
        Sample::new(seen.millis),
        used.as_secs_f64() * 1e3 / CALLS as f64,
    ))
}

/// The same time after each call, whatever the number of clients.
fn rest(loader: &mut Loader, seen: &RefCell<Seen>) -> Result<()> {
    let until = std::time::Instant::now() + Duration::from_millis(150);
    while std::time::Instant::now() < until {
        loader.poll(Duration::from_millis(20), |heard| {
            seen.borrow_mut().take(heard)
        })?;
    }
    Ok(())
}

#[derive(Default)]
struct Seen {
    /// Client and call.
    rings: HashSet<(usize, String)>,
    millis: Vec<f64>,
}

impl Seen {
    fn take(&mut self, heard: Heard<'_>) {
        if memchr::memmem::find(heard.text, b"\"fact\":\"call\"").is_none() {
            return;
        }
        let Ok(message) = serde_json::from_slice::<ServerMessage>(heard.text) else {
            return;
        };
        let (ServerMessage::Changes { facts, .. } | ServerMessage::Snapshot { facts, .. }) =
            message
        else {
            return;
        };
        // Read whole, as a desktop has it now.
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        for fact in facts {
            let Fact::Call {
                key,
                value: Some(call),
            } = fact
            else {
                continue;
            };
            if call.mine == Mine::Ringing && self.rings.insert((heard.client, key)) {
                let read = Duration::from_micros(call.event_read_us);
                self.millis
                    .push(now.saturating_sub(read).as_secs_f64() * 1e3);
            }
        }
    }
}
