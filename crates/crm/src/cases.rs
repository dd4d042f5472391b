//! Recorded cases: replayed without a network, and compared with what the file sends now.

mod compare;
mod recording;

use crate::{
    CallFacts, CallPerson, Connector, Direction, File, InboundRequest, LogRef, Options, Outcome,
    Secrets, Target, User, Values,
    format::{
        auth::Auth,
        cases::{Case, CaseCall},
    },
    login::Login,
    pointer,
};
use compare::Compared;
use contacts::{Question, Source as _, SourceError};
use phone_number::{DialPlan, PhoneNumber};
use recording::Recording;
use serde_json::{Map, Value as Json, json};
use std::{fmt, sync::Arc};
use tokio::runtime::Builder;

/// How a case went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    pub name: String,
    pub file: String,
    /// Where the case stands, from 1.
    pub line: usize,
    /// What is not as recorded, each with its place; empty: it passed.
    pub wrong: Vec<String>,
}

impl CaseResult {
    #[must_use]
    pub fn passed(&self) -> bool {
        self.wrong.is_empty()
    }
}

impl fmt::Display for CaseResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.passed() { "ok  " } else { "FAIL" };
        write!(f, "{word} {}", self.name)?;
        if !self.passed() {
            write!(f, " ({}:{})", self.file, self.line)?;
        }
        for line in &self.wrong {
            write!(f, "\n       {line}")?;
        }
        Ok(())
    }
}

/// Replays every case of the file, without a network. Blocks for some milliseconds.
#[must_use]
pub fn run(file: &File) -> Vec<CaseResult> {
    let file = Arc::new(file.clone());
    // A thread of its own: the caller may be inside a runtime already.
    let replay = || {
        let runtime = Builder::new_current_thread().enable_time().build().ok()?;
        let results = file
            .cases
            .iter()
            .map(|case| runtime.block_on(one(&file, case)));
        Some(results.collect())
    };
    let results = std::thread::scope(|scope| scope.spawn(replay).join());
    results.ok().flatten().unwrap_or_default()
}

/// Asks a real CRM what the cases that are marked `live` ask, and compares what comes with what they expect.
pub(crate) async fn live(connector: &Connector) -> Vec<CaseResult> {
    let file = connector.0.file.clone();
    let may = |case: &&Case| case.is_live && matches!(case.call, CaseCall::Lookup | CaseCall::Find);
    let mut results = Vec::new();
    for case in file.cases.iter().filter(may) {
        let line = file.places.line(case.at);
        let wrong = match call(connector, &file, case).await {
            Ok(came) => Compared::new(&case.expect).differences(&came),
            Err(words) => vec![words],
        };
        results.push(CaseResult {
            name: case.name.clone(),
            file: file.places.file.clone(),
            line,
            wrong,
        });
    }
    results
}

/// What a question of a case came to.
pub(crate) enum Came {
    People(Vec<contacts::Person>),
    Id(Option<String>),
    Users(Arc<[User]>),
    Findings(Vec<crate::Finding>),
    Inbound(Box<crate::InboundAnswer>),
    Link(Option<String>),
}

async fn one(file: &Arc<File>, case: &Case) -> CaseResult {
    let line = file.places.line(case.at);
    let mut result = CaseResult {
        name: case.name.clone(),
        file: file.places.file.clone(),
        line,
        wrong: Vec::new(),
    };
    let recording = Arc::new(Recording::new(file, case));
    let connector = match connector(file, case, recording.clone()) {
        Ok(connector) => {
            recording.set_host(connector.0.base.host_str().unwrap_or_default());
            connector
        }
        Err(wrong) => {
            result.wrong = wrong;
            return result;
        }
    };
    connector.0.notes.begin();
    let came = match call(&connector, file, case).await {
        Ok(came) => came,
        Err(words) => {
            result.wrong.push(format!("line {line}: {words}"));
            return result;
        }
    };
    result.wrong = recording.wrong();
    let compared = Compared::new(&case.expect);
    let differences = compared.differences(&came);
    result.wrong.extend(
        differences
            .into_iter()
            .map(|words| format!("line {line}: {words}")),
    );
    if !result.wrong.is_empty() {
        let notes = connector.0.notes.take().into_iter();
        let told = notes.filter_map(|note| Some(format!("{}: {}", note.spelling, note.why?)));
        result.wrong.extend(told);
    }
    result
}

