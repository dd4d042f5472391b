//! Accepting connections: bounded in number and time, plain or by TLS.

use crate::config;
use anyhow::{Context as _, Result};
use axum::{Router, extract::ConnectInfo};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

const HANDSHAKE: Duration = Duration::from_secs(10);
/// The head of a request comes within this.
const HEAD: Duration = Duration::from_secs(10);
/// The longest head.
const LONGEST_HEAD: usize = 16 * 1024;

/// An open port.
pub(crate) struct Listening {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    room: Arc<Semaphore>,
}

/// Opens the port.
///
/// # Errors
/// A sentence: the port is taken, the certificate cannot be used.
pub(crate) async fn listen(config: &config::Config, file: Option<&Path>) -> Result<Listening> {
    let listener = TcpListener::bind(&config.listen).await.with_context(|| {
        format!(
            "cannot listen at {}: another program may have that port, or the address is not of this machine",
            config.listen
        )
    })?;
    Ok(Listening {
        listener,
        tls: acceptor(&config.tls, file)?,
        room: Arc::new(Semaphore::new(config.http.connections as usize)),
    })
}

fn acceptor(config: &config::Tls, file: Option<&Path>) -> Result<Option<TlsAcceptor>> {
    if config.certificate.is_empty() {
        return Ok(None);
    }
    let certificate = config::beside(file, &config.certificate);
    let key = config::beside(file, &config.key);
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&certificate)
        .and_then(Iterator::collect)
        .with_context(|| format!("read the certificate {}", certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(&key)
        .with_context(|| format!("read the key {}", key.display()))?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .context("the certificate and the key do not belong together")?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Smaller than the default of 16 KB for each of thousands of connections.
    tls.max_fragment_size = Some(4 * 1024);
    Ok(Some(TlsAcceptor::from(Arc::new(tls))))
}

impl Listening {
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves until `end` says so.
    pub(crate) async fn serve(self, router: Router, mut end: watch::Receiver<bool>) {
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = end.wait_for(|end| *end) => return,
            };
            match accepted {
                Ok((stream, peer)) => self.take(stream, peer, &router),
                Err(error) => {
                    // Mostly too many open files: those that end make room.
                    tracing::warn!(%error, "no connection accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn take(&self, stream: TcpStream, peer: SocketAddr, router: &Router) {
        let Ok(permit) = self.room.clone().try_acquire_owned() else {
            tracing::warn!(address = %peer.ip(), "too many connections");
            return;
        };
        let _ = stream.set_nodelay(true);
        let (router, tls) = (router.clone(), self.tls.clone());
        tokio::spawn(async move {
            match tls {
                None => converse(stream, peer, router, permit).await,
                Some(tls) => match timeout(HANDSHAKE, tls.accept(stream)).await {
                    Ok(Ok(stream)) => converse(stream, peer, router, permit).await,
                    Ok(Err(error)) => {
                        tracing::debug!(address = %peer.ip(), %error, "no TLS handshake");
                    }
                    Err(_) => tracing::debug!(address = %peer.ip(), "no TLS handshake in time"),
                },
            }
        });
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    peer: SocketAddr,
    router: Router,
    permit: OwnedSemaphorePermit,
) {
    let permit = Arc::new(permit);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<_>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        // A WebSocket goes on after this future has ended.
        request.extensions_mut().insert(permit.clone());
        let mut router = router.clone();
        async move { tower_call(&mut router, request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(address = %peer.ip(), %error, "connection ended");
    }
}

async fn tower_call(
    router: &mut Router,
    request: hyper::Request<hyper::body::Incoming>,
) -> Result<axum::response::Response, std::convert::Infallible> {
    use tower_service::Service as _;
    router.call(request.map(axum::body::Body::new)).await
}
