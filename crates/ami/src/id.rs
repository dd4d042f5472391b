//! Owned ids of Asterisk, each its own type so that none is taken for another.

use std::{borrow::Borrow, fmt};

use crate::Value;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The id as Asterisk writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into_boxed_str())
            }
        }

        impl From<Value<'_>> for $name {
            fn from(value: Value<'_>) -> Self {
                Self(value.text().into())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
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

id! {
    /// Names one channel for as long as Asterisk runs: `lab-1795228723.3`, or what an Originate gave as `ChannelId`.
    Uniqueid
}
id! {
    /// Shared by related channels. It changes silently in transfers and pickups: read it anew from each event.
    Linkedid
}
id! {
    /// A channel's name: `PJSIP/101-0000001a`, `Local/103@internal-00000002;1`. A Rename changes it.
    ChannelName
}
id! {
    /// A bridge's unique id, where channels exchange media.
    BridgeId
}
id! {
    /// What is dialled inside a context: `101`.
    Extension
}

impl ChannelName {
    /// The part before the last `-`: `PJSIP/101`, the endpoint that the channel belongs to.
    pub fn endpoint(&self) -> &str {
        self.0.rsplit_once('-').map_or(&*self.0, |(head, _)| head)
    }

    /// Says whether this is one half of a Local pair.
    pub fn is_local(&self) -> bool {
        self.0.starts_with("Local/")
    }
}

/// Ties a reply to the action that asked for it; unique over all sessions of this program and, by its seed, over
/// those of others on the same Asterisk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId {
    pub(crate) session: u64,
    pub(crate) sequence: u32,
}

impl ActionId {
    pub(crate) const ZERO: Self = Self {
        session: 0,
        sequence: 0,
    };

    /// Reads the text form back; `None` when some other program made it.
    pub fn parse(text: &str) -> Option<Self> {
        let (session, sequence) = text.split_once('-')?;
        let id = Self {
            session: u64::from_str_radix(session, 16).ok()?,
            sequence: sequence.parse().ok()?,
        };
        (session.len() == 16 && id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.session, self.sequence)
    }
}

impl fmt::Debug for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActionId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn action_id_is_read_back_from_its_text_only() {
        let id = ActionId {
            session: 0xfeed,
            sequence: 7,
        };
        assert_eq!(ActionId::parse(&id.to_string()), Some(id));
        for foreign in [
            "7",
            "a1",
            "feed-7",
            "000000000000feed-07",
            "000000000000FEED-7",
        ] {
            assert_eq!(ActionId::parse(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn channel_name_tells_its_endpoint() {
        assert_eq!(
            ChannelName::from("PJSIP/a-b-0000001a").endpoint(),
            "PJSIP/a-b"
        );
        assert!(ChannelName::from("Local/103@internal-00000002;1").is_local());
    }
}
