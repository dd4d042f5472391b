//! From headers to typed events, each in one pass and without allocation.

use super::{
    AttendedTransfer, BlindTransfer, Bridge, Channel, ChannelListing, ChannelState,
    ConfbridgeMember, DeviceStatus, DialProgress, DialStatus, Event, ExtensionState,
    ExtensionStatus, MessageWaiting, OriginateResponse, Party, Presence, QueueCall, QueueEntry,
    QueueMember, QueueParams,
};
use crate::{Message, Value, message};

impl<'a> Event<'a> {
    /// Reads a message as an event; `None` when it is a response.
    pub(crate) fn read(message: &Message<'a>) -> Option<Self> {
        let name = message.event_name()?;
        Some(match name.bytes() {
            b"Newchannel" => Self::Newchannel(channel(message)),
            b"Newstate" => Self::Newstate(channel(message)),
            b"NewCallerid" => Self::NewCallerid(channel(message)),
            b"NewConnectedLine" => Self::NewConnectedLine(channel(message)),
            b"NewAccountCode" => Self::NewAccountCode(channel(message)),
            b"Hold" => Self::Hold(channel(message)),
            b"Unhold" => Self::Unhold(channel(message)),
            b"Rename" => rename(message),
            b"Hangup" => hangup(message),
            b"HangupRequest" => {
                let (channel, cause) = hangup_request(message);
                Self::HangupRequest { channel, cause }
            }
            b"SoftHangupRequest" => {
                let (channel, cause) = hangup_request(message);
                Self::SoftHangupRequest { channel, cause }
            }
            b"DialBegin" => dial_begin(message),
            b"DialState" => dial_state(message),
            b"DialEnd" => dial_end(message),
            b"BridgeCreate" => Self::BridgeCreate {
                bridge: bridge(message),
            },
            b"BridgeDestroy" => Self::BridgeDestroy {
                bridge: bridge(message),
            },
            b"BridgeEnter" => bridge_enter(message),
            b"BridgeLeave" => bridge_leave(message),
            b"BridgeMerge" => bridge_merge(message),
            b"LocalBridge" => local_bridge(message),
            b"LocalOptimizationBegin" => {
                let (one, two, _) = local_pair(message, "");
                Self::LocalOptimizationBegin { one, two }
            }
            b"LocalOptimizationEnd" => {
                let (one, two, success) = local_pair(message, "Success");
                Self::LocalOptimizationEnd { one, two, success }
            }
            b"OriginateResponse" => originate_response(message),
            b"ExtensionStatus" => extension_status(message),
            b"DeviceStateChange" => device_state_change(message),
            b"ContactStatus" => contact_status(message),
            b"PeerStatus" => peer_status(message),
            b"AttendedTransfer" => attended_transfer(message),
            b"BlindTransfer" => blind_transfer(message),
            b"Pickup" => pickup(message),
            b"ParkedCall" => parked_call(message),
            b"UnParkedCall" => unparked_call(message),
            b"ParkedCallTimeOut" => parked_call_time_out(message),
            b"ParkedCallGiveUp" => parked_call_give_up(message),
            b"ParkedCallSwap" => parked_call_swap(message),
            b"AgentCalled" => Self::AgentCalled(queue_call(message)),
            b"AgentConnect" => Self::AgentConnect(queue_call(message)),
            b"AgentRingNoAnswer" => Self::AgentRingNoAnswer(queue_call(message)),
            b"AgentComplete" => Self::AgentComplete(queue_call(message)),
            b"QueueCallerJoin" => {
                let (channel, queue, position) = queue_caller(message);
                Self::QueueCallerJoin {
                    channel,
                    queue,
                    position,
                }
            }
            b"QueueCallerLeave" => {
                let (channel, queue, _) = queue_caller(message);
                Self::QueueCallerLeave { channel, queue }
            }
            b"QueueCallerAbandon" => {
                let (channel, queue, _) = queue_caller(message);
                Self::QueueCallerAbandon { channel, queue }
            }
            b"QueueMember"
            | b"QueueMemberStatus"
            | b"QueueMemberAdded"
            | b"QueueMemberPause"
            | b"QueueMemberPenalty"
            | b"QueueMemberRinginuse" => Self::QueueMember(queue_member(message)),
            b"QueueMemberRemoved" => Self::QueueMemberRemoved {
                queue: message.get("Queue").unwrap_or_default(),
                interface: message.get("Interface").unwrap_or_default(),
            },
            b"QueueParams" => Self::QueueParams(queue_params(message)),
            b"QueueEntry" => Self::QueueEntry(queue_entry(message)),
            b"Newexten" => newexten(message),
            b"MixMonitorStart" => Self::MixMonitorStart(channel(message)),
            b"MixMonitorStop" => Self::MixMonitorStop(channel(message)),
            b"ChanSpyStart" => {
                let (spyer, spyee) = spies(message);
                Self::ChanSpyStart { spyer, spyee }
            }
            b"ChanSpyStop" => Self::ChanSpyStop {
                spyer: spies(message).0,
            },
            b"MessageWaiting" => Self::MessageWaiting(message_waiting(message)),
            b"ConfbridgeStart" => Self::ConfbridgeStart {
                bridge: bridge(message),
                room: room(message),
            },
            b"ConfbridgeEnd" => Self::ConfbridgeEnd {
                room: room(message),
            },
            b"ConfbridgeJoin" => Self::ConfbridgeJoin(confbridge_member(message)),
            b"ConfbridgeLeave" => Self::ConfbridgeLeave(confbridge_member(message)),
            b"ConfbridgeMute" => Self::ConfbridgeMute(confbridge_member(message)),
            b"ConfbridgeUnmute" => Self::ConfbridgeUnmute(confbridge_member(message)),
            b"ConfbridgeRecord" => Self::ConfbridgeRecord {
                room: room(message),
                recording: true,
            },
            b"ConfbridgeStopRecord" => Self::ConfbridgeRecord {
                room: room(message),
                recording: false,
            },
            b"ConfbridgeLock" => Self::ConfbridgeLock {
                room: room(message),
                locked: true,
            },
            b"ConfbridgeUnlock" => Self::ConfbridgeLock {
                room: room(message),
                locked: false,
            },
            b"ConfbridgeListRooms" => confbridge_list_rooms(message),
            b"ConfbridgeList" => Self::ConfbridgeList(confbridge_member(message)),
            b"PresenceStatus" => Self::PresenceStatus {
                exten: message.get("Exten").unwrap_or_default(),
                context: message.get("Context").unwrap_or_default(),
                presence: presence(message),
            },
            b"PresenceStateChange" => Self::PresenceStateChange {
                presentity: message.get("Presentity").unwrap_or_default(),
                presence: presence(message),
            },
            b"FullyBooted" => Self::FullyBooted,
            b"Shutdown" => Self::Shutdown,
            b"Reload" => Self::Reload,
            b"CoreShowChannel" => Self::CoreShowChannel(channel_listing(message)),
            b"Status" => Self::Status(channel_listing(message)),
            b"BridgeListItem" | b"BridgeInfo" => Self::BridgeListItem(bridge(message)),
            b"BridgeInfoChannel" => Self::BridgeInfoChannel(channel(message)),
            _ => Self::Other(*message),
        })
    }
}

