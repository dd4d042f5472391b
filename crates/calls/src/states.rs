//! Everything that is a state of a thing and not a call: lamps, devices, presence, registrations, mailboxes and queues.
//!
//! [`States`] is a pure state machine beside [`CallTracker`](crate::CallTracker): events go in, the names of what has
//! changed come out, and what it is now is read from the state.

mod events;
mod hint;
mod name;
mod peer;
mod queue;
mod register;
mod text;

use ami::{DeviceStatus, Extension, Value};

use self::{
    events::forget_behind,
    hint::is_on,
    name::Pair,
    register::Register,
    text::{set, set_opt_text},
};
use crate::{
    Map,
    extensions::{Extensions, Technology, technology_of},
};

pub use self::{
    hint::{Hint, HintKind},
    name::{DeviceName, EndpointName, Interface, MailboxName, Presentity, QueueName},
    peer::{Contact, Peer, PeerState},
    queue::{Membership, Queue, QueueMember, QueueParams, Waiting},
    register::Known,
};

/// Knows the states of one PBX.
///
/// Memory is bounded whatever the PBX sends, and an event that changes nothing allocates nothing.
#[derive(Debug, Clone)]
pub struct States {
    extensions: Extensions,
    /// By extension and context.
    hints: Register<Pair, Hint>,
    devices: Register<DeviceName, DeviceStatus>,
    presences: Register<Presentity, Presence>,
    peers: Register<EndpointName, Peer>,
    mailboxes: Register<MailboxName, Mailbox>,
    queues: Register<QueueName, Queue>,
    /// By queue and interface.
    members: Register<Pair, QueueMember>,
    /// Which phone's hint names a do-not-disturb device or a presence, by the hint's own key.
    behind: Map<Box<str>, Pair>,
    skipped: Skipped,
    buffer: String,
}

/// What has changed since it was last polled, or is gone: then nothing is read of it any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateChange {
    /// The lamp of the extension, its do-not-disturb or its presence.
    Extension(Extension),
    Device(DeviceName),
    Presence(Presentity),
    Peer(EndpointName),
    Mailbox(MailboxName),
    /// A queue without its members.
    Queue(QueueName),
    QueueMember {
        queue: QueueName,
        interface: Interface,
    },
}

/// What a list of the PBX names completely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StateList {
    /// ExtensionStateList.
    Extensions,
    /// DeviceStateList.
    Devices,
    /// PresenceStateList.
    Presences,
    /// QueueStatus without `Queue` and `Member`.
    Queues,
}

/// What somebody says of himself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Presence {
    pub status: PresenceStatus,
    pub subtype: Option<Box<str>>,
    pub message: Option<Box<str>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum PresenceStatus {
    #[default]
    NotSet,
    Unavailable,
    Available,
    Away,
    /// Extended away: for longer.
    Xa,
    Chat,
    Dnd,
    Other,
}

/// Messages in a voice mailbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Mailbox {
    pub new: u32,
    pub old: u32,
}

/// Events that were not taken in, counted since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Beyond what is ready to be held.
    pub over_limit: u64,
    /// Without the name of what they speak of, or with one that no Asterisk gives.
    pub nameless: u64,
    /// Of something that must have been heard of before and was not.
    pub unknown: u64,
}

/// Far beyond what one Asterisk holds.
const MOST_HINTS: usize = 50_000;
const MOST_DEVICES: usize = 100_000;
const MOST_PRESENCES: usize = 50_000;
const MOST_PEERS: usize = 50_000;
const MOST_MAILBOXES: usize = 50_000;
const MOST_QUEUES: usize = 5_000;
const MOST_MEMBERS: usize = 100_000;

/// In bytes. Asterisk's own limits are 80 for extensions, contexts, devices and interfaces.
const LONGEST_NAME: usize = 255;

impl Default for States {
    fn default() -> Self {
        Self {
            extensions: Extensions::default(),
            hints: Register::new(MOST_HINTS),
            devices: Register::new(MOST_DEVICES),
            presences: Register::new(MOST_PRESENCES),
            peers: Register::new(MOST_PEERS),
            mailboxes: Register::new(MOST_MAILBOXES),
            queues: Register::new(MOST_QUEUES),
            members: Register::new(MOST_MEMBERS),
            behind: Map::default(),
            skipped: Skipped::default(),
            buffer: String::new(),
        }
    }
}

/// What is known.
impl States {
    /// The lamp of an extension: where several contexts have a hint for it, that of a phone comes first.
    #[must_use]
    pub fn extension(&self, extension: &Extension) -> Option<&Known<Hint>> {
        let is_phone = |hint: &&Known<Hint>| hint.kind() == HintKind::Phone;
        let mut hints = self.hints_of(extension.as_str());
        let phone = self.hints_of(extension.as_str()).find(is_phone);
        phone.or_else(|| hints.next())
    }

    /// Every hint, by extension and context.
    pub fn extensions(&self) -> impl Iterator<Item = &Known<Hint>> {
        self.hints.iter().map(|(_, hint)| hint)
    }

