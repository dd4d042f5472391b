//! One request to the server: to this host alone, with an end in time and in size.

use super::{CardDavConfig, error};
use crate::{SourceError, tls};
use ::http::{Response, StatusCode, Uri, header};
use libdav::dav::WebDavError;
use libdav::requests::DavRequest;
use reqwest::{Client, Url, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use std::convert::Infallible;
use std::time::Duration;
use tokio_rustls::rustls;

/// A list of 100,000 cards, or fifty cards with pictures.
const MOST_BYTES: usize = 32_000_000;
const MOST_REDIRECTS: usize = 5;
const CONNECT: Duration = Duration::from_secs(10);

/// The server, ready to be asked.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    base: Url,
    pub(super) user: String,
    password: SecretString,
    deadline: Duration,
}

/// Why a request brought nothing; the caller may have another way.
#[derive(Debug)]
pub(super) enum Failed {
    Source(SourceError),
    Status(StatusCode),
    /// The server does not know the token any more.
    OldToken,
    TooLarge(usize),
    /// A page for people.
    Page,
    Unreadable(String),
}

/// Refuses settings that cannot work.
pub(super) fn check(config: &CardDavConfig) -> Result<Url, SourceError> {
    let url = Url::parse(config.url.trim()).map_err(|_| error::address())?;
    let host = url.host_str().unwrap_or_default();
    // Addresses are shown, and written to the kept copy.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(error::login_in_address());
    }
    match url.scheme() {
        "https" if !host.is_empty() => Ok(url),
        "http" if config.allow_plain || tls::is_loopback(host) => Ok(url),
        "http" => Err(error::plain(host)),
        _ => Err(error::address()),
    }
}

impl Http {
    pub(super) async fn new(config: &CardDavConfig) -> Result<Self, SourceError> {
        let mut base = check(config)?;
        base.set_fragment(None);
        base.set_query(None);
        let host = base.host_str().unwrap_or_default().to_owned();
        let tls = tls::client_config(config.ca_file.as_deref())
            .await
            .map_err(|why| error::tls(&host, &why))?;
        let client = Client::builder()
            .tls_backend_preconfigured((*tls).clone())
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT.min(config.deadline))
            .timeout(config.deadline)
            .build()
            .map_err(|failed| error::tls(&host, &failed.to_string()))?;
        Ok(Self {
            client,
            base,
            user: config.user.clone(),
            password: config.password.clone(),
            deadline: config.deadline,
        })
    }

    /// The path of the settings' address.
    pub(super) fn path(&self) -> &str {
        self.base.path()
    }

    pub(super) fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// The path of a link that the server gave; an error where that is of another server.
    pub(super) fn path_of(&self, link: &str) -> Result<String, SourceError> {
        if link.starts_with('/') && !link.starts_with("//") {
            return Ok(link.to_owned());
        }
        let url = self.base.join(link).map_err(|_| error::address())?;
        self.only_here(&url)?;
        Ok(url.path().to_owned())
    }

    /// Asks, follows the server's hints to its other places, and reads what it says.
    pub(super) async fn ask<R>(&self, request: R) -> Result<R::Response, Failed>
    where
        R: DavRequest,
        R::ParseError: Into<WebDavError<Infallible>>,
    {
        let unusable = |failed: ::http::Error| Failed::Unreadable(failed.to_string());
        let base =
            Uri::try_from(self.base.as_str()).map_err(|_| Failed::Source(error::address()))?;
        let question = request.prepare_request(base).map_err(unusable)?;
        let answer = self.send(question).await?;
        let (parts, body) = answer.into_parts();
        let read = request.parse_response(&parts, &body);
        read.map_err(|failed| sort(failed.into()))
    }

    async fn send(&self, question: ::http::Request<String>) -> Result<Response<Vec<u8>>, Failed> {
        let (parts, body) = question.into_parts();
        let mut url = Url::parse(&parts.uri.to_string())
            .map_err(|failed| Failed::Unreadable(failed.to_string()))?;
        for _ in 0..MOST_REDIRECTS {
            let mut request = self
                .client
                .request(parts.method.clone(), url.clone())
                .headers(parts.headers.clone())
                .body(body.clone());
            if !self.user.is_empty() {
                request = request.basic_auth(&self.user, Some(self.password.expose_secret()));
            }
            let answer = request
                .send()
                .await
                .map_err(|failed| self.explain(&failed))?;
            match self.hint(&answer)? {
                Some(there) => url = there,
                None => return self.read(answer).await,
            }
        }
        Err(Failed::Unreadable("it sends us round in circles".into()))
    }

    /// Where the server sends us on to, if it does and that is itself.
    fn hint(&self, answer: &reqwest::Response) -> Result<Option<Url>, Failed> {
        if !answer.status().is_redirection() {
            return Ok(None);
        }
        let there = answer.headers().get(header::LOCATION);
        let there = there.and_then(|there| there.to_str().ok());
        let Some(there) = there.and_then(|there| answer.url().join(there).ok()) else {
            return Err(Failed::Status(answer.status()));
        };
        self.only_here(&there).map_err(Failed::Source)?;
        Ok(Some(there))
    }

    fn only_here(&self, there: &Url) -> Result<(), SourceError> {
        if there.origin() == self.base.origin() {
            return Ok(());
        }
        // What stands behind the host may hold anything.
        let origin = there.origin().ascii_serialization();
        Err(error::elsewhere(self.host(), &origin))
    }

    async fn read(&self, mut answer: reqwest::Response) -> Result<Response<Vec<u8>>, Failed> {
        let status = answer.status();
        if status == StatusCode::UNAUTHORIZED {
            return Err(Failed::Source(error::login(self.host(), &self.user)));
        }
        let pause = retry_after(&answer);
        let is_pause = status == StatusCode::SERVICE_UNAVAILABLE && pause.is_some();
        if is_pause || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Failed::Source(error::busy(self.host(), pause)));
        }
        let mut parts = Response::builder().status(status);
        for (name, value) in answer.headers() {
            parts = parts.header(name, value);
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer
            .chunk()
            .await
            .map_err(|failed| self.explain(&failed))?
        {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(Failed::TooLarge(MOST_BYTES));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() && is_page(&body) {
            return Err(Failed::Page);
        }
        parts
            .body(body)
            .map_err(|failed| Failed::Unreadable(failed.to_string()))
    }

    /// The innermost reason, which is the one that says something.
    fn explain(&self, failed: &reqwest::Error) -> Failed {
        let host = self.host();
        if failed.is_timeout() {
            return Failed::Source(error::late(host, self.deadline));
        }
        let mut reason: &(dyn std::error::Error + 'static) = failed;
        let mut is_tls = false;
        while let Some(inner) = inner(reason) {
            reason = inner;
            is_tls |= reason.is::<rustls::Error>();
        }
        let why = reason.to_string();
        Failed::Source(match is_tls {
            true => error::tls(host, &why),
            false => error::away(host, &why),
        })
    }
}

/// An error of IO hides what it carries from those who ask for its source.
fn inner<'a>(
    reason: &'a (dyn std::error::Error + 'static),
) -> Option<&'a (dyn std::error::Error + 'static)> {
    let carried = reason.downcast_ref::<std::io::Error>();
    match carried.and_then(std::io::Error::get_ref) {
        Some(carried) => Some(carried),
        None => reason.source(),
    }
}

