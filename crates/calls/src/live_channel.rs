//! What the PBX lists: what the state is rebuilt from after the link was lost.

use std::time::Duration;

use ami::{BridgeId, ChannelListing, ChannelName, ChannelState, Event, Linkedid, Uniqueid};

use crate::{Party, tracker::BridgeKind};

/// The answers to the PBX's list actions, as many as the user's rights allow. Only the channels are indispensable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PbxLists {
    /// `CoreShowChannels`, or `Status` where that is not allowed.
    pub channels: Vec<LiveChannel>,
    /// `BridgeList`: what kind of bridge each is.
    pub(crate) bridges: Vec<(BridgeId, BridgeKind)>,
    /// `ParkedCalls`: who waits where.
    pub(crate) parked: Vec<LiveParked>,
    /// `ConfbridgeList` of each room.
    pub(crate) members: Vec<LiveMember>,
    /// The rooms and their members were listed, be there none; else the applications of the channels tell.
    pub rooms_listed: bool,
    /// The parked calls were listed, be there none; else a call is taken to be parked until it talks.
    pub parked_listed: bool,
    /// The queues were listed, be nobody waiting.
    pub queues_listed: bool,
    /// `ConfbridgeListRooms`.
    pub(crate) rooms: Vec<LiveRoom>,
    /// The callers of `QueueStatus`.
    pub(crate) waiting: Vec<LiveWaiting>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveParked {
    pub(crate) uniqueid: Uniqueid,
    pub(crate) lot: Box<str>,
    pub(crate) space: Box<str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveMember {
    pub(crate) uniqueid: Uniqueid,
    pub(crate) room: Box<str>,
    pub(crate) muted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveRoom {
    pub(crate) name: Box<str>,
    pub(crate) locked: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveWaiting {
    pub(crate) uniqueid: Uniqueid,
    pub(crate) queue: Box<str>,
    pub(crate) position: u32,
    pub(crate) wait: Duration,
}

impl PbxLists {
    /// Takes one entry of a list; true if it was one.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all other events are no entries of these lists"
    )]
    pub fn take(&mut self, item: &Event<'_>) -> bool {
        match item {
            Event::CoreShowChannel(listing) | Event::Status(listing) => {
                self.channels.push(listing.into());
            }
            Event::BridgeListItem(bridge) => {
                self.bridges
                    .push((bridge.uniqueid.into(), BridgeKind::of(bridge)));
            }
            Event::ParkedCall {
                parkee, lot, space, ..
            } => self.parked.push(LiveParked {
                uniqueid: parkee.uniqueid.into(),
                lot: lot.text().into(),
                space: space.text().into(),
            }),
            Event::ConfbridgeList(member) => self.members.push(LiveMember {
                uniqueid: member.channel.uniqueid.into(),
                room: member.room.text().into(),
                muted: member.muted,
            }),
            Event::ConfbridgeListRooms { room, locked, .. } => self.rooms.push(LiveRoom {
                name: room.text().into(),
                locked: *locked,
            }),
            Event::QueueEntry(entry) => self.waiting.push(LiveWaiting {
                uniqueid: entry.uniqueid.into(),
                queue: entry.queue.text().into(),
                position: entry.position,
                wait: Duration::from_secs(entry.wait.into()),
            }),
            _ => return false,
        }
        true
    }
}

impl From<Vec<LiveChannel>> for PbxLists {
    fn from(channels: Vec<LiveChannel>) -> Self {
        Self {
            channels,
            ..Self::default()
        }
    }
}

/// One entry of `CoreShowChannels` or `Status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveChannel {
    pub uniqueid: Uniqueid,
    pub linkedid: Linkedid,
    pub channel: ChannelName,
    pub state: ChannelState,
    pub caller: Party,
    /// The party that its phone shows as the other side.
    pub connected: Party,
    pub exten: Box<str>,
    /// Where it exchanges media.
    pub bridge: Option<BridgeId>,
    /// What the dialplan does on it; `AppDial`, `AppDial2` and `AppQueue` mean that the channel was dialled.
    pub application: Box<str>,
    pub application_data: Box<str>,
    /// How long it has existed, to the second.
    pub duration: Duration,
}

impl LiveChannel {
    pub(crate) fn is_in_room(&self) -> bool {
        self.application.eq_ignore_ascii_case("ConfBridge")
    }

    /// The room that the application was called with: `ConfBridge(800,…)`.
    pub(crate) fn room(&self) -> Option<&str> {
        let room = self.application_data.split(',').next()?.trim();
        (self.is_in_room() && !room.is_empty()).then_some(room)
    }

    pub(crate) fn is_parked(&self) -> bool {
        ["Park", "Parked Call", "ParkedCall"]
            .iter()
            .any(|name| self.application.eq_ignore_ascii_case(name))
    }

    pub(crate) fn was_dialled(&self) -> bool {
        self.application.starts_with("AppDial") || &*self.application == "AppQueue"
    }
}

impl From<&ChannelListing<'_>> for LiveChannel {
    fn from(listing: &ChannelListing<'_>) -> Self {
        let channel = &listing.channel;
        Self {
            uniqueid: channel.uniqueid.into(),
            linkedid: channel.linkedid.into(),
            channel: channel.name.into(),
            state: channel.state,
            caller: Party::new(&channel.caller.num.text(), &channel.caller.name.text()),
            connected: Party::new(
                &channel.connected.num.text(),
                &channel.connected.name.text(),
            ),
            bridge: listing.bridge.known().map(Into::into),
            exten: channel.exten.text().into(),
            application: listing.application.text().into(),
            application_data: listing.application_data.text().into(),
            duration: duration(&listing.duration.text()).unwrap_or_default(),
        }
    }
}

/// `HH:MM:SS`, hours without limit; in Status seconds.
fn duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let mut parts = text.split(':').map(|part| part.trim().parse::<u64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let minutes = hours.checked_mul(60)?.checked_add(minutes)?;
    Some(Duration::from_secs(
        minutes.checked_mul(60)?.checked_add(seconds)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_to_the_second() {
        assert_eq!(duration("00:00:02"), Some(Duration::from_secs(2)));
        assert_eq!(duration("100:01:00"), Some(Duration::from_secs(360_060)));
        assert_eq!(duration("2"), Some(Duration::from_secs(2)));
        for bad in ["", "00:02", "a:b:c", "18446744073709551615:00:00"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
