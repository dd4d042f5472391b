//! A person's desk for tests: the engine with a contact book, and what it told.
#![allow(
    dead_code,
    clippy::wildcard_enum_match_arm,
    reason = "no test needs all of it, and each looks for one thing among many"
)]

use ami::Uniqueid;
use calls::Call;
use contacts::{Book, BookSource, Directory, directory::Settings, watch::Watched};
use engine::{
    CallId, CallUpdate, Command, Config, Connection, DialUpdate, End, Fact, Handle, Order, Outcome,
    Pbx, Placing, Progress, Subject, Subscription, Tls, Update, Updates, spawn,
};
use phone_number::{DialPlan, Dialable, Region, Tones};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use testkit::{
    Asterisk,
    asterisk::{ManagerUser, Options},
    phones::Phones,
};
use tokio::{sync::watch, time::timeout};

pub(crate) const SOON: Duration = Duration::from_secs(8);

pub(crate) fn start() -> (Asterisk, Phones) {
    let asterisk = Asterisk::start(&Options::default()).expect("an Asterisk");
    let phones = Phones::start(&asterisk).expect("phones");
    (asterisk, phones)
}

pub(crate) fn config(asterisk: &Asterisk, user: ManagerUser) -> Config {
    let address = asterisk.ami_addr();
    Config {
        pbx: Pbx {
            host: address.ip().to_string(),
            port: address.port(),
            tls: Tls::Off,
            user: user.name.into(),
            secret: user.secret.to_owned().into(),
            charset: String::new(),
        },
        desk: engine::Desk {
            extension: "101".into(),
            channel: "PJSIP/101".into(),
            context: "internal".into(),
            dial_plan: DialPlan {
                outside_prefix: "9".into(),
                ..DialPlan::new(Region::RU)
            },
            placing: Placing::default(),
            handling: engine::Handling::default(),
        },
    }
}

pub(crate) fn is_over(dial: &DialUpdate) -> bool {
    ended_as(dial).is_some()
}

pub(crate) fn ended_as(dial: &DialUpdate) -> Option<End> {
    match dial.progress {
        Progress::Ended { end, .. } => Some(end),
        _ => None,
    }
}

/// How often a phone was called.
pub(crate) fn calls_at(phones: &Phones, extension: &str) -> usize {
    let is_call =
        |what: &testkit::phones::What| matches!(what, testkit::phones::What::Incoming { .. });
    phones
        .events()
        .iter()
        .filter(|event| event.phone == extension && is_call(&event.what))
        .count()
}

