//! Lookups: by number and by name.

use super::{Inner, actions::CallPerson, spellings};
use crate::{
    asking::Budget,
    format::{
        people::{Fact, Field, Lookup, PersonMap, Then, Verify},
        request::Request,
    },
    notes::{self, Dropped, Note},
    template::{Context, Failed},
};
use contacts::{Likeness, Person, Question, SourceError, SourceErrorKind, clean, likeness};
use minijinja::Value;
use phone_number::{PhoneNumber, Variant, numbers_in};
use serde_json::Value as Json;
use std::{collections::BTreeSet, sync::Arc};
use tracing::debug;
use wire::{PersonFact, Record};

/// Of an answer; a CRM that finds more has not understood the question.
pub(crate) const MOST_ROWS: usize = 50;
/// For whom deals and tickets are asked too.
const MOST_WITH_STEPS: usize = 3;
const MOST_PHONES: usize = 20;
const MOST_ID: usize = 300;

/// Whom a lookup is about.
#[derive(Clone, Copy)]
struct Asked<'a> {
    /// Rows with another one are dropped.
    number: Option<&'a PhoneNumber>,
    /// As it is sent.
    spelling: &'a str,
}

/// What one request found.
struct Of {
    people: Vec<Person>,
    /// There were more rows than are looked at.
    is_cut: bool,
}

impl Inner {
    pub(super) async fn look_up(
        self: &Arc<Self>,
        question: &Question,
    ) -> Result<Vec<Person>, SourceError> {
        let mut context = self.context();
        context.set("line", question.line.clone().unwrap_or_default());
        context.set("extension", question.extension.clone().unwrap_or_default());
        context.set("number", spellings(&question.number, &Variant::E164));
        let budget = &mut self.budget();
        let (mut people, mut failed) = (Vec::new(), None);
        for lookup in &self.file.lookups {
            let found = self.by_number(lookup, &context, &question.number, budget);
            match found.await {
                Ok(found) => people.extend(found),
                // A list that this CRM does not have must not hide what the others hold.
                Err(error) if goes_on(&error) => failed = failed.or(Some(error)),
                Err(error) if people.is_empty() => return Err(error),
                Err(_) => break,
            }
            if !people.is_empty() && !lookup.merge_all {
                break;
            }
        }
        if let (Some(error), true) = (failed, people.is_empty()) {
            return Err(error);
        }
        Ok(each_once(people))
    }

    pub(super) async fn find(
        self: &Arc<Self>,
        text: &str,
        limit: usize,
    ) -> Result<Vec<Person>, SourceError> {
        let mut context = self.context();
        context.set("text", text);
        context.set("limit", limit);
        let budget = &mut self.budget();
        let (mut people, mut failed) = (Vec::new(), None);
        for lookup in &self.file.finds {
            match self.by_text(lookup, &context, text, budget).await {
                Ok(found) => people.extend(found),
                Err(error) if goes_on(&error) => failed = failed.or(Some(error)),
                Err(error) if people.is_empty() => return Err(error),
                Err(_) => break,
            }
            if people.len() >= limit || (!people.is_empty() && !lookup.merge_all) {
                break;
            }
        }
        if let (Some(error), true) = (failed, people.is_empty()) {
            return Err(error);
        }
        let mut people = each_once(people);
        people.truncate(limit);
        Ok(people)
    }

    async fn by_text(
        self: &Arc<Self>,
        lookup: &Lookup,
        context: &Context,
        text: &str,
        budget: &mut Budget,
    ) -> Result<Vec<Person>, SourceError> {
        if !self.may(lookup, context)? {
            return Ok(Vec::new());
        }
        let asked = Asked {
            number: None,
            spelling: text,
        };
        let found = self.one(lookup, context.clone(), asked, budget).await?;
        Ok(found.people)
    }

    fn may(&self, lookup: &Lookup, context: &Context) -> Result<bool, SourceError> {
        let holds = lookup.when.as_ref().map(|when| when.holds(context));
        let holds = holds.transpose();
        let holds = holds.map_err(|failed| self.unusable_template(&lookup.request, &failed))?;
        Ok(holds.unwrap_or(true))
    }

