//! Who we are for the CRM: keys, signatures, sessions, tokens that are renewed by one however many wait.

mod oauth;

pub use oauth::SignIn;

use crate::{
    File,
    asking::Budget,
    connector::Inner,
    format::auth::{Auth, Session, Signing},
    render,
    template::{Context, Failed, Template, base64, hex},
    world::Outgoing,
};
use contacts::{SourceError, SourceErrorKind};
use minijinja::Value;
use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::Instant;
use tracing::info;

/// A login that failed is not tried again by everybody who waits.
const QUIET: Duration = Duration::from_secs(5);
/// For a login, whoever waits for it.
const PATIENCE: Duration = Duration::from_secs(30);
/// A token is renewed so much before its end.
const EARLY: i64 = 30;

/// Keeps what a connector learns and must not forget: tokens that a CRM gives in the place of old ones.
pub trait SecretStore: Send + Sync {
    /// What was saved under this name, which is that of the `oauth` parameter. Called by [`crate::File::connector`].
    fn load(&self, name: &str) -> Option<SecretString>;

    /// Replaces it, for good. Called on a thread that may block.
    ///
    /// # Errors
    /// A sentence.
    fn save(&self, name: &str, secret: &SecretString) -> Result<(), String>;
}

/// What requests carry just now.
#[derive(Clone)]
pub(crate) struct Credentials {
    /// Counts logins, so that one that is over is told from the newest.
    pub(crate) generation: u64,
    pub(crate) session: Value,
    token: Option<SecretString>,
}

impl Credentials {
    pub(crate) fn is_renewable(&self) -> bool {
        self.generation > 0
    }
}

/// The login, owned by who holds the lock; renewing holds it too.
#[derive(Default)]
pub(crate) struct Login {
    generation: u64,
    state: State,
    failed: Option<(Instant, SourceError)>,
}

#[derive(Default)]
enum State {
    #[default]
    Out,
    Session(Map<String, Json>),
    Token(Tokens),
}

/// As it is stored.
#[derive(Clone)]
struct Tokens {
    access: SecretString,
    refresh: Option<SecretString>,
    /// Unix seconds.
    until: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    access: String,
    #[serde(default)]
    refresh: Option<String>,
    #[serde(default)]
    until: Option<i64>,
}

impl Login {
    /// As stored by an earlier run.
    pub(crate) fn of(stored: Option<&SecretString>) -> Self {
        let stored =
            stored.and_then(|text| serde_json::from_str::<Stored>(text.expose_secret()).ok());
        let Some(stored) = stored else {
            return Self::default();
        };
        Self {
            generation: 1,
            state: State::Token(Tokens {
                access: stored.access.into(),
                refresh: stored.refresh.map(Into::into),
                until: stored.until,
            }),
            failed: None,
        }
    }

    /// What must not be told: tokens, and keys of sessions.
    pub(crate) fn secrets(&self) -> Vec<String> {
        match &self.state {
            State::Out | State::Session(_) => Vec::new(),
            State::Token(tokens) => {
                let both = [Some(&tokens.access), tokens.refresh.as_ref()].into_iter();
                both.flatten()
                    .map(|token| token.expose_secret().to_owned())
                    .collect()
            }
        }
    }

    /// A session as a recording has it.
    pub(crate) fn recorded(session: Map<String, Json>) -> Self {
        Self {
            generation: 1,
            state: State::Session(session),
            failed: None,
        }
    }

    /// Unless it is over, or is the one that is known to be.
    fn usable(&self, stale: Option<u64>, now: i64) -> Option<Credentials> {
        if stale == Some(self.generation) {
            return None;
        }
        let (session, token) = match &self.state {
            State::Out => return None,
            State::Session(session) => (Value::from(minijinja::value::Serde(session)), None),
            State::Token(tokens) => {
                if tokens
                    .until
                    .is_some_and(|until| until.saturating_sub(EARLY) <= now)
                {
                    return None;
                }
                (Value::from(()), Some(tokens.access.clone()))
            }
        };
        Some(Credentials {
            generation: self.generation,
            session,
            token,
        })
    }
}

