//! What a lamp shows.

use ami::{DeviceStatus, ExtensionState};
use calls::PresenceStatus;
use wire::Lamp;

/// The bits of a hint as one lamp: what a colleague has to know first comes first.
pub(crate) fn of_hint(state: ExtensionState) -> Lamp {
    if state.is_removed() {
        Lamp::Unknown
    } else if state.is_unavailable() {
        Lamp::Unavailable
    } else if state.is_ringing() && state.is_in_use() {
        Lamp::InUseRinging
    } else if state.is_ringing() {
        Lamp::Ringing
    } else if state.is_on_hold() {
        Lamp::OnHold
    } else if state.is_busy() {
        Lamp::Busy
    } else if state.is_in_use() {
        Lamp::InUse
    } else {
        Lamp::Idle
    }
}

pub(crate) fn of_device(status: DeviceStatus) -> Lamp {
    match status {
        DeviceStatus::Unknown => Lamp::Unknown,
        DeviceStatus::NotInUse => Lamp::Idle,
        DeviceStatus::InUse => Lamp::InUse,
        DeviceStatus::Busy => Lamp::Busy,
        DeviceStatus::Invalid | DeviceStatus::Unavailable => Lamp::Unavailable,
        DeviceStatus::Ringing => Lamp::Ringing,
        DeviceStatus::RingInUse => Lamp::InUseRinging,
        DeviceStatus::OnHold => Lamp::OnHold,
    }
}

pub(crate) fn presence(from: &calls::Presence) -> wire::Presence {
    let status = match from.status {
        PresenceStatus::NotSet => "not_set",
        PresenceStatus::Unavailable => "unavailable",
        PresenceStatus::Available => "available",
        PresenceStatus::Away => "away",
        PresenceStatus::Xa => "xa",
        PresenceStatus::Chat => "chat",
        PresenceStatus::Dnd => "dnd",
        PresenceStatus::Other => "other",
    };
    wire::Presence {
        status: status.into(),
        message: from.message.as_deref().map(str::to_owned),
    }
}
