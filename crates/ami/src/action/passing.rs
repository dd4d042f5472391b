//! Passing calls on: transfers, redirects, parking, tones.

use std::time::Duration;

use super::{ExtensionAddress, Lines, originate::EXTEN_RESERVED, refuse};
use crate::{EncodeError, FieldValue};

/// Sends a channel that runs in the dialplan, or talks, to another extension. Who talked with it is hung up.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// The one that moves: the caller, not the phone of the one who passes him on.
    pub channel: FieldValue,
    pub to: ExtensionAddress,
    /// A second channel that goes to the same place; it must talk with the first.
    pub extra_channel: Option<FieldValue>,
}

/// Puts a channel into a parking lot.
#[derive(Clone, Debug)]
pub struct Park {
    /// The one who is to wait.
    pub channel: FieldValue,
    /// Whose phone rings when he has waited too long.
    pub timeout_channel: Option<FieldValue>,
    /// How long he waits; without it as `res_parking.conf` says.
    pub timeout: Option<Duration>,
    /// Without it the channel's own lot, mostly `default`.
    pub parkinglot: Option<FieldValue>,
}

/// One key of a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DtmfDigit(char);

/// Plays one tone.
#[derive(Clone, Debug)]
pub struct PlayDtmf {
    /// Whose phone or line hears it.
    pub channel: FieldValue,
    pub digit: DtmfDigit,
    /// How long; Asterisk answers when it is over. Without it Asterisk's own length.
    pub duration: Option<Duration>,
    /// The other way round: as if this channel's phone had pressed the key. Ignored before Asterisk 16.20 and 18.6.
    pub receive: bool,
}

impl DtmfDigit {
    /// Takes `0` to `9`, `*`, `#` and `A` to `D`.
    pub fn new(key: char) -> Result<Self, EncodeError> {
        if is_key(key) {
            Ok(Self(key))
        } else {
            Err(EncodeError::Reserved {
                field: "Digit",
                character: key,
            })
        }
    }
}

fn is_key(key: char) -> bool {
    matches!(key, '0'..='9' | '*' | '#' | 'A'..='D')
}

impl Lines {
    pub(super) fn redirect(&mut self, redirect: &Redirect) -> Result<(), EncodeError> {
        let Redirect {
            channel,
            to,
            extra_channel,
        } = redirect;
        self.channel("Channel", channel)?;
        self.place("Context", "Exten", "Priority", to)?;
        if let Some(extra) = extra_channel {
            self.channel("ExtraChannel", extra)?;
            self.place("ExtraContext", "ExtraExten", "ExtraPriority", to)?;
        }
        Ok(())
    }

    fn place(
        &mut self,
        context: &'static str,
        exten: &'static str,
        priority: &'static str,
        to: &ExtensionAddress,
    ) -> Result<(), EncodeError> {
        refuse(context, to.context.as_str(), EXTEN_RESERVED)?;
        refuse(exten, to.exten.as_str(), EXTEN_RESERVED)?;
        self.required(context, to.context.as_str())?;
        self.required(exten, to.exten.as_str())?;
        self.header(priority, "1")
    }

    pub(super) fn blind_transfer(
        &mut self,
        channel: &FieldValue,
        to: &ExtensionAddress,
    ) -> Result<(), EncodeError> {
        refuse("Context", to.context.as_str(), EXTEN_RESERVED)?;
        refuse("Exten", to.exten.as_str(), EXTEN_RESERVED)?;
        self.channel("Channel", channel)?;
        self.required("Context", to.context.as_str())?;
        self.required("Exten", to.exten.as_str())
    }

    /// Asterisk presses the keys of the feature code and of the extension one by one, so it can be keys only.
    pub(super) fn atxfer(
        &mut self,
        channel: &FieldValue,
        to: &ExtensionAddress,
    ) -> Result<(), EncodeError> {
        if let Some(character) = to.exten.as_str().chars().find(|key| !is_key(*key)) {
            return Err(EncodeError::Reserved {
                field: "Exten",
                character,
            });
        }
        self.blind_transfer(channel, to)
    }

    pub(super) fn park(&mut self, park: &Park) -> Result<(), EncodeError> {
        self.channel("Channel", &park.channel)?;
        if let Some(channel) = &park.timeout_channel {
            self.channel("TimeoutChannel", channel)?;
        }
        if let Some(timeout) = park.timeout {
            self.header("Timeout", &timeout.as_millis().to_string())?;
        }
        match &park.parkinglot {
            Some(lot) => self.required("Parkinglot", lot.as_str()),
            None => Ok(()),
        }
    }

    pub(super) fn play_dtmf(&mut self, tone: &PlayDtmf) -> Result<(), EncodeError> {
        self.channel("Channel", &tone.channel)?;
        self.header("Digit", tone.digit.0.encode_utf8(&mut [0; 4]))?;
        if let Some(duration) = tone.duration {
            self.header("Duration", &duration.as_millis().to_string())?;
        }
        if tone.receive {
            self.header("Receive", "true")?;
        }
        Ok(())
    }
}
