//! The seam to the network: the real one ([`crate::live`]) or a recording ([`crate::cases`]).

use reqwest::Url;
use serde_json::Value as Json;
use std::{pin::Pin, time::Duration};

/// A request as it goes out.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: &'static str,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Option<String>,
}

/// An answer of at most 1 MB.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// Some programs on Windows begin it with a mark of its encoding.
    pub(crate) fn json(&self) -> Option<Json> {
        let bytes = self
            .body
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(&self.body);
        serde_json::from_slice(bytes).ok()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(known, _)| known == name)?;
        Some(value)
    }
}

/// Why there is no answer; sentences without address, secret or number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Not reached, or cut off.
    Away(String),
    TooSlow,
    /// Reached, and what came cannot be used, or we do not go there.
    Unusable(String),
}

pub(crate) type Coming<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends, waits, and knows the time.
pub(crate) trait World: Send + Sync {
    /// Redirections are answers like others.
    fn send(&self, request: Outgoing, within: Duration) -> Coming<'_, Result<Reply, Failure>>;

    fn pause(&self, time: Duration) -> Coming<'_, ()>;

    /// Unix seconds.
    fn now(&self) -> i64;
}
