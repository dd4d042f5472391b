//! Plays a recording into a tracker and writes down what it tells, one line a step.
//!
//! Time is what the recording's own `Timestamp`s say, so a story is the same on every machine.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ami::{Charset, Decoder, Event, Incoming, Limits, Message, Response, Uniqueid};
use calls::{
    Call, CallEvent, CallId, CallTracker, Direction, End, Leg, LegState, LiveChannel, Party,
    Progress, Role, Seed,
};

/// The story of a recording.
pub(crate) fn replay(name: &str) -> Story {
    let mut story = Story::default();
    Replay::new().play(name, &mut story);
    story
}

/// The story of a recording in which we originated a call that rings `agent` first.
pub(crate) fn replay_originate(name: &str, agent: &str) -> Story {
    let mut story = Story::default();
    let mut replay = Replay::new();
    replay.originate = Some(agent.to_owned());
    replay.play(name, &mut story);
    assert!(
        replay.tracker.is_idle(),
        "{name} leaves something behind: {:#?}",
        replay.tracker
    );
    story
}

/// What was told, line by line.
#[derive(Debug, Default)]
pub(crate) struct Story {
    lines: Vec<String>,
    /// Calls as they were when they ended.
    pub(crate) ended: Vec<Call>,
}

pub(crate) struct Replay {
    pub(crate) tracker: CallTracker,
    /// The phone that our Originate rings first.
    originate: Option<String>,
    started: Instant,
    now: Instant,
    first_timestamp: Option<f64>,
    listed: Vec<LiveChannel>,
    seen: BTreeMap<CallId, Call>,
}

impl Replay {
    pub(crate) fn new() -> Self {
        let started = Instant::now();
        let seed = Seed {
            unix_ms: 1_795_228_715_000,
            at: started,
            random: 1,
        };
        Self {
            tracker: CallTracker::new(seed),
            originate: None,
            started,
            now: started,
            first_timestamp: None,
            listed: Vec::new(),
            seen: BTreeMap::new(),
        }
    }

    pub(crate) fn play(&mut self, name: &str, story: &mut Story) {
        let bytes = std::fs::read(path(name, "ami")).expect("a recording");
        let bytes = self.announce_originate(bytes, story);
        for_each_message(&bytes, |message| {
            self.keep_time(message);
            if let Some(event) = message.event() {
                if let Event::CoreShowChannel(listing) = &event {
                    self.listed.push(listing.into());
                }
                self.tracker.handle(&event, self.now);
            } else if let (Some(Response::Error), Some(_)) = (message.response(), &self.originate) {
                let why = message.get("Message").unwrap_or_default();
                self.tracker.originate_refused(&OUR_ID.into(), &why.text());
            }
            self.tell(story);
        });
    }

    /// Only what `CoreShowChannels` lists, as after a login to a PBX that has been running.
    pub(crate) fn play_list_only(&mut self, name: &str, story: &mut Story) {
        let bytes = std::fs::read(path(name, "ami")).expect("a recording");
        for_each_message(&bytes, |message| {
            if let Some(Event::CoreShowChannel(listing)) = message.event() {
                self.listed.push((&listing).into());
            }
        });
        self.resync(story);
    }

    pub(crate) fn lose_link(&mut self, story: &mut Story) {
        story
            .lines
            .push(format!("{:>5}  link lost", self.elapsed()));
        self.tracker.link_lost(self.now);
        self.tell(story);
    }

    pub(crate) fn resync(&mut self, story: &mut Story) {
        story.lines.push(format!(
            "{:>5}  PBX lists {} channels",
            self.elapsed(),
            self.listed.len()
        ));
        self.tracker.resync(&self.listed.clone().into(), self.now);
        self.tell(story);
    }

