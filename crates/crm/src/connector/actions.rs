//! What is written into the CRM about a call, and who its users are.

use super::{Connector, Inner, spellings, with_answer};
use crate::{
    asking::Budget,
    format::{
        people::Field,
        sections::{Action, Users},
    },
    template::Context,
};
use contacts::{Person, SourceError, SourceErrorKind, clean};
use minijinja::Value;
use phone_number::{PhoneNumber, Variant};
use serde_json::{Value as Json, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::Instant;

/// How long the list of users is good.
const USERS_FOR: Duration = Duration::from_secs(300);
const MOST_USERS: usize = 10_000;

/// Which way a call goes, from the firm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    In,
    Out,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Answered,
    Missed,
    Busy,
    Declined,
    Failed,
}

/// A call to be written into the CRM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFacts {
    /// Ours; the same at each repetition.
    pub id: String,
    pub direction: Direction,
    pub outcome: Outcome,
    pub number: PhoneNumber,
    /// What was dialled (DID).
    pub line: Option<String>,
    pub extension: Option<String>,
    /// Who talked, as colleagues know him.
    pub agent: Option<String>,
    /// Unix seconds, as the two below.
    pub started: i64,
    pub answered: Option<i64>,
    pub ended: Option<i64>,
    /// A sentence for a timeline.
    pub summary: String,
    pub note: Option<String>,
    pub record_url: Option<String>,
}

/// A person as sections see him.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallPerson {
    pub id: String,
    pub kind: String,
    pub name: String,
    pub company: String,
    pub email: String,
    pub owner: String,
    pub phone: String,
}

/// Whom something is about: the call's person if he is known, and the CRM's user if he is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    pub person: Option<CallPerson>,
    pub user: Option<User>,
}

/// A user of the CRM and his extension.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    pub extension: String,
    pub id: String,
    pub name: String,
    pub email: String,
}

/// What the CRM calls an entry of its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRef(pub String);

/// Kept users, and since when.
pub(crate) type UserCache = tokio::sync::Mutex<Option<(Instant, Arc<[User]>)>>;

impl CallPerson {
    #[must_use]
    pub fn of(person: &Person) -> Self {
        let phone = person
            .numbers
            .first()
            .map(|number| number.normal_form().to_owned());
        Self {
            id: person.record.id.clone(),
            kind: person.record.kind.clone(),
            name: person.name.clone(),
            company: person.company.clone().unwrap_or_default(),
            email: person.email.clone().unwrap_or_default(),
            owner: person.owner.clone().unwrap_or_default(),
            phone: phone.unwrap_or_default(),
        }
    }

    pub(crate) fn json(&self) -> Json {
        json!({
            "id": self.id, "kind": self.kind, "name": self.name, "company": self.company,
            "email": self.email, "owner": self.owner, "phone": self.phone,
        })
    }
}

impl Outcome {
    /// As templates see it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Missed => "missed",
            Self::Busy => "busy",
            Self::Declined => "declined",
            Self::Failed => "failed",
        }
    }
}

impl CallFacts {
    fn json(&self) -> Json {
        let end = self.ended.unwrap_or(self.started);
        let talked = self.answered.map_or(0, |answered| (end - answered).max(0));
        let waited = (self.answered.unwrap_or(end) - self.started).max(0);
        let direction = match self.direction {
            Direction::In => "in",
            Direction::Out => "out",
        };
        json!({
            "id": self.id, "direction": direction, "outcome": self.outcome.word(),
            "number": self.number.normal_form(), "line": self.line, "extension": self.extension, "agent": self.agent,
            "started": self.started, "answered": self.answered, "ended": self.ended,
            "duration": talked, "waited": waited, "summary": self.summary, "note": self.note,
            "record_url": self.record_url, "name": Json::Null,
        })
    }
}

impl Connector {
    /// Writes a call down. `None`: the file has no such section, or its `when` does not hold.
    ///
    /// # Errors
    /// The CRM's words.
    pub async fn log_call(
        &self,
        call: &CallFacts,
        about: &Target,
    ) -> Result<Option<LogRef>, SourceError> {
        self.0
            .act(self.0.file.log.as_ref(), call, about, |_| ())
            .await
    }

    /// Completes an entry.
    ///
    /// # Errors
    /// As above.
    pub async fn update_call(
        &self,
        log: &LogRef,
        call: &CallFacts,
        about: &Target,
    ) -> Result<Option<LogRef>, SourceError> {
        let add = |context: &mut Context| context.set_json("log", &json!({ "id": log.0 }));
        self.0
            .act(self.0.file.update.as_ref(), call, about, add)
            .await
    }

    /// Writes a note to a call.
    ///
    /// # Errors
    /// As above.
    pub async fn note(
        &self,
        text: &str,
        log: Option<&LogRef>,
        call: &CallFacts,
        about: &Target,
    ) -> Result<Option<LogRef>, SourceError> {
        let add = |context: &mut Context| {
            let id = log.map(|log| log.0.as_str()).unwrap_or_default();
            context.set_json("log", &json!({ "id": id }));
            context.set_json("note", &json!({ "text": text }));
        };
        self.0
            .act(self.0.file.note.as_ref(), call, about, add)
            .await
    }

