//! What else a CRM can do: create, log, note, users, pop, links, click-to-call, test.

use super::{
    Reading,
    auth::{self, Signing},
    node::Table,
    params::{self, Param},
    people::{self, Field, PersonMap, contacts},
    request::{self, JsonTemplate, Request, Step},
    words::Words,
};
use crate::{
    pointer::Pointer,
    template::{Condition, Place, Scope, Template},
};
use std::collections::BTreeSet;
use wire::FieldKind;

/// Steps before, a request, what is kept of it, steps after.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) when: Option<Condition>,
    pub(crate) before: Vec<Step>,
    pub(crate) request: Request,
    pub(crate) map: Vec<(String, Field)>,
    pub(crate) then: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(crate) struct Create {
    pub(crate) fields: Vec<(Param, Option<Template>)>,
    pub(crate) before: Vec<Step>,
    pub(crate) request: Request,
    pub(crate) each: Pointer,
    pub(crate) map: PersonMap,
    pub(crate) then: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(crate) struct Users {
    pub(crate) request: Request,
    pub(crate) each: Pointer,
    pub(crate) id: Field,
    pub(crate) extension: Field,
    pub(crate) name: Option<Field>,
    pub(crate) email: Option<Field>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    pub(crate) contact: Option<Template>,
    pub(crate) search: Option<Template>,
    pub(crate) new: Option<Template>,
}

#[derive(Clone, Debug)]
pub(crate) struct Inbound {
    pub(crate) path: String,
    pub(crate) auth: InboundAuth,
    pub(crate) number: Field,
    pub(crate) extension: Option<Field>,
    pub(crate) user: Option<Field>,
    pub(crate) record: Option<Field>,
    pub(crate) kind: Option<Field>,
    pub(crate) status: u16,
    pub(crate) answer: Option<JsonTemplate>,
}

#[derive(Clone, Debug)]
pub(crate) enum InboundAuth {
    Token { at: Pointer, token: Template },
    Hmac { header: String, signing: Signing },
}

#[derive(Clone, Debug)]
pub(crate) struct Test {
    pub(crate) title: Words,
    pub(crate) before: Vec<Step>,
    pub(crate) request: Request,
    pub(crate) ok: Option<Pointer>,
    pub(crate) words: Option<Template>,
}

const CALL: [&str; 16] = [
    "id",
    "direction",
    "outcome",
    "started",
    "answered",
    "ended",
    "duration",
    "waited",
    "line",
    "extension",
    "agent",
    "summary",
    "note",
    "record_url",
    "number",
    "name",
];
const USER: [&str; 4] = ["id", "name", "email", "extension"];

/// What `log_call`, `update_call`, `note` and `pop` see.
fn of_calls(reading: &Reading, key: &str) -> Scope {
    let scope = contacts(reading.numbers(reading.requests()));
    let scope = scope.with("call", CALL).with("user", USER);
    match key {
        "update_call" => scope.with("log", ["id"]),
        "note" => scope.with("log", ["id"]).with("note", ["text"]),
        _ => scope,
    }
}

pub(super) fn action(table: &Table<'_>, key: &'static str, reading: &Reading) -> Option<Action> {
    let table = table.table(key)?;
    let scope = of_calls(reading, key);
    let when = request::condition(&table, reading, &scope);
    let (before, scope) = request::steps(&table, "before", "step", reading, scope);
    let request = request::read(&table, reading, &scope);
    let map = people::fields(&table, "map", reading, &people::of_row(&scope));
    let scope = scope.with("result", map.iter().map(|(name, _)| name));
    let (then, _) = request::steps(&table, "then", "step", reading, scope);
    table.finish();
    Some(Action {
        when,
        before,
        request: request?,
        map,
        then,
    })
}

pub(super) fn create(table: &Table<'_>, reading: &Reading) -> Option<Create> {
    let table = table.table("create_contact")?;
    let fields = form(&table, reading);
    let names: BTreeSet<&str> = fields
        .iter()
        .map(|(field, _)| field.name.as_str())
        .collect();
    let scope = reading.numbers(reading.requests()).with("contact", names);
    let (before, scope) = request::steps(&table, "before", "step", reading, scope);
    let request = request::read(&table, reading, &scope);
    let map = table.table("map").map(|inner| {
        let map = people::map_part(&inner, reading, &scope);
        if map.id.is_none() {
            inner.wrong("what is created has an id");
        }
        inner.finish();
        map
    });
    if map.is_none() {
        table.wrong("“map” with the new id is missing");
    }
    let scope = scope.with(
        "result",
        ["id", "kind", "name", "company", "email", "owner"],
    );
    let (then, _) = request::steps(&table, "then", "step", reading, scope);
    let each = people::each(&table);
    table.finish();
    Some(Create {
        fields,
        before,
        request: request?,
        each,
        map: map?,
        then,
    })
}

fn form(table: &Table<'_>, reading: &Reading) -> Vec<(Param, Option<Template>)> {
    let Some(node) = table.node("fields") else {
        let name = Param {
            name: "name".into(),
            kind: FieldKind::Text,
            required: true,
            default: String::new(),
            options: Vec::new(),
            title: Words(
                [("en", "Name"), ("ru", "Имя")]
                    .map(|(l, w)| (l.into(), w.into()))
                    .into(),
            ),
            help: Words::default(),
        };
        return vec![(name, None)];
    };
    let scope = reading.numbers(reading.settings());
    let field = |node: &super::node::Node<'_>| {
        let table = node.table()?;
        let name = table.required_text("name");
        if !params::is_name(&name) {
            table.wrong("a field's name is lower-case letters, digits and _");
        }
        let value = table.node("value");
        let value = value.map(|node| reading.template(&node, Place::Plain, &scope));
        let param = params::of_table(name, table)?;
        Some((param, value))
    };
    node.list()
        .unwrap_or_default()
        .iter()
        .filter_map(field)
        .collect()
}

