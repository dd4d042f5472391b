//! Reading TOML with the place of everything, so that each error says where.

use crate::near::nearest;
use serde_json::Value as Json;
use std::{cell::RefCell, ops::Range};
use toml::de::{DeTable, DeValue};

/// What was wrong, by place in the text, in bytes.
#[derive(Debug, Default)]
pub(super) struct Errors(RefCell<Vec<(Range<usize>, String)>>);

impl Errors {
    pub(super) fn add(&self, span: &Range<usize>, words: impl Into<String>) {
        self.0.borrow_mut().push((span.clone(), words.into()));
    }

    pub(super) fn into_inner(self) -> Vec<(Range<usize>, String)> {
        self.0.into_inner()
    }
}

/// A value and its place.
#[derive(Clone)]
pub(super) struct Node<'a> {
    value: &'a DeValue<'a>,
    pub(super) span: Range<usize>,
    pub(super) errors: &'a Errors,
}

/// A table that knows which of its keys were asked for; the others are refused at its end.
pub(super) struct Table<'a> {
    table: &'a DeTable<'a>,
    pub(super) span: Range<usize>,
    pub(super) errors: &'a Errors,
    asked: RefCell<Vec<&'static str>>,
    /// Required and not there. Told at the end: one that is only misspelt is told as that.
    missing: RefCell<Vec<&'static str>>,
}

impl Drop for Table<'_> {
    /// For who gives up before the end.
    fn drop(&mut self) {
        for key in self.missing.take() {
            self.wrong(format!("“{key}” is missing"));
        }
    }
}

impl<'a> Table<'a> {
    pub(super) fn new(table: &'a DeTable<'a>, span: Range<usize>, errors: &'a Errors) -> Self {
        Self {
            table,
            span,
            errors,
            asked: RefCell::default(),
            missing: RefCell::default(),
        }
    }

