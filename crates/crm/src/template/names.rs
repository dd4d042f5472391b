//! Whether a template names only what there is, so that a slip is found before a call.

use super::{ENGINE, Failed, Kind, explain, filters};
use crate::near::nearest;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The values of a place: by name, with their parts where these are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope(BTreeMap<String, Option<BTreeSet<String>>>);

impl Scope {
    /// A value that has any part, or none.
    pub(crate) fn and(mut self, name: &str) -> Self {
        self.0.insert(name.to_owned(), None);
        self
    }

    /// A value that has just these parts; more of them if it is there already.
    pub(crate) fn with<S: ToString>(
        mut self,
        name: &str,
        parts: impl IntoIterator<Item = S>,
    ) -> Self {
        let parts = parts.into_iter().map(|part| part.to_string());
        if let Some(known) = self
            .0
            .entry(name.to_owned())
            .or_insert_with(|| Some(BTreeSet::new()))
        {
            known.extend(parts);
        }
        self
    }

    /// `params.base_url` is there, `params.ulr` is not.
    fn look_up(&self, name: &str) -> Result<(), Failed> {
        let mut parts = name.split('.');
        let root = parts.next().unwrap_or_default();
        let Some(known) = self.0.get(root) else {
            let hint = nearest(root, self.0.keys().map(String::as_str));
            return Err(Failed(format!("there is no value “{root}” here{hint}")));
        };
        let (Some(known), Some(part)) = (known, parts.next()) else {
            return Ok(());
        };
        if known.contains(part) {
            return Ok(());
        }
        let hint = nearest(part, known.iter().map(String::as_str));
        Err(Failed(format!("“{root}” has no “{part}”{hint}")))
    }
}

/// Words of the language that look like values.
const BUILT_IN: [&str; 9] = [
    "null",
    "none",
    "true",
    "false",
    "loop",
    "range",
    "dict",
    "namespace",
    "debug",
];

pub(super) fn check(source: &str, kind: &Kind, scope: &Scope) -> Result<(), Failed> {
    let names = match kind {
        Kind::Literal => return Ok(()),
        Kind::Whole(expression) => {
            if let Some(filter) = unknown_filter(expression) {
                return Err(no_filter(&filter));
            }
            let compiled = ENGINE.compile_expression(expression);
            let compiled = compiled.map_err(|error| explain(&error))?;
            compiled.undeclared_variables(true)
        }
        Kind::Text => {
            if let Some(filter) = code_parts(source).find_map(unknown_filter) {
                return Err(no_filter(&filter));
            }
            let parsed = ENGINE.template_from_str(source);
            let parsed = parsed.map_err(|error| explain(&error))?;
            parsed.undeclared_variables(true)
        }
    };
    let mut names: Vec<&String> = names
        .iter()
        .filter(|name| !BUILT_IN.contains(&name.as_str()))
        .collect();
    names.sort_unstable();
    names.into_iter().try_for_each(|name| scope.look_up(name))
}

/// The values that it uses, without their parts; it is known to parse.
pub(super) fn used(source: &str, kind: &Kind) -> HashSet<String> {
    let names = match kind {
        Kind::Literal => None,
        Kind::Whole(expression) => {
            let compiled = ENGINE.compile_expression(expression).ok();
            compiled.map(|compiled| compiled.undeclared_variables(false))
        }
        Kind::Text => {
            let parsed = ENGINE.template_from_str(source).ok();
            parsed.map(|parsed| parsed.undeclared_variables(false))
        }
    };
    names.unwrap_or_default()
}

fn no_filter(name: &str) -> Failed {
    let hint = nearest(name, filters::NAMES.iter().copied());
    Failed(format!("there is no filter “{name}”{hint}"))
}

/// What stands between braces.
fn code_parts(source: &str) -> impl Iterator<Item = &str> {
    let mut rest = source;
    std::iter::from_fn(move || {
        let start = ["{{", "{%"]
            .iter()
            .filter_map(|open| rest.find(open))
            .min()?;
        let inside = &rest[start + 2..];
        let end = ["}}", "%}"]
            .iter()
            .filter_map(|close| inside.find(close))
            .min()
            .unwrap_or(inside.len());
        rest = &inside[end..];
        Some(&inside[..end])
    })
}

/// The engine itself finds out only when the filter is used.
fn unknown_filter(code: &str) -> Option<String> {
    let mut quote = None;
    let mut characters = code.char_indices();
    while let Some((at, c)) = characters.next() {
        match (quote, c) {
            (Some(_), '\\') => drop(characters.next()),
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '|') => {
                let name: String = code[at + 1..]
                    .trim_start()
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                if !filters::NAMES.contains(&name.as_str()) {
                    return Some(name);
                }
            }
            (Some(_) | None, _) => {}
        }
    }
    None
}
