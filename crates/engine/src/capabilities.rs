//! What can be asked of this phone system as this AMI user, found by asking for the rights instead of trying on calls.

use crate::{DoNotDisturb, Handling, words};
use ami::{ActionName, Rights};
use std::collections::BTreeMap;

/// Something that a person can want.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ability {
    Dial,
    HangUp,
    Transfer,
    AttendedTransfer,
    Join,
    Redirect,
    Park,
    PickUp,
    Conference,
    MuteMember,
    Tones,
    Record,
    Mute,
    Queues,
    DoNotDisturb,
    /// The calls that went on before the login are found.
    FindCalls,
    SeeColleagues,
    SeeParking,
    SeeConferences,
}

/// What can be done and what not, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// What cannot be done, with a sentence that says what to change.
    pub lacking: BTreeMap<Ability, String>,
    /// Rights that open more than a desktop should have, a sentence each.
    pub excess: Vec<String>,
}

impl Ability {
    pub const ALL: [Self; 19] = [
        Self::Dial,
        Self::HangUp,
        Self::Transfer,
        Self::AttendedTransfer,
        Self::Join,
        Self::Redirect,
        Self::Park,
        Self::PickUp,
        Self::Conference,
        Self::MuteMember,
        Self::Tones,
        Self::Record,
        Self::Mute,
        Self::Queues,
        Self::DoNotDisturb,
        Self::FindCalls,
        Self::SeeColleagues,
        Self::SeeParking,
        Self::SeeConferences,
    ];

    /// All of these, each alone not being enough.
    fn actions(self, way: DoNotDisturb) -> &'static [ActionName] {
        match self {
            Self::Dial => &["Originate"],
            Self::HangUp => &["Hangup"],
            Self::Transfer => &["BlindTransfer"],
            Self::AttendedTransfer => &["Atxfer"],
            Self::Join => &["Bridge"],
            Self::Redirect | Self::PickUp | Self::Conference => &["Redirect"],
            Self::Park => &["Park"],
            Self::MuteMember => &["ConfbridgeMute", "ConfbridgeKick"],
            Self::Tones => &["PlayDTMF"],
            Self::Record => &["MixMonitor", "StopMixMonitor"],
            Self::Mute => &["MuteAudio"],
            Self::Queues => &["QueueAdd", "QueueRemove", "QueuePause"],
            Self::DoNotDisturb => match way {
                DoNotDisturb::Off => &[],
                DoNotDisturb::DeviceState => &["Setvar"],
                DoNotDisturb::Database => &["DBPut", "DBDel"],
                DoNotDisturb::Both => &["Setvar", "DBPut", "DBDel"],
            },
            Self::FindCalls => &["CoreShowChannels"],
            Self::SeeColleagues => &["ExtensionStateList"],
            Self::SeeParking => &["ParkedCalls"],
            Self::SeeConferences => &["ConfbridgeListRooms"],
        }
    }
}

impl Capabilities {
    /// Of the AMI user `user`. Without a desk of one's own, `handling` is `None` and the rights alone count.
    pub(crate) fn new(rights: &Rights, user: &str, handling: Option<&Handling>) -> Self {
        let lacking = Ability::ALL
            .into_iter()
            .filter_map(|ability| Some((ability, lacks(ability, rights, handling)?)));
        let excess = rights.report().excess.into_iter().map(|class| {
            let danger = class.danger().unwrap_or_default();
            format!("By the write class `{class}` the AMI user “{user}” may {danger}.")
        });
        Self {
            lacking: lacking.collect(),
            excess: excess.collect(),
        }
    }

    /// Says whether it can be done.
    #[must_use]
    pub fn can(&self, ability: Ability) -> bool {
        !self.lacking.contains_key(&ability)
    }
}

/// The settings first: what is not set up needs no right.
fn lacks(ability: Ability, rights: &Rights, handling: Option<&Handling>) -> Option<String> {
    let way = handling.map_or(DoNotDisturb::Off, |handling| handling.do_not_disturb);
    if let Some(handling) = handling {
        if ability == Ability::Conference && handling.conference.is_none() {
            return Some(words::NO_CONFERENCE.into());
        }
        if ability == Ability::DoNotDisturb && way == DoNotDisturb::Off {
            return Some(words::NO_DO_NOT_DISTURB.into());
        }
    }
    let mut actions = ability.actions(way).iter();
    actions
        .find_map(|action| rights.missing(action))
        .map(|missing| missing.to_string())
}
