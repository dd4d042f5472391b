//! HTTP to the provider: no redirects, nothing large, nothing slow, nothing in the clear.

use std::pin::Pin;
use std::time::Duration;

use openidconnect::http::{self, uri::Scheme};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};

use super::{OidcConfig, OidcError};
use crate::{is_loopback, tls};

/// What a provider says of itself is some ten kilobytes.
const MOST_BYTES: usize = 256 * 1024;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("{0}")]
    Failed(String),
    #[error("no answer in time")]
    Late,
    #[error("the answer is larger than {MOST_BYTES} bytes")]
    TooLarge,
    #[error("{0} is not protected by https")]
    Plain(String),
}

/// An HTTP client as [`openidconnect`] wants it.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: reqwest::Client,
}

impl Http {
    pub(super) async fn new(config: &OidcConfig) -> Result<Self, OidcError> {
        let tls = tls::client_config(config.ca_file.as_deref())
            .await
            .map_err(|failed| OidcError::Tls(failed.to_string()))?;
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured((*tls).clone())
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(config.deadline)
            .timeout(config.deadline)
            // A provider is asked a few times an hour: an idle line would only be found dead.
            .pool_idle_timeout(Duration::from_secs(5));
        let client = builder
            .build()
            .map_err(|failed| OidcError::Tls(failed.to_string()))?;
        Ok(Self { client })
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        refuse_plain(request.uri())?;
        let request = request
            .try_into()
            .map_err(|failed: reqwest::Error| explain(&failed))?;
        let answer = self.client.execute(request).await;
        let mut answer = answer.map_err(|failed| explain(&failed))?;
        let mut builder = http::Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            builder = builder.header(name, value);
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|failed| explain(&failed))? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(HttpError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        builder
            .body(body)
            .map_err(|failed| HttpError::Failed(failed.to_string()))
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// Also the addresses that the provider names: a secret goes to each of them.
fn refuse_plain(address: &http::Uri) -> Result<(), HttpError> {
    let host = address.host().unwrap_or_default();
    if address.scheme() == Some(&Scheme::HTTPS) || is_loopback(host) {
        return Ok(());
    }
    Err(HttpError::Plain(format!("http://{host}")))
}

/// The innermost reason, which is the one that says something; without the address, whose query may hold secrets.
fn explain(failed: &reqwest::Error) -> HttpError {
    if failed.is_timeout() {
        return HttpError::Late;
    }
    let mut reason: &dyn std::error::Error = failed;
    while let Some(source) = reason.source() {
        reason = source;
    }
    HttpError::Failed(reason.to_string())
}
