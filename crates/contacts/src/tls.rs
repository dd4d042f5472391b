//! Whom we believe over TLS: the system's authorities, or those of one file.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::task::spawn_blocking;
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// TLS that believes the authorities of that PEM file, else those of the system; the error is a sentence for the
/// administrator.
pub(crate) async fn client_config(file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let file: Option<PathBuf> = file.map(Path::to_owned);
    // Certificates are files, and a file may lie on a network drive.
    let roots = spawn_blocking(move || match file {
        Some(file) => from_file(&file),
        None => of_system(),
    })
    .await
    .map_err(|failed| failed.to_string())??;
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|failed| failed.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn of_system() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let (added, _) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        return Err("this system has no certificate authorities: name the file of one".into());
    }
    Ok(roots)
}

fn from_file(path: &Path) -> Result<RootCertStore, String> {
    let unusable = |why: &dyn std::fmt::Display| {
        let path = path.display();
        format!("the file {path} cannot be used as a certificate authority: {why}")
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|failed| unusable(&failed))? {
        let certificate = certificate.map_err(|failed| unusable(&failed))?;
        roots.add(certificate).map_err(|failed| unusable(&failed))?;
    }
    if roots.is_empty() {
        return Err(unusable(&"it holds no certificate in PEM form"));
    }
    Ok(roots)
}

/// Whether that name means this very machine, where nobody else can listen.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
