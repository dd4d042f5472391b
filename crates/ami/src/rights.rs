//! What the AMI user may do, read from ListCommands.

use std::{collections::BTreeSet, fmt};

use crate::{ActionName, Message};

/// The actions of this crate that Asterisk lets a user do.
///
/// ListCommands is open to every user and lists exactly what his write classes allow, so nothing is tried on a live call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    allowed: BTreeSet<ActionName>,
    classes: BTreeSet<WriteClass>,
}

/// A class of the line `write=` of a user in manager.conf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WriteClass {
    System,
    Call,
    Agent,
    Reporting,
    Originate,
    /// Runs anything on the PBX.
    Command,
    /// Writes the PBX's configuration.
    Config,
}

/// An action that the user may not do, or that the PBX does not have. Its text is a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    need: &'static Need,
    why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Class,
    Module(&'static str),
    /// An Asterisk older than the action.
    Action,
}

/// What this user may do and what not; see [`Rights::report`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RightsReport {
    pub allowed: Vec<ActionName>,
    pub missing: Vec<Missing>,
    /// Classes that open more than a desktop should have.
    pub excess: Vec<WriteClass>,
}

/// What an action asks of the user: any one of the classes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) action: ActionName,
    /// What it is for and the verb, as the beginning of a sentence; empty for what is never sent.
    what: &'static str,
    /// The least powerful first.
    pub(crate) classes: &'static [WriteClass],
    /// Who brings it, if not Asterisk itself.
    module: Option<&'static str>,
}

use WriteClass::{Agent, Call, Command, Config, Originate, Reporting, System};

const fn row(
    action: ActionName,
    what: &'static str,
    classes: &'static [WriteClass],
    module: Option<&'static str>,
) -> Need {
    Need {
        action,
        what,
        classes,
        module,
    }
}

const CONFBRIDGE: Option<&str> = Some("app_confbridge");
const QUEUE: Option<&str> = Some("app_queue");
const PARKING: Option<&str> = Some("res_parking");
const MIXMONITOR: Option<&str> = Some("app_mixmonitor");

/// Alike in Asterisk 16, 20 and 22; the tests compare it with what those list.
#[rustfmt::skip]
static NEEDS: [Need; 49] = [
    row("Atxfer", "Attended transfers need", &[Call], None),
    row("BlindTransfer", "Transfers need", &[Call], None),
    row("Bridge", "Joining two calls needs", &[Call], None),
    row("BridgeInfo", "Seeing who talks with whom needs", &[], None),
    row("BridgeList", "Seeing who talks with whom needs", &[], None),
    row("CancelAtxfer", "Attended transfers need", &[Call], None),
    row("ConfbridgeKick", "Conferences need", &[Call], CONFBRIDGE),
    row("ConfbridgeList", "Seeing conferences needs", &[Reporting], CONFBRIDGE),
    row("ConfbridgeListRooms", "Seeing conferences needs", &[Reporting], CONFBRIDGE),
    row("ConfbridgeLock", "Conferences need", &[Call], CONFBRIDGE),
    row("ConfbridgeMute", "Conferences need", &[Call], CONFBRIDGE),
    row("ConfbridgeStartRecord", "Recording conferences needs", &[System], CONFBRIDGE),
    row("ConfbridgeStopRecord", "Recording conferences needs", &[System], CONFBRIDGE),
    row("ConfbridgeUnlock", "Conferences need", &[Call], CONFBRIDGE),
    row("ConfbridgeUnmute", "Conferences need", &[Call], CONFBRIDGE),
    row("CoreSettings", "Reading the version needs", &[Reporting, System], None),
    row("CoreShowChannels", "Finding the calls that go on needs", &[Reporting, System], None),
    row("DBDel", "Do-not-disturb in the database needs", &[System], None),
    row("DBGet", "Reading the database needs", &[Reporting, System], None),
    row("DBPut", "Do-not-disturb in the database needs", &[System], None),
    row("DeviceStateList", "Seeing phones needs", &[Call, Reporting], Some("res_manager_devicestate")),
    row("ExtensionState", "Seeing colleagues needs", &[Call, Reporting], None),
    row("ExtensionStateList", "Seeing colleagues needs", &[Call, Reporting], None),
    row("Filter", "Sparing needless events needs", &[System], None),
    row("Hangup", "Hanging up needs", &[Call, System], None),
    row("MailboxStatus", "Seeing voicemail needs", &[Call, Reporting], None),
    row("MixMonitor", "Recording needs", &[System], MIXMONITOR),
    row("MixMonitorMute", "Recording needs", &[Call, System], MIXMONITOR),
    row("MuteAudio", "Muting needs", &[System], Some("res_mutestream")),
    row("Originate", "Dialling needs", &[Originate], None),
    row("Park", "Parking needs", &[Call], PARKING),
    row("ParkedCalls", "Seeing parked calls needs", &[Call], PARKING),
    row("Parkinglots", "Seeing parked calls needs", &[Call], PARKING),
    row("PlayDTMF", "Sending tones needs", &[Call], Some("app_senddtmf")),
    row("PresenceState", "Seeing presence needs", &[Call, Reporting], None),
    row("PresenceStateList", "Seeing presence needs", &[Call, Reporting], Some("res_manager_presencestate")),
    row("QueueAdd", "Changing queues needs", &[Agent], QUEUE),
    row("QueuePause", "Changing queues needs", &[Agent], QUEUE),
    row("QueuePenalty", "Changing queues needs", &[Agent], QUEUE),
    row("QueueRemove", "Changing queues needs", &[Agent], QUEUE),
    row("QueueStatus", "Seeing queues needs", &[], QUEUE),
    row("Redirect", "Transfers need", &[Call], None),
    row("Setvar", "Do-not-disturb needs", &[Call], None),
    row("Status", "Finding the calls that go on needs", &[Call, Reporting, System], None),
    row("StopMixMonitor", "Recording needs", &[Call, System], MIXMONITOR),
    // Never sent; what they are listed for tells of a class.
    row("Command", "", &[Command], None),
    row("UpdateConfig", "", &[Config], None),
    row("ModuleLoad", "", &[System], None),
    row("CoreStatus", "", &[Reporting, System], None),
];

