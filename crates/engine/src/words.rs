//! Sentences for the person who dialled, and what the errors of Asterisk mean.

use crate::{
    Config, End,
    dials::{Dial, StandIn},
};
use ami::Refusal;
use phone_number::{Dialable, PhoneNumber};

/// How an outgoing call ended. `you` is always the person at our phone, who placed it.
pub(crate) fn dial_end(end: &calls::End, dial: &Dial, config: &Config) -> (End, String) {
    let target = &dial.target;
    let display = dial
        .number
        .as_ref()
        .map_or_else(|| target.to_string(), PhoneNumber::international);
    let extension = &config.extension;
    match end {
        calls::End::ByThem => (End::ByThem, "They hung up.".into()),
        calls::End::ByYou => (End::ByYou, "You hung up.".into()),
        calls::End::ByPbx => (End::ByThem, "The phone system ended the call.".into()),
        calls::End::Busy => (End::Busy, "Busy.".into()),
        calls::End::NoAnswer => (End::NoAnswer, "No answer.".into()),
        calls::End::YourPhoneOffline => (
            End::YourPhoneOffline,
            format!(
                "Not called: your phone {extension} is offline. Check that it is switched on and registered, then try again."
            ),
        ),
        calls::End::YouDidNotPickUp => (
            End::YouDidNotPickUp,
            format!("Not called: your phone {extension} rang and nobody picked up."),
        ),
        calls::End::YouRejected => (
            End::YouRejected,
            format!("Not called: your phone {extension} refused the call."),
        ),
        calls::End::Cancelled => (End::Cancelled, "Cancelled.".into()),
        calls::End::NoSuchNumber => (
            End::NoSuchNumber,
            format!("{display} does not exist or cannot be reached."),
        ),
        calls::End::Refused(why) => (End::Refused, refused(why, target, config)),
        calls::End::Failed { cause } => {
            (End::Failed, format!("The call failed: {}.", cause.words()))
        }
        calls::End::JoinedTo(_) => (End::ByYou, "Joined with another call.".into()),
        calls::End::Voicemail { .. } => (End::ByThem, "The voicemail took the call.".into()),
        calls::End::Transferred => (End::ByYou, "You passed the call on.".into()),
        calls::End::Disconnected => (End::Unknown, unknown_outcome().into()),
    }
}

/// The PBX has something that answers in place of the phone.
pub(crate) fn taken_by(stand_in: StandIn, config: &Config) -> String {
    let Config { extension, .. } = config;
    match stand_in {
        StandIn::Nobody => format!(
            "Not called: your phone {extension} was not picked up, and voicemail or an announcement answered in its place."
        ),
        StandIn::OtherPhone => format!(
            "Your phone {extension} was not picked up; the phone to which it is forwarded took the call."
        ),
    }
}

pub(crate) fn unknown_outcome() -> &'static str {
    "The line to the phone system was lost; it is not known what became of the call. It is not dialled again."
}

/// The PBX took the Originate and then was silent, although the line stood.
pub(crate) fn nothing_heard(config: &Config) -> String {
    let user = &config.pbx.user;
    format!(
        "It is not known what became of the call: the phone system told nothing of it. Check that the AMI user “{user}” has “call” in the line read= in manager.conf."
    )
}

/// What Asterisk answers to an Originate, made useful.
fn refused(why: &str, target: &Dialable, config: &Config) -> String {
    let Config { context, .. } = config;
    let user = &config.pbx.user;
    match Refusal::new(why) {
        Refusal::PermissionDenied => format!("Not called: {}", no_right(user, "originate")),
        Refusal::NoSuchExtension => format!(
            "Not called: {target} cannot be dialled in the context “{context}” of the phone system."
        ),
        Refusal::OriginateForbidden => {
            format!("Not called: the phone system forbids this call to the AMI user “{user}”.")
        }
        why @ (Refusal::NoSuchChannel | Refusal::UnknownAction | Refusal::Other(_)) => format!(
            "Not called: the phone system says “{}”.",
            why.words().trim_end_matches('.')
        ),
    }
}

/// A write class that is missing.
pub(crate) fn no_right(user: &str, class: &str) -> String {
    format!(
        "the AMI user “{user}” lacks the right “{class}”; add it to the line write= of this user in manager.conf."
    )
}

/// An error's text as a sentence.
pub(crate) fn sentence(error: &str) -> String {
    let mut letters = error.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string())
        .unwrap_or_default();
    let end = if error.ends_with(['.', '?', '!']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{end}", letters.as_str())
}
