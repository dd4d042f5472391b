//! From a text or a link to what is dialled, step by step.

use super::{
    Action, DialPlan, Kind, Question, Refusal, RefusalReason, Resolution, Rule, SendAs, Step,
    Target,
};
use crate::{
    CallLink, Dialable, PhoneContext, PhoneNumber, Tones, emergency::is_emergency, numbering, text,
    text::Written,
};

/// Longest part of a foreign text that is shown in a step.
const MAX_SHOWN: usize = 80;

pub(super) fn resolve(plan: &DialPlan, target: Target<'_>) -> Result<Resolution, Refusal> {
    let mut trail = Trail::default();
    let outcome = match target {
        Target::Text(text) if CallLink::looks_like(text) => {
            trail.step("read the link", &shown(text));
            CallLink::parse(text.trim_matches(char::is_whitespace))
                .map_err(RefusalReason::from)
                .and_then(|link| resolve_link(plan, &link, &mut trail))
        }
        Target::Text(text) => {
            trail.step("read", &shown(text));
            text::read(text)
                .map_err(RefusalReason::from)
                .and_then(|written| dial(plan, text, written, &mut trail))
        }
        Target::Link(link) => {
            trail.step("read the link", &shown(link.raw()));
            resolve_link(plan, link, &mut trail)
        }
    };
    match outcome {
        Ok(resolution) => Ok(Resolution {
            steps: trail.steps,
            ..resolution
        }),
        Err(reason) => Err(Refusal {
            reason,
            steps: trail.steps,
        }),
    }
}

fn resolve_link(
    plan: &DialPlan,
    link: &CallLink,
    trail: &mut Trail,
) -> Result<Resolution, RefusalReason> {
    match link.context() {
        Some(PhoneContext::Global(prefix)) => {
            trail.step(
                format!("the link's numbers start with {prefix}"),
                link.digits(),
            );
        }
        Some(PhoneContext::Domain(domain)) => {
            trail.step(format!("a number inside {}", shown(domain)), link.digits());
        }
        None => {}
    }
    dial(plan, link.raw(), link.written().clone(), trail)
}

fn dial(
    plan: &DialPlan,
    raw: &str,
    written: Written,
    trail: &mut Trail,
) -> Result<Resolution, RefusalReason> {
    trail.step("digits", &written.digits);
    let number = PhoneNumber::from_written(raw, written, plan.country, &plan.area_code);
    let (number, kind) = classify(plan, number, trail);
    let rule = plan.rule_for(&number).filter(|_| kind != Kind::Emergency);
    let (dial, kind) = apply(plan, &number, kind, rule, trail)?;
    let dial = Dialable::new(dial)?;
    let extension_to_send = number.extension().map(Tones::new).transpose()?;
    let question = question(plan, &number, kind, &dial);
    trail.step("dials", dial.as_str());
    if let Some(tones) = &extension_to_send {
        trail.step("then sends as tones", tones.as_str());
    }
    Ok(Resolution {
        dial,
        number,
        kind,
        question,
        extension_to_send,
        steps: Vec::new(),
    })
}

/// Says what a number is at this site. A number that was typed with the outside line's digits
/// comes back without them.
fn classify(plan: &DialPlan, number: PhoneNumber, trail: &mut Trail) -> (PhoneNumber, Kind) {
    let digits = number.digits();
    if digits.contains(['*', '#']) {
        trail.step("feature code", digits);
        return (number, Kind::FeatureCode);
    }
    let internal = plan.internal_length.contains(digits);
    if is_emergency(digits, plan.country, internal) || plan.is_emergency_outside(digits) {
        trail.step("emergency number, dialled as it is", digits);
        return (number, Kind::Emergency);
    }
    if internal {
        let (min, max) = (plan.internal_length.min, plan.internal_length.max);
        let length = if min == max {
            min.to_string()
        } else {
            format!("{min} to {max}")
        };
        trail.step(format!("internal number ({length} digits)"), digits);
        return (number, Kind::Internal);
    }
    let number = match plan.without_outside_prefix(&number) {
        Some(inner) => {
            trail.step(
                format!("written with the outside line “{}”", plan.outside_prefix),
                inner.digits(),
            );
            inner
        }
        None => number,
    };
    let Some(e164) = number.e164() else {
        trail.step(format!("no number of {}", plan.country), number.digits());
        return (number, Kind::Short);
    };
    if numbering::is_of(e164, plan.country) {
        trail.step(format!("number of {}", plan.country), e164);
        (number, Kind::National)
    } else {
        trail.step("number of another country", e164);
        (number, Kind::International)
    }
}

fn apply(
    plan: &DialPlan,
    number: &PhoneNumber,
    kind: Kind,
    rule: Option<&Rule>,
    trail: &mut Trail,
) -> Result<(String, Kind), RefusalReason> {
    let outside = matches!(kind, Kind::National | Kind::International | Kind::Short);
    let (send_as, prefix) = match rule.map(|rule| (&rule.prefix, &rule.action)) {
        Some((_, Action::Refuse { reason })) => return Err(RefusalReason::Rule(reason.clone())),
        Some((prefix, Action::Replace { with })) => {
            let rest = number.normal_form().strip_prefix(prefix.as_str());
            let dial = format!("{with}{}", rest.unwrap_or(number.digits()));
            trail.step(format!("rule {prefix}: “{with}” instead"), &dial);
            let internal = outside && plan.internal_length.contains(&dial);
            return Ok((dial, if internal { Kind::Internal } else { kind }));
        }
        Some((
            prefix,
            Action::Send {
                send_as,
                outside_prefix,
            },
        )) => {
            trail.step(format!("rule {prefix}"), number.normal_form());
            let own = outside_prefix.as_deref();
            (
                *send_as,
                own.unwrap_or(if outside { &plan.outside_prefix } else { "" }),
            )
        }
        None => (
            plan.send_as,
            if outside {
                plan.outside_prefix.as_str()
            } else {
                ""
            },
        ),
    };
    let form = match (kind, number.e164()) {
        (Kind::National | Kind::International, Some(e164)) => {
            let form = plan.form(number, e164, kind, send_as, !prefix.is_empty());
            trail.step(form.name, &form.digits);
            form.digits
        }
        _ => number.digits().to_owned(),
    };
    if prefix.is_empty() {
        return Ok((form, kind));
    }
    let dial = format!("{prefix}{}", form.trim_start_matches('+'));
    trail.step(format!("outside line “{prefix}”"), &dial);
    Ok((dial, kind))
}

