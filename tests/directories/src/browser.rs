//! A browser of plain HTTP: cookies, redirects and forms, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, Url};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// One person's browser.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    /// By name and path.
    cookies: BTreeMap<(String, String), String>,
    /// Addresses beginning so belong to the program under test and are not opened.
    home: String,
}

/// Where the browser is.
#[derive(Debug)]
pub struct Page {
    pub address: Url,
    pub text: String,
}

impl Browser {
    pub fn new(home: &str) -> Result<Self> {
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .tls_backend_preconfigured(nobody_believed()?)
            .timeout(Duration::from_secs(60))
            .build()
            .context("make a client")?;
        Ok(Self {
            client,
            cookies: BTreeMap::new(),
            home: home.into(),
        })
    }

    /// Opens an address and follows where it leads.
    pub async fn open(&mut self, address: &str) -> Result<Page> {
        let address = Url::parse(address).context("an address")?;
        self.go(Method::GET, address, None).await
    }

    /// Sends the form of a page with the values that it has and these instead or besides.
    pub async fn submit(&mut self, page: &Page, values: &[(&str, &str)]) -> Result<Page> {
        let form = page.text.find("<form").context("a page without a form")?;
        let form = &page.text[form..];
        let form = &form[..form.find("</form>").context("a form without an end")?];
        let mut fields: BTreeMap<String, String> = form
            .split("<input")
            .skip(1)
            .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)))
            .collect();
        for (name, value) in values {
            fields.insert((*name).into(), (*value).into());
        }
        let action = attribute(form, "action").context("a form without an action")?;
        let address = page.address.join(&action).context("a form's address")?;
        self.go(Method::POST, address, Some(encoded(&fields))).await
    }

    /// Posts a text and reads the answer, without cookies and redirects.
    pub async fn post(&self, address: &str, text: &str) -> Result<String> {
        let request = self.client.post(address).body(text.to_owned());
        let answer = request.send().await.context("post")?;
        answer.text().await.context("read the answer")
    }

    async fn go(
        &mut self,
        mut method: Method,
        mut address: Url,
        mut body: Option<String>,
    ) -> Result<Page> {
        for _ in 0..20 {
            if address.as_str().starts_with(&self.home) {
                return Ok(Page {
                    address,
                    text: String::new(),
                });
            }
            let answer = self.send(&method, &address, body.take()).await?;
            let Some(next) = answer.headers().get(LOCATION) else {
                let text = answer.text().await.context("read a page")?;
                return Ok(Page { address, text });
            };
            let next = next.to_str().context("an address in ASCII")?;
            address = address.join(next).context("a redirect")?;
            method = Method::GET;
        }
        bail!("the provider sends the browser round and round")
    }

    async fn send(
        &mut self,
        method: &Method,
        address: &Url,
        body: Option<String>,
    ) -> Result<Response> {
        let mut request = self.client.request(method.clone(), address.clone());
        let cookies = self.cookies_for(address.path());
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body);
        }
        let answer = request.send().await.context("open a page")?;
        for cookie in answer.headers().get_all(SET_COOKIE) {
            self.remember(cookie.to_str().context("a cookie in ASCII")?);
        }
        Ok(answer)
    }

    fn cookies_for(&self, path: &str) -> String {
        let fitting = self
            .cookies
            .iter()
            .filter(|((_, below), _)| path.starts_with(below.as_str()));
        let texts: Vec<String> = fitting
            .map(|((name, _), value)| format!("{name}={value}"))
            .collect();
        texts.join("; ")
    }

    fn remember(&mut self, cookie: &str) {
        let mut parts = cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|part| part.split_once('=')) else {
            return;
        };
        let path = parts
            .filter_map(|part| part.split_once('='))
            .find(|(key, _)| key.eq_ignore_ascii_case("path"))
            .map_or("/", |(_, path)| path);
        let key = (name.to_owned(), path.to_owned());
        match value.is_empty() {
            true => self.cookies.remove(&key),
            false => self.cookies.insert(key, value.to_owned()),
        };
    }
}

/// The pages are on this machine and in the clear; a provider of cryptography is wanted all the same.
fn nobody_believed() -> Result<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("choose TLS versions")?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Ok(config)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = &tag[..tag.find('>')?];
    let start = tag.find(&format!("{name}=\""))? + name.len() + 2;
    let value = &tag[start..];
    Some(value[..value.find('"')?].replace("&amp;", "&"))
}

fn encoded(fields: &BTreeMap<String, String>) -> String {
    let mut url = Url::parse("http://form.example").expect("an address");
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap_or_default().to_owned()
}
