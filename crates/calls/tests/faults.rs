//! What no PBX should do and every link can: events twice, too late, never. Whatever comes, the tracker goes on, every
//! phone stops ringing, and nothing is left when the PBX says that nothing is.

// The edge of the pure crate: recordings are files, and time has to begin somewhere.
#![allow(clippy::disallowed_methods)]

use std::time::Instant;

use ami::{Charset, Decoder, Event, Incoming, Limits, Uniqueid};
use calls::{CallEvent, CallTracker, Direction, End, LegState, LiveChannel, Progress, Role, Seed};
use proptest::prelude::*;

/// A mangled recording.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Lost,
    Twice,
    /// Comes this many messages later.
    Late(usize),
    /// The link breaks before it, and the PBX's list is empty after the next login.
    LinkLost,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_faults_leave_nothing_behind(
        recording in 0..RECORDINGS.len(),
        faults in prop::collection::vec((any::<prop::sample::Index>(), fault()), 0..40),
    ) {
        let mut messages = messages(RECORDINGS[recording]);
        let mut faults: Vec<_> = faults.into_iter().map(|(at, fault)| (at.index(messages.len()), fault)).collect();
        faults.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let breaks = apply(&mut messages, &faults);
        let mut watch = Watch::new();
        for (at, message) in messages.iter().enumerate() {
            if breaks.contains(&at) {
                watch.lose_link();
                watch.resync(&[]);
            }
            watch.hear(message);
        }
        watch.lose_link();
        watch.resync(&[]);
        prop_assert!(watch.tracker.is_idle(), "{:#?}", watch.tracker);
        prop_assert_eq!(watch.alive, 0);
    }

    #[test]
    fn doubled_events_change_no_story(recording in 0..RECORDINGS.len()) {
        let messages = messages(RECORDINGS[recording]);
        let doubled: Vec<_> = messages.iter().flat_map(|message| [message.clone(), message.clone()]).collect();
        let told = |messages: &[Vec<u8>]| {
            let mut watch = Watch::new();
            messages.iter().for_each(|message| watch.hear(message));
            watch.ends
        };
        prop_assert_eq!(told(&messages), told(&doubled));
    }

    #[test]
    fn a_late_polling_consumer_sees_the_same_calls(recording in 0..RECORDINGS.len(), every in 1..200_usize) {
        let messages = messages(RECORDINGS[recording]);
        let (mut prompt, mut late) = (Watch::new(), Watch::new());
        for (at, message) in messages.iter().enumerate() {
            prompt.hear(message);
            late.feed(message);
            if at % every == 0 {
                late.poll();
            }
        }
        late.poll();
        prompt.ends.sort();
        late.ends.sort();
        prop_assert_eq!(prompt.ends, late.ends);
        prop_assert!(late.tracker.is_idle());
    }
}

#[test]
fn hangup_and_caller_id_of_unknown_channels_create_nothing() {
    let mut watch = Watch::new();
    let channel = "Uniqueid: 1.1\r\nLinkedid: 1.1\r\nChannel: PJSIP/101-00000001\r\n";
    for event in [
        "Hangup",
        "NewCallerid",
        "Newstate",
        "HangupRequest",
        "BridgeEnter",
        "Hold",
    ] {
        watch.hear(
            format!("Event: {event}\r\nChannelState: 6\r\nCause: 16\r\n{channel}\r\n").as_bytes(),
        );
    }
    assert!(watch.tracker.is_idle());
    assert_eq!(watch.tracker.oddities().unknown_channels, 6);
}

#[test]
fn originate_of_which_nothing_is_heard_ends_as_unknown_at_its_deadline() {
    let mut watch = Watch::new();
    watch
        .tracker
        .expect_originate(Uniqueid::from("click"), "PJSIP/101", watch.now);
    let deadline = watch.tracker.poll_timeout().expect("a deadline");
    watch
        .tracker
        .handle_timeout(deadline - std::time::Duration::from_millis(1));
    watch.poll();
    assert_eq!(watch.alive, 0);
    assert!(!watch.tracker.is_idle());
    watch.tracker.handle_timeout(deadline);
    watch.poll();
    assert!(watch.tracker.is_idle());
    assert_eq!(watch.tracker.poll_timeout(), None);
}

#[test]
fn originate_survives_a_lost_link_when_the_pbx_lists_its_channel() {
    let mut watch = Watch::new();
    let id = Uniqueid::from("click");
    watch
        .tracker
        .expect_originate(id.clone(), "PJSIP/101", watch.now);
    watch.lose_link();
    watch.resync(&[listed(
        "click",
        "click",
        "PJSIP/101-00000001",
        5,
        "AppDial2",
    )]);
    let progress = |watch: &Watch| {
        watch
            .tracker
            .originate(&id)
            .map(|originate| originate.progress)
    };
    assert_eq!(progress(&watch), Some(Progress::RingingYourPhone));
    watch.lose_link();
    watch.resync(&[
        listed("2.2", "click", "PJSIP/trunk-00000002", 6, "AppDial"),
        listed("click", "click", "PJSIP/101-00000001", 6, "Dial"),
    ]);
    assert_eq!(progress(&watch), Some(Progress::Answered));
    watch.lose_link();
    watch.resync(&[]);
    assert!(watch.tracker.is_idle());
}

