//! Plays a recording into [`States`] and writes down what changes, one line a step.

use std::{collections::BTreeMap, fmt};

use ami::{DeviceStatus, ExtensionState, Message};
use calls::{HintKind, Known, Peer, QueueMember, StateChange, StateList, States};
use replay::Recording;

/// A recording, played message by message.
#[derive(Default)]
pub(crate) struct Replay {
    states: States,
    lines: Vec<String>,
    /// What was written last of each thing.
    written: BTreeMap<String, String>,
    started: Option<f64>,
    now: f64,
    listing: Option<StateList>,
}

/// What changed, line by line.
pub(crate) fn replay(name: &str) -> Replay {
    let mut replay = Replay::default();
    replay.play(name, |_, _| {});
    replay
}

impl Replay {
    /// The time that `then` gets is Unix time by the PBX's clock.
    pub(crate) fn play(&mut self, name: &str, mut then: impl FnMut(&States, f64)) {
        let recording = Recording::named(name).expect("a recording");
        recording.for_each(|message| {
            let Some(event) = message.event() else {
                return;
            };
            if let Some(now) = message.get("Timestamp").and_then(|now| now.number::<f64>()) {
                self.started.get_or_insert(now);
                self.now = self.now.max(now);
            }
            self.follow_lists(message);
            self.states.handle(&event);
            if self.listing.is_none() {
                self.tell();
            }
            then(&self.states, self.now);
        });
    }

    /// Lists that the recorded session asked for; each list but that of queues begins with its first entry.
    fn follow_lists(&mut self, message: &Message<'_>) {
        let name = message.event_name().unwrap_or_default();
        let is_entry = message.get("ActionID").is_some();
        let list = match name.bytes() {
            b"ExtensionStatus" | b"ExtensionStateListComplete" => StateList::Extensions,
            b"DeviceStateChange" | b"DeviceStateListComplete" => StateList::Devices,
            b"QueueParams" | b"QueueMember" | b"QueueStatusComplete" => StateList::Queues,
            _ => return,
        };
        if name.bytes().ends_with(b"Complete") {
            let is_whole = self.listing == Some(list) && list != StateList::Queues;
            if is_whole {
                self.states.end_list(list);
            }
            self.listing = None;
            self.sum_up(list);
        } else if is_entry && self.listing.replace(list) != Some(list) && list != StateList::Queues
        {
            self.states.begin_list(list);
        }
    }

    /// One line for all the idle things of a list, then one for each that is not.
    fn sum_up(&mut self, list: StateList) {
        let states = &self.states;
        let of_kind = |kind| {
            states
                .extensions()
                .filter(|hint| hint.kind() == kind)
                .count()
        };
        let line = match list {
            StateList::Extensions => format!(
                "lamps: {} of phones, {} of parking places, {} of conferences, {} of queues",
                of_kind(HintKind::Phone),
                of_kind(HintKind::Parking),
                of_kind(HintKind::Conference),
                of_kind(HintKind::Queue),
            ),
            StateList::Devices => format!("devices: {}", states.devices().count()),
            StateList::Presences => format!("presences: {}", states.presences().count()),
            StateList::Queues => format!("queues: {}", states.queues().count()),
        };
        self.say(&line);
        self.tell();
    }

    fn tell(&mut self) {
        while let Some(change) = self.states.poll_change() {
            let Some((what, how)) = self.in_words(&change) else {
                continue;
            };
            if self.written.get(&what) != Some(&how) {
                self.say(&format!("{what} {how}"));
                self.written.insert(what, how);
            }
        }
    }

    fn say(&mut self, line: &str) {
        let at = self.now - self.started.unwrap_or(self.now);
        self.lines.push(format!("{at:>5.1}  {line}"));
    }

