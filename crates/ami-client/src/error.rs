//! Why there is no link, in sentences that say what to do.

use std::{io, time::Duration};

use ami::EncodeError;
use thiserror::Error;

use crate::Fingerprint;

/// Why a connection was not made, or ended.
#[derive(Debug, Error)]
pub enum LinkError {
    #[error(
        "{host} would get the AMI secret and every caller's number unencrypted: use TLS, or allow plain for this host by name"
    )]
    PlainNotAllowed { host: String },
    #[error("the name {host} is not known: check the PBX address and this computer's network")]
    UnknownHost {
        host: String,
        #[source]
        source: io::Error,
    },
    #[error(
        "nothing listens at {host}:{port}: check address and port, and that manager.conf has enabled = yes"
    )]
    Refused { host: String, port: u16 },
    #[error("{host}:{port} does not answer within {} s: check the address and firewalls between", .within.as_secs())]
    ConnectTimedOut {
        host: String,
        port: u16,
        within: Duration,
    },
    #[error("{host}:{port} cannot be reached: {source}")]
    Unreachable {
        host: String,
        port: u16,
        #[source]
        source: io::Error,
    },
    #[error("user or secret cannot be sent to Asterisk: {0}")]
    UnusableLogin(#[source] EncodeError),
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
    #[error("{host}:{port} does not speak TLS: use manager.conf's tlsbindaddr port, usually 5039")]
    NotTls { host: String, port: u16 },
    #[error("TLS with {host} failed: {why}")]
    Tls { host: String, why: String },
    #[error("{host}:{port} is not an Asterisk manager interface: it begins with \"{line}\"")]
    NotAsterisk {
        host: String,
        port: u16,
        line: String,
    },
    #[error(
        "{host} runs Asterisk 11 or older, which tells too little about calls: 13 or newer is needed"
    )]
    TooOld { host: String },
    #[error("Asterisk refuses user {username}: {message}; check name and secret in manager.conf")]
    LoginRefused { username: String, message: String },
    #[error(
        "{host}:{port} does not answer like an Asterisk within {} s: check the port; one for TLS says nothing without TLS",
        .within.as_secs()
    )]
    LoginTimedOut {
        host: String,
        port: u16,
        within: Duration,
    },
    #[error("nothing heard from Asterisk for {} s", .0.as_secs())]
    Silent(Duration),
    #[error("Asterisk closed the connection")]
    Closed,
    #[error("the connection to Asterisk broke: {0}")]
    Broken(#[source] io::Error),
    #[error("the settings changed")]
    Reconfigured,
}
