//! Own phone: what its device state, or else the hint of its extension, tells.

use crate::PhoneState;
use ami::{DeviceStatus, ExtensionState};

/// The newest that was heard of it on this connection.
#[derive(Debug, Default)]
pub(crate) struct Phone {
    device: Option<PhoneState>,
    hint: Option<PhoneState>,
}

impl Phone {
    /// The device knows better: a hint such as `PJSIP/101&Custom:DND101` stays idle while the phone is away.
    pub(crate) fn state(&self) -> PhoneState {
        self.device.or(self.hint).unwrap_or_default()
    }

    /// `DeviceStateChange` of the own channel.
    pub(crate) fn device(&mut self, state: DeviceStatus) {
        self.device = of_device(state);
    }

    pub(crate) fn hint(&mut self, state: ExtensionState) {
        self.hint = Some(PhoneState {
            registered: Some(!state.is_unavailable() && !state.is_removed()),
            in_use: state.is_in_use(),
            ringing: state.is_ringing(),
            busy: state.is_busy(),
            on_hold: state.is_on_hold(),
        });
    }
}

/// `None`: Asterisk does not know either.
pub(crate) fn of_device(state: DeviceStatus) -> Option<PhoneState> {
    let idle = PhoneState {
        registered: Some(true),
        ..PhoneState::default()
    };
    Some(match state {
        DeviceStatus::NotInUse => idle,
        DeviceStatus::InUse => PhoneState {
            in_use: true,
            ..idle
        },
        DeviceStatus::Busy => PhoneState {
            in_use: true,
            busy: true,
            ..idle
        },
        DeviceStatus::Ringing => PhoneState {
            ringing: true,
            ..idle
        },
        DeviceStatus::RingInUse => PhoneState {
            in_use: true,
            ringing: true,
            ..idle
        },
        DeviceStatus::OnHold => PhoneState {
            in_use: true,
            on_hold: true,
            ..idle
        },
        DeviceStatus::Unavailable | DeviceStatus::Invalid => PhoneState {
            registered: Some(false),
            ..idle
        },
        DeviceStatus::Unknown => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_overrules_the_hint() {
        let mut phone = Phone::default();
        assert_eq!(phone.state().registered, None);
        phone.hint(ExtensionState(0));
        assert_eq!(phone.state().registered, Some(true));
        phone.device(DeviceStatus::Unavailable);
        assert_eq!(phone.state().registered, Some(false));
        phone.device(DeviceStatus::RingInUse);
        assert!(phone.state().ringing && phone.state().in_use);
        phone.device(DeviceStatus::Unknown);
        assert_eq!(phone.state().registered, Some(true));
    }
}
