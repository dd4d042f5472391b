//! The feed of a real Asterisk with real SIP phones, for several readers.
#![cfg(target_os = "linux")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use ami::Extension;
use calls::Call;
use contacts::Book;
use engine::{
    Command, Config, ExtensionFact, Fact, Feed, Handle, Pbx, Placing, Subject, Subscription, Tls,
    Updates, spawn,
};
use phone_number::{DialPlan, Region};
use testkit::{
    Asterisk,
    asterisk::{Options, SIDETONE},
    phones::{Phones, Policy},
};
use tokio::{sync::watch, time::timeout};

const SOON: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_the_lamps_and_the_calls_of_everybody() {
    let mut asterisk = Asterisk::start(&Options::default()).expect("an Asterisk");
    let phones = Phones::start(&asterisk).expect("phones");
    let desk = Desk::connect(&asterisk);
    let mut reader = Reader::of(desk.handle.feed());
    let is_free = |lamp: &ExtensionFact| lamp.hint.certain && lamp.hint.state.is_idle();
    for extension in ["101", "102", "103", "104"] {
        reader.until_lamp(extension, is_free).await;
    }
    // Two other people than the one at this desk.
    phones.set_policy("103", Policy::answer_after(50)).unwrap();
    let call = phones.dial("102", "103").unwrap();
    reader
        .until_call(|call| call.talking().next().is_some())
        .await;
    for extension in ["102", "103"] {
        let is_used = |lamp: &ExtensionFact| lamp.hint.state.is_in_use();
        reader.until_lamp(extension, is_used).await;
    }
    phones.hang_up(call).unwrap();
    let ended = reader.until_call(|call| call.ended.is_some()).await;
    assert_eq!(ended.legs_of("102").count(), 1);
    assert_eq!(ended.legs_of("103").count(), 1);
    phones.dial("104", "*78").unwrap();
    let is_dnd = |lamp: &ExtensionFact| lamp.do_not_disturb == Some(true);
    reader.until_lamp("104", is_dnd).await;
    reader.until_lamp("102", is_free).await;
    reader.until_lamp("103", is_free).await;
    // Who has read one thing at a time, or comes last, finds the same.
    let mut slow = Reader::of(desk.handle.feed());
    while slow.read(1) {}
    while reader.read(usize::MAX) {}
    assert_eq!(slow.lamps(), reader.lamps());
    asterisk.kill().unwrap();
    for reader in [&mut reader, &mut slow] {
        reader.until_lamp("101", |lamp| !lamp.hint.certain).await;
    }
}

struct Desk {
    handle: Handle,
    _updates: Updates,
    _book: watch::Sender<Arc<Book>>,
}

impl Desk {
    fn connect(asterisk: &Asterisk) -> Self {
        let (book, receiver) = watch::channel(Arc::default());
        let (handle, updates) = spawn(receiver);
        let address = asterisk.ami_addr();
        let config = Config {
            pbx: Pbx {
                host: address.ip().to_string(),
                port: address.port(),
                tls: Tls::Off,
                user: SIDETONE.name.into(),
                secret: SIDETONE.secret.to_owned().into(),
                charset: String::new(),
            },
            extension: "101".into(),
            channel: "PJSIP/101".into(),
            context: "internal".into(),
            placing: Placing::default(),
            dial_plan: DialPlan::new(Region::RU),
        };
        let configure = Command::Configure(Box::new(config));
        handle.send(configure).expect("the engine takes commands");
        Self {
            handle,
            _updates: updates,
            _book: book,
        }
    }
}

/// One who keeps what it was given.
struct Reader {
    subscription: Subscription<Subject, Fact>,
    facts: BTreeMap<Subject, Fact>,
}

impl Reader {
    fn of(feed: &Feed<Subject, Fact>) -> Self {
        Self {
            subscription: feed.subscribe(),
            facts: BTreeMap::new(),
        }
    }

    /// True while there is more.
    fn read(&mut self, limit: usize) -> bool {
        let pulled = self.subscription.pull(limit);
        if pulled.from_nothing {
            self.facts.clear();
        }
        for (subject, fact) in pulled.changes {
            match fact {
                Some(fact) => self.facts.insert(subject, fact),
                None => self.facts.remove(&subject),
            };
        }
        pulled.has_more
    }

    async fn until<T>(&mut self, found: impl Fn(&Self) -> Option<T>) -> T {
        let search = timeout(SOON, async {
            loop {
                while self.read(16) {}
                if let Some(found) = found(self) {
                    return found;
                }
                assert!(self.subscription.changed().await, "the engine runs");
            }
        });
        match search.await {
            Ok(found) => found,
            Err(_) => panic!("not told in time: {:#?}", self.facts),
        }
    }

    async fn until_lamp(&mut self, extension: &str, is_so: impl Fn(&ExtensionFact) -> bool) {
        let subject = Subject::Extension(Extension::from(extension));
        self.until(|reader| match reader.facts.get(&subject) {
            Some(Fact::Extension(lamp)) if is_so(lamp) => Some(()),
            Some(_) | None => None,
        })
        .await;
    }

    async fn until_call(&mut self, is_it: impl Fn(&Call) -> bool) -> Arc<Call> {
        self.until(|reader| {
            reader.facts.values().find_map(|fact| match fact {
                Fact::Call(call) if is_it(call) => Some(call.clone()),
                Fact::Call(_)
                | Fact::Connection(_)
                | Fact::Extension(_)
                | Fact::Queue(_)
                | Fact::QueueMember(_)
                | Fact::Room(_)
                | Fact::Parked(_)
                | Fact::Mailbox(_)
                | Fact::Endpoint(_) => None,
            })
        })
        .await
    }

    fn lamps(&self) -> Vec<(&Subject, &Fact)> {
        let is_lamp = |subject: &Subject| matches!(subject, Subject::Extension(_));
        let lamps = self.facts.iter().filter(|(subject, _)| is_lamp(subject));
        lamps.collect()
    }
}
