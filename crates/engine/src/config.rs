//! Which PBX, as whom, and which phone is ours.

use crate::Desk;
use secrecy::{ExposeSecret, SecretString};

/// Everything that the engine of one person must be told before it can connect.
#[derive(Clone, Debug)]
pub struct Config {
    pub pbx: Pbx,
    pub desk: Desk,
}

/// Where the manager interface is and who logs in.
#[derive(Clone, Debug)]
pub struct Pbx {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// User of `manager.conf`.
    pub user: String,
    pub secret: SecretString,
    /// Single-byte charset of texts that are no UTF-8, for example `windows-1251`; empty: none.
    pub charset: String,
}

/// How the connection is protected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// Plain text, to this machine only.
    #[default]
    Off,
    /// Plain text, wherever it goes.
    PlainAllowed,
    /// Certificates that the system trusts.
    System,
    /// A certificate authority of one's own, PEM file.
    Ca { file: String },
    /// The certificate with exactly this SHA-256 fingerprint, in hex; colons and spaces are allowed.
    Pin { sha256: String },
}

impl Pbx {
    /// The same phone system: what is known of its calls stays worth something.
    pub(crate) fn is_same_place(&self, other: &Self) -> bool {
        (self.host.as_str(), self.port) == (other.host.as_str(), other.port)
    }

    /// An open connection can stay.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let is_same_user =
            self.user == other.user && self.secret.expose_secret() == other.secret.expose_secret();
        let is_same_way = self.tls == other.tls && self.charset == other.charset;
        is_same_user && is_same_way && self.is_same_place(other)
    }
}
