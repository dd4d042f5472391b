//! What Asterisk is asked to remember: variables, device and presence states, its database, and what it need not send.

use super::{Lines, refuse};
use crate::{EncodeError, FieldValue, Variable};

/// Sets a variable or a state.
#[derive(Clone, Debug)]
pub enum Setvar {
    /// A variable of one channel.
    Channel {
        channel: FieldValue,
        variable: Variable,
    },
    /// `DEVICE_STATE(Custom:…)`: a lamp without a phone, such as do-not-disturb.
    DeviceState {
        /// `DND101`.
        custom: FieldValue,
        state: CustomState,
    },
    /// `PRESENCE_STATE(CustomPresence:…)`.
    PresenceState {
        /// `101`.
        custom: FieldValue,
        /// `available`, `away`, `dnd` and so on.
        status: PresenceStatus,
        message: FieldValue,
    },
}

/// The state of a lamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CustomState {
    NotInUse,
    InUse,
    Busy,
    Unavailable,
}

/// What a person says of himself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PresenceStatus {
    Unavailable,
    Available,
    Away,
    ExtendedAway,
    Chat,
    DoNotDisturb,
}

/// One entry of Asterisk's own database.
#[derive(Clone, Debug)]
pub enum Database {
    /// `DBGet`: the value comes as a list entry `DBGetResponse`; an Error means that there is none.
    Get { family: FieldValue, key: FieldValue },
    /// `DBPut`.
    Put {
        family: FieldValue,
        key: FieldValue,
        value: FieldValue,
    },
    /// `DBDel`.
    Del { family: FieldValue, key: FieldValue },
}

/// Events that are not sent on this connection, by the names of the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFilter(String);

impl Database {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Get { .. } => "DBGet",
            Self::Put { .. } => "DBPut",
            Self::Del { .. } => "DBDel",
        }
    }
}

impl EventFilter {
    /// Leaves these events out. Asterisk looks for a pattern in the whole text of an event, so it is tied to the first line:
    /// else a caller could hide his calls by the name he gives himself.
    pub fn without(events: &[&'static str]) -> Result<Self, EncodeError> {
        const FIELD: &str = "Filter";
        for event in events {
            if let Some(character) = event.chars().find(|c| !c.is_ascii_alphanumeric()) {
                return Err(EncodeError::Reserved {
                    field: FIELD,
                    character,
                });
            }
        }
        if events.is_empty() || events.contains(&"") {
            return Err(EncodeError::Empty { field: FIELD });
        }
        Ok(Self(format!("!^Event: ({})[^a-zA-Z0-9]", events.join("|"))))
    }
}

impl CustomState {
    fn as_asterisk_writes(self) -> &'static str {
        match self {
            Self::NotInUse => "NOT_INUSE",
            Self::InUse => "INUSE",
            Self::Busy => "BUSY",
            Self::Unavailable => "UNAVAILABLE",
        }
    }
}

impl PresenceStatus {
    fn as_asterisk_writes(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Available => "available",
            Self::Away => "away",
            Self::ExtendedAway => "xa",
            Self::Chat => "chat",
            Self::DoNotDisturb => "dnd",
        }
    }
}

impl Lines {
    pub(super) fn setvar(&mut self, wanted: &Setvar) -> Result<(), EncodeError> {
        match wanted {
            Setvar::Channel { channel, variable } => {
                self.channel("Channel", channel)?;
                self.header("Variable", variable.name())?;
                self.header("Value", variable.value())
            }
            Setvar::DeviceState { custom, state } => {
                self.function("DEVICE_STATE(Custom:", custom)?;
                self.header("Value", state.as_asterisk_writes())
            }
            Setvar::PresenceState {
                custom,
                status,
                message,
            } => {
                refuse("Value", message.as_str(), &[','])?;
                self.function("PRESENCE_STATE(CustomPresence:", custom)?;
                let value = format!("{},,{}", status.as_asterisk_writes(), message.as_str());
                self.header("Value", &value)
            }
        }
    }

    /// A bracket, a dollar or a comma in a name would make another function of it.
    fn function(&mut self, head: &str, name: &FieldValue) -> Result<(), EncodeError> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-+.".contains(c);
        if let Some(character) = name.as_str().chars().find(|c| !is_name(*c)) {
            return Err(EncodeError::Reserved {
                field: "Variable",
                character,
            });
        }
        if name.as_str().is_empty() {
            return Err(EncodeError::Empty { field: "Variable" });
        }
        self.header("Variable", &format!("{head}{})", name.as_str()))
    }

    pub(super) fn database(&mut self, wanted: &Database) -> Result<(), EncodeError> {
        let (Database::Get { family, key }
        | Database::Put { family, key, .. }
        | Database::Del { family, key }) = wanted;
        // With a slash it is an entry of another family.
        refuse("Family", family.as_str(), &['/'])?;
        refuse("Key", key.as_str(), &['/'])?;
        self.required("Family", family.as_str())?;
        self.required("Key", key.as_str())?;
        match wanted {
            Database::Put { value, .. } => self.header("Val", value.as_str()),
            Database::Get { .. } | Database::Del { .. } => Ok(()),
        }
    }

    pub(super) fn filter(&mut self, filter: &EventFilter) -> Result<(), EncodeError> {
        self.header("Operation", "Add")?;
        self.header("Filter", &filter.0)
    }
}
