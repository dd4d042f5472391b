//! What the admin filled in, checked against the file's parameters.

use crate::{File, format::Param, template::address_value};
use minijinja::Value;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;
use wire::FieldKind;

/// What is filled in, by parameter: plain values.
pub type Values = BTreeMap<String, String>;
/// The same for secrets: kinds `secret`, `secret_url`, `oauth`.
pub type Secrets = BTreeMap<String, SecretString>;

/// Which parameter, and what is wrong with it as a sentence.
pub type ValueError = (String, String);

const LONGEST: usize = 8 * 1024;

/// The values for templates, or everything that is wrong.
pub(crate) fn checked(
    file: &File,
    values: &Values,
    secrets: &Secrets,
) -> Result<BTreeMap<String, Value>, Vec<ValueError>> {
    let mut wrong: Vec<ValueError> = Vec::new();
    let mut made = BTreeMap::new();
    for param in &file.params {
        let given = match param.is_secret() {
            true => secrets
                .get(&param.name)
                .map(|secret| secret.expose_secret()),
            false => values.get(&param.name).map(String::as_str),
        };
        match one(param, given.unwrap_or_default()) {
            Ok(value) => drop(made.insert(param.name.clone(), value)),
            Err(words) => wrong.push((param.name.clone(), words)),
        }
    }
    let known = |name: &&String| file.params.iter().any(|param| param.name == **name);
    let given = values.keys().chain(secrets.keys());
    let unknown = given.filter(|name| !known(name));
    wrong.extend(unknown.map(|name| (name.clone(), "the connector has no such setting".into())));
    match wrong.is_empty() {
        true => Ok(made),
        false => Err(wrong),
    }
}

/// Without what a file or a form has around it: spaces, line ends, the mark that some editors begin a file with.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim()
}

fn one(param: &Param, given: &str) -> Result<Value, String> {
    let text = match trimmed(given) {
        "" => param.default.trim(),
        given => given,
    };
    if text.is_empty() {
        return match (param.required, param.kind) {
            // It is signed in to later; until then each question says so.
            (_, FieldKind::Oauth) => Ok(Value::from("")),
            (_, FieldKind::Bool) => Ok(Value::from(false)),
            (true, _) => Err("this has to be filled in".into()),
            (false, _) => Ok(Value::from("")),
        };
    }
    if text.len() > LONGEST {
        return Err("this is too long".into());
    }
    match param.kind {
        FieldKind::Text | FieldKind::Secret | FieldKind::Oauth => Ok(Value::from(text)),
        FieldKind::Url | FieldKind::SecretUrl => address(text).map(|text| address_value(&text)),
        FieldKind::Bool => match text {
            "true" | "1" | "yes" | "on" => Ok(Value::from(true)),
            "false" | "0" | "no" | "off" => Ok(Value::from(false)),
            _ => Err("this is true or false".into()),
        },
        FieldKind::Select if param.options.iter().any(|option| option == text) => {
            Ok(Value::from(text))
        }
        FieldKind::Select => Err(format!("this is one of {}", param.options.join(", "))),
    }
}

fn address(text: &str) -> Result<String, String> {
    let wrong = || "an address begins with https:// and names a host".to_owned();
    let url = Url::parse(text).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address holds no name and no password; there are fields for these".into());
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("an address has no spaces".into());
    }
    Ok(text.trim_end_matches('/').to_owned())
}
