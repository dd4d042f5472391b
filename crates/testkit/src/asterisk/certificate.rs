//! A certificate authority for one run and the certificate that the manager interface shows.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// Writes `ca.pem`, `certificate.pem` and `manager.pem` (certificate and key, as Asterisk wants them).
pub(crate) fn write(folder: &Path) -> Result<()> {
    let ca_key = KeyPair::generate().context("make a key")?;
    let mut ca = CertificateParams::new(Vec::new()).context("describe the authority")?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name
        .push(DnType::CommonName, "Sidetone test authority");
    let ca_certificate = ca.self_signed(&ca_key).context("sign the authority")?;

    let key = KeyPair::generate().context("make a key")?;
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut manager = CertificateParams::new(names).context("describe the certificate")?;
    manager
        .distinguished_name
        .push(DnType::CommonName, "Sidetone test exchange");
    let certificate = manager
        .signed_by(&key, &Issuer::new(ca, ca_key))
        .context("sign the certificate")?;

    for (name, text) in [
        ("ca.pem", ca_certificate.pem()),
        ("certificate.pem", certificate.pem()),
        ("manager.pem", certificate.pem() + &key.serialize_pem()),
    ] {
        fs::write(folder.join(name), text).with_context(|| format!("write {name}"))?;
    }
    Ok(())
}
