//! A person's desk for tests: the engine with a contact book, and what it told.
#![allow(
    dead_code,
    clippy::wildcard_enum_match_arm,
    reason = "no test needs all of it, and each looks for one thing among many"
)]

use ami::Uniqueid;
use contacts::Book;
use engine::{
    CallId, CallUpdate, Command, Config, Connection, DialUpdate, End, Fact, Handle, Order, Outcome,
    Pbx, Placing, Progress, Subject, Tls, Update, Updates, spawn,
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
        extension: "101".into(),
        channel: "PJSIP/101".into(),
        context: "internal".into(),
        dial_plan: DialPlan {
            outside_prefix: "9".into(),
            ..DialPlan::new(Region::RU)
        },
        placing: Placing::default(),
        handling: engine::Handling::default(),
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
    _book: watch::Sender<Arc<Book>>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let csv = "Name,Company,Phone\nAda Lovelace,Analytical Engines Ltd,+7 916 123-45-67\n";
        let plan = DialPlan::new(Region::RU);
        let (book, _) =
            Book::parse(csv.as_bytes(), Path::new("people.csv"), &plan).expect("a book");
        let (sender, receiver) = watch::channel(Arc::new(book));
        let (handle, updates) = spawn(receiver);
        Self {
            handle,
            updates,
            seen: Vec::new(),
            _book: sender,
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

    /// Waits until the engine knows that two parties hear each other.
    pub(crate) async fn until_talking(&self, id: CallId) {
        let mut reader = self.handle.feed().subscribe();
        let found = timeout(SOON, async {
            loop {
                assert!(reader.changed().await, "the engine runs");
                let changes = reader.pull(usize::MAX).changes;
                let talks = |(_, fact): &(Subject, Option<Fact>)| matches!(fact, Some(Fact::Call(call)) if call.id == id && call.talking().next().is_some());
                if changes.iter().any(talks) {
                    return;
                }
            }
        });
        found.await.expect("told in time");
    }

    /// Waits until the engine's feed shows a channel in a conference room, or no longer.
    pub(crate) async fn until_member(&self, member: &Uniqueid, is_there: bool) {
        let mut reader = self.handle.feed().subscribe();
        let mut rooms = BTreeMap::new();
        let found = timeout(SOON, async {
            loop {
                assert!(reader.changed().await, "the engine runs");
                for (subject, fact) in reader.pull(usize::MAX).changes {
                    let Subject::Room(name) = subject else {
                        continue;
                    };
                    let members = match fact {
                        Some(Fact::Room(room)) => room.members.clone(),
                        _ => Vec::new(),
                    };
                    rooms.insert(name, members);
                }
                if rooms
                    .values()
                    .any(|members: &Vec<_>| members.contains(member))
                    == is_there
                {
                    return;
                }
            }
        });
        found.await.expect("told in time");
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
                let update = self.updates.next().await.expect("the engine runs");
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
