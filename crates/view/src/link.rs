//! The line to the PBX and the person at this desk.

use crate::UnixMillis;
use serde::{Deserialize, Serialize};

/// How the line to the PBX stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Connection {
    /// Nothing is set up yet: no address, no user or no secret.
    NotSetUp {
        words: String,
    },
    Connecting {
        words: String,
    },
    /// `lag_ms`: round trip of the last ping.
    Connected {
        pbx: String,
        version: String,
        lag_ms: Option<u32>,
        since: UnixMillis,
    },
    /// Away for now, tried again at `retry_at`.
    Away {
        words: String,
        retry_at: UnixMillis,
    },
    /// The PBX says no (wrong password, no rights); needs a person.
    Refused {
        words: String,
    },
}

impl Default for Connection {
    fn default() -> Self {
        Self::NotSetUp {
            words: "No phone system is set up yet. Open Settings.".into(),
        }
    }
}

impl Connection {
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(self, Self::Connected { .. })
    }

    /// One sentence for tooltip, panel and command line.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::NotSetUp { words }
            | Self::Connecting { words }
            | Self::Away { words, .. }
            | Self::Refused { words } => words.clone(),
            Self::Connected {
                pbx,
                lag_ms: Some(lag),
                ..
            } => format!("Connected to {pbx}, {lag} ms"),
            Self::Connected {
                pbx, lag_ms: None, ..
            } => format!("Connected to {pbx}"),
        }
    }
}

/// What the tray shows of this desk, by colour, shape and word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum Lamp {
    Idle,
    Ringing,
    InCall,
    #[default]
    Offline,
}

impl Lamp {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Idle => "free",
            Self::Ringing => "ringing",
            Self::InCall => "in a call",
            Self::Offline => "offline",
        }
    }
}

/// The person at this desk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Me {
    pub extension: String,
    pub lamp: Lamp,
    /// What keeps the phone from working, for example "your phone 101 is not registered".
    pub phone_trouble: Option<String>,
}
