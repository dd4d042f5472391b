//! From a wish to call somebody to the Originate that does it.

use crate::{Desk, People, PhoneModel};
use ami::{CallerId, FieldValue, Originate, Uniqueid, Variable};
use phone_number::{Dialable, PhoneNumber};
use std::time::Duration;

/// How our calls are placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placing {
    /// A way to the phone through the dialplan, `Local/101@sidetone-phone/n`; empty: the phone itself.
    pub through: String,
    /// The phone shows whom we call while it rings; else nobody.
    pub show_callee: bool,
    /// The number that people outside see; empty: the one that the PBX has for the phone.
    pub caller_id: String,
    /// The phone picks up by itself, in the way of its model.
    pub auto_answer: Option<PhoneModel>,
    /// Account code of the call records; empty: the phone's own.
    pub account: String,
    /// Calls on as soon as the phone sends sound, picked up or not.
    pub early_media: bool,
    /// How long the phone rings.
    pub ring: Duration,
    /// `NAME=value`, for the dialplan.
    pub variables: Vec<String>,
}

impl Placing {
    /// The bounds of [`Placing::ring`].
    pub const RING: std::ops::RangeInclusive<Duration> =
        Duration::from_secs(5)..=Duration::from_secs(60);
}

impl Default for Placing {
    fn default() -> Self {
        Self {
            through: String::new(),
            show_callee: true,
            caller_id: String::new(),
            auto_answer: None,
            account: String::new(),
            early_media: false,
            ring: Duration::from_secs(40),
            variables: Vec::new(),
        }
    }
}

/// Bytes of a name that a phone is given to show; Asterisk 13 and 16 cut what they read at 79.
const LONGEST_NAME: usize = 79;

/// Writes the Originate of one call.
///
/// # Errors
/// A sentence for the person who dialled.
pub(crate) fn originate(
    desk: &Desk,
    target: &Dialable,
    number: Option<&PhoneNumber>,
    people: &People,
    channel_id: Uniqueid,
) -> Result<Originate, String> {
    let placing = &desk.placing;
    let channel = match placing.through.as_str() {
        "" => &desk.channel,
        through => through,
    };
    let connected_line = placing
        .show_callee
        .then(|| callee(target, number, people))
        .transpose()?;
    let is_outside = number.is_some_and(|number| number.e164().is_some());
    let caller_id = (is_outside && !placing.caller_id.is_empty())
        .then(|| caller(&placing.caller_id))
        .transpose()?;
    let account = (!placing.account.is_empty())
        .then(|| field("account", &placing.account))
        .transpose()?;
    Ok(Originate {
        channel: field("channel", channel)?,
        channel_id,
        exten: field("number", target.as_str())?,
        context: field("context", &desk.context)?,
        priority: 1,
        timeout: placing
            .ring
            .clamp(*Placing::RING.start(), *Placing::RING.end()),
        connected_line,
        caller_id,
        early_media: placing.early_media,
        account,
        variables: variables(placing, channel)?,
    })
}

fn field(name: &str, text: &str) -> Result<FieldValue, String> {
    FieldValue::new(text)
        .map_err(|why| format!("Not called: the setting “{name}” cannot be used: {why}."))
}

/// The number is the one that is dialled, so that the phone's own list of calls can dial it again.
fn callee(
    target: &Dialable,
    number: Option<&PhoneNumber>,
    people: &People,
) -> Result<CallerId, String> {
    let name = match people {
        People::One { person } => person.name.clone(),
        People::Asking | People::Nobody | People::Several { .. } => number
            .map(PhoneNumber::international)
            .filter(|shown| shown != target.as_str())
            .unwrap_or_default(),
    };
    let mut shown = String::new();
    for character in name.chars().filter(|c| !c.is_control()) {
        if shown.len() + character.len_utf8() > LONGEST_NAME {
            break;
        }
        shown.push(character);
    }
    Ok(CallerId {
        name: field("name", &shown)?,
        number: field("number", target.as_str())?,
    })
}

fn caller(number: &str) -> Result<CallerId, String> {
    Ok(CallerId {
        name: field("caller_id", "")?,
        number: field("caller_id", number)?,
    })
}

