//! `[[lookup]]`, `[[find]]`, and how a person is made of an answer.

use super::{
    Reading,
    node::{Node, Table},
    request::{self, MOST_STEPS, Request, Step},
    words::Words,
};
use crate::{
    pointer::{self, Pointer},
    template::{Condition, Context, Failed, Place, Scope, Template},
};
use phone_number::Variant;
use serde_json::Value as Json;
use std::fmt;

/// More make no sense: each is a request.
const MOST_LOOKUPS: usize = 5;
const MOST_FACTS: i64 = 5;

/// One way to look somebody up, by number or by name.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    pub(crate) numbers: Vec<Variant>,
    pub(crate) at_once: bool,
    pub(crate) when: Option<Condition>,
    pub(crate) before: Vec<Step>,
    pub(crate) request: Request,
    pub(crate) each: Pointer,
    pub(crate) verify: Verify,
    pub(crate) map: PersonMap,
    pub(crate) then: Vec<Then>,
    pub(crate) merge_all: bool,
}

impl Lookup {
    /// Whether it asks or answers otherwise by this value.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        let maps = self.then.iter().map(|then| &then.map);
        let mut maps = maps.chain([&self.map]);
        self.asks_by(name) || maps.any(|map| map.mentions(name)) || self.verify.mentions(name)
    }

    fn asks_by(&self, name: &str) -> bool {
        let conditions = self.when.iter();
        let steps = self
            .before
            .iter()
            .chain(self.then.iter().map(|then| &then.step));
        let requests = steps.clone().map(|step| &step.request);
        let mut kept = steps.clone().flat_map(|step| &step.map);
        let mut conditions = conditions.chain(steps.filter_map(|step| step.when.as_ref()));
        let mut requests = requests.chain([&self.request]);
        conditions.any(|when| when.mentions(name))
            || requests.any(|request| request.mentions(name))
            || kept.any(|(_, field)| field.mentions(name))
    }
}

/// How a row proves that it has the caller's number.
#[derive(Clone, Debug)]
pub(crate) enum Verify {
    By(Vec<Field>),
    /// The CRM compares, and does not tell the number.
    Trust,
}

impl Verify {
    fn mentions(&self, name: &str) -> bool {
        match self {
            Self::By(fields) => fields.iter().any(|field| field.mentions(name)),
            Self::Trust => false,
        }
    }
}

/// A step with each person found.
#[derive(Clone, Debug)]
pub(crate) struct Then {
    pub(crate) step: Step,
    pub(crate) map: PersonMap,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct PersonMap {
    pub(crate) id: Option<Field>,
    pub(crate) kind: Option<Field>,
    pub(crate) name: Option<Field>,
    pub(crate) company: Option<Field>,
    pub(crate) email: Option<Field>,
    pub(crate) note: Option<Field>,
    pub(crate) owner: Option<Field>,
    pub(crate) url: Option<Template>,
    pub(crate) phones: Vec<Field>,
    pub(crate) facts: Vec<Fact>,
}

impl PersonMap {
    fn mentions(&self, name: &str) -> bool {
        let (id, kind, owner) = (&self.id, &self.kind, &self.owner);
        let fields = [
            id,
            kind,
            &self.name,
            &self.company,
            &self.email,
            &self.note,
            owner,
        ];
        let fields = fields.into_iter().flatten().chain(&self.phones);
        let mut fields = fields.chain(self.facts.iter().map(|fact| &fact.value));
        let urls = self.facts.iter().filter_map(|fact| fact.url.as_ref());
        let mut urls = urls.chain(&self.url);
        fields.any(|field| field.mentions(name)) || urls.any(|url| url.mentions(name))
    }
}

/// A line on the card.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    pub(crate) label: Words,
    pub(crate) value: Field,
    pub(crate) url: Option<Template>,
    pub(crate) each: Option<Pointer>,
    pub(crate) max: usize,
}

/// What is taken from an answer.
#[derive(Clone, Debug)]
pub(crate) enum Field {
    At(Pointer),
    Constant(String),
    Template(Template),
    FirstOf(Vec<Self>),
}

impl Field {
    fn mentions(&self, name: &str) -> bool {
        match self {
            Self::At(_) | Self::Constant(_) => false,
            Self::Template(template) => template.mentions(name),
            Self::FirstOf(fields) => fields.iter().any(|field| field.mentions(name)),
        }
    }

    /// The first value there; `None` where there is nothing.
    pub(crate) fn text(&self, row: &Json, context: &Context) -> Result<Option<String>, Failed> {
        Ok(self.texts(row, context)?.into_iter().next())
    }

