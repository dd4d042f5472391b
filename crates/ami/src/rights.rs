//! What the AMI user may do, read from ListCommands.

use crate::Message;

/// The actions that this program uses and Asterisk may withhold from a user.
///
/// ListCommands is open to every user and lists exactly what his write classes allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Class `originate`.
    pub originate: bool,
    /// Class `call` or `system`.
    pub hangup: bool,
    /// Class `reporting` or `system`.
    pub core_show_channels: bool,
    /// Class `call` or `reporting`.
    pub extension_state_list: bool,
    /// Class `command`: more than this program needs, and enough to run anything on the PBX.
    pub command: bool,
}

impl Rights {
    /// Reads the answer to [`Action::ListCommands`](crate::Action::ListCommands).
    pub fn from_list_commands(reply: &Message<'_>) -> Self {
        let mut rights = Self::default();
        for (action, _) in reply.headers() {
            match action {
                "Originate" => rights.originate = true,
                "Hangup" => rights.hangup = true,
                "CoreShowChannels" => rights.core_show_channels = true,
                "ExtensionStateList" => rights.extension_state_list = true,
                "Command" => rights.command = true,
                _ => {}
            }
        }
        rights
    }
}
