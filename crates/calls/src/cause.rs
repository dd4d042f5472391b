//! Why a channel ended: the Q.850 cause as Asterisk reports it, and what it means in words.

use std::fmt;

/// Hangup cause (ITU-T Q.850 and the few that Asterisk adds, `include/asterisk/causes.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cause(pub u16);

impl Cause {
    pub const UNKNOWN: Self = Self(0);
    pub const UNALLOCATED: Self = Self(1);
    pub const NORMAL: Self = Self(16);
    pub const BUSY: Self = Self(17);
    pub const NO_RESPONSE: Self = Self(18);
    pub const NO_ANSWER: Self = Self(19);
    /// "Subscriber absent": the phone is not registered.
    pub const NOT_REGISTERED: Self = Self(20);
    pub const REJECTED: Self = Self(21);
    pub const ANSWERED_ELSEWHERE: Self = Self(26);

    /// The number itself is wrong: another attempt will not help.
    #[must_use]
    pub fn is_no_such_number(self) -> bool {
        matches!(self.0, 1 | 2 | 3 | 22 | 28)
    }

    /// The phone refused: it was busy or somebody pressed reject.
    #[must_use]
    pub fn is_busy(self) -> bool {
        matches!(self, Self::BUSY | Self::REJECTED)
    }

    /// Rang, or was looked for, without an answer.
    #[must_use]
    pub fn is_no_answer(self) -> bool {
        matches!(self, Self::NO_RESPONSE | Self::NO_ANSWER)
    }

    /// Whether it says anything at all: 0, a normal end, "answered elsewhere" (given to losers, timeouts and
    /// abandoned legs alike by Dial's option `c`) and "interworking" (the caller gave up) do not.
    #[must_use]
    pub fn is_telling(self) -> bool {
        !matches!(self.0, 0 | 16 | 26 | 31 | 127)
    }

    /// The cause in plain words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self.0 {
            0 => "no reason given",
            1 => "the number does not exist",
            2 | 3 => "no route to the number",
            6 => "channel unacceptable",
            16 => "normal end",
            17 => "busy",
            18 => "the phone did not respond",
            19 => "nobody answered",
            20 => "the phone is not registered",
            21 => "the call was rejected",
            22 => "the number has changed",
            26 => "answered elsewhere",
            27 => "the destination is out of order",
            28 => "the number is incomplete or badly formed",
            29 => "the other side does not support this",
            30 => "answer to a status enquiry",
            31 => "normal, unspecified",
            34 => "all lines are busy",
            38 => "the network is out of order",
            41 => "temporary failure of the network",
            42 => "the exchange is overloaded",
            44 => "the requested line is not available",
            47 => "no resources left",
            50 | 69 => "the service is not subscribed or not there",
            52 | 54 | 57 | 87 => "calls of this kind are not allowed",
            58 => "the service is not available now",
            63 => "the service is not available",
            65 | 79 => "the other side cannot do this",
            66 => "this kind of channel cannot be used",
            81 | 95..=101 | 111 => "the exchanges did not understand each other",
            88 => "the two phones have no common language",
            102 => "a timer of the network ran out",
            127 => "ended without a stated reason",
            _ => "an unusual reason",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.words(), self.0)
    }
}
