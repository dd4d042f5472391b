//! Plays a recording into a tracker and writes down what it tells, one line a step.
//!
//! Time is what the recording's own `Timestamp`s say, so a story is the same on every machine.

mod click;
mod words;

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use ami::{Event, Message, Response, Uniqueid};
use calls::{Call, CallEvent, CallId, CallTracker, PbxLists, Seed};
use serde::Serialize;

use crate::{
    Recording,
    pbx::{Pbx, Rights},
};

/// What was told of a recording.
#[derive(Debug, Clone, Default)]
pub struct Story {
    pub steps: Vec<Step>,
    /// The calls as they were when they ended, in that order.
    pub calls: Vec<ToldCall>,
    /// The recording's first `Timestamp`, in seconds since 1970: second 0 of the story.
    pub began: f64,
    /// Calls that had not ended when the recording did.
    pub open: Vec<ToldCall>,
}

/// One line of a story.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Seconds since the recording's beginning.
    pub at: f64,
    /// Calls are numbered in the order of their birth; `None` is about no call in particular.
    pub call: Option<usize>,
    pub text: String,
}

/// A call with its number in the story and the story's clock.
#[derive(Debug, Clone)]
pub struct ToldCall {
    pub number: usize,
    pub call: Call,
    began: Instant,
}

/// How to play a recording.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The Originate in it is ours; the phone that it rings first (`PJSIP/101`).
    pub click: Option<Box<str>>,
    /// The link breaks before this message, counted from 0, and is back at once; the PBX's lists then are those of
    /// [`Pbx`].
    pub cut: Option<usize>,
}

impl Story {
    /// Plays all of a recording.
    #[must_use]
    pub fn of(recording: &Recording) -> Self {
        Self::with(recording, &Options::default())
    }

    #[must_use]
    pub fn with(recording: &Recording, options: &Options) -> Self {
        let mut teller = Teller::new();
        let ours = options.click.as_deref().map(|agent| {
            let (ours, id) = click::ours(recording);
            teller.expect_originate(id, agent);
            ours
        });
        let mut at = 0;
        let mut pbx = Pbx::default();
        ours.as_ref().unwrap_or(recording).for_each(|message| {
            if options.cut == Some(at) {
                teller.lose_link();
                teller.listed = pbx.lists(Rights::All);
                teller.resync();
            }
            pbx.apply(message);
            teller.hear(message);
            at += 1;
        });
        teller.end()
    }

    /// A machine's form of it: the steps, and each call with its legs, talks and history. Times are seconds since the
    /// recording's beginning.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let calls = |told: &[ToldCall]| told.iter().map(words::json_of).collect::<Vec<_>>();
        serde_json::json!({
            "began": self.began,
            "steps": self.steps,
            "calls": calls(&self.calls),
            "open": calls(&self.open),
        })
    }

    /// Calls that ended by themselves: those that were joined to others are told as a part of these.
    pub fn lasting(&self) -> impl Iterator<Item = &ToldCall> {
        self.calls
            .iter()
            .filter(|told| !matches!(told.call.end, Some(calls::End::JoinedTo(_))))
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let several = self
            .steps
            .iter()
            .any(|step| step.call.is_some_and(|call| call > 1));
        for step in &self.steps {
            match step.call.filter(|_| several) {
                Some(call) => writeln!(f, "{:>6.1}  #{call} {}", step.at, step.text)?,
                None if several => writeln!(f, "{:>6.1}     {}", step.at, step.text)?,
                None => writeln!(f, "{:>6.1}  {}", step.at, step.text)?,
            }
        }
        Ok(())
    }
}

impl ToldCall {
    /// Seconds since the recording's beginning.
    #[must_use]
    pub fn seconds(&self, at: Instant) -> f64 {
        at.saturating_duration_since(self.began).as_secs_f64()
    }
}

/// Writes the story of a stream of messages while they come.
#[derive(Debug)]
pub struct Teller {
    tracker: CallTracker,
    began: Instant,
    now: Instant,
    first_timestamp: Option<f64>,
    listed: PbxLists,
    link_is_lost: bool,
    /// The Originate that we wait to hear of.
    click: Option<Uniqueid>,
    seen: BTreeMap<CallId, Call>,
    numbers: BTreeMap<CallId, usize>,
    story: Story,
}

impl Default for Teller {
    fn default() -> Self {
        Self::new()
    }
}

