//! TLS to the server: trust by authority or by fingerprint, and what went wrong in words.

use crate::{Fingerprint, LinkError, Trust, connect::Target};
use std::{io, path::Path, sync::Arc};
use tokio::{net::TcpStream, task::spawn_blocking};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
        SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{WebPkiSupportedAlgorithms, ring::default_provider},
        pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    },
};

/// Shakes hands over a connected stream.
pub(crate) async fn connect(
    target: &Target,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, LinkError> {
    let host = target.host();
    let name = ServerName::try_from(host.clone())
        .map_err(|_| LinkError::CertificateName { host: host.clone() })?;
    let tls = Arc::new(client_config(target).await?);
    TlsConnector::from(tls)
        .connect(name, stream)
        .await
        .map_err(|failed| explain(host, &failed))
}

async fn client_config(target: &Target) -> Result<ClientConfig, LinkError> {
    let provider = Arc::new(default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|failed| other(target.host(), &failed))?;
    let roots = match &target.tls {
        Trust::System => in_background(target, system_roots).await?,
        Trust::Ca { file } => {
            let file = file.clone();
            in_background(target, move || ca_file(&file)).await?
        }
        Trust::Pin { sha256 } => {
            let verifier = PinVerifier {
                pin: *sha256,
                algorithms,
            };
            return Ok(builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth());
        }
    };
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Certificates are files, and a file may lie on a network drive.
async fn in_background(
    target: &Target,
    read: impl FnOnce() -> Result<RootCertStore, LinkError> + Send + 'static,
) -> Result<RootCertStore, LinkError> {
    spawn_blocking(read)
        .await
        .map_err(|failed| other(target.host(), &failed))?
}

fn system_roots() -> Result<RootCertStore, LinkError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    match roots.add_parsable_certificates(found.certs) {
        (0, _) => Err(LinkError::NoSystemRoots),
        (_, _) => Ok(roots),
    }
}

fn ca_file(path: &Path) -> Result<RootCertStore, LinkError> {
    let unusable = |why: String| LinkError::CaFile {
        path: path.display().to_string(),
        why,
    };
    let mut roots = RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(path).map_err(|why| unusable(why.to_string()))?;
    for certificate in found {
        let certificate = certificate.map_err(|why| unusable(why.to_string()))?;
        roots
            .add(certificate)
            .map_err(|why| unusable(why.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("it holds no certificate in PEM form".into()));
    }
    Ok(roots)
}

/// Accepts one certificate, whatever its name, age and signer: who pinned it has looked at it.
#[derive(Debug)]
struct PinVerifier {
    pin: Fingerprint,
    algorithms: WebPkiSupportedAlgorithms,
}

/// The certificate is another one.
#[derive(Debug, thiserror::Error)]
#[error("certificate {found} is not the pinned one")]
struct NotPinned {
    found: Fingerprint,
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let found = Fingerprint::of(end_entity);
        if found == self.pin {
            return Ok(ServerCertVerified::assertion());
        }
        let other = OtherError(Arc::new(NotPinned { found }));
        Err(CertificateError::Other(other).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn explain(host: String, failed: &io::Error) -> LinkError {
    let source = failed.get_ref();
    let Some(reason) = source.and_then(|source| source.downcast_ref::<rustls::Error>()) else {
        return other(host, failed);
    };
    if let rustls::Error::InvalidMessage(_) = reason {
        return LinkError::NotTls { host };
    }
    let rustls::Error::InvalidCertificate(certificate) = reason else {
        return other(host, reason);
    };
    if let CertificateError::Other(OtherError(other)) = certificate
        && let Some(NotPinned { found }) = other.downcast_ref()
    {
        return LinkError::PinMismatch {
            host,
            found: *found,
        };
    }
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the many ways in which a certificate is malformed differ for nobody"
    )]
    match certificate {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            LinkError::CertificateName { host }
        }
        // A bad signature is that of another authority of the same name.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            LinkError::CertificateUntrusted { host }
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => LinkError::CertificateExpired { host },
        _ => other(host, reason),
    }
}

fn other(host: String, why: &impl ToString) -> LinkError {
    LinkError::Tls {
        host,
        why: why.to_string(),
    }
}
