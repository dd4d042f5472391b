//! Who works here and may sign in: FreePBX's database, LDAP, OpenID Connect.
//!
//! [`freepbx`] and [`ldap`] list the people, [`ldap`] and [`oidc`] prove who someone is. Nothing is
//! kept here: every call opens its own connection, has a deadline and a bound, and closes it.
#![forbid(unsafe_code)]

pub mod freepbx;
pub mod ldap;
pub mod oidc;
mod tls;

pub use tls::TlsError;

use serde::{Deserialize, Serialize};

/// More people than this are taken for a mistake in the settings, such as a filter that lists machines.
pub const MOST_PEOPLE: usize = 100_000;

/// Someone whom a source knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Stays the same in the source when name, login and extension change.
    pub key: String,
    /// What is typed to sign in.
    pub login: String,
    /// As colleagues read it; the login where the source has none.
    pub name: String,
    /// What colleagues dial.
    pub extension: Option<String>,
    /// What Asterisk dials, e.g. `PJSIP/101`.
    pub channel: Option<String>,
    pub email: Option<String>,
    /// Names of groups, sorted, each once.
    pub groups: Vec<String>,
}

/// Text without blanks around it; `None` where nothing is left.
fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Sorted, each once, none empty.
fn tidy(mut groups: Vec<String>) -> Vec<String> {
    groups.retain(|group| !group.trim().is_empty());
    groups.sort();
    groups.dedup();
    groups
}

/// Whether that name means this very machine, where nobody else can listen.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
