//! Originate: a phone is rung, and when it is picked up Asterisk runs an extension for it.

use std::time::Duration;

use super::{Lines, refuse};
use crate::{EncodeError, FieldValue, Uniqueid};

/// Makes Asterisk call `channel`, and when it answers sends it to `exten` in `context`. Always asynchronous.
///
/// The header `CallerID` is never written: Asterisk sets it on the phone that rings first and on the caller of the call
/// that follows, so the other side would see its own number calling.
#[derive(Clone, Debug)]
pub struct Originate {
    /// The agent's phone, `PJSIP/101`, or a way to it, `Local/101@context/n`.
    pub channel: FieldValue,
    /// Becomes Uniqueid and Linkedid at once; the only way to know a failed Originate again.
    pub channel_id: Uniqueid,
    pub exten: FieldValue,
    pub context: FieldValue,
    pub priority: u32,
    /// How long the agent's phone rings.
    pub timeout: Duration,
    /// Whom the phone shows that rings first; without it nobody.
    pub connected_line: Option<CallerId>,
    /// Who calls, for the dialplan and the other side; without it whoever `channel` belongs to.
    pub caller_id: Option<CallerId>,
    /// Goes on to `exten` as soon as the phone sends sound, which may be before it is picked up.
    pub early_media: bool,
    pub account: Option<FieldValue>,
    pub variables: Vec<Variable>,
}

/// A name and a number; an empty one is left as Asterisk has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerId {
    pub name: FieldValue,
    pub number: FieldValue,
}

/// A channel variable, set before the phone rings. A name that begins with `__` is inherited by the legs that follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Written as it is: names are made of harmless characters only.
    name: String,
    value: FieldValue,
}

const FIELD: &str = "Variable";

impl Variable {
    /// Refuses names that are no plain variable: a function such as `SHELL(…)` would be run. The value may hold anything
    /// but control characters.
    pub fn new(name: &str, value: &str) -> Result<Self, EncodeError> {
        accept_name(name, |c| c.is_ascii_alphanumeric() || c == '_')?;
        Self::written(name.to_owned(), value)
    }

    /// Adds a SIP header to the request that makes a PJSIP phone ring. On a Local channel it is lost.
    pub fn sip_header(header: &str, value: &str) -> Result<Self, EncodeError> {
        accept_name(header, |c| c.is_ascii_alphanumeric() || c == '-')?;
        Self::written(format!("PJSIP_HEADER(add,{header})"), value)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn value(&self) -> &str {
        self.value.as_str()
    }

    fn written(name: String, value: &str) -> Result<Self, EncodeError> {
        let value =
            FieldValue::new(value).map_err(|why| EncodeError::Field { field: FIELD, why })?;
        Ok(Self { name, value })
    }
}

fn accept_name(name: &str, is_part: impl Fn(char) -> bool) -> Result<(), EncodeError> {
    if name.is_empty() {
        return Err(EncodeError::Empty { field: FIELD });
    }
    match name.chars().find(|c| !is_part(*c)) {
        Some(character) => Err(EncodeError::Reserved {
            field: FIELD,
            character,
        }),
        None => Ok(()),
    }
}

impl Lines {
    pub(super) fn originate(&mut self, originate: &Originate) -> Result<(), EncodeError> {
        refuse("Channel", originate.channel.as_str(), CHANNEL_RESERVED)?;
        refuse("Exten", originate.exten.as_str(), EXTEN_RESERVED)?;
        refuse("Context", originate.context.as_str(), EXTEN_RESERVED)?;
        self.required("Channel", originate.channel.as_str())?;
        self.required("ChannelId", originate.channel_id.as_str())?;
        self.required("Context", originate.context.as_str())?;
        self.required("Exten", originate.exten.as_str())?;
        self.header("Priority", &originate.priority.to_string())?;
        self.header("Timeout", &originate.timeout.as_millis().to_string())?;
        if originate.early_media {
            self.header("EarlyMedia", "true")?;
        }
        if let Some(account) = &originate.account {
            self.header("Account", account.as_str())?;
        }
        if let Some(party) = &originate.connected_line {
            // `i` keeps the change from being told to a phone that does not ring yet.
            self.party(party, "CONNECTEDLINE(num,i)", "CONNECTEDLINE(name,i)")?;
        }
        if let Some(party) = &originate.caller_id {
            self.party(party, "CALLERID(num)", "CALLERID(name)")?;
        }
        for Variable { name, value } in &originate.variables {
            self.variable(name, value)?;
        }
        self.header("Async", "true")
    }

