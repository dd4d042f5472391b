//! The loop that owns everything: one tick at a time, none of which waits.

use crate::{
    Command, Config, Connection, DeskId, Pbx, TestReport, Update,
    engine::Engine,
    feed::Board,
    link::{after, link_config},
    log::Log,
    probe,
};
use ami_client::{Link, LinkConfig, LinkEvent};
use calls::Seed;
use contacts::{Changed, Directory, Listener};
use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{sync::mpsc, task::JoinSet, time::sleep_until};
use tracing::warn;

/// Tests of settings at the same time: more are a stuck key.
const PROBES: usize = 4;

/// What wakes the loop.
enum Tick {
    Command(Option<(DeskId, Command)>),
    /// The directory may say something new of these numbers.
    People(Changed),
    Tested(u64, TestReport),
    /// The reader of the updates took one; `false`: there is no reader any more.
    Room(bool),
    Timeout,
    /// A reader of the feed is done with what the engine wanted, or the first one has come.
    Feed,
    /// There may be room in the call log to say what is missing there.
    Log,
    /// The link said something, and the engine has heard it.
    Link,
}

/// What the loop reads and writes, besides the PBX.
pub(crate) struct Ends {
    pub(crate) directory: Directory,
    pub(crate) commands: mpsc::Receiver<(DeskId, Command)>,
    pub(crate) updates: mpsc::Sender<(DeskId, Update)>,
    pub(crate) board: Board,
    pub(crate) log: Log,
}

pub(crate) async fn run(ends: Ends) {
    let people = ends.directory.listen();
    let engine = Engine::new(seed(), ends.directory, ends.board, ends.log);
    Run {
        engine,
        link: None,
        probes: JoinSet::new(),
        commands: ends.commands,
        people,
        updates: ends.updates,
    }
    .run()
    .await;
}

struct Run {
    engine: Engine,
    link: Option<Link>,
    probes: JoinSet<(u64, TestReport)>,
    commands: mpsc::Receiver<(DeskId, Command)>,
    people: Listener,
    updates: mpsc::Sender<(DeskId, Update)>,
}

impl Run {
    async fn run(mut self) {
        loop {
            let tick = self.tick().await;
            let goes_on = self.take(tick);
            self.send_wanted();
            self.engine.publish();
            self.flush();
            if !goes_on {
                return;
            }
        }
    }

    /// Commands first: a click does not queue behind a flood of events. The link last, since it alone can be endless.
    async fn tick(&mut self) -> Tick {
        let Self {
            engine,
            link,
            probes,
            commands,
            people,
            updates,
        } = self;
        let due = engine.poll_timeout();
        let has_more = !engine.outbox().is_empty();
        let feed = engine.board().room();
        let log = engine.log().room();
        tokio::select! {
            biased;
            command = commands.recv() => Tick::Command(command),
            changed = people.changed() => Tick::People(changed),
            Some(Ok((key, report))) = probes.join_next(), if !probes.is_empty() => Tick::Tested(key, report),
            room = updates.reserve(), if has_more => Tick::Room(room.is_ok()),
            () = reach(due), if due.is_some() => Tick::Timeout,
            () = feed.notified() => Tick::Feed,
            () = wait(log) => Tick::Log,
            () = hear(link, engine) => Tick::Link,
        }
    }

    /// False when all is over.
    fn take(&mut self, tick: Tick) -> bool {
        let now = now();
        match tick {
            Tick::Command(None | Some((_, Command::Shutdown))) | Tick::Room(false) => return false,
            Tick::Command(Some((desk, command))) => self.command(desk, command, now),
            Tick::People(changed) => self.engine.people_changed(&changed, now),
            Tick::Tested(key, report) => self.tell(Update::Tested { key, report }),
            Tick::Timeout => self.engine.handle_timeout(now),
            Tick::Log => self.engine.log().tell_lost(),
            Tick::Room(true) | Tick::Feed | Tick::Link => {}
        }
        true
    }

