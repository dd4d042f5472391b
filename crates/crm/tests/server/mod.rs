//! A small HTTP server on loopback that answers as it is told, also wrongly.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends at the first thing that is wrong"
)]
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring::default_provider,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// How many came before it.
    pub(crate) index: usize,
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Usual,
    Silence,
    Endless { length: usize, is_told: bool },
}

impl Answer {
    pub(crate) fn json(body: &str) -> Self {
        Self::of(body, "application/json")
    }

    pub(crate) fn page(body: &str) -> Self {
        Self::of(body, "text/html; charset=utf-8")
    }

    pub(crate) fn silence() -> Self {
        Self {
            kind: Kind::Silence,
            ..Self::page("")
        }
    }

    /// Spaces without end; told: with the length in the head.
    pub(crate) fn endless(length: usize, is_told: bool) -> Self {
        Self {
            kind: Kind::Endless { length, is_told },
            ..Self::json("")
        }
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.into(), value.into()));
        self
    }

    fn of(body: &str, kind: &str) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type".into(), kind.into())],
            body: body.into(),
            kind: Kind::Usual,
        }
    }
}

pub(crate) struct Server {
    base: String,
    certificate: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    answer: Box<dyn Fn(&Request) -> Answer + Send + Sync>,
    requests: Mutex<Vec<Request>>,
    count: AtomicUsize,
    /// Of endless answers.
    taken: AtomicU64,
    ended: tokio::sync::Notify,
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::run(answer, None).await
    }

    /// With a certificate that nobody knows.
    pub(crate) async fn start_tls(
        answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let tls = TlsAcceptor::from(Arc::new(config));
        let mut server = Self::run(answer, Some(tls)).await;
        server.certificate = made.cert.pem();
        server
    }

    async fn run(
        answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let base = format!("{scheme}://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            answer: Box::new(answer),
            requests: Mutex::default(),
            count: AtomicUsize::new(0),
            taken: AtomicU64::new(0),
            ended: tokio::sync::Notify::new(),
        });
        let task = tokio::spawn({
            let shared = shared.clone();
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let (shared, tls) = (shared.clone(), tls.clone());
                    tokio::spawn(async move {
                        match tls {
                            Some(tls) => {
                                if let Ok(stream) = tls.accept(stream).await {
                                    shared.serve(stream).await;
                                }
                            }
                            None => shared.serve(stream).await,
                        }
                    });
                }
            }
        });
        Self {
            base,
            certificate: String::new(),
            shared,
            task,
        }
    }

    pub(crate) fn base(&self) -> String {
        self.base.clone()
    }

    /// In PEM form.
    pub(crate) fn certificate(&self) -> &str {
        &self.certificate
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// What went out of an endless answer, once the other side has hung up.
    pub(crate) async fn bytes_taken(&self) -> u64 {
        let ended = tokio::time::timeout(Duration::from_secs(60), self.shared.ended.notified());
        ended.await.expect("the other side hangs up");
        self.shared.taken.load(SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let Some(request) = self.read(&mut stream).await else {
            return;
        };
        self.requests.lock().unwrap().push(request.clone());
        let answer = (self.answer)(&request);
        match answer.kind {
            Kind::Silence => std::future::pending().await,
            Kind::Endless { length, is_told } => self.pour(stream, length, is_told).await,
            Kind::Usual => {
                let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", answer.status);
                for (name, value) in &answer.headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                head.push_str(&format!("content-length: {}\r\n\r\n", answer.body.len()));
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(&answer.body).await;
                let _ = stream.shutdown().await;
            }
        }
    }

    async fn pour(&self, mut stream: impl AsyncWrite + Unpin, length: usize, is_told: bool) {
        let told = if is_told {
            format!("content-length: {length}\r\n")
        } else {
            String::new()
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n{told}\r\n"
        );
        let _ = stream.write_all(head.as_bytes()).await;
        let piece = vec![b' '; 64 * 1024];
        for _ in 0..length / piece.len() {
            if stream.write_all(&piece).await.is_err() {
                break;
            }
            self.taken.fetch_add(piece.len() as u64, SeqCst);
        }
        self.ended.notify_one();
    }

    async fn read(&self, stream: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
        let mut bytes = Vec::new();
        let end = loop {
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let line = lines.next()?.to_owned();
        let headers = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_lowercase(), value.trim().to_owned()))
        });
        let headers: Vec<(String, String)> = headers.collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
        while bytes.len() < end + 4 + length {
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        Some(Request {
            index: self.count.fetch_add(1, SeqCst),
            body: String::from_utf8_lossy(&bytes[end + 4..]).into_owned(),
            line,
            headers,
        })
    }
}
