//! Texts that nobody may read again: neither `Debug` nor the printed configuration shows them.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A password, token or address with one in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secret(SecretString);

impl Secret {
    #[must_use]
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned().into())
    }

    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.expose_secret().is_empty()
    }

    #[must_use]
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    #[must_use]
    pub(crate) fn secret(&self) -> SecretString {
        self.0.clone()
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self::new(&String::deserialize(from)?))
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let text = self.expose();
        // The place of a SQLite file is no secret; whatever may hold a password is.
        match text.is_empty() || text.starts_with("sqlite:") {
            true => to.serialize_str(text),
            false => to.serialize_str("(set)"),
        }
    }
}
