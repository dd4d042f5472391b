//! Actions: what is asked of Asterisk, and how it is written.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

use crate::{
    ActionId, EncodeError, FieldValue, Uniqueid,
    field::{MAX_HEADERS, MAX_LINE, check},
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

/// Makes Asterisk call `channel`, and when it answers sends it to `exten` in `context`. Always asynchronous.
#[derive(Clone, Debug)]
pub struct Originate {
    /// The agent's phone: `PJSIP/101`.
    pub channel: FieldValue,
    /// Becomes Uniqueid and Linkedid at once; the only way to know a failed Originate again.
    pub channel_id: Uniqueid,
    pub exten: FieldValue,
    pub context: FieldValue,
    pub priority: u32,
    /// How long the agent's phone rings.
    pub timeout: Duration,
    /// Shown to both sides; without it the agent's phone shows nobody and the other side sees the agent.
    pub caller_id: Option<CallerId>,
    pub account: Option<FieldValue>,
    pub variables: Vec<Variable>,
}

/// `"name" <number>`.
#[derive(Clone, Debug)]
pub struct CallerId {
    pub name: FieldValue,
    pub number: FieldValue,
}

/// A channel variable. A name that begins with `__` is inherited by the legs that follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    name: FieldValue,
    value: FieldValue,
}

impl Variable {
    /// Refuses names that are no plain variable, and commas, at which Asterisk would begin another variable.
    pub fn new(name: &str, value: &str) -> Result<Self, EncodeError> {
        let field = "Variable";
        if name.is_empty() {
            return Err(EncodeError::Empty { field });
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if let Some(character) = name.chars().find(|c| !is_name(*c)) {
            return Err(EncodeError::Reserved { field, character });
        }
        if value.contains(',') {
            return Err(EncodeError::Reserved {
                field,
                character: ',',
            });
        }
        let accept = |text| FieldValue::new(text).map_err(|why| EncodeError::Field { field, why });
        Ok(Self {
            name: accept(name)?,
            value: accept(value)?,
        })
    }
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

    fn originate(&mut self, originate: &Originate) -> Result<(), EncodeError> {
        refuse("Channel", originate.channel.as_str(), CHANNEL_RESERVED)?;
        refuse("Exten", originate.exten.as_str(), EXTEN_RESERVED)?;
        refuse("Context", originate.context.as_str(), EXTEN_RESERVED)?;
        self.required("Channel", originate.channel.as_str())?;
        self.required("ChannelId", originate.channel_id.as_str())?;
        self.required("Context", originate.context.as_str())?;
        self.required("Exten", originate.exten.as_str())?;
        self.header("Priority", &originate.priority.to_string())?;
        self.header("Timeout", &originate.timeout.as_millis().to_string())?;
        if let Some(CallerId { name, number }) = &originate.caller_id {
            refuse("CallerID", name.as_str(), CALLER_ID_RESERVED)?;
            refuse("CallerID", number.as_str(), CALLER_ID_RESERVED)?;
            self.header("CallerID", &format!("\"{name}\" <{number}>"))?;
        }
        if let Some(account) = &originate.account {
            self.header("Account", account.as_str())?;
        }
        for Variable { name, value } in &originate.variables {
            self.header("Variable", &format!("{name}={value}"))?;
        }
        self.header("Async", "true")
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

/// `&` dials several at once.
const CHANNEL_RESERVED: &[char] = &['&', ',', '|'];
/// With these an extension becomes another target: `500&PJSIP/itsp/1900`, `500@other`.
const EXTEN_RESERVED: &[char] = &['&', ',', '|', '@', '/'];
/// These end the quoted name or the number.
const CALLER_ID_RESERVED: &[char] = &['"', '<', '>', '\\'];

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

    fn originate() -> Originate {
        Originate {
            channel: value("PJSIP/101"),
            channel_id: Uniqueid::from("st-1"),
            exten: value("979161112233"),
            context: value("internal"),
            priority: 1,
            timeout: Duration::from_secs(30),
            caller_id: None,
            account: None,
            variables: Vec::new(),
        }
    }

    fn refused(originate: Originate) -> EncodeError {
        Action::Originate(originate).encode(ID).unwrap_err()
    }

    #[test]
    fn originate_is_asynchronous_and_names_its_channel() {
        let action = Action::Originate(Originate {
            caller_id: Some(CallerId {
                name: value("Анна"),
                number: value("102"),
            }),
            variables: vec![Variable::new("__CRM_ID", "deal-42").unwrap()],
            ..originate()
        });
        assert_eq!(
            String::from_utf8(action.encode(ID).unwrap().to_vec()).unwrap(),
            "Action: Originate\r\nActionID: 0000000000000001-2\r\nChannel: PJSIP/101\r\nChannelId: st-1\r\n\
             Context: internal\r\nExten: 979161112233\r\nPriority: 1\r\nTimeout: 30000\r\n\
             CallerID: \"Анна\" <102>\r\nVariable: __CRM_ID=deal-42\r\nAsync: true\r\n\r\n"
        );
    }

    #[test]
    fn line_of_1022_bytes_passes_and_1023_is_refused_by_its_field() {
        let account = |bytes: usize| Originate {
            account: Some(value(&"x".repeat(bytes - "Account: ".len()))),
            ..originate()
        };
        assert!(Action::Originate(account(1_022)).encode(ID).is_ok());
        assert_eq!(
            refused(account(1_023)),
            EncodeError::LineTooLong {
                field: "Account",
                length: 1_023
            }
        );
        assert!(refused(account(1_023)).to_string().contains("`Account`"));
    }

    #[test]
    fn more_than_128_headers_are_refused() {
        let with = |count| Originate {
            variables: vec![Variable::new("A", "b").unwrap(); count],
            ..originate()
        };
        let own = 9;
        assert!(Action::Originate(with(128 - own)).encode(ID).is_ok());
        assert_eq!(refused(with(129 - own)), EncodeError::TooManyHeaders);
    }

    #[test]
    fn nothing_can_be_injected_into_an_originate() {
        for exten in ["500&PJSIP/itsp/1900", "500@other", "500,1", "500|1", "a/b"] {
            let exten = value(exten);
            assert!(matches!(
                refused(Originate {
                    exten,
                    ..originate()
                }),
                EncodeError::Reserved { field: "Exten", .. }
            ));
        }
        let channel = value("PJSIP/101&PJSIP/itsp/1900");
        assert!(matches!(
            refused(Originate {
                channel,
                ..originate()
            }),
            EncodeError::Reserved {
                field: "Channel",
                ..
            }
        ));
        let channel_id = Uniqueid::from("x\r\nExten: 1900");
        assert!(matches!(
            refused(Originate {
                channel_id,
                ..originate()
            }),
            EncodeError::Field {
                field: "ChannelId",
                ..
            }
        ));
        let name = value("Bob\" <1900");
        let number = value("1");
        assert!(matches!(
            refused(Originate {
                caller_id: Some(CallerId { name, number }),
                ..originate()
            }),
            EncodeError::Reserved {
                field: "CallerID",
                ..
            }
        ));
        assert_eq!(
            refused(Originate {
                exten: value(" "),
                ..originate()
            }),
            EncodeError::Empty { field: "Exten" }
        );
    }

    #[test]
    fn variable_cannot_bring_another_one() {
        for (name, text) in [
            ("A", "1,B=2"),
            ("A,B", "1"),
            ("A=1", "2"),
            ("", "1"),
            ("A", "1\r\nAction: Logoff"),
            ("SHELL(x)", "1"),
        ] {
            assert!(Variable::new(name, text).is_err(), "{name}={text}");
        }
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
