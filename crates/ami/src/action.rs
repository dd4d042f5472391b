//! Actions: what is asked of Asterisk, and how it is written.

use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

use crate::{
    ActionId, EncodeError, FieldValue,
    field::{MAX_HEADERS, MAX_LINE, check},
};

mod originate;

pub use originate::{CallerId, Originate, Variable};

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
    /// Asks for one hint.
    ExtensionState(ExtensionAddress),
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
            Self::ExtensionState(_) => "ExtensionState",
            Self::Events { .. } => "Events",
            Self::ListCommands => "ListCommands",
            Self::CoreSettings => "CoreSettings",
        }
    }

    /// Says whether the answer is followed by entries.
    pub(crate) fn is_list(&self) -> bool {
        match self {
            Self::CoreShowChannels | Self::ExtensionStateList | Self::DeviceStateList => true,
            Self::Login { .. }
            | Self::Challenge
            | Self::Logoff
            | Self::Ping
            | Self::Originate(_)
            | Self::Hangup { .. }
            | Self::ExtensionState(_)
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
            Self::Events { mask } => lines.header("EventMask", mask)?,
            Self::Logoff
            | Self::Ping
            | Self::CoreShowChannels
            | Self::ExtensionStateList
            | Self::DeviceStateList
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

    fn hangup(&mut self, channel: &FieldValue, cause: Option<u16>) -> Result<(), EncodeError> {
        // A name between slashes is a pattern to Asterisk, and hangs up all that match.
        if channel.as_str().trim_start().starts_with('/') {
            return Err(EncodeError::Reserved {
                field: "Channel",
                character: '/',
            });
        }
        self.required("Channel", channel.as_str())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ActionId = ActionId {
        session: 1,
        sequence: 2,
    };

    fn value(text: &str) -> FieldValue {
        FieldValue::new(text).unwrap()
    }

    #[test]
    fn secret_cannot_add_a_header_and_is_not_printed() {
        let login = |secret: &str| Action::Login {
            username: value("ctc"),
            secret: LoginSecret::Plain(SecretString::from(secret)),
            events: "on",
        };
        assert!(matches!(
            login("x\nAction: Command").encode(ID),
            Err(EncodeError::Field {
                field: "Secret",
                ..
            })
        ));
        assert!(!format!("{:?}", login("hunter2")).contains("hunter2"));
    }

    #[test]
    fn hangup_by_pattern_is_refused() {
        let channel = value("/^PJSIP.*/");
        assert!(
            Action::Hangup {
                channel,
                cause: None
            }
            .encode(ID)
            .is_err()
        );
    }
}