fn variables(placing: &Placing, channel: &str) -> Result<Vec<Variable>, String> {
    let refused =
        |name: &str, why| format!("Not called: the setting “{name}” cannot be used: {why}.");
    let mut variables = match placing.auto_answer {
        Some(model) => model
            .variables(channel)
            .map_err(|why| refused("auto_answer", why))?,
        None => Vec::new(),
    };
    for variable in &placing.variables {
        let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
        let variable =
            Variable::new(name.trim(), value).map_err(|why| refused("variables", why))?;
        variables.push(variable);
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Person;
    use ami::{Action, ActionId};
    use phone_number::{DialPlan, Region};

    fn desk(placing: Placing) -> Desk {
        Desk {
            extension: "101".into(),
            channel: "PJSIP/101".into(),
            context: "internal".into(),
            dial_plan: DialPlan::new(Region::RU),
            placing,
            handling: crate::Handling::default(),
        }
    }

    fn written(placing: Placing, target: &str, number: &str, people: &People) -> String {
        let desk = desk(placing);
        let number = desk.dial_plan.number(number).ok();
        let target = Dialable::new(target).unwrap();
        let originate = originate(
            &desk,
            &target,
            number.as_ref(),
            people,
            Uniqueid::from("st-1"),
        )
        .unwrap();
        let id = ActionId::parse("0000000000000001-1").unwrap();
        let bytes = Action::Originate(originate).encode(id).unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn has(text: &str, line: &str) -> bool {
        text.lines().any(|known| known == line)
    }

    fn ada(name: &str) -> People {
        let person = Person {
            name: name.into(),
            ..Person::default()
        };
        People::One { person }
    }

    #[test]
    fn the_phone_shows_the_name_and_the_number_that_is_dialled() {
        let text = written(
            Placing::default(),
            "979161112233",
            "+79161112233",
            &ada("Ada"),
        );
        assert!(has(&text, "Variable: CONNECTEDLINE(num,i)=979161112233"));
        assert!(has(&text, "Variable: CONNECTEDLINE(name,i)=Ada"), "{text}");
        let text = written(
            Placing::default(),
            "979161112233",
            "+79161112233",
            &People::Nobody,
        );
        assert!(has(
            &text,
            "Variable: CONNECTEDLINE(name,i)=+7 916 111-22-33"
        ));
        let text = written(Placing::default(), "102", "102", &People::Nobody);
        assert!(!text.contains("CONNECTEDLINE(name"), "{text}");
    }

    #[test]
    fn a_long_name_is_cut_between_letters() {
        let text = written(Placing::default(), "102", "102", &ada(&"Ж".repeat(80)));
        let shown = format!("Variable: CONNECTEDLINE(name,i)={}", "Ж".repeat(39));
        assert!(has(&text, &shown), "{text}");
    }

    #[test]
    fn the_firms_number_is_for_people_outside_only() {
        let placing = Placing {
            caller_id: "74951230000".into(),
            ..Placing::default()
        };
        let firm = "Variable: CALLERID(num)=74951230000";
        let outside = written(
            placing.clone(),
            "979161112233",
            "+79161112233",
            &People::Nobody,
        );
        assert!(has(&outside, firm));
        assert!(!has(&written(placing, "102", "102", &People::Nobody), firm));
    }

    #[test]
    fn the_customers_number_is_never_the_callers() {
        for through in ["", "Local/101@internal/n"] {
            let placing = Placing {
                through: through.into(),
                ..Placing::default()
            };
            let text = written(placing, "979161112233", "+79161112233", &ada("Ada"));
            assert!(
                !text.contains("CallerID:") && !text.contains("=CALLERID"),
                "{text}"
            );
            assert!(!text.contains("Variable: CALLERID("), "{text}");
        }
    }

    #[test]
    fn every_setting_finds_its_line() {
        let placing = Placing {
            through: "Local/101@sidetone-phone/n".into(),
            show_callee: false,
            caller_id: String::new(),
            auto_answer: PhoneModel::named("yealink"),
            account: "sales".into(),
            early_media: true,
            ring: Duration::from_secs(20),
            variables: vec!["__CRM_ID=deal, 42".into()],
        };
        let text = written(placing, "102", "102", &People::Nobody);
        for line in [
            "Channel: Local/101@sidetone-phone/n",
            "Timeout: 20000",
            "EarlyMedia: true",
            "Account: sales",
            "Variable: __SIDETONE_ALERT_INFO=<http://sidetone>;info=alert-autoanswer;delay=0",
            "Variable: __CRM_ID=deal\\, 42",
        ] {
            assert!(has(&text, line), "{line} is not in:\n{text}");
        }
        assert!(!text.contains("CONNECTEDLINE"));
    }

    #[test]
    fn a_variable_that_would_run_a_function_is_refused_with_its_setting() {
        let placing = Placing {
            variables: vec!["SHELL(id)=1".into()],
            ..Placing::default()
        };
        let target = Dialable::new("102").unwrap();
        let desk = desk(placing);
        let words = originate(&desk, &target, None, &People::Nobody, Uniqueid::from("1"));
        assert!(words.unwrap_err().contains("“variables”"));
    }
}
