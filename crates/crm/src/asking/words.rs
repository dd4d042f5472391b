//! What went wrong, as the card says it: our sentence, and the CRM's own words in quotes.

use crate::{
    connector::Inner,
    format::request::Request,
    pointer,
    redact::page_words,
    template::Failed,
    world::{Failure, Reply},
};
use contacts::{SourceError, SourceErrorKind};
use reqwest::Url;
use serde_json::Value as Json;
use std::time::Duration;

impl Inner {
    pub(super) fn limited(&self, reply: &Reply, json: Option<&Json>) -> SourceError {
        let error = self.error_of(reply, json);
        SourceError {
            kind: SourceErrorKind::Limited {
                retry_after: self.retry_after(reply),
            },
            words: error.words,
        }
    }

    pub(super) fn refused(&self, reply: &Reply) -> SourceError {
        let json = reply.json();
        SourceError {
            kind: SourceErrorKind::Login,
            ..self.error_of(reply, json.as_ref())
        }
    }

    pub(crate) fn error_of(&self, reply: &Reply, json: Option<&Json>) -> SourceError {
        let kind = match reply.status {
            401 | 403 => SourceErrorKind::Login,
            429 => SourceErrorKind::Limited {
                retry_after: self.retry_after(reply),
            },
            502..=504 => SourceErrorKind::Away,
            _ => SourceErrorKind::Broken,
        };
        let mut words = format!("{} answered {}", self.title, status_words(reply.status));
        if let Some(told) = self.own_words(reply, json) {
            words.push_str(&format!(": “{told}”"));
        }
        if kind == SourceErrorKind::Login {
            words.push_str("; see the key or password in the settings, and what it may do");
        }
        SourceError { kind, words }
    }

    /// With what was asked, where the CRM has nothing there.
    pub(crate) fn with_address(
        &self,
        mut error: SourceError,
        reply: &Reply,
        (method, url): &(&'static str, Url),
    ) -> SourceError {
        if matches!(reply.status, 404 | 405) {
            let address = self.redactor.address(url);
            let words =
                format!("; asked was {method} {address}, see whether this address is right");
            error.words.push_str(&words);
        }
        error
    }

    /// What the CRM itself says about it.
    fn own_words(&self, reply: &Reply, json: Option<&Json>) -> Option<String> {
        let told = json.and_then(|json| {
            let mut places = self.file.http.words.iter();
            places.find_map(|at| at.all(json).into_iter().find_map(one_text))
        });
        let told = told.or_else(|| match json {
            Some(Json::String(text)) => Some(text.clone()),
            Some(_) => None,
            None => {
                let start = &reply.body[..reply.body.len().min(64 * 1024)];
                Some(page_words(&String::from_utf8_lossy(start)))
            }
        });
        told.map(|told| self.redactor.words(&told))
            .filter(|told| !told.is_empty())
    }

    pub(super) fn no_data(&self, reply: &Reply) -> SourceError {
        let kind = reply.header("content-type").unwrap_or("unknown type");
        let kind = self
            .redactor
            .words(kind.split(';').next().unwrap_or_default());
        let what = match reply.body.is_empty() {
            true => "answered with nothing instead of data".to_owned(),
            false => format!("answered with {kind} instead of data"),
        };
        let told = self.own_words(reply, None).unwrap_or_default();
        let told = if told.is_empty() {
            String::new()
        } else {
            format!(": “{told}”")
        };
        self.broken(&format!(
            "{what}{told}; see whether the address in the settings is right"
        ))
    }

    pub(crate) fn failed(&self, failure: &Failure) -> SourceError {
        let title = &self.title;
        match failure {
            Failure::TooSlow => SourceError {
                kind: SourceErrorKind::TooSlow,
                words: format!("{title} did not answer in time"),
            },
            Failure::Away(words) => SourceError {
                kind: SourceErrorKind::Away,
                words: self.redactor.words(&format!("{title}: {words}")),
            },
            Failure::Unusable(words) => SourceError {
                kind: SourceErrorKind::Broken,
                words: self.redactor.words(&format!("{title}: {words}")),
            },
        }
    }

    /// The title and these words.
    pub(crate) fn broken(&self, words: &str) -> SourceError {
        SourceError {
            kind: SourceErrorKind::Broken,
            words: format!("{} {words}", self.title),
        }
    }

    pub(crate) fn unusable_template(&self, request: &Request, failed: &Failed) -> SourceError {
        let places = &self.file.places;
        let line = places.line(request.at);
        self.broken(&format!(
            "cannot be asked: {} ({}:{line})",
            failed.0, places.file
        ))
    }
}

fn one_text(json: &Json) -> Option<String> {
    pointer::text(json).filter(|text| !text.trim().is_empty())
}

/// With the time that the CRM wants.
pub(super) fn later(error: SourceError, wait: Duration) -> SourceError {
    let SourceErrorKind::Limited { .. } = error.kind else {
        return error;
    };
    let seconds = wait.as_secs().max(1);
    SourceError {
        kind: SourceErrorKind::Limited {
            retry_after: Some(wait),
        },
        words: format!("{}; it wants to be left alone for {seconds} s", error.words),
    }
}

fn status_words(status: u16) -> String {
    let known = reqwest::StatusCode::from_u16(status).ok();
    match known.and_then(|status| status.canonical_reason()) {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}