    async fn by_number(
        self: &Arc<Self>,
        lookup: &Lookup,
        context: &Context,
        number: &PhoneNumber,
        budget: &mut Budget,
    ) -> Result<Vec<Person>, SourceError> {
        if !self.may(lookup, context)? {
            return Ok(Vec::new());
        }
        let mut asked = BTreeSet::new();
        let mut written: Vec<(String, &Variant)> = Vec::new();
        for variant in &lookup.numbers {
            if let Some(text) = number.variant(variant)
                && asked.insert(text.clone())
            {
                written.push((text, variant));
            }
        }
        let all: Vec<String> = written.iter().map(|(text, _)| text.clone()).collect();
        let together = all.join(", ");
        let context = context.with("numbers", all);
        let turns = if lookup.at_once { 1 } else { written.len() };
        let mut is_cut = false;
        for (text, variant) in written.iter().take(turns) {
            let context = context.with("number", spellings(number, variant));
            let asked = Asked {
                number: Some(number),
                spelling: if lookup.at_once { &together } else { text },
            };
            let found = self.one(lookup, context, asked, budget).await?;
            if !found.people.is_empty() {
                return Ok(found.people);
            }
            is_cut |= found.is_cut;
        }
        match is_cut {
            true => Err(self.broken(&format!(
                "answered more than {MOST_ROWS} rows, and the caller is not among the first {MOST_ROWS}: perhaps it does not understand the question"
            ))),
            false => Ok(Vec::new()),
        }
    }

