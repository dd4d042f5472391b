//! Whose calls are reported, and how they are placed and handled.

use crate::{Handling, Placing};
use phone_number::DialPlan;
use std::fmt;

/// Names one person at one PBX for as long as the engine lives: whoever gives ids gives each to one person only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeskId(pub u32);

impl DeskId {
    /// The one desk of a desktop that speaks to the PBX itself. What concerns the PBX as a whole is told here too.
    pub const OWN: Self = Self(0);
}

impl fmt::Display for DeskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A person's extension and phone, and the ways of the site.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Own extension, for example `101`: its calls are reported.
    pub extension: String,
    /// Own phone as Asterisk names it, for example `PJSIP/101`: it rings first when we dial.
    pub channel: String,
    /// The dialplan context that our calls start in.
    pub context: String,
    /// How caller numbers are read.
    pub dial_plan: DialPlan,
    /// How our calls are placed.
    pub placing: Placing,
    /// How calls are passed on, joined and recorded.
    pub handling: Handling,
}

impl Desk {
    /// The same phone: what is known of its calls stays worth something.
    pub(crate) fn is_same_phone(&self, other: &Self) -> bool {
        self.extension == other.extension && self.channel == other.channel
    }
}
