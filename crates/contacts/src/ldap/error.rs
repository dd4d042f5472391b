//! What can go wrong with a directory, said so that an administrator knows what to do.

use super::{LdapConfig, line::Address};
use crate::{SourceError, SourceErrorKind as Kind, clean};
use ldap3::LdapError as Theirs;

// Result codes of RFC 4511.
pub(super) const SUCCESS: u32 = 0;
const TIME_LIMIT: u32 = 3;
pub(super) const SIZE_LIMIT: u32 = 4;
const STRONGER_AUTHENTICATION: u32 = 8;
const ADMIN_LIMIT: u32 = 11;
const CONFIDENTIALITY_REQUIRED: u32 = 13;
const NO_SUCH_OBJECT: u32 = 32;
const INAPPROPRIATE_AUTHENTICATION: u32 = 48;
const INVALID_CREDENTIALS: u32 = 49;
const INSUFFICIENT_RIGHTS: u32 = 50;
const BUSY: u32 = 51;
const UNAVAILABLE: u32 = 52;

pub(super) fn settings(words: impl Into<String>) -> SourceError {
    error(Kind::Broken, words)
}

pub(super) fn plain(host: &str) -> SourceError {
    settings(format!(
        "the password would go to {host} in the clear: use ldaps or StartTLS, or allow a plain line in the settings"
    ))
}

pub(super) fn no_password(bind: &str) -> SourceError {
    error(
        Kind::Login,
        format!("the password of the account {bind} is missing"),
    )
}

pub(super) fn tls(why: &str) -> SourceError {
    error(
        Kind::Broken,
        format!(
            "the line to the directory cannot be protected: {why}; if it has a certificate of your own authority, name that \
             authority's file, and address the directory by the name in its certificate"
        ),
    )
}

pub(super) fn late(address: &Address, config: &LdapConfig) -> SourceError {
    let seconds = config.deadline.as_secs_f32();
    let host = &address.host;
    error(
        Kind::TooSlow,
        format!("the directory at {host} did not answer within {seconds} s"),
    )
}

pub(super) fn away(address: &Address, why: &str) -> SourceError {
    let Address { host, port, .. } = address;
    error(
        Kind::Away,
        format!(
            "the directory at {host}:{port} does not answer ({}): is it running there, does a firewall let us through?",
            said(why)
        ),
    )
}

pub(super) fn nobody(config: &LdapConfig) -> SourceError {
    let LdapConfig {
        base, bind, filter, ..
    } = config;
    settings(format!(
        "the directory answers, but {} finds nobody below {base} for the filter {filter}",
        account(bind)
    ))
}

/// None of those that came was the one, and there are more.
pub(super) fn cut(config: &LdapConfig, got: usize) -> SourceError {
    settings(format!(
        "the directory gives {} {got} entries and no more, and none of them has this number: raise its size limit",
        account(&config.bind)
    ))
}

/// What the directory said to a bind.
pub(super) fn of_bind(
    address: &Address,
    config: &LdapConfig,
    code: u32,
    text: &str,
) -> SourceError {
    let refused = [
        INVALID_CREDENTIALS,
        INAPPROPRIATE_AUTHENTICATION,
        NO_SUCH_OBJECT,
        INSUFFICIENT_RIGHTS,
    ];
    if refused.contains(&code) {
        let account = account(&config.bind);
        return error(
            Kind::Login,
            format!(
                "the directory refused {account} or its password{}",
                quoted(text)
            ),
        );
    }
    of_code(address, config, code, text)
}

/// What the directory said to a search.
pub(super) fn of_code(
    address: &Address,
    config: &LdapConfig,
    code: u32,
    text: &str,
) -> SourceError {
    let host = &address.host;
    let account = account(&config.bind);
    match code {
        STRONGER_AUTHENTICATION | CONFIDENTIALITY_REQUIRED => error(
            Kind::Login,
            format!("the directory at {host} wants a protected line: use ldaps or StartTLS"),
        ),
        // What Active Directory says to nobody in particular is an operations error.
        1 | INSUFFICIENT_RIGHTS => error(
            Kind::Login,
            format!("{account} may not search there{}", quoted(text)),
        ),
        NO_SUCH_OBJECT => settings(format!(
            "the directory has no {}, or {account} may not see it",
            config.base
        )),
        TIME_LIMIT | ADMIN_LIMIT => error(
            Kind::TooSlow,
            format!(
                "the directory gave up the search{}: index the attributes with numbers, or narrow the base",
                quoted(text)
            ),
        ),
        BUSY => error(Kind::Limited { retry_after: None }, "the directory is busy"),
        UNAVAILABLE => error(
            Kind::Away,
            format!("the directory is not available{}", quoted(text)),
        ),
        other => settings(format!(
            "the directory answered with code {other}{}",
            quoted(text)
        )),
    }
}

/// What the library says of the line, in our words.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a foreign enum: what is not named here needs no sentence of its own"
)]
pub(super) fn of_line(address: &Address, config: &LdapConfig, failed: Theirs) -> SourceError {
    match failed {
        // A failed handshake is an IO error with rustls' words in it.
        Theirs::Io { source } if address.is_handshake(&source) => tls(&source.to_string()),
        Theirs::Timeout { .. } => late(address, config),
        Theirs::FilterParsing => settings(format!(
            "the filter of the settings is not an LDAP filter: {}",
            config.filter
        )),
        Theirs::LdapResult { result } => of_code(address, config, result.rc, &result.text),
        Theirs::Rustls { source } => tls(&source.to_string()),
        Theirs::DNSName { .. } => tls(&format!(
            "{} is not a name that a certificate can have",
            address.host
        )),
        other => away(address, &other.to_string()),
    }
}

fn account(bind: &str) -> String {
    match bind.is_empty() {
        true => "nobody in particular".to_owned(),
        false => format!("the account {bind}"),
    }
}

/// `: “the words”`, where there are any.
fn quoted(text: &str) -> String {
    match said(text) {
        words if words.is_empty() => words,
        words => format!(" (it says: {words})"),
    }
}

fn said(text: &str) -> String {
    clean::line(text, clean::MAX_NOTE)
}

fn error(kind: Kind, words: impl Into<String>) -> SourceError {
    SourceError {
        kind,
        words: words.into(),
    }
}
