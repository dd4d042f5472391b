//! Many desks on one engine: each is told what an engine of its own would tell it.

use super::*;
use crate::{CallLog, CallUpdate, Logged, Order, Outcome, What};
use ami::Extension;
use calls::CallEvent;
use std::collections::{BTreeMap, BTreeSet};

const ANNA: DeskId = DeskId(1);
const BERT: DeskId = DeskId(2);

#[test]
fn each_desk_is_told_what_an_engine_of_its_own_would_tell() {
    let mut compared = 0;
    for name in replay::recording::names().expect("recordings") {
        let bytes = read(&name);
        let extensions = extensions_in(&bytes);
        let now = Instant::now();
        let together = told_together(&bytes, &extensions, now);
        for (extension, told) in extensions.iter().zip(together) {
            let alone = told_alone(&bytes, extension, &extensions, now);
            compared += alone.len();
            assert_eq!(told, alone, "{name}: {extension}");
        }
    }
    assert!(compared > 1_500, "{compared}");
}

#[test]
fn who_is_seated_in_mid_call_finds_what_he_would_have_seen_from_the_start() {
    let mut found = 0;
    for name in replay::recording::names().expect("recordings") {
        let bytes = read(&name);
        let extensions = extensions_in(&bytes);
        let (mut late, mut heard, mut all) = (Vec::new(), 0, 0);
        each_message(&bytes, |_| {
            all += 1;
            true
        });
        let mut office = Desk::office(Instant::now());
        for (number, extension) in (0..).zip(&extensions) {
            office.seat(DeskId(number), settings(extension));
        }
        each_message(&bytes, |message| {
            office.hear(message);
            heard += 1;
            if (1..4).any(|part| heard == part * all / 4) {
                for (number, extension) in (0..).zip(&extensions) {
                    let id = DeskId(1_000 + u32::try_from(late.len()).expect("few"));
                    office.seat(id, settings(extension));
                    late.push((DeskId(number), id));
                    found += office.seen_at(id).0.len();
                }
            }
            for (early, late) in &late {
                assert_eq!(
                    office.seen_at(*late),
                    office.seen_at(*early),
                    "{name} at {heard}"
                );
            }
            true
        });
    }
    assert!(found > 500, "{found}");
}

#[test]
fn one_id_from_two_desks_is_dialled_twice_and_from_one_once() {
    let mut office = Desk::with(&[(ANNA, "101"), (BERT, "102")]);
    office.dial_at(ANNA, "d", "103");
    office.dial_at(BERT, "d", "103");
    office.dial_at(ANNA, "d", "103");
    let originates = office.originates();
    assert_eq!(originates.len(), 2);
    for originate in &originates {
        office.reply(
            originate,
            Response::Success,
            "Originate successfully queued",
        );
    }
    office.command_at(BERT, Command::Cancel { dial: "d".into() });
    assert_eq!(office.hangups(), [originates[1].1.as_str()]);
    let told = office.told();
    let of = |desk| told.iter().filter(|(to, _)| *to == desk).count();
    assert!(of(ANNA) > 0 && of(BERT) > 0 && of(DeskId::OWN) == 0);
}

#[test]
fn a_click_is_the_dial_of_who_clicked_and_a_plain_call_for_the_other() {
    let mut office = Desk::with(&[(ANNA, "101"), (BERT, "102")]);
    office.dial_at(ANNA, "d", "102");
    let wanted = office.originates().remove(0);
    office.reply(&wanted, Response::Success, "Originate successfully queued");
    let bytes = read("22/a_originate_answered");
    let bytes = replace(&bytes, &first_leg(&bytes), &wanted.1);
    let mut dials: BTreeMap<DeskId, BTreeSet<bool>> = BTreeMap::new();
    each_message(&bytes, |message| {
        office.hear(message);
        for (desk, update) in office.told() {
            match update {
                Update::Call(call) => {
                    dials.entry(desk).or_default().insert(call.dial.is_some());
                }
                Update::Dial(_) => assert_eq!(desk, ANNA),
                _ => {}
            }
        }
        true
    });
    let clicked = BTreeSet::from([true]);
    let called = BTreeSet::from([false]);
    assert_eq!(dials, BTreeMap::from([(ANNA, clicked), (BERT, called)]));
}

