//! Forms: their fields, and what is filled in.

use secrecy::SecretString;
use std::collections::BTreeMap;
use wire::{ConnectorSettings, FieldKind, FormField};

/// What is wrong with a form that was filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// By [`FormField::name`]; empty: the form as a whole.
    pub field: String,
    /// A sentence without the field's title.
    pub words: String,
}

impl Complaint {
    pub fn new(field: impl Into<String>, words: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            words: words.into(),
        }
    }
}

/// Complaints as sentences, with the fields' titles in English.
#[must_use]
pub fn sentences(complaints: &[Complaint], fields: &[FormField]) -> Vec<String> {
    let title = |name: &str| {
        let field = fields.iter().find(|field| field.name == name)?;
        field.title.get("en").cloned()
    };
    let sentences = complaints.iter().map(|complaint| {
        let Complaint { field, words } = complaint;
        match title(field) {
            Some(title) => format!("{title}: {words}"),
            None if field.is_empty() => words.clone(),
            None => format!("{field}: {words}"),
        }
    });
    sentences.collect()
}

/// Whether its value goes to the keychain or the secret store, and never comes back.
#[must_use]
pub fn is_secret(kind: FieldKind) -> bool {
    match kind {
        FieldKind::Secret | FieldKind::SecretUrl | FieldKind::Oauth => true,
        FieldKind::Text | FieldKind::Url | FieldKind::Bool | FieldKind::Select => false,
    }
}

/// The fields as they are filled in: values as set, of a secret only whether it is stored.
#[must_use]
pub fn filled(
    fields: &[FormField],
    settings: &ConnectorSettings,
    is_stored: impl Fn(&str) -> bool,
) -> Vec<FormField> {
    let fields = fields.iter().cloned().map(|mut field| {
        if is_secret(field.kind) {
            field.value = String::new();
            field.is_stored = is_stored(&field.name);
        } else if let Some(value) = settings.values.get(&field.name) {
            field.value.clone_from(value);
        }
        field
    });
    fields.collect()
}

/// What is filled in, with what stands there to begin with where nothing is.
pub(crate) struct Filled<'a> {
    pub(crate) fields: &'a [FormField],
    pub(crate) settings: &'a ConnectorSettings,
    pub(crate) secrets: &'a BTreeMap<String, SecretString>,
}

impl Filled<'_> {
    pub(crate) fn text(&self, name: &str) -> String {
        let set = self.settings.values.get(name);
        let set = set
            .map(|value| value.trim())
            .filter(|value| !value.is_empty());
        let first = || self.fields.iter().find(|field| field.name == name);
        let first = || first().map(|field| field.value.as_str());
        set.or_else(first).unwrap_or_default().to_owned()
    }

    pub(crate) fn optional(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    pub(crate) fn secret(&self, name: &str) -> SecretString {
        let secret = self.secrets.get(name).cloned();
        secret.unwrap_or_else(|| SecretString::from(""))
    }

    /// Names by commas.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let text = self.text(name);
        let names = text.split([',', ';', '\n']).map(str::trim);
        let names = names.filter(|name| !name.is_empty());
        names.map(str::to_owned).collect()
    }

    /// What must be there and is not.
    pub(crate) fn missing(&self) -> Vec<Complaint> {
        // It is signed in to once the form is saved; until then each question says so.
        let fields = self.fields.iter();
        let fields = fields.filter(|field| field.kind != FieldKind::Oauth);
        let missing = fields.filter(|field| {
            let is_there = if is_secret(field.kind) {
                self.secrets.contains_key(&field.name)
            } else {
                !self.text(&field.name).is_empty()
            };
            field.required && !is_there
        });
        let complain = |field: &FormField| Complaint::new(&field.name, "this must be filled in.");
        missing.map(complain).collect()
    }
}

/// A field of a form that is built in.
pub(crate) fn field(name: &str, kind: FieldKind, en: &str, ru: &str) -> FormField {
    FormField {
        name: name.to_owned(),
        title: languages(en, ru),
        help: BTreeMap::new(),
        kind,
        required: false,
        value: String::new(),
        is_stored: false,
        options: Vec::new(),
    }
}

pub(crate) fn required(field: FormField) -> FormField {
    FormField {
        required: true,
        ..field
    }
}

pub(crate) fn helped(field: FormField, en: &str, ru: &str) -> FormField {
    FormField {
        help: languages(en, ru),
        ..field
    }
}

pub(crate) fn preset(field: FormField, value: &str) -> FormField {
    FormField {
        value: value.to_owned(),
        ..field
    }
}

fn languages(en: &str, ru: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("en".to_owned(), en.to_owned()),
        ("ru".to_owned(), ru.to_owned()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Vec<FormField> {
        vec![
            required(field("url", FieldKind::Url, "Address", "Адрес")),
            required(field("password", FieldKind::Secret, "Password", "Пароль")),
            preset(
                field("names", FieldKind::Text, "Names", "Имена"),
                "cn, mail",
            ),
        ]
    }

    #[test]
    fn a_form_never_shows_a_secret_and_says_that_there_is_one() {
        let settings = ConnectorSettings {
            values: BTreeMap::from([
                ("url".into(), "ldap://x".into()),
                // As an older file or a careless hand may have it.
                ("password".into(), "hunter2".into()),
            ]),
            ..ConnectorSettings::default()
        };
        let filled = filled(&fields(), &settings, |name| name == "password");
        let shown = |at: usize| (filled[at].value.as_str(), filled[at].is_stored);
        assert_eq!(shown(0), ("ldap://x", false));
        assert_eq!(shown(1), ("", true));
        assert_eq!(shown(2), ("cn, mail", false));
    }

    #[test]
    fn what_must_be_filled_in_is_said_by_its_title() {
        let (fields, settings) = (fields(), ConnectorSettings::default());
        let form = Filled {
            fields: &fields,
            settings: &settings,
            secrets: &BTreeMap::new(),
        };
        let said = sentences(&form.missing(), &fields);
        let filled_in = |title| format!("{title}: this must be filled in.");
        assert_eq!(said, [filled_in("Address"), filled_in("Password")]);
        assert_eq!(form.list("names"), ["cn", "mail"]);
    }
}