    fn command(&mut self, desk: DeskId, command: Command, now: Instant) {
        match command {
            Command::Configure(config) => self.configure(*config, now),
            Command::Connect(pbx) => self.connect(*pbx, now),
            Command::Disconnect => {
                self.link = None;
                self.engine.disconnect(now);
            }
            Command::Test { key, config } => self.test(key, *config),
            Command::RetryNow => {
                if let Some(link) = &mut self.link {
                    link.retry_now();
                }
            }
            other @ (Command::Seat(_)
            | Command::Dial { .. }
            | Command::Cancel { .. }
            | Command::HangUp { .. }
            | Command::Order { .. }
            | Command::WhoIs { .. }
            | Command::Shutdown) => self.engine.command(desk, other, now),
        }
    }

    fn configure(&mut self, config: Config, now: Instant) {
        let link = link_config(&config.pbx);
        let is_new = self.engine.configure(config, now);
        self.make_link(link, is_new, now);
    }

    fn connect(&mut self, pbx: Pbx, now: Instant) {
        let link = link_config(&pbx);
        let is_new = self.engine.connect(pbx, now);
        self.make_link(link, is_new, now);
    }

    fn make_link(&mut self, link: Result<LinkConfig, String>, is_new: bool, now: Instant) {
        match (link, &mut self.link) {
            (Ok(_), Some(_)) if !is_new => {}
            (Ok(wanted), Some(link)) => link.reconfigure(wanted),
            (Ok(wanted), none @ None) => *none = Some(Link::new(wanted)),
            (Err(words), _) => {
                self.link = None;
                self.engine.link_down(Connection::Refused { words }, now);
            }
        }
    }

    fn test(&mut self, key: u64, config: Config) {
        if self.probes.len() >= PROBES {
            warn!("too many tests of settings at once");
            let report = probe::too_many();
            return self.tell(Update::Tested { key, report });
        }
        self.probes
            .spawn(async move { (key, probe::probe(&config, random()).await) });
    }

    fn tell(&mut self, update: Update) {
        self.engine.outbox().put(DeskId::OWN, update);
    }

    fn send_wanted(&mut self) {
        while let Some(wanted) = self.engine.next_wanted() {
            let sent = match &mut self.link {
                Some(link) => link.send(&wanted.action),
                None => Err(ami_client::SendError::NotConnected),
            };
            match sent {
                Ok(id) => self.engine.sent(id, wanted.purpose, now()),
                Err(why) => self.engine.not_sent(&wanted.purpose, &why, now()),
            }
        }
    }

    fn flush(&mut self) {
        while !self.engine.outbox().is_empty()
            && let Ok(room) = self.updates.try_reserve()
            && let Some(update) = self.engine.outbox().take()
        {
            room.send(update);
        }
    }
}

/// The clock that tests can move.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// One thing from the link, handed to the engine while it is borrowed.
async fn hear(link: &mut Option<Link>, engine: &mut Engine) {
    let Some(link) = link else {
        return std::future::pending().await;
    };
    let event = link.next().await;
    let read = now();
    match event {
        LinkEvent::Connecting { attempt } => engine.connecting(attempt),
        LinkEvent::Up { asterisk } => engine.up(asterisk),
        LinkEvent::Session(event) => engine.session(&event, read),
        LinkEvent::Lag(lag) => engine.lag(lag, read),
        LinkEvent::Down { why, retry_in } => engine.link_down(after(&why, retry_in), read),
    }
}

async fn wait(room: Option<impl Future<Output = ()>>) {
    match room {
        Some(room) => room.await,
        None => std::future::pending().await,
    }
}

async fn reach(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

fn seed() -> Seed {
    let (at, unix_ms) = clock();
    Seed {
        unix_ms,
        at,
        random: random(),
    }
}

/// Now, and the same in milliseconds since 1970.
pub(crate) fn clock() -> (Instant, u64) {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let unix_ms = u64::try_from(since.as_millis()).unwrap_or_default();
    (now(), unix_ms)
}

/// The standard library's only source of randomness; two programs must not share their ids.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
