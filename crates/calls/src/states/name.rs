//! Names under which the PBX speaks of things, each its own type so that none is taken for another.

use std::{borrow::Borrow, fmt};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The name as Asterisk writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), &self.0)
            }
        }
    };
}

name! {
    /// What has a device state: `PJSIP/101`, `Custom:DND101`, `Queue:400`, `park:701@parkedcalls`.
    DeviceName
}
name! {
    /// A presence provider and whom it speaks of: `CustomPresence:101`.
    Presentity
}
name! {
    /// What registers: `PJSIP/101`, `SIP/201`.
    EndpointName
}
name! {
    /// `103@default`.
    MailboxName
}
name! {
    /// `support`, `400`.
    QueueName
}
name! {
    /// What a queue dials to reach a member: `PJSIP/102`, `Local/103@from-queue/n`.
    Interface
}

/// Two names as one key, sorted by the first: an extension and its context, a queue and a member's interface.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair(Box<str>);

/// Below every character that a name has, so that all pairs of a name directly follow the name itself.
const BETWEEN: char = '\n';

impl Pair {
    /// Writes the key into `buffer`, which lives on so that no event costs memory.
    pub(super) fn write<'b>(buffer: &'b mut String, first: &str, second: &str) -> &'b str {
        buffer.clear();
        buffer.push_str(first);
        buffer.push(BETWEEN);
        buffer.push_str(second);
        buffer
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn first(&self) -> &str {
        self.0.split_once(BETWEEN).map_or(&*self.0, |pair| pair.0)
    }

    pub(super) fn second(&self) -> &str {
        self.0.split_once(BETWEEN).map_or("", |pair| pair.1)
    }
}

impl From<&str> for Pair {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl Borrow<str> for Pair {
    fn borrow(&self) -> &str {
        &self.0
    }
}
