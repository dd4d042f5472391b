//! Ids: 128 random bits in hexadecimal where the store makes them, any text where the caller does.

use ring::rand::{SecureRandom as _, SystemRandom};
use std::fmt::Write as _;

/// Declares an id: a text that cannot be taken for another id.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new id that nobody can guess.
            pub fn fresh() -> Self {
                Self(random_text())
            }

            /// The id as it is stored and sent.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A call in the log.
    CallId
);
id!(
    /// Somebody who works here.
    UserId
);
id!(
    /// A desktop or a browser that is signed in.
    DeviceId
);
id!(
    /// A line of the missed-call board.
    ItemId
);
id!(
    /// Somebody else's address that wants to hear of events.
    SubscriptionId
);

fn random_text() -> String {
    let mut bytes = [0_u8; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the system gives random bytes");
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_ids_differ() {
        assert_ne!(CallId::fresh(), CallId::fresh());
        assert_eq!(CallId::fresh().as_str().len(), 32);
    }
}
