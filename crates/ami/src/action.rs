//! Actions: what is asked of Asterisk, and how it is written.

use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

use crate::{
    ActionId, BridgeId, EncodeError, FieldValue,
    field::{MAX_HEADERS, MAX_LINE, check},
};

mod confbridge;
mod originate;
mod passing;
mod queue;
mod recording;
mod store;
#[cfg(test)]
mod tests;

use self::originate::CHANNEL_RESERVED;
pub use self::{
    confbridge::{Confbridge, ConfbridgeOrder},
    originate::{CallerId, Originate, Variable},
    passing::{DtmfDigit, Park, PlayDtmf, Redirect},
    queue::{QueueAdd, QueueMembership},
    recording::{Audio, Recording, RecordingFile},
    store::{CustomState, Database, EventFilter, PresenceStatus, Setvar},
};

/// The name of an action, as Asterisk knows it.
pub type ActionName = &'static str;

/// A request to Asterisk.
#[derive(Clone, Debug)]
pub enum Action {
    /// Signs in; `events` are classes such as `call,agent`.
    Login {
        username: FieldValue,
        secret: LoginSecret,
        events: &'static str,
    },
    /// Asks for the number that an MD5 login answers.
    Challenge,
    Logoff,
    Ping,
    Originate(Originate),
    /// Hangs a channel up, named by its name.
    Hangup {
        channel: FieldValue,
        cause: Option<u16>,
    },
    /// Lists all channels as `CoreShowChannel` events.
    CoreShowChannels,
    /// Lists all hints as `ExtensionStatus` events.
    ExtensionStateList,
    /// Lists all device states as `DeviceStateChange` events.
    DeviceStateList,
    /// Lists channels, or one, as `Status` events. Class `call` will do, unlike for CoreShowChannels.
    Status {
        channel: Option<FieldValue>,
    },
    /// Lists all bridges as `BridgeListItem` events, not who is in them.
    BridgeList,
    /// Lists the channels of one bridge as `BridgeInfoChannel` events.
    BridgeInfo {
        bridge: BridgeId,
    },
    /// Lists queues, their members and who waits: `QueueParams`, `QueueMember`, `QueueEntry`. One queue, or all.
    QueueStatus {
        queue: Option<FieldValue>,
    },
    /// Lists who is parked as `ParkedCall` events.
    ParkedCalls,
    /// Lists the parking lots as `Parkinglot` events.
    Parkinglots,
    /// Lists the conference rooms in use; with none the answer is an Error, `No active conferences.`
    ConfbridgeListRooms,
    /// Lists who is in a room as `ConfbridgeList` events.
    ConfbridgeList {
        room: FieldValue,
    },
    /// Lists all presence states as `PresenceStateChange` events.
    PresenceStateList,
    /// Asks for one presence state, of `CustomPresence:101`.
    PresenceState {
        provider: FieldValue,
    },
    /// Asks for one hint.
    ExtensionState(ExtensionAddress),
    /// Asks whether messages wait in a mailbox, `101@default`.
    MailboxStatus {
        mailbox: FieldValue,
    },
    Redirect(Redirect),
    /// Passes the other side on, without asking the target first.
    BlindTransfer {
        /// The one who passes on; given the caller's channel Asterisk throws the caller out.
        channel: FieldValue,
        to: ExtensionAddress,
    },
    /// Begins an attended transfer as if the phone had pressed the feature code: needs `atxfer` in features.conf, and `t`
    /// or `T` in Dial. Asterisk answers with Success also where there is neither.
    Atxfer {
        /// The one who passes on.
        channel: FieldValue,
        to: ExtensionAddress,
    },
    /// Gives up an attended transfer before its target answers.
    CancelAtxfer {
        channel: FieldValue,
    },
    /// Connects two channels, wherever they are now; with whom they talked is hung up.
    Bridge {
        first: FieldValue,
        second: FieldValue,
    },
    Park(Park),
    PlayDtmf(PlayDtmf),
    Recording(Recording),
    /// Silences one way of a channel, heard by the people, not only in a recording.
    MuteAudio {
        channel: FieldValue,
        audio: Audio,
        on: bool,
    },
    Confbridge(Confbridge),
    QueueMembership(QueueMembership),
    Setvar(Setvar),
    Database(Database),
    /// Keeps events from this connection for as long as it lasts; needs class `system`.
    Filter(EventFilter),
    /// Chooses the classes of events that are sent: `call,agent`, `off`.
    Events {
        mask: &'static str,
    },
    /// Lists the actions that this user may use; see [`Rights`](crate::Rights).
    ListCommands,
    /// Asks for Asterisk's version among others; needs `reporting` or `system`.
    CoreSettings,
}

/// What proves that it is us.
#[derive(Clone, Debug)]
pub enum LoginSecret {
    /// The secret itself, readable on the wire unless the link is encrypted.
    Plain(SecretString),
    /// MD5 of challenge and secret, in hexadecimal.
    Md5Key(SecretString),
}

/// An extension in a context.
#[derive(Clone, Debug)]
pub struct ExtensionAddress {
    pub exten: FieldValue,
    pub context: FieldValue,
}