/// With the settings that the file's cases have.
fn connector(
    file: &Arc<File>,
    case: &Case,
    recording: Arc<Recording>,
) -> Result<Connector, Vec<String>> {
    let mut params = file.setup.params.clone();
    params.extend(case.params.clone());
    let (mut values, mut secrets) = (Values::new(), Secrets::new());
    for (name, value) in params {
        let text = pointer::text(&value).unwrap_or_default();
        match file.is_secret(&name) {
            true => drop(secrets.insert(name, text.into())),
            false => drop(values.insert(name, text)),
        }
    }
    let mut options = Options::new(DialPlan::new(file.setup.country));
    options.language = file.setup.language.clone();
    // Its pauses take no time, and its machine may be slow.
    options.longest = std::time::Duration::from_secs(30);
    let made = file.connector_in(&values, &secrets, options, recording, login(file, case));
    made.map_err(|wrong| {
        let line = |(param, words): (String, String)| format!("[cases] params.{param}: {words}");
        wrong.into_iter().map(line).collect()
    })
}

fn login(file: &File, case: &Case) -> Login {
    match (&file.auth, case.is_fresh) {
        (Auth::Session(_), false) => Login::recorded(file.setup.session.clone()),
        (Auth::Oauth(_), false) => {
            Login::of(Some(&json!({ "access": "token" }).to_string().into()))
        }
        (Auth::Oauth(oauth), true) if oauth.is_by_browser() => {
            let over = json!({ "access": "over", "refresh": "refresh", "until": 0 });
            Login::of(Some(&over.to_string().into()))
        }
        (_, _) => Login::default(),
    }
}

async fn call(
    connector: &Connector,
    file: &File,
    case: &Case,
) -> Result<Result<Came, SourceError>, String> {
    let with = With {
        map: &case.with,
        plan: DialPlan::new(file.setup.country),
        now: file.setup.now,
    };
    Ok(match case.call {
        CaseCall::Lookup => {
            let question = Question {
                number: with.number()?,
                line: with.text("line"),
                extension: with.text("extension"),
            };
            connector.look_up(&question).await.map(Came::People)
        }
        CaseCall::Find => {
            let limit = with.map.get("limit").and_then(Json::as_u64).unwrap_or(10);
            let text = with.text("text").unwrap_or_default();
            let found = connector.find(&text, limit as usize).await;
            found.map(Came::People)
        }
        CaseCall::Create => {
            let fields = with.table("fields").into_iter();
            let fields =
                fields.map(|(name, value)| (name, pointer::text(&value).unwrap_or_default()));
            let made = connector.create(&fields.collect(), &with.number()?).await;
            made.map(|person| Came::People(vec![person]))
        }
        CaseCall::Log => {
            let (call, about) = with.call(connector).await?;
            id(connector.log_call(&call, &about).await)
        }
        CaseCall::Update => {
            let (call, about) = with.call(connector).await?;
            let log = LogRef(with.text("log").unwrap_or_default());
            id(connector.update_call(&log, &call, &about).await)
        }
        CaseCall::Note => {
            let (call, about) = with.call(connector).await?;
            let log = with.text("log").map(LogRef);
            let text = with.text("note").unwrap_or_default();
            id(connector.note(&text, log.as_ref(), &call, &about).await)
        }
        CaseCall::Pop => {
            let (call, about) = with.call(connector).await?;
            let done = connector.pop(&call, &about).await;
            done.map(|done| Came::Id(done.then(String::new)))
        }
        CaseCall::Users => connector.users().await.map(Came::Users),
        CaseCall::Test => Ok(Came::Findings(connector.test().await)),
        CaseCall::Inbound => {
            let answer = connector.inbound_with_user(&with.inbound()).await;
            Ok(Came::Inbound(Box::new(answer)))
        }
        CaseCall::Link => Ok(Came::Link(match with.text("which").as_deref() {
            Some("search") => connector.search_link(&with.number()?),
            Some("new") => connector.new_link(&with.number()?),
            Some(_) | None => connector.person_link(&with.person().unwrap_or_default()),
        })),
    })
}