impl Inner {
    /// What to send; signs in where nobody has, or where that login is over (`stale`).
    pub(crate) async fn credentials(
        self: &Arc<Self>,
        stale: Option<u64>,
        until: Instant,
    ) -> Result<Credentials, SourceError> {
        match &self.file.auth {
            Auth::Session(_) | Auth::Oauth(_) => {}
            Auth::None
            | Auth::Basic { .. }
            | Auth::Bearer { .. }
            | Auth::Header { .. }
            | Auth::Query { .. }
            | Auth::Hmac(_) => {
                return Ok(Credentials {
                    generation: 0,
                    session: Value::from(()),
                    token: None,
                });
            }
        }
        let inner = self.clone();
        // Whoever asks may be gone in the middle of it, and the new token must not go with him.
        let renewing = tokio::spawn(async move {
            let mut login = inner.login.lock().await;
            inner.sign_in(&mut login, stale).await
        });
        let done = tokio::time::timeout_at(until, renewing).await;
        match done {
            Ok(Ok(credentials)) => credentials,
            Ok(Err(_)) => Err(self.broken("cannot be signed in to")),
            Err(_) => Err(SourceError {
                kind: SourceErrorKind::TooSlow,
                words: format!("{} did not let us sign in in time", self.title),
            }),
        }
    }

    async fn sign_in(
        self: &Arc<Self>,
        login: &mut Login,
        stale: Option<u64>,
    ) -> Result<Credentials, SourceError> {
        let now = self.world.now();
        if let Some(credentials) = login.usable(stale, now) {
            return Ok(credentials);
        }
        if let Some((at, error)) = &login.failed
            && at.elapsed() < QUIET
        {
            return Err(error.clone());
        }
        match self.new_state(&mut login.state).await {
            Ok(state) => {
                login.generation += 1;
                login.state = state;
                login.failed = None;
                info!(connector = %self.id, "signed in");
            }
            Err(error) => {
                login.failed = Some((Instant::now(), error.clone()));
                return Err(error);
            }
        }
        // What has just been given is used, however short it lasts.
        let usable = login.usable(None, i64::MIN / 2);
        usable.ok_or_else(|| self.broken("cannot be signed in to"))
    }

    async fn new_state(self: &Arc<Self>, old: &mut State) -> Result<State, SourceError> {
        match &self.file.auth {
            Auth::Session(session) => self.new_session(session).await,
            Auth::Oauth(oauth) => self.renewed(oauth, old).await,
            Auth::None
            | Auth::Basic { .. }
            | Auth::Bearer { .. }
            | Auth::Header { .. }
            | Auth::Query { .. }
            | Auth::Hmac(_) => Ok(State::Out),
        }
    }

    async fn new_session(self: &Arc<Self>, session: &Session) -> Result<State, SourceError> {
        let mut budget = login_budget();
        let mut kept = Map::new();
        for step in &session.steps {
            let mut context = self.context();
            context.set_json("session", &Json::Object(kept.clone()));
            let answer = self.ask_bare(&step.request, &context, &mut budget).await?;
            context.set_json("doc", &answer);
            context.set_json("row", &answer);
            for (name, field) in &step.map {
                let text = field.text(&answer, &context);
                let text = text.map_err(|failed| self.unusable_template(&step.request, &failed))?;
                let Some(text) = text else {
                    return Err(SourceError {
                        kind: SourceErrorKind::Login,
                        words: format!(
                            "{} does not let us in: its answer to the login has no “{name}”; see name and password in the settings",
                            self.title
                        ),
                    });
                };
                // A user's number is no secret, a key is.
                if text.len() >= 8 {
                    self.redactor.learn_for_now(&text);
                }
                kept.insert(name.clone(), typed(field, &answer, text));
            }
        }
        Ok(State::Session(kept))
    }

    /// Adds the proof of who we are.
    pub(crate) fn sign(
        &self,
        outgoing: &mut Outgoing,
        context: &Context,
        credentials: &Credentials,
    ) -> Result<(), Failed> {
        let context = &context.with("request", seen(outgoing));
        let header = |name: &str, value: String| vec![(name.to_owned(), value)];
        let more = match &self.file.auth {
            Auth::None => Vec::new(),
            Auth::Basic { user, password } => {
                let pair = format!("{}:{}", user.text(context)?, password.text(context)?);
                header(
                    "Authorization",
                    format!("Basic {}", base64(pair.as_bytes())),
                )
            }
            Auth::Bearer { token, scheme } => header(
                "Authorization",
                format!("{scheme} {}", token.text(context)?),
            ),
            Auth::Header { headers } => render::pairs(headers, context)?,
            Auth::Query { query } => {
                render::add_query(&mut outgoing.url, &render::pairs(query, context)?);
                Vec::new()
            }
            Auth::Hmac(hmac) => {
                let mut headers = render::pairs(&hmac.headers, context)?;
                headers.push((hmac.header.clone(), signature(&hmac.signing, context)?));
                headers
            }
            Auth::Session(session) => {
                render::add_query(&mut outgoing.url, &render::pairs(&session.query, context)?);
                render::pairs(&session.headers, context)?
            }
            Auth::Oauth(oauth) => {
                let token = credentials.token.as_ref();
                let token = token.map_or("", |token| token.expose_secret());
                header("Authorization", format!("{} {token}", oauth.scheme))
            }
        };
        render::set_all(&mut outgoing.headers, more);
        Ok(())
    }