#[test]
fn who_is_called_hangs_up_and_does_not_cancel_for_the_caller() {
    let mut office = Desk::with(&[(ANNA, "101"), (BERT, "102")]);
    office.dial_at(ANNA, "d", "102");
    let wanted = office.originates().remove(0);
    office.reply(&wanted, Response::Success, "Originate successfully queued");
    let bytes = read("22/a_originate_answered");
    let bytes = replace(&bytes, &first_leg(&bytes), &wanted.1);
    let mut talk = 0;
    let _ = office.play(&bytes, |message| {
        let enters = message
            .event_name()
            .is_some_and(|name| name == *"BridgeEnter");
        talk += usize::from(enters);
        talk < 2
    });
    office.command_at(BERT, Command::HangUp { call: None });
    assert_eq!(office.hangups().len(), 1);
    let call = office
        .engine
        .tracker
        .calls()
        .next()
        .expect("a call")
        .clone();
    for leg in call.legs.iter().rev() {
        let first = call.legs[0].uniqueid.as_str();
        let head = orders::ch(leg.uniqueid.as_str(), first, leg.channel.as_str());
        orders::say(&mut office, "Hangup", &format!("{head}Cause: 16"));
    }
    assert_eq!(office.dial_end().as_deref(), Some("They hung up."));
}

#[test]
fn a_desk_hangs_up_its_own_phone_and_nobody_elses() {
    let mut office = Desk::with(&[(ANNA, "101"), (BERT, "102"), (DeskId(3), "103")]);
    let _ = office.play_until("22/d_incoming_answered", "BridgeEnter", 2);
    let call = office.engine.tracker.calls().next().expect("a call").id;
    let _ = office.take_wanted();
    for (desk, channels) in [(BERT, 0), (DeskId(3), 0), (DeskId(9), 0), (ANNA, 1)] {
        office.command_at(desk, Command::HangUp { call: Some(call) });
        assert_eq!(office.hangups().len(), channels, "{desk}");
        office.command_at(desk, Command::HangUp { call: None });
        assert_eq!(office.hangups().len(), channels, "{desk}");
    }
    for (desk, is_refused) in [(BERT, true), (ANNA, false)] {
        let (order, what) = ("o".into(), Order::Park);
        let call = Some(call);
        office.command_at(desk, Command::Order { order, call, what });
        assert_eq!(office.take_wanted().is_empty(), is_refused);
        let told = office.told();
        let refused = |(to, update): &(DeskId, Update)| {
            *to == desk
                && matches!(
                    update,
                    Update::Order {
                        outcome: Outcome::Refused { .. },
                        ..
                    }
                )
        };
        assert_eq!(told.iter().any(refused), is_refused);
    }
}

#[test]
fn nothing_more_is_told_of_a_desk_that_is_gone_until_it_is_back() {
    let mut office = Desk::with(&[(ANNA, "101"), (BERT, "101")]);
    let _ = office.play_until("22/d_incoming_answered", "DialState", 1);
    office.dial_at(ANNA, "d", "103");
    office.command_at(ANNA, Command::Seat(None));
    assert_eq!(office.told(), [], "nor what waits to be told");
    let bytes = read("22/d_incoming_answered");
    let mut seen = 0;
    each_message(&bytes, |message| {
        let enters = message
            .event_name()
            .is_some_and(|name| name == *"BridgeEnter");
        seen += usize::from(enters);
        // The beginning was heard before; a birth that is told twice is none.
        office.hear(message);
        seen < 2
    });
    let told = office.told();
    assert!(told.iter().any(|(desk, _)| *desk == BERT));
    assert!(told.iter().all(|(desk, _)| *desk != ANNA), "{told:?}");
    office.seat(ANNA, settings("101"));
    assert_eq!(office.seen_at(ANNA), office.seen_at(BERT));
    assert!(
        office
            .told()
            .iter()
            .any(|(desk, update)| *desk == ANNA && matches!(update, Update::Call(_)))
    );
}

