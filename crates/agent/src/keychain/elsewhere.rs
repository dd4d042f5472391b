//! Windows and macOS: the keychain is part of the system and always there.

pub(super) fn entry(service: &str, user: &str) -> keyring::Result<keyring::Entry> {
    keyring::Entry::new(service, user)
}

/// It is opened with the session.
pub(super) fn is_locked() -> Option<bool> {
    None
}
