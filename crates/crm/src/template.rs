//! Templates: what a connector's file writes with `{{ }}`, escaped by the place where it stands.

mod filters;
mod names;

pub(crate) use filters::{base64, base64_url, hex, instant};
pub(crate) use names::Scope;

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value,
    value::{Object, Serde, ValueKind},
};
use serde_json::Value as Json;
use std::{borrow::Cow, collections::BTreeMap, fmt, sync::LazyLock};

/// Steps of the engine for one template: a loop over some thousand rows.
const FUEL: u64 = 100_000;
const RECURSION: usize = 32;
/// Nothing that is sent is longer than that.
const LONGEST: usize = 1024 * 1024;

const ADDRESS: AutoEscape = AutoEscape::Custom(Cow::Borrowed("address"));

/// Where a value is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A path or a link: each value is percent-encoded.
    Address,
    /// Everything else: the place itself is encoded behind the template.
    Plain,
}

/// A text of the file; it has been checked, so that rendering fails only by what the values are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    source: String,
    place: Place,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Literal,
    /// One `{{ … }}` and nothing else: its value keeps its type.
    Whole(String),
    Text,
}

/// What a template could not do; the text names no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed(pub(crate) String);

/// What templates see.
#[derive(Clone, Default)]
pub(crate) struct Context(BTreeMap<&'static str, Value>);

impl Context {
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.insert(name, value.into());
    }

    pub(crate) fn set_json(&mut self, name: &'static str, json: &Json) {
        self.0.insert(name, Value::from(Serde(json)));
    }

    /// The same with one more value.
    pub(crate) fn with(&self, name: &'static str, value: impl Into<Value>) -> Self {
        let mut other = self.clone();
        other.set(name, value);
        other
    }

    fn root(&self) -> Value {
        Value::from_pairs(self.0.iter().map(|(name, value)| (*name, value.clone())))
    }
}

impl Template {
    /// Checks the text.
    ///
    /// # Errors
    /// A sentence and where in the text it applies, in bytes.
    pub(crate) fn parse(source: &str, place: Place, scope: &Scope) -> Result<Self, Failed> {
        let kind = Kind::of(source);
        names::check(source, &kind, scope)?;
        Ok(Self {
            source: source.to_owned(),
            place,
            kind,
        })
    }

    /// A text that has no braces.
    pub(crate) fn literal(text: &str) -> Self {
        Self {
            source: text.to_owned(),
            place: Place::Plain,
            kind: Kind::Literal,
        }
    }

    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    pub(crate) fn is_literal(&self) -> bool {
        self.kind == Kind::Literal
    }

    /// Whether it uses this value.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        names::used(&self.source, &self.kind).contains(name)
    }

    /// The text; what is missing in it is empty.
    pub(crate) fn text(&self, context: &Context) -> Result<String, Failed> {
        if self.is_literal() {
            return Ok(self.source.clone());
        }
        let name = match self.place {
            Place::Address => "address",
            Place::Plain => "plain",
        };
        let template = ENGINE.template_from_named_str(name, &self.source);
        let text = template.and_then(|template| template.render(context.root()));
        let text = text.map_err(|error| explain(&error))?;
        if text.len() > LONGEST {
            return Err(Failed("what a template makes is longer than 1 MB".into()));
        }
        Ok(text)
    }

    /// The value with its type, where the text is one expression; `None`: to be left out.
    pub(crate) fn json(&self, context: &Context) -> Result<Option<Json>, Failed> {
        let Kind::Whole(expression) = &self.kind else {
            return self.text(context).map(|text| Some(Json::String(text)));
        };
        let value = evaluate(expression, context)?;
        if value.downcast_object_ref::<filters::Omitted>().is_some() {
            return Ok(None);
        }
        Ok(Some(to_json(&value)))
    }

    /// The texts of a value that may be a list: for parameters of an address that come several times.
    pub(crate) fn texts(&self, context: &Context) -> Result<Vec<String>, Failed> {
        match self.json(context)? {
            None | Some(Json::Null) => Ok(Vec::new()),
            Some(Json::Array(list)) => Ok(list.iter().filter_map(crate::pointer::text).collect()),
            Some(other) => Ok(crate::pointer::text(&other).into_iter().collect()),
        }
    }
}

/// A condition: an expression without braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition(String);

