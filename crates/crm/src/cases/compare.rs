//! What came beside what was expected.

use super::Came;
use crate::pointer;
use contacts::{Person, SourceError, SourceErrorKind};
use serde_json::{Map, Value as Json, json};

pub(super) struct Compared<'a> {
    expect: &'a Map<String, Json>,
}

impl<'a> Compared<'a> {
    pub(super) fn new(expect: &'a Map<String, Json>) -> Self {
        Self { expect }
    }

    pub(super) fn differences(&self, came: &Result<Came, SourceError>) -> Vec<String> {
        let came = match came {
            Ok(came) => self.seen(came),
            Err(error) => seen_error(error),
        };
        let mut wrong = Vec::new();
        for (key, expected) in self.expect {
            let found = came.get(key).unwrap_or(&Json::Null);
            match key.as_str() {
                // A part of the words.
                "error" | "words" => {
                    let part = expected.as_str().unwrap_or_default();
                    let words = found.as_str().unwrap_or_default();
                    if !words.contains(part) || (words.is_empty() && !part.is_empty()) {
                        wrong.push(format!("{key} is “{words}”, expected is “{part}”"));
                    }
                }
                _ => wrong.extend(part_differences(key, expected, found)),
            }
        }
        if let (Some(error), None) = (came.get("error"), self.expect.get("error"))
            && self.expect.get("kind").is_none()
        {
            wrong.insert(
                0,
                format!("it failed: {}", error.as_str().unwrap_or_default()),
            );
        }
        wrong
    }

    fn seen(&self, came: &Came) -> Map<String, Json> {
        let seen = match came {
            Came::People(people) => {
                let id = people.first().map(|person| person.record.id.clone());
                let people: Vec<Json> = people.iter().map(person).collect();
                json!({ "people": people, "id": id })
            }
            Came::Id(id) => json!({ "id": id }),
            Came::Users(users) => {
                let user = |user: &crate::User| json!({ "extension": user.extension, "id": user.id, "name": user.name, "email": user.email });
                json!({ "users": users.iter().map(user).collect::<Vec<_>>() })
            }
            Came::Findings(findings) => {
                let words: Vec<&str> = findings.iter().map(|f| f.words.as_str()).collect();
                let passed = findings.iter().all(|finding| finding.passed);
                json!({ "passed": passed, "words": words.join("; ") })
            }
            Came::Inbound(answer) => {
                let wish = answer.wish.as_ref();
                json!({
                    "refused": wish.is_none(),
                    "status": answer.status,
                    "number": wish.map(|wish| wish.number.normal_form().to_owned()),
                    "extension": wish.and_then(|wish| wish.extension.clone()),
                    "user": wish.and_then(|wish| wish.user.clone()),
                    "record": wish.and_then(|wish| wish.record.clone()),
                })
            }
            Came::Link(link) => json!({ "url": link }),
        };
        seen.as_object().cloned().unwrap_or_default()
    }
}

fn seen_error(error: &SourceError) -> Map<String, Json> {
    let (kind, after) = match error.kind {
        SourceErrorKind::Away => ("away", None),
        SourceErrorKind::TooSlow => ("too_slow", None),
        SourceErrorKind::Login => ("login", None),
        SourceErrorKind::Limited { retry_after } => ("limited", retry_after),
        SourceErrorKind::Broken => ("broken", None),
    };
    let after = after.map(|after| after.as_secs());
    let seen = json!({ "error": error.words, "kind": kind, "retry_after": after });
    seen.as_object().cloned().unwrap_or_default()
}

fn person(person: &Person) -> Json {
    let facts = person.facts.iter();
    let facts =
        facts.map(|fact| json!({ "label": fact.label, "value": fact.value, "url": fact.url }));
    let phones = person
        .numbers
        .iter()
        .map(|number| match number.extension() {
            Some(extension) => format!("{} ext. {extension}", number.normal_form()),
            None => number.normal_form().to_owned(),
        });
    json!({
        "id": person.record.id, "kind": person.record.kind, "name": person.name, "company": person.company,
        "email": person.email, "note": person.note, "owner": person.owner, "url": person.url,
        "phones": phones.collect::<Vec<_>>(), "facts": facts.collect::<Vec<_>>(),
    })
}

/// Of a table only what is expected; lists whole.
fn part_differences(at: &str, expected: &Json, found: &Json) -> Vec<String> {
    match (expected, found) {
        (Json::Object(expected), Json::Object(found)) => expected
            .iter()
            .flat_map(|(key, expected)| {
                let found = found.get(key).unwrap_or(&Json::Null);
                part_differences(&format!("{at}/{key}"), expected, found)
            })
            .collect(),
        (Json::Array(expected), Json::Array(found)) => {
            if expected.len() != found.len() {
                let found = Json::Array(found.clone());
                let words = format!("{at} has not {} but {found}", expected.len());
                return vec![words];
            }
            let pairs = expected.iter().zip(found).enumerate();
            pairs
                .flat_map(|(index, (expected, found))| {
                    part_differences(&format!("{at}/{index}"), expected, found)
                })
                .collect()
        }
        (expected, found) if is_same(expected, found) => Vec::new(),
        (expected, found) => vec![format!("{at} is {found}, expected is {expected}")],
    }
}

/// Ids may be written as numbers, and nothing as the empty text.
fn is_same(expected: &Json, found: &Json) -> bool {
    let is_nothing = |json: &Json| matches!(json, Json::Null) || json == "";
    let texts = (pointer::text(expected), pointer::text(found));
    expected == found
        || (is_nothing(expected) && is_nothing(found))
        || matches!(texts, (Some(expected), Some(found)) if expected == found)
}

/// Every place where two documents differ.
pub(super) fn json_differences(what: &str, recorded: &Json, sent: &Json) -> Vec<String> {
    let mut wrong = Vec::new();
    compare_json(&mut wrong, what, "", recorded, sent);
    wrong
}

fn compare_json(wrong: &mut Vec<String>, what: &str, at: &str, recorded: &Json, sent: &Json) {
    match (recorded, sent) {
        (Json::Object(one), Json::Object(other)) => {
            let keys = one
                .keys()
                .chain(other.keys().filter(|key| !one.contains_key(*key)));
            for key in keys {
                let at = format!("{at}/{key}");
                match (one.get(key), other.get(key)) {
                    (Some(one), Some(other)) => compare_json(wrong, what, &at, one, other),
                    (Some(one), None) => {
                        wrong.push(format!("{what} lacks {at}, recorded is {one}"));
                    }
                    (None, Some(other)) => {
                        wrong.push(format!("{what} has {at} = {other}, which is not recorded"));
                    }
                    (None, None) => {}
                }
            }
        }
        (Json::Array(one), Json::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                compare_json(wrong, what, &format!("{at}/{index}"), one, other);
            }
        }
        (one, other) if one == other => {}
        (one, other) => wrong.push(format!("{what} has at {at} {other}, recorded is {one}")),
    }
}