fn channel<'a>(message: &Message<'a>) -> Channel<'a> {
    let [channel] = channels(message, [""], |_, _| {});
    channel.unwrap_or_default()
}

fn rename<'a>(message: &Message<'a>) -> Event<'a> {
    let value = |name| message.get(name).unwrap_or_default();
    Event::Rename {
        name: value("Channel"),
        new_name: value("Newname"),
        uniqueid: value("Uniqueid"),
    }
}

fn hangup<'a>(message: &Message<'a>) -> Event<'a> {
    let (mut cause, mut cause_text) = (0, Value::default());
    let [channel] = channels(message, [""], |key, value| match key {
        b"Cause" => cause = value.number().unwrap_or_default(),
        b"Cause-txt" => cause_text = value,
        _ => {}
    });
    Event::Hangup {
        channel: channel.unwrap_or_default(),
        cause,
        cause_text,
    }
}

fn hangup_request<'a>(message: &Message<'a>) -> (Channel<'a>, Option<u16>) {
    let mut cause = None;
    let [channel] = channels(message, [""], |key, value| {
        if key == b"Cause" {
            cause = value.number();
        }
    });
    (channel.unwrap_or_default(), cause)
}

fn dial_begin<'a>(message: &Message<'a>) -> Event<'a> {
    let mut dial_string = Value::default();
    let [dest, caller] = channels(message, ["Dest", ""], |key, value| {
        if key == b"DialString" {
            dial_string = value;
        }
    });
    Event::DialBegin {
        caller,
        dest: dest.unwrap_or_default(),
        dial_string,
    }
}

