//! Texts by language.

use super::node::Node;
use std::collections::BTreeMap;

const LANGUAGES: [&str; 2] = ["en", "ru"];

/// A text in several languages; `en` stands in for the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words(pub(crate) BTreeMap<String, String>);

impl Words {
    pub(super) fn read(node: &Node<'_>) -> Self {
        if !node.is_table() {
            let text = node.text().unwrap_or_default();
            return Self::english(text);
        }
        let mut words = BTreeMap::new();
        for (language, span, text) in node
            .table()
            .map(|table| table.entries())
            .unwrap_or_default()
        {
            if !LANGUAGES.contains(&language.as_str()) {
                node.errors.add(&span, "the languages are en and ru");
            }
            words.insert(language, text.text().unwrap_or_default().to_owned());
        }
        Self(words)
    }

    pub(crate) fn english(text: &str) -> Self {
        Self(BTreeMap::from([("en".to_owned(), text.to_owned())]))
    }

    pub(crate) fn of(&self, language: &str) -> &str {
        let text = self.0.get(language).or_else(|| self.0.get("en"));
        text.or_else(|| self.0.values().next())
            .map_or("", String::as_str)
    }
}