    /// Every value there.
    pub(crate) fn texts(&self, row: &Json, context: &Context) -> Result<Vec<String>, Failed> {
        match self {
            Self::At(pointer) => {
                let found = pointer.all(row).into_iter();
                let found = found.filter(|json| pointer::is_something(json));
                Ok(found.filter_map(pointer::text).collect())
            }
            Self::Constant(text) => Ok(vec![text.clone()]),
            Self::Template(template) => {
                let text = template.text(context)?;
                Ok(Some(text)
                    .filter(|text| !text.trim().is_empty())
                    .into_iter()
                    .collect())
            }
            Self::FirstOf(fields) => {
                for field in fields {
                    let texts = field.texts(row, context)?;
                    if !texts.is_empty() {
                        return Ok(texts);
                    }
                }
                Ok(Vec::new())
            }
        }
    }

    pub(super) fn read(node: &Node<'_>, reading: &Reading, scope: &Scope) -> Option<Self> {
        if node.is_list() {
            let fields = node.list()?;
            let fields = fields
                .iter()
                .filter_map(|node| Self::read(node, reading, scope));
            return Some(Self::FirstOf(fields.collect()));
        }
        let text = node.text()?;
        if let Some(constant) = text.strip_prefix('=') {
            return Some(Self::Constant(constant.to_owned()));
        }
        if text.contains("{{") || text.contains("{%") {
            return Some(Self::Template(reading.template(node, Place::Plain, scope)));
        }
        if text.starts_with('/') && text.contains(char::is_whitespace) {
            node.wrong(
                "a pointer is one place and has no space: two are joined as {{ row.first_name }} {{ row.last_name }}, a key with a space is {{ row[\"first name\"] }}",
            );
        }
        super::pointer(node).map(Self::At)
    }
}

impl fmt::Display for Field {
    /// As it is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(pointer) => write!(f, "{pointer}"),
            Self::Constant(text) => write!(f, "={text}"),
            Self::Template(template) => f.write_str(template.source()),
            Self::FirstOf(fields) => {
                let fields: Vec<String> = fields.iter().map(ToString::to_string).collect();
                f.write_str(&fields.join(" or "))
            }
        }
    }
}

/// Any names, each with its field.
pub(super) fn fields(
    table: &Table<'_>,
    key: &'static str,
    reading: &Reading,
    scope: &Scope,
) -> Vec<(String, Field)> {
    let entries = table.table(key).map(|table| table.entries());
    let field =
        |(name, _, node): (String, _, Node<'_>)| Some((name, Field::read(&node, reading, scope)?));
    entries
        .unwrap_or_default()
        .into_iter()
        .filter_map(field)
        .collect()
}

/// Values of a row.
pub(super) fn of_row(scope: &Scope) -> Scope {
    let names = ["id", "kind", "name", "company", "email", "owner"];
    let scope = scope.clone().and("row").and("doc");
    names.into_iter().fold(scope, |scope, name| scope.and(name))
}

pub(super) fn map(table: &Table<'_>, reading: &Reading, scope: &Scope) -> PersonMap {
    let Some(table) = table.required("map").and_then(|node| node.table()) else {
        return PersonMap::default();
    };
    let map = map_part(&table, reading, scope);
    if map.id.is_none() || map.name.is_none() {
        table.wrong("a person has at least an id and a name");
    }
    table.finish();
    map
}

/// Without asking for an id or a name.
pub(super) fn map_part(table: &Table<'_>, reading: &Reading, scope: &Scope) -> PersonMap {
    let scope = of_row(scope);
    let field = |key| Field::read(&table.node(key)?, reading, &scope);
    PersonMap {
        id: field("id"),
        kind: field("kind"),
        name: field("name"),
        company: field("company"),
        email: field("email"),
        note: field("note"),
        owner: field("owner"),
        url: url(table, reading, &scope),
        phones: list(table, "phones", reading, &scope),
        facts: facts(table, reading, &scope),
    }
}

fn url(table: &Table<'_>, reading: &Reading, scope: &Scope) -> Option<Template> {
    let node = table.node("url")?;
    Some(reading.template(&node, Place::Address, scope))
}

fn list(table: &Table<'_>, key: &'static str, reading: &Reading, scope: &Scope) -> Vec<Field> {
    let nodes = table.node(key).map(|node| node.one_or_many());
    let nodes = nodes.unwrap_or_default();
    nodes
        .iter()
        .filter_map(|node| Field::read(node, reading, scope))
        .collect()
}

fn facts(table: &Table<'_>, reading: &Reading, scope: &Scope) -> Vec<Fact> {
    let fact = |table: Table<'_>| {
        let label = table.required("label").map(|node| Words::read(&node));
        let value = table.required("value");
        let value = value.and_then(|node| Field::read(&node, reading, scope));
        let each = table.node("each").as_ref().and_then(super::pointer);
        let url = url(&table, reading, scope);
        let max = table.integer("max", 1..MOST_FACTS + 1).unwrap_or(3);
        table.finish();
        Some(Fact {
            label: label?,
            value: value?,
            url,
            each,
            max: max as usize,
        })
    };
    table.tables("facts").into_iter().filter_map(fact).collect()
}

