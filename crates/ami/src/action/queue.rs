//! Members of queues.

use super::Lines;
use crate::{EncodeError, FieldValue};

/// Changes one member, who is known by his interface: `PJSIP/101`, `Local/101@from-queue/n`.
#[derive(Clone, Debug)]
pub enum QueueMembership {
    /// `QueueAdd`: he is offered calls from now on.
    Add(QueueAdd),
    /// `QueueRemove`; only who was added can be removed, not who stands in `queues.conf`.
    Remove {
        queue: FieldValue,
        interface: FieldValue,
    },
    /// `QueuePause`, in one queue or (`None`) in all of his.
    Pause {
        queue: Option<FieldValue>,
        interface: FieldValue,
        paused: bool,
        reason: Option<FieldValue>,
    },
    /// `QueuePenalty`, in one queue or in all of his: who has less is offered calls first.
    Penalty {
        queue: Option<FieldValue>,
        interface: FieldValue,
        penalty: u32,
    },
}

/// A new member of a queue.
#[derive(Clone, Debug)]
pub struct QueueAdd {
    pub queue: FieldValue,
    pub interface: FieldValue,
    pub member_name: Option<FieldValue>,
    /// Whose state tells that he is busy, `hint:101@ext-local`; without it that of the interface.
    pub state_interface: Option<FieldValue>,
    pub penalty: u32,
    pub paused: bool,
}

impl QueueMembership {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Add(_) => "QueueAdd",
            Self::Remove { .. } => "QueueRemove",
            Self::Pause { .. } => "QueuePause",
            Self::Penalty { .. } => "QueuePenalty",
        }
    }
}

impl Lines {
    pub(super) fn membership(&mut self, wanted: &QueueMembership) -> Result<(), EncodeError> {
        match wanted {
            QueueMembership::Add(member) => self.queue_add(member),
            QueueMembership::Remove { queue, interface } => {
                self.required("Queue", queue.as_str())?;
                self.interface(interface)
            }
            QueueMembership::Pause {
                queue,
                interface,
                paused,
                reason,
            } => {
                self.optional("Queue", queue.as_ref())?;
                self.interface(interface)?;
                self.header("Paused", if *paused { "true" } else { "false" })?;
                self.optional("Reason", reason.as_ref())
            }
            QueueMembership::Penalty {
                queue,
                interface,
                penalty,
            } => {
                self.optional("Queue", queue.as_ref())?;
                self.interface(interface)?;
                self.header("Penalty", &penalty.to_string())
            }
        }
    }

    fn queue_add(&mut self, member: &QueueAdd) -> Result<(), EncodeError> {
        self.required("Queue", member.queue.as_str())?;
        self.interface(&member.interface)?;
        self.optional("MemberName", member.member_name.as_ref())?;
        self.optional("StateInterface", member.state_interface.as_ref())?;
        self.header("Penalty", &member.penalty.to_string())?;
        self.header("Paused", if member.paused { "true" } else { "false" })
    }

    /// A queue dials it, and `&` dials several at once.
    fn interface(&mut self, interface: &FieldValue) -> Result<(), EncodeError> {
        self.dialled("Interface", interface)
    }
}