impl Action {
    /// The action's name, as Asterisk knows it.
    pub fn name(&self) -> ActionName {
        match self {
            Self::Login { .. } => "Login",
            Self::Challenge => "Challenge",
            Self::Logoff => "Logoff",
            Self::Ping => "Ping",
            Self::Originate(_) => "Originate",
            Self::Hangup { .. } => "Hangup",
            Self::CoreShowChannels => "CoreShowChannels",
            Self::ExtensionStateList => "ExtensionStateList",
            Self::DeviceStateList => "DeviceStateList",
            Self::Status { .. } => "Status",
            Self::BridgeList => "BridgeList",
            Self::BridgeInfo { .. } => "BridgeInfo",
            Self::QueueStatus { .. } => "QueueStatus",
            Self::ParkedCalls => "ParkedCalls",
            Self::Parkinglots => "Parkinglots",
            Self::ConfbridgeListRooms => "ConfbridgeListRooms",
            Self::ConfbridgeList { .. } => "ConfbridgeList",
            Self::PresenceStateList => "PresenceStateList",
            Self::PresenceState { .. } => "PresenceState",
            Self::ExtensionState(_) => "ExtensionState",
            Self::MailboxStatus { .. } => "MailboxStatus",
            Self::Redirect(_) => "Redirect",
            Self::BlindTransfer { .. } => "BlindTransfer",
            Self::Atxfer { .. } => "Atxfer",
            Self::CancelAtxfer { .. } => "CancelAtxfer",
            Self::Bridge { .. } => "Bridge",
            Self::Park(_) => "Park",
            Self::PlayDtmf(_) => "PlayDTMF",
            Self::Recording(recording) => recording.name(),
            Self::MuteAudio { .. } => "MuteAudio",
            Self::Confbridge(wanted) => wanted.name(),
            Self::QueueMembership(wanted) => wanted.name(),
            Self::Setvar(_) => "Setvar",
            Self::Database(wanted) => wanted.name(),
            Self::Filter(_) => "Filter",
            Self::Events { .. } => "Events",
            Self::ListCommands => "ListCommands",
            Self::CoreSettings => "CoreSettings",
        }
    }

    /// Says whether the answer is followed by entries.
    pub(crate) fn is_list(&self) -> bool {
        match self {
            Self::CoreShowChannels
            | Self::ExtensionStateList
            | Self::DeviceStateList
            | Self::Status { .. }
            | Self::BridgeList
            | Self::BridgeInfo { .. }
            | Self::QueueStatus { .. }
            | Self::ParkedCalls
            | Self::Parkinglots
            | Self::ConfbridgeListRooms
            | Self::ConfbridgeList { .. }
            | Self::PresenceStateList
            | Self::Database(Database::Get { .. }) => true,
            Self::Login { .. }
            | Self::Challenge
            | Self::Logoff
            | Self::Ping
            | Self::Originate(_)
            | Self::Hangup { .. }
            | Self::PresenceState { .. }
            | Self::ExtensionState(_)
            | Self::MailboxStatus { .. }
            | Self::Redirect(_)
            | Self::BlindTransfer { .. }
            | Self::Atxfer { .. }
            | Self::CancelAtxfer { .. }
            | Self::Bridge { .. }
            | Self::Park(_)
            | Self::PlayDtmf(_)
            | Self::Recording(_)
            | Self::MuteAudio { .. }
            | Self::Confbridge(_)
            | Self::QueueMembership(_)
            | Self::Setvar(_)
            | Self::Database(Database::Put { .. } | Database::Del { .. })
            | Self::Filter(_)
            | Self::Events { .. }
            | Self::ListCommands
            | Self::CoreSettings => false,
        }
    }

