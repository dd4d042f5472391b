//! `sidetone status`: what scripts and the bench read.

use crate::{Card, Connection, Dial, Direction, Me, Party, ServerView, UnixMicros, UnixMillis};
use serde::{Deserialize, Serialize};

/// The answer to `sidetone status --json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Status {
    pub version: String,
    pub connection: Connection,
    /// The integration server, in server mode.
    pub server: Option<ServerView>,
    pub me: Me,
    /// Own calls.
    pub calls: Vec<CallStatus>,
    pub cards: Vec<Card>,
    pub dials: Vec<Dial>,
    pub hops: Hops,
    /// Whether `sidetone-ui` runs and has said hello.
    pub windows: bool,
    /// Whether a tray took our icon.
    pub tray: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct CallStatus {
    pub call: String,
    pub direction: Direction,
    /// "ringing", "calling", "talking".
    pub state: String,
    pub party: Party,
    pub since: UnixMillis,
}

/// Time of each hop of the last calls, newest last, at most 64 each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Hops {
    pub dials: Vec<DialHops>,
    pub rings: Vec<RingHops>,
}

/// Asked for → handed to the PBX's socket → the PBX's answer → own phone rings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct DialHops {
    pub dial: String,
    pub asked: UnixMicros,
    pub originate_sent: Option<UnixMicros>,
    pub queued: Option<UnixMicros>,
    pub phone_rings: Option<UnixMicros>,
}

/// Event read from the PBX → sent to the windows → received there → painted; and the notification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct RingHops {
    pub call: String,
    pub event_read: UnixMicros,
    pub published: Option<UnixMicros>,
    pub notified: Option<UnixMicros>,
    pub received: Option<UnixMicros>,
    pub painted: Option<UnixMicros>,
}