fn question(
    plan: &DialPlan,
    number: &PhoneNumber,
    kind: Kind,
    dial: &Dialable,
) -> Option<Question> {
    match kind {
        Kind::FeatureCode => Some(Question::FeatureCode(dial.clone())),
        Kind::Internal | Kind::Emergency => None,
        Kind::Short | Kind::National | Kind::International if !number.is_valid() => {
            Some(Question::NotInPlan {
                number: number.international(),
                country: plan.country,
            })
        }
        Kind::Short | Kind::National | Kind::International => number
            .e164()
            .filter(|e164| numbering::is_premium_rate(e164))
            .map(|_| Question::PremiumRate {
                number: number.international(),
            }),
    }
}

/// A number in the form in which it is sent.
struct Form {
    name: &'static str,
    digits: String,
}

impl DialPlan {
    fn form(
        &self,
        number: &PhoneNumber,
        e164: &str,
        kind: Kind,
        send_as: SendAs,
        behind_prefix: bool,
    ) -> Form {
        let world = e164.trim_start_matches('+');
        let (name, digits) = match send_as {
            // A `+` is only understood at the very start.
            SendAs::E164 if behind_prefix => ("sent without +", world.to_owned()),
            SendAs::E164 => ("sent with +", e164.to_owned()),
            SendAs::E164Digits => ("sent without +", world.to_owned()),
            SendAs::National if self.shares_calling_code(e164) => {
                ("sent the national way", self.national(e164, kind))
            }
            SendAs::National => {
                let prefix = match self.international_prefix.as_str() {
                    "" => numbering::international_prefix(self.country),
                    own => own.to_owned(),
                };
                (
                    "sent with the international prefix",
                    format!("{prefix}{world}"),
                )
            }
            SendAs::AsDialled => ("sent as written", number.digits().to_owned()),
        };
        Form { name, digits }
    }

    /// Countries with one calling code reach each other the national way: North America, Russia
    /// and Kazakhstan, Italy and the Vatican.
    fn shares_calling_code(&self, e164: &str) -> bool {
        numbering::code_of(e164.trim_start_matches('+')) == Some(self.country.calling_code())
    }

    fn national(&self, e164: &str, kind: Kind) -> String {
        const NORTH_AMERICA: u16 = 1;
        let behind_code = numbering::without_code(e164).unwrap_or(e164);
        if !self.national_prefix.is_empty() {
            return format!("{}{behind_code}", self.national_prefix);
        }
        if kind == Kind::International && self.country.calling_code() == NORTH_AMERICA {
            return format!("1{behind_code}");
        }
        numbering::national(e164)
            .chars()
            .filter(char::is_ascii_digit)
            .collect()
    }

    /// The longest prefix that fits, of E.164 if it begins with `+`, else of the digits as written.
    fn rule_for(&self, number: &PhoneNumber) -> Option<&Rule> {
        let fits = |rule: &&Rule| {
            let form = if rule.prefix.starts_with('+') {
                number.normal_form()
            } else {
                number.digits()
            };
            form.starts_with(&rule.prefix)
        };
        self.rules
            .iter()
            .filter(fits)
            .max_by_key(|rule| rule.prefix.len())
    }

    fn is_emergency_outside(&self, digits: &str) -> bool {
        !self.outside_prefix.is_empty()
            && digits
                .strip_prefix(self.outside_prefix.as_str())
                .is_some_and(|rest| is_emergency(rest, self.country, true))
    }

    /// A number that is one only without the digits of the outside line.
    fn without_outside_prefix(&self, number: &PhoneNumber) -> Option<PhoneNumber> {
        if self.outside_prefix.is_empty() || number.e164().is_some() {
            return None;
        }
        let rest = number.digits().strip_prefix(self.outside_prefix.as_str())?;
        let written = Written {
            digits: rest.to_owned(),
            extension: number.extension().map(str::to_owned),
        };
        let inner = PhoneNumber::from_written(number.raw(), written, self.country, &self.area_code);
        inner.is_valid().then_some(inner)
    }
}

/// The steps so far. A step that changes nothing is still told: it says what the number is.
#[derive(Default)]
struct Trail {
    steps: Vec<Step>,
}

impl Trail {
    fn step(&mut self, what: impl Into<String>, result: &str) {
        self.steps.push(Step {
            what: what.into(),
            result: result.to_owned(),
        });
    }
}

/// A foreign text in a form that cannot hide or turn round what stands beside it.
fn shown(text: &str) -> String {
    let visible = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let mut text: String = text
        .trim()
        .chars()
        .filter(visible)
        .take(MAX_SHOWN + 1)
        .collect();
    if text.chars().count() > MAX_SHOWN {
        text.pop();
        text.push('…');
    }
    text
}