#[test]
fn a_dial_of_a_desk_that_is_gone_is_not_dialled_again_when_it_is_back() {
    let mut office = Desk::with(&[(ANNA, "101")]);
    office.dial_at(ANNA, "d", "103");
    let wanted = office.originates();
    office.command_at(ANNA, Command::Cancel { dial: "d".into() });
    office.command_at(ANNA, Command::Seat(None));
    let _ = office.told();
    office.reply(
        &wanted[0],
        Response::Success,
        "Originate successfully queued",
    );
    assert_eq!(office.hangups(), [wanted[0].1.as_str()], "it was cancelled");
    assert_eq!(office.told(), []);
    office.seat(ANNA, settings("101"));
    office.dial_at(ANNA, "d", "103");
    assert!(office.originates().is_empty());
}

#[test]
fn other_settings_of_the_same_phone_keep_its_calls_and_another_phone_ends_them() {
    let mut office = Desk::with(&[(ANNA, "101"), (BERT, "101")]);
    let _ = office.play_until("22/d_incoming_answered", "BridgeEnter", 2);
    office.dial_at(ANNA, "d", "103");
    let _ = office.told();
    let mut desk = settings("101");
    desk.context = "elsewhere".into();
    office.seat(ANNA, desk);
    assert_eq!(office.told(), []);
    assert_eq!(office.seen_at(ANNA).0.len(), 1);
    office.seat(ANNA, settings("102"));
    assert!(office.seen_at(ANNA).0.is_empty() && office.seen_at(BERT).0.len() == 1);
    let told: Vec<_> = office
        .told()
        .into_iter()
        .filter_map(|(_, update)| line(&update))
        .collect();
    assert_snapshot!(told.join("\n"), @r#"
        dial  Unknown: The settings were changed meanwhile; it is not known what became of the call. It is not dialled again.
        Incoming +7 916 123-45-67 "Иван Петров" on 74951230001: unknown, my phone is out, over; Ada Lovelace, Analytical Engines Ltd
        phone not known
    "#);
}

#[test]
fn a_phone_whose_name_tells_nothing_is_known_when_its_desk_is_seated() {
    let mut office = Desk::with(&[]);
    let bytes = read("22/d_incoming_answered");
    let text = String::from_utf8_lossy(&bytes).replace("PJSIP/101", "PJSIP/anna");
    let mut seen = 0;
    let _ = office.play(text.as_bytes(), |message| {
        let enters = message
            .event_name()
            .is_some_and(|name| name == *"BridgeEnter");
        seen += usize::from(enters);
        seen < 2
    });
    let mut desk = settings("101");
    desk.channel = "PJSIP/anna".into();
    office.seat(ANNA, desk);
    let told: Vec<_> = office
        .told()
        .into_iter()
        .filter_map(|(_, update)| line(&update))
        .collect();
    assert_snapshot!(told.join("\n"), @r#"
        phone there in use
        Incoming +7 916 123-45-67 "Иван Петров" on 74951230001: talking, my phone is up; Ada Lovelace, Analytical Engines Ltd
    "#);
}

#[test]
fn a_call_costs_the_desks_that_it_touches_and_no_others() {
    let visits = |desks: u32| {
        let mut office = Desk::with(&[(ANNA, "101"), (BERT, "102")]);
        for number in 3..desks {
            office.seat(DeskId(number), settings(&(10_000 + number).to_string()));
        }
        office.engine.desks.visits.set(0);
        let _ = office.play(&read("22/g_ring_group"), |_| true);
        office.engine.desks.visits.get()
    };
    let few = visits(3);
    assert!((10..1_000).contains(&few), "{few}");
    assert_eq!(visits(10_000), few);
}

#[test]
fn a_server_keeps_the_line_and_its_desks_when_nothing_has_changed() {
    let mut office = Desk::with(&[(ANNA, "101")]);
    let _ = office.play_until("22/d_incoming_answered", "BridgeEnter", 2);
    let Config { mut pbx, .. } = config("101");
    assert!(!office.engine.connect(pbx.clone(), office.now));
    pbx.secret = "another".to_owned().into();
    assert!(office.engine.connect(pbx.clone(), office.now));
    assert_eq!(
        office.seen_at(ANNA).0.len(),
        1,
        "uncertain, but not forgotten"
    );
    pbx.host = "other.example".into();
    assert!(office.engine.connect(pbx, office.now));
    assert_eq!(office.seen_at(ANNA), (vec![], crate::PhoneState::default()));
    assert!(office.engine.desks.desk(ANNA).is_some());
}

#[test]
fn the_log_has_every_call_once_and_what_lives_after_a_login() {
    let (mut office, mut log) = Desk::logging();
    let _ = office.play_until("22/d_incoming_answered", "BridgeEnter", 2);
    assert_eq!(entries(&mut log), ["began", "answered"]);
    let listing = office.listing();
    for (is_there, then) in [(true, "2 alive"), (false, "0 alive")] {
        office
            .engine
            .link_down(Connection::Connecting { attempt: 1 }, office.now);
        office.engine.up(22);
        office.answer_channels(if is_there { &listing } else { &[] });
        let ended = (!is_there).then_some("ended");
        let wanted: Vec<_> = ended.into_iter().chain([then]).collect();
        assert_eq!(entries(&mut log), wanted);
    }
}

#[test]
fn the_log_has_as_many_ends_as_beginnings_in_every_recording() {
    let mut calls = 0;
    for name in replay::recording::names().expect("recordings") {
        let (mut office, mut log) = Desk::logging();
        let _ = office.play(&read(&name), |_| true);
        let mut open = BTreeSet::new();
        while let Some(Logged { what, unix_ms, .. }) = log.try_next() {
            assert_eq!(unix_ms, 1_795_228_715_000);
            match what {
                What::Began(call) => assert!(open.insert(call.id), "{name}"),
                What::Answered(call) => assert!(open.contains(&call.id), "{name}"),
                What::Ended(call) => {
                    calls += 1;
                    assert!(call.ended.is_some() && open.remove(&call.id), "{name}");
                }
                What::Resynced { .. } | What::Lost(_) => panic!("{name}"),
            }
        }
        let left: BTreeSet<_> = office.engine.tracker.calls().map(|call| call.id).collect();
        assert_eq!(open, left, "{name}");
    }
    assert!(calls > 200, "{calls}");
}

fn entries(log: &mut CallLog) -> Vec<String> {
    let entries = std::iter::from_fn(|| log.try_next());
    let entries = entries.map(|entry| match entry.what {
        What::Began(_) => "began".into(),
        What::Answered(_) => "answered".into(),
        What::Ended(_) => "ended".into(),
        What::Resynced { alive } => format!("{} alive", alive.len()),
        What::Lost(entries) => format!("{entries} lost"),
    });
    entries.collect()
}

fn timeless(mut call: CallUpdate) -> CallUpdate {
    for source in &mut call.sources {
        source.took_ms = None;
    }
    call
}

impl Desk {
    /// An engine without a desk of its own, connected where nothing goes on.
    fn office(now: Instant) -> Self {
        Self::office_with(now, Log::off().0)
    }

    fn office_with(now: Instant, log: Log) -> Self {
        let mut engine = Engine::new(seed(now), directory(vec![book()]), Board::default(), log);
        engine.connect(config("101").pbx, now);
        engine.up(22);
        Self::of(engine, now)
    }

    fn with(desks: &[(DeskId, &str)]) -> Self {
        let mut office = Self::office(Instant::now());
        for (id, extension) in desks {
            office.seat(*id, settings(extension));
        }
        office
    }

    fn logging() -> (Self, CallLog) {
        let (log, mut reader) = Log::new(|| (Instant::now(), 1_795_228_715_000));
        let office = Self::office_with(Instant::now(), log);
        assert_eq!(entries(&mut reader), ["0 alive"]);
        (office, reader)
    }

    fn seat(&mut self, id: DeskId, desk: Settings) {
        self.command_at(id, Command::Seat(Some(Box::new(desk))));
    }

    fn command_at(&mut self, id: DeskId, command: Command) {
        self.engine.command(id, command, self.now);
    }

    fn dial_at(&mut self, id: DeskId, dial: &str, number: &str) {
        let command = Command::Dial {
            dial: dial.into(),
            target: Dialable::new(number).expect("dialable"),
            number: number.into(),
            tones: None,
            asked: self.now,
        };
        self.command_at(id, command);
    }

    fn hear(&mut self, message: &Message<'_>) {
        self.keep_time(message);
        if let Some(event) = message.event() {
            self.engine.session(&SessionEvent::Event(event), self.now);
        }
    }

    /// But for how long the contact book took.
    pub(super) fn told(&mut self) -> Vec<(DeskId, Update)> {
        let told = std::iter::from_fn(|| self.engine.outbox().take());
        let timeless = told.map(|(desk, update)| match update {
            Update::Call(call) => (desk, Update::Call(Box::new(timeless(*call)))),
            other => (desk, other),
        });
        timeless.collect()
    }

    /// What a desk shows of calls and its phone, but for when our engine came to know of them.
    fn seen_at(&self, id: DeskId) -> (Vec<CallUpdate>, crate::PhoneState) {
        let seat = self.engine.desks.seat(id).expect("a desk");
        let calls = seat.shown.values().map(|shown| CallUpdate {
            event_read: self.started,
            ..timeless(shown.update.clone())
        });
        (calls.collect(), seat.phone.state())
    }
}

/// The extensions whose phones are in a recording.
fn extensions_in(bytes: &[u8]) -> Vec<String> {
    let now = Instant::now();
    let mut tracker = calls::CallTracker::new(seed(now));
    let mut found = BTreeSet::new();
    each_message(bytes, |message| {
        if let Some(event) = message.event() {
            tracker.handle(&event, now);
        }
        while let Some(event) = tracker.poll_event() {
            if let CallEvent::Ended(call) = event {
                let legs = call.legs.iter().filter_map(|leg| leg.extension.as_ref());
                found.extend(legs.map(ToString::to_string));
            }
        }
        true
    });
    found.into_iter().collect()
}

/// What each of these is told by one engine.
fn told_together(bytes: &[u8], extensions: &[String], now: Instant) -> Vec<Vec<Update>> {
    let mut office = Desk::office(now);
    for (number, extension) in (1..).zip(extensions) {
        office.seat(DeskId(number), settings(extension));
    }
    let mut told = vec![Vec::new(); extensions.len() + 1];
    each_message(bytes, |message| {
        office.hear(message);
        for (DeskId(desk), update) in office.told() {
            told[usize::try_from(desk).expect("few")].push(update);
        }
        true
    });
    told.remove(0);
    told
}

/// What the engine of one person tells him, where it is known whose the other phones are.
fn told_alone(bytes: &[u8], own: &str, extensions: &[String], now: Instant) -> Vec<Update> {
    let mut desk = Desk::connected_at(own, now);
    for extension in extensions {
        let (endpoint, extension) = (format!("PJSIP/{extension}"), Extension::from(&**extension));
        desk.engine
            .states
            .set_extension(&endpoint, Some(extension.clone()));
        desk.engine
            .tracker
            .set_extension(&endpoint, Some(extension));
    }
    let mut told = Vec::new();
    each_message(bytes, |message| {
        desk.hear(message);
        told.extend(desk.told().into_iter().map(|(_, update)| update));
        true
    });
    told
}