    /// Whether an extension is on do-not-disturb; `None` where nothing tells, as with a phone that has it by itself.
    ///
    /// That the lamp reads busy proves nothing. Known are the devices that dialplans switch (`Custom:DND101`, in the
    /// hint or by name) and the presence `dnd`.
    #[must_use]
    pub fn do_not_disturb(&self, extension: &Extension) -> Option<bool> {
        let presence = self.presence(extension).map(|presence| presence.status);
        if presence == Some(PresenceStatus::Dnd) {
            return Some(true);
        }
        let hint = self.extension(extension);
        let named = hint.into_iter().flat_map(|hint| {
            hint.do_not_disturb_devices()
                .map(|device| self.switch(device, hint))
        });
        let by_name = || {
            let device = self.device_named(&format!("Custom:DND{extension}"))?;
            is_on(**device)
        };
        let mut known = None;
        for switch in named {
            match switch {
                Some(true) => return Some(true),
                Some(false) => known = Some(false),
                None => {}
            }
        }
        known.or_else(by_name)
    }

    /// The last that a device reported.
    #[must_use]
    pub fn device(&self, device: &DeviceName) -> Option<&Known<DeviceStatus>> {
        self.device_named(device.as_str())
    }

    /// Every device but Local channels, by name.
    pub fn devices(&self) -> impl Iterator<Item = (&DeviceName, &Known<DeviceStatus>)> {
        self.devices.iter()
    }

    /// The presence that the extension's hint shows.
    #[must_use]
    pub fn presence(&self, extension: &Extension) -> Option<&Known<Presence>> {
        self.presences.get(self.extension(extension)?.presentity()?)
    }

    /// Every presence, by name.
    pub fn presences(&self) -> impl Iterator<Item = (&Presentity, &Known<Presence>)> {
        self.presences.iter()
    }

    /// The registration of an endpoint.
    #[must_use]
    pub fn peer(&self, endpoint: &EndpointName) -> Option<&Known<Peer>> {
        self.peers.get(endpoint.as_str())
    }

    /// Every endpoint whose registration was heard of, by name.
    pub fn peers(&self) -> impl Iterator<Item = (&EndpointName, &Known<Peer>)> {
        self.peers.iter()
    }

    #[must_use]
    pub fn mailbox(&self, mailbox: &MailboxName) -> Option<&Known<Mailbox>> {
        self.mailboxes.get(mailbox.as_str())
    }

    /// Every mailbox whose messages were heard of, by name.
    pub fn mailboxes(&self) -> impl Iterator<Item = (&MailboxName, &Known<Mailbox>)> {
        self.mailboxes.iter()
    }

    #[must_use]
    pub fn queue(&self, queue: &QueueName) -> Option<&Known<Queue>> {
        self.queues.get(queue.as_str())
    }

    /// Every queue, by name.
    pub fn queues(&self) -> impl Iterator<Item = (&QueueName, &Known<Queue>)> {
        self.queues.iter()
    }

    #[must_use]
    pub fn member(&self, queue: &QueueName, interface: &Interface) -> Option<&Known<QueueMember>> {
        let mut key = String::new();
        let key = Pair::write(&mut key, queue.as_str(), interface.as_str());
        self.members.get(key)
    }

    /// The members of a queue, by interface.
    pub fn members<'a>(
        &'a self,
        queue: &'a QueueName,
    ) -> impl Iterator<Item = &'a Known<QueueMember>> {
        self.members
            .after(queue.as_str())
            .take_while(|(key, _)| key.first() == queue.as_str())
            .map(|(_, member)| member)
    }

    /// The queues in which somebody is a member with his phone, logged in or paused.
    pub fn memberships<'a>(
        &'a self,
        extension: &'a Extension,
    ) -> impl Iterator<Item = &'a Known<QueueMember>> {
        self.members
            .iter()
            .map(|(_, member)| member)
            .filter(move |member| self.extension_of(member).as_ref() == Some(extension))
    }

    /// Whose phone a member of a queue is: the state interface tells before the interface.
    #[must_use]
    pub fn extension_of(&self, member: &QueueMember) -> Option<Extension> {
        let of = |interface: &str| {
            let hint = interface.strip_prefix("hint:");
            if let Some(address) = hint.or_else(|| interface.strip_prefix("Local/")) {
                let extension = address.split('@').next().unwrap_or_default();
                return (!extension.is_empty()).then(|| Extension::from(extension));
            }
            match technology_of(interface) {
                Technology::Phone => self.extensions.of_endpoint(interface),
                Technology::Local | Technology::Helper => None,
            }
        };
        of(&member.state_interface).or_else(|| of(member.interface.as_str()))
    }

    #[must_use]
    pub fn skipped(&self) -> Skipped {
        self.skipped
    }

    fn hints_of<'a, 'e>(
        &'a self,
        extension: &'e str,
    ) -> impl Iterator<Item = &'a Known<Hint>> + use<'a, 'e> {
        self.hints
            .after(extension)
            .take_while(move |(key, _)| key.first() == extension)
            .map(|(_, hint)| hint)
    }

    fn device_named(&self, device: &str) -> Option<&Known<DeviceStatus>> {
        self.devices.get(device)
    }

    /// A switch that was never set has no state at all. Then a hint that is idle with it in, or a complete list without
    /// it, says that it is off.
    fn switch(&self, device: &str, hint: &Hint) -> Option<bool> {
        match self.device_named(device) {
            Some(status) => is_on(**status),
            None if hint.state.is_idle() || self.devices.is_complete() => Some(false),
            None => None,
        }
    }
}