    /// Writes the action as Asterisk reads it. The bytes are wiped when dropped, since a login holds the secret.
    pub fn encode(&self, id: ActionId) -> Result<Zeroizing<Vec<u8>>, EncodeError> {
        let mut lines = Lines::new();
        lines.header("Action", self.name())?;
        lines.header("ActionID", &id.to_string())?;
        match self {
            Self::Login {
                username,
                secret,
                events,
            } => lines.login(username, secret, events)?,
            Self::Challenge => lines.header("AuthType", "MD5")?,
            Self::Originate(originate) => lines.originate(originate)?,
            Self::Hangup { channel, cause } => lines.hangup(channel, *cause)?,
            Self::ExtensionState(address) => {
                lines.required("Exten", address.exten.as_str())?;
                lines.required("Context", address.context.as_str())?;
            }
            Self::Status { channel } => {
                if let Some(channel) = channel {
                    lines.channel("Channel", channel)?;
                }
            }
            Self::BridgeInfo { bridge } => lines.required("BridgeUniqueid", bridge.as_str())?,
            Self::QueueStatus { queue } => lines.optional("Queue", queue.as_ref())?,
            Self::ConfbridgeList { room } => lines.required("Conference", room.as_str())?,
            Self::PresenceState { provider } => lines.required("Provider", provider.as_str())?,
            Self::MailboxStatus { mailbox } => lines.required("Mailbox", mailbox.as_str())?,
            Self::Redirect(redirect) => lines.redirect(redirect)?,
            Self::BlindTransfer { channel, to } => lines.blind_transfer(channel, to)?,
            Self::Atxfer { channel, to } => lines.atxfer(channel, to)?,
            Self::CancelAtxfer { channel } => lines.channel("Channel", channel)?,
            Self::Bridge { first, second } => {
                lines.channel("Channel1", first)?;
                lines.channel("Channel2", second)?;
            }
            Self::Park(park) => lines.park(park)?,
            Self::PlayDtmf(tone) => lines.play_dtmf(tone)?,
            Self::Recording(recording) => lines.recording(recording)?,
            Self::MuteAudio { channel, audio, on } => lines.mute_audio(channel, *audio, *on)?,
            Self::Confbridge(wanted) => lines.confbridge(wanted)?,
            Self::QueueMembership(wanted) => lines.membership(wanted)?,
            Self::Setvar(wanted) => lines.setvar(wanted)?,
            Self::Database(wanted) => lines.database(wanted)?,
            Self::Filter(filter) => lines.filter(filter)?,
            Self::Events { mask } => lines.header("EventMask", mask)?,
            Self::Logoff
            | Self::Ping
            | Self::CoreShowChannels
            | Self::ExtensionStateList
            | Self::DeviceStateList
            | Self::BridgeList
            | Self::ParkedCalls
            | Self::Parkinglots
            | Self::ConfbridgeListRooms
            | Self::PresenceStateList
            | Self::ListCommands
            | Self::CoreSettings => {}
        }
        Ok(lines.end())
    }
}

/// Header lines of one action, each within what Asterisk reads.
struct Lines {
    bytes: Zeroizing<Vec<u8>>,
    headers: usize,
}

/// Holds any login without growing, for what grows leaves a copy behind that nobody wipes.
const LOGIN_CAPACITY: usize = 4 * MAX_LINE;

impl Lines {
    fn new() -> Self {
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(LOGIN_CAPACITY)),
            headers: 0,
        }
    }

    fn header(&mut self, field: &'static str, value: &str) -> Result<(), EncodeError> {
        check(value).map_err(|why| EncodeError::Field { field, why })?;
        let length = field.len() + ": ".len() + value.len();
        if length + "\r\n".len() > MAX_LINE {
            return Err(EncodeError::LineTooLong { field, length });
        }
        self.headers += 1;
        if self.headers > MAX_HEADERS {
            return Err(EncodeError::TooManyHeaders);
        }
        for part in [field, ": ", value, "\r\n"] {
            self.bytes.extend_from_slice(part.as_bytes());
        }
        Ok(())
    }

    fn required(&mut self, field: &'static str, value: &str) -> Result<(), EncodeError> {
        if value.trim().is_empty() {
            return Err(EncodeError::Empty { field });
        }
        self.header(field, value)
    }

    fn login(
        &mut self,
        username: &FieldValue,
        secret: &LoginSecret,
        events: &str,
    ) -> Result<(), EncodeError> {
        self.required("Username", username.as_str())?;
        match secret {
            LoginSecret::Plain(secret) => self.header("Secret", secret.expose_secret())?,
            LoginSecret::Md5Key(key) => {
                self.header("AuthType", "MD5")?;
                self.header("Key", key.expose_secret())?;
            }
        }
        self.header("Events", events)
    }

    fn optional(
        &mut self,
        field: &'static str,
        value: Option<&FieldValue>,
    ) -> Result<(), EncodeError> {
        match value {
            Some(value) => self.required(field, value.as_str()),
            None => Ok(()),
        }
    }

    /// The name of one channel that is there, or its Uniqueid.
    fn channel(&mut self, field: &'static str, channel: &FieldValue) -> Result<(), EncodeError> {
        // A name between slashes is a pattern to Asterisk, and hangs up all that match.
        if channel.as_str().trim_start().starts_with('/') {
            return Err(EncodeError::Reserved {
                field,
                character: '/',
            });
        }
        self.dialled(field, channel)
    }

    /// What Asterisk calls, now or later.
    fn dialled(&mut self, field: &'static str, channel: &FieldValue) -> Result<(), EncodeError> {
        refuse(field, channel.as_str(), CHANNEL_RESERVED)?;
        self.required(field, channel.as_str())
    }

    fn hangup(&mut self, channel: &FieldValue, cause: Option<u16>) -> Result<(), EncodeError> {
        self.channel("Channel", channel)?;
        match cause {
            Some(cause) => self.header("Cause", &cause.to_string()),
            None => Ok(()),
        }
    }

    fn end(mut self) -> Zeroizing<Vec<u8>> {
        self.bytes.extend_from_slice(b"\r\n");
        self.bytes
    }
}

fn refuse(field: &'static str, text: &str, reserved: &[char]) -> Result<(), EncodeError> {
    match text.chars().find(|c| reserved.contains(c)) {
        Some(character) => Err(EncodeError::Reserved { field, character }),
        None => Ok(()),
    }
}
