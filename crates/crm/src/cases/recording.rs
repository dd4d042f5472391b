//! A network that says what was recorded, and notes what is asked otherwise.

use crate::{
    File,
    cases::compare::json_differences,
    format::cases::{Case, CaseCall, Exchange, Recorded, RecordedBody},
    render,
    world::{Coming, Failure, Outgoing, Reply, World},
};
use serde_json::Value as Json;
use std::{
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

pub(super) struct Recording {
    exchanges: Vec<(usize, Exchange)>,
    now: i64,
    is_lookup: bool,
    /// The one of the settings, which paths belong to.
    host: OnceLock<String>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    next: usize,
    wrong: Vec<String>,
}

impl Recording {
    pub(super) fn new(file: &File, case: &Case) -> Self {
        let exchanges = case.exchanges.iter();
        let exchanges = exchanges.map(|exchange| (file.places.line(exchange.at), exchange.clone()));
        Self {
            exchanges: exchanges.collect(),
            now: file.setup.now,
            is_lookup: case.call == CaseCall::Lookup,
            host: OnceLock::new(),
            seen: Mutex::default(),
        }
    }

    pub(super) fn set_host(&self, host: &str) {
        let _ = self.host.set(host.to_owned());
    }

    /// What was asked otherwise, and what was not asked.
    pub(super) fn wrong(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wrong = seen.wrong.clone();
        let left = self.exchanges.iter().skip(seen.next);
        wrong.extend(left.map(|(line, exchange)| {
            let Recorded { method, path, .. } = &exchange.request;
            format!("line {line}: {method} {path} is recorded and was not sent")
        }));
        wrong
    }

    /// Why this is asked behind the last exchange.
    fn why_more(&self, request: &Outgoing, next: usize) -> &'static str {
        let before = next.checked_sub(1).and_then(|at| self.exchanges.get(at));
        let is_alike = |(_, before): &(usize, Exchange)| {
            let before = &before.request;
            before.method == request.method && decoded(&before.path) == decoded(request.url.path())
        };
        match self.is_lookup && before.is_some_and(is_alike) {
            true => "the answer before it gave nobody, so the next spelling was asked",
            false => "nothing more is recorded",
        }
    }

    fn answer(&self, request: &Outgoing) -> Result<Reply, Failure> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((line, exchange)) = self.exchanges.get(seen.next) else {
            let why = self.why_more(request, seen.next);
            let words = format!(
                "{} {} is sent and not recorded{}: {why}",
                request.method,
                request.url.path(),
                body_words(request)
            );
            seen.wrong.push(words);
            return Err(Failure::Away(why.into()));
        };
        seen.next += 1;
        let mut different = differences(&exchange.request, request);
        let host = request.url.host_str();
        if !exchange.request.is_address && host != self.host.get().map(String::as_str) {
            let host = host.unwrap_or_default();
            different.push(format!(
                "it goes to {host}, another host: record it with “url”"
            ));
        }
        seen.wrong.extend(
            different
                .into_iter()
                .map(|words| format!("line {line}: {words}")),
        );
        let headers = exchange.headers.iter();
        let mut headers: Vec<(String, String)> = headers
            .map(|(name, value)| (name.to_lowercase(), value.clone()))
            .collect();
        if !headers.iter().any(|(name, _)| name == "content-type") {
            headers.push(("content-type".into(), "application/json".into()));
        }
        Ok(Reply {
            status: exchange.status,
            headers,
            body: exchange.body.clone().into_bytes(),
        })
    }
}

impl World for Recording {
    fn send(&self, request: Outgoing, _: Duration) -> Coming<'_, Result<Reply, Failure>> {
        let answer = self.answer(&request);
        Box::pin(async move { answer })
    }

    fn pause(&self, _: Duration) -> Coming<'_, ()> {
        Box::pin(async {})
    }

    fn now(&self) -> i64 {
        self.now
    }
}

fn body_words(request: &Outgoing) -> String {
    match (&request.body, request.url.query()) {
        (Some(body), _) => format!(", with {body}"),
        (None, Some(query)) => format!(", with {}", listed(&render::parse_form(query))),
        (None, None) => String::new(),
    }
}

fn differences(recorded: &Recorded, sent: &Outgoing) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut compare = |what: &str, recorded: &str, sent: &str| {
        if recorded != sent {
            wrong.push(format!("{what} is {sent}, recorded is {recorded}"));
        }
    };
    compare("the method", &recorded.method, sent.method);
    let mut whole = sent.url.clone();
    whole.set_query(None);
    let sent_path = match recorded.is_address {
        true => whole.as_str(),
        false => whole.path(),
    };
    compare("the path", &decoded(&recorded.path), &decoded(sent_path));
    let query = render::parse_form(sent.url.query().unwrap_or_default());
    let recorded_query = sorted(recorded.query.clone());
    compare(
        "the query",
        &listed(&recorded_query),
        &listed(&sorted(query)),
    );
    for (name, value) in &recorded.headers {
        let mut headers = sent.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        let found = found.map(|(_, value)| value.as_str());
        let is_type = name.eq_ignore_ascii_case("content-type");
        let found = found.or(sent.content_type.as_deref().filter(|_| is_type));
        compare(
            &format!("the header {name}"),
            value,
            found.unwrap_or("not sent"),
        );
    }
    wrong.extend(body_differences(&recorded.body, sent));
    wrong
}

fn body_differences(recorded: &RecordedBody, sent: &Outgoing) -> Vec<String> {
    let body = sent.body.as_deref();
    match recorded {
        RecordedBody::None => match body {
            Some(body) => vec![format!("the body is {body}, none is recorded")],
            None => Vec::new(),
        },
        RecordedBody::Json(recorded) => {
            let Some(json) = body.and_then(|body| serde_json::from_str::<Json>(body).ok()) else {
                return vec!["no JSON is sent, and some is recorded".into()];
            };
            json_differences("the body", recorded, &json)
        }
        RecordedBody::Form(recorded) => {
            let recorded = sorted(recorded.clone());
            let sent = sorted(render::parse_form(body.unwrap_or_default()));
            let is_same = recorded.len() == sent.len()
                && recorded
                    .iter()
                    .zip(&sent)
                    .all(|(one, other)| is_same_field(one, other));
            match is_same {
                true => Vec::new(),
                false => {
                    let (sent, recorded) = (listed(&sent), listed(&recorded));
                    vec![format!("the form is {sent}, recorded is {recorded}")]
                }
            }
        }
        RecordedBody::Text(text) => match body == Some(text) {
            true => Vec::new(),
            false => vec![format!(
                "the body is {}, recorded is {text}",
                body.unwrap_or_default()
            )],
        },
    }
}

/// JSON in a field has no order of its members.
fn is_same_field(one: &(String, String), other: &(String, String)) -> bool {
    let json = |text: &str| {
        serde_json::from_str::<Json>(text)
            .ok()
            .filter(|json| !json.is_number())
    };
    let is_same_json = || json(&one.1).is_some_and(|json_of| json(&other.1) == Some(json_of));
    one == other || (one.0 == other.0 && is_same_json())
}

fn decoded(path: &str) -> String {
    // A plus stays one in a path.
    let pairs = render::parse_form(
        &path
            .replace('+', "%2B")
            .replace('&', "%26")
            .replace('=', "%3D"),
    );
    pairs.into_iter().map(|(name, _)| name).collect()
}

fn sorted(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    pairs.sort();
    pairs
}

fn listed(pairs: &[(String, String)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
    let text = pairs.collect::<Vec<_>>().join("&");
    if text.is_empty() {
        "empty".into()
    } else {
        text
    }
}