#[test]
fn a_hangup_between_login_and_list_is_believed_over_the_list() {
    let mut watch = Watch::new();
    watch.hear(b"Event: Hangup\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\nChannel: PJSIP/101-00000001\r\nCause: 16\r\n\r\n");
    watch.resync(&[listed("1.1", "1.1", "PJSIP/101-00000001", 6, "Dial")]);
    assert!(watch.tracker.is_idle());
}

/// The caller was there before we were; his call is dialled on between our login and the PBX's list.
#[test]
fn call_that_is_dialled_on_before_the_list_comes_has_its_caller() {
    let mut watch = Watch::new();
    let line = "Uniqueid: 1.1\r\nLinkedid: 1.1\r\nChannel: PJSIP/trunk-00000001\r\nCallerIDNum: +79161234567\r\n";
    let dest = "DestUniqueid: 1.2\r\nDestLinkedid: 1.1\r\nDestChannel: PJSIP/101-00000002\r\nDestCallerIDNum: 101\r\n";
    let phone = dest.replace("Dest", "");
    watch.hear(format!("Event: Newchannel\r\n{phone}\r\n").as_bytes());
    watch.hear(format!("Event: DialBegin\r\n{line}{dest}Exten: 101\r\n\r\n").as_bytes());
    let card = |watch: &Watch| {
        let call = watch.tracker.calls().next().expect("a call");
        (
            call.direction,
            call.caller.number.clone(),
            call.legs.last().expect("a leg").role,
        )
    };
    let number: Option<Box<str>> = Some("+79161234567".into());
    assert_eq!(
        card(&watch),
        (Direction::Incoming, number.clone(), Role::Callee)
    );
    watch.resync(&[listed("1.1", "1.1", "PJSIP/trunk-00000001", 4, "Dial")]);
    assert_eq!(card(&watch), (Direction::Incoming, number, Role::Caller));
    assert_eq!(watch.alive, 1);
}

/// Asterisk 22.10.1: a list that is taken while a caller hangs up has the phone that he rang, and him no more.
#[test]
fn a_phone_that_rings_for_a_caller_who_has_just_gone_has_not_placed_the_call() {
    let mut watch = Watch::new();
    let mut phone = listed("1.2", "1.1", "PJSIP/101-00000002", 5, "AppDial");
    phone.connected.number = Some("+447712000088".into());
    watch.resync(&[phone]);
    let call = watch.tracker.calls().next().expect("a call");
    assert_eq!(call.direction, Direction::Incoming);
    assert_eq!(call.caller.number.as_deref(), Some("+447712000088"));
    assert_eq!(call.legs[0].role, Role::Callee);
    assert_eq!(call.placed_by, Some(Uniqueid::from("1.1")));
    watch.hear(b"Event: Hangup\r\nUniqueid: 1.2\r\nLinkedid: 1.1\r\nChannel: PJSIP/101-00000002\r\nCause: 127\r\n\r\n");
    assert!(watch.tracker.is_idle());
}

#[test]
fn a_channel_that_is_listed_late_has_placed_its_call_after_all() {
    let mut watch = Watch::new();
    watch.resync(&[
        listed("1.2", "1.1", "PJSIP/101-00000002", 5, "AppDial"),
        listed("1.1", "1.1", "PJSIP/trunk-00000001", 4, "Dial"),
    ]);
    let call = watch.tracker.calls().next().expect("a call");
    assert_eq!(call.placed_by, None);
    assert_eq!(call.legs.len(), 2);
}

#[test]
fn unpolled_calls_are_bounded() {
    let mut watch = Watch::new();
    for call in 0..10_000 {
        let channel = format!(
            "Uniqueid: 1.{call}\r\nLinkedid: 1.{call}\r\nChannel: PJSIP/trunk-{call:08x}\r\n\r\n"
        );
        watch.feed(format!("Event: Newchannel\r\n{channel}").as_bytes());
        watch.feed(format!("Event: Hangup\r\n{channel}").as_bytes());
    }
    assert!(watch.tracker.oddities().unpolled > 5_000);
    watch.poll();
    assert!(watch.tracker.is_idle());
}

const RECORDINGS: [&str; 13] = [
    "22/a_originate_answered",
    "22/a2_originate_to_trunk",
    "22/b2_agent_rejects",
    "22/c3_480_after_ringing",
    "22/d_incoming_answered",
    "22/e2_incoming_caller_gives_up",
    "22/f_queue_ringall",
    "22/g_ring_group",
    "22/h2_blind_transfer_refer",
    "22/i_atxfer_ami",
    "20/o2_originate_local_channel",
    "16/sip_originate_answered",
    "16/sip_atxfer_refer",
];

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        4 => Just(Fault::Lost),
        4 => Just(Fault::Twice),
        4 => (1..12_usize).prop_map(Fault::Late),
        1 => Just(Fault::LinkLost),
    ]
}

