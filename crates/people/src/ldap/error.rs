//! What can go wrong with a directory, said so that an administrator knows what to do.

use super::{LdapConfig, Security};

/// Why a directory gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum LdapError {
    #[error(
        "passwords would go to {host} in the clear: use ldaps or StartTLS, or allow a plain line in the settings"
    )]
    Plain { host: String },
    #[error(
        "the directory at {host}:{port} does not answer ({why}): is it running there, does a firewall let us through?"
    )]
    Away {
        host: String,
        port: u16,
        why: String,
    },
    #[error("the directory at {host} did not answer within {seconds} s")]
    Late { host: String, seconds: u64 },
    #[error(
        "the line to the directory cannot be protected: {0}; if it has a certificate of your own authority, name that authority's file, and address the directory by the name in its certificate"
    )]
    Tls(String),
    #[error("the directory at {host} wants a protected line: use ldaps or StartTLS")]
    WantsTls { host: String },
    #[error("the directory refused the account {bind} or its password")]
    Refused { bind: String },
    #[error("the directory has no {base}, or the account {bind} may not see it")]
    NoBase { base: String, bind: String },
    #[error("the filter of the settings is not an LDAP filter: {filter}")]
    Filter { filter: String },
    #[error("the filter finds more than {most} entries: narrow it")]
    TooMany { most: usize },
    #[error(
        "the directory gives the account {bind} {got} entries and no more: raise its size limit for that account"
    )]
    ServerLimit { got: usize, bind: String },
    #[error("the directory answered with code {code}: {text}")]
    Said { code: u32, text: String },
}

impl LdapError {
    /// What the library says of the line, in our words.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a foreign enum: what is not named here needs no sentence of its own"
    )]
    pub(super) fn of_line(config: &LdapConfig, failed: ldap3::LdapError) -> Self {
        use ldap3::LdapError as Theirs;
        let away = |why: String| Self::Away {
            host: config.host.clone(),
            port: config.port,
            why,
        };
        match failed {
            // A failed handshake is an IO error with rustls' words in it.
            Theirs::Io { source } if is_handshake(config, &source) => Self::Tls(source.to_string()),
            Theirs::Io { source } => away(source.to_string()),
            Theirs::Timeout { .. } => Self::Late {
                host: config.host.clone(),
                seconds: config.deadline.as_secs(),
            },
            Theirs::FilterParsing => Self::Filter {
                filter: config.filter.clone(),
            },
            Theirs::LdapResult { result } => Self::Said {
                code: result.rc,
                text: result.text,
            },
            Theirs::Rustls { source } => Self::Tls(source.to_string()),
            Theirs::DNSName { .. } => Self::Tls(format!(
                "{} is not a name that a certificate can have",
                config.host
            )),
            other => away(other.to_string()),
        }
    }
}

fn is_handshake(config: &LdapConfig, failed: &std::io::Error) -> bool {
    config.security != Security::Plain && failed.kind() == std::io::ErrorKind::InvalidData
}