    pub(super) fn node(&self, key: &'static str) -> Option<Node<'a>> {
        self.asked.borrow_mut().push(key);
        let (_, value) = self.table.iter().find(|(name, _)| name.get_ref() == key)?;
        Some(Node {
            span: value.span(),
            value: value.get_ref(),
            errors: self.errors,
        })
    }

    pub(super) fn required(&self, key: &'static str) -> Option<Node<'a>> {
        let node = self.node(key);
        if node.is_none() {
            self.missing.borrow_mut().push(key);
        }
        node
    }

    pub(super) fn text(&self, key: &'static str) -> Option<String> {
        self.node(key)?.text().map(str::to_owned)
    }

    pub(super) fn required_text(&self, key: &'static str) -> String {
        let text = self.required(key).and_then(|node| node.text());
        text.unwrap_or_default().to_owned()
    }

    pub(super) fn bool(&self, key: &'static str) -> Option<bool> {
        self.node(key)?.bool()
    }

    pub(super) fn integer(&self, key: &'static str, may: Range<i64>) -> Option<i64> {
        let node = self.node(key)?;
        let number = node.integer()?;
        if may.contains(&number) {
            return Some(number);
        }
        node.wrong(format!("this is from {} to {}", may.start, may.end - 1));
        None
    }

    /// What is at the key: a table, or each of a list of them.
    pub(super) fn tables(&self, key: &'static str) -> Vec<Self> {
        let nodes = self.node(key).map(|node| node.one_or_many());
        let nodes = nodes.unwrap_or_default();
        nodes.iter().filter_map(Node::table).collect()
    }

    pub(super) fn table(&self, key: &'static str) -> Option<Self> {
        self.node(key)?.table()
    }

    /// Every key, whatever it is.
    pub(super) fn entries(&self) -> Vec<(String, Range<usize>, Node<'a>)> {
        let entry = |(key, value): (&'a toml::Spanned<_>, &'a toml::Spanned<DeValue<'a>>)| {
            let key: &toml::Spanned<toml::de::DeString<'a>> = key;
            let node = Node {
                span: value.span(),
                value: value.get_ref(),
                errors: self.errors,
            };
            (key.get_ref().to_string(), key.span(), node)
        };
        self.table.iter().map(entry).collect()
    }

    pub(super) fn wrong(&self, words: impl Into<String>) {
        self.errors.add(&self.span, words);
    }

    /// Refuses every key that nobody asked for.
    pub(super) fn finish(self) {
        self.refuse_others(|_| "key");
    }

    /// The same for the top of a file, whose tables are sections.
    pub(super) fn finish_sections(self) {
        let is_section = |node: &Node<'_>| {
            let first = node.value.as_array().and_then(|list| list.iter().next());
            node.is_table() || first.is_some_and(|first| first.get_ref().is_table())
        };
        self.refuse_others(|node| if is_section(node) { "section" } else { "key" });
    }

    fn refuse_others(&self, what: impl Fn(&Node<'_>) -> &'static str) {
        let asked = self.asked.borrow();
        for (key, span, node) in self.entries() {
            if !asked.contains(&key.as_str()) {
                let hint = nearest(&key, asked.iter().copied());
                let is_meant = |missing: &&str| hint.contains(&format!("“{missing}”"));
                self.missing
                    .borrow_mut()
                    .retain(|missing| !is_meant(missing));
                let what = what(&node);
                self.errors
                    .add(&span, format!("there is no {what} “{key}” here{hint}"));
            }
        }
    }
}

impl<'a> Node<'a> {
    pub(super) fn wrong(&self, words: impl Into<String>) {
        self.errors.add(&self.span, words);
    }

    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    pub(super) fn is_list(&self) -> bool {
        self.value.is_array()
    }

    pub(super) fn is_text(&self) -> bool {
        self.value.is_str()
    }

    pub(super) fn is_bool(&self) -> bool {
        self.value.is_bool()
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        self.wanted(self.value.as_str(), "a text")
    }

    pub(super) fn bool(&self) -> Option<bool> {
        self.wanted(self.value.as_bool(), "true or false")
    }

    pub(super) fn integer(&self) -> Option<i64> {
        let number = self.value.as_integer();
        let number = number
            .and_then(|number| i64::from_str_radix(&clean(number.as_str()), number.radix()).ok());
        self.wanted(number, "a whole number")
    }

    /// A number with or without a point.
    pub(super) fn number(&self) -> Option<f64> {
        let whole = self
            .value
            .as_integer()
            .and_then(|n| clean(n.as_str()).parse().ok());
        let broken = self
            .value
            .as_float()
            .and_then(|n| clean(n.as_str()).parse().ok());
        self.wanted(whole.or(broken), "a number")
    }

    pub(super) fn list(&self) -> Option<Vec<Self>> {
        let list = self.value.as_array().map(|list| {
            list.iter()
                .map(|item| Self {
                    span: item.span(),
                    value: item.get_ref(),
                    errors: self.errors,
                })
                .collect()
        });
        self.wanted(list, "a list")
    }

    pub(super) fn one_or_many(&self) -> Vec<Self> {
        match self.is_list() {
            true => self.list().unwrap_or_default(),
            false => vec![self.clone()],
        }
    }

    pub(super) fn table(&self) -> Option<Table<'a>> {
        let table = self.value.as_table();
        let table = self.wanted(table, "a table")?;
        Some(Table::new(table, self.span.clone(), self.errors))
    }

    /// As JSON; dates become texts.
    pub(super) fn json(&self) -> Json {
        match self.value {
            DeValue::String(text) => Json::from(text.as_ref()),
            DeValue::Integer(_) => self.integer().map_or(Json::Null, Json::from),
            DeValue::Float(_) => self.number().map_or(Json::Null, Json::from),
            DeValue::Boolean(flag) => Json::from(*flag),
            DeValue::Datetime(at) => Json::from(at.to_string()),
            DeValue::Array(_) => {
                let list = self.list().unwrap_or_default();
                list.iter().map(Self::json).collect()
            }
            DeValue::Table(_) => {
                let entries = self.table().map(|table| table.entries());
                let entries = entries.unwrap_or_default().into_iter();
                Json::Object(entries.map(|(key, _, node)| (key, node.json())).collect())
            }
        }
    }

    fn wanted<T>(&self, found: Option<T>, what: &str) -> Option<T> {
        if found.is_none() {
            let article = match self.value.type_str() {
                kind @ ("array" | "integer") => format!("an {kind}"),
                kind => format!("a {kind}"),
            };
            self.wrong(format!("{what} is wanted here, and this is {article}"));
        }
        found
    }
}

fn clean(number: &str) -> String {
    number.chars().filter(|c| *c != '_').collect()
}
