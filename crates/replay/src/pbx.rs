//! A model of the PBX behind a recording: it hears the same events as a client, and answers the list actions as Asterisk
//! would have at that moment, in Asterisk's own format.

use std::{collections::BTreeMap, fmt::Write};

use ami::{
    Bridge, Channel, ChannelState, Charset, ConfbridgeMember, Decoder, DialProgress, Event,
    Incoming, Limits, Message,
};
use calls::PbxLists;

/// What the PBX knows, as far as its events have told it.
#[derive(Debug, Clone, Default)]
pub struct Pbx {
    channels: BTreeMap<String, Live>,
    bridges: BTreeMap<String, LiveBridge>,
    parked: BTreeMap<String, Parked>,
    rooms: BTreeMap<String, Room>,
    waiting: Vec<Waiting>,
    /// Seconds since 1970, as the last `Timestamp` says.
    now: f64,
}

/// What the manager user may list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// Every list.
    All,
    /// Class `call` alone: `Status` and no `CoreShowChannels`, no bridges, no rooms.
    Call,
}

#[derive(Debug, Clone, Default)]
struct Live {
    name: String,
    state: u8,
    /// Number and name, as written.
    caller: (String, String),
    connected: (String, String),
    context: String,
    exten: String,
    linkedid: String,
    application: String,
    data: String,
    bridge: Option<String>,
    born: f64,
}

#[derive(Debug, Clone, Default)]
struct LiveBridge {
    kind: String,
    creator: String,
    name: String,
    members: usize,
}

#[derive(Debug, Clone)]
struct Parked {
    lot: String,
    space: String,
}

#[derive(Debug, Clone, Default)]
struct Room {
    /// Channels, and whether each is muted.
    members: BTreeMap<String, bool>,
    locked: bool,
}

#[derive(Debug, Clone)]
struct Waiting {
    queue: String,
    uniqueid: String,
    since: f64,
}

