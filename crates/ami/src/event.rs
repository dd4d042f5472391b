//! Events of Asterisk, typed and borrowed; all names are Asterisk's own.

use crate::{Message, Value, message};

/// One event. What this program has no use for comes as [`Event::Other`].
#[derive(Clone, Debug)]
pub enum Event<'a> {
    Newchannel(Channel<'a>),
    Newstate(Channel<'a>),
    NewCallerid(Channel<'a>),
    NewConnectedLine(Channel<'a>),
    NewAccountCode(Channel<'a>),
    /// The channel of `uniqueid` has a new name.
    Rename {
        name: Value<'a>,
        new_name: Value<'a>,
        uniqueid: Value<'a>,
    },
    /// The channel is gone. `cause` is of Q.850; versions differ in it: never decide by it alone.
    Hangup {
        channel: Channel<'a>,
        cause: u16,
        cause_text: Value<'a>,
    },
    /// The phone behind the channel hung up (sent BYE or CANCEL).
    HangupRequest {
        channel: Channel<'a>,
        cause: Option<u16>,
    },
    /// Asterisk or an action hangs the channel up.
    SoftHangupRequest {
        channel: Channel<'a>,
        cause: Option<u16>,
    },
    /// `dest` is being called; without a `caller` for the first leg of an Originate.
    DialBegin {
        caller: Option<Channel<'a>>,
        dest: Channel<'a>,
        dial_string: Value<'a>,
    },
    /// What the called side reports; may come before DialBegin, and never in Asterisk 13.
    DialState {
        caller: Option<Channel<'a>>,
        dest: Channel<'a>,
        status: DialProgress,
    },
    /// May be missing, doubled, or have no DialBegin.
    DialEnd {
        caller: Option<Channel<'a>>,
        dest: Channel<'a>,
        status: DialStatus,
        forward: Value<'a>,
    },
    BridgeCreate {
        bridge: Bridge<'a>,
    },
    BridgeDestroy {
        bridge: Bridge<'a>,
    },
    /// `swap` is the Uniqueid of the channel whose place this one takes, or empty.
    BridgeEnter {
        bridge: Bridge<'a>,
        channel: Channel<'a>,
        swap: Value<'a>,
    },
    BridgeLeave {
        bridge: Bridge<'a>,
        channel: Channel<'a>,
    },
    BridgeMerge {
        to: Bridge<'a>,
        from: Bridge<'a>,
    },
    /// Two halves of a Local channel belong together.
    LocalBridge {
        one: Channel<'a>,
        two: Channel<'a>,
        /// False for a Local channel made with `/n`, which stays to the end.
        optimizes: bool,
    },
    /// The pair is about to disappear from between the real channels.
    LocalOptimizationBegin {
        one: Channel<'a>,
        two: Channel<'a>,
    },
    LocalOptimizationEnd {
        one: Channel<'a>,
        two: Channel<'a>,
        success: bool,
    },
    OriginateResponse(OriginateResponse<'a>),
    ExtensionStatus(ExtensionStatus<'a>),
    DeviceStateChange {
        device: Value<'a>,
        state: Value<'a>,
    },
    ContactStatus {
        uri: Value<'a>,
        status: Value<'a>,
        aor: Value<'a>,
        endpoint: Value<'a>,
    },
    PeerStatus {
        peer: Value<'a>,
        status: Value<'a>,
    },
    Hold(Channel<'a>),
    /// Also sent after a REFER or BlindTransfer without any Hold: a flag, not a counter.
    Unhold(Channel<'a>),
    AttendedTransfer(Box<AttendedTransfer<'a>>),
    BlindTransfer(Box<BlindTransfer<'a>>),
    /// `channel` takes the call that rings at `target`.
    Pickup {
        channel: Channel<'a>,
        target: Channel<'a>,
    },
    ParkedCall {
        parkee: Channel<'a>,
        parker: Value<'a>,
        lot: Value<'a>,
        space: Value<'a>,
    },
    UnParkedCall {
        parkee: Channel<'a>,
        retriever: Channel<'a>,
        space: Value<'a>,
    },
    ParkedCallTimeOut {
        parkee: Channel<'a>,
        parker: Value<'a>,
        space: Value<'a>,
    },
    ParkedCallGiveUp {
        parkee: Channel<'a>,
        space: Value<'a>,
    },
    AgentCalled(QueueCall<'a>),
    AgentConnect(QueueCall<'a>),
    AgentRingNoAnswer(QueueCall<'a>),
    AgentComplete(QueueCall<'a>),
    QueueCallerJoin {
        channel: Channel<'a>,
        queue: Value<'a>,
        position: u32,
    },
    QueueCallerLeave {
        channel: Channel<'a>,
        queue: Value<'a>,
    },
    QueueCallerAbandon {
        channel: Channel<'a>,
        queue: Value<'a>,
    },
    /// Never wait for it: a user without class `system` does not get it.
    FullyBooted,
    Shutdown,
    Reload,
    /// One entry of the list that CoreShowChannels gives.
    CoreShowChannel(ChannelListing<'a>),
    Other(Message<'a>),
}

/// A channel as each event about it describes it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Channel<'a> {
    /// `PJSIP/101-0000001a`.
    pub name: Value<'a>,
    pub state: ChannelState,
    /// Who the channel is, as far as the other side is told.
    pub caller: Party<'a>,
    /// Who it talks to.
    pub connected: Party<'a>,
    pub account: Value<'a>,
    pub context: Value<'a>,
    pub exten: Value<'a>,
    pub priority: u32,
    /// The key: unique and never changed.
    pub uniqueid: Value<'a>,
    /// Changes without an event of its own.
    pub linkedid: Value<'a>,
}

/// Number and name of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Party<'a> {
    pub num: Value<'a>,
    pub name: Value<'a>,
}

/// `ChannelState`, by Asterisk's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChannelState {
    #[default]
    Down,
    Reserved,
    OffHook,
    Dialing,
    /// The far end rings, seen from the one who calls.
    Ring,
    /// This phone rings.
    Ringing,
    Up,
    Busy,
    DialingOffHook,
    PreRing,
    Unknown,
}

/// A bridge as its events describe it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bridge<'a> {
    pub uniqueid: Value<'a>,
    /// `basic`, `holding`, `parking`, `infrastructure`.
    pub kind: Value<'a>,
    /// `ConfBridge`, `BridgeWait`, or unknown for a plain one.
    pub creator: Value<'a>,
    pub name: Value<'a>,
    /// Counts announcers too, and differs by one from run to run: count joins instead.
    pub channels: u32,
}

/// `DialStatus` of DialState.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DialProgress {
    Ringing,
    Progress,
    Proceeding,
    Other,
}

/// `DialStatus` of DialEnd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DialStatus {
    Answer,
    Busy,
    Cancel,
    ChanUnavail,
    Congestion,
    NoAnswer,
    Abort,
    Continue,
    Goto,
    Other,
}

/// The end of the first leg of an Originate; success says that the agent picked up, nothing of the one called.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OriginateResponse<'a> {
    /// The ActionID, which may be of another program.
    pub action_id: Value<'a>,
    pub success: bool,
    /// 4 answered, 3 timeout, 5 busy (chan_sip only), 0 everything else.
    pub reason: u8,
    /// Ours by `ChannelId`; `<unknown>` without one on failure.
    pub uniqueid: Value<'a>,
    pub channel: Value<'a>,
    pub context: Value<'a>,
    pub exten: Value<'a>,
}

/// The state of a hint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExtensionStatus<'a> {
    pub exten: Value<'a>,
    pub context: Value<'a>,
    /// `PJSIP/101&Custom:DND101`.
    pub hint: Value<'a>,
    pub status: ExtensionState,
    /// `Idle`, `InUse&Ringing`.
    pub text: Value<'a>,
}

/// What a hint adds up to: 0 is idle, otherwise bits, which may stand together (in use and ringing).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ExtensionState(pub i16);

/// Which Orig/SecondTransferer consulted, and who now talks to whom.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AttendedTransfer<'a> {
    /// `Success`, `Fail`, `Invalid`, `Not Permitted`.
    pub result: Value<'a>,
    /// The transferer's channel towards the transferee.
    pub original: Channel<'a>,
    pub original_bridge: Value<'a>,
    /// The transferer's channel towards the target.
    pub second: Channel<'a>,
    pub second_bridge: Value<'a>,
    pub transferee: Option<Channel<'a>>,
    pub target: Option<Channel<'a>>,
    /// `Bridge`, `App`, `Link`, `Threeway` or `Fail`.
    pub dest_type: Value<'a>,
    pub dest_bridge: Value<'a>,
}

/// Success says only that the call left the transferer, even when the target is then busy.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BlindTransfer<'a> {
    pub result: Value<'a>,
    pub transferer: Channel<'a>,
    pub transferee: Option<Channel<'a>>,
    pub bridge: Value<'a>,
    pub context: Value<'a>,
    pub extension: Value<'a>,
}

/// A caller in a queue and the member who is being tried.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QueueCall<'a> {
    pub caller: Channel<'a>,
    /// The member's channel.
    pub dest: Channel<'a>,
    pub queue: Value<'a>,
    /// `PJSIP/102` or `Local/103@from-queue/n`.
    pub interface: Value<'a>,
    pub member: Value<'a>,
    /// AgentComplete: `caller`, `agent` or `transfer`.
    pub reason: Value<'a>,
}

/// A channel in the list of CoreShowChannels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ChannelListing<'a> {
    pub channel: Channel<'a>,
    pub application: Value<'a>,
    pub application_data: Value<'a>,
    /// Since the channel began, `HH:MM:SS`.
    pub duration: Value<'a>,
    /// Empty outside a bridge.
    pub bridge: Value<'a>,
}

impl<'a> Channel<'a> {
    /// `PJSIP/101` of `PJSIP/101-0000001a`: the endpoint behind the channel.
    pub fn endpoint(&self) -> &'a [u8] {
        let name = self.name.bytes();
        memchr::memrchr(b'-', name).map_or(name, |dash| &name[..dash])
    }

    /// Says whether this is one half of a Local pair.
    pub fn is_local(&self) -> bool {
        self.name.bytes().starts_with(b"Local/")
    }
}

impl ChannelState {
    fn read(value: &[u8]) -> Self {
        match value {
            b"0" => Self::Down,
            b"1" => Self::Reserved,
            b"2" => Self::OffHook,
            b"3" => Self::Dialing,
            b"4" => Self::Ring,
            b"5" => Self::Ringing,
            b"6" => Self::Up,
            b"7" => Self::Busy,
            b"8" => Self::DialingOffHook,
            b"9" => Self::PreRing,
            _ => Self::Unknown,
        }
    }
}

impl ExtensionState {
    /// Says that nobody talks and nothing rings there.
    pub fn is_idle(self) -> bool {
        self.0 == 0
    }

    /// Says that somebody talks there.
    pub fn is_in_use(self) -> bool {
        self.has(1)
    }

    /// Says that it takes no more calls; also what a custom do-not-disturb hint reads.
    pub fn is_busy(self) -> bool {
        self.has(2)
    }

    /// Says that no phone is registered there.
    pub fn is_unavailable(self) -> bool {
        self.has(4)
    }

    /// Says that it rings there, maybe besides a call.
    pub fn is_ringing(self) -> bool {
        self.has(8)
    }

    /// Says that a call is on hold there.
    pub fn is_on_hold(self) -> bool {
        self.has(16)
    }

    /// Says that the hint no longer exists.
    pub fn is_removed(self) -> bool {
        self.0 < 0
    }

    fn has(self, bit: i16) -> bool {
        self.0 > 0 && self.0 & bit != 0
    }
}

impl DialProgress {
    fn read(value: &[u8]) -> Self {
        match value {
            b"RINGING" => Self::Ringing,
            b"PROGRESS" => Self::Progress,
            b"PROCEEDING" => Self::Proceeding,
            _ => Self::Other,
        }
    }
}

impl DialStatus {
    fn read(value: &[u8]) -> Self {
        match value {
            b"ANSWER" => Self::Answer,
            b"BUSY" => Self::Busy,
            b"CANCEL" => Self::Cancel,
            b"CHANUNAVAIL" => Self::ChanUnavail,
            b"CONGESTION" => Self::Congestion,
            b"NOANSWER" => Self::NoAnswer,
            b"ABORT" => Self::Abort,
            b"CONTINUE" => Self::Continue,
            b"GOTO" => Self::Goto,
            _ => Self::Other,
        }
    }
}

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
            b"FullyBooted" => Self::FullyBooted,
            b"Shutdown" => Self::Shutdown,
            b"Reload" => Self::Reload,
            b"CoreShowChannel" => core_show_channel(message),
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

fn core_show_channel<'a>(message: &Message<'a>) -> Event<'a> {
    let mut listing = ChannelListing::default();
    let [channel] = channels(message, [""], |key, value| match key {
        b"Application" => listing.application = value,
        b"ApplicationData" => listing.application_data = value,
        b"Duration" => listing.duration = value,
        b"BridgeId" => listing.bridge = value,
        _ => {}
    });
    Event::CoreShowChannel(ChannelListing {
        channel: channel.unwrap_or_default(),
        ..listing
    })
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
