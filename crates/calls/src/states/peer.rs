//! Whether phones are registered.

use ami::Value;

use super::text::{cut, set, set_text};

/// The registration of an endpoint, told to users with class `system` only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peer {
    pub state: PeerState,
    /// PJSIP only: those of which something was heard, at most [`Peer::CONTACTS`].
    pub contacts: Vec<Contact>,
}

/// One phone that registered for the endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// `sip:105@192.0.2.5:5060`.
    pub uri: Box<str>,
    /// `Reachable`, `NonQualified`, `Unreachable`, `Created`, …
    pub status: Box<str>,
}

/// `PeerStatus`; with several phones it is the sum of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum PeerState {
    /// Nothing was said of the endpoint as a whole.
    #[default]
    Unknown,
    Registered,
    Unregistered,
    /// It answers; from PJSIP also that the first of its phones has registered.
    Reachable,
    /// It answers late.
    Lagged,
    /// It does not answer; from PJSIP also that the last of its phones is gone.
    Unreachable,
    /// A wrong password, or an address that may not register.
    Rejected,
}

impl Peer {
    /// Further phones of one endpoint are not remembered.
    pub const CONTACTS: usize = 16;

    /// Whether calls can reach it; `None` when the PBX has said nothing that tells.
    #[must_use]
    pub fn is_reachable(&self) -> Option<bool> {
        match self.state {
            PeerState::Registered | PeerState::Reachable | PeerState::Lagged => Some(true),
            PeerState::Unregistered | PeerState::Unreachable => Some(false),
            PeerState::Unknown | PeerState::Rejected => {
                (!self.contacts.is_empty()).then(|| self.contacts.iter().any(Contact::is_reachable))
            }
        }
    }

    /// A rejected attempt tells nothing of a phone that is registered already.
    pub(super) fn take_state(&mut self, status: Value<'_>) -> bool {
        let state = PeerState::read(status);
        let is_known = self.state != PeerState::Unknown;
        if state == PeerState::Rejected && is_known {
            return false;
        }
        set(&mut self.state, state)
    }

    pub(super) fn take_contact(&mut self, uri: Value<'_>, status: Value<'_>) -> bool {
        let text = uri.text();
        let at = self
            .contacts
            .iter()
            .position(|contact| *contact.uri == *cut(&text));
        match at {
            Some(at) if status.bytes() == b"Removed" => {
                self.contacts.remove(at);
                true
            }
            Some(at) => set_text(&mut self.contacts[at].status, status),
            None if status.bytes() == b"Removed" || self.contacts.len() >= Self::CONTACTS => false,
            None => {
                self.contacts.push(Contact {
                    uri: cut(&text).into(),
                    status: cut(&status.text()).into(),
                });
                true
            }
        }
    }
}

impl Contact {
    fn is_reachable(&self) -> bool {
        &*self.status != "Unreachable"
    }
}

impl PeerState {
    fn read(status: Value<'_>) -> Self {
        match status.bytes() {
            b"Registered" => Self::Registered,
            b"Unregistered" => Self::Unregistered,
            b"Reachable" => Self::Reachable,
            b"Lagged" => Self::Lagged,
            b"Unreachable" => Self::Unreachable,
            b"Rejected" => Self::Rejected,
            _ => Self::Unknown,
        }
    }
}
