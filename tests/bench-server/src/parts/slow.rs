//! Clients that never read: what they cost the server, and those who do read.

use super::{
    Runs,
    fan_out::{Paced, paced},
};
use crate::{
    firm::{Firm, following_all},
    lamps::LAMPS,
    measure::{Sample, forget_peak, memory},
    servers::{Kind, Server},
    source::Source,
    table::{Row, Table},
};
use anyhow::Result;
use std::time::Duration;

const SLOW: usize = 50;
const READING: usize = 50;
const CHANGES: usize = 40_000;
/// Changed in one write.
const STEP: usize = 40;
const EVERY: Duration = Duration::from_millis(10);

pub(super) fn run(runs: usize, firm: &Firm, table: &mut Table) -> Result<()> {
    let (mut peak, mut ratio, mut p99) = (Runs::default(), Vec::new(), Vec::new());
    for _ in 0..runs {
        let without = one(Kind::Ours, firm, 0)?.0;
        let (with, grown) = one(Kind::Ours, firm, SLOW)?;
        peak.add(Kind::Ours, grown);
        p99.push(with.millis.at(99));
        ratio.push(with.millis.at(99) / without.millis.at(99));
    }
    // Once: they take half a minute each, and their memory is no close matter.
    for kind in [Kind::Ws, Kind::SocketIo] {
        peak.add(kind, one(kind, firm, SLOW)?.1);
    }
    let what = format!(
        "{SLOW} of {} never read, {CHANGES} changes: memory at most",
        SLOW + READING
    );
    table.add(Row {
        goal: Some(32.0),
        note: "the others once".into(),
        ..peak.row(what, "MiB")
    });
    table.add(Row {
        goal: Some(1.2),
        note: format!("p99 {:.1} ms", Sample::new(p99).median()),
        ..Row::new(
            "the same: p99 of those who read, to that without them",
            "times",
            &Sample::new(ratio),
        )
    });
    Ok(())
}

/// What those who read saw, and by how many MiB the server grew at most.
fn one(kind: Kind, firm: &Firm, slow: usize) -> Result<(Paced, f64)> {
    let source = Source::start()?;
    let server = Server::start(kind, firm, &source)?;
    let mut loader = server.clients(slow + READING, |_| following_all())?;
    loader.settle()?;
    loader.stop_reading(0..slow)?;
    forget_peak(server.pid())?;
    let before = memory(server.pid(), "VmRSS")?;
    let seen = paced(&server, &mut loader, &source, CHANGES * READING, || {
        source.pace(CHANGES / STEP, EVERY, |step| {
            (0..STEP).map(move |place| (step * STEP + place) % LAMPS)
        })
    })?;
    let peak = memory(server.pid(), "VmHWM")?;
    Ok((seen, (peak - before) / 1024.0))
}
