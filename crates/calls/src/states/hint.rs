//! What a hint says: the lamp of an extension, and the devices and presence behind it.

use ami::{DeviceStatus, Extension, ExtensionState};

use crate::extensions::{Technology, technology_of};

/// The lamp of an extension in one context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    pub extension: Extension,
    pub context: Box<str>,
    /// As the dialplan has it: `PJSIP/101&Custom:DND101,CustomPresence:101`.
    pub text: Box<str>,
    /// Bits that may stand together: in use and ringing. A call that waits behind another reads so in Asterisk 13 to 18
    /// and where `device_state_busy_at` is not set; from 20 on it reads busy where it is set.
    pub state: ExtensionState,
}

/// What stands behind a hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HintKind {
    /// Phones: somebody sits there.
    Phone,
    /// Rings while a caller waits.
    Queue,
    /// In use while a call is parked there.
    Parking,
    Conference,
    /// A lamp that the dialplan switches: do not disturb, night service.
    Custom,
    /// Voicemail, calendars, Local channels.
    Other,
}

impl Hint {
    /// What the devices of the hint are; a phone among them decides.
    #[must_use]
    pub fn kind(&self) -> HintKind {
        let mut kinds = self.devices().map(kind_of);
        let Some(first) = kinds.next() else {
            return HintKind::Other;
        };
        if first == HintKind::Phone || kinds.any(|kind| kind == HintKind::Phone) {
            HintKind::Phone
        } else {
            first
        }
    }

    /// The devices that the state is made of: `PJSIP/101`, `Custom:DND101`.
    pub fn devices(&self) -> impl Iterator<Item = &str> {
        let devices = self.text.split(',').next().unwrap_or_default();
        devices.split('&').filter(|device| !device.is_empty())
    }

    /// Whose presence the hint shows: `CustomPresence:101`.
    #[must_use]
    pub fn presentity(&self) -> Option<&str> {
        let (_, presentity) = self.text.split_once(',')?;
        (!presentity.is_empty()).then_some(presentity)
    }

    /// The custom devices of the hint that are named for do-not-disturb.
    pub(super) fn do_not_disturb_devices(&self) -> impl Iterator<Item = &str> {
        self.devices().filter(|device| is_do_not_disturb(device))
    }
}

fn kind_of(device: &str) -> HintKind {
    let technology = match device.split_once(':') {
        Some((technology, _)) if !technology.contains('/') => technology,
        Some(_) | None if !device.contains('/') => return HintKind::Other,
        Some(_) | None => {
            return match technology_of(device) {
                Technology::Phone => HintKind::Phone,
                Technology::Local | Technology::Helper => HintKind::Other,
            };
        }
    };
    match technology.to_ascii_lowercase().as_str() {
        "queue" => HintKind::Queue,
        "park" => HintKind::Parking,
        "confbridge" | "meetme" => HintKind::Conference,
        "custom" => HintKind::Custom,
        _ => HintKind::Other,
    }
}

/// `Custom:DND101`, `Custom:DEVDND101`: the state is switched by the dialplan, so its name is all that tells its meaning.
fn is_do_not_disturb(device: &str) -> bool {
    let is_dnd = |letters: &[u8]| letters.eq_ignore_ascii_case(b"DND");
    custom(device).is_some_and(|name| name.as_bytes().windows(3).any(is_dnd))
}

/// The extension whose switch `Custom:DND101` is by the usual name, even where no hint has it.
pub(super) fn extension_of_do_not_disturb(device: &str) -> Option<&str> {
    let (dnd, extension) = custom(device)?.split_at_checked(3)?;
    (dnd.eq_ignore_ascii_case("DND") && !extension.is_empty()).then_some(extension)
}

fn custom(device: &str) -> Option<&str> {
    let (technology, name) = device.split_once(':')?;
    technology.eq_ignore_ascii_case("Custom").then_some(name)
}

/// Whether a switch is on: dialplans set BUSY, some INUSE; a switch that was never set is UNKNOWN.
pub(super) fn is_on(status: DeviceStatus) -> Option<bool> {
    match status {
        DeviceStatus::Busy
        | DeviceStatus::InUse
        | DeviceStatus::Ringing
        | DeviceStatus::RingInUse
        | DeviceStatus::OnHold => Some(true),
        DeviceStatus::NotInUse | DeviceStatus::Unknown => Some(false),
        DeviceStatus::Invalid | DeviceStatus::Unavailable => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(text: &str) -> Hint {
        Hint {
            extension: "101".into(),
            context: "internal".into(),
            text: text.into(),
            state: ExtensionState(0),
        }
    }

    #[test]
    fn the_devices_tell_what_the_hint_is_of() {
        for (text, kind) in [
            ("PJSIP/101", HintKind::Phone),
            ("Custom:DND101&SIP/101,CustomPresence:101", HintKind::Phone),
            ("Queue:400", HintKind::Queue),
            ("Queue:400_pause_Local/105@from-queue/n", HintKind::Queue),
            ("park:701@parkedcalls", HintKind::Parking),
            ("ConfBridge:800", HintKind::Conference),
            ("Custom:DND101", HintKind::Custom),
            ("Local/101@internal", HintKind::Other),
            ("MWI:101", HintKind::Other),
            ("PJSIP/sip:101", HintKind::Phone),
            (",CustomPresence:101", HintKind::Other),
            ("", HintKind::Other),
        ] {
            assert_eq!(hint(text).kind(), kind, "{text}");
        }
    }

    #[test]
    fn do_not_disturb_is_known_by_the_name_of_a_custom_device() {
        let hint = hint("PJSIP/dnd&Custom:DND101&Custom:DEVDND101&Custom:NIGHT,CustomPresence:101");
        let named: Vec<_> = hint.do_not_disturb_devices().collect();
        assert_eq!(named, ["Custom:DND101", "Custom:DEVDND101"]);
        assert_eq!(hint.presentity(), Some("CustomPresence:101"));
        assert_eq!(extension_of_do_not_disturb("Custom:DND101"), Some("101"));
        for other in [
            "Custom:DND",
            "Custom:DEVDND101",
            "Custom:Я1",
            "PJSIP/DND101",
        ] {
            assert_eq!(extension_of_do_not_disturb(other), None, "{other}");
        }
    }
}
