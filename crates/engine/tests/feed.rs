//! The feed of a real Asterisk with real SIP phones, for several readers.
#![cfg(target_os = "linux")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use ami::Extension;
use calls::Call;
use contacts::{Directory, directory::Settings};
use engine::{
    Command, Config, ExtensionFact, Fact, Feed, Handle, MemberFact, Pbx, Placing, Subject,
    Subscription, Tls, Updates, spawn,
};
use phone_number::{DialPlan, Region};
use testkit::{
    Asterisk,
    asterisk::{Options, SIDETONE},
    phones::{Phones, Policy},
};
use tokio::time::timeout;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_queues_rooms_and_parking() {
    let asterisk = Asterisk::start(&Options::default()).expect("an Asterisk");
    let phones = Phones::start(&asterisk).expect("phones");
    let desk = Desk::connect(&asterisk);
    let mut reader = Reader::of(desk.handle.feed());
    // Known from the list of the login: by the phone itself, and behind a Local channel by the hint.
    let member = |queue: &'static str, interface: &'static str| {
        Subject::QueueMember(queue.into(), interface.into())
    };
    let in_order = member("in-order", "Local/103@queue-members/n");
    for subject in [&member("support", "PJSIP/103"), &in_order] {
        let is_hers = |member: &MemberFact| {
            member.extension == Some("103".into()) && &*member.member.name == "Clara Agent"
        };
        reader.until_member(subject, is_hers).await;
    }
    asterisk
        .cli("queue pause member Local/103@queue-members/n queue in-order reason lunch")
        .unwrap();
    let is_at_lunch = |member: &MemberFact| {
        member.member.paused && member.member.paused_reason.as_deref() == Some("lunch")
    };
    reader.until_member(&in_order, is_at_lunch).await;
    let guest = member("support", "PJSIP/104");
    asterisk
        .cli("queue add member PJSIP/104 to support")
        .unwrap();
    let is_denis = |member: &MemberFact| member.extension == Some("104".into());
    reader.until_member(&guest, is_denis).await;
    asterisk
        .cli("queue remove member PJSIP/104 from support")
        .unwrap();
    reader.until(|reader| is_gone(reader, &guest)).await;
    // The conference room opens with the first and closes with the last.
    let room = Subject::Room("800".into());
    let call = phones.dial("102", "800").unwrap();
    reader
        .until(|reader| reader.facts.get(&room).map(|_| ()))
        .await;
    phones.hang_up(call).unwrap();
    reader.until(|reader| is_gone(reader, &room)).await;
    // 102 parks the caller; 104 takes him out.
    phones.set_policy("102", Policy::answer_after(50)).unwrap();
    let mark = phones.mark();
    phones.dial("103", "102").unwrap();
    let at_102 = phones.wait_incoming("102", mark, SOON).unwrap();
    phones.wait_answered(at_102, SOON).unwrap();
    phones.transfer(at_102, "700").unwrap();
    let parking = Subject::Parking("default".into(), "701".into());
    let parked = |reader: &Reader| match reader.facts.get(&parking) {
        Some(Fact::Parked(parked)) => Some(parked.call),
        Some(_) | None => None,
    };
    let call = reader.until(parked).await;
    assert!(reader.facts.contains_key(&Subject::Call(call)));
    phones.dial("104", "701").unwrap();
    reader.until(|reader| is_gone(reader, &parking)).await;
}

fn is_gone(reader: &Reader, subject: &Subject) -> Option<()> {
    (!reader.facts.contains_key(subject)).then_some(())
}

struct Desk {
    handle: Handle,
    _updates: Updates,
}

impl Desk {
    fn connect(asterisk: &Asterisk) -> Self {
        let (handle, updates) = spawn(nobody());
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
            desk: engine::Desk {
                extension: "101".into(),
                channel: "PJSIP/101".into(),
                context: "internal".into(),
                placing: Placing::default(),
                handling: engine::Handling::default(),
                dial_plan: DialPlan::new(Region::RU),
            },
        };
        let configure = Command::Configure(Box::new(config));
        handle.send(configure).expect("the engine takes commands");
        Self {
            handle,
            _updates: updates,
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

    async fn until_member(&mut self, subject: &Subject, is_so: impl Fn(&MemberFact) -> bool) {
        self.until(|reader| match reader.facts.get(subject) {
            Some(Fact::QueueMember(member)) if is_so(member) => Some(()),
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

/// A directory that asks nobody.
fn nobody() -> Directory {
    Directory::new(Settings::new(DialPlan::new(Region::RU)))
}