    pub(crate) fn says_expired(&self, status: u16, json: Option<&Json>) -> bool {
        let (marks, forbidden) = match &self.file.auth {
            Auth::Session(session) => (&session.expired, status == 403),
            Auth::Oauth(oauth) => (&oauth.expired, false),
            Auth::None
            | Auth::Basic { .. }
            | Auth::Bearer { .. }
            | Auth::Header { .. }
            | Auth::Query { .. }
            | Auth::Hmac(_) => return false,
        };
        let marked = json.is_some_and(|json| marks.iter().any(|mark| mark.is_in(json)));
        status == 401 || forbidden || marked
    }
}

/// What the settings make of secrets and each request says: some CRMs repeat it in their words.
pub(crate) fn proofs(file: &File, params: &BTreeMap<String, Value>) -> Vec<String> {
    let mut context = Context::default();
    context.set("params", params.clone());
    let pair = |user: &Template, password: &Template| {
        let (user, password) = (user.text(&context).ok()?, password.text(&context).ok()?);
        Some(base64(format!("{user}:{password}").as_bytes()))
    };
    let (own, pair) = match &file.auth {
        Auth::Basic { user, password } => (&[][..], pair(user, password)),
        Auth::Oauth(oauth) if oauth.client_in_header => {
            (&[][..], pair(&oauth.client_id, &oauth.client_secret))
        }
        Auth::Header { headers } => (&headers[..], None),
        Auth::None
        | Auth::Bearer { .. }
        | Auth::Query { .. }
        | Auth::Hmac(_)
        | Auth::Session(_)
        | Auth::Oauth(_) => (&[][..], None),
    };
    let headers = own.iter().chain(&file.http.headers);
    let headers = headers.filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let values = headers.filter_map(|(_, value)| value.text(&context).ok());
    // Before it is the name of the scheme.
    let values = values.filter_map(|value| Some(value.rsplit_once(' ')?.1.to_owned()));
    values.chain(pair).collect()
}

fn login_budget() -> Budget {
    Budget {
        until: Instant::now() + PATIENCE,
        requests: 10,
        is_writing: false,
    }
}

/// Numbers stay numbers where the whole value is one.
fn typed(field: &crate::format::people::Field, answer: &Json, text: String) -> Json {
    match field {
        crate::format::people::Field::At(at) => {
            at.first(answer).cloned().unwrap_or(Json::from(text))
        }
        crate::format::people::Field::Constant(_)
        | crate::format::people::Field::Template(_)
        | crate::format::people::Field::FirstOf(_) => Json::from(text),
    }
}

/// The request as signatures see it.
fn seen(outgoing: &Outgoing) -> Value {
    let url = &outgoing.url;
    let host = url.host_str().unwrap_or_default();
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    Value::from_pairs([
        ("method", outgoing.method.to_owned()),
        ("url", url.to_string()),
        ("host", format!("{host}{port}")),
        ("path", url.path().to_owned()),
        ("query", url.query().unwrap_or_default().to_owned()),
        ("body", outgoing.body.clone().unwrap_or_default()),
    ])
}

pub(crate) fn signature(signing: &Signing, context: &Context) -> Result<String, Failed> {
    let key = hmac::Key::new(signing.algorithm, signing.key.text(context)?.as_bytes());
    let tag = hmac::sign(&key, signing.payload.text(context)?.as_bytes());
    let text = match signing.is_base64 {
        true => base64(tag.as_ref()),
        false => hex(tag.as_ref()),
    };
    Ok(format!("{}{text}", signing.prefix))
}
