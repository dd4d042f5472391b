//! Where Asterisk is, how the way there is protected, and who signs in.

use std::{fmt, path::PathBuf};

use ami::{Charset, FieldValue};
use secrecy::SecretString;

/// All that a link needs to know.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Name or address of the PBX.
    pub host: String,
    pub port: u16,
    pub transport: Transport,
    pub username: FieldValue,
    pub secret: SecretString,
    /// For caller names that are not UTF-8.
    pub charset: Charset,
}

/// How the way to Asterisk is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Nothing is encrypted: to this machine itself, or to the one host that `allow_plain_to` names.
    Plain {
        allow_plain_to: Option<String>,
    },
    Tls(Trust),
}

/// Which certificate is Asterisk's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// One signed by an authority that this machine trusts.
    System,
    /// One signed by an authority of this PEM file.
    CaFile(PathBuf),
    /// Exactly this one, whatever name it carries.
    Pin(Fingerprint),
}

/// SHA-256 of a certificate, as `openssl x509 -fingerprint -sha256` prints it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a certificate in DER form.
    pub fn of(certificate: &[u8]) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits, with or without colons or spaces between them.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text
            .chars()
            .filter(|c| !matches!(c, ':' | ' '))
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<Vec<u8>>>()?;
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect();
        (digits.len() == 64).then_some(())?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(":")?;
            }
            write!(f, "{byte:02X}")?;
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
    fn fingerprint_is_read_as_openssl_prints_it() {
        let printed = (0..32).map(|n| format!("{n:02X}")).collect::<Vec<_>>();
        let pin = Fingerprint::parse(&printed.join(":")).unwrap();
        assert_eq!(pin.to_string(), printed.join(":"));
        assert_eq!(
            Fingerprint::parse(&printed.concat().to_lowercase()),
            Some(pin)
        );
        assert_eq!(Fingerprint::parse(&printed[1..].join(":")), None);
        assert_eq!(Fingerprint::parse("nonsense"), None);
    }
}
