//! `[http]`: where the CRM is and how it wants to be asked.

use super::{
    Reading,
    node::{Node, Table},
};
use crate::{
    pointer::{self, Pointer},
    template::{Place, Scope, Template},
};
use serde_json::Value as Json;
use std::time::Duration;

#[derive(Clone, Debug)]
pub(crate) struct Http {
    pub(crate) base: Template,
    pub(crate) allow_http: Template,
    pub(crate) headers: Vec<(String, Template)>,
    pub(crate) query: Vec<(String, Template)>,
    pub(crate) timeout: Duration,
    pub(crate) rate: Option<Rate>,
    pub(crate) errors: Vec<Mark>,
    pub(crate) words: Vec<Pointer>,
    pub(crate) retry: Vec<Retry>,
    pub(crate) tls_ca: Option<Template>,
    pub(crate) proxy: Option<Template>,
}

/// So many requests a second, and so many at once after a quiet time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    pub(crate) burst: f64,
}

/// A place in an answer that says something: it is filled, or holds just this text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) at: Pointer,
    pub(crate) is: Option<String>,
}

/// When to ask again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    pub(crate) status: Vec<u16>,
    pub(crate) error: Option<Mark>,
    pub(crate) backoff: Duration,
    pub(crate) max: u32,
    pub(crate) until: Option<Pointer>,
}

impl Mark {
    pub(crate) fn is_in(&self, json: &Json) -> bool {
        match &self.is {
            None => self.at.first(json).is_some(),
            Some(wanted) => {
                let found = self.at.all(json).into_iter();
                found.filter_map(pointer::text).any(|text| text == *wanted)
            }
        }
    }
}

const USUAL_WORDS: [&str; 10] = [
    "/error_description",
    "/error/message",
    "/error/data/message",
    "/message",
    "/detail",
    "/title",
    "/errors/0/message",
    "/errors/0/detail",
    "/0/message",
    "/error",
];

pub(super) fn read(table: Table<'_>, reading: &Reading) -> Http {
    let (settings, scope) = (reading.settings(), reading.requests());
    let template = |key| {
        let node = table.node(key)?;
        Some(reading.template(&node, Place::Plain, &settings))
    };
    let usual = || {
        USUAL_WORDS
            .iter()
            .filter_map(|text| Pointer::parse(text).ok())
    };
    let http = Http {
        base: reading.required_template(&table, "base", Place::Plain, &settings),
        allow_http: allow_http(&table, reading, &settings),
        headers: headers(&table, "headers", reading, &scope),
        query: reading.templates(&table, "query", Place::Plain, &scope),
        timeout: Duration::from_millis(
            table.integer("timeout_ms", 100..60_001).unwrap_or(10_000) as u64
        ),
        rate: table.table("rate").and_then(rate),
        errors: marks(&table, "error"),
        words: match table.node("words") {
            Some(node) => node
                .one_or_many()
                .iter()
                .filter_map(super::pointer)
                .collect(),
            None => usual().collect(),
        },
        retry: match table.node("retry") {
            Some(node) => node.one_or_many().iter().filter_map(retry).collect(),
            None => vec![Retry {
                status: vec![429, 503],
                error: None,
                backoff: Duration::from_millis(500),
                max: 2,
                until: None,
            }],
        },
        tls_ca: template("tls_ca"),
        proxy: template("proxy"),
    };
    table.finish();
    http
}

/// Names are as HTTP has them.
pub(super) fn headers(
    table: &Table<'_>,
    key: &'static str,
    reading: &Reading,
    scope: &Scope,
) -> Vec<(String, Template)> {
    let headers = reading.templates(table, key, Place::Plain, scope);
    for (name, _) in &headers {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(fits) {
            table.wrong(format!("“{name}” is no name of a header"));
        }
    }
    headers
}

pub(super) fn marks(table: &Table<'_>, key: &'static str) -> Vec<Mark> {
    let nodes = table.node(key).map(|node| node.one_or_many());
    nodes.unwrap_or_default().iter().filter_map(mark).collect()
}

fn mark(node: &Node<'_>) -> Option<Mark> {
    let text = node.text()?;
    let (at, is) = match text.split_once('=') {
        Some((at, is)) => (at, Some(is.to_owned())),
        None => (text, None),
    };
    let at = Pointer::parse(at).map_err(|words| node.wrong(words)).ok()?;
    Some(Mark { at, is })
}

fn allow_http(table: &Table<'_>, reading: &Reading, scope: &Scope) -> Template {
    match table.node("allow_http") {
        Some(node) if node.is_bool() => {
            let text = node.bool().unwrap_or_default().to_string();
            reading.literal(&text)
        }
        Some(node) => reading.template(&node, Place::Plain, scope),
        None => reading.literal("false"),
    }
}

fn rate(table: Table<'_>) -> Option<Rate> {
    let positive = |key| {
        let node = table.required(key)?;
        let number = node.number()?;
        if number > 0.0 && number <= 1e6 {
            return Some(number);
        }
        node.wrong("this is more than 0 and at most a million");
        None
    };
    let (per_second, burst) = (positive("per_second"), positive("burst"));
    table.finish();
    Some(Rate {
        per_second: per_second?,
        burst: burst?.max(1.0),
    })
}

fn retry(node: &Node<'_>) -> Option<Retry> {
    let table = node.table()?;
    let status = status_list(&table, "status");
    let rule = Retry {
        error: table.node("error").as_ref().and_then(mark),
        backoff: Duration::from_millis(table.integer("backoff_ms", 1..60_001).unwrap_or(500) as u64),
        max: table.integer("max", 0..6).unwrap_or(2) as u32,
        until: table.node("until").as_ref().and_then(super::pointer),
        status,
    };
    if rule.status.is_empty() && rule.error.is_none() {
        table.wrong("a rule names a status, an error, or both");
    }
    table.finish();
    Some(rule)
}

pub(super) fn status_list(table: &Table<'_>, key: &'static str) -> Vec<u16> {
    let nodes = table.node(key).map(|node| node.one_or_many());
    let status = |node: &Node<'_>| {
        let number = node.integer()?;
        let status = u16::try_from(number).ok();
        let status = status.filter(|status| (100..600).contains(status));
        if status.is_none() {
            node.wrong("a status is from 100 to 599");
        }
        status
    };
    nodes
        .unwrap_or_default()
        .iter()
        .filter_map(status)
        .collect()
}
