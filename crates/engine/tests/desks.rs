//! One engine with a desk for everybody on a real Asterisk with real SIP phones, as a server has it.
#![cfg(target_os = "linux")]

#[path = "support/desk.rs"]
mod desk;

use contacts::{Directory, directory::Settings};
use desk::{calls_at, config, start};
use engine::{
    CallLog, Command, Connection, Desk, DeskId, Handle, Options, Progress, Update, Updates, What,
    spawn_with,
};
use phone_number::{DialPlan, Dialable, Region};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant, SystemTime},
};
use testkit::{Asterisk, asterisk::SIDETONE, phones::Policy};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);
const ANNA: DeskId = DeskId(1);
const BERT: DeskId = DeskId(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_click_at_once_and_each_follows_his_own_call() {
    let (asterisk, phones) = start();
    for phone in ["101", "102", "103", "104"] {
        phones.set_policy(phone, Policy::answer_after(50)).unwrap();
    }
    let mut office = Office::open(&asterisk);
    office.seat(ANNA, "101", &asterisk);
    office.seat(BERT, "102", &asterisk);
    let is_up = |desk, update: &Update| {
        desk == DeskId::OWN && matches!(update, Update::Connection(Connection::Connected { .. }))
    };
    office.until(is_up).await;
    for (desk, number) in [(ANNA, "103"), (BERT, "104"), (ANNA, "103")] {
        office.dial(desk, "d", number);
    }
    let mut answered = BTreeSet::new();
    office
        .until(|desk, update| {
            if let Update::Dial(dial) = update
                && dial.progress == Progress::Answered
            {
                answered.insert(desk);
            }
            answered.len() == 2
        })
        .await;
    assert_eq!(answered, BTreeSet::from([ANNA, BERT]));
    assert_eq!((calls_at(&phones, "103"), calls_at(&phones, "104")), (1, 1));
    // In mid-call, at the phone that was called.
    let late = DeskId(3);
    office.seat(late, "103", &asterisk);
    let is_late = |desk, update: &Update| desk == late && matches!(update, Update::Call(_));
    office.until(is_late).await;
    for desk in [ANNA, BERT] {
        let command = Command::HangUp { call: None };
        office.handle.send_at(desk, command).unwrap();
    }
    let story = office.log_until_ended(2).await;
    assert_eq!(
        story,
        [
            "answered", "answered", "began", "began", "ended", "ended", "resynced"
        ]
    );
}

/// A server's engine.
struct Office {
    handle: Handle,
    updates: Updates,
    log: CallLog,
}

impl Office {
    fn open(asterisk: &Asterisk) -> Self {
        let options = Options {
            commands: 4_096,
            log: true,
        };
        let (handle, updates, log) = spawn_with(nobody(), options);
        let pbx = config(asterisk, SIDETONE).pbx;
        handle
            .send(Command::Connect(Box::new(pbx)))
            .expect("the engine takes commands");
        Self {
            handle,
            updates,
            log,
        }
    }

    fn seat(&self, id: DeskId, extension: &str, asterisk: &Asterisk) {
        let desk = Desk {
            extension: extension.into(),
            channel: format!("PJSIP/{extension}"),
            ..config(asterisk, SIDETONE).desk
        };
        let command = Command::Seat(Some(Box::new(desk)));
        self.handle
            .send_at(id, command)
            .expect("the engine takes commands");
    }

    fn dial(&self, desk: DeskId, dial: &str, number: &str) {
        let command = Command::Dial {
            dial: dial.into(),
            target: Dialable::new(number).expect("dialable"),
            number: number.into(),
            tones: None,
            asked: Instant::now(),
        };
        self.handle
            .send_at(desk, command)
            .expect("the engine takes commands");
    }

    async fn until(&mut self, mut wanted: impl FnMut(DeskId, &Update) -> bool) {
        let found = timeout(SOON, async {
            loop {
                let (desk, update) = self.updates.next().await.expect("the engine runs");
                if wanted(desk, &update) {
                    return;
                }
            }
        });
        found.await.expect("told in time");
    }

    /// What was logged until so many calls had ended, sorted.
    async fn log_until_ended(&mut self, calls: usize) -> Vec<&'static str> {
        let mut story = Vec::new();
        let read = timeout(SOON, async {
            while story.iter().filter(|what| **what == "ended").count() < calls {
                let entry = self.log.next().await.expect("the engine runs");
                let since = SystemTime::UNIX_EPOCH
                    .elapsed()
                    .expect("a clock")
                    .as_millis();
                let away = since.abs_diff(u128::from(entry.unix_ms));
                assert!(away < Duration::from_secs(3_600).as_millis(), "{away} ms");
                story.push(match entry.what {
                    What::Began(_) => "began",
                    What::Answered(_) => "answered",
                    What::Ended(_) => "ended",
                    What::Resynced { .. } => "resynced",
                    other => panic!("{other:?}"),
                });
            }
        });
        read.await.expect("logged in time");
        story.sort_unstable();
        story
    }
}

/// A directory that asks nobody.
fn nobody() -> Directory {
    Directory::new(Settings::new(DialPlan::new(Region::RU)))
}
