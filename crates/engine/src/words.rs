//! Sentences for the person who dialled, and what the errors of Asterisk mean.

use crate::{
    Desk, End,
    dials::{Dial, StandIn},
};
use ami::Refusal;
use phone_number::{Dialable, PhoneNumber};

/// How an outgoing call ended. `you` is always the person at our phone, who placed it; `user` that of the AMI.
pub(crate) fn dial_end(end: &calls::End, dial: &Dial, desk: &Desk, user: &str) -> (End, String) {
    let target = &dial.target;
    let display = dial
        .number
        .as_ref()
        .map_or_else(|| target.to_string(), PhoneNumber::international);
    let extension = &desk.extension;
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
        calls::End::Refused(why) => (End::Refused, refused(why, target, desk, user)),
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
pub(crate) fn taken_by(stand_in: StandIn, desk: &Desk) -> String {
    let Desk { extension, .. } = desk;
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

pub(crate) const OTHER_SETTINGS: &str = "The settings were changed meanwhile.";
pub(crate) const OTHER_SETTINGS_DIAL: &str = "The settings were changed meanwhile; it is not known what became of the call. It is not dialled again.";

/// The PBX took the Originate and then was silent, although the line stood.
pub(crate) fn nothing_heard(user: &str) -> String {
    format!(
        "It is not known what became of the call: the phone system told nothing of it. Check that the AMI user “{user}” has “call” in the line read= in manager.conf."
    )
}

/// What Asterisk answers to an Originate, made useful.
fn refused(why: &str, target: &Dialable, desk: &Desk, user: &str) -> String {
    let Desk { context, .. } = desk;
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

pub(crate) const NO_CONFERENCE: &str =
    "No conference room is set up: name its extension and context in the settings.";
pub(crate) const NO_DO_NOT_DISTURB: &str =
    "The settings do not say how this phone system knows of do-not-disturb.";
pub(crate) const NO_HOLD: &str = "Asterisk’s manager interface cannot put a phone on hold: press Hold on the phone, or park the call.";
pub(crate) const ORDER_UNKNOWN: &str = "The phone system did not say whether it was done; see what the phones do. It is not asked again.";
pub(crate) const NOTHING_CAME_OF_ATXFER: &str = "Asterisk took the request, but nothing came of it: an attended transfer needs `atxfer` in features.conf, and the option `t` or `T` in the Dial of this call. Without them call the target as a second call, and join the two.";
pub(crate) const CALL_IS_OVER: &str = "There is no such call any more.";
const NO_ATXFER: &str = "An attended transfer needs `atxfer` in features.conf, and the option `t` or `T` in the Dial of this call. Without them call the target as a second call, and join the two.";

/// What Asterisk answers to an order, made useful.
pub(crate) fn order_refused(action: &str, why: &Refusal<'_>, desk: &Desk, user: &str) -> String {
    match why {
        Refusal::PermissionDenied => match ami::write_classes(action).first() {
            Some(class) => sentence(&no_right(user, class.as_str())),
            None => format!("The phone system does not allow {action} to the AMI user “{user}”."),
        },
        Refusal::NoSuchChannel => "The call has just ended or gone elsewhere.".into(),
        Refusal::NoSuchExtension => format!(
            "That cannot be dialled in the context “{}” of the phone system.",
            desk.context
        ),
        Refusal::UnknownAction => format!("This phone system does not have the action {action}."),
        Refusal::Other(words) if action == "Atxfer" && words.contains("feature") => {
            NO_ATXFER.into()
        }
        why @ (Refusal::OriginateForbidden | Refusal::Other(_)) => format!(
            "The phone system says “{}”.",
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
