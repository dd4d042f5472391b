//! Where the server is, how it proves itself, and who we are.

use secrecy::SecretString;
use std::{fmt, path::PathBuf};
use wire::{Client, Interest, ServerAddress};

/// All that a link needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    pub server: ServerAddress,
    /// For `https`.
    pub tls: Trust,
    /// Of this device.
    pub token: SecretString,
    pub client: Client,
    pub interest: Interest,
}

/// Which certificate is the server's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// One signed by an authority that this machine trusts.
    #[default]
    System,
    /// One signed by an authority of this PEM file.
    Ca { file: PathBuf },
    /// Exactly this one, whatever name it carries.
    Pin { sha256: Fingerprint },
}

/// SHA-256 of a certificate, as `openssl x509 -fingerprint -sha256` prints it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a certificate in DER form.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits, with or without colons or spaces between them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text
            .chars()
            .filter(|c| !matches!(c, ':' | ' '))
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<Vec<u8>>>()?;
        let (pairs, rest) = digits.as_chunks::<2>();
        if !rest.is_empty() {
            return None;
        }
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let colon = if at > 0 { ":" } else { "" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_openssl_prints_it() {
        let pin = Fingerprint::of(b"certificate");
        let printed = pin.to_string();
        assert_eq!(Fingerprint::parse(&printed), Some(pin));
        assert_eq!(
            Fingerprint::parse(&printed.replace(':', "").to_lowercase()),
            Some(pin)
        );
        for wrong in ["", "nonsense", &printed[3..], &printed[1..]] {
            assert_eq!(Fingerprint::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_token_does_not_show_in_debug() {
        let config = Config {
            server: ServerAddress::parse("pbx.example", wire::Plain::Loopback).unwrap(),
            tls: Trust::System,
            token: SecretString::from("t0ken"),
            client: Client::default(),
            interest: Interest::default(),
        };
        assert!(!format!("{config:?}").contains("t0ken"));
    }
}
