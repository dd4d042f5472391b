//! Whose phone a channel belongs to.

use ami::Extension;

use crate::Map;

/// Maps endpoints (`PJSIP/101`) to extensions: what the configuration says comes first, then what the hints of the
/// PBX say, then the endpoint's own name when it looks like an extension.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extensions {
    configured: Map<Box<str>, Option<Extension>>,
    hinted: Map<Box<str>, Extension>,
    /// How often each extension is named in both: asked for with every leg, and there may be thousands.
    named: Map<Box<str>, u32>,
}

/// A longer number is that of a trunk which is named after its own number.
const LONGEST_EXTENSION: usize = 6;

/// More hinted devices than this are not learned.
const MOST_HINTED: usize = 20_000;

impl Extensions {
    /// `None` says that the endpoint is a line outside, whatever its name looks like.
    /// False when that was said before.
    pub(crate) fn configure(&mut self, endpoint: &str, extension: Option<Extension>) -> bool {
        if self.configured.get(endpoint) == Some(&extension) {
            return false;
        }
        self.forget(endpoint);
        if let Some(extension) = &extension {
            self.name(extension.as_str());
        }
        self.configured.insert(endpoint.into(), extension);
        true
    }

    /// Takes back what [`Extensions::configure`] said of an endpoint.
    pub(crate) fn forget(&mut self, endpoint: &str) {
        let Some(Some(extension)) = self.configured.remove(endpoint) else {
            return;
        };
        if let Some(times) = self.named.get_mut(extension.as_str()) {
            *times -= 1;
            if *times == 0 {
                self.named.remove(extension.as_str());
            }
        }
    }

    fn name(&mut self, extension: &str) {
        match self.named.get_mut(extension) {
            Some(times) => *times += 1,
            None => {
                self.named.insert(extension.into(), 1);
            }
        }
    }

    /// Learns from a hint such as `PJSIP/101&PJSIP/101b&Custom:DND101` of extension 101.
    pub(crate) fn learn(&mut self, hint: &str, extension: &str) {
        for device in hint.split(['&', ',']).filter(|device| device.contains('/')) {
            if technology_of(device) == Technology::Phone
                && !self.hinted.contains_key(device)
                && self.hinted.len() < MOST_HINTED
            {
                self.name(extension);
                self.hinted
                    .insert(device.into(), Extension::from(extension));
            }
        }
    }

    pub(crate) fn of(&self, channel: &str) -> Option<Extension> {
        self.of_endpoint(endpoint_of(channel))
    }

    /// Of `PJSIP/101`, which is no channel's name: what stands behind a dash belongs to it.
    pub(crate) fn of_endpoint(&self, endpoint: &str) -> Option<Extension> {
        if let Some(configured) = self.configured.get(endpoint) {
            return configured.clone();
        }
        if let Some(hinted) = self.hinted.get(endpoint) {
            return Some(hinted.clone());
        }
        let (_, name) = endpoint.split_once('/')?;
        let looks_like_one = (1..=LONGEST_EXTENSION).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_digit());
        looks_like_one.then(|| Extension::from(name))
    }

    /// Whether this is a number of ours, as far as known.
    pub(crate) fn is_extension(&self, number: &str) -> bool {
        self.named.contains_key(number)
    }
}

/// What stands behind a channel, by its technology.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Technology {
    /// A phone or a line.
    Phone,
    /// `Local/…;1` or `;2`: two ends of a pipe inside the PBX.
    Local,
    /// Announcers, recorders, message queues, conference helpers: never a party.
    Helper,
}

pub(crate) fn technology_of(channel: &str) -> Technology {
    let technology = channel
        .split_once('/')
        .map_or(channel, |(technology, _)| technology);
    match technology {
        "Local" => Technology::Local,
        "Announcer" | "Recorder" | "CBAnn" | "CBRec" | "ConfBridgeRecorder" | "Message"
        | "Bridge" | "Surrogate" | "Parking" | "Snoop" | "UnicastRTP" | "MulticastRTP"
        | "AsyncGoto" | "Multicast" => Technology::Helper,
        _ => Technology::Phone,
    }
}

/// `PJSIP/101` of `PJSIP/101-0000001a`: Asterisk adds a dash and hexadecimal digits.
pub(crate) fn endpoint_of(channel: &str) -> &str {
    match channel.rsplit_once('-') {
        Some((endpoint, serial))
            if !serial.is_empty() && serial.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            endpoint
        }
        Some(_) | None => channel,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(extensions: &Extensions, channel: &str) -> Option<String> {
        extensions
            .of(channel)
            .map(|extension| extension.as_str().to_owned())
    }

    #[test]
    fn the_endpoint_names_the_extension() {
        let extensions = Extensions::default();
        assert_eq!(
            of(&extensions, "PJSIP/101-0000001a").as_deref(),
            Some("101")
        );
        assert_eq!(of(&extensions, "SIP/201-0000000a").as_deref(), Some("201"));
        for line in [
            "PJSIP/trunk-00000001",
            "PJSIP/74951230000-00000001",
            "PJSIP/101b-00000002",
            "DAHDI/i1/x-1",
        ] {
            assert_eq!(of(&extensions, line), None, "{line}");
        }
    }

    #[test]
    fn hints_name_second_phones_and_the_configuration_has_the_last_word() {
        let mut extensions = Extensions::default();
        extensions.learn("PJSIP/101&PJSIP/anna-mobile&Custom:DND101", "101");
        assert_eq!(
            of(&extensions, "PJSIP/anna-mobile-0000000b").as_deref(),
            Some("101")
        );
        extensions.configure("PJSIP/101", None);
        extensions.configure("PJSIP/trunk", Some(Extension::from("9")));
        assert_eq!(of(&extensions, "PJSIP/101-0000001a"), None);
        assert_eq!(
            of(&extensions, "PJSIP/trunk-0000001a").as_deref(),
            Some("9")
        );
    }

    #[test]
    fn a_number_is_an_extension_for_as_long_as_something_names_it() {
        let mut extensions = Extensions::default();
        for endpoint in ["PJSIP/anna", "PJSIP/anna-mobile"] {
            extensions.configure(endpoint, Some(Extension::from("101")));
            extensions.configure(endpoint, Some(Extension::from("101")));
        }
        extensions.learn("PJSIP/bert", "102");
        extensions.forget("PJSIP/anna");
        extensions.forget("PJSIP/anna");
        assert!(extensions.is_extension("101") && extensions.is_extension("102"));
        extensions.configure("PJSIP/anna-mobile", Some(Extension::from("103")));
        assert!(!extensions.is_extension("101") && extensions.is_extension("103"));
        assert_eq!(of(&extensions, "PJSIP/anna-0000000b"), None);
    }

    #[test]
    fn pipes_and_helpers_are_no_phones() {
        assert_eq!(
            technology_of("Local/101@internal-00000006;1"),
            Technology::Local
        );
        assert_eq!(technology_of("CBAnn/conf-00000006;1"), Technology::Helper);
        assert_eq!(technology_of("PJSIP/101-00000006"), Technology::Phone);
    }
}
