//! HTTP for real: one host, TLS, a deadline and a limit on everything.

mod explain;
mod resolve;

pub(crate) use resolve::{Hosts, is_own_machine};

use crate::world::{Coming, Failure, Outgoing, Reply, World};
use reqwest::{Client, Proxy, header::CONTENT_TYPE, redirect::Policy};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{sync::OnceCell, task::spawn_blocking, time::timeout};
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// Answers are some kilobytes.
pub(crate) const LONGEST: usize = 1024 * 1024;
const CONNECT: Duration = Duration::from_secs(5);
const AGENT: &str = concat!("Sidetone/", env!("CARGO_PKG_VERSION"));

/// The network as one connector sees it.
pub(crate) struct Live {
    hosts: Arc<Hosts>,
    tls_ca: Option<PathBuf>,
    proxy: Option<String>,
    /// Made at the first question: certificates are files, and a file may lie on a network drive.
    client: OnceCell<Client>,
}

impl Live {
    pub(crate) fn new(hosts: Hosts, tls_ca: Option<PathBuf>, proxy: Option<String>) -> Self {
        Self {
            hosts: Arc::new(hosts),
            tls_ca,
            proxy,
            client: OnceCell::new(),
        }
    }

    async fn client(&self) -> Result<&Client, Failure> {
        self.client.get_or_try_init(|| self.make()).await
    }

    async fn make(&self) -> Result<Client, Failure> {
        let file = self.tls_ca.clone();
        let tls = spawn_blocking(move || tls(file))
            .await
            .map_err(|_| Failure::Away("TLS cannot be set up".into()))?
            .map_err(Failure::Away)?;
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(4)
            .user_agent(AGENT)
            .no_proxy();
        builder = match &self.proxy {
            // The proxy looks names up, and is trusted as the admin's own.
            Some(proxy) => builder.proxy(Proxy::all(proxy).map_err(|_| {
                Failure::Away(
                    "the address of the proxy cannot be used; it is as http://proxy:3128".into(),
                )
            })?),
            None => builder.dns_resolver(resolve::Pinned(self.hosts.clone())),
        };
        builder.build().map_err(|error| explain::failure(&error))
    }

    async fn exchange(&self, request: Outgoing) -> Result<Reply, Failure> {
        let client = self.client().await?;
        let method = request.method.parse().unwrap_or_default();
        let mut builder = client.request(method, request.url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(kind) = &request.content_type {
            builder = builder.header(CONTENT_TYPE, kind);
        }
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let answer = builder.send().await;
        let answer = answer.map_err(|error| explain::failure(&error))?;
        read(answer).await
    }
}

impl World for Live {
    fn send(&self, request: Outgoing, within: Duration) -> Coming<'_, Result<Reply, Failure>> {
        Box::pin(async move {
            let answer = timeout(within, self.exchange(request)).await;
            answer.unwrap_or(Err(Failure::TooSlow))
        })
    }

    fn pause(&self, time: Duration) -> Coming<'_, ()> {
        Box::pin(tokio::time::sleep(time))
    }

    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs() as i64)
    }
}

async fn read(mut answer: reqwest::Response) -> Result<Reply, Failure> {
    let too_long = || Failure::Unusable("its answer is longer than 1 MB".into());
    if answer
        .content_length()
        .is_some_and(|length| length > LONGEST as u64)
    {
        return Err(too_long());
    }
    let headers = answer.headers().iter().filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    let mut reply = Reply {
        status: answer.status().as_u16(),
        headers: headers.collect(),
        body: Vec::new(),
    };
    while let Some(chunk) = answer
        .chunk()
        .await
        .map_err(|error| explain::failure(&error))?
    {
        if reply.body.len() + chunk.len() > LONGEST {
            return Err(too_long());
        }
        reply.body.extend_from_slice(&chunk);
    }
    Ok(reply)
}

fn tls(file: Option<PathBuf>) -> Result<ClientConfig, String> {
    let roots = match file {
        Some(file) => of_file(&file)?,
        None => {
            let mut roots = RootCertStore::empty();
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            roots
        }
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn of_file(file: &std::path::Path) -> Result<RootCertStore, String> {
    let name = file.display();
    let unusable =
        |why: String| format!("the certificate authority's file {name} cannot be used: {why}");
    let mut roots = RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(file).map_err(|why| unusable(why.to_string()))?;
    for certificate in found {
        let certificate = certificate.map_err(|why| unusable(why.to_string()))?;
        roots
            .add(certificate)
            .map_err(|why| unusable(why.to_string()))?;
    }
    match roots.is_empty() {
        true => Err(unusable("it holds no certificate in PEM form".into())),
        false => Ok(roots),
    }
}