impl Pbx {
    /// Takes the next message of a recording. Answers to somebody's list actions are no news.
    pub fn apply(&mut self, message: &Message<'_>) {
        let timestamp = message.get("Timestamp").and_then(|value| value.number());
        self.now = timestamp.unwrap_or(self.now);
        if message.get("ActionID").is_some() {
            return;
        }
        if let Some(event) = message.event() {
            self.event(&event);
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all other events tell nothing that is listed"
    )]
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Newchannel(channel) => self.born(channel),
            Event::Newstate(channel)
            | Event::NewCallerid(channel)
            | Event::NewConnectedLine(channel)
            | Event::Hold(channel)
            | Event::Unhold(channel)
            | Event::HangupRequest { channel, .. }
            | Event::SoftHangupRequest { channel, .. } => self.refresh(channel),
            Event::Newexten {
                channel,
                application,
                app_data,
            } => {
                self.refresh(channel);
                self.runs(channel, &application.text(), &app_data.text());
            }
            Event::Rename {
                uniqueid, new_name, ..
            } => {
                if let Some(live) = self.channels.get_mut(&*uniqueid.text()) {
                    live.name = new_name.text().into_owned();
                }
            }
            Event::DialBegin { caller, dest, .. } => {
                self.refresh_all(&[caller.as_ref(), Some(dest)]);
                let application = if caller.is_some() {
                    "AppDial"
                } else {
                    "AppDial2"
                };
                self.runs(dest, application, "(Outgoing Line)");
            }
            Event::DialState {
                caller,
                dest,
                status,
            } => {
                self.refresh_all(&[caller.as_ref(), Some(dest)]);
                // The event is made when the phone says so, the channel's own a moment later.
                if let Some(live) = self.channels.get_mut(&*dest.uniqueid.text())
                    && *status == DialProgress::Ringing
                {
                    live.state = live.state.max(number_of(ChannelState::Ringing));
                }
            }
            Event::DialEnd { caller, dest, .. } => {
                self.refresh_all(&[caller.as_ref(), Some(dest)]);
            }
            Event::LocalBridge { one, two, .. } => self.refresh_all(&[Some(one), Some(two)]),
            Event::BridgeEnter {
                bridge, channel, ..
            } => {
                self.refresh(channel);
                self.enter(bridge, channel);
            }
            Event::BridgeLeave { bridge, channel } => {
                self.refresh(channel);
                let id = bridge.uniqueid.text();
                let live = self.channels.get(&*channel.uniqueid.text());
                if live.is_some_and(|live| live.bridge.as_deref() == Some(&*id)) {
                    self.leave(&channel.uniqueid.text());
                }
            }
            Event::Hangup { channel, .. } => self.dies(&channel.uniqueid.text()),
            Event::ParkedCall {
                parkee, lot, space, ..
            } => {
                self.refresh(parkee);
                let parked = Parked {
                    lot: lot.text().into_owned(),
                    space: space.text().into_owned(),
                };
                self.parked
                    .insert(parkee.uniqueid.text().into_owned(), parked);
            }
            Event::UnParkedCall { parkee, .. }
            | Event::ParkedCallTimeOut { parkee, .. }
            | Event::ParkedCallGiveUp { parkee, .. } => {
                self.parked.remove(&*parkee.uniqueid.text());
            }
            Event::ConfbridgeJoin(member) => self.join(member),
            Event::ConfbridgeMute(member) => self.mute(member, true),
            Event::ConfbridgeUnmute(member) => self.mute(member, false),
            Event::ConfbridgeLeave(member) => self.leave_rooms(&member.channel.uniqueid.text()),
            Event::ConfbridgeLock { room, locked } => {
                if let Some(room) = self.rooms.get_mut(&*room.text()) {
                    room.locked = *locked;
                }
            }
            Event::QueueCallerJoin { channel, queue, .. } => self.waiting.push(Waiting {
                queue: queue.text().into_owned(),
                uniqueid: channel.uniqueid.text().into_owned(),
                since: self.now,
            }),
            Event::QueueCallerLeave { channel, queue } => {
                let (uniqueid, queue) = (channel.uniqueid.text(), queue.text());
                self.waiting
                    .retain(|waiting| waiting.uniqueid != uniqueid || waiting.queue != queue);
            }
            _ => {}
        }
    }

    fn born(&mut self, channel: &Channel<'_>) {
        let live = Live {
            born: self.now,
            ..Live::default()
        };
        self.channels
            .insert(channel.uniqueid.text().into_owned(), live);
        self.refresh(channel);
    }

    fn refresh_all(&mut self, channels: &[Option<&Channel<'_>>]) {
        for channel in channels.iter().flatten() {
            self.refresh(channel);
        }
    }

    /// Every event about a channel shows it as it is.
    fn refresh(&mut self, channel: &Channel<'_>) {
        let Some(live) = self.channels.get_mut(&*channel.uniqueid.text()) else {
            return;
        };
        let text = |value: ami::Value<'_>| String::from_utf8_lossy(value.bytes()).into_owned();
        live.name = text(channel.name);
        live.state = live.state.max(number_of(channel.state));
        live.caller = (text(channel.caller.num), text(channel.caller.name));
        live.connected = (text(channel.connected.num), text(channel.connected.name));
        live.context = text(channel.context);
        live.exten = text(channel.exten);
        live.linkedid = text(channel.linkedid);
    }

    fn runs(&mut self, channel: &Channel<'_>, application: &str, data: &str) {
        if let Some(live) = self.channels.get_mut(&*channel.uniqueid.text()) {
            live.application = application.to_owned();
            live.data = data.to_owned();
        }
    }

    fn enter(&mut self, bridge: &Bridge<'_>, channel: &Channel<'_>) {
        let uniqueid = channel.uniqueid.text();
        self.leave(&uniqueid);
        let id = bridge.uniqueid.text().into_owned();
        if let Some(live) = self.channels.get_mut(&*uniqueid) {
            live.bridge = Some(id.clone());
            let known = self.bridges.entry(id).or_insert_with(|| LiveBridge {
                kind: bridge.kind.text().into_owned(),
                creator: bridge.creator.text().into_owned(),
                name: bridge.name.text().into_owned(),
                members: 0,
            });
            known.members += 1;
            // The event of the room itself may come later.
            if known.creator == "ConfBridge" {
                let room = self.rooms.entry(known.name.clone()).or_default();
                room.members.entry(uniqueid.into_owned()).or_default();
            }
        }
    }

    fn leave(&mut self, uniqueid: &str) {
        let left = self
            .channels
            .get_mut(uniqueid)
            .and_then(|live| live.bridge.take());
        let Some(left) = left else { return };
        if let Some(bridge) = self.bridges.get_mut(&left) {
            bridge.members -= 1;
            if bridge.members == 0 {
                self.bridges.remove(&left);
            }
        }
    }

    fn dies(&mut self, uniqueid: &str) {
        self.leave(uniqueid);
        self.leave_rooms(uniqueid);
        self.channels.remove(uniqueid);
        self.parked.remove(uniqueid);
        self.waiting.retain(|waiting| waiting.uniqueid != uniqueid);
    }

    fn join(&mut self, member: &ConfbridgeMember<'_>) {
        self.refresh(&member.channel);
        let room = self.rooms.entry(member.room.text().into_owned());
        let members = &mut room.or_default().members;
        members.insert(member.channel.uniqueid.text().into_owned(), member.muted);
    }

    fn mute(&mut self, member: &ConfbridgeMember<'_>, muted: bool) {
        let room = self.rooms.get_mut(&*member.room.text());
        let uniqueid = member.channel.uniqueid.text();
        if let Some(known) = room.and_then(|room| room.members.get_mut(&*uniqueid)) {
            *known = muted;
        }
    }

    fn leave_rooms(&mut self, uniqueid: &str) {
        for room in self.rooms.values_mut() {
            room.members.remove(uniqueid);
        }
        self.rooms.retain(|_, room| !room.members.is_empty());
    }

    /// The Uniqueids of the channels that exist, sorted.
    pub fn channels(&self) -> impl Iterator<Item = &str> {
        self.channels.keys().map(String::as_str)
    }

    /// Each channel's Uniqueid and Linkedid.
    pub fn linkedids(&self) -> impl Iterator<Item = (&str, &str)> {
        self.channels
            .iter()
            .map(|(uniqueid, live)| (uniqueid.as_str(), live.linkedid.as_str()))
    }

    /// The answers to the list actions that a user with these rights may send, as bytes on the wire.
    #[must_use]
    pub fn answers(&self, rights: Rights) -> String {
        let mut out = String::new();
        match rights {
            Rights::All => {
                self.list_channels(&mut out, "CoreShowChannel");
                self.list_bridges(&mut out);
                self.list_rooms(&mut out);
                self.list_waiting(&mut out);
            }
            Rights::Call => self.list_channels(&mut out, "Status"),
        }
        self.list_parked(&mut out);
        out
    }

    /// The same as a client reads them.
    #[must_use]
    pub fn lists(&self, rights: Rights) -> PbxLists {
        let mut lists = PbxLists::default();
        lists.rooms_listed = rights == Rights::All;
        lists.queues_listed = rights == Rights::All;
        lists.parked_listed = true;
        let mut decoder = Decoder::new(Charset::default(), Limits::default());
        decoder.feed(b"Asterisk Call Manager/11.0.0\r\n");
        decoder.feed(self.answers(rights).as_bytes());
        while let Some(incoming) = decoder.next_message() {
            if let Incoming::Message(message) = incoming
                && let Some(event) = message.event()
            {
                lists.take(&event);
            }
        }
        lists
    }

    fn list_channels(&self, out: &mut String, event: &str) {
        for (uniqueid, live) in &self.channels {
            head(out, event);
            live.write(out, "", uniqueid);
            let since = (self.now - live.born).max(0.0);
            if event == "Status" {
                line(out, "BridgeID", live.bridge.as_deref().unwrap_or_default());
                line(out, "Application", &live.application);
                line(out, "Data", &live.data);
                line(out, "Seconds", &format!("{since:.0}"));
            } else {
                line(out, "Application", &live.application);
                line(out, "ApplicationData", &live.data);
                line(out, "Duration", &clock(since));
                line(out, "BridgeId", live.bridge.as_deref().unwrap_or_default());
            }
            out.push_str("\r\n");
        }
    }

    fn list_bridges(&self, out: &mut String) {
        for (id, bridge) in &self.bridges {
            head(out, "BridgeListItem");
            line(out, "BridgeUniqueid", id);
            line(out, "BridgeType", &bridge.kind);
            line(out, "BridgeCreator", &bridge.creator);
            line(out, "BridgeName", &bridge.name);
            line(out, "BridgeNumChannels", &bridge.members.to_string());
            out.push_str("\r\n");
        }
    }

    fn list_rooms(&self, out: &mut String) {
        for (name, room) in &self.rooms {
            head(out, "ConfbridgeListRooms");
            line(out, "Conference", name);
            line(out, "Parties", &room.members.len().to_string());
            line(out, "Locked", if room.locked { "Yes" } else { "No" });
            out.push_str("\r\n");
        }
        for (name, room) in &self.rooms {
            for (uniqueid, muted) in &room.members {
                let Some(live) = self.channels.get(uniqueid) else {
                    continue;
                };
                head(out, "ConfbridgeList");
                line(out, "Conference", name);
                line(out, "Muted", if *muted { "Yes" } else { "No" });
                live.write(out, "", uniqueid);
                out.push_str("\r\n");
            }
        }
    }

    fn list_waiting(&self, out: &mut String) {
        for (at, waiting) in self.waiting.iter().enumerate() {
            let Some(live) = self.channels.get(&waiting.uniqueid) else {
                continue;
            };
            let ahead = self.waiting[..at]
                .iter()
                .filter(|other| other.queue == waiting.queue);
            head(out, "QueueEntry");
            line(out, "Queue", &waiting.queue);
            line(out, "Position", &(ahead.count() + 1).to_string());
            line(out, "Channel", &live.name);
            line(out, "Uniqueid", &waiting.uniqueid);
            line(out, "CallerIDNum", &live.caller.0);
            line(out, "CallerIDName", &live.caller.1);
            line(out, "Wait", &format!("{:.0}", self.now - waiting.since));
            out.push_str("\r\n");
        }
    }

    fn list_parked(&self, out: &mut String) {
        for (uniqueid, parked) in &self.parked {
            let Some(live) = self.channels.get(uniqueid) else {
                continue;
            };
            head(out, "ParkedCall");
            live.write(out, "Parkee", uniqueid);
            line(out, "Parkinglot", &parked.lot);
            line(out, "ParkingSpace", &parked.space);
            out.push_str("\r\n");
        }
    }
}

