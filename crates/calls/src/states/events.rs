//! What each event says of which thing.

use ami::{DeviceStatus, Event, Extension, Value};

use super::{
    Hint, HintKind, LONGEST_NAME, MOST_HINTS, Mailbox, Peer, Presence, Queue, QueueMember, States,
    hint::extension_of_do_not_disturb,
    name::Pair,
    register::News,
    text::{cut, set, set_text},
};
use crate::{
    Map,
    extensions::{Technology, technology_of},
};

impl States {
    /// Takes one event, in the order in which events arrive. It cannot fail: what does not fit is counted.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all other events are of calls"
    )]
    pub fn handle(&mut self, event: &Event<'_>) {
        match event {
            Event::ExtensionStatus(status) => self.extension_status(status),
            Event::DeviceStateChange { device, state } => {
                self.device_state_change(*device, *state);
            }
            Event::PresenceStatus {
                exten,
                context,
                presence,
            } => self.presence_status(*exten, *context, presence),
            Event::PresenceStateChange {
                presentity,
                presence,
            } => self.presence_state_change(&presentity.text(), presence),
            Event::PeerStatus { peer, status } => self.peer_status(*peer, *status),
            Event::ContactStatus {
                uri,
                status,
                aor,
                endpoint,
            } => {
                let endpoint = if endpoint.is_empty() { aor } else { endpoint };
                self.contact_status(*endpoint, *uri, *status);
            }
            Event::MessageWaiting(waiting) => self.message_waiting(waiting),
            Event::QueueParams(params) => self.queue_params(params),
            Event::QueueEntry(entry) => self.queue_entry(entry),
            Event::QueueMember(member) => self.queue_member(member),
            Event::QueueMemberRemoved { queue, interface } => {
                self.queue_member_removed(*queue, *interface);
            }
            Event::QueueCallerLeave { channel, queue }
            | Event::QueueCallerAbandon { channel, queue } => {
                let leave = |queue: &mut Queue| queue.leave(channel.uniqueid);
                self.queues.amend(&queue.text(), leave);
            }
            _ => {}
        }
    }

    fn extension_status(&mut self, status: &ami::ExtensionStatus<'_>) {
        let (exten, context) = (status.exten.text(), status.context.text());
        // A pattern (`_1XX`) has no state of its own.
        if !self.is_name(&exten) || exten.starts_with('_') {
            return;
        }
        let key = Pair::write(&mut self.buffer, &exten, cut(&context));
        if status.status.is_removed() {
            if let Some(hint) = self.hints.remove(key) {
                forget_behind(&mut self.behind, &hint);
            }
            return;
        }
        let text = status.hint.text();
        let has_new_text = self
            .hints
            .get(key)
            .is_none_or(|hint| *hint.text != *cut(&text));
        if has_new_text && let Some(hint) = self.hints.get(key) {
            forget_behind(&mut self.behind, hint);
        }
        let make = || Hint {
            extension: Extension::from(&*exten),
            context: cut(&context).into(),
            text: cut(&text).into(),
            state: status.status,
        };
        let news = self.hints.hear(key, make, |hint| {
            set_text(&mut hint.text, status.hint) | set(&mut hint.state, status.status)
        });
        if has_new_text && let Some(hint) = self.hints.get(key) {
            self.extensions.learn(&hint.text, hint.extension.as_str());
            learn_behind(&mut self.behind, hint, key);
        }
        self.count(news);
    }

    fn device_state_change(&mut self, device: Value<'_>, state: Value<'_>) {
        let device = device.text();
        // One for each number that was ever dialled through a Local channel, and none of a phone.
        if !self.is_name(&device) || technology_of(&device) == Technology::Local {
            return;
        }
        let status = DeviceStatus::from_word(state.bytes());
        let news = self
            .devices
            .hear(&device, || status, |known| set(known, status));
        self.count(news);
        if matches!(news, News::Born | News::Changed) {
            self.touch_extension(&device);
        }
    }

    /// A hint shows no presence of its own but that of a provider, of which there is an event too.
    fn presence_status(
        &mut self,
        exten: Value<'_>,
        context: Value<'_>,
        presence: &ami::Presence<'_>,
    ) {
        let key = Pair::write(&mut self.buffer, &exten.text(), &context.text());
        let Some(presentity) = self.hints.get(key).and_then(|hint| hint.presentity()) else {
            self.skipped.unknown += 1;
            return;
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.push_str(presentity);
        self.presence_state_change(&buffer, presence);
        self.buffer = buffer;
    }

    fn presence_state_change(&mut self, presentity: &str, presence: &ami::Presence<'_>) {
        if !self.is_name(presentity) {
            return;
        }
        let make = || {
            let mut new = Presence::default();
            new.take(presence);
            new
        };
        let news = self
            .presences
            .hear(presentity, make, |known| known.take(presence));
        self.count(news);
        if matches!(news, News::Born | News::Changed) {
            self.touch_extension(presentity);
        }
    }

    /// Reports the extension to whose picture a device or presence belongs.
    pub(super) fn touch_extension(&mut self, device: &str) {
        if let Some(key) = self.behind.get(device) {
            self.hints.touch(key.as_str());
        } else if let Some(extension) = extension_of_do_not_disturb(device) {
            let hints = self.hints.after(extension).map(|(key, _)| key.clone());
            let hints: Vec<_> = hints.take_while(|key| key.first() == extension).collect();
            for key in &hints {
                self.hints.touch(key.as_str());
            }
        }
    }

    fn peer_status(&mut self, peer: Value<'_>, status: Value<'_>) {
        let peer = peer.text();
        if !self.is_name(&peer) {
            return;
        }
        let make = || {
            let mut new = Peer::default();
            new.take_state(status);
            new
        };
        let news = self
            .peers
            .hear(&peer, make, |known| known.take_state(status));
        self.count(news);
    }

    fn contact_status(&mut self, endpoint: Value<'_>, uri: Value<'_>, status: Value<'_>) {
        let endpoint = endpoint.text();
        if !self.is_name(&endpoint) {
            return;
        }
        // Contacts are PJSIP's alone; PeerStatus names the same endpoint with its technology.
        self.buffer.clear();
        self.buffer.push_str("PJSIP/");
        self.buffer.push_str(&endpoint);
        let make = || {
            let mut new = Peer::default();
            new.take_contact(uri, status);
            new
        };
        let news = self
            .peers
            .hear(&self.buffer, make, |known| known.take_contact(uri, status));
        self.count(news);
    }

    fn message_waiting(&mut self, waiting: &ami::MessageWaiting<'_>) {
        let mailbox = waiting.mailbox.text();
        if !self.is_name(&mailbox) {
            return;
        }
        let now = Mailbox {
            new: waiting.new,
            old: waiting.old,
        };
        let news = self
            .mailboxes
            .hear(&mailbox, || now, |known| set(known, now));
        self.count(news);
    }

    fn queue_params(&mut self, params: &ami::QueueParams<'_>) {
        self.hear_queue(params.queue, |queue| queue.take_params(params));
    }

    fn queue_entry(&mut self, entry: &ami::QueueEntry<'_>) {
        self.hear_queue(entry.queue, |queue| queue.take_entry(entry));
    }

    fn queue_member(&mut self, member: &ami::QueueMember<'_>) {
        let (queue, interface) = (member.queue.text(), member.interface.text());
        if !self.is_name(&queue) || !self.is_name(&interface) {
            return;
        }
        let key = Pair::write(&mut self.buffer, &queue, &interface);
        let news = self
            .members
            .hear(key, || QueueMember::new(member), |known| known.take(member));
        self.count(news);
        if news != News::Full {
            self.hear_queue(member.queue, |_| false);
        }
    }

    fn queue_member_removed(&mut self, queue: Value<'_>, interface: Value<'_>) {
        let key = Pair::write(&mut self.buffer, &queue.text(), &interface.text());
        if self.members.remove(key).is_none() {
            self.skipped.unknown += 1;
        }
    }

    fn hear_queue(&mut self, queue: Value<'_>, mut change: impl FnMut(&mut Queue) -> bool) {
        let name = queue.text();
        if !self.is_name(&name) {
            return;
        }
        let mut new = Queue::default();
        let news = match self.queues.get(&name) {
            Some(_) => self.queues.hear(&name, Queue::default, change),
            None => {
                change(&mut new);
                self.queues.hear(&name, || new, |_| false)
            }
        };
        self.count(news);
    }

    /// Says whether this can be a name; if not, that is counted.
    fn is_name(&mut self, name: &str) -> bool {
        let is_name = (1..=LONGEST_NAME).contains(&name.len()) && !name.contains('\n');
        self.skipped.nameless += u64::from(!is_name);
        is_name
    }

    fn count(&mut self, news: News) {
        self.skipped.over_limit += u64::from(news == News::Full);
    }
}

/// Only hints of phones: `*76101` shows the same switch as 101 does, and has news of its own.
fn learn_behind(behind: &mut Map<Box<str>, Pair>, hint: &Hint, key: &str) {
    if hint.kind() != HintKind::Phone {
        return;
    }
    for name in hint.do_not_disturb_devices().chain(hint.presentity()) {
        if behind.len() < MOST_HINTS {
            behind.insert(name.into(), key.into());
        }
    }
}

pub(super) fn forget_behind(behind: &mut Map<Box<str>, Pair>, hint: &Hint) {
    for name in hint.do_not_disturb_devices().chain(hint.presentity()) {
        let is_its = behind.get(name).is_some_and(|key| {
            key.first() == hint.extension.as_str() && key.second() == &*hint.context
        });
        if is_its {
            behind.remove(name);
        }
    }
}