    async fn one(
        self: &Arc<Self>,
        lookup: &Lookup,
        mut context: Context,
        asked: Asked<'_>,
        budget: &mut Budget,
    ) -> Result<Of, SourceError> {
        self.steps(&lookup.before, &mut context, budget).await?;
        let answer = self.ask(&lookup.request, &context, budget).await?;
        context.set_json("doc", &answer);
        let blame = |failed| self.unusable_template(&lookup.request, &failed);
        let rows = lookup.each.rows(&answer);
        let (mut people, mut dropped) = (Vec::new(), Vec::new());
        let (mut turns, mut nameless) = (MOST_WITH_STEPS, None);
        for row in rows.iter().take(MOST_ROWS) {
            let context = self.row_context(&context, row);
            let person = self
                .verified(lookup, row, &context, asked.number)
                .map_err(blame)?;
            let mut person = match person {
                Ok(person) => person,
                Err(why) => {
                    dropped.push(why);
                    continue;
                }
            };
            if turns > 0 {
                turns -= 1;
                let done = self.add_steps(&lookup.then, &mut person, context, budget);
                match done.await {
                    Ok(()) => {}
                    Err(error) if goes_on(&error) => {
                        nameless = nameless.or(Some(error));
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
            people.push(person);
        }
        if let (Some(error), false) = (nameless, people.iter().any(is_named)) {
            return Err(error);
        }
        self.notes.add(|| Note {
            spelling: asked.spelling.to_owned(),
            rows: rows.len(),
            why: people
                .is_empty()
                .then(|| self.why(lookup, &answer, &rows, &dropped)),
        });
        Ok(Of {
            people,
            is_cut: rows.len() > MOST_ROWS,
        })
    }

    fn why(&self, lookup: &Lookup, answer: &Json, rows: &[&Json], dropped: &[Dropped]) -> String {
        let (words, shape) = notes::why(lookup, answer, rows, dropped);
        // Some CRMs have numbers as names.
        let shape = shape.map(|shape| self.redactor.words(&shape));
        let shape = shape.map(|shape| format!("; {shape}"));
        format!("{words}{}", shape.unwrap_or_default())
    }

    fn row_context(&self, context: &Context, row: &Json) -> Context {
        let mut context = context.clone();
        context.set_json("row", row);
        context
    }

    fn verified(
        &self,
        lookup: &Lookup,
        row: &Json,
        context: &Context,
        number: Option<&PhoneNumber>,
    ) -> Result<Result<Person, Dropped>, Failed> {
        let Some(mut person) = self.person(&lookup.map, row, context)? else {
            return Ok(Err(Dropped::NoId));
        };
        let Some(number) = number else {
            return Ok(Ok(person));
        };
        match &lookup.verify {
            Verify::Trust => person.numbers.push(number.clone()),
            Verify::By(fields) => {
                let told = self.numbers(fields, row, context)?;
                if told.is_empty() {
                    return Ok(Err(Dropped::NoNumber));
                }
                let fits = |told: &PhoneNumber| likeness(told, number) != Likeness::Different;
                let Some(fitting) = told.into_iter().find(fits) else {
                    debug!(connector = %self.id, "a row has another number");
                    return Ok(Err(Dropped::OtherNumber));
                };
                add(&mut person.numbers, fitting);
            }
        }
        Ok(Ok(person))
    }

    fn numbers(
        &self,
        fields: &[Field],
        row: &Json,
        context: &Context,
    ) -> Result<Vec<PhoneNumber>, Failed> {
        let mut numbers: Vec<PhoneNumber> = Vec::new();
        for field in fields {
            for text in field.texts(row, context)? {
                // A field of a megabyte holds no number.
                let text: String = text.chars().take(1000).collect();
                for text in numbers_in(&text) {
                    if let Ok(number) = self.options.plan.number(text) {
                        add(&mut numbers, number);
                    }
                }
            }
        }
        numbers.truncate(MOST_PHONES);
        Ok(numbers)
    }

    /// `None`: the row has no id.
    pub(super) fn person(
        &self,
        map: &PersonMap,
        row: &Json,
        context: &Context,
    ) -> Result<Option<Person>, Failed> {
        let mut context = context.clone();
        let Some(id) = read(map.id.as_ref(), row, &context)? else {
            return Ok(None);
        };
        context.set("id", id.clone());
        let kind = read(map.kind.as_ref(), row, &context)?.unwrap_or_else(|| "contact".into());
        context.set("kind", kind.clone());
        let mut part = |name: &'static str, field: &Option<Field>| {
            let text = read(field.as_ref(), row, &context)?;
            context.set(name, text.clone().map_or(Value::from(""), Value::from));
            Ok::<_, Failed>(text)
        };
        let name = part("name", &map.name)?;
        let company = part("company", &map.company)?;
        let email = part("email", &map.email)?;
        let owner = part("owner", &map.owner)?;
        let numbers = self.numbers(&map.phones, row, &context)?;
        let mut person = Person {
            record: Record {
                source: self.id.clone(),
                kind: clean::line(&kind, MOST_ID),
                id: clean::line(&id, MOST_ID),
            },
            name: shown(name, clean::MAX_NAME).unwrap_or_default(),
            company: shown(company, clean::MAX_NAME),
            note: shown(read(map.note.as_ref(), row, &context)?, clean::MAX_NOTE),
            email: email.as_deref().and_then(clean::email),
            owner: shown(owner, clean::MAX_NAME),
            facts: self.facts(&map.facts, row, &context)?,
            url: None,
            numbers,
        };
        person.url = self.url(map, &person, &context)?;
        if person.name.is_empty() {
            let number = person.numbers.first().map(ToString::to_string);
            person.name = person.company.clone().or(number).unwrap_or_default();
        }
        Ok(Some(person))
    }

    fn url(
        &self,
        map: &PersonMap,
        person: &Person,
        context: &Context,
    ) -> Result<Option<String>, Failed> {
        let link = match (&map.url, &self.file.links.contact) {
            (Some(url), _) => url.text(context)?,
            (None, Some(link)) => {
                let mut context = context.clone();
                context.set_json("contact", &CallPerson::of(person).json());
                link.text(&context)?
            }
            (None, None) => return Ok(None),
        };
        Ok(self.safe_link(&link))
    }

    fn facts(
        &self,
        facts: &[Fact],
        row: &Json,
        context: &Context,
    ) -> Result<Vec<PersonFact>, Failed> {
        let mut lines = Vec::new();
        for fact in facts {
            let rows = match &fact.each {
                Some(each) => each.rows(row),
                None => vec![row],
            };
            for row in rows.into_iter().take(fact.max) {
                let context = self.row_context(context, row);
                let value = read(Some(&fact.value), row, &context)?;
                let Some(value) = shown(value, clean::MAX_NOTE) else {
                    continue;
                };
                let url = fact
                    .url
                    .as_ref()
                    .map(|url| url.text(&context))
                    .transpose()?;
                lines.push(PersonFact {
                    label: clean::line(fact.label.of(&self.options.language), clean::MAX_NAME),
                    url: url.and_then(|url| self.safe_link(&url)),
                    value,
                });
            }
        }
        Ok(lines)
    }

    /// What a step does not tell is missing; the person is there all the same.
    ///
    /// # Errors
    /// Why nobody knows his name: kept for minutes, a number in its place would be what he is called.
    async fn add_steps(
        self: &Arc<Self>,
        steps: &[Then],
        person: &mut Person,
        mut context: Context,
        budget: &mut Budget,
    ) -> Result<(), SourceError> {
        let mut kept = std::collections::BTreeMap::new();
        for then in steps {
            context.set_json("contact", &CallPerson::of(person).json());
            let done = self
                .add_step(then, person, &mut kept, &context, budget)
                .await;
            if let Err(error) = done {
                debug!(connector = %self.id, kind = ?error.kind, "a further step failed");
                if then.map.name.is_some() && !is_named(person) {
                    return Err(error);
                }
            }
            context.set("step", kept.clone());
        }
        Ok(())
    }

    async fn add_step(
        self: &Arc<Self>,
        then: &Then,
        person: &mut Person,
        kept: &mut std::collections::BTreeMap<String, Value>,
        context: &Context,
        budget: &mut Budget,
    ) -> Result<(), SourceError> {
        let request: &Request = &then.step.request;
        let blame = |failed| self.unusable_template(request, &failed);
        let holds = then.step.when.as_ref().map(|when| when.holds(context));
        if !holds.transpose().map_err(blame)?.unwrap_or(true) {
            return Ok(());
        }
        let answer = self.ask(request, context, budget).await?;
        let seen = super::with_answer(context, &answer);
        for (name, field) in &then.step.map {
            let text = field.text(&answer, &seen).map_err(blame)?;
            kept.insert(name.clone(), text.map_or(Value::from(()), Value::from));
        }
        self.complete(person, &then.map, &answer, &seen)
            .map_err(blame)
    }

    /// Replaces what the map names and the answer tells.
    fn complete(
        &self,
        person: &mut Person,
        map: &PersonMap,
        answer: &Json,
        context: &Context,
    ) -> Result<(), Failed> {
        let part = |field: &Option<Field>, max| {
            Ok::<_, Failed>(shown(read(field.as_ref(), answer, context)?, max))
        };
        if let Some(name) = part(&map.name, clean::MAX_NAME)? {
            person.name = name;
        }
        person.company = part(&map.company, clean::MAX_NAME)?.or(person.company.take());
        person.owner = part(&map.owner, clean::MAX_NAME)?.or(person.owner.take());
        person.note = part(&map.note, clean::MAX_NOTE)?.or(person.note.take());
        let email = part(&map.email, clean::MAX_NOTE)?;
        person.email = email
            .as_deref()
            .and_then(clean::email)
            .or(person.email.take());
        if let Some(url) = &map.url {
            let link = self.safe_link(&url.text(context)?);
            person.url = link.or(person.url.take());
        }
        person
            .facts
            .extend(self.facts(&map.facts, answer, context)?);
        Ok(())
    }
}

fn read(field: Option<&Field>, row: &Json, context: &Context) -> Result<Option<String>, Failed> {
    let text = field.map(|field| field.text(row, context)).transpose()?;
    Ok(text.flatten())
}

fn shown(text: Option<String>, max: usize) -> Option<String> {
    let line = clean::line(&text?, max);
    (!line.is_empty()).then_some(line)
}

/// By more than what stands in for a name.
fn is_named(person: &Person) -> bool {
    let name = &person.name;
    let is_number = |number: &PhoneNumber| number.to_string() == *name;
    !name.is_empty()
        && person.company.as_ref() != Some(name)
        && !person.numbers.iter().any(is_number)
}

/// Whether the next lookup may fare better.
fn goes_on(error: &SourceError) -> bool {
    match error.kind {
        SourceErrorKind::Broken => true,
        SourceErrorKind::Away
        | SourceErrorKind::TooSlow
        | SourceErrorKind::Login
        | SourceErrorKind::Limited { .. } => false,
    }
}

/// A number once, however often it was written.
fn add(numbers: &mut Vec<PhoneNumber>, number: PhoneNumber) {
    if !numbers.iter().any(|known| known.is_same(&number)) {
        numbers.push(number);
    }
}

/// Two lookups may find the same record.
fn each_once(people: Vec<Person>) -> Vec<Person> {
    let mut seen = BTreeSet::new();
    let is_new = |person: &Person| seen.insert(person.record.clone());
    people.into_iter().filter(is_new).collect()
}
