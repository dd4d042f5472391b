//! Paths into a CRM's answer: RFC 6901 and `*`.

use serde_json::Value as Json;
use std::fmt;

/// A path such as `/phones/*/value`; empty: the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pointer(Vec<String>);

impl Pointer {
    pub(crate) fn whole() -> Self {
        Self(Vec::new())
    }

    /// # Errors
    /// A sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!(
                "“{text}” is no pointer: those begin with /, constants with =, templates have {{{{ }}}}"
            ));
        };
        let steps = rest.split('/').map(unescaped).collect::<Result<_, _>>()?;
        Ok(Self(steps))
    }

    /// Everything there, in order; nothing empty is left out.
    pub(crate) fn all<'j>(&self, json: &'j Json) -> Vec<&'j Json> {
        let mut found = vec![json];
        for step in &self.0 {
            found = found.into_iter().flat_map(|at| below(at, step)).collect();
        }
        found
    }

    pub(crate) fn first<'j>(&self, json: &'j Json) -> Option<&'j Json> {
        self.all(json).into_iter().find(|found| is_something(found))
    }

    /// The rows there: the elements of a list, or the one thing.
    pub(crate) fn rows<'j>(&self, json: &'j Json) -> Vec<&'j Json> {
        let mut rows = Vec::new();
        for found in self.all(json) {
            match found.as_array() {
                Some(list) => rows.extend(list),
                None => rows.push(found),
            }
        }
        rows.retain(|row| is_something(row));
        rows
    }
}

impl fmt::Display for Pointer {
    /// As it is written; the whole by a word.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("its top");
        }
        self.0.iter().try_for_each(|step| {
            let step = step.replace('~', "~0").replace('/', "~1");
            write!(f, "/{step}")
        })
    }
}

/// Null, false and the empty text are how CRMs write that there is nothing.
pub(crate) fn is_something(json: &Json) -> bool {
    match json {
        Json::Null | Json::Bool(false) => false,
        Json::String(text) => !text.trim().is_empty(),
        Json::Array(list) => !list.is_empty(),
        Json::Object(map) => !map.is_empty(),
        Json::Bool(true) | Json::Number(_) => true,
    }
}

/// As a text, where it is one value.
pub(crate) fn text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

fn below<'j>(json: &'j Json, step: &str) -> Vec<&'j Json> {
    match json {
        Json::Array(list) if step == "*" => list.iter().collect(),
        Json::Object(map) if step == "*" => map.values().collect(),
        Json::Array(list) => {
            let index = step.parse::<usize>().ok();
            index
                .and_then(|index| list.get(index))
                .into_iter()
                .collect()
        }
        Json::Object(map) => map.get(step).into_iter().collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => Vec::new(),
    }
}

fn unescaped(step: &str) -> Result<String, String> {
    let mut text = String::with_capacity(step.len());
    let mut characters = step.chars();
    while let Some(c) = characters.next() {
        match (c, c == '~') {
            (_, false) => text.push(c),
            (_, true) => match characters.next() {
                Some('0') => text.push('~'),
                Some('1') => text.push('/'),
                Some(_) | None => {
                    return Err("behind ~ in a pointer stands 0 (for ~) or 1 (for /)".into());
                }
            },
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(pointer: &str, json: &Json) -> Vec<Json> {
        let pointer = Pointer::parse(pointer).unwrap();
        pointer.all(json).into_iter().cloned().collect()
    }

    #[test]
    fn a_pointer_reaches_every_element() {
        let doc = json!({"phones": [{"v": "1"}, {"v": "2"}, {}], "party.": {"rec_name": "A"}, "a/b": {"~": 5}});
        assert_eq!(found("/phones/*/v", &doc), [json!("1"), json!("2")]);
        assert_eq!(found("/phones/1/v", &doc), [json!("2")]);
        assert_eq!(found("/party./rec_name", &doc), [json!("A")]);
        assert_eq!(found("/a~1b/~0", &doc), [json!(5)]);
        assert_eq!(found("", &json!(3)), [json!(3)]);
        assert!(found("/phones/-1/v", &doc).is_empty());
    }

    #[test]
    fn what_crms_write_for_nothing_is_nothing() {
        for nothing in [
            json!(null),
            json!(false),
            json!(""),
            json!(" "),
            json!([]),
            json!({}),
        ] {
            assert!(!is_something(&nothing), "{nothing}");
        }
        assert!(is_something(&json!(0)));
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        assert!(Pointer::parse("name").is_err());
        assert!(Pointer::parse("/a~2").is_err());
    }
}
