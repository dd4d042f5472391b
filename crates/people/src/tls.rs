//! Whom we believe over TLS: the system's authorities, or those of one file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::spawn_blocking;
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// Why there is nobody to believe.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error(
        "this system has no certificate authorities: install the package ca-certificates, or name a file of your own authority"
    )]
    NoSystemAuthorities,
    #[error("the file {path} cannot be used as a certificate authority: {why}")]
    File { path: String, why: String },
    #[error("TLS cannot be set up: {0}")]
    Other(String),
}

/// TLS that believes the authorities of that PEM file, else those of the system.
pub(crate) async fn client_config(file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let file: Option<PathBuf> = file.map(Path::to_owned);
    // Certificates are files, and a file may lie on a network drive.
    let roots = spawn_blocking(move || match file {
        Some(file) => from_file(&file),
        None => of_system(),
    })
    .await
    .map_err(|failed| TlsError::Other(failed.to_string()))??;
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|failed| TlsError::Other(failed.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn of_system() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let (added, _) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        return Err(TlsError::NoSystemAuthorities);
    }
    Ok(roots)
}

fn from_file(path: &Path) -> Result<RootCertStore, TlsError> {
    let unusable = |why: String| TlsError::File {
        path: path.display().to_string(),
        why,
    };
    let mut roots = RootCertStore::empty();
    for certificate in
        CertificateDer::pem_file_iter(path).map_err(|failed| unusable(failed.to_string()))?
    {
        let certificate = certificate.map_err(|failed| unusable(failed.to_string()))?;
        roots
            .add(certificate)
            .map_err(|failed| unusable(failed.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("it holds no certificate in PEM form".into()));
    }
    Ok(roots)
}
