//! Requests, and steps made of them.

use super::{
    Reading, http,
    node::{Node, Table},
    people::{self, Field},
};
use crate::template::{Condition, Context, Failed, Place, Scope, Template};
use serde_json::{Map, Value as Json};

/// Methods that a file may use.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/// Steps of one section, its own request among them.
pub(super) const MOST_STEPS: usize = 5;

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: Template,
    pub(crate) query: Vec<(String, Vec<Template>)>,
    pub(crate) headers: Vec<(String, Template)>,
    pub(crate) body: Body,
    pub(crate) empty: Vec<u16>,
    pub(crate) answer: AnswerKind,
    /// In the text, in bytes.
    pub(crate) at: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    None,
    Json(JsonTemplate),
    Form(Vec<(String, Template)>),
    Text {
        text: Template,
        content_type: String,
    },
}

/// How an answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerKind {
    Json,
    Text,
    Any,
}

/// JSON with templates in its texts.
#[derive(Clone, Debug)]
pub(crate) enum JsonTemplate {
    Fixed(Json),
    Text(Template),
    List(Vec<Self>),
    Table(Vec<(String, Self)>),
}

/// A request whose parts later ones use.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) request: Request,
    pub(crate) when: Option<Condition>,
    pub(crate) map: Vec<(String, Field)>,
}

impl Request {
    /// Whether a template of it uses this value.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        let pairs = |pairs: &[(String, Template)]| pairs.iter().any(|(_, t)| t.mentions(name));
        let in_body = match &self.body {
            Body::None => false,
            Body::Json(json) => json.mentions(name),
            Body::Form(fields) => pairs(fields),
            Body::Text { text, .. } => text.mentions(name),
        };
        let mut query = self.query.iter().flat_map(|(_, templates)| templates);
        let in_query = query.any(|template| template.mentions(name));
        in_body || in_query || self.path.mentions(name) || pairs(&self.headers)
    }
}

impl JsonTemplate {
    fn mentions(&self, name: &str) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::Text(template) => template.mentions(name),
            Self::List(list) => list.iter().any(|item| item.mentions(name)),
            Self::Table(entries) => entries.iter().any(|(_, value)| value.mentions(name)),
        }
    }

    /// `None`: to be left out.
    pub(crate) fn json(&self, context: &Context) -> Result<Option<Json>, Failed> {
        Ok(match self {
            Self::Fixed(json) => Some(json.clone()),
            Self::Text(template) => template.json(context)?,
            Self::List(list) => {
                let items = list.iter().map(|item| item.json(context));
                let items: Vec<_> = items.collect::<Result<_, _>>()?;
                Some(items.into_iter().flatten().collect())
            }
            Self::Table(entries) => {
                let mut table = Map::new();
                for (key, value) in entries {
                    if let Some(value) = value.json(context)? {
                        table.insert(key.clone(), value);
                    }
                }
                Some(Json::Object(table))
            }
        })
    }

    pub(super) fn read(node: &Node<'_>, reading: &Reading, scope: &Scope) -> Self {
        if node.is_text() {
            return Self::Text(reading.template(node, Place::Plain, scope));
        }
        if node.is_list() {
            let list = node.list().unwrap_or_default();
            return Self::List(list.iter().map(|n| Self::read(n, reading, scope)).collect());
        }
        if node.is_table() {
            let entries = node.table().map(|table| table.entries());
            let entries = entries.unwrap_or_default().into_iter();
            return Self::Table(
                entries
                    .map(|(key, _, node)| (key, Self::read(&node, reading, scope)))
                    .collect(),
            );
        }
        Self::Fixed(node.json())
    }
}

pub(super) fn read(table: &Table<'_>, reading: &Reading, scope: &Scope) -> Option<Request> {
    let node = table.required("request")?;
    let table = node.table()?;
    let body = body(&table, reading, scope);
    let method = method(&table, matches!(body, Body::None));
    let request = Request {
        path: path(&table, reading, scope),
        query: query(&table, reading, scope),
        headers: http::headers(&table, "headers", reading, scope),
        empty: http::status_list(&table, "empty"),
        answer: answer(&table),
        at: node.span.start,
        method,
        body,
    };
    table.finish();
    Some(request)
}