pub(super) fn lookups(table: &Table<'_>, key: &'static str, reading: &Reading) -> Vec<Lookup> {
    let by_number = key == "lookup";
    let tables = table.tables(key);
    if tables.len() > MOST_LOOKUPS {
        table.wrong(format!("five [[{key}]] are the most"));
    }
    let lookup = |table| lookup(table, by_number, reading);
    tables.into_iter().filter_map(lookup).collect()
}

fn lookup(table: Table<'_>, by_number: bool, reading: &Reading) -> Option<Lookup> {
    let scope = match by_number {
        true => reading
            .numbers(reading.requests())
            .and("numbers")
            .and("line")
            .and("extension"),
        false => reading.requests().and("text").and("limit"),
    };
    let when = request::condition(&table, reading, &scope);
    let (before, scope) = request::steps(&table, "before", "step", reading, scope);
    let request = request::read(&table, reading, &scope);
    let map = map(&table, reading, &scope);
    let then = then(&table, reading, &scope);
    if 1 + before.len() + then.len() > MOST_STEPS {
        table.wrong("a section has at most five requests");
    }
    let lookup = Lookup {
        numbers: if by_number {
            numbers(&table)
        } else {
            Vec::new()
        },
        at_once: by_number && table.bool("at_once").unwrap_or_default(),
        verify: verify(&table, by_number, &map, reading, &scope),
        each: each(&table),
        merge_all: merge(&table),
        when,
        before,
        request: request?,
        map,
        then,
    };
    table.finish();
    Some(lookup)
}

fn numbers(table: &Table<'_>) -> Vec<Variant> {
    let Some(node) = table.node("numbers") else {
        return vec![Variant::E164];
    };
    let variant = |node: &Node<'_>| {
        let variant = node.text()?.parse::<Variant>();
        variant.map_err(|error| node.wrong(error.to_string())).ok()
    };
    let list = node.list().unwrap_or_default();
    if list.is_empty() || list.len() > 10 {
        node.wrong("one to ten spellings of the number");
    }
    list.iter().filter_map(variant).collect()
}

fn verify(
    table: &Table<'_>,
    by_number: bool,
    map: &PersonMap,
    reading: &Reading,
    scope: &Scope,
) -> Verify {
    if !by_number {
        return Verify::Trust;
    }
    let scope = of_row(scope);
    match table.node("verify") {
        Some(node) if node.is_text() && node.text() == Some("trust") => Verify::Trust,
        Some(_) => Verify::By(list(table, "verify", reading, &scope)),
        None => {
            if map.phones.is_empty() {
                table.wrong("without map.phones, verify says where a row's numbers are");
            }
            Verify::By(map.phones.clone())
        }
    }
}

fn merge(table: &Table<'_>) -> bool {
    let Some(node) = table.node("merge") else {
        return false;
    };
    match node.text() {
        Some("all") => true,
        Some("first") | None => false,
        Some(_) => {
            node.wrong("merge is first or all");
            false
        }
    }
}

/// The names of a person's parts; what else is mapped is the step's.
const PARTS: [&str; 10] = [
    "id", "kind", "name", "company", "email", "note", "owner", "url", "phones", "facts",
];

fn then(table: &Table<'_>, reading: &Reading, scope: &Scope) -> Vec<Then> {
    let mut scope = contacts(scope.clone())
        .with("step", [""; 0])
        .and("row")
        .and("doc");
    let mut steps = Vec::new();
    for table in table.tables("then") {
        let request = request::read(&table, reading, &scope);
        let when = request::condition(&table, reading, &scope);
        let map = table.table("map");
        let person = map.as_ref().map(|map| map_part(map, reading, &scope));
        let row = of_row(&scope);
        let others = map.map(|map| map.entries()).unwrap_or_default().into_iter();
        let others = others.filter(|(name, _, _)| !PARTS.contains(&name.as_str()));
        let kept: Vec<(String, Field)> = others
            .filter_map(|(name, _, node)| Some((name, Field::read(&node, reading, &row)?)))
            .collect();
        table.finish();
        scope = scope.with("step", kept.iter().map(|(name, _)| name));
        let Some(request) = request else { continue };
        steps.push(Then {
            step: Step {
                request,
                when,
                map: kept,
            },
            map: person.unwrap_or_default(),
        });
    }
    steps
}

pub(super) fn contacts(scope: Scope) -> Scope {
    let parts = ["id", "kind", "name", "company", "email", "owner", "phone"];
    scope.with("contact", parts)
}

/// Where the rows of an answer are.
pub(super) fn each(table: &Table<'_>) -> Pointer {
    let each = table.node("each").as_ref().and_then(super::pointer);
    each.unwrap_or_else(Pointer::whole)
}
