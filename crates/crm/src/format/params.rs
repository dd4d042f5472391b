//! `[params]`: what the admin fills in.

use super::{
    node::{Node, Table},
    words::Words,
};
use wire::{FieldKind, FormField};

/// A parameter of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) kind: FieldKind,
    pub(crate) required: bool,
    pub(crate) default: String,
    pub(crate) options: Vec<String>,
    pub(crate) title: Words,
    pub(crate) help: Words,
}

const KINDS: [(&str, FieldKind); 8] = [
    ("string", FieldKind::Text),
    ("text", FieldKind::Text),
    ("url", FieldKind::Url),
    ("secret", FieldKind::Secret),
    ("secret_url", FieldKind::SecretUrl),
    ("bool", FieldKind::Bool),
    ("select", FieldKind::Select),
    ("oauth", FieldKind::Oauth),
];

impl Param {
    pub(crate) fn is_secret(&self) -> bool {
        match self.kind {
            FieldKind::Secret | FieldKind::SecretUrl | FieldKind::Oauth => true,
            FieldKind::Text | FieldKind::Url | FieldKind::Bool | FieldKind::Select => false,
        }
    }

    pub(crate) fn field(&self) -> FormField {
        FormField {
            name: self.name.clone(),
            title: self.title.0.clone(),
            help: self.help.0.clone(),
            kind: self.kind,
            required: self.required,
            value: self.default.clone(),
            is_stored: false,
            options: self.options.clone(),
        }
    }
}

pub(super) fn read(table: &Table<'_>) -> Vec<Param> {
    let entries = table.entries().into_iter();
    let mut params: Vec<(usize, Param)> = entries
        .filter_map(|(name, span, node)| {
            if !is_name(&name) {
                let words = "names are lower-case letters, digits and _, at most 40";
                table.errors.add(&span, words);
            }
            Some((span.start, one(name, &node)?))
        })
        .collect();
    // The form shows them in the order of the file.
    params.sort_by_key(|(at, _)| *at);
    params.into_iter().map(|(_, param)| param).collect()
}

fn one(name: String, node: &Node<'_>) -> Option<Param> {
    of_table(name, node.table()?)
}

/// Also of the fields of a form.
pub(super) fn of_table(name: String, table: Table<'_>) -> Option<Param> {
    let kind = kind(&table);
    let options: Vec<String> = super::texts(&table, "options");
    if (kind == FieldKind::Select) == options.is_empty() {
        table.wrong("a select has options, and nothing else has");
    }
    let mut param = Param {
        title: table
            .node("title")
            .map_or_else(|| Words::english(&name), |node| Words::read(&node)),
        help: table
            .node("help")
            .map(|node| Words::read(&node))
            .unwrap_or_default(),
        required: table.bool("required").unwrap_or_default(),
        default: String::new(),
        name,
        kind,
        options,
    };
    if let Some(node) = table.node("default") {
        param.default = match node.is_bool() {
            true => node.bool().unwrap_or_default().to_string(),
            false => node.text().unwrap_or_default().to_owned(),
        };
        if param.is_secret() {
            node.wrong("a secret has no default");
        }
        if kind == FieldKind::Select && !param.options.contains(&param.default) {
            node.wrong("this is none of the options");
        }
        if (kind == FieldKind::Bool) != node.is_bool() {
            node.wrong("true or false is the default of a bool alone");
        }
    }
    table.finish();
    Some(param)
}

fn kind(table: &Table<'_>) -> FieldKind {
    let Some(node) = table.node("kind") else {
        return FieldKind::Text;
    };
    let text = node.text().unwrap_or("string");
    let known = KINDS.iter().find(|(name, _)| *name == text);
    if known.is_none() {
        let names = KINDS.map(|(name, _)| name);
        let hint = crate::near::nearest(text, names);
        node.wrong(format!("there is no kind “{text}”{hint}"));
    }
    known.map_or(FieldKind::Text, |(_, kind)| *kind)
}

pub(super) fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (1..=40).contains(&name.len()) && name.chars().all(fits)
}
