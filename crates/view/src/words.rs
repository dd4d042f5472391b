//! Words for states, in one place, so that tray, windows and command line say the same.

use crate::{DialEnd, DialStep, Me};

impl DialStep {
    /// A short phrase; `extension` is the own one.
    #[must_use]
    pub fn words(&self, extension: &str) -> String {
        match self {
            Self::Queued => "asking the PBX".into(),
            Self::RingingYourPhone => format!("ringing your phone {extension}"),
            Self::YouPickedUp => "you picked up".into(),
            Self::Calling => "calling".into(),
            Self::RingingThere => "ringing there".into(),
            Self::Answered => "answered".into(),
            Self::Ended { words, .. } => words.clone(),
        }
    }

    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Ended { .. })
    }
}

impl DialEnd {
    /// The usual sentence; the agent adds what the PBX said where it said more.
    #[must_use]
    pub fn words(self, extension: &str) -> String {
        match self {
            Self::ByThem => "They hung up.".into(),
            Self::ByYou => "You hung up.".into(),
            Self::Busy => "Busy.".into(),
            Self::NoAnswer => "No answer.".into(),
            Self::YourPhoneOffline => {
                format!("Not called: your phone {extension} is offline. Check that it is switched on and registered, then try again.")
            }
            Self::YouDidNotPickUp => format!("Not called: your phone {extension} rang and nobody picked up."),
            Self::YouRejected => format!("Not called: your phone {extension} refused the call."),
            Self::Cancelled => "Cancelled.".into(),
            Self::NoSuchNumber => "The number does not exist or cannot be reached.".into(),
            Self::Refused => "The PBX refused the call.".into(),
            Self::Failed => "The call failed.".into(),
            Self::Unknown => "The line to the PBX was lost; it is not known what became of the call. It is not dialled again.".into(),
        }
    }
}

impl Me {
    /// The tray's tooltip: extension and state.
    #[must_use]
    pub fn tooltip(&self) -> String {
        if self.extension.is_empty() {
            return "Sidetone: not set up".into();
        }
        match &self.phone_trouble {
            Some(trouble) => format!("Sidetone {}: {trouble}", self.extension),
            None => format!("Sidetone {}: {}", self.extension, self.lamp.word()),
        }
    }
}