impl Rights {
    /// Reads the answer to [`Action::ListCommands`](crate::Action::ListCommands).
    pub fn from_list_commands(reply: &Message<'_>) -> Self {
        let allowed = reply
            .headers()
            .filter_map(|(action, _)| need(action))
            .map(|need| need.action)
            .collect();
        let mut rights = Self {
            allowed,
            classes: BTreeSet::new(),
        };
        rights.find_classes();
        rights
    }

    /// Says whether Asterisk lets the user do it. What no class guards is allowed to everybody.
    pub fn allows(&self, action: &str) -> bool {
        need(action).is_none() || self.allowed.contains(action)
    }

    /// Why an action is not allowed, if it is not.
    pub fn missing(&self, action: &str) -> Option<Missing> {
        let need = need(action).filter(|need| !self.allowed.contains(need.action))?;
        Some(Missing {
            need,
            why: self.why(need),
        })
    }

    /// Says whether the user has a write class, as far as the listed actions tell.
    pub fn has(&self, class: WriteClass) -> bool {
        self.classes.contains(&class)
    }

    /// Everything at a glance.
    pub fn report(&self) -> RightsReport {
        let ours = || NEEDS.iter().filter(|need| need.is_ours());
        RightsReport {
            allowed: ours()
                .map(|need| need.action)
                .filter(|action| self.allowed.contains(action))
                .collect(),
            missing: ours()
                .filter_map(|need| self.missing(need.action))
                .collect(),
            excess: [Command, Config, System]
                .into_iter()
                .filter(|class| self.has(*class))
                .collect(),
        }
    }

    /// An action that one class alone gives tells of that class.
    fn find_classes(&mut self) {
        for need in &NEEDS {
            if let [class] = need.classes
                && self.allowed.contains(need.action)
            {
                self.classes.insert(*class);
            }
        }
        if self.allowed.contains("CoreStatus") && !self.has(System) {
            self.classes.insert(Reporting);
        }
    }

    fn why(&self, missing: &Need) -> Why {
        if let Some(module) = missing.module {
            let mut others = NEEDS.iter().filter(|need| need.module == missing.module);
            // What every user may do is not listed either.
            let is_absent =
                others.any(|need| need.classes.is_empty() && !self.allowed.contains(need.action));
            if is_absent || missing.classes.iter().any(|class| self.has(*class)) {
                return Why::Module(module);
            }
        }
        let has_class = missing.classes.iter().any(|class| self.has(*class));
        if has_class || missing.classes.is_empty() {
            Why::Action
        } else {
            Why::Class
        }
    }
}

impl WriteClass {
    /// As it stands in manager.conf.
    pub fn as_str(self) -> &'static str {
        match self {
            System => "system",
            Call => "call",
            Agent => "agent",
            Reporting => "reporting",
            Originate => "originate",
            Command => "command",
            Config => "config",
        }
    }

    /// What somebody who has the secret could do by a class that a desktop should not have; `None` for the others.
    pub fn danger(self) -> Option<&'static str> {
        match self {
            Command => Some("run any command on the phone system"),
            Config => Some("rewrite the phone system's configuration"),
            System => Some(
                "load modules and stop the phone system; only recording, muting and the database need it",
            ),
            Call | Agent | Reporting | Originate => None,
        }
    }
}

impl fmt::Display for WriteClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Missing {
    /// The action's name, as Asterisk knows it.
    pub fn action(&self) -> ActionName {
        self.need.action
    }

    /// The classes of which any one gives it, the least powerful first; empty when no class would help.
    pub fn classes(&self) -> &'static [WriteClass] {
        match self.why {
            Why::Class => self.need.classes,
            Why::Module(_) | Why::Action => &[],
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Need { what, action, .. } = self.need;
        match self.why {
            Why::Module(module) => {
                return write!(f, "{what} the module {module} on the phone system.");
            }
            Why::Action => {
                return write!(
                    f,
                    "{what} the action {action}, which this phone system does not have."
                );
            }
            Why::Class => write!(f, "{what} the write class ")?,
        }
        for (at, class) in self.need.classes.iter().enumerate() {
            let before = if at == 0 { "" } else { " or " };
            write!(f, "{before}`{class}`")?;
        }
        f.write_str(" in manager.conf.")
    }
}

/// The classes of which any one gives an action, the least powerful first; empty for what needs none.
pub fn write_classes(action: &str) -> &'static [WriteClass] {
    need(action).map_or(&[], |need| need.classes)
}

impl Need {
    fn is_ours(&self) -> bool {
        !self.what.is_empty()
    }
}

/// What an action needs; `None` for what is open to every user and always there.
pub(crate) fn need(action: &str) -> Option<&'static Need> {
    NEEDS.iter().find(|need| need.action == action)
}