impl Condition {
    pub(crate) fn parse(source: &str, scope: &Scope) -> Result<Self, Failed> {
        names::check(source, &Kind::Whole(source.to_owned()), scope)?;
        Ok(Self(source.to_owned()))
    }

    pub(crate) fn mentions(&self, name: &str) -> bool {
        names::used(&self.0, &Kind::Whole(self.0.clone())).contains(name)
    }

    pub(crate) fn holds(&self, context: &Context) -> Result<bool, Failed> {
        evaluate(&self.0, context).map(|value| value.is_true())
    }
}

/// A value of the settings that stands in addresses as it is.
pub(crate) fn address_value(text: &str) -> Value {
    Value::from_safe_string(text.to_owned())
}

/// A number: alone it is one of its spellings, by its names it is each of them.
#[derive(Debug)]
pub(crate) struct Spellings {
    pub(crate) alone: String,
    pub(crate) each: BTreeMap<String, String>,
}

impl Object for Spellings {
    fn get_value(self: &std::sync::Arc<Self>, key: &Value) -> Option<Value> {
        let spelling = self.each.get(key.as_str()?)?;
        Some(Value::from(spelling.clone()))
    }

    fn is_true(self: &std::sync::Arc<Self>) -> bool {
        !self.alone.is_empty()
    }

    fn render(self: &std::sync::Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.alone)
    }
}

impl Kind {
    fn of(source: &str) -> Self {
        if !source.contains("{{") && !source.contains("{%") && !source.contains("{#") {
            return Self::Literal;
        }
        let inside = source
            .trim()
            .strip_prefix("{{")
            .and_then(|rest| rest.strip_suffix("}}"));
        match inside {
            Some(inside) if !inside.contains("}}") && !inside.contains("{{") => {
                Self::Whole(inside.trim_matches('-').trim().to_owned())
            }
            Some(_) | None => Self::Text,
        }
    }
}

static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::new();
    engine.set_fuel(Some(FUEL));
    engine.set_recursion_limit(RECURSION);
    engine.set_undefined_behavior(UndefinedBehavior::Chainable);
    engine.set_auto_escape_callback(|name| match name {
        "address" => ADDRESS,
        _ => AutoEscape::None,
    });
    engine.set_formatter(|out, state, value| {
        let text = shown(value);
        let encode = *state.auto_escape() == ADDRESS && !value.is_safe();
        let text = if encode { percent_encoded(&text) } else { text };
        out.write_str(&text).map_err(Error::from)
    });
    filters::add_to(&mut engine);
    engine
});

fn evaluate(expression: &str, context: &Context) -> Result<Value, Failed> {
    let compiled = ENGINE.compile_expression(expression);
    let value = compiled.and_then(|expression| expression.eval(context.root()));
    value.map_err(|error| explain(&error))
}

/// How a value reads: nothing for what is missing.
pub(crate) fn shown(value: &Value) -> String {
    if value.is_none() || value.is_undefined() || is_empty_list(value) {
        return String::new();
    }
    value.to_string()
}

fn is_empty_list(value: &Value) -> bool {
    value.kind() == ValueKind::Seq && value.len() == Some(0)
}

fn to_json(value: &Value) -> Json {
    if value.downcast_object_ref::<Spellings>().is_some() {
        return Json::String(value.to_string());
    }
    serde_json::to_value(value).unwrap_or(Json::Null)
}

/// Everything but what RFC 3986 leaves alone anywhere.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Without the values: a message of the engine may show them.
fn explain(error: &Error) -> Failed {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "another library's kinds; all others read alike"
    )]
    let words = match error.kind() {
        ErrorKind::SyntaxError => error.detail().unwrap_or("it does not parse").to_owned(),
        ErrorKind::UnknownFilter => "there is no such filter".into(),
        ErrorKind::UnknownFunction => "there is no such function".into(),
        ErrorKind::UnknownTest => "there is no such test".into(),
        ErrorKind::UnknownMethod => "there is no such method".into(),
        ErrorKind::OutOfFuel => "it takes too many steps".into(),
        ErrorKind::MissingArgument => "a filter lacks an argument".into(),
        ErrorKind::TooManyArguments => "a filter has too many arguments".into(),
        ErrorKind::InvalidOperation => "its values cannot be used so".into(),
        other => other.to_string(),
    };
    Failed(words)
}

#[cfg(test)]
mod tests;
