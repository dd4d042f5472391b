//! One phone system of the configuration, in the engine's terms.

use crate::{config, hub::Person};
use engine::{Conference, Desk, DoNotDisturb, Handling, PhoneModel, Placing, Tls};
use phone_number::{DialPlan, InternalLength, Region};
use std::time::Duration;

/// What is the same for everybody at a phone system.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub name: String,
    pub pbx: engine::Pbx,
    pub dial_plan: DialPlan,
    pub missed_lines: Vec<String>,
    /// Where the PBX's own records are read from, for the health page.
    pub records: Option<String>,
    context: String,
    channel: String,
    placing: Placing,
    through: String,
    handling: Handling,
}

impl Site {
    /// # Errors
    /// A sentence that names what cannot be used.
    pub(crate) fn new(from: &config::Pbx) -> Result<Self, String> {
        let in_pbx = |words: String| format!("[[pbx]] {}: {words}", from.name);
        Ok(Self {
            name: from.name.clone(),
            pbx: engine::Pbx {
                host: from.host.trim().to_owned(),
                port: from.port,
                tls: tls(from).map_err(in_pbx)?,
                user: from.user.trim().to_owned(),
                secret: from.secret.secret(),
                charset: from.charset.clone(),
            },
            dial_plan: dial_plan(&from.dial_plan).map_err(in_pbx)?,
            missed_lines: from.handling.missed_lines.clone(),
            records: records(&from.records),
            context: from.context.trim().to_owned(),
            channel: from.channel.clone(),
            placing: placing(&from.placing).map_err(in_pbx)?,
            through: from.placing.through.clone(),
            handling: handling(&from.handling).map_err(in_pbx)?,
        })
    }

    /// The desk of somebody who has a phone here.
    pub(crate) fn desk(&self, person: &Person) -> Option<Desk> {
        let extension = person
            .extension
            .as_deref()
            .filter(|extension| !extension.is_empty())?;
        let fill = |text: &str| text.replace("{extension}", extension);
        let channel = person
            .channel
            .as_deref()
            .filter(|channel| !channel.is_empty());
        let handling = Handling {
            queue_interface: fill(&self.handling.queue_interface),
            queue_state_interface: fill(&self.handling.queue_state_interface),
            ..self.handling.clone()
        };
        Some(Desk {
            extension: extension.to_owned(),
            channel: channel.map_or_else(|| fill(&self.channel), str::to_owned),
            context: self.context.clone(),
            dial_plan: self.dial_plan.clone(),
            placing: Placing {
                through: fill(&self.through),
                ..self.placing.clone()
            },
            handling,
        })
    }

    /// A desk for the test of rights, at an extension of somebody; without one at nobody's.
    pub(crate) fn test_desk(&self, extension: Option<&str>) -> Desk {
        let extension = extension.unwrap_or(Self::NOBODY);
        Desk {
            extension: extension.to_owned(),
            channel: format!("PJSIP/{extension}"),
            context: self.context.clone(),
            dial_plan: self.dial_plan.clone(),
            placing: self.placing.clone(),
            handling: self.handling.clone(),
        }
    }

    /// An extension that no phone system has.
    pub(crate) const NOBODY: &'static str = "sidetone-check";
}

fn tls(from: &config::Pbx) -> Result<Tls, String> {
    Ok(match from.tls.as_str() {
        "off" => Tls::Off,
        "plain_allowed" => Tls::PlainAllowed,
        "system" => Tls::System,
        "ca" => Tls::Ca {
            file: from.ca_file.clone(),
        },
        "pin" => Tls::Pin {
            sha256: from.pin_sha256.clone(),
        },
        other => {
            let known = "off, plain_allowed, system, ca or pin";
            return Err(format!("tls = \"{other}\" is not one of {known}"));
        }
    })
}

fn dial_plan(from: &config::DialPlan) -> Result<DialPlan, String> {
    let country: Region = from
        .country
        .parse()
        .map_err(|_| format!("“{}” is no country code", from.country))?;
    Ok(DialPlan {
        area_code: from.area_code.clone(),
        outside_prefix: from.outside_prefix.clone(),
        international_prefix: from.international_prefix.clone(),
        national_prefix: from.national_prefix.clone(),
        internal_length: InternalLength {
            min: from.internal_min,
            max: from.internal_max,
        },
        send_as: from.send_as,
        rules: from.rules.clone(),
        ..DialPlan::new(country)
    })
}

fn placing(from: &config::Placing) -> Result<Placing, String> {
    let auto_answer = match from.auto_answer.trim() {
        "" | "off" => None,
        name => Some(
            PhoneModel::named(name)
                .ok_or_else(|| format!("auto_answer = \"{name}\" is no known phone"))?,
        ),
    };
    let is_digit = |c: char| c.is_ascii_digit() || c == '+';
    if !from.caller_id.chars().all(is_digit) {
        return Err("caller_id may have digits and a plus only".into());
    }
    let ring = Duration::from_secs(from.ring_seconds.into());
    if !Placing::RING.contains(&ring) {
        return Err("ring_seconds is 5 to 60".into());
    }
    if let Some(wrong) = from.variables.iter().find(|text| !text.contains('=')) {
        return Err(format!(
            "the variable “{wrong}” is not of the form NAME=value"
        ));
    }
    Ok(Placing {
        through: String::new(),
        show_callee: from.show_callee,
        caller_id: from.caller_id.clone(),
        auto_answer,
        account: from.account.clone(),
        early_media: from.early_media,
        ring,
        variables: from.variables.clone(),
    })
}

fn handling(from: &config::Handling) -> Result<Handling, String> {
    let do_not_disturb = match from.do_not_disturb.as_str() {
        "" | "off" => DoNotDisturb::Off,
        "device_state" => DoNotDisturb::DeviceState,
        "database" => DoNotDisturb::Database,
        "both" => DoNotDisturb::Both,
        other => {
            let known = "off, device_state, database or both";
            return Err(format!(
                "do_not_disturb = \"{other}\" is not one of {known}"
            ));
        }
    };
    let recordings = match from.recordings.as_str() {
        "" => Handling::default().recordings,
        folder => folder.to_owned(),
    };
    Ok(Handling {
        conference: (!from.conference.is_empty()).then(|| Conference {
            exten: from.conference.clone(),
            context: from.conference_context.clone(),
        }),
        parking_lot: from.parking_lot.clone(),
        queue_interface: from.queue_interface.clone(),
        queue_state_interface: from.queue_state_interface.clone(),
        do_not_disturb,
        recordings,
    })
}

fn records(from: &config::Records) -> Option<String> {
    if !from.csv.is_empty() {
        return Some(from.csv.clone());
    }
    (!from.url.is_empty()).then(|| "a database".to_owned())
}
