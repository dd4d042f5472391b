//! From the settings to a dial plan and an engine configuration; from a text to what it would dial.

use phone_number::{CallLink, Dialable, InternalLength, Region, Resolution, Target, Tones};
use secrecy::SecretString;
use std::time::Duration;
use view::{CountryOption, Explanation, Kind, People, PhoneOption, SendAs, Settings, Tls, WhyStep};

/// What a text would dial.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) explanation: Explanation,
    pub(crate) target: Option<Wanted>,
}

/// A target that may be dialled, and the number as a contact book knows it.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) dial: Dialable,
    pub(crate) display: String,
    pub(crate) number: String,
    /// Pressed when the other side has answered.
    pub(crate) tones: Option<Tones>,
    pub(crate) question: Option<String>,
}

/// The site's dial plan as the settings say it.
#[must_use]
pub fn dial_plan(settings: &Settings) -> phone_number::DialPlan {
    let plan = &settings.dial_plan;
    let country = plan.country.parse().unwrap_or(Region::GB);
    let send_as = match plan.send_as {
        SendAs::E164 => phone_number::SendAs::E164,
        SendAs::E164Digits => phone_number::SendAs::E164Digits,
        SendAs::National => phone_number::SendAs::National,
    };
    phone_number::DialPlan {
        outside_prefix: plan.outside_prefix.clone(),
        international_prefix: plan.international_prefix.clone(),
        internal_length: InternalLength {
            min: plan.internal_min,
            max: plan.internal_max,
        },
        send_as,
        ..phone_number::DialPlan::new(country)
    }
}

/// Every country to choose from.
pub(crate) fn countries() -> Vec<CountryOption> {
    Region::all()
        .into_iter()
        .map(|country| CountryOption {
            code: country.to_string(),
            calling_code: format!("+{}", country.calling_code()),
        })
        .collect()
}

/// Every phone that can pick up by itself.
pub(crate) fn phones() -> Vec<PhoneOption> {
    engine::PhoneModel::all()
        .map(|model| PhoneOption {
            name: model.name.into(),
            label: model.label.into(),
        })
        .collect()
}

/// What would this text or link dial, and why? People are looked up by the caller.
#[must_use]
pub fn explain(settings: &Settings, text: &str) -> Explanation {
    plan(&dial_plan(settings), text).explanation
}

pub(crate) fn plan(plan: &phone_number::DialPlan, text: &str) -> Plan {
    let resolved = if CallLink::looks_like(text) {
        match CallLink::parse(text) {
            Ok(link) => plan.resolve(Target::Link(&link)),
            Err(error) => return refused(&error.to_string(), Vec::new()),
        }
    } else {
        plan.resolve(Target::Text(text))
    };
    match resolved {
        Ok(resolution) => dials(resolution),
        Err(refusal) => refused(&refusal.reason.to_string(), refusal.steps),
    }
}

fn dials(resolution: Resolution) -> Plan {
    let display = resolution.number.international();
    let question = resolution.question.as_ref().map(ToString::to_string);
    let explanation = Explanation::Dials {
        kind: kind(resolution.kind),
        display: display.clone(),
        dials: resolution.dial.to_string(),
        steps: steps(resolution.steps),
        question: question.clone(),
        people: People::Asking,
    };
    let number = resolution
        .number
        .e164()
        .unwrap_or(resolution.number.digits())
        .to_owned();
    Plan {
        explanation,
        target: Some(Wanted {
            dial: resolution.dial,
            display,
            number,
            tones: resolution.extension_to_send,
            question,
        }),
    }
}

fn refused(reason: &str, steps_so_far: Vec<phone_number::Step>) -> Plan {
    let mut words = format!("Not called: {reason}");
    if !words.ends_with('.') {
        words.push('.');
    }
    Plan {
        explanation: Explanation::Refused {
            words,
            steps: steps(steps_so_far),
        },
        target: None,
    }
}

fn steps(steps: Vec<phone_number::Step>) -> Vec<WhyStep> {
    steps
        .into_iter()
        .map(|step| WhyStep {
            what: step.what,
            result: step.result,
        })
        .collect()
}

fn kind(from: phone_number::Kind) -> Kind {
    match from {
        phone_number::Kind::Internal => Kind::Internal,
        phone_number::Kind::National => Kind::National,
        phone_number::Kind::International => Kind::International,
        phone_number::Kind::Emergency => Kind::Emergency,
        phone_number::Kind::FeatureCode => Kind::FeatureCode,
        phone_number::Kind::Short => Kind::Short,
    }
}

