//! Why there is no line, in sentences that say what to do.

use crate::Fingerprint;
use std::{io, time::Duration};
use wire::Failure;

/// Why a connection was not made, or ended. Each reads as a sentence without its dot.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("{host} would get the token and every caller's number unencrypted: use https://")]
    PlainNotAllowed { host: String },
    #[error("the name {host} is not known: check the server's address and this computer's network")]
    UnknownHost {
        host: String,
        #[source]
        source: io::Error,
    },
    #[error("nothing listens at {at}: check the server's address, and that it runs")]
    Refused { at: String },
    #[error("{at} does not answer within {} s: check the address and firewalls between", .within.as_secs())]
    ConnectTimedOut { at: String, within: Duration },
    #[error("{at} cannot be reached: {source}")]
    Unreachable {
        at: String,
        #[source]
        source: io::Error,
    },
    #[error("the certificate authority file {path} cannot be used: {why}")]
    CaFile { path: String, why: String },
    #[error(
        "this computer trusts no certificate authority at all: name a CA file or pin the certificate"
    )]
    NoSystemRoots,
    #[error("the certificate of {host} is not the pinned one; it has SHA-256 {found}")]
    PinMismatch { host: String, found: Fingerprint },
    #[error("the certificate is not made for the name {host}: use its name, or pin it")]
    CertificateName { host: String },
    #[error(
        "the certificate of {host} is not signed by a trusted authority: name its CA file or pin it"
    )]
    CertificateUntrusted { host: String },
    #[error(
        "the certificate of {host} is not valid at this computer's date: renew it, or set the clock"
    )]
    CertificateExpired { host: String },
    #[error("{host} does not speak TLS at this port")]
    NotTls { host: String },
    #[error("TLS with {host} failed: {why}")]
    Tls { host: String, why: String },
    #[error("this is not a Sidetone server: {at} {what}")]
    NotSidetone { at: String, what: String },
    #[error("{at} answered “{status}”: the server or what stands before it is in trouble")]
    Status { at: String, status: String },
    #[error("{}", .0.message.trim_end_matches('.'))]
    Goodbye(Failure),
    #[error("nothing heard from the server for {} s", .0.as_secs())]
    Silent(Duration),
    #[error("the server closed the connection")]
    Closed,
    #[error("the connection to the server broke: {0}")]
    Broken(String),
    #[error("what the server sent was not understood: {0}")]
    NotUnderstood(String),
}