fn dial_state<'a>(message: &Message<'a>) -> Event<'a> {
    let mut status = DialProgress::Other;
    let [dest, caller] = channels(message, ["Dest", ""], |key, value| {
        if key == b"DialStatus" {
            status = DialProgress::read(value.bytes());
        }
    });
    Event::DialState {
        caller,
        dest: dest.unwrap_or_default(),
        status,
    }
}

fn dial_end<'a>(message: &Message<'a>) -> Event<'a> {
    let (mut status, mut forward) = (DialStatus::Other, Value::default());
    let [dest, caller] = channels(message, ["Dest", ""], |key, value| match key {
        b"DialStatus" => status = DialStatus::read(value.bytes()),
        b"Forward" => forward = value,
        _ => {}
    });
    Event::DialEnd {
        caller,
        dest: dest.unwrap_or_default(),
        status,
        forward,
    }
}

fn bridge<'a>(message: &Message<'a>) -> Bridge<'a> {
    let mut bridge = Bridge::default();
    for (key, value) in pairs(message) {
        bridge.set("Bridge", key, value);
    }
    bridge
}

fn bridge_enter<'a>(message: &Message<'a>) -> Event<'a> {
    let (mut bridge, mut swap) = (Bridge::default(), Value::default());
    let [channel] = channels(message, [""], |key, value| {
        bridge.set("Bridge", key, value);
        if key == b"SwapUniqueid" {
            swap = value;
        }
    });
    Event::BridgeEnter {
        bridge,
        channel: channel.unwrap_or_default(),
        swap,
    }
}

fn bridge_leave<'a>(message: &Message<'a>) -> Event<'a> {
    let mut bridge = Bridge::default();
    let [channel] = channels(message, [""], |key, value| {
        bridge.set("Bridge", key, value);
    });
    Event::BridgeLeave {
        bridge,
        channel: channel.unwrap_or_default(),
    }
}

fn bridge_merge<'a>(message: &Message<'a>) -> Event<'a> {
    let (mut to, mut from) = (Bridge::default(), Bridge::default());
    for (key, value) in pairs(message) {
        to.set("ToBridge", key, value);
        from.set("FromBridge", key, value);
    }
    Event::BridgeMerge { to, from }
}

fn local_bridge<'a>(message: &Message<'a>) -> Event<'a> {
    let (one, two, optimizes) = local_pair(message, "LocalOptimization");
    Event::LocalBridge {
        one,
        two,
        optimizes,
    }
}

fn local_pair<'a>(message: &Message<'a>, flag: &str) -> (Channel<'a>, Channel<'a>, bool) {
    let mut yes = false;
    let [one, two] = channels(message, ["LocalOne", "LocalTwo"], |key, value| {
        if key == flag.as_bytes() {
            yes = value.bytes().eq_ignore_ascii_case(b"yes");
        }
    });
    (one.unwrap_or_default(), two.unwrap_or_default(), yes)
}

