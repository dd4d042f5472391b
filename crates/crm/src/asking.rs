//! One question to the CRM: its turn, redirects, repetitions, and what the answer means.

mod words;

use crate::{
    connector::Inner,
    format::{
        http::Retry,
        request::{AnswerKind, Request},
    },
    login::Credentials,
    pointer, render,
    template::{Context, Failed},
    world::{Outgoing, Reply},
};
use contacts::{SourceError, SourceErrorKind};
use reqwest::Url;
use serde_json::Value as Json;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use tracing::debug;

const MOST_REDIRECTS: u32 = 3;
/// Longer waits are for another time.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// What one wish of somebody may cost.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) until: Instant,
    pub(crate) requests: u32,
    /// Something is made or logged, which must not happen twice.
    pub(crate) is_writing: bool,
}

/// What an answer means.
enum Verdict {
    Answered(Json),
    /// The login is over.
    Expired,
    Again {
        rule: usize,
        wait: Duration,
        otherwise: SourceError,
    },
    Failed(SourceError),
}

impl Inner {
    /// Sends the request and gives its answer; null where there is nothing.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        request: &Request,
        context: &Context,
        budget: &mut Budget,
    ) -> Result<Json, SourceError> {
        if let Some(error) = self.quiet.now() {
            return Err(error);
        }
        let mut stale = None;
        let mut tries = vec![0_u32; self.file.http.retry.len()];
        loop {
            let credentials = self.credentials(stale, budget.until).await?;
            let outgoing = self.outgoing(request, context, &credentials);
            let outgoing = outgoing.map_err(|failed| self.unusable_template(request, &failed))?;
            let asked = (outgoing.method, outgoing.url.clone());
            let reply = self.transmit(outgoing, budget).await?;
            match self.judge(request, &reply, &mut tries, budget.is_writing) {
                Verdict::Answered(json) => return Ok(json),
                Verdict::Expired if stale.is_none() && credentials.is_renewable() => {
                    stale = Some(credentials.generation);
                }
                Verdict::Expired => return Err(self.refused(&reply)),
                Verdict::Failed(error) => {
                    self.quiet.begin(&error);
                    return Err(self.with_address(error, &reply, &asked));
                }
                Verdict::Again {
                    rule,
                    wait,
                    otherwise,
                } => {
                    if Instant::now() + wait >= budget.until {
                        let error = words::later(otherwise, wait);
                        self.quiet.begin(&error);
                        return Err(error);
                    }
                    tries[rule] += 1;
                    self.world.pause(wait).await;
                }
            }
        }
    }

    /// The same without any proof of who we are: for the login itself.
    pub(crate) async fn ask_bare(
        &self,
        request: &Request,
        context: &Context,
        budget: &mut Budget,
    ) -> Result<Json, SourceError> {
        let outgoing = self.bare(request, context);
        let outgoing = outgoing.map_err(|failed| self.unusable_template(request, &failed))?;
        let asked = (outgoing.method, outgoing.url.clone());
        let reply = self.transmit(outgoing, budget).await?;
        match self.judge(request, &reply, &mut [], budget.is_writing) {
            Verdict::Answered(json) => Ok(json),
            Verdict::Expired => Err(self.refused(&reply)),
            Verdict::Failed(error)
            | Verdict::Again {
                otherwise: error, ..
            } => Err(self.with_address(error, &reply, &asked)),
        }
    }

    fn bare(&self, request: &Request, context: &Context) -> Result<Outgoing, Failed> {
        let http = &self.file.http;
        let mut common = render::Additions {
            headers: vec![("Accept".into(), accepted(request.answer).into())],
            query: render::pairs(&http.query, context)?,
        };
        render::set_all(&mut common.headers, render::pairs(&http.headers, context)?);
        render::request(request, &self.base, &common, context)
    }

    fn outgoing(
        &self,
        request: &Request,
        context: &Context,
        credentials: &Credentials,
    ) -> Result<Outgoing, Failed> {
        let mut context = context.clone();
        context.set("session", credentials.session.clone());
        let mut outgoing = self.bare(request, &context)?;
        self.sign(&mut outgoing, &context, credentials)?;
        render::check(&outgoing.headers)?;
        Ok(outgoing)
    }

    /// Waits for its turn, sends, and follows redirections on the same host.
    pub(crate) async fn transmit(
        &self,
        mut outgoing: Outgoing,
        budget: &mut Budget,
    ) -> Result<Reply, SourceError> {
        for _ in 0..=MOST_REDIRECTS {
            self.turn(budget).await?;
            let within = self.file.http.timeout;
            let within = within.min(budget.until.saturating_duration_since(Instant::now()));
            let started = Instant::now();
            let reply = self.world.send(outgoing.clone(), within).await;
            let reply = reply.map_err(|failure| self.failed(&failure))?;
            let elapsed_ms = started.elapsed().as_millis() as u64;
            debug!(connector = %self.id, status = reply.status, elapsed_ms, "asked");
            let Some(next) = self.redirected(&outgoing, &reply)? else {
                return Ok(reply);
            };
            outgoing.url = next;
        }
        Err(self.broken("sends us from one address to the next without end"))
    }

    async fn turn(&self, budget: &mut Budget) -> Result<(), SourceError> {
        if budget.requests == 0 {
            return Err(self.broken("would have to be asked more often than one question may cost"));
        }
        budget.requests -= 1;
        let Some(wait) = self.bucket.reserve(budget.until) else {
            let words = format!("{} is asked as often as it allows", self.title);
            return Err(SourceError {
                kind: SourceErrorKind::Limited { retry_after: None },
                words,
            });
        };
        if !wait.is_zero() {
            self.world.pause(wait).await;
        }
        Ok(())
    }

    /// Where to ask the same.
    fn redirected(&self, asked: &Outgoing, reply: &Reply) -> Result<Option<Url>, SourceError> {
        let from = &asked.url;
        if !matches!(reply.status, 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let Some(location) = reply.header("location") else {
            return Ok(None);
        };
        let next = from
            .join(location)
            .map_err(|_| self.broken("sends us to an address that is none"))?;
        let is_same = next.host_str() == from.host_str()
            && next.port_or_known_default() == from.port_or_known_default()
            && next.scheme() == from.scheme();
        // Browsers follow these with a GET, whose answer is not that of what was to be done.
        if is_same && matches!(reply.status, 301..=303) && asked.method != "GET" {
            return Err(self.broken(&format!(
                "sends a {} on to {}, where it would come without what it says; write the right address in the settings",
                asked.method,
                self.redactor.address(&next)
            )));
        }
        if is_same {
            return Ok(Some(next));
        }
        let where_to = next.host_str().unwrap_or("nowhere");
        let words = match next.host_str() == from.host_str() {
            true => format!(
                "sends us to {}://{where_to}, which is not the address in the settings; write it there if that is right",
                next.scheme()
            ),
            false => format!(
                "sends us to another host, {where_to}, where we do not go; write its address in the settings if that is right"
            ),
        };
        Err(self.broken(&self.redactor.words(&words)))
    }

    fn judge(
        &self,
        request: &Request,
        reply: &Reply,
        tries: &mut [u32],
        is_writing: bool,
    ) -> Verdict {
        let json = reply.json();
        let is_good = (200..300).contains(&reply.status);
        if self.says_expired(reply.status, json.as_ref()) {
            return Verdict::Expired;
        }
        if reply.status == 204 || request.empty.contains(&reply.status) {
            return Verdict::Answered(Json::Null);
        }
        let marks = &self.file.http.errors;
        let marked = json
            .as_ref()
            .is_some_and(|json| marks.iter().any(|mark| mark.is_in(json)));
        let rules = self.file.http.retry.iter().enumerate();
        let fitting = rules
            .filter(|(_, rule)| !is_writing || says_undone(rule, reply.status))
            .filter(|(_, rule)| fits(rule, reply.status, json.as_ref()));
        for (at, rule) in fitting {
            let otherwise = self.limited(reply, json.as_ref());
            if tries.get(at).is_some_and(|tries| *tries < rule.max) {
                let wait = self.wait(rule, tries[at], reply, json.as_ref());
                return Verdict::Again {
                    rule: at,
                    wait,
                    otherwise,
                };
            }
            if reply.status == 429 || is_good {
                return Verdict::Failed(otherwise);
            }
        }
        if !is_good || marked {
            return Verdict::Failed(self.error_of(reply, json.as_ref()));
        }
        match (request.answer, json) {
            (AnswerKind::Json | AnswerKind::Any, Some(json)) => Verdict::Answered(json),
            (AnswerKind::Json, None) => Verdict::Failed(self.no_data(reply)),
            (AnswerKind::Any, None) if reply.body.is_empty() => Verdict::Answered(Json::Null),
            (AnswerKind::Text, _) | (AnswerKind::Any, None) => {
                Verdict::Answered(String::from_utf8_lossy(&reply.body).into())
            }
        }
    }

    fn wait(&self, rule: &Retry, tried: u32, reply: &Reply, json: Option<&Json>) -> Duration {
        let until = rule.until.as_ref().zip(json);
        let until = until.and_then(|(until, json)| pointer::text(until.first(json)?));
        let until = until.and_then(|text| crate::template::instant(&text));
        if let Some(at) = until {
            let seconds = at.as_second().saturating_sub(self.world.now());
            return Duration::from_secs(seconds.max(0).unsigned_abs());
        }
        self.retry_after(reply).unwrap_or_else(|| {
            let doubled = rule.backoff.saturating_mul(1 << tried.min(10));
            doubled.min(LONGEST_BACKOFF)
        })
    }

    /// Seconds, or a date of HTTP.
    fn retry_after(&self, reply: &Reply) -> Option<Duration> {
        let text = reply.header("retry-after")?.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return Some(Duration::from_secs(seconds.min(86_400)));
        }
        let at = jiff::fmt::rfc2822::parse(text).ok()?;
        let seconds = at.timestamp().as_second().saturating_sub(self.world.now());
        Some(Duration::from_secs(seconds.clamp(0, 86_400).unsigned_abs()))
    }
}

fn fits(rule: &Retry, status: u16, json: Option<&Json>) -> bool {
    let by_status = rule.status.is_empty() || rule.status.contains(&status);
    let by_error = rule
        .error
        .as_ref()
        .is_none_or(|mark| json.is_some_and(|json| mark.is_in(json)));
    by_status && by_error
}

/// A write is repeated only where the CRM itself says that it has not done it: a proxy's 503 may come after it has.
fn says_undone(rule: &Retry, status: u16) -> bool {
    status == 429 || rule.error.is_some()
}

fn accepted(answer: AnswerKind) -> &'static str {
    match answer {
        AnswerKind::Json => "application/json",
        AnswerKind::Text | AnswerKind::Any => "application/json, text/plain;q=0.9, */*;q=0.5",
    }
}
