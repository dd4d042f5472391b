//! Why Asterisk refused an action: its words, which differ in full stops and endings between versions, as a type.

use crate::Value;

/// What an Error says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal<'a> {
    /// The user's write classes do not give the action.
    PermissionDenied,
    /// The class is there, but this Originate would run a program: Asterisk 13 to 23.
    OriginateForbidden,
    /// The channel has ended, or never was.
    NoSuchChannel,
    /// The context does not know the extension.
    NoSuchExtension,
    /// This Asterisk does not have the action, or not the module.
    UnknownAction,
    /// Anything else; Asterisk's own words, which may hold a number.
    Other(Value<'a>),
}

impl<'a> Refusal<'a> {
    pub(crate) fn read(message: Value<'a>) -> Self {
        let words = message.bytes();
        let begins = |known: &[&[u8]]| known.iter().any(|known| words.starts_with(known));
        if begins(&[b"Permission denied"]) {
            Self::PermissionDenied
        } else if begins(&[b"Originate Access Forbidden"]) {
            Self::OriginateForbidden
        } else if begins(&[
            b"No such channel",
            b"Channel does not exist",
            b"Channel not existent",
            b"Channel specified does not exist",
        ]) {
            Self::NoSuchChannel
        } else if begins(&[b"Extension does not exist"]) {
            Self::NoSuchExtension
        } else if begins(&[b"Invalid/unknown command"]) {
            Self::UnknownAction
        } else {
            Self::Other(message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Charset;

    #[test]
    fn the_words_of_every_version_are_known() {
        let read =
            |words: &'static str| Refusal::read(Value::plain(words.as_bytes(), Charset::default()));
        for (words, meant) in [
            ("Permission denied", Refusal::PermissionDenied),
            (
                "Originate Access Forbidden: app or data blacklisted",
                Refusal::OriginateForbidden,
            ),
            (
                "Originate Access Forbidden: Application",
                Refusal::OriginateForbidden,
            ),
            ("No such channel", Refusal::NoSuchChannel),
            ("Channel specified does not exist", Refusal::NoSuchChannel),
            ("Extension does not exist", Refusal::NoSuchExtension),
            ("Extension does not exist.", Refusal::NoSuchExtension),
            (
                "Invalid/unknown command: NoSuchAction. Use Action: ListCommands to show available commands.",
                Refusal::UnknownAction,
            ),
        ] {
            assert_eq!(read(words), meant, "{words}");
        }
        assert!(matches!(read("No active conferences."), Refusal::Other(_)));
    }
}
