//! What the tracker remembers of one live channel.

use ami::{ChannelName, Linkedid, Uniqueid};

use super::{BridgeKey, CallKey};
use crate::{LegId, LegState, Party, Role, extensions::Technology};

slotmap::new_key_type! {
    pub(super) struct ChannelKey;
}

#[derive(Debug, Clone)]
pub(super) struct Channel {
    pub(super) uniqueid: Uniqueid,
    /// As last seen: it can change on any event.
    pub(super) linkedid: Linkedid,
    pub(super) name: ChannelName,
    pub(super) technology: Technology,
    pub(super) call: CallKey,
    /// The party as it was when the channel was born, before queues and ring groups put prefixes on it.
    pub(super) party: Party,
    /// Unknown for a channel that has neither placed nor been dialled yet.
    pub(super) role: Option<Role>,
    /// Somebody's `DialBegin` named it.
    pub(super) dialled: bool,
    pub(super) dialled_by: Option<ChannelKey>,
    /// By the channel of a phone, with no Local pair between.
    pub(super) dialled_by_phone: bool,
    pub(super) state: LegState,
    /// The other half of a Local pair.
    pub(super) pair: Option<ChannelKey>,
    pub(super) bridge: Option<BridgeKey>,
    pub(super) leg: Option<LegId>,
    pub(super) recording: bool,
    /// The PBX was asked what it does on this channel, or has told it.
    pub(super) application_known: bool,
    /// The last audit did not find it.
    pub(super) doubted: bool,
    /// The epoch in which it was last heard of.
    pub(super) heard: u32,
    /// The epoch in which an event last told of its bridge.
    pub(super) bridge_heard: u32,
}

impl Channel {
    pub(super) fn is_phone(&self) -> bool {
        self.technology == Technology::Phone
    }
}
