//! Makes a phone pick up by itself: which SIP header which phone obeys, and how it reaches the phone.
//!
//! Every phone obeys only if its own settings allow it. Where the headers come from, and which of them a phone was seen
//! to obey, stands in `docs/dialplan.md`.

use ami::{EncodeError, Variable};

/// A make or model of phone, by what makes it pick up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhoneModel {
    /// As it stands in the settings.
    pub name: &'static str,
    /// As a person reads it.
    pub label: &'static str,
    call_info: Option<&'static str>,
    alert_info: Option<&'static str>,
}

/// BroadWorks' way, which most phones know.
const ANSWER_AFTER: &str = "<sip:sidetone>;answer-after=0";
/// Aastra's way, which Snom and Yealink took over.
const ALERT_AUTOANSWER: &str = "<http://sidetone>;info=alert-autoanswer;delay=0";

const fn call_info(name: &'static str, label: &'static str, value: &'static str) -> PhoneModel {
    PhoneModel {
        name,
        label,
        call_info: Some(value),
        alert_info: None,
    }
}

const fn alert_info(name: &'static str, label: &'static str, value: &'static str) -> PhoneModel {
    PhoneModel {
        name,
        label,
        call_info: None,
        alert_info: Some(value),
    }
}

const fn both(name: &'static str, label: &'static str) -> PhoneModel {
    PhoneModel {
        name,
        label,
        call_info: Some(ANSWER_AFTER),
        alert_info: Some("Ring Answer"),
    }
}

const MODELS: &[PhoneModel] = &[
    both("other", "Another phone"),
    alert_info("aastra", "Aastra", ALERT_AUTOANSWER),
    call_info("audiocodes", "AudioCodes", ANSWER_AFTER),
    call_info("cisco_spa", "Cisco SPA, Linksys", ANSWER_AFTER),
    alert_info("digium", "Digium", "ring-answer"),
    both("fanvil", "Fanvil"),
    call_info("gigaset", "Gigaset", "<sip:127.0.0.1>;answer-after=0"),
    call_info("grandstream", "Grandstream", ANSWER_AFTER),
    both("htek", "Htek"),
    call_info("linphone", "Linphone", ANSWER_AFTER),
    call_info("microsip", "MicroSIP", ANSWER_AFTER),
    call_info("mitel", "Mitel", "<sip:broadworks.net>;answer-after=0"),
    alert_info("panasonic", "Panasonic", "Intercom"),
    alert_info("polycom", "Poly, Polycom", "info=Auto Answer"),
    alert_info("sangoma_p", "Sangoma P", "ring-answer"),
    alert_info(
        "sangoma_s",
        "Sangoma S",
        "<http://www.sangoma.com>;info=external",
    ),
    alert_info("sangoma_softphone", "Sangoma softphone", "Direct-Intercom"),
    alert_info("snom", "Snom", ALERT_AUTOANSWER),
    alert_info(
        "unify",
        "Unify OpenStage",
        "<http://sidetone>;info=alert-autoanswer",
    ),
    alert_info("yealink", "Yealink", ALERT_AUTOANSWER),
    call_info("zoiper", "Zoiper (paid)", ANSWER_AFTER),
];

impl PhoneModel {
    /// Every model, by its label; the first stands for all that are not named.
    pub fn all() -> impl Iterator<Item = Self> {
        MODELS.iter().copied()
    }

    /// The model that is called so in the settings.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|model| model.name == name)
    }

    fn headers(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let of = |header, value: Option<&'static str>| value.map(|value| (header, value));
        [
            of("Call-Info", self.call_info),
            of("Alert-Info", self.alert_info),
        ]
        .into_iter()
        .flatten()
    }

    /// What carries the headers to the phone when Asterisk rings `channel`.
    ///
    /// A Local channel has no SIP of its own: the dialplan behind it finds them in variables that it inherits. Other
    /// technologies know no such headers.
    pub(crate) fn variables(self, channel: &str) -> Result<Vec<Variable>, EncodeError> {
        let technology = channel.split('/').next().unwrap_or_default();
        self.headers()
            .enumerate()
            .filter_map(|(at, (header, value))| match technology {
                "PJSIP" => Some(Variable::sip_header(header, value)),
                "SIP" => {
                    let name = format!("SIPADDHEADER{:02}", at + 1);
                    Some(Variable::new(&name, &format!("{header}: {value}")))
                }
                "Local" => {
                    let name = format!("__SIDETONE_{}", header.replace('-', "_").to_uppercase());
                    Some(Variable::new(&name, value))
                }
                _ => None,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(model: &str, channel: &str) -> Vec<Variable> {
        let model = PhoneModel::named(model).unwrap();
        model.variables(channel).unwrap()
    }

    fn set(name: &str, value: &str) -> Variable {
        Variable::new(name, value).unwrap()
    }

    #[test]
    fn each_technology_carries_the_header_in_its_own_way() {
        assert_eq!(
            variables("snom", "PJSIP/101"),
            [Variable::sip_header("Alert-Info", ALERT_AUTOANSWER).unwrap()]
        );
        assert_eq!(
            variables("other", "SIP/101"),
            [
                set("SIPADDHEADER01", &format!("Call-Info: {ANSWER_AFTER}")),
                set("SIPADDHEADER02", "Alert-Info: Ring Answer"),
            ]
        );
        assert_eq!(
            variables("panasonic", "Local/101@sidetone-phone/n"),
            [set("__SIDETONE_ALERT_INFO", "Intercom")]
        );
        assert_eq!(variables("yealink", "IAX2/101"), []);
    }

    #[test]
    fn every_model_has_a_header_that_can_be_written_and_a_line_in_the_documentation() {
        let page = include_str!("../../../docs/dialplan.md");
        for model in PhoneModel::all() {
            let headers: Vec<_> = model
                .headers()
                .map(|(header, value)| format!("`{header}: {value}`"))
                .collect();
            assert!(!headers.is_empty(), "{}", model.name);
            assert!(model.variables("PJSIP/101").is_ok(), "{}", model.name);
            let row = format!(
                "| `{}` | {} | {} |",
                model.name,
                model.label,
                headers.join(", ")
            );
            assert!(page.contains(&row), "docs/dialplan.md lacks: {row}");
        }
    }

    #[test]
    fn names_are_unique_and_in_order() {
        let names: Vec<_> = PhoneModel::all().skip(1).map(|model| model.name).collect();
        assert!(names.is_sorted_by(|one, next| one < next), "{names:?}");
    }
}
