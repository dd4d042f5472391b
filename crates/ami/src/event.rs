//! Events of Asterisk, typed and borrowed; all names are Asterisk's own.

mod read;

use crate::{Message, Value};

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
    /// Two parked calls changed places; `parkee` is parked now.
    ParkedCallSwap {
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
    /// A member as one of the queue's events or the list of QueueStatus shows him: all of QueueMember,
    /// QueueMemberStatus, -Added, -Pause, -Penalty and -Ringinuse.
    QueueMember(QueueMember<'a>),
    QueueMemberRemoved {
        queue: Value<'a>,
        interface: Value<'a>,
    },
    /// A queue in the list of QueueStatus; its members and callers follow.
    QueueParams(QueueParams<'a>),
    /// A caller in the list of QueueStatus. It names no Linkedid.
    QueueEntry(QueueEntry<'a>),
    /// The dialplan of the channel goes on with this application. Class `dialplan`; in Asterisk 13 class `call`.
    Newexten {
        channel: Channel<'a>,
        application: Value<'a>,
        app_data: Value<'a>,
    },
    MixMonitorStart(Channel<'a>),
    MixMonitorStop(Channel<'a>),
    /// `spyer` listens to `spyee`, or waits for somebody to listen to.
    ChanSpyStart {
        spyer: Channel<'a>,
        spyee: Option<Channel<'a>>,
    },
    ChanSpyStop {
        spyer: Channel<'a>,
    },
    MessageWaiting(MessageWaiting<'a>),
    /// A room opens with its first participant.
    ConfbridgeStart {
        bridge: Bridge<'a>,
        room: Value<'a>,
    },
    ConfbridgeEnd {
        room: Value<'a>,
    },
    /// May come before or after the BridgeEnter of the same channel.
    ConfbridgeJoin(ConfbridgeMember<'a>),
    ConfbridgeLeave(ConfbridgeMember<'a>),
    /// Without a channel the whole room is meant.
    ConfbridgeMute(ConfbridgeMember<'a>),
    ConfbridgeUnmute(ConfbridgeMember<'a>),
    ConfbridgeRecord {
        room: Value<'a>,
        recording: bool,
    },
    ConfbridgeLock {
        room: Value<'a>,
        locked: bool,
    },
    /// A room in the list of ConfbridgeListRooms.
    ConfbridgeListRooms {
        room: Value<'a>,
        parties: u32,
        locked: bool,
        muted: bool,
    },
    /// A participant in the list of ConfbridgeList.
    ConfbridgeList(ConfbridgeMember<'a>),
    /// The presence that a hint shows.
    PresenceStatus {
        exten: Value<'a>,
        context: Value<'a>,
        presence: Presence<'a>,
    },
    /// The presence of a provider: `CustomPresence:101`.
    PresenceStateChange {
        presentity: Value<'a>,
        presence: Presence<'a>,
    },
    /// Never wait for it: a user without class `system` does not get it.
    FullyBooted,
    Shutdown,
    Reload,
    /// One entry of the list that CoreShowChannels gives.
    CoreShowChannel(ChannelListing<'a>),
    /// One entry of the list that the action Status gives.
    Status(ChannelListing<'a>),
    /// One entry of BridgeList, or the head of a BridgeInfo.
    BridgeListItem(Bridge<'a>),
    /// A channel in the bridge that a BridgeInfo asked for.
    BridgeInfoChannel(Channel<'a>),
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

/// Who answers calls of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QueueMember<'a> {
    pub queue: Value<'a>,
    pub name: Value<'a>,
    /// What is dialled: `PJSIP/102`, `Local/103@from-queue/n`.
    pub interface: Value<'a>,
    /// Whose state counts: `PJSIP/103`, `hint:103@ext-local`.
    pub state_interface: Value<'a>,
    /// `static`, `dynamic` or `realtime`.
    pub membership: Value<'a>,
    pub penalty: i32,
    pub calls_taken: u32,
    /// Unix time of the last call, 0 for none.
    pub last_call: u64,
    /// Unix time of the login, 0 where not told (Asterisk 13).
    pub login_time: u64,
    pub in_call: bool,
    pub status: DeviceStatus,
    pub paused: bool,
    /// `PausedReason`, or `Reason` of Asterisk 13 and 16.
    pub paused_reason: Value<'a>,
}

/// A queue as QueueStatus sums it up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QueueParams<'a> {
    pub queue: Value<'a>,
    /// The most callers that may wait; 0 is no limit.
    pub max: u32,
    /// `ringall`, `rrmemory`, …
    pub strategy: Value<'a>,
    /// Callers that wait now.
    pub calls: u32,
    /// Mean seconds until the answer.
    pub hold_time: u32,
    /// Mean seconds of a talk.
    pub talk_time: u32,
    pub completed: u32,
    pub abandoned: u32,
}

/// A caller who waits in a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QueueEntry<'a> {
    pub queue: Value<'a>,
    /// From 1.
    pub position: u32,
    pub channel: Value<'a>,
    pub uniqueid: Value<'a>,
    pub caller: Party<'a>,
    /// Seconds.
    pub wait: u32,
}

/// How many messages a mailbox holds; the channel is that of the caller who has just left one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MessageWaiting<'a> {
    pub channel: Option<Channel<'a>>,
    /// `103@default`.
    pub mailbox: Value<'a>,
    pub new: u32,
    pub old: u32,
}

/// Somebody in a conference room.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ConfbridgeMember<'a> {
    pub room: Value<'a>,
    pub channel: Channel<'a>,
    pub admin: bool,
    pub muted: bool,
}

/// What somebody says of himself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Presence<'a> {
    /// `not_set`, `unavailable`, `available`, `away`, `xa`, `chat`, `dnd`.
    pub status: Value<'a>,
    pub subtype: Value<'a>,
    pub message: Value<'a>,
}

/// The state of a device by its number (`include/asterisk/devicestate.h`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeviceStatus {
    #[default]
    Unknown,
    NotInUse,
    InUse,
    Busy,
    Invalid,
    Unavailable,
    Ringing,
    RingInUse,
    OnHold,
}

/// A channel in the list of CoreShowChannels or Status.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ChannelListing<'a> {
    pub channel: Channel<'a>,
    pub application: Value<'a>,
    pub application_data: Value<'a>,
    /// Since the channel began: `HH:MM:SS`, in Status seconds.
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

impl DeviceStatus {
    /// From Asterisk's number.
    pub fn from_number(number: u8) -> Self {
        match number {
            1 => Self::NotInUse,
            2 => Self::InUse,
            3 => Self::Busy,
            4 => Self::Invalid,
            5 => Self::Unavailable,
            6 => Self::Ringing,
            7 => Self::RingInUse,
            8 => Self::OnHold,
            _ => Self::Unknown,
        }
    }

    /// From the word that DeviceStateChange gives (`NOT_INUSE`).
    pub fn from_word(word: &[u8]) -> Self {
        match word {
            b"NOT_INUSE" => Self::NotInUse,
            b"INUSE" => Self::InUse,
            b"BUSY" => Self::Busy,
            b"INVALID" => Self::Invalid,
            b"UNAVAILABLE" => Self::Unavailable,
            b"RINGING" => Self::Ringing,
            b"RINGINUSE" => Self::RingInUse,
            b"ONHOLD" => Self::OnHold,
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