/// Changes the messages, later ones first, and says before which of them the link breaks.
fn apply(messages: &mut Vec<Vec<u8>>, faults: &[(usize, Fault)]) -> Vec<usize> {
    let mut breaks = Vec::new();
    for (at, fault) in faults.iter().copied() {
        let Some(message) = messages.get(at).cloned() else {
            continue;
        };
        match fault {
            Fault::Lost => drop(messages.remove(at)),
            Fault::Twice => messages.insert(at, message),
            Fault::Late(by) => {
                messages.remove(at);
                messages.insert((at + by).min(messages.len()), message);
            }
            Fault::LinkLost => breaks.push(at),
        }
    }
    breaks
}

/// The events of a recording, each with the empty line that ends it.
fn messages(name: &str) -> Vec<Vec<u8>> {
    let recording = replay::Recording::named(name).expect("a recording");
    let text = String::from_utf8(recording.bytes).expect("UTF-8");
    let events = text
        .split_inclusive("\r\n\r\n")
        .filter(|message| message.starts_with("Event: "));
    events.map(|event| event.as_bytes().to_vec()).collect()
}

fn for_each_event(bytes: &[u8], mut with: impl FnMut(&Event<'_>)) {
    let mut decoder = Decoder::new(Charset::default(), Limits::default());
    decoder.feed(b"Asterisk Call Manager/11.0.0\r\n");
    decoder.feed(bytes);
    while let Some(incoming) = decoder.next_message() {
        if let Incoming::Message(message) = incoming
            && let Some(event) = message.event()
        {
            with(&event);
        }
    }
}

fn listed(uniqueid: &str, linkedid: &str, name: &str, state: u8, application: &str) -> LiveChannel {
    let bridge = if state == 6 { "b-1" } else { "" };
    let message = format!(
        "Event: CoreShowChannel\r\nChannel: {name}\r\nChannelState: {state}\r\nCallerIDNum: 101\r\nUniqueid: {uniqueid}\r\n\
         Linkedid: {linkedid}\r\nExten: 102\r\nApplication: {application}\r\nBridgeId: {bridge}\r\nDuration: 00:00:02\r\n\r\n"
    );
    let mut live = None;
    for_each_event(message.as_bytes(), |event| {
        if let Event::CoreShowChannel(listing) = event {
            live = Some(LiveChannel::from(listing));
        }
    });
    live.expect("a listing")
}

/// A tracker with a consumer that checks what it is told.
struct Watch {
    tracker: CallTracker,
    now: Instant,
    /// Calls that were started and not ended.
    alive: usize,
    ends: Vec<String>,
}

impl Watch {
    fn new() -> Self {
        let now = Instant::now();
        let tracker = CallTracker::new(Seed {
            unix_ms: 0,
            at: now,
            random: 0,
        });
        Self {
            tracker,
            now,
            alive: 0,
            ends: Vec::new(),
        }
    }

    fn feed(&mut self, message: &[u8]) {
        for_each_event(message, |event| self.tracker.handle(event, self.now));
    }

    fn hear(&mut self, message: &[u8]) {
        self.feed(message);
        self.poll();
    }

    fn lose_link(&mut self) {
        self.tracker.link_lost(self.now);
        assert!(self.tracker.calls().all(|call| !call.certain));
        self.poll();
    }

    fn resync(&mut self, list: &[LiveChannel]) {
        self.tracker.resync(&list.to_vec().into(), self.now);
        assert!(self.tracker.calls().all(|call| call.certain));
        self.poll();
    }

    fn poll(&mut self) {
        while let Some(event) = self.tracker.poll_event() {
            match event {
                CallEvent::Started(id) => {
                    self.alive += 1;
                    assert!(
                        self.tracker
                            .call(id)
                            .is_some_and(|call| !call.legs.is_empty())
                    );
                }
                CallEvent::Changed(id) => assert!(
                    self.tracker
                        .call(id)
                        .is_some_and(|call| call.ended.is_none())
                ),
                CallEvent::Ended(call) => {
                    self.alive -= 1;
                    assert!(self.tracker.call(call.id).is_none());
                    assert!(
                        call.legs
                            .iter()
                            .all(|leg| leg.state == LegState::Gone && leg.gone.is_some())
                    );
                    assert!(call.end.is_some() && call.ended.is_some());
                    // Whether a consultation was ever told depends on when one looks.
                    if matches!(call.end, Some(End::JoinedTo(_))) {
                        continue;
                    }
                    self.ends.push(format!(
                        "{:?} {:?} {:?}",
                        call.caller, call.end, call.answered_by
                    ));
                }
                CallEvent::Originate { .. } | CallEvent::Room(_) => {}
            }
        }
    }
}