pub(crate) struct Desk {
    handle: Handle,
    updates: Updates,
    seen: Vec<Update>,
    reader: Subscription<Subject, Fact>,
    facts: BTreeMap<Subject, Fact>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let csv = "Name,Company,Phone\nAda Lovelace,Analytical Engines Ltd,+7 916 123-45-67\n";
        let plan = DialPlan::new(Region::RU);
        let (book, _) =
            Book::parse(csv.as_bytes(), Path::new("people.csv"), &plan).expect("a book");
        let (_, watched) = watch::channel(Arc::new(Watched {
            book: Arc::new(book),
            ..Watched::default()
        }));
        let directory = Directory::new(Settings::new(plan));
        let book = BookSource::new("contacts".into(), "people.csv".into(), watched);
        directory.set_sources(vec![Arc::new(book)]);
        let (handle, updates) = spawn(directory);
        Self {
            reader: handle.feed().subscribe(),
            facts: BTreeMap::new(),
            handle,
            updates,
            seen: Vec::new(),
        }
    }

    /// Connected, and knows that its phone is registered.
    pub(crate) async fn connect(asterisk: &Asterisk, user: ManagerUser) -> Self {
        Self::connect_with(config(asterisk, user)).await
    }

    /// The same, with calls placed in a way of one's own.
    pub(crate) async fn connect_with(config: Config) -> Self {
        let mut desk = Self::new();
        desk.send(Command::Configure(Box::new(config)));
        desk.connected().await;
        desk.until(
            |update| matches!(update, Update::Phone(phone) if phone.registered == Some(true)),
        )
        .await;
        desk
    }

    pub(crate) async fn connected(&mut self) {
        self.until(|update| matches!(update, Update::Connection(Connection::Connected { .. })))
            .await;
    }

    pub(crate) fn send(&self, command: Command) {
        self.handle
            .send(command)
            .expect("the engine takes commands");
    }

    pub(crate) fn dial(&self, dial: &str, number: &str) {
        self.dial_as(dial, number, number);
    }

    /// `target` is what is dialled for `number`.
    pub(crate) fn dial_as(&self, dial: &str, target: &str, number: &str) {
        let target = Dialable::new(target).expect("dialable");
        self.send(Command::Dial {
            dial: dial.into(),
            target,
            number: number.into(),
            tones: None,
            asked: Instant::now(),
        });
    }

    pub(crate) fn dial_with_tones(&self, dial: &str, target: &str, tones: &str) {
        self.send(Command::Dial {
            dial: dial.into(),
            target: Dialable::new(target).expect("dialable"),
            number: target.into(),
            tones: Some(Tones::new(tones).expect("tones")),
            asked: Instant::now(),
        });
    }

    /// The call that was told of last.
    pub(crate) fn last_call(&self) -> CallUpdate {
        let call = |update: &Update| match update {
            Update::Call(call) => Some((**call).clone()),
            _ => None,
        };
        self.seen.iter().rev().find_map(call).expect("a call")
    }

    /// Waits until what the engine's feed has shown is as wanted. Another connection may know it sooner.
    pub(crate) async fn until_known(&mut self, wanted: impl Fn(&BTreeMap<Subject, Fact>) -> bool) {
        let (reader, facts) = (&mut self.reader, &mut self.facts);
        let found = timeout(SOON, async {
            loop {
                let pulled = reader.pull(usize::MAX);
                if pulled.from_nothing {
                    facts.clear();
                }
                for (subject, fact) in pulled.changes {
                    match fact {
                        Some(fact) => facts.insert(subject, fact),
                        None => facts.remove(&subject),
                    };
                }
                if wanted(facts) {
                    return;
                }
                assert!(reader.changed().await, "the engine runs");
            }
        });
        found.await.expect("told in time");
    }

    /// Waits until a call is as wanted.
    pub(crate) async fn until_call(&mut self, id: CallId, wanted: impl Fn(&Call) -> bool) {
        let is_it = |fact: Option<&Fact>| matches!(fact, Some(Fact::Call(call)) if wanted(call));
        self.until_known(|facts| is_it(facts.get(&Subject::Call(id))))
            .await;
    }

    /// Waits until a channel is in a conference room, or no longer.
    pub(crate) async fn until_member(&mut self, member: &Uniqueid, is_there: bool) {
        let is_in = |fact: &Fact| matches!(fact, Fact::Room(room) if room.members.contains(member));
        self.until_known(|facts| facts.values().any(is_in) == is_there)
            .await;
    }

    /// Orders something of the current call, and says what became of it.
    pub(crate) async fn order(&mut self, order: &str, what: Order) -> Outcome {
        self.order_of(order, None, what).await
    }

    pub(crate) async fn order_of(
        &mut self,
        order: &str,
        call: Option<CallId>,
        what: Order,
    ) -> Outcome {
        self.send(Command::Order {
            order: order.into(),
            call,
            what,
        });
        let is_it = |update: &Update| matches!(update, Update::Order { order: told, .. } if told.0 == order);
        match self.until(is_it).await {
            Update::Order { outcome, .. } => outcome,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn until(&mut self, wanted: impl Fn(&Update) -> bool) -> Update {
        let found = timeout(SOON, async {
            loop {
                let (_, update) = self.updates.next().await.expect("the engine runs");
                self.seen.push(update.clone());
                if wanted(&update) {
                    return update;
                }
            }
        });
        match found.await {
            Ok(update) => update,
            Err(_) => panic!("not told in time; before: {:#?}", self.seen),
        }
    }

    pub(crate) async fn dial_until(
        &mut self,
        id: &str,
        wanted: impl Fn(&DialUpdate) -> bool,
    ) -> DialUpdate {
        let is_it = |update: &Update| matches!(update, Update::Dial(dial) if dial.dial.0 == id && wanted(dial));
        match self.until(is_it).await {
            Update::Dial(dial) => *dial,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn call_until(&mut self, wanted: impl Fn(&CallUpdate) -> bool) -> CallUpdate {
        match self
            .until(|update| matches!(update, Update::Call(call) if wanted(call)))
            .await
        {
            Update::Call(call) => *call,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn test(&mut self, config: Config) -> engine::TestReport {
        self.send(Command::Test {
            key: 7,
            config: Box::new(config),
        });
        match self
            .until(|update| matches!(update, Update::Tested { .. }))
            .await
        {
            Update::Tested { report, .. } => report,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn steps(&self) -> Vec<Progress> {
        let step = |update: &Update| match update {
            Update::Dial(dial) => Some(dial.progress.clone()),
            _ => None,
        };
        self.seen.iter().filter_map(step).collect()
    }
}