    /// We always send a ChannelId; the recordings were mostly made without. So the id that Asterisk made is taken for
    /// ours, also where it says `<unknown>` for the lack of one.
    fn announce_originate(&mut self, bytes: Vec<u8>, story: &mut Story) -> Vec<u8> {
        let Some(agent) = self.originate.clone() else {
            return bytes;
        };
        let mut id = None;
        for_each_message(&bytes, |message| {
            if let (
                Some(Event::DialBegin {
                    caller: None, dest, ..
                }),
                None,
            ) = (message.event(), &id)
            {
                id = Some(dest.uniqueid.text().into_owned());
            }
        });
        let id = id.unwrap_or_else(|| OUR_ID.to_owned());
        self.tracker
            .expect_originate(Uniqueid::from(&*id), &agent, self.now);
        self.tell(story);
        let bytes = replace(
            &bytes,
            "Uniqueid: <unknown>",
            &format!("Uniqueid: {OUR_ID}"),
        );
        replace(
            &bytes,
            &format!("Uniqueid: {OUR_ID}\r"),
            &format!("Uniqueid: {id}\r"),
        )
    }

    fn keep_time(&mut self, message: &Message<'_>) {
        let Some(timestamp) = message
            .get("Timestamp")
            .and_then(|value| value.number::<f64>())
        else {
            return;
        };
        let since = timestamp - *self.first_timestamp.get_or_insert(timestamp);
        self.now = self
            .now
            .max(self.started + Duration::from_secs_f64(since.max(0.0)));
    }

    fn elapsed(&self) -> String {
        seconds(self.now - self.started)
    }

    fn tell(&mut self, story: &mut Story) {
        while let Some(event) = self.tracker.poll_event() {
            let at = self.elapsed();
            let mut say = |line: String| story.lines.push(format!("{at:>5}  {line}"));
            match event {
                CallEvent::Originate { progress, .. } => {
                    say(format!("click: {}", in_words(&progress)))
                }
                CallEvent::ExtensionState { .. } | CallEvent::Room(_) => {}
                CallEvent::Started(id) => {
                    let call = self.tracker.call(id).expect("a call that started").clone();
                    say(headline(&call));
                    tell_legs(None, &call, &mut say);
                    self.seen.insert(id, call);
                }
                CallEvent::Changed(id) => {
                    let call = self.tracker.call(id).expect("a call that changed").clone();
                    tell_changes(&self.seen[&id], &call, &mut say);
                    self.seen.insert(id, call);
                }
                CallEvent::Ended(call) => {
                    let before = self.seen.remove(&call.id).expect("a call that started");
                    tell_legs(Some(&before), &call, &mut say);
                    say(ending(&call));
                    story.ended.push(*call);
                }
            }
        }
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("\n"))
    }
}

const OUR_ID: &str = "click-1";

pub(crate) fn for_each_message(bytes: &[u8], mut with: impl FnMut(&Message<'_>)) {
    let mut decoder = Decoder::new(Charset::default(), Limits::default());
    decoder.feed(bytes);
    while let Some(incoming) = decoder.next_message() {
        if let Incoming::Message(message) = incoming {
            with(&message);
        }
    }
}

fn replace(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest
        .windows(from.len())
        .position(|window| window == from.as_bytes())
    {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to.as_bytes());
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

pub(crate) fn path(name: &str, kind: &str) -> PathBuf {
    folder().join(format!("{name}.{kind}"))
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces")
}

fn seconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64())
}

fn in_words(progress: &Progress) -> String {
    match progress {
        Progress::Queued => "queued".into(),
        Progress::RingingYourPhone => "ringing your phone".into(),
        Progress::YouPickedUp => "you picked up".into(),
        Progress::Calling => "calling".into(),
        Progress::RingingThere => "ringing there".into(),
        Progress::Answered => "answered".into(),
        Progress::Ended(end) => format!("ended: {}", end_in_words(end)),
    }
}

