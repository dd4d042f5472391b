//! From a text or a link to what is dialled, step by step.

use super::{DialPlan, Kind, Question, Refusal, RefusalReason, Resolution, SendAs, Step, Target};
use crate::{CallLink, Dialable, PhoneNumber, Tones, emergency::is_emergency, text};

pub(super) fn resolve(plan: &DialPlan, target: Target<'_>) -> Result<Resolution, Refusal> {
    let mut steps = Vec::new();
    inner(plan, target, &mut steps).map_err(|reason| Refusal { reason, steps })
}

fn inner(
    plan: &DialPlan,
    target: Target<'_>,
    steps: &mut Vec<Step>,
) -> Result<Resolution, RefusalReason> {
    let raw = match target {
        Target::Text(text) if CallLink::looks_like(text) => {
            return inner(plan, Target::Link(&CallLink::parse(text)?), steps);
        }
        Target::Text(text) => text.trim(),
        Target::Link(link) => link.raw(),
    };
    let written = match target {
        Target::Text(text) => text::read(text)?,
        Target::Link(link) => link.written().clone(),
    };
    steps.push(Step {
        what: format!("read “{raw}”"),
        result: written.digits.clone(),
    });
    let number = PhoneNumber::from_written(raw, written, plan.country, &plan.area_code);
    let digits = number.digits().to_owned();
    let kind = if digits.contains(['*', '#']) {
        Kind::FeatureCode
    } else if is_emergency(&digits, plan.country) {
        Kind::Emergency
    } else if plan.internal_length.contains(&digits) {
        Kind::Internal
    } else if let Some(e164) = number.e164() {
        if e164.starts_with(&format!("+{}", plan.country.calling_code())) {
            Kind::National
        } else {
            Kind::International
        }
    } else {
        Kind::Short
    };
    let dial = match kind {
        Kind::National | Kind::International => {
            let e164 = number.normal_form();
            let body = match plan.send_as {
                SendAs::E164 => e164.to_owned(),
                SendAs::E164Digits | SendAs::National => e164.trim_start_matches('+').to_owned(),
                SendAs::AsDialled => digits.clone(),
            };
            Dialable::new(format!("{}{body}", plan.outside_prefix))?
        }
        Kind::Internal | Kind::Emergency | Kind::FeatureCode | Kind::Short => {
            Dialable::new(digits)?
        }
    };
    let question = match kind {
        Kind::FeatureCode => Some(Question::FeatureCode(dial.clone())),
        Kind::Short => Some(Question::NotInPlan {
            number: number.digits().to_owned(),
            country: plan.country,
        }),
        Kind::National | Kind::International | Kind::Internal | Kind::Emergency => None,
    };
    let extension_to_send = number.extension().map(Tones::new).transpose()?;
    steps.push(Step {
        what: "dials".into(),
        result: dial.to_string(),
    });
    Ok(Resolution {
        dial,
        number,
        kind,
        question,
        extension_to_send,
        steps: std::mem::take(steps),
    })
}
