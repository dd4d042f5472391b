//! Recording and muting one channel.

use super::Lines;
use crate::{EncodeError, FieldValue};

/// The name of a recording below Asterisk's folder for them, `sales/2026-11-21.wav`.
///
/// Nothing in it can leave that folder, add options or a command (Asterisk joins name, options and command with commas and
/// has a shell run the command), or be expanded as a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingFile(FieldValue);

/// Which way of a channel's sound is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audio {
    /// What the phone sends.
    FromPhone,
    /// What the phone hears.
    ToPhone,
    Both,
}

/// Records one channel, or what is wanted of its recording.
#[derive(Clone, Debug)]
pub enum Recording {
    /// `MixMonitor`: both sides into one file; no command is run afterwards.
    Start {
        channel: FieldValue,
        file: RecordingFile,
    },
    /// `StopMixMonitor`.
    Stop { channel: FieldValue },
    /// `MixMonitorMute`: silence in the recording only.
    Mute {
        channel: FieldValue,
        audio: Audio,
        on: bool,
    },
}

const FIELD: &str = "File";

impl RecordingFile {
    /// Takes letters, digits and `._+-` in parts between `/`, none of them hidden or empty, and a file format at the end.
    pub fn new(name: &str) -> Result<Self, EncodeError> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "._+-/".contains(c);
        if let Some(character) = name.chars().find(|c| !is_part(*c)) {
            return Err(EncodeError::Reserved {
                field: FIELD,
                character,
            });
        }
        let is_hidden = |part: &str| part.is_empty() || part.starts_with(['.', '-']);
        let is_sound = name
            .rsplit_once('.')
            .is_some_and(|(_, format)| !format.is_empty() && !format.contains('/'));
        if name.split('/').any(is_hidden) || !is_sound {
            return Err(EncodeError::NotAFile { field: FIELD });
        }
        let name = FieldValue::new(name).map_err(|why| EncodeError::Field { field: FIELD, why })?;
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Recording {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Start { .. } => "MixMonitor",
            Self::Stop { .. } => "StopMixMonitor",
            Self::Mute { .. } => "MixMonitorMute",
        }
    }
}

impl Lines {
    pub(super) fn recording(&mut self, recording: &Recording) -> Result<(), EncodeError> {
        match recording {
            Recording::Start { channel, file } => {
                self.channel("Channel", channel)?;
                self.required(FIELD, file.as_str())
            }
            Recording::Stop { channel } => self.channel("Channel", channel),
            Recording::Mute { channel, audio, on } => {
                self.channel("Channel", channel)?;
                let direction = match audio {
                    Audio::FromPhone => "read",
                    Audio::ToPhone => "write",
                    Audio::Both => "both",
                };
                self.header("Direction", direction)?;
                self.header("State", if *on { "1" } else { "0" })
            }
        }
    }

    pub(super) fn mute_audio(
        &mut self,
        channel: &FieldValue,
        audio: Audio,
        on: bool,
    ) -> Result<(), EncodeError> {
        self.channel("Channel", channel)?;
        let direction = match audio {
            Audio::FromPhone => "in",
            Audio::ToPhone => "out",
            Audio::Both => "all",
        };
        self.header("Direction", direction)?;
        self.header("State", if on { "on" } else { "off" })
    }
}
