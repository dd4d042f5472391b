//! The tracker: whatever the PBX tells and in whatever order, nobody is in two calls, every ring ends, and nothing is left
//! when the PBX's lists are empty.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use ami::{Charset, Decoder, Event, Incoming, Limits, Uniqueid};
use calls::{CallEvent, CallId, CallTracker, LegState, PbxLists, Seed};

use crate::bytes::Bytes;

/// An even first byte: the rest is what Asterisk sends. An odd one: each event is made of a few bytes, so that few
/// channels meet often.
pub fn tracker(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let mut watch = Watch::new();
    if bytes.byte().is_multiple_of(2) {
        watch.hear(bytes.take_all());
    } else {
        while !bytes.is_empty() {
            watch.step(&mut bytes);
        }
    }
    watch.lose_link();
    watch.resync(&PbxLists::default());
    assert!(watch.tracker.is_idle(), "{:#?}", watch.tracker);
    assert!(watch.alive.is_empty());
}

struct Watch {
    tracker: CallTracker,
    now: Instant,
    alive: BTreeSet<CallId>,
}

/// Events and the channels they name by prefix.
const EVENTS: [(&str, &[&str]); 39] = [
    ("Newchannel", &[""]),
    ("Newchannel", &[""]),
    ("Newstate", &[""]),
    ("Newstate", &[""]),
    ("NewCallerid", &[""]),
    ("NewConnectedLine", &[""]),
    ("Newexten", &[""]),
    ("Rename", &[""]),
    ("DialBegin", &["", "Dest"]),
    ("DialBegin", &["Dest"]),
    ("DialState", &["", "Dest"]),
    ("DialEnd", &["", "Dest"]),
    ("Hangup", &[""]),
    ("HangupRequest", &[""]),
    ("BridgeCreate", &[]),
    ("BridgeEnter", &[""]),
    ("BridgeEnter", &[""]),
    ("BridgeLeave", &[""]),
    ("BridgeDestroy", &[]),
    ("BridgeMerge", &[]),
    ("LocalBridge", &["LocalOne", "LocalTwo"]),
    ("LocalOptimizationBegin", &["LocalOne", "LocalTwo"]),
    ("LocalOptimizationEnd", &["LocalOne", "LocalTwo"]),
    ("OriginateResponse", &[""]),
    ("Hold", &[""]),
    ("Unhold", &[""]),
    (
        "AttendedTransfer",
        &[
            "OrigTransferer",
            "SecondTransferer",
            "Transferee",
            "TransferTarget",
        ],
    ),
    ("BlindTransfer", &["Transferer", "Transferee"]),
    ("Pickup", &["", "Target"]),
    ("ParkedCall", &["Parkee"]),
    ("UnParkedCall", &["Parkee", "Retriever"]),
    ("ParkedCallTimeOut", &["Parkee"]),
    ("QueueCallerJoin", &[""]),
    ("QueueCallerAbandon", &[""]),
    ("AgentCalled", &["", "Dest"]),
    ("AgentConnect", &["", "Dest"]),
    ("ConfbridgeJoin", &[""]),
    ("ConfbridgeLeave", &[""]),
    ("ChanSpyStart", &["Spyer", "Spyee"]),
];
const NAMES: [&str; 8] = [
    "PJSIP/101-00000001",
    "PJSIP/102-00000002",
    "PJSIP/trunk-00000003",
    "Local/103@from-internal-00000004;1",
    "Local/103@from-internal-00000004;2",
    "PJSIP/103-00000005",
    "Local/104@from-internal-00000006;1",
    "Local/104@from-internal-00000006;2",
];

impl Watch {
    fn new() -> Self {
        let now = Instant::now();
        let mut tracker = CallTracker::new(Seed {
            unix_ms: 0,
            at: now,
            random: 0,
        });
        tracker.resync(&PbxLists::default(), now);
        Self {
            tracker,
            now,
            alive: BTreeSet::new(),
        }
    }

    fn step(&mut self, bytes: &mut Bytes<'_>) {
        self.now += Duration::from_secs(u64::from(bytes.below(4)));
        match bytes.byte() {
            what @ 0..=239 => {
                let (event, prefixes) = EVENTS[usize::from(what) % EVENTS.len()];
                let text = event_text(event, prefixes, bytes);
                self.hear(text.as_bytes());
            }
            240..=243 => {
                self.lose_link();
                self.resync_with(bytes);
            }
            244..=247 => {
                self.tracker.begin_audit();
                self.resync_with(bytes);
            }
            248..=250 => {
                let id = Uniqueid::from(format!("1.{}", bytes.below(8)).as_str());
                self.tracker.expect_originate(id, "PJSIP/101", self.now);
            }
            251..=253 => {
                if let Some(due) = self.tracker.poll_timeout() {
                    self.now = self.now.max(due);
                    self.tracker.handle_timeout(self.now);
                    let next = self.tracker.poll_timeout();
                    assert!(
                        next.is_none_or(|next| next > self.now),
                        "a deadline stays due"
                    );
                }
            }
            254.. => {
                let id = Uniqueid::from(format!("1.{}", bytes.below(8)).as_str());
                self.tracker.hangup_asked(&id);
                self.tracker.originate_cancelled(&id);
            }
        }
        self.check();
    }

    fn hear(&mut self, bytes: &[u8]) {
        for_each_event(bytes, |event| {
            self.tracker.handle(event, self.now);
        });
        self.check();
    }

