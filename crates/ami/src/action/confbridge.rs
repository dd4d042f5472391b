//! Conference rooms.

use super::{Lines, RecordingFile};
use crate::{EncodeError, FieldValue};

/// Something wanted of one conference room.
#[derive(Clone, Debug)]
pub struct Confbridge {
    pub room: FieldValue,
    pub order: ConfbridgeOrder,
}

/// What is wanted. A channel is named by its name, for other words mean all participants.
#[derive(Clone, Debug)]
pub enum ConfbridgeOrder {
    Mute {
        channel: FieldValue,
    },
    Unmute {
        channel: FieldValue,
    },
    Kick {
        channel: FieldValue,
    },
    /// Nobody else comes in.
    Lock,
    Unlock,
    /// Without a file as `confbridge.conf` says.
    StartRecord {
        file: Option<RecordingFile>,
    },
    StopRecord,
}

impl Confbridge {
    pub(super) fn name(&self) -> &'static str {
        match self.order {
            ConfbridgeOrder::Mute { .. } => "ConfbridgeMute",
            ConfbridgeOrder::Unmute { .. } => "ConfbridgeUnmute",
            ConfbridgeOrder::Kick { .. } => "ConfbridgeKick",
            ConfbridgeOrder::Lock => "ConfbridgeLock",
            ConfbridgeOrder::Unlock => "ConfbridgeUnlock",
            ConfbridgeOrder::StartRecord { .. } => "ConfbridgeStartRecord",
            ConfbridgeOrder::StopRecord => "ConfbridgeStopRecord",
        }
    }
}

impl Lines {
    pub(super) fn confbridge(&mut self, wanted: &Confbridge) -> Result<(), EncodeError> {
        self.required("Conference", wanted.room.as_str())?;
        match &wanted.order {
            ConfbridgeOrder::Mute { channel }
            | ConfbridgeOrder::Unmute { channel }
            | ConfbridgeOrder::Kick { channel } => self.one_channel("Channel", channel),
            ConfbridgeOrder::StartRecord { file: Some(file) } => {
                self.required("RecordFile", file.as_str())
            }
            ConfbridgeOrder::StartRecord { file: None }
            | ConfbridgeOrder::StopRecord
            | ConfbridgeOrder::Lock
            | ConfbridgeOrder::Unlock => Ok(()),
        }
    }

    /// `all` and `participants` are no channel, and would be everybody.
    fn one_channel(
        &mut self,
        field: &'static str,
        channel: &FieldValue,
    ) -> Result<(), EncodeError> {
        if !channel.as_str().contains('/') {
            return Err(EncodeError::NotAChannel { field });
        }
        self.channel(field, channel)
    }
}
