//! Queues, their members, and who waited in them when the PBX listed them.

use ami::{ChannelName, DeviceStatus, Uniqueid, Value};

use super::{
    name::{Interface, QueueName},
    text::{cut, set, set_opt_text, set_text},
};
use crate::Party;

/// A queue, as far as its list and its members tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queue {
    /// `None` until the queue was listed: members may be heard of before.
    pub params: Option<QueueParams>,
    /// Callers whom the last list named and who have not left since, the longest waiting first; at most
    /// [`Queue::WAITING`]. Who joined later is not here: the calls tell.
    pub waiting: Vec<Waiting>,
}

/// A queue as QueueStatus sums it up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueParams {
    /// `ringall`, `rrmemory`, …
    pub strategy: Box<str>,
    /// The most callers that may wait; 0 is no limit.
    pub max: u32,
    /// Callers that waited at the time of the list.
    pub calls: u32,
    /// Mean seconds until the answer.
    pub hold_time: u32,
    /// Mean seconds of a talk.
    pub talk_time: u32,
    pub completed: u32,
    pub abandoned: u32,
}

/// A caller whom the list named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub uniqueid: Uniqueid,
    pub channel: ChannelName,
    pub caller: Party,
    /// Seconds at the time of the list.
    pub wait: u32,
}

/// Who answers calls of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueMember {
    pub queue: QueueName,
    pub interface: Interface,
    pub name: Box<str>,
    /// Whose state counts: `PJSIP/103`, `hint:103@ext-local`.
    pub state_interface: Box<str>,
    pub membership: Membership,
    pub status: DeviceStatus,
    pub paused: bool,
    /// Why, where the agent or the panel said so.
    pub paused_reason: Option<Box<str>>,
    pub penalty: i32,
    /// In a call of this queue.
    pub in_call: bool,
    pub calls_taken: u32,
    /// Unix time; `None` for none since the queue was loaded.
    pub last_call: Option<u64>,
    /// Unix time; Asterisk 13 does not tell.
    pub login_time: Option<u64>,
}

/// How a member came into a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Membership {
    /// By queues.conf: cannot log out, only pause.
    Static,
    /// Logged in.
    Dynamic,
    Realtime,
    Other,
}

impl Queue {
    /// Further callers of a list are not remembered.
    pub const WAITING: usize = 1_000;

    pub(super) fn take_params(&mut self, heard: &ami::QueueParams<'_>) -> bool {
        let is_new = self.params.is_none();
        let params = self.params.get_or_insert_default();
        let has_changed = set_text(&mut params.strategy, heard.strategy)
            | set(&mut params.max, heard.max)
            | set(&mut params.calls, heard.calls)
            | set(&mut params.hold_time, heard.hold_time)
            | set(&mut params.talk_time, heard.talk_time)
            | set(&mut params.completed, heard.completed)
            | set(&mut params.abandoned, heard.abandoned);
        is_new | has_changed | self.expect_waiting(heard.calls)
    }

    /// The entries follow, as many as the queue counts.
    fn expect_waiting(&mut self, calls: u32) -> bool {
        let calls = usize::try_from(calls).unwrap_or(usize::MAX);
        let before = self.waiting.len();
        self.waiting.truncate(calls);
        before != self.waiting.len()
    }

    pub(super) fn take_entry(&mut self, entry: &ami::QueueEntry<'_>) -> bool {
        let place = usize::try_from(entry.position).unwrap_or(usize::MAX);
        let Some(place) = place.checked_sub(1).filter(|place| *place < Self::WAITING) else {
            return false;
        };
        match self.waiting.get_mut(place) {
            Some(waiting) if waiting.uniqueid.as_str() == cut(&entry.uniqueid.text()) => {
                std::mem::replace(&mut waiting.wait, entry.wait) != entry.wait
            }
            Some(waiting) => {
                *waiting = Waiting::from(entry);
                true
            }
            None => {
                self.waiting.push(Waiting::from(entry));
                true
            }
        }
    }

    pub(super) fn leave(&mut self, uniqueid: Value<'_>) -> bool {
        let uniqueid = uniqueid.text();
        let before = self.waiting.len();
        self.waiting
            .retain(|waiting| waiting.uniqueid.as_str() != cut(&uniqueid));
        before != self.waiting.len()
    }
}

impl From<&ami::QueueEntry<'_>> for Waiting {
    fn from(entry: &ami::QueueEntry<'_>) -> Self {
        Self {
            uniqueid: cut(&entry.uniqueid.text()).into(),
            channel: cut(&entry.channel.text()).into(),
            caller: Party::new(
                cut(&entry.caller.num.text()),
                cut(&entry.caller.name.text()),
            ),
            wait: entry.wait,
        }
    }
}

impl QueueMember {
    pub(super) fn new(heard: &ami::QueueMember<'_>) -> Self {
        let mut member = Self {
            queue: QueueName::from(&*heard.queue.text()),
            interface: Interface::from(&*heard.interface.text()),
            name: Box::default(),
            state_interface: Box::default(),
            membership: Membership::Other,
            status: DeviceStatus::Unknown,
            paused: false,
            paused_reason: None,
            penalty: 0,
            in_call: false,
            calls_taken: 0,
            last_call: None,
            login_time: None,
        };
        member.take(heard);
        member
    }

    /// Says whether anything is different now.
    pub(super) fn take(&mut self, heard: &ami::QueueMember<'_>) -> bool {
        let reason = heard.paused_reason.known().filter(|_| heard.paused);
        set_text(&mut self.name, heard.name)
            | set_text(&mut self.state_interface, heard.state_interface)
            | set_opt_text(&mut self.paused_reason, reason)
            | set(&mut self.membership, Membership::read(heard.membership))
            | set(&mut self.status, heard.status)
            | set(&mut self.paused, heard.paused)
            | set(&mut self.penalty, heard.penalty)
            | set(&mut self.in_call, heard.in_call)
            | set(&mut self.calls_taken, heard.calls_taken)
            | set(&mut self.last_call, unix_time(heard.last_call))
            | set(&mut self.login_time, unix_time(heard.login_time))
    }
}

impl Membership {
    fn read(value: Value<'_>) -> Self {
        match value.bytes() {
            b"static" => Self::Static,
            b"dynamic" => Self::Dynamic,
            b"realtime" => Self::Realtime,
            _ => Self::Other,
        }
    }
}

fn unix_time(seconds: u64) -> Option<u64> {
    (seconds != 0).then_some(seconds)
}
