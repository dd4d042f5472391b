//! A channel as the PBX lists it: what the state is rebuilt from after the link was lost.

use std::time::Duration;

use ami::{ChannelListing, ChannelName, ChannelState, Linkedid, Uniqueid};

use crate::Party;

/// One entry of `CoreShowChannels`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveChannel {
    pub uniqueid: Uniqueid,
    pub linkedid: Linkedid,
    pub channel: ChannelName,
    pub state: ChannelState,
    pub caller: Party,
    pub exten: Box<str>,
    /// What the dialplan does on it; `AppDial`, `AppDial2` and `AppQueue` mean that the channel was dialled.
    pub application: Box<str>,
    /// How long it has existed, to the second.
    pub duration: Duration,
}

impl LiveChannel {
    pub(crate) fn was_dialled(&self) -> bool {
        self.application.starts_with("AppDial") || &*self.application == "AppQueue"
    }
}

impl From<&ChannelListing<'_>> for LiveChannel {
    fn from(listing: &ChannelListing<'_>) -> Self {
        let channel = &listing.channel;
        Self {
            uniqueid: channel.uniqueid.into(),
            linkedid: channel.linkedid.into(),
            channel: channel.name.into(),
            state: channel.state,
            caller: Party::new(&channel.caller.num.text(), &channel.caller.name.text()),
            exten: channel.exten.text().into(),
            application: listing.application.text().into(),
            duration: duration(&listing.duration.text()).unwrap_or_default(),
        }
    }
}

/// `HH:MM:SS`, hours without limit.
fn duration(text: &str) -> Option<Duration> {
    let mut parts = text.split(':').map(|part| part.trim().parse::<u64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let minutes = hours.checked_mul(60)?.checked_add(minutes)?;
    Some(Duration::from_secs(
        minutes.checked_mul(60)?.checked_add(seconds)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_to_the_second() {
        assert_eq!(duration("00:00:02"), Some(Duration::from_secs(2)));
        assert_eq!(duration("100:01:00"), Some(Duration::from_secs(360_060)));
        for bad in ["", "2", "00:02", "a:b:c", "18446744073709551615:00:00"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