fn originate_response<'a>(message: &Message<'a>) -> Event<'a> {
    let value = |name| message.get(name).unwrap_or_default();
    Event::OriginateResponse(OriginateResponse {
        action_id: value("ActionID"),
        success: value("Response").bytes() == b"Success",
        reason: value("Reason").number().unwrap_or_default(),
        uniqueid: value("Uniqueid"),
        channel: value("Channel"),
        context: value("Context"),
        exten: value("Exten"),
    })
}

fn extension_status<'a>(message: &Message<'a>) -> Event<'a> {
    let value = |name| message.get(name).unwrap_or_default();
    Event::ExtensionStatus(ExtensionStatus {
        exten: value("Exten"),
        context: value("Context"),
        hint: value("Hint"),
        status: ExtensionState(value("Status").number().unwrap_or(-1)),
        text: value("StatusText"),
    })
}

fn device_state_change<'a>(message: &Message<'a>) -> Event<'a> {
    Event::DeviceStateChange {
        device: message.get("Device").unwrap_or_default(),
        state: message.get("State").unwrap_or_default(),
    }
}

fn contact_status<'a>(message: &Message<'a>) -> Event<'a> {
    let value = |name| message.get(name).unwrap_or_default();
    Event::ContactStatus {
        uri: value("URI"),
        status: value("ContactStatus"),
        aor: value("AOR"),
        endpoint: value("EndpointName"),
    }
}

fn peer_status<'a>(message: &Message<'a>) -> Event<'a> {
    Event::PeerStatus {
        peer: message.get("Peer").unwrap_or_default(),
        status: message.get("PeerStatus").unwrap_or_default(),
    }
}

fn attended_transfer<'a>(message: &Message<'a>) -> Event<'a> {
    let mut transfer = AttendedTransfer::default();
    let prefixes = [
        "OrigTransferer",
        "SecondTransferer",
        "Transferee",
        "TransferTarget",
    ];
    let [original, second, transferee, target] =
        channels(message, prefixes, |key, value| match key {
            b"Result" => transfer.result = value,
            b"OrigBridgeUniqueid" => transfer.original_bridge = value,
            b"SecondBridgeUniqueid" => transfer.second_bridge = value,
            b"DestType" => transfer.dest_type = value,
            b"DestBridgeUniqueid" => transfer.dest_bridge = value,
            _ => {}
        });
    Event::AttendedTransfer(Box::new(AttendedTransfer {
        original: original.unwrap_or_default(),
        second: second.unwrap_or_default(),
        transferee,
        target,
        ..transfer
    }))
}

fn blind_transfer<'a>(message: &Message<'a>) -> Event<'a> {
    let mut transfer = BlindTransfer::default();
    let prefixes = ["Transferer", "Transferee"];
    let [transferer, transferee] = channels(message, prefixes, |key, value| match key {
        b"Result" => transfer.result = value,
        b"BridgeUniqueid" => transfer.bridge = value,
        b"Context" => transfer.context = value,
        b"Extension" => transfer.extension = value,
        _ => {}
    });
    Event::BlindTransfer(Box::new(BlindTransfer {
        transferer: transferer.unwrap_or_default(),
        transferee,
        ..transfer
    }))
}

fn pickup<'a>(message: &Message<'a>) -> Event<'a> {
    let [target, channel] = channels(message, ["Target", ""], |_, _| {});
    Event::Pickup {
        channel: channel.unwrap_or_default(),
        target: target.unwrap_or_default(),
    }
}

fn parked_call<'a>(message: &Message<'a>) -> Event<'a> {
    let parking = parking(message);
    Event::ParkedCall {
        parkee: parking.parkee,
        parker: parking.parker,
        lot: parking.lot,
        space: parking.space,
    }
}

fn unparked_call<'a>(message: &Message<'a>) -> Event<'a> {
    let parking = parking(message);
    Event::UnParkedCall {
        parkee: parking.parkee,
        retriever: parking.retriever,
        space: parking.space,
    }
}

