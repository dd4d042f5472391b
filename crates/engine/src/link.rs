//! From our settings to a link, and from what the link says to what is told.

use crate::{Connection, Pbx, Tls, words};
use ami::{Charset, FieldValue};
use ami_client::{Fingerprint, LinkConfig, LinkError, Transport, Trust};
use std::time::Duration;

/// Checks what the settings say of the PBX; the error is a sentence.
pub(crate) fn link_config(pbx: &Pbx) -> Result<LinkConfig, String> {
    if pbx.host.trim().is_empty() {
        return Err("The address of the phone system is missing.".into());
    }
    let transport = match &pbx.tls {
        Tls::Off => Transport::Plain {
            allow_plain_to: None,
        },
        Tls::PlainAllowed => Transport::Plain {
            allow_plain_to: Some(pbx.host.clone()),
        },
        Tls::System => Transport::Tls(Trust::System),
        Tls::Ca { file } => Transport::Tls(Trust::CaFile(file.into())),
        Tls::Pin { sha256 } => {
            let pin = Fingerprint::parse(sha256)
                .ok_or("The certificate's SHA-256 fingerprint must have 64 hexadecimal digits.")?;
            Transport::Tls(Trust::Pin(pin))
        }
    };
    let username = FieldValue::new(pbx.user.as_str())
        .map_err(|why| format!("The AMI user cannot be used: {why}."))?;
    let charset = match pbx.charset.trim() {
        "" => Charset::default(),
        name => Charset::named(name).ok_or_else(|| {
            format!("“{name}” is not a single-byte charset such as windows-1251.")
        })?,
    };
    Ok(LinkConfig {
        host: pbx.host.clone(),
        port: pbx.port,
        transport,
        username,
        secret: pbx.secret.clone(),
        charset,
    })
}

/// How the line stands after this.
pub(crate) fn after(why: &LinkError, retry_in: Duration) -> Connection {
    let words = words::sentence(&why.to_string());
    if needs_a_person(why) {
        Connection::Refused { words }
    } else {
        Connection::Away { words, retry_in }
    }
}

/// Trying again will not help before somebody has changed something.
fn needs_a_person(why: &LinkError) -> bool {
    match why {
        LinkError::PlainNotAllowed { .. }
        | LinkError::CaFile { .. }
        | LinkError::NoSystemRoots
        | LinkError::PinMismatch { .. }
        | LinkError::CertificateName { .. }
        | LinkError::CertificateUntrusted { .. }
        | LinkError::CertificateExpired { .. }
        | LinkError::NotTls { .. }
        | LinkError::UnusableLogin(_)
        | LinkError::NotAsterisk { .. }
        | LinkError::TooOld { .. }
        | LinkError::LoginRefused { .. } => true,
        LinkError::UnknownHost { .. }
        | LinkError::Refused { .. }
        | LinkError::ConnectTimedOut { .. }
        | LinkError::Unreachable { .. }
        | LinkError::Tls { .. }
        | LinkError::LoginTimedOut { .. }
        | LinkError::Silent(_)
        | LinkError::Closed
        | LinkError::Broken(_)
        | LinkError::Reconfigured => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pbx(tls: Tls, charset: &str) -> Pbx {
        Pbx {
            host: "pbx.example".into(),
            port: 5038,
            tls,
            user: "sidetone".into(),
            secret: "s".to_owned().into(),
            charset: charset.into(),
        }
    }

    #[test]
    fn settings_that_cannot_work_get_a_sentence() {
        let short_pin = Tls::Pin {
            sha256: "ab:cd".into(),
        };
        let words = link_config(&pbx(short_pin, "")).unwrap_err();
        assert_eq!(
            words,
            "The certificate's SHA-256 fingerprint must have 64 hexadecimal digits."
        );
        let words = link_config(&pbx(Tls::Off, "klingon")).unwrap_err();
        assert_eq!(
            words,
            "“klingon” is not a single-byte charset such as windows-1251."
        );
        assert!(link_config(&pbx(Tls::System, "windows-1251")).is_ok());
    }

    #[test]
    fn a_wrong_password_needs_a_person_and_a_dead_network_does_not() {
        let refused = LinkError::LoginRefused {
            username: "u".into(),
            message: "Authentication failed".into(),
        };
        assert!(matches!(
            after(&refused, Duration::ZERO),
            Connection::Refused { .. }
        ));
        let away = after(&LinkError::Closed, Duration::from_secs(1));
        let words = "Asterisk closed the connection.".to_owned();
        assert_eq!(
            away,
            Connection::Away {
                words,
                retry_in: Duration::from_secs(1)
            }
        );
    }
}