fn end_in_words(end: &End) -> String {
    match end {
        End::ByThem => "they hung up".into(),
        End::ByYou => "you hung up".into(),
        End::ByPbx => "the PBX hung up".into(),
        End::Busy => "busy".into(),
        End::NoAnswer => "no answer".into(),
        End::YourPhoneOffline => "your phone is offline".into(),
        End::YouDidNotPickUp => "you did not pick up".into(),
        End::YouRejected => "you rejected it".into(),
        End::Cancelled => "cancelled".into(),
        End::NoSuchNumber => "no such number".into(),
        End::Refused(why) => format!("refused: {why}"),
        End::Failed { cause } => format!("failed: {cause}"),
        End::JoinedTo(_) => "joined to another call".into(),
        End::Voicemail { message: true } => "left a message".into(),
        End::Voicemail { message: false } => "voicemail, no message".into(),
        End::Transferred => "passed on".into(),
        End::Disconnected => "unknown, the link was down".into(),
    }
}

fn headline(call: &Call) -> String {
    let direction = match call.direction {
        Direction::Incoming => "incoming",
        Direction::Outgoing => "outgoing",
        Direction::Internal => "internal",
    };
    let dialled = call.dialled.as_deref().unwrap_or("?");
    format!("call: {direction} {} -> {dialled}", party(&call.caller))
}

fn party(party: &Party) -> String {
    match (&party.number, &party.name) {
        (None, None) => "anonymous".into(),
        (Some(number), None) => number.to_string(),
        (None, Some(name)) => format!("{name:?}"),
        (Some(number), Some(name)) => format!("{number} {name:?}"),
    }
}

fn tell_changes(before: &Call, call: &Call, say: &mut impl FnMut(String)) {
    if headline(before) != headline(call) {
        say(headline(call));
    }
    if before.certain != call.certain {
        say(if call.certain {
            "call: certain again".into()
        } else {
            "call: uncertain".into()
        });
    }
    tell_legs(Some(before), call, say);
}

fn tell_legs(before: Option<&Call>, call: &Call, say: &mut impl FnMut(String)) {
    for leg in &call.legs {
        let old = before.and_then(|call| call.legs.iter().find(|old| old.uniqueid == leg.uniqueid));
        let (state, on_hold) =
            old.map_or((LegState::Dialling, false), |old| (old.state, old.on_hold));
        if state != leg.state {
            say(format!("  {} {}", who(leg), leg_in_words(leg)));
        }
        if on_hold != leg.on_hold && leg.state != LegState::Gone {
            say(format!(
                "  {} {}",
                who(leg),
                if leg.on_hold { "holds" } else { "talks again" }
            ));
        }
    }
    if before.is_none_or(|before| before.answered.is_none()) && call.answered.is_some() {
        let whom = call
            .answered_by
            .as_ref()
            .map_or("the other side", |extension| extension.as_str());
        say(format!("call: answered by {whom}"));
    }
}

fn who(leg: &Leg) -> String {
    let whose = leg
        .extension
        .as_ref()
        .map_or_else(|| leg.channel.endpoint(), |extension| extension.as_str());
    match leg.role {
        Role::Caller => format!("{whose} (caller)"),
        Role::Callee => whose.to_owned(),
    }
}

fn leg_in_words(leg: &Leg) -> String {
    match leg.state {
        LegState::Dialling => "is dialled".into(),
        LegState::Ringing => "rings".into(),
        LegState::Up => "is up".into(),
        LegState::Gone => match (leg.answered, leg.ringing, leg.gone) {
            (Some(answered), _, Some(gone)) => {
                format!("leaves after {} s", seconds(gone - answered))
            }
            (None, Some(ringing), Some(gone)) => {
                format!("stops ringing after {} s", seconds(gone - ringing))
            }
            _ => "leaves".into(),
        },
    }
}

fn ending(call: &Call) -> String {
    let end = call.end.as_ref().map_or_else(String::new, end_in_words);
    let talk = call
        .talk_time(call.started)
        .map(|talk| format!(", talk {} s", seconds(talk)))
        .unwrap_or_default();
    let cause = call
        .cause
        .map(|cause| format!(", {cause}"))
        .unwrap_or_default();
    let missed = if call.is_missed() { ", missed" } else { "" };
    format!("call: ended: {end}{talk}{missed}{cause}")
}