fn id(done: Result<Option<LogRef>, SourceError>) -> Result<Came, SourceError> {
    done.map(|log| Came::Id(log.map(|log| log.0)))
}

/// What a case puts in.
struct With<'a> {
    map: &'a Map<String, Json>,
    plan: DialPlan,
    now: i64,
}

impl With<'_> {
    fn text(&self, key: &str) -> Option<String> {
        pointer::text(self.map.get(key)?)
    }

    fn table(&self, key: &str) -> Map<String, Json> {
        let table = self.map.get(key).and_then(Json::as_object);
        table.cloned().unwrap_or_default()
    }

    fn number(&self) -> Result<PhoneNumber, String> {
        let text = self.text("number").ok_or("with.number is missing")?;
        let number = self.plan.number(&text);
        number.map_err(|error| format!("with.number: {error}"))
    }

    fn person(&self) -> Option<CallPerson> {
        let table = self.map.get("contact")?.as_object()?;
        let text = |key: &str| table.get(key).and_then(pointer::text).unwrap_or_default();
        Some(CallPerson {
            id: text("id"),
            kind: text("kind"),
            name: text("name"),
            company: text("company"),
            email: text("email"),
            owner: text("owner"),
            phone: text("phone"),
        })
    }

    async fn call(&self, connector: &Connector) -> Result<(CallFacts, Target), String> {
        let table = self.table("call");
        let text = |key: &str| table.get(key).and_then(pointer::text);
        let at = |key: &str| table.get(key).and_then(Json::as_i64);
        let outcome = match text("outcome").as_deref() {
            None | Some("answered") => Outcome::Answered,
            Some("missed") => Outcome::Missed,
            Some("busy") => Outcome::Busy,
            Some("declined") => Outcome::Declined,
            Some("failed") => Outcome::Failed,
            Some(other) => return Err(format!("with.call.outcome cannot be “{other}”")),
        };
        let started = at("started").unwrap_or(self.now);
        let duration = at("duration").unwrap_or(65);
        let is_answered = outcome == Outcome::Answered;
        let answered = at("answered").or(is_answered.then(|| started + at("waited").unwrap_or(0)));
        let usual_end = answered.map_or(started + at("waited").unwrap_or(0), |at| at + duration);
        let call = CallFacts {
            id: text("id").unwrap_or_else(|| "call-1".into()),
            direction: match text("direction").as_deref() {
                Some("out") => Direction::Out,
                Some(_) | None => Direction::In,
            },
            number: self.number()?,
            line: text("line"),
            extension: text("extension").or(self.text("extension")),
            agent: text("agent"),
            ended: Some(at("ended").unwrap_or(usual_end)),
            summary: text("summary").unwrap_or_else(|| "Incoming call, answered, 1:05".into()),
            note: text("note"),
            record_url: text("record_url"),
            started,
            answered,
            outcome,
        };
        let user = match (self.map.get("user"), self.text("extension")) {
            (Some(user), _) => {
                let text = |key: &str| user.get(key).and_then(pointer::text).unwrap_or_default();
                Some(User {
                    extension: text("extension"),
                    id: text("id"),
                    name: text("name"),
                    email: text("email"),
                })
            }
            (None, Some(extension)) => {
                let user = connector.user(&extension).await;
                user.map_err(|error| error.words)?
            }
            (None, None) => None,
        };
        let person = self.person();
        Ok((call, Target { person, user }))
    }

    fn inbound(&self) -> InboundRequest {
        let pairs = |key: &str| -> Vec<(String, String)> {
            let table = self.table(key).into_iter();
            table
                .map(|(name, value)| (name, pointer::text(&value).unwrap_or_default()))
                .collect()
        };
        let body = match (self.map.get("json"), self.map.get("form")) {
            (Some(Json::String(text)), _) => text.clone(),
            (Some(json), _) => json.to_string(),
            (None, Some(_)) => crate::render::form(&pairs("form")),
            (None, None) => self.text("body").unwrap_or_default(),
        };
        InboundRequest {
            method: self.text("method").unwrap_or_else(|| "POST".into()),
            path: String::new(),
            query: crate::render::form(&pairs("query")),
            headers: pairs("headers"),
            body,
        }
    }
}

#[cfg(test)]
mod tests;
