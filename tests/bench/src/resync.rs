//! The engine after a lost link: how long until a reader of its feed knows 2,000 channels again.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::mpsc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use contacts::Directory;
use engine::{
    Command, Config, Connection, Desk as DeskSettings, Fact, Handle, Handling, Pbx as Settings,
    Placing, Subject, Tls, Updates,
};
use phone_number::{DialPlan, Region};
use tokio::time::timeout;

use crate::{
    measure::{Sample, load_average, millis_since},
    pbx::{Lists, Pbx},
    table::{Row, Table},
};

const CALLS: usize = 1_000;
const RUNS: usize = 20;
const WANTED: f64 = 300.0;
const SOON: Duration = Duration::from_secs(30);

/// From the engine's first question after the login to the moment at which a reader holds all calls as certain again.
pub(crate) fn run(table: &mut Table) -> Result<()> {
    let lists = lists();
    let bytes: usize = lists.values().map(String::len).sum();
    let pbx = Pbx::start()?;
    let port = pbx.port()?;
    let (asked, began) = mpsc::channel();
    let (known, cut) = mpsc::channel();
    let server = std::thread::spawn(move || serve(&pbx, &lists, &asked, &cut));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // The server cuts the link, not the end of the runtime.
    let (figures, _desk) = {
        let _inside = runtime.enter();
        let desk = Desk::connect(port)?;
        (runtime.block_on(resyncs(&desk, &began, &known))?, desk)
    };
    drop(known);
    server
        .join()
        .map_err(|_| anyhow::anyhow!("the server panicked"))??;
    let sample = Sample::new(figures);
    table.add(Row {
        what: format!("resync, {} channels in {CALLS} calls", 2 * CALLS),
        goal: "≤ 300 ms".into(),
        median: format!("{:.1} ms", sample.median()),
        spread: format!("p95 {:.1}, {} runs", sample.p95(), sample.len()),
        beside: format!(
            "{bytes} bytes of lists, from the question to the reader of the feed; load {}",
            load_average()
        ),
        missed: sample.median() > WANTED,
    });
    Ok(())
}

/// Lets the engine in again and again; the link is cut whenever it knows everything.
fn serve(
    pbx: &Pbx,
    lists: &Lists,
    asked: &mpsc::Sender<Instant>,
    cut: &mpsc::Receiver<()>,
) -> Result<()> {
    for _ in 0..RUNS {
        let mut client = pbx.let_in()?;
        let mut is_first = true;
        loop {
            match cut.try_recv() {
                Ok(()) => break,
                Err(mpsc::TryRecvError::Disconnected) => return Ok(()),
                Err(mpsc::TryRecvError::Empty) => {}
            }
            let Some(action) = client.hear_within(Duration::from_millis(5))? else {
                continue;
            };
            if std::mem::take(&mut is_first) {
                asked.send(Instant::now())?;
            }
            client.answer_action(&action, lists)?;
        }
    }
    Ok(())
}

async fn resyncs(
    desk: &Desk,
    began: &mpsc::Receiver<Instant>,
    known: &mpsc::Sender<()>,
) -> Result<Vec<f64>> {
    let mut reader = desk.handle.feed().subscribe();
    let mut calls = BTreeMap::new();
    let mut figures = Vec::new();
    for _ in 0..RUNS {
        loop {
            let there = timeout(SOON, reader.changed())
                .await
                .context("the engine tells nothing")?;
            ensure!(there, "the engine has ended");
            let pulled = reader.pull(usize::MAX);
            if pulled.from_nothing {
                calls.clear();
            }
            for (subject, fact) in pulled.changes {
                match (subject, fact) {
                    (Subject::Call(id), Some(Fact::Call(call))) => {
                        calls.insert(id, call.certain && call.ended.is_none());
                    }
                    (Subject::Call(id), _) => {
                        calls.remove(&id);
                    }
                    // The wait before the next attempt is none of what is measured.
                    (Subject::Connection, Some(Fact::Connection(connection)))
                        if matches!(*connection, Connection::Away { .. }) =>
                    {
                        desk.handle.send(Command::RetryNow)?;
                    }
                    _ => {}
                }
            }
            if calls.len() == CALLS && calls.values().all(|certain| *certain) {
                break;
            }
        }
        figures.push(millis_since(
            began.try_recv().context("known before it was asked for")?,
        ));
        // What is certain becomes uncertain with the link.
        known.send(())?;
        calls.values_mut().for_each(|certain| *certain = false);
    }
    Ok(figures)
}

/// The engine with nobody's book.
struct Desk {
    handle: Handle,
    _updates: Updates,
}

impl Desk {
    fn connect(port: u16) -> Result<Self> {
        let (handle, updates) = engine::spawn(nobody());
        let config = Config {
            pbx: Settings {
                host: "127.0.0.1".into(),
                port,
                tls: Tls::Off,
                user: "bench".into(),
                secret: "bench".to_owned().into(),
                charset: String::new(),
            },
            desk: DeskSettings {
                extension: "101".into(),
                channel: "PJSIP/101".into(),
                context: "internal".into(),
                placing: Placing::default(),
                handling: Handling::default(),
                dial_plan: DialPlan::new(Region::GB),
            },
        };
        handle
            .send(Command::Configure(Box::new(config)))
            .context("configure")?;
        Ok(Self {
            handle,
            _updates: updates,
        })
    }
}

/// A thousand callers from outside who talk with a thousand people.
fn lists() -> Lists {
    let (mut channels, mut bridges) = (String::new(), String::new());
    for call in 0..CALLS {
        let bridge = format!("{call:08x}-1111-2222-3333-444444444444");
        let (first, second) = (2 * call, 2 * call + 1);
        let extension = 2000 + call;
        let number = format!("+7916{call:07}");
        for (id, name, context, caller, connected, application, data) in [
            (
                first,
                format!("PJSIP/trunk-{first:08x}"),
                "from-trunk",
                number.clone(),
                extension.to_string(),
                "Dial",
                format!("PJSIP/{extension},20"),
            ),
            (
                second,
                format!("PJSIP/{extension}-{second:08x}"),
                "internal",
                extension.to_string(),
                number,
                "AppDial",
                "(Outgoing Line)".to_owned(),
            ),
        ] {
            let _ = write!(
                channels,
                "Event: CoreShowChannel\r\nChannel: {name}\r\nChannelState: 6\r\nChannelStateDesc: Up\r\n\
                 CallerIDNum: {caller}\r\nCallerIDName: <unknown>\r\nConnectedLineNum: {connected}\r\n\
                 ConnectedLineName: <unknown>\r\nLanguage: en\r\nAccountCode: \r\nContext: {context}\r\n\
                 Exten: {extension}\r\nPriority: 1\r\nUniqueid: lab-1795228390.{id}\r\n\
                 Linkedid: lab-1795228390.{first}\r\nApplication: {application}\r\nApplicationData: {data}\r\n\
                 Duration: 00:00:42\r\nBridgeId: {bridge}\r\n\r\n"
            );
        }
        let _ = write!(
            bridges,
            "Event: BridgeListItem\r\nBridgeUniqueid: {bridge}\r\nBridgeType: basic\r\n\
             BridgeTechnology: simple_bridge\r\nBridgeCreator: <unknown>\r\nBridgeName: <unknown>\r\n\
             BridgeNumChannels: 2\r\n\r\n"
        );
    }
    Lists::from([("CoreShowChannels", channels), ("BridgeList", bridges)])
}

/// A directory that asks nobody.
fn nobody() -> Directory {
    Directory::new(contacts::directory::Settings::new(DialPlan::new(
        Region::RU,
    )))
}