fn parked_call_time_out<'a>(message: &Message<'a>) -> Event<'a> {
    let parking = parking(message);
    Event::ParkedCallTimeOut {
        parkee: parking.parkee,
        parker: parking.parker,
        space: parking.space,
    }
}

fn parked_call_give_up<'a>(message: &Message<'a>) -> Event<'a> {
    let parking = parking(message);
    Event::ParkedCallGiveUp {
        parkee: parking.parkee,
        space: parking.space,
    }
}

struct Parking<'a> {
    parkee: Channel<'a>,
    retriever: Channel<'a>,
    parker: Value<'a>,
    lot: Value<'a>,
    space: Value<'a>,
}

fn parking<'a>(message: &Message<'a>) -> Parking<'a> {
    let (mut parker, mut lot, mut space) = <(Value<'a>, Value<'a>, Value<'a>)>::default();
    let prefixes = ["Parkee", "Retriever"];
    let [parkee, retriever] = channels(message, prefixes, |key, value| match key {
        b"ParkerDialString" => parker = value,
        b"Parkinglot" => lot = value,
        b"ParkingSpace" => space = value,
        _ => {}
    });
    Parking {
        parkee: parkee.unwrap_or_default(),
        retriever: retriever.unwrap_or_default(),
        parker,
        lot,
        space,
    }
}

fn queue_call<'a>(message: &Message<'a>) -> QueueCall<'a> {
    let mut call = QueueCall::default();
    let [dest, caller] = channels(message, ["Dest", ""], |key, value| match key {
        b"Queue" => call.queue = value,
        b"Interface" => call.interface = value,
        b"MemberName" => call.member = value,
        b"Reason" => call.reason = value,
        _ => {}
    });
    QueueCall {
        caller: caller.unwrap_or_default(),
        dest: dest.unwrap_or_default(),
        ..call
    }
}

fn queue_caller<'a>(message: &Message<'a>) -> (Channel<'a>, Value<'a>, u32) {
    let (mut queue, mut position) = (Value::default(), 0);
    let [channel] = channels(message, [""], |key, value| match key {
        b"Queue" => queue = value,
        b"Position" => position = value.number().unwrap_or_default(),
        _ => {}
    });
    (channel.unwrap_or_default(), queue, position)
}

fn channel_listing<'a>(message: &Message<'a>) -> ChannelListing<'a> {
    let mut listing = ChannelListing::default();
    let [channel] = channels(message, [""], |key, value| match key {
        b"Application" => listing.application = value,
        b"ApplicationData" | b"Data" => listing.application_data = value,
        b"Duration" | b"Seconds" => listing.duration = value,
        b"BridgeId" | b"BridgeID" => listing.bridge = value,
        _ => {}
    });
    ChannelListing {
        channel: channel.unwrap_or_default(),
        ..listing
    }
}

fn parked_call_swap<'a>(message: &Message<'a>) -> Event<'a> {
    let parking = parking(message);
    Event::ParkedCallSwap {
        parkee: parking.parkee,
        space: parking.space,
    }
}

fn queue_member<'a>(message: &Message<'a>) -> QueueMember<'a> {
    let mut member = QueueMember::default();
    for (key, value) in pairs(message) {
        match key {
            b"Queue" => member.queue = value,
            b"MemberName" | b"Name" => member.name = value,
            b"Interface" | b"Location" => member.interface = value,
            b"StateInterface" => member.state_interface = value,
            b"Membership" => member.membership = value,
            b"Penalty" => member.penalty = value.number().unwrap_or_default(),
            b"CallsTaken" => member.calls_taken = value.number().unwrap_or_default(),
            b"LastCall" => member.last_call = value.number().unwrap_or_default(),
            b"LoginTime" => member.login_time = value.number().unwrap_or_default(),
            b"InCall" => member.in_call = is_yes(value),
            b"Status" => {
                member.status = DeviceStatus::from_number(value.number().unwrap_or_default());
            }
            b"Paused" => member.paused = is_yes(value),
            b"PausedReason" => member.paused_reason = value,
            b"Reason" if member.paused_reason.is_empty() => member.paused_reason = value,
            _ => {}
        }
    }
    member
}