    /// `None` for what is said better by something else: a phone's device by its lamp.
    fn in_words(&self, change: &StateChange) -> Option<(String, String)> {
        let states = &self.states;
        match change {
            StateChange::Extension(extension) => {
                let Some(hint) = states.extension(extension) else {
                    return Some((extension.to_string(), "has no lamp any more".into()));
                };
                let what = match hint.kind() {
                    HintKind::Phone => extension.to_string(),
                    HintKind::Queue => format!("queue {extension}"),
                    HintKind::Parking => format!("parking place {extension}"),
                    HintKind::Conference => format!("conference {extension}"),
                    HintKind::Custom | HintKind::Other => format!("lamp {extension}"),
                };
                let is_dnd = states.do_not_disturb(extension) == Some(true);
                let dnd = if is_dnd { ", do not disturb" } else { "" };
                let how = format!("{}{dnd}", lamp(hint.state));
                // In a list nearly all are idle.
                let is_first = !self.written.contains_key(&what);
                (!is_first || how != "is idle").then_some((what, how))
            }
            StateChange::QueueMember { queue, interface } => {
                let how = match states.member(queue, interface) {
                    Some(member) => member_in_words(states, member),
                    None => "is no member any more".into(),
                };
                Some((format!("queue {queue}: {interface}"), how))
            }
            StateChange::Queue(queue) => {
                let queue_now = states.queue(queue)?;
                let params = queue_now.params.as_ref()?;
                let how = format!("{}, {} waiting", params.strategy, params.calls);
                Some((format!("queue {queue}:"), how))
            }
            StateChange::Mailbox(mailbox) => {
                let now = states.mailbox(mailbox)?;
                let how = format!("{} new, {} old", now.new, now.old);
                Some((format!("mailbox {mailbox}:"), how))
            }
            StateChange::Peer(peer) => Some((peer.to_string(), peer_in_words(states.peer(peer)?))),
            StateChange::Device(_) | StateChange::Presence(_) => None,
        }
    }
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("\n"))
    }
}

fn lamp(state: ExtensionState) -> String {
    let words = [
        (state.is_in_use(), "in use"),
        (state.is_busy(), "busy"),
        (state.is_unavailable(), "unavailable"),
        (state.is_ringing(), "ringing"),
        (state.is_on_hold(), "on hold"),
    ];
    let words: Vec<_> = words
        .iter()
        .filter(|word| word.0)
        .map(|word| word.1)
        .collect();
    match words.as_slice() {
        [] => "is idle".into(),
        words => format!("is {}", words.join(" and ")),
    }
}

fn member_in_words(states: &States, member: &Known<QueueMember>) -> String {
    let whose = match states.extension_of(member) {
        Some(extension) if *member.name == *format!("Agent {extension}") => String::new(),
        Some(extension) => format!("({extension}) "),
        None => "(nobody's) ".into(),
    };
    let state = match member.status {
        DeviceStatus::Unknown => "unknown",
        DeviceStatus::NotInUse => "not in use",
        DeviceStatus::InUse => "in use",
        DeviceStatus::Busy => "busy",
        DeviceStatus::Invalid => "invalid",
        DeviceStatus::Unavailable => "unavailable",
        DeviceStatus::Ringing => "ringing",
        DeviceStatus::RingInUse => "ringing and in use",
        DeviceStatus::OnHold => "on hold",
    };
    let paused = match (member.paused, &member.paused_reason) {
        (false, _) => String::new(),
        (true, None) => ", paused".into(),
        (true, Some(reason)) => format!(", paused: {reason}"),
    };
    let taken = match member.calls_taken {
        0 => String::new(),
        taken => format!(", has taken {taken}"),
    };
    format!("{whose}{state}{paused}{taken}")
}

fn peer_in_words(peer: &Peer) -> String {
    let reachable = match peer.is_reachable() {
        Some(true) => "can be reached",
        Some(false) => "cannot be reached",
        None => "is not known to be reachable",
    };
    format!("{reachable}, {} contacts heard of", peer.contacts.len())
}
