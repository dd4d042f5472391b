//! The short form: nothing is timed, everything is counted. Who follows a lamp is told of each change, nobody else is,
//! and nothing is lost.

use crate::{
    firm::{Firm, following},
    lamps::{LAMPS, Reader, Told},
    servers::{Kind, Server},
    source::Source,
};
use anyhow::{Result, ensure};
use std::{cell::RefCell, time::Duration};

const CLIENTS: usize = 200;
/// Lamps of each client, besides the first one.
const OWN: usize = 5;
const LIMIT: Duration = Duration::from_secs(60);

fn follows(client: usize, lamp: usize) -> bool {
    lamp == 0 || own(client).any(|own| own == lamp)
}

fn own(client: usize) -> impl Iterator<Item = usize> {
    (0..OWN).map(move |place| 1 + (client * OWN + place) % (LAMPS - 1))
}

/// # Errors
/// A count is not what it must be.
pub(crate) fn run() -> Result<()> {
    let firm = Firm::large(CLIENTS)?;
    for kind in Kind::ALL {
        let source = Source::start()?;
        let server = Server::start(kind, &firm, &source)?;
        let mut loader = server.clients(CLIENTS, |client| {
            following(std::iter::once(0).chain(own(client)))
        })?;
        loader.settle()?;
        let (reader, heard) = (Reader::default(), RefCell::new(Vec::new()));
        let mut expected = 0;
        // One at a time, so that none is laid over by the next; then all at once.
        for step in [vec![0], vec![0], vec![0], (0..LAMPS).collect()] {
            let followers = |lamp: &usize| match kind {
                Kind::Ours => (0..CLIENTS)
                    .filter(|client| follows(*client, *lamp))
                    .count(),
                Kind::Ws | Kind::SocketIo => CLIENTS,
            };
            expected += step.iter().map(followers).sum::<usize>();
            source.change(step)?;
            let note = |message: crate::loader::Heard<'_>| {
                let note = |told: Told| heard.borrow_mut().push((message.client, told));
                reader.read(message.text, note);
            };
            loader.until(LIMIT, note, || heard.borrow().len() >= expected)?;
        }
        loader.settle()?;
        let heard = heard.into_inner();
        ensure!(
            heard.len() == expected,
            "{}: {} of {expected} came",
            kind.name(),
            heard.len()
        );
        let mut last = std::collections::HashMap::new();
        for (client, told) in heard {
            let is_right = kind != Kind::Ours || follows(client, told.lamp);
            ensure!(is_right, "client {client} was told of lamp {}", told.lamp);
            last.insert((client, told.lamp), told);
        }
        let is_newest = last.values().all(|told| source.lamps.is_newest(*told));
        ensure!(
            is_newest,
            "{}: somebody was told of the newest first",
            kind.name()
        );
        println!(
            "{}: {expected} told to {CLIENTS} clients, none lost, to followers only",
            kind.name()
        );
    }
    Ok(())
}