fn queue_params<'a>(message: &Message<'a>) -> QueueParams<'a> {
    let mut params = QueueParams::default();
    for (key, value) in pairs(message) {
        let count = || value.number().unwrap_or_default();
        match key {
            b"Queue" => params.queue = value,
            b"Max" => params.max = count(),
            b"Strategy" => params.strategy = value,
            b"Calls" => params.calls = count(),
            b"Holdtime" => params.hold_time = count(),
            b"TalkTime" => params.talk_time = count(),
            b"Completed" => params.completed = count(),
            b"Abandoned" => params.abandoned = count(),
            _ => {}
        }
    }
    params
}

fn queue_entry<'a>(message: &Message<'a>) -> QueueEntry<'a> {
    let value = |name| message.get(name).unwrap_or_default();
    QueueEntry {
        queue: value("Queue"),
        position: value("Position").number().unwrap_or_default(),
        channel: value("Channel"),
        uniqueid: value("Uniqueid"),
        caller: Party {
            num: value("CallerIDNum"),
            name: value("CallerIDName"),
        },
        wait: value("Wait").number().unwrap_or_default(),
    }
}

fn newexten<'a>(message: &Message<'a>) -> Event<'a> {
    let (mut application, mut app_data) = (Value::default(), Value::default());
    let [channel] = channels(message, [""], |key, value| match key {
        b"Application" => application = value,
        b"AppData" => app_data = value,
        _ => {}
    });
    Event::Newexten {
        channel: channel.unwrap_or_default(),
        application,
        app_data,
    }
}

fn spies<'a>(message: &Message<'a>) -> (Channel<'a>, Option<Channel<'a>>) {
    let [spyer, spyee] = channels(message, ["Spyer", "Spyee"], |_, _| {});
    (spyer.unwrap_or_default(), spyee)
}

fn message_waiting<'a>(message: &Message<'a>) -> MessageWaiting<'a> {
    let mut waiting = MessageWaiting::default();
    let [channel] = channels(message, [""], |key, value| match key {
        b"Mailbox" => waiting.mailbox = value,
        b"New" => waiting.new = value.number().unwrap_or_default(),
        b"Old" => waiting.old = value.number().unwrap_or_default(),
        _ => {}
    });
    MessageWaiting { channel, ..waiting }
}

fn room<'a>(message: &Message<'a>) -> Value<'a> {
    message.get("Conference").unwrap_or_default()
}

fn confbridge_member<'a>(message: &Message<'a>) -> ConfbridgeMember<'a> {
    let mut member = ConfbridgeMember::default();
    let [channel] = channels(message, [""], |key, value| match key {
        b"Conference" => member.room = value,
        b"Admin" => member.admin = is_yes(value),
        b"Muted" => member.muted = is_yes(value),
        _ => {}
    });
    ConfbridgeMember {
        channel: channel.unwrap_or_default(),
        ..member
    }
}

fn confbridge_list_rooms<'a>(message: &Message<'a>) -> Event<'a> {
    let value = |name| message.get(name).unwrap_or_default();
    Event::ConfbridgeListRooms {
        room: value("Conference"),
        parties: value("Parties").number().unwrap_or_default(),
        locked: is_yes(value("Locked")),
        muted: is_yes(value("Muted")),
    }
}

fn presence<'a>(message: &Message<'a>) -> Presence<'a> {
    let value = |name| message.get(name).unwrap_or_default();
    Presence {
        status: value("Status"),
        subtype: value("Subtype"),
        message: value("Message"),
    }
}

fn is_yes(value: Value<'_>) -> bool {
    value.bytes().eq_ignore_ascii_case(b"yes") || value.bytes() == b"1"
}