    fn party(&mut self, party: &CallerId, number: &str, name: &str) -> Result<(), EncodeError> {
        for (variable, value) in [(number, &party.number), (name, &party.name)] {
            if !value.as_str().is_empty() {
                self.variable(variable, value)?;
            }
        }
        Ok(())
    }

    /// One for each header, since Asterisk begins another variable at a comma.
    fn variable(&mut self, name: &str, value: &FieldValue) -> Result<(), EncodeError> {
        self.header(FIELD, &format!("{name}={}", quoted(value.as_str())))
    }
}

/// Takes from a comma, a quote and a backslash the meaning that they have between variables.
fn quoted(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len());
    for character in value.chars() {
        if [',', '"', '\\'].contains(&character) {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

/// `&` dials several at once.
pub(super) const CHANNEL_RESERVED: &[char] = &['&', ',', '|'];
/// With these an extension becomes another target: `500&PJSIP/itsp/1900`, `500@other`.
pub(super) const EXTEN_RESERVED: &[char] = &['&', ',', '|', '@', '/'];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, ActionId};

    const ID: ActionId = ActionId {
        session: 1,
        sequence: 2,
    };

    fn value(text: &str) -> FieldValue {
        FieldValue::new(text).unwrap()
    }

    fn party(name: &str, number: &str) -> Option<CallerId> {
        Some(CallerId {
            name: value(name),
            number: value(number),
        })
    }

    fn originate() -> Originate {
        Originate {
            channel: value("PJSIP/101"),
            channel_id: Uniqueid::from("st-1"),
            exten: value("979161112233"),
            context: value("internal"),
            priority: 1,
            timeout: Duration::from_secs(30),
            connected_line: None,
            caller_id: None,
            early_media: false,
            account: None,
            variables: Vec::new(),
        }
    }

    fn written(originate: Originate) -> String {
        let bytes = Action::Originate(originate).encode(ID).unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn refused(originate: Originate) -> EncodeError {
        Action::Originate(originate).encode(ID).unwrap_err()
    }

    #[test]
    fn it_is_asynchronous_and_names_its_channel() {
        let full = Originate {
            connected_line: party("Анна", "102"),
            caller_id: party("", "74951230000"),
            early_media: true,
            account: Some(value("sales")),
            variables: vec![
                Variable::new("__CRM_ID", "deal-42").unwrap(),
                Variable::sip_header("Call-Info", "<sip:x>;answer-after=0").unwrap(),
            ],
            ..originate()
        };
        assert_eq!(
            written(full),
            "Action: Originate\r\nActionID: 0000000000000001-2\r\nChannel: PJSIP/101\r\nChannelId: st-1\r\n\
             Context: internal\r\nExten: 979161112233\r\nPriority: 1\r\nTimeout: 30000\r\nEarlyMedia: true\r\n\
             Account: sales\r\nVariable: CONNECTEDLINE(num,i)=102\r\nVariable: CONNECTEDLINE(name,i)=Анна\r\n\
             Variable: CALLERID(num)=74951230000\r\nVariable: __CRM_ID=deal-42\r\n\
             Variable: PJSIP_HEADER(add,Call-Info)=<sip:x>;answer-after=0\r\nAsync: true\r\n\r\n"
        );
    }

    #[test]
    fn a_caller_id_never_goes_where_both_sides_would_see_it() {
        let both = Originate {
            connected_line: party("Ada", "1"),
            caller_id: party("Firm", "2"),
            ..originate()
        };
        assert!(!written(both).contains("\r\nCallerID:"));
    }

    #[test]
    fn commas_quotes_and_backslashes_of_a_value_are_quoted() {
        let variables = vec![Variable::new("A", r#"Rook "B", \Ltd"#).unwrap()];
        let text = written(Originate {
            variables,
            ..originate()
        });
        assert!(
            text.contains("\r\nVariable: A=Rook \\\"B\\\"\\, \\\\Ltd\r\n"),
            "{text}"
        );
    }

    #[test]
    fn variable_names_cannot_bring_another_one_or_run_a_function() {
        for (name, text) in [
            ("A,B", "1"),
            ("A=1", "2"),
            ("", "1"),
            ("A", "1\r\nAction: Logoff"),
            ("SHELL(x)", "1"),
        ] {
            assert!(Variable::new(name, text).is_err(), "{name}={text}");
        }
        for header in ["X-A)=1,SHELL(x", "A B", "", "A:"] {
            assert!(Variable::sip_header(header, "1").is_err(), "{header}");
        }
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
    fn nothing_can_be_injected() {
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
        assert_eq!(
            refused(Originate {
                exten: value(" "),
                ..originate()
            }),
            EncodeError::Empty { field: "Exten" }
        );
    }
}