impl Live {
    fn write(&self, out: &mut String, prefix: &str, uniqueid: &str) {
        let mut field = |name: &str, value: &str| line(out, &format!("{prefix}{name}"), value);
        field("Channel", &self.name);
        field("ChannelState", &self.state.to_string());
        field("CallerIDNum", &self.caller.0);
        field("CallerIDName", &self.caller.1);
        field("ConnectedLineNum", &self.connected.0);
        field("ConnectedLineName", &self.connected.1);
        field("Context", &self.context);
        field("Exten", &self.exten);
        field("Priority", "1");
        field("Uniqueid", uniqueid);
        field("Linkedid", &self.linkedid);
    }
}

fn head(out: &mut String, event: &str) {
    line(out, "Event", event);
    line(out, "ActionID", "a1");
}

fn line(out: &mut String, name: &str, value: &str) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{name}: {value}\r\n");
}

/// `HH:MM:SS`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds of a recording, never negative"
)]
fn clock(seconds: f64) -> String {
    let seconds = seconds as u64;
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

fn number_of(state: ChannelState) -> u8 {
    match state {
        ChannelState::Down | ChannelState::Unknown => 0,
        ChannelState::Reserved => 1,
        ChannelState::OffHook => 2,
        ChannelState::Dialing => 3,
        ChannelState::Ring => 4,
        ChannelState::Ringing => 5,
        ChannelState::Up => 6,
        ChannelState::Busy => 7,
        ChannelState::DialingOffHook => 8,
        ChannelState::PreRing => 9,
    }
}