fn method(table: &Table<'_>, has_no_body: bool) -> &'static str {
    let usual = if has_no_body { "GET" } else { "POST" };
    let Some(node) = table.node("method") else {
        return usual;
    };
    let text = node.text().unwrap_or(usual);
    let known = METHODS.into_iter().find(|method| *method == text);
    if known.is_none() {
        node.wrong(format!("a method is one of {}", METHODS.join(", ")));
    }
    known.unwrap_or(usual)
}

fn path(table: &Table<'_>, reading: &Reading, scope: &Scope) -> Template {
    let path = reading.required_template(table, "path", Place::Address, scope);
    let source = path.source();
    if !source.is_empty() && !source.starts_with(['/', '?']) {
        table.wrong("a path begins with /; the address before it is the base");
    }
    path
}

fn query(table: &Table<'_>, reading: &Reading, scope: &Scope) -> Vec<(String, Vec<Template>)> {
    let entries = table.table("query").map(|table| table.entries());
    let value = |node: &Node<'_>| match node.is_text() {
        true => reading.template(node, Place::Plain, scope),
        false => reading.literal(&crate::pointer::text(&node.json()).unwrap_or_else(|| {
            node.wrong("a text, a number or a list of texts is wanted here");
            String::new()
        })),
    };
    entries
        .unwrap_or_default()
        .into_iter()
        .map(|(name, _, node)| (name, node.one_or_many().iter().map(value).collect()))
        .collect()
}

fn body(table: &Table<'_>, reading: &Reading, scope: &Scope) -> Body {
    let (json, form, text) = (table.node("json"), table.node("form"), table.node("body"));
    let content_type = table.node("content_type");
    if let (Some(node), None) = (&content_type, &text) {
        node.wrong("content_type stands beside body alone");
    }
    match (json, form, text) {
        (None, None, None) => Body::None,
        (Some(node), None, None) => Body::Json(JsonTemplate::read(&node, reading, scope)),
        (None, Some(_), None) => Body::Form(reading.templates(table, "form", Place::Plain, scope)),
        (None, None, Some(node)) => Body::Text {
            text: reading.template(&node, Place::Plain, scope),
            content_type: content_type
                .and_then(|node| node.text())
                .unwrap_or("text/plain; charset=utf-8")
                .to_owned(),
        },
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
            table.wrong("only one of json, form and body can be sent");
            Body::None
        }
    }
}

fn answer(table: &Table<'_>) -> AnswerKind {
    let Some(node) = table.node("answer") else {
        return AnswerKind::Json;
    };
    match node.text() {
        Some("json") | None => AnswerKind::Json,
        Some("text") => AnswerKind::Text,
        Some("any") => AnswerKind::Any,
        Some(_) => {
            node.wrong("an answer is json, text or any");
            AnswerKind::Json
        }
    }
}

pub(super) fn condition(table: &Table<'_>, reading: &Reading, scope: &Scope) -> Option<Condition> {
    let node = table.node("when")?;
    let condition = Condition::parse(node.text()?, scope);
    let _ = reading;
    condition.map_err(|Failed(words)| node.wrong(words)).ok()
}

/// Steps before a request; each sees what those before it kept under `kept_as`.
pub(super) fn steps(
    table: &Table<'_>,
    key: &'static str,
    kept_as: &str,
    reading: &Reading,
    scope: Scope,
) -> (Vec<Step>, Scope) {
    let mut scope = scope.with(kept_as, [""; 0]);
    let mut steps = Vec::new();
    for table in table.tables(key) {
        if steps.len() == MOST_STEPS {
            table.wrong("five steps are the most");
        }
        if let Some(step) = step(table, reading, &scope) {
            scope = scope.with(kept_as, step.map.iter().map(|(name, _)| name));
            steps.push(step);
        }
    }
    (steps, scope)
}

fn step(table: Table<'_>, reading: &Reading, scope: &Scope) -> Option<Step> {
    let request = read(&table, reading, scope);
    let when = condition(&table, reading, scope);
    let fields = scope.clone().and("doc").and("row");
    let map = people::fields(&table, "map", reading, &fields);
    table.finish();
    Some(Step {
        request: request?,
        when,
        map,
    })
}