pub(super) fn users(table: &Table<'_>, reading: &Reading) -> Option<Users> {
    let table = table.table("users")?;
    let scope = reading.requests();
    let request = request::read(&table, reading, &scope);
    let each = people::each(&table);
    let map = table.required("map").and_then(|node| node.table())?;
    let scope = people::of_row(&scope);
    let field = |key| Field::read(&map.node(key)?, reading, &scope);
    let required = |key| Field::read(&map.required(key)?, reading, &scope);
    let (id, extension) = (required("id"), required("extension"));
    let (name, email) = (field("name"), field("email"));
    map.finish();
    table.finish();
    Some(Users {
        request: request?,
        each,
        id: id?,
        extension: extension?,
        name,
        email,
    })
}

pub(super) fn links(table: &Table<'_>, reading: &Reading) -> Links {
    let Some(table) = table.table("link") else {
        return Links::default();
    };
    let scope = contacts(reading.numbers(reading.settings()));
    let link = |key| {
        let node = table.node(key)?;
        Some(reading.template(&node, Place::Address, &scope))
    };
    let links = Links {
        contact: link("contact"),
        search: link("search"),
        new: link("new"),
    };
    table.finish();
    links
}

pub(super) fn inbound(table: &Table<'_>, reading: &Reading) -> Option<Inbound> {
    let table = table.table("inbound")?;
    let path = table.required_text("path");
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if path.is_empty() || !path.chars().all(fits) {
        table.wrong("a path is letters, digits, - and _");
    }
    let auth = table.required("auth").and_then(|node| node.table());
    let auth = auth.and_then(|auth| inbound_auth(auth, reading));
    let map = table.required("map").and_then(|node| node.table())?;
    let scope = people::of_row(&reading.settings());
    let field = |key| Field::read(&map.node(key)?, reading, &scope);
    let number = map.required("number");
    let number = number.and_then(|node| Field::read(&node, reading, &scope));
    let (extension, user) = (field("extension"), field("user"));
    let (record, kind) = (field("record"), field("kind"));
    map.finish();
    let answer = table.table("answer");
    let (status, json) = answer.map_or((200, None), |answer| {
        let status = answer.integer("status", 200..300).unwrap_or(200);
        let json = answer.node("json");
        let json = json.map(|node| JsonTemplate::read(&node, reading, &scope));
        answer.finish();
        (status as u16, json)
    });
    table.finish();
    Some(Inbound {
        path,
        auth: auth?,
        number: number?,
        extension,
        user,
        record,
        kind,
        status,
        answer: json,
    })
}

fn inbound_auth(table: Table<'_>, reading: &Reading) -> Option<InboundAuth> {
    let kind = table.required_text("kind");
    let auth = match kind.as_str() {
        "token" => {
            let at = table.required("at").as_ref().and_then(super::pointer);
            let settings = reading.settings();
            let token = reading.required_template(&table, "token", Place::Plain, &settings);
            at.map(|at| InboundAuth::Token { at, token })
        }
        "hmac" => Some(InboundAuth::Hmac {
            header: table.required_text("header").to_lowercase(),
            signing: auth::signing(&table, reading),
        }),
        _ => {
            table.wrong("the kinds are token and hmac");
            None
        }
    };
    table.finish();
    auth
}

pub(super) fn tests(table: &Table<'_>, reading: &Reading) -> Vec<Test> {
    let test = |table: Table<'_>| {
        let scope = reading.requests();
        let title = table.node("title").map(|node| Words::read(&node));
        let usual = || {
            Words(
                [("en", "Sign-in"), ("ru", "Вход")]
                    .map(|(l, w)| (l.into(), w.into()))
                    .into(),
            )
        };
        let (before, scope) = request::steps(&table, "before", "step", reading, scope);
        let request = request::read(&table, reading, &scope);
        let ok = table.node("ok").as_ref().and_then(super::pointer);
        let scope = scope.and("doc");
        let words = table.node("words");
        let words = words.map(|node| reading.template(&node, Place::Plain, &scope));
        table.finish();
        Some(Test {
            title: title.unwrap_or_else(usual),
            before,
            request: request?,
            ok,
            words,
        })
    };
    table.tables("test").into_iter().filter_map(test).collect()
}
