//! What a lookup met on its way, for whoever wants to know why nobody was found.

use crate::{
    format::people::{Field, Lookup, Verify},
    pointer,
};
use serde_json::Value as Json;
use std::sync::{Mutex, PoisonError};

/// Names of an answer that are shown.
const MOST_NAMES: usize = 12;
const NONE: &str = "0 rows";

/// Kept only between [`Notes::begin`] and [`Notes::take`]: usually nobody reads them.
#[derive(Debug, Default)]
pub(crate) struct Notes(Mutex<Option<Vec<Note>>>);

/// One request of a lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    /// What was asked for, as it was sent.
    pub(crate) spelling: String,
    /// In the answer, also those that were dropped.
    pub(crate) rows: usize,
    /// A sentence; `None`: somebody was found.
    pub(crate) why: Option<String>,
}

impl Note {
    /// The CRM itself knows nobody.
    pub(crate) fn is_silence(&self) -> bool {
        self.rows == 0 && self.why.as_deref() == Some(NONE)
    }
}

/// Why a row is nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    NoId,
    NoNumber,
    OtherNumber,
}

impl Notes {
    pub(crate) fn begin(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    }

    pub(crate) fn take(&self) -> Vec<Note> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take().unwrap_or_default()
    }

    /// `note` is made only where somebody will read it.
    pub(crate) fn add(&self, note: impl FnOnce() -> Note) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept.as_mut() {
            kept.push(note());
        }
    }
}

/// What is told of an answer in which nobody was found: our sentence, and what the answer has instead.
pub(crate) fn why(
    lookup: &Lookup,
    answer: &Json,
    rows: &[&Json],
    dropped: &[Dropped],
) -> (String, Option<String>) {
    let Some(first) = rows.first() else {
        let is_elsewhere = pointer::is_something(answer) && lookup.each.all(answer).is_empty();
        return match is_elsewhere {
            true => (
                format!("answered with nothing at {}", lookup.each),
                Some(shape(answer)),
            ),
            false => (NONE.into(), None),
        };
    };
    let rows = match rows.len() {
        1 => "answered 1 row, none has".to_owned(),
        several => format!("answered {several} rows, none has"),
    };
    let numbers = match &lookup.verify {
        Verify::By(fields) => fields.as_slice(),
        Verify::Trust => &lookup.map.phones,
    };
    if dropped.contains(&Dropped::OtherNumber) {
        return (format!("{rows} this number at {}", places(numbers)), None);
    }
    let (what, fields) = match dropped.contains(&Dropped::NoNumber) {
        true => ("a number", numbers),
        false => ("anything", lookup.map.id.as_slice()),
    };
    let words = format!("{rows} {what} at {}", places(fields));
    (words, Some(shape(first)))
}

fn places(fields: &[Field]) -> String {
    let places: Vec<String> = fields.iter().map(ToString::to_string).collect();
    places.join(" or ")
}

/// Only names, no values.
fn shape(json: &Json) -> String {
    match json {
        Json::Object(members) => {
            let names: Vec<&str> = members.keys().map(String::as_str).collect();
            let more = if names.len() > MOST_NAMES {
                ", …"
            } else {
                ""
            };
            let names = names.into_iter().take(MOST_NAMES).collect::<Vec<_>>();
            format!("it has: {}{more}", names.join(", "))
        }
        Json::Array(list) => format!("it is a list of {}", list.len()),
        Json::String(_) => "it is a text".into(),
        Json::Number(_) => "it is a number".into(),
        Json::Bool(_) | Json::Null => "it is empty".into(),
    }
}
