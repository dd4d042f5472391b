//! TLS with certificates made for the test.

use std::{path::PathBuf, pin::pin, sync::Arc};

use ami_client::{Fingerprint, Link, LinkConfig, Transport, Trust};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tokio::{join, net::TcpListener};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring::default_provider,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};

use crate::{config, fake_ami::FakeAmi, next, soon, until};

#[tokio::test]
async fn certificate_of_our_own_authority_is_trusted() {
    let server = Server::start("localhost").await;
    let (happened, login) = server.try_with(server.trust_ca()).await;
    assert_eq!(happened, ["connecting 1", "up 22"]);
    assert_eq!(
        login.as_deref(),
        Some("hunter2"),
        "an encrypted link needs no challenge"
    );
}

#[tokio::test]
async fn certificate_of_another_authority_is_refused() {
    let server = Server::start("localhost").await;
    let other = Server::start("localhost").await;
    let (happened, _) = server.try_with(other.trust_ca()).await;
    assert_eq!(
        happened[1],
        "down: the certificate of localhost is not signed by a trusted authority: name its CA file or pin it"
    );
    let (happened, _) = server.try_with(Trust::System).await;
    assert!(happened[1].starts_with("down: "), "{happened:?}");
}

#[tokio::test]
async fn certificate_for_another_name_is_refused() {
    let server = Server::start("pbx.example").await;
    let (happened, _) = server.try_with(server.trust_ca()).await;
    assert_eq!(
        happened[1],
        "down: the certificate is not made for the name localhost: use its name, or pin it"
    );
}

#[tokio::test]
async fn certificate_of_last_century_is_refused() {
    let server = Server::start_with("localhost", |params| {
        params.not_before = date_time_ymd(1998, 1, 1);
        params.not_after = date_time_ymd(1999, 1, 1);
    })
    .await;
    let (happened, _) = server.try_with(server.trust_ca()).await;
    assert!(
        happened[1].contains("is not valid at this computer's date"),
        "{happened:?}"
    );
}

#[tokio::test]
async fn pinned_certificate_is_trusted_whatever_its_name() {
    let server = Server::start("pbx.example").await;
    let (happened, _) = server.try_with(Trust::Pin(server.fingerprint)).await;
    assert_eq!(happened, ["connecting 1", "up 22"]);
}

#[tokio::test]
async fn other_certificate_than_the_pinned_one_is_refused_and_shown() {
    let server = Server::start("localhost").await;
    let other = Server::start("localhost").await;
    let (happened, _) = server.try_with(Trust::Pin(other.fingerprint)).await;
    assert_eq!(
        happened[1],
        format!(
            "down: the certificate of localhost is not the pinned one; it has SHA-256 {}",
            server.fingerprint
        )
    );
}

#[tokio::test]
async fn tls_to_the_plain_port_gets_a_sentence() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut link = Link::new(LinkConfig {
        transport: Transport::Tls(Trust::Pin(Fingerprint::of(b"any"))),
        ..config(port)
    });
    let asterisk = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut asterisk = FakeAmi::new(stream);
        asterisk.say(crate::fake_ami::BANNER).await;
        asterisk
    };
    let (happened, _asterisk) = soon(async { join!(until(&mut link, "down"), asterisk) }).await;
    assert_eq!(
        happened[1],
        format!(
            "down: localhost:{port} does not speak TLS: use manager.conf's tlsbindaddr port, usually 5039"
        )
    );
}

#[tokio::test]
async fn authority_file_that_is_none_gets_a_sentence() {
    let server = Server::start("localhost").await;
    let empty = server.folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate").unwrap();
    for path in [empty, PathBuf::from("/nonexistent/ca.pem")] {
        let (happened, _) = server.try_with(Trust::CaFile(path.clone())).await;
        let expected = format!(
            "down: the certificate authority file {} cannot be used",
            path.display()
        );
        assert!(happened[1].starts_with(&expected), "{happened:?}");
    }
}

/// An Asterisk behind TLS, with an authority of its own.
struct Server {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    folder: TempDir,
    fingerprint: Fingerprint,
}

impl Server {
    async fn start(name: &str) -> Self {
        Self::start_with(name, |_| {}).await
    }

    async fn start_with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();

        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &authority).unwrap();
        let der = CertificateDer::from(certificate.der().to_vec());
        let tls = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![der.clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            acceptor: TlsAcceptor::from(Arc::new(tls)),
            folder,
            fingerprint: Fingerprint::of(&der),
        }
    }

    fn trust_ca(&self) -> Trust {
        Trust::CaFile(self.folder.path().join("ca.pem"))
    }

    /// Has a link connect once; gives what happened to it, and the secret it showed.
    async fn try_with(&self, trust: Trust) -> (Vec<String>, Option<String>) {
        let mut link = Link::new(LinkConfig {
            transport: Transport::Tls(trust),
            ..config(self.listener.local_addr().unwrap().port())
        });
        let asterisk = async {
            let (stream, _) = self.listener.accept().await.unwrap();
            let stream = self.acceptor.accept(stream).await.ok()?;
            let mut asterisk = FakeAmi::new(stream);
            let login = asterisk.let_in().await;
            Some((login.header("Secret").to_owned(), asterisk))
        };
        let outcome = async { vec![next(&mut link).await, next(&mut link).await] };
        let (mut asterisk, mut outcome) = (pin!(asterisk), pin!(outcome));
        let (happened, served) = soon(async {
            tokio::select! {
                happened = &mut outcome => {
                    // A link that finds its settings unusable never comes.
                    let is_up = happened[1].starts_with("up");
                    let served = if is_up { asterisk.await } else { None };
                    (happened, served)
                }
                served = &mut asterisk => (outcome.await, served),
            }
        })
        .await;
        (happened, served.map(|(secret, _)| secret))
    }
}
