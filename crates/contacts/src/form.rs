//! Settings of a directory as a form that any window can draw, and as it was filled in.

use secrecy::SecretString;
use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use wire::{FieldKind, FormField};

/// What is wrong with which field, for the form.
pub type Wrong = Vec<(String, String)>;

/// A field with its title in English and Russian, not required and empty.
pub(crate) fn field(name: &str, kind: FieldKind, english: &str, russian: &str) -> FormField {
    FormField {
        name: name.to_owned(),
        title: in_both(english, russian),
        help: BTreeMap::new(),
        kind,
        required: false,
        value: String::new(),
        is_stored: false,
        options: Vec::new(),
    }
}

/// A field that must be filled in.
pub(crate) fn required(field: FormField) -> FormField {
    FormField {
        required: true,
        ..field
    }
}

/// What stands there to begin with.
pub(crate) fn with_value(field: FormField, value: &str) -> FormField {
    FormField {
        value: value.to_owned(),
        ..field
    }
}

/// A sentence below the field.
pub(crate) fn with_help(field: FormField, english: &str, russian: &str) -> FormField {
    FormField {
        help: in_both(english, russian),
        ..field
    }
}

fn in_both(english: &str, russian: &str) -> BTreeMap<String, String> {
    let both = [("en", english), ("ru", russian)];
    both.map(|(language, text)| (language.to_owned(), text.to_owned()))
        .into()
}

/// A form that somebody filled in. What is not filled in is as it was to begin with.
pub(crate) struct Filled<'a> {
    fields: Vec<FormField>,
    values: &'a BTreeMap<String, String>,
    secrets: &'a BTreeMap<String, SecretString>,
    wrong: Wrong,
}

impl<'a> Filled<'a> {
    pub(crate) fn new(
        fields: Vec<FormField>,
        values: &'a BTreeMap<String, String>,
        secrets: &'a BTreeMap<String, SecretString>,
    ) -> Self {
        let is_known = |name: &&String| fields.iter().any(|field| field.name == **name);
        let unknown = values.keys().chain(secrets.keys()).filter(|n| !is_known(n));
        let wrong = unknown
            .map(|name| (name.clone(), "there is no such setting".to_owned()))
            .collect();
        Self {
            fields,
            values,
            secrets,
            wrong,
        }
    }

    pub(crate) fn text(&mut self, name: &str) -> String {
        let field = self.fields.iter().find(|field| field.name == name);
        let value = self.values.get(name).map(|value| value.trim());
        let usual = field.map_or("", |field| field.value.as_str());
        let value = value.filter(|value| !value.is_empty()).unwrap_or(usual);
        let value = value.to_owned();
        if value.is_empty() && field.is_some_and(|field| field.required) {
            self.wrong(name, "this has to be filled in");
        }
        value
    }

    pub(crate) fn is_on(&mut self, name: &str) -> bool {
        match self.text(name).as_str() {
            "true" => true,
            "false" | "" => false,
            _ => {
                self.wrong(name, "this is true or false");
                false
            }
        }
    }

    pub(crate) fn secret(&self, name: &str) -> SecretString {
        self.secrets.get(name).cloned().unwrap_or_default()
    }

    pub(crate) fn file(&mut self, name: &str) -> Option<PathBuf> {
        let path = self.text(name);
        (!path.is_empty()).then(|| PathBuf::from(path))
    }

    /// Names with commas between them.
    pub(crate) fn list(&mut self, name: &str) -> Vec<String> {
        let text = self.text(name);
        let names = text.split([',', ' ']).filter(|name| !name.is_empty());
        names.map(str::to_owned).collect()
    }

    /// So many of `unit`, from one to an hour.
    pub(crate) fn pause(&mut self, name: &str, unit: Duration) -> Duration {
        const LONGEST: Duration = Duration::from_secs(3_600);
        let pause = self
            .text(name)
            .parse()
            .ok()
            .and_then(|count| unit.checked_mul(count));
        match pause {
            Some(pause) if pause >= unit && pause <= LONGEST => pause,
            Some(_) | None => {
                self.wrong(
                    name,
                    "this is a whole number, 1 at least and an hour at most",
                );
                LONGEST
            }
        }
    }

    pub(crate) fn wrong(&mut self, name: &str, words: &str) {
        self.wrong.push((name.to_owned(), words.to_owned()));
    }

    pub(crate) fn end(self) -> Result<(), Wrong> {
        match self.wrong.is_empty() {
            true => Ok(()),
            false => Err(self.wrong),
        }
    }
}