/// What is heard.
impl States {
    /// Says whose phone an endpoint (`PJSIP/anna`) is, or with `None` that it is a line outside; see
    /// [`CallTracker::set_extension`](crate::CallTracker::set_extension).
    pub fn set_extension(&mut self, endpoint: &str, extension: Option<Extension>) {
        self.extensions.configure(endpoint, extension);
    }

    /// Takes back what [`States::set_extension`] said of an endpoint.
    pub fn forget_extension(&mut self, endpoint: &str) {
        self.extensions.forget(endpoint);
    }

    /// The next change. Changes are merged, not queued: of each thing there is at most one, with its newest state.
    pub fn poll_change(&mut self) -> Option<StateChange> {
        if let Some(key) = self.hints.poll() {
            return Some(StateChange::Extension(key.first().into()));
        }
        if let Some(key) = self.members.poll() {
            return Some(StateChange::QueueMember {
                queue: key.first().into(),
                interface: key.second().into(),
            });
        }
        let queue = |states: &mut Self| states.queues.poll().map(StateChange::Queue);
        let device = |states: &mut Self| states.devices.poll().map(StateChange::Device);
        let presence = |states: &mut Self| states.presences.poll().map(StateChange::Presence);
        let peer = |states: &mut Self| states.peers.poll().map(StateChange::Peer);
        let mailbox = |states: &mut Self| states.mailboxes.poll().map(StateChange::Mailbox);
        queue(self)
            .or_else(|| device(self))
            .or_else(|| presence(self))
            .or_else(|| peer(self))
            .or_else(|| mailbox(self))
    }

    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.hints.has_changes()
            || self.members.has_changes()
            || self.queues.has_changes()
            || self.devices.has_changes()
            || self.presences.has_changes()
            || self.peers.has_changes()
            || self.mailboxes.has_changes()
    }

    /// The PBX begins to answer the action that lists everything of a kind.
    pub fn begin_list(&mut self, list: StateList) {
        match list {
            StateList::Extensions => self.hints.begin_list(),
            StateList::Devices => self.devices.begin_list(),
            StateList::Presences => self.presences.begin_list(),
            StateList::Queues => {
                self.queues.begin_list();
                self.members.begin_list();
            }
        }
    }

    /// The list is complete: what it does not name is gone. Call it only for a list that came to its end; what a
    /// refused one would have named stays as it was last seen, marked as uncertain after a lost link.
    pub fn end_list(&mut self, list: StateList) {
        match list {
            StateList::Extensions => {
                let behind = &mut self.behind;
                self.hints.end_list(|_, hint| forget_behind(behind, &hint));
            }
            StateList::Devices => {
                let mut gone = Vec::new();
                self.devices.end_list(|device, _| gone.push(device.clone()));
                for device in gone {
                    self.touch_extension(device.as_str());
                }
                self.touch_switches();
            }
            StateList::Presences => {
                self.presences.end_list(|_, _| {});
                self.touch_switches();
            }
            StateList::Queues => {
                self.queues.end_list(|_, _| {});
                self.members.end_list(|_, _| {});
            }
        }
    }

    /// The link is gone: nothing tells what changes meanwhile.
    pub fn link_lost(&mut self) {
        self.hints.link_lost();
        self.devices.link_lost();
        self.presences.link_lost();
        self.peers.link_lost();
        self.mailboxes.link_lost();
        self.queues.link_lost();
        self.members.link_lost();
        self.touch_switches();
    }

    /// What a list does not name tells something of the phones whose hints name it.
    fn touch_switches(&mut self) {
        for key in self.behind.values() {
            self.hints.touch(key.as_str());
        }
    }
}

impl Presence {
    fn take(&mut self, heard: &ami::Presence<'_>) -> bool {
        set(&mut self.status, PresenceStatus::read(heard.status))
            | set_opt_text(&mut self.subtype, heard.subtype.known())
            | set_opt_text(&mut self.message, heard.message.known())
    }
}

impl PresenceStatus {
    fn read(value: Value<'_>) -> Self {
        match value.bytes() {
            b"not_set" => Self::NotSet,
            b"unavailable" => Self::Unavailable,
            b"available" => Self::Available,
            b"away" => Self::Away,
            b"xa" => Self::Xa,
            b"chat" => Self::Chat,
            b"dnd" => Self::Dnd,
            _ => Self::Other,
        }
    }
}