/// What the engine needs to connect.
///
/// # Errors
/// A sentence that names what is missing.
pub fn engine_config(
    settings: &Settings,
    secret: Option<&SecretString>,
) -> Result<engine::Config, String> {
    let missing = [
        (&settings.pbx_host, "the address of the phone system"),
        (&settings.user, "the AMI user"),
        (&settings.extension, "your extension"),
        (&settings.context, "the dialplan context"),
    ];
    if let Some((_, what)) = missing
        .into_iter()
        .find(|(value, _)| value.trim().is_empty())
    {
        return Err(format!("Settings: {what} is missing."));
    }
    if settings.dial_plan.country.parse::<Region>().is_err() {
        return Err(format!(
            "Settings: “{}” is not a country code such as GB or DE.",
            settings.dial_plan.country
        ));
    }
    let Some(secret) = secret else {
        return Err(format!(
            "Settings: the secret of the AMI user “{}” is missing.",
            settings.user
        ));
    };
    let extension = settings.extension.trim().to_owned();
    let channel = match settings.channel.trim() {
        "" => format!("PJSIP/{extension}"),
        channel => channel.to_owned(),
    };
    let pbx = engine::Pbx {
        host: settings.pbx_host.trim().to_owned(),
        port: settings.pbx_port,
        tls: tls(&settings.tls),
        user: settings.user.trim().to_owned(),
        secret: secret.clone(),
        charset: settings.charset.clone(),
    };
    let context = settings.context.trim().to_owned();
    let placing = placing(&settings.placing)?;
    let desk = engine::Desk {
        extension,
        channel,
        context,
        dial_plan: dial_plan(settings),
        placing,
        handling: engine::Handling::default(),
    };
    Ok(engine::Config { pbx, desk })
}

fn placing(from: &view::Placing) -> Result<engine::Placing, String> {
    let auto_answer = match from.auto_answer.trim() {
        "" | "off" => None,
        name => Some(engine::PhoneModel::named(name).ok_or_else(|| {
            format!("Settings: “{name}” is no phone that Sidetone knows how to make pick up.")
        })?),
    };
    let caller_id = from.caller_id.trim();
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'+');
    if !is_number(caller_id) {
        return Err(format!(
            "Settings: the caller ID “{caller_id}” may have digits and a plus only."
        ));
    }
    let ring = Duration::from_secs(from.ring_seconds.into());
    if !engine::Placing::RING.contains(&ring) {
        return Err("Settings: your phone can ring for 5 to 60 seconds.".into());
    }
    if let Some(wrong) = from.variables.iter().find(|text| !text.contains('=')) {
        return Err(format!(
            "Settings: the variable “{wrong}” is not of the form NAME=value."
        ));
    }
    Ok(engine::Placing {
        through: from.through.trim().to_owned(),
        show_callee: from.show_callee,
        caller_id: caller_id.to_owned(),
        auto_answer,
        account: from.account.trim().to_owned(),
        early_media: from.early_media,
        ring,
        variables: from.variables.clone(),
    })
}

fn tls(from: &Tls) -> engine::Tls {
    match from {
        Tls::Off => engine::Tls::Off,
        Tls::PlainAllowed => engine::Tls::PlainAllowed,
        Tls::System => engine::Tls::System,
        Tls::Ca { file } => engine::Tls::Ca { file: file.clone() },
        Tls::Pin { sha256 } => engine::Tls::Pin {
            sha256: sha256.clone(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(placing: view::Placing) -> Result<engine::Config, String> {
        let settings = Settings {
            pbx_host: "pbx.example".into(),
            user: "sidetone".into(),
            extension: "101".into(),
            placing,
            ..Settings::default()
        };
        engine_config(&settings, Some(&SecretString::from("secret")))
    }

    #[test]
    fn the_defaults_of_the_settings_are_those_of_the_engine() {
        let placing = config(view::Placing::default()).unwrap().desk.placing;
        assert_eq!(placing, engine::Placing::default());
    }

    #[test]
    fn what_cannot_be_placed_is_said_before_anybody_is_called() {
        let wrong = |change: fn(&mut view::Placing)| {
            let mut placing = view::Placing::default();
            change(&mut placing);
            config(placing).unwrap_err()
        };
        for (words, said) in [
            (
                "no phone",
                wrong(|placing| placing.auto_answer = "toaster".into()),
            ),
            (
                "digits",
                wrong(|placing| placing.caller_id = "\"Firm\" <1>".into()),
            ),
            ("5 to 60", wrong(|placing| placing.ring_seconds = 90)),
            (
                "NAME=value",
                wrong(|placing| placing.variables = vec!["CRM".into()]),
            ),
        ] {
            assert!(
                said.starts_with("Settings: ") && said.contains(words),
                "{said}"
            );
        }
    }

    #[test]
    fn a_model_is_found_by_its_name() {
        let placing = view::Placing {
            auto_answer: "yealink".into(),
            ..view::Placing::default()
        };
        let model = config(placing).unwrap().desk.placing.auto_answer;
        assert_eq!(model.map(|model| model.label), Some("Yealink"));
    }
}
