//! What can go wrong with a CardDAV server, said so that the reader knows what to do.

use super::http::Failed;
use crate::{SourceError, SourceErrorKind as Kind, clean};
use ::http::StatusCode;
use std::time::Duration;

pub(super) fn broken(words: impl Into<String>) -> SourceError {
    error(Kind::Broken, words)
}

pub(super) fn plain(host: &str) -> SourceError {
    broken(format!(
        "the password would go to {host} in the clear: use https, or allow plain http in the settings"
    ))
}

pub(super) fn address() -> SourceError {
    broken("the address must be like https://cloud.firm.example/dav/")
}

pub(super) fn login_in_address() -> SourceError {
    broken("login and password have fields of their own: take them out of the address")
}

pub(super) fn elsewhere(host: &str, there: &str) -> SourceError {
    broken(format!(
        "{host} sends us on to {}: if that is right, give that address in the settings",
        clean::line(there, clean::MAX_NAME)
    ))
}

pub(super) fn page(host: &str) -> SourceError {
    broken(format!(
        "{host} answers with a web page: is this the address for CardDAV, as the server's settings or manual name it?"
    ))
}

pub(super) fn no_book(host: &str, user: &str) -> SourceError {
    broken(format!(
        "{host} has no address book of {}: make one there, or give the address of an address book",
        who(user)
    ))
}

pub(super) fn too_large(limit: usize) -> SourceError {
    broken(format!(
        "the address books are larger than {} MB: give the address of a smaller one",
        limit / 1_000_000
    ))
}

pub(super) fn tls(host: &str, why: &str) -> SourceError {
    broken(format!(
        "the line to {host} cannot be protected: {why}; if its certificate is of your own authority, name that authority's \
         file, and address the server by the name in its certificate"
    ))
}

pub(super) fn away(host: &str, why: &str) -> SourceError {
    error(
        Kind::Away,
        format!(
            "{host} does not answer ({}): is it running, does a firewall let us through?",
            clean::line(why, clean::MAX_NOTE)
        ),
    )
}

pub(super) fn late(host: &str, deadline: Duration) -> SourceError {
    let seconds = deadline.as_secs_f32();
    error(
        Kind::TooSlow,
        format!("{host} did not answer within {seconds} s"),
    )
}

pub(super) fn login(host: &str, user: &str) -> SourceError {
    error(
        Kind::Login,
        format!(
            "{host} refused {} or the password; some servers want a password made for programs",
            who(user)
        ),
    )
}

pub(super) fn busy(host: &str, retry_after: Option<Duration>) -> SourceError {
    error(
        Kind::Limited { retry_after },
        format!("{host} wants to be asked less often"),
    )
}

/// What is left over when nothing else could be made of it.
pub(super) fn of_failed(host: &str, user: &str, failed: Failed) -> SourceError {
    match failed {
        Failed::Source(error) => error,
        Failed::Status(StatusCode::FORBIDDEN) => error(
            Kind::Login,
            format!("{host} does not let {} read the address book", who(user)),
        ),
        Failed::Status(status) if status.is_server_error() => error(
            Kind::Away,
            format!("{host} has trouble of its own: it answered {status}"),
        ),
        Failed::Status(StatusCode::NOT_FOUND) => no_book(host, user),
        Failed::Status(status) => broken(format!(
            "{host} answered {status}: is this the address for CardDAV?"
        )),
        Failed::Page => page(host),
        Failed::TooLarge(limit) => too_large(limit),
        Failed::OldToken => broken(format!("{host} forgets what it told before")),
        Failed::Unreadable(why) => broken(format!(
            "{host} answered something that cannot be read ({}): is this the address for CardDAV?",
            clean::line(&why, clean::MAX_NAME)
        )),
    }
}

/// While a copy is there.
pub(super) fn of_old(trouble: SourceError, is_copied: bool) -> SourceError {
    match is_copied {
        true => SourceError {
            words: trouble.words + "; people are known as they were before",
            ..trouble
        },
        false => trouble,
    }
}

fn who(user: &str) -> String {
    match user.is_empty() {
        true => "a visitor without login".to_owned(),
        false => format!("the login {user}"),
    }
}

fn error(kind: Kind, words: impl Into<String>) -> SourceError {
    SourceError {
        kind,
        words: words.into(),
    }
}
