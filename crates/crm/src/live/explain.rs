//! Why a request got no answer, in words.

use super::resolve::Forbidden;
use crate::world::Failure;
use std::{error::Error, io};
use tokio_rustls::rustls::{self, CertificateError, InvalidMessage};

/// Never with the address, whose query may hold a secret.
pub(super) fn failure(error: &reqwest::Error) -> Failure {
    if error.is_timeout() && !error.is_connect() {
        return Failure::TooSlow;
    }
    let mut reason: &(dyn Error + 'static) = error;
    loop {
        if let Some(forbidden) = reason.downcast_ref::<Forbidden>() {
            return Failure::Unusable(forbidden.0.clone());
        }
        if let Some(words) = of_tls(reason) {
            return Failure::Away(words);
        }
        match reason.source() {
            Some(source) => reason = source,
            None => break,
        }
    }
    if error.is_dns() {
        return Failure::Away(
            "its name is not known: see the address, and whether this computer has a network"
                .into(),
        );
    }
    if error.is_timeout() {
        return Failure::Away("it cannot be reached: no answer to the attempt to connect".into());
    }
    let words = match reason.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => {
            "it cannot be reached: nothing listens at this address and port".to_owned()
        }
        Some(_) | None if error.is_connect() => format!("it cannot be reached: {reason}"),
        Some(_) | None => format!("the connection broke: {reason}"),
    };
    Failure::Away(words)
}

/// IO errors hold the one of TLS, also one in another, without naming it as their source.
fn of_tls(reason: &(dyn Error + 'static)) -> Option<String> {
    let mut inner = reason;
    while let Some(held) = inner
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        inner = held;
    }
    let error = inner.downcast_ref::<rustls::Error>()?;
    if let rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) = error {
        return Some(
            "it answers without TLS: it probably speaks http:// and not https:// at this port"
                .into(),
        );
    }
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return Some(format!("TLS does not work with it: {error}"));
    };
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the many ways in which a certificate is malformed differ for nobody"
    )]
    Some(match certificate {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is signed by an authority that this computer does not know; name the authority's file in the settings, if the firm has one of its own".into()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name: the address is wrong, or somebody stands between".into()
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => {
            "its certificate is over or not yet valid: see the clocks of both sides".into()
        }
        other => format!("its certificate cannot be used: {other}"),
    })
}