    /// The PBX lists any of the channels, as the bits say.
    fn resync_with(&mut self, bytes: &mut Bytes<'_>) {
        let listed = bytes.byte();
        let mut lists = PbxLists::default();
        for number in (0..8).filter(|number| listed & (1 << number) != 0) {
            let mut text = String::from("Event: CoreShowChannel\r\n");
            write_channel(&mut text, "", number, bytes.byte());
            text.push_str("Application: Dial\r\nDuration: 00:00:05\r\n\r\n");
            for_each_event(text.as_bytes(), |event| assert!(lists.take(event)));
        }
        self.resync(&lists);
    }

    fn lose_link(&mut self) {
        self.tracker.link_lost(self.now);
        assert!(self.tracker.calls().all(|call| !call.certain));
        self.check();
    }

    fn resync(&mut self, lists: &PbxLists) {
        self.tracker.resync(lists, self.now);
        self.check();
    }

    fn check(&mut self) {
        while let Some(event) = self.tracker.poll_event() {
            match event {
                CallEvent::Started(id) => assert!(self.alive.insert(id), "a call began twice"),
                CallEvent::Changed(id) => assert!(self.alive.contains(&id), "a call nobody began"),
                CallEvent::Ended(call) => {
                    assert!(
                        self.alive.remove(&call.id),
                        "a call ended that nobody began"
                    );
                    assert!(self.tracker.call(call.id).is_none());
                    assert!(call.end.is_some() && call.ended.is_some());
                    assert!(call.legs.iter().all(|leg| leg.state == LegState::Gone));
                }
                CallEvent::Originate { .. } | CallEvent::Room(_) => {}
            }
        }
        let mut seen = BTreeSet::new();
        for call in self.tracker.calls() {
            for leg in call.legs.iter().filter(|leg| leg.state != LegState::Gone) {
                let by = self.tracker.rung_by(leg).and_then(|by| call.leg(by));
                assert!(by.is_none_or(|by| by.id != leg.id), "{leg:?} rings itself");
                assert!(
                    seen.insert(leg.uniqueid.as_str().to_owned()),
                    "{:?} is in two calls",
                    leg.uniqueid
                );
            }
        }
    }
}

fn event_text(event: &str, prefixes: &[&str], bytes: &mut Bytes<'_>) -> String {
    let mut text = format!("Event: {event}\r\n");
    for prefix in prefixes {
        let (number, state) = (bytes.below(8), bytes.byte());
        write_channel(&mut text, prefix, number, state);
    }
    let more = bytes.byte();
    let bridge = more & 3;
    let kind = ["basic", "holding", "base", "basic"][usize::from(more >> 2 & 3)];
    for (prefix, number) in [
        ("Bridge", bridge),
        ("ToBridge", bridge),
        ("FromBridge", more >> 4 & 3),
    ] {
        text.push_str(&format!(
            "{prefix}Uniqueid: b{number}\r\n{prefix}Type: {kind}\r\n{prefix}NumChannels: 2\r\n"
        ));
    }
    let status = ["ANSWER", "BUSY", "NOANSWER", "CANCEL"][usize::from(more >> 4 & 3)];
    let progress = ["RINGING", "PROGRESS", "PROCEEDING", status][usize::from(more >> 6)];
    let status = if event == "DialState" {
        progress
    } else {
        status
    };
    let application = ["Dial", "Queue", "VoiceMail", "ConfBridge"][usize::from(more >> 6)];
    text.push_str(&format!(
        "DialStatus: {status}\r\nCause: {}\r\nApplication: {application}\r\nAppData: 600\r\nQueue: 600\r\n\
         Conference: 700\r\nResult: Success\r\nParkingSpace: 701\r\nParkinglot: default\r\nPosition: 1\r\n\
         LocalOptimization: Yes\r\nSuccess: Yes\r\nResponse: {}\r\nReason: {}\r\nNewname: {}\r\n",
        [0, 16, 17, 26][usize::from(more & 3)],
        ["Success", "Failure"][usize::from(more >> 7)],
        more >> 4 & 7,
        NAMES[usize::from(more & 7)],
    ));
    if more & 0x80 != 0 {
        text.push_str(&format!("SwapUniqueid: 1.{}\r\n", more >> 4 & 7));
    }
    text.push_str("\r\n");
    text
}

/// Both the number and the state decide which Linkedid it has: it changes, as in Asterisk.
fn write_channel(text: &mut String, prefix: &str, number: u8, state: u8) {
    let name = NAMES[usize::from(number % 8)];
    let linked = match state & 0x80 {
        0 => number & 4,
        _ => state >> 4 & 7,
    };
    let channel_state = [0, 4, 5, 6][usize::from(state & 3)];
    text.push_str(&format!(
        "{prefix}Channel: {name}\r\n{prefix}ChannelState: {channel_state}\r\n{prefix}CallerIDNum: 10{number}\r\n\
         {prefix}CallerIDName: <unknown>\r\n{prefix}ConnectedLineNum: 102\r\n{prefix}Context: from-internal\r\n\
         {prefix}Exten: 10{}\r\n{prefix}Priority: 1\r\n{prefix}Uniqueid: 1.{number}\r\n{prefix}Linkedid: 1.{linked}\r\n",
        state >> 2 & 3,
    ));
}

fn for_each_event(bytes: &[u8], mut take: impl FnMut(&Event<'_>)) {
    let mut decoder = Decoder::without_banner(Charset::default(), Limits::default());
    decoder.feed(bytes);
    while let Some(incoming) = decoder.next_message() {
        if let Incoming::Message(message) = incoming
            && let Some(event) = message.event()
        {
            take(&event);
        }
    }
}
