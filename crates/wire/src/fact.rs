//! Facts: how one thing stands now. A later fact of the same kind and key replaces the earlier.

use crate::{Call, Dial, DialPlan, Party, UnixMillis};
use serde::{Deserialize, Serialize};

/// A fact. `value: null` says that the thing is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// The server's line to a phone system; the key is its name.
    Pbx { key: String, value: Option<PbxLine> },
    /// Who this client is and what it may do; changes when an administrator changes it.
    Me { value: Me },
    /// One's own phone.
    Phone { value: Phone },
    /// A call of one's own, by its id. It is gone some seconds after its end.
    Call { key: String, value: Option<Call> },
    /// A dial of one's own, by the id of its request. It is gone some minutes after its end.
    Dial { key: String, value: Option<Dial> },
    /// A lamp. The key is the extension and the name of its PBX: `101@main`.
    Extension {
        key: String,
        value: Option<Extension>,
    },
    /// The key is the queue and the name of its PBX: `sales@main`.
    Queue { key: String, value: Option<Queue> },
    /// The key is lot, space and PBX: `default/701@main`.
    Parked { key: String, value: Option<Parked> },
    /// An item of the board of missed calls.
    Missed {
        key: String,
        value: Option<MissedCall>,
    },
}

/// How the server's line to a phone system stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum PbxLine {
    Connecting {
        words: String,
    },
    Up {
        /// `Asterisk 22`
        version: String,
        lag_ms: Option<u32>,
        since: UnixMillis,
    },
    /// Tried again by itself.
    Away {
        words: String,
        retry_at: UnixMillis,
    },
    /// Needs an administrator.
    Refused {
        words: String,
    },
}

/// The person of this client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Me {
    pub user: String,
    pub login: String,
    pub name: String,
    pub role: Role,
    /// The PBX where this person's phone is.
    pub pbx: Option<String>,
    /// `None`: no phone of one's own; looks on.
    pub extension: Option<String>,
    pub rights: Rights,
    pub dial_plan: Option<DialPlan>,
}

/// What somebody is at work.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    #[default]
    Agent,
    Supervisor,
    Admin,
}

/// What this person may do and see, as far as a client shows it; the server decides each time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Rights {
    pub dial: bool,
    /// Sees with whom colleagues talk.
    pub see_calls: bool,
    /// Sees all digits of numbers outside.
    pub see_numbers: bool,
    /// Searches the call log of everybody instead of one's own.
    pub see_log: bool,
    pub export_log: bool,
    pub administer: bool,
    /// What the phone system does not let anybody do here, with a sentence each: `park`, `record` …
    pub lacking: Vec<(String, String)>,
}

/// One's own phone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Phone {
    /// `None`: not known.
    pub registered: Option<bool>,
    pub in_use: bool,
    pub ringing: bool,
    pub busy: bool,
    pub on_hold: bool,
}

/// An extension with its lamp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Extension {
    pub extension: String,
    pub pbx: String,
    /// From the directory; empty: nobody is known.
    pub name: String,
    pub groups: Vec<String>,
    pub lamp: Lamp,
    /// Since when the lamp shows this, as far as the server has seen it.
    pub since: UnixMillis,
    /// `None` where nothing tells.
    pub do_not_disturb: Option<bool>,
    pub presence: Option<Presence>,
    /// With whom, as far as this client may see.
    pub calls: Vec<LampCall>,
    /// False while the server has no line to the PBX.
    pub certain: bool,
}

/// What a lamp shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(rename_all = "snake_case")]
pub enum Lamp {
    Idle,
    Ringing,
    InUse,
    /// Talks while another call rings.
    InUseRinging,
    Busy,
    OnHold,
    /// Not registered.
    Unavailable,
    #[default]
    Unknown,
}

/// What a person chose to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Presence {
    /// `available`, `away`, `xa`, `chat`, `dnd`, `unavailable`, `not_set`, `other`.
    pub status: String,
    pub message: Option<String>,
}

/// A call at an extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct LampCall {
    /// To pick it up by [`Order::PickUp`](crate::Order::PickUp).
    pub call: String,
    /// Seen from this extension.
    pub direction: crate::Direction,
    pub state: LampCallState,
    /// The other end; nothing where the client may not see it.
    pub party: Party,
    /// The queue or group by which it came.
    pub line: Option<String>,
    pub since: UnixMillis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(rename_all = "snake_case")]
pub enum LampCallState {
    Ringing,
    Calling,
    Talking,
    Held,
}

/// A queue with its members and who waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Queue {
    pub queue: String,
    pub pbx: String,
    pub strategy: Option<String>,
    /// The longest waiting first.
    pub waiting: Vec<WaitingCaller>,
    pub members: Vec<QueueMember>,
    /// Since the queue was loaded, as the PBX counts.
    pub completed: u32,
    pub abandoned: u32,
    /// Mean seconds until the answer.
    pub hold_time_s: u32,
    pub certain: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct WaitingCaller {
    pub call: String,
    pub party: Party,
    pub since: UnixMillis,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct QueueMember {
    /// `None`: no phone of ours.
    pub extension: Option<String>,
    pub name: String,
    pub membership: Membership,
    pub paused: bool,
    pub paused_reason: Option<String>,
    pub in_call: bool,
    pub lamp: Lamp,
    pub calls_taken: u32,
}

/// How a member came into a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(rename_all = "snake_case")]
pub enum Membership {
    /// By queues.conf: cannot log out, only pause.
    Static,
    Dynamic,
    Realtime,
    Other,
}

/// A call that waits in a parking space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Parked {
    pub lot: String,
    pub space: String,
    pub pbx: String,
    pub call: String,
    pub party: Party,
    pub since: UnixMillis,
}

/// Somebody whom nobody has called back yet, or who was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct MissedCall {
    pub item: String,
    pub pbx: String,
    pub party: Party,
    /// What to dial to call back; `None`: withheld.
    pub call_back: Option<String>,
    /// The queue, group or number that was called.
    pub line: Option<String>,
    pub first_at: UnixMillis,
    pub last_at: UnixMillis,
    pub times: u32,
    /// Who talked with that number since, and when.
    pub closed_by: Option<String>,
    pub closed_at: Option<UnixMillis>,
}