impl Teller {
    #[must_use]
    pub fn new() -> Self {
        let began = Instant::now();
        let seed = Seed {
            unix_ms: 1_795_228_715_000,
            at: began,
            random: 1,
        };
        Self {
            tracker: CallTracker::new(seed),
            began,
            now: began,
            first_timestamp: None,
            listed: PbxLists::default(),
            link_is_lost: false,
            click: None,
            seen: BTreeMap::new(),
            numbers: BTreeMap::new(),
            story: Story::default(),
        }
    }

    /// The tracker that hears it all.
    #[must_use]
    pub fn tracker(&self) -> &CallTracker {
        &self.tracker
    }

    pub fn expect_originate(&mut self, id: Uniqueid, agent: &str) {
        self.tracker.expect_originate(id.clone(), agent, self.now);
        self.click = Some(id);
        self.tell();
    }

    /// Takes the next message of the PBX.
    pub fn hear(&mut self, message: &Message<'_>) {
        self.keep_time(message);
        if let Some(event) = message.event() {
            let is_listed = message.get("ActionID").is_some() && self.listed.take(&event);
            if !is_listed {
                self.tracker.handle(&event, self.now);
            }
            if let Event::Status(listing) = &event {
                self.tracker.take_status(&listing.into(), self.now);
            }
            if self.link_is_lost && ends_list(message) {
                self.resync();
            }
        } else if let (Some(Response::Error), Some(id)) = (message.response(), &self.click) {
            let why = message.get("Message").unwrap_or_default();
            self.tracker.originate_refused(id, &why.text());
        }
        self.tell();
    }

    /// Nothing tells what happens from here on, until the PBX has listed its channels.
    pub fn lose_link(&mut self) {
        self.say(None, "link lost".into());
        self.tracker.link_lost(self.now);
        self.listed = PbxLists::default();
        self.link_is_lost = true;
        self.tell();
    }

    /// The PBX has listed what there is.
    pub fn resync(&mut self) {
        let lists = std::mem::take(&mut self.listed);
        self.link_is_lost = false;
        self.say(
            None,
            match lists.channels.len() {
                1 => "the PBX lists 1 channel".into(),
                count => format!("the PBX lists {count} channels"),
            },
        );
        self.tracker.resync(&lists, self.now);
        self.tell();
    }

    /// The whole story.
    #[must_use]
    pub fn end(mut self) -> Story {
        let open: Vec<_> = self.tracker.calls().cloned().collect();
        for call in open {
            let number = self.number_of(call.id);
            self.story.open.push(ToldCall {
                number,
                call,
                began: self.began,
            });
        }
        self.story.began = self.first_timestamp.unwrap_or_default();
        self.story
    }

    fn keep_time(&mut self, message: &Message<'_>) {
        let Some(timestamp) = message
            .get("Timestamp")
            .and_then(|value| value.number::<f64>())
        else {
            return;
        };
        let since = timestamp - *self.first_timestamp.get_or_insert(timestamp);
        let since = Duration::try_from_secs_f64(since.max(0.0)).unwrap_or_default();
        self.now = self.now.max(self.began + since);
    }

    fn say(&mut self, call: Option<usize>, text: String) {
        let at = (self.now - self.began).as_secs_f64();
        self.story.steps.push(Step { at, call, text });
    }

    fn number_of(&mut self, id: CallId) -> usize {
        let next = self.numbers.len() + 1;
        *self.numbers.entry(id).or_insert(next)
    }

    fn tell(&mut self) {
        while let Some(event) = self.tracker.poll_event() {
            match event {
                CallEvent::Originate { progress, .. } => {
                    let words = words::progress(&progress, &self.numbers);
                    self.say(None, format!("click: {words}"));
                }
                CallEvent::Room(_) => {}
                CallEvent::Started(id) | CallEvent::Changed(id) => {
                    if let Some(call) = self.tracker.call(id).cloned() {
                        self.tell_call(call);
                    }
                }
                CallEvent::Ended(call) => {
                    self.tell_call((*call).clone());
                    self.seen.remove(&call.id);
                    let number = self.number_of(call.id);
                    self.story.calls.push(ToldCall {
                        number,
                        call: *call,
                        began: self.began,
                    });
                }
            }
        }
    }

    fn tell_call(&mut self, call: Call) {
        let number = self.number_of(call.id);
        let before = self.seen.get(&call.id);
        for line in words::changes(before, &call, &self.numbers) {
            self.say(Some(number), line);
        }
        self.seen.insert(call.id, call);
    }
}

fn ends_list(message: &Message<'_>) -> bool {
    message
        .event_name()
        .is_some_and(|name| name.bytes() == b"CoreShowChannelsComplete")
}