/// In seconds; a date is as good as nothing.
fn retry_after(answer: &reqwest::Response) -> Option<Duration> {
    let header = answer.headers().get(header::RETRY_AFTER)?;
    let seconds: u64 = header.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(86_400)))
}

/// By what it looks like: some servers call their pages XML.
fn is_page(body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    let begins = |with: &str| {
        let start = start.get(..with.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
    };
    begins("<!doctype html") || begins("<html")
}

fn sort(failed: WebDavError<Infallible>) -> Failed {
    match failed {
        WebDavError::BadStatusCode(status) => Failed::Status(status),
        WebDavError::PreconditionFailed(_) => Failed::OldToken,
        WebDavError::Xml(why) => Failed::Unreadable(why.to_string()),
        WebDavError::InvalidResponse(why) => Failed::Unreadable(why.to_string()),
        WebDavError::InvalidInput(why) => Failed::Unreadable(why.to_string()),
        WebDavError::Request(why) => Failed::Unreadable(why.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phone_number::{DialPlan, Region};

    #[test]
    fn passwords_do_not_leave_this_machine_in_the_clear() {
        for (url, allowed) in [
            ("http://cloud.firm.example/dav", false),
            ("http://localhost.evil.example", false),
            ("https://cloud.firm.example/dav", true),
            ("http://127.0.0.1:5232", true),
            ("ftp://cloud.firm.example", false),
            ("cloud.firm.example", false),
            ("https://anna:secret@cloud.firm.example/dav", false),
        ] {
            let plan = DialPlan::new(Region::RU);
            let config = CardDavConfig::new("c", "C", url, plan);
            assert_eq!(check(&config).is_ok(), allowed, "{url}");
        }
    }
}