/// Reads, in one pass, the channels under each prefix ("" last); every other field goes to `own`. A channel that the
/// event does not name is `None`.
fn channels<'a, const N: usize>(
    message: &Message<'a>,
    prefixes: [&str; N],
    mut own: impl FnMut(&[u8], Value<'a>),
) -> [Option<Channel<'a>>; N] {
    let mut found = [None; N];
    'headers: for (key, value) in pairs(message) {
        for (slot, prefix) in found.iter_mut().zip(prefixes) {
            let field = key.strip_prefix(prefix.as_bytes());
            if let Some(field) = field.and_then(ChannelField::named) {
                slot.get_or_insert_with(Channel::default).set(field, value);
                continue 'headers;
            }
        }
        own(key, value);
    }
    found
}

fn pairs<'a>(message: &Message<'a>) -> impl Iterator<Item = (&'a [u8], Value<'a>)> + use<'a> {
    let charset = message.charset();
    message
        .lines()
        .filter_map(message::split)
        .map(move |(key, value)| (key, Value::plain(value, charset)))
}

/// The fields of a channel snapshot that are kept.
#[derive(Clone, Copy)]
enum ChannelField {
    Channel,
    ChannelState,
    CallerIdNum,
    CallerIdName,
    ConnectedLineNum,
    ConnectedLineName,
    AccountCode,
    Context,
    Exten,
    Priority,
    Uniqueid,
    Linkedid,
}

impl ChannelField {
    /// Names differ in case between versions (`Accountcode` in 13), so the length leads to the few to compare with.
    fn named(key: &[u8]) -> Option<Self> {
        let (name, field): (&[u8], Self) = match (key.len(), key.first()?.to_ascii_lowercase()) {
            (5, _) => (b"exten", Self::Exten),
            (7, b'c') if key[1].eq_ignore_ascii_case(&b'h') => (b"channel", Self::Channel),
            (7, _) => (b"context", Self::Context),
            (8, b'p') => (b"priority", Self::Priority),
            (8, b'u') => (b"uniqueid", Self::Uniqueid),
            (8, _) => (b"linkedid", Self::Linkedid),
            (11, b'c') => (b"calleridnum", Self::CallerIdNum),
            (11, _) => (b"accountcode", Self::AccountCode),
            (12, _) if key[7].eq_ignore_ascii_case(&b'd') => (b"calleridname", Self::CallerIdName),
            (12, _) => (b"channelstate", Self::ChannelState),
            (16, _) => (b"connectedlinenum", Self::ConnectedLineNum),
            (17, _) => (b"connectedlinename", Self::ConnectedLineName),
            _ => return None,
        };
        key.eq_ignore_ascii_case(name).then_some(field)
    }
}

impl<'a> Channel<'a> {
    fn set(&mut self, field: ChannelField, value: Value<'a>) {
        match field {
            ChannelField::Channel => self.name = value,
            ChannelField::ChannelState => self.state = ChannelState::read(value.bytes()),
            ChannelField::CallerIdNum => self.caller.num = value,
            ChannelField::CallerIdName => self.caller.name = value.into_escaped(),
            ChannelField::ConnectedLineNum => self.connected.num = value,
            ChannelField::ConnectedLineName => self.connected.name = value.into_escaped(),
            ChannelField::AccountCode => self.account = value,
            ChannelField::Context => self.context = value,
            ChannelField::Exten => self.exten = value,
            ChannelField::Priority => self.priority = value.number().unwrap_or_default(),
            ChannelField::Uniqueid => self.uniqueid = value,
            ChannelField::Linkedid => self.linkedid = value,
        }
    }
}

impl<'a> Bridge<'a> {
    fn set(&mut self, prefix: &str, key: &[u8], value: Value<'a>) {
        match key.strip_prefix(prefix.as_bytes()) {
            Some(b"Uniqueid") => self.uniqueid = value,
            Some(b"Type") => self.kind = value,
            Some(b"Creator") => self.creator = value,
            Some(b"Name") => self.name = value,
            Some(b"NumChannels") => self.channels = value.number().unwrap_or_default(),
            Some(_) | None => {}
        }
    }
}
