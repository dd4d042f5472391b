//! Why Asterisk refused an action: its words, which differ in full stops and endings between versions, as a type.

use std::borrow::Cow;

/// What an Error says.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    Other(Cow<'a, str>),
}

impl<'a> Refusal<'a> {
    /// Reads the header `Message` of an Error.
    pub fn new(words: impl Into<Cow<'a, str>>) -> Self {
        let words = words.into();
        let begins = |known: &[&str]| known.iter().any(|known| words.starts_with(known));
        if begins(&["Permission denied"]) {
            Self::PermissionDenied
        } else if begins(&["Originate Access Forbidden"]) {
            Self::OriginateForbidden
        } else if begins(&[
            "No such channel",
            "Channel does not exist",
            "Channel not existent",
            "Channel specified does not exist",
        ]) {
            Self::NoSuchChannel
        } else if begins(&["Extension does not exist"]) {
            Self::NoSuchExtension
        } else if begins(&["Invalid/unknown command"]) {
            Self::UnknownAction
        } else {
            Self::Other(words)
        }
    }

    /// What Asterisk says, without the ends that differ.
    pub fn words(&self) -> &str {
        match self {
            Self::PermissionDenied => "Permission denied",
            Self::OriginateForbidden => "Originate Access Forbidden",
            Self::NoSuchChannel => "No such channel",
            Self::NoSuchExtension => "Extension does not exist",
            Self::UnknownAction => "Invalid/unknown command",
            Self::Other(words) => words,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_every_version_are_known() {
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
            assert_eq!(Refusal::new(words), meant, "{words}");
        }
        assert!(matches!(
            Refusal::new("No active conferences."),
            Refusal::Other(_)
        ));
    }
}
