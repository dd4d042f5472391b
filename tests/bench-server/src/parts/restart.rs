//! The server ends and comes back, and all its clients with it.

use super::MANY;
use crate::{
    firm::{Firm, following},
    measure::Sample,
    parts::fan_out::some,
    servers::{Kind, Server},
    source::Source,
    table::{Row, Table},
};
use anyhow::Result;
use std::time::Instant;

pub(super) fn run(runs: usize, firm: &Firm, table: &mut Table) -> Result<()> {
    let (mut all, mut since_ready) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let source = Source::start()?;
        let mut server = Server::start(Kind::Ours, firm, &source)?;
        let loader = server.clients(MANY, |client| following(some(client)))?;
        let start = Instant::now();
        server.restart(firm)?;
        drop(loader);
        let ready = Instant::now();
        server.clients(MANY, |client| following(some(client)))?;
        all.push(start.elapsed().as_secs_f64());
        since_ready.push(ready.elapsed().as_secs_f64());
    }
    table.add(Row {
        goal: Some(10.0),
        note: format!(
            "of it since the port is open {:.1} s",
            Sample::new(since_ready).median()
        ),
        ..Row::new(
            format!("restart: {MANY} clients in sync again"),
            "s",
            &Sample::new(all),
        )
    });
    Ok(())
}