    /// Tells the CRM to open its card for the user; false: it cannot.
    ///
    /// # Errors
    /// As above.
    pub async fn pop(&self, call: &CallFacts, about: &Target) -> Result<bool, SourceError> {
        let done = self
            .0
            .act(self.0.file.pop.as_ref(), call, about, |_| ())
            .await?;
        Ok(done.is_some())
    }

    /// The CRM's users with their extensions, kept for five minutes. Empty: the file has no such section.
    ///
    /// # Errors
    /// As above, unless older ones are known.
    pub async fn users(&self) -> Result<Arc<[User]>, SourceError> {
        let mut kept = self.0.users.lock().await;
        if let Some((at, users)) = kept.as_ref()
            && at.elapsed() < USERS_FOR
        {
            return Ok(users.clone());
        }
        let Some(section) = &self.0.file.users else {
            return Ok(Arc::default());
        };
        let asked = self.0.ask_users(section).await;
        let users: Arc<[User]> = match (asked, kept.as_ref()) {
            // A CRM that restarts has no users for a moment.
            (Ok(users), Some((_, old))) if users.is_empty() => old.clone(),
            (Err(_), Some((_, old))) => old.clone(),
            (users, _) => users?.into(),
        };
        *kept = Some((Instant::now(), users.clone()));
        Ok(users)
    }

    /// The user at this extension.
    ///
    /// # Errors
    /// As above.
    pub async fn user(&self, extension: &str) -> Result<Option<User>, SourceError> {
        let users = self.users().await?;
        Ok(users
            .iter()
            .find(|user| user.extension == extension)
            .cloned())
    }
}

impl Inner {
    async fn act(
        self: &Arc<Self>,
        action: Option<&Action>,
        call: &CallFacts,
        about: &Target,
        add: impl FnOnce(&mut Context) + Send,
    ) -> Result<Option<LogRef>, SourceError> {
        let Some(action) = action else {
            return Ok(None);
        };
        let mut context = self.context();
        context.set("number", spellings(&call.number, &Variant::E164));
        context.set_json("call", &call.json());
        let person = about.person.clone().unwrap_or_default();
        context.set_json("contact", &person.json());
        let user = about.user.clone().unwrap_or_default();
        context.set_json(
            "user",
            &json!({ "id": user.id, "name": user.name, "email": user.email, "extension": user.extension }),
        );
        add(&mut context);
        if let Some(when) = &action.when {
            let holds = when.holds(&context);
            if !holds.map_err(|failed| self.unusable_template(&action.request, &failed))? {
                return Ok(None);
            }
        }
        self.run(action, context, &mut self.writing_budget())
            .await
            .map(Some)
    }

    async fn run(
        self: &Arc<Self>,
        action: &Action,
        mut context: Context,
        budget: &mut Budget,
    ) -> Result<LogRef, SourceError> {
        self.steps(&action.before, &mut context, budget).await?;
        let answer = self.ask(&action.request, &context, budget).await?;
        let seen = with_answer(&context, &answer);
        let mut result = BTreeMap::new();
        for (name, field) in &action.map {
            let text = field.text(&answer, &seen);
            let text = text.map_err(|failed| self.unusable_template(&action.request, &failed))?;
            result.insert(name.clone(), text);
        }
        let id = result.get("id").cloned().flatten();
        let values = result.into_iter();
        let values: BTreeMap<String, Value> = values
            .map(|(name, text)| (name, text.map_or(Value::from(()), Value::from)))
            .collect();
        context.set("result", values);
        self.steps(&action.then, &mut context, budget).await?;
        Ok(LogRef(id.unwrap_or_default()))
    }

    async fn ask_users(self: &Arc<Self>, section: &Users) -> Result<Vec<User>, SourceError> {
        let context = self.context();
        let answer = self
            .ask(&section.request, &context, &mut self.budget())
            .await?;
        let mut users = Vec::new();
        for row in section.each.rows(&answer).into_iter().take(MOST_USERS) {
            let seen = with_answer(&context, row);
            let text = |field: &Field| {
                let text = field.text(row, &seen);
                let text =
                    text.map_err(|failed| self.unusable_template(&section.request, &failed))?;
                Ok::<_, SourceError>(clean::line(&text.unwrap_or_default(), clean::MAX_NAME))
            };
            let optional = |field: &Option<Field>| match field {
                Some(field) => text(field),
                None => Ok(String::new()),
            };
            let (id, extensions) = (text(&section.id)?, text(&section.extension)?);
            let (name, email) = (optional(&section.name)?, optional(&section.email)?);
            let extensions = extensions
                .split([' ', ',', ';'])
                .filter(|part| !part.is_empty());
            users.extend(extensions.filter(|_| !id.is_empty()).map(|extension| User {
                extension: extension.to_owned(),
                id: id.clone(),
                name: name.clone(),
                email: email.clone(),
            }));
        }
        Ok(users)
    }
}

/// For sections that a file does not have.
pub(super) fn unknown(inner: &Inner, what: &str) -> SourceError {
    SourceError {
        kind: SourceErrorKind::Broken,
        words: format!("the connector for {} cannot {what}", inner.title),
    }
}
