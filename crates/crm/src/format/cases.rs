//! `[cases]` and `[[case]]`: recorded exchanges.

use super::{
    node::{Node, Table},
    request::MOST_STEPS,
};
use phone_number::Region;
use serde_json::{Map, Value as Json};

/// What holds for all cases of a file.
#[derive(Clone, Debug)]
pub(crate) struct CaseSetup {
    pub(crate) country: Region,
    pub(crate) params: Map<String, Json>,
    pub(crate) session: Map<String, Json>,
    pub(crate) now: i64,
    pub(crate) language: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) call: CaseCall,
    pub(crate) with: Map<String, Json>,
    pub(crate) params: Map<String, Json>,
    pub(crate) is_fresh: bool,
    pub(crate) is_live: bool,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) expect: Map<String, Json>,
    /// In the text, in bytes.
    pub(crate) at: usize,
}

/// What a case asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CaseCall {
    Lookup,
    Find,
    Create,
    Log,
    Update,
    Note,
    Pop,
    Users,
    Test,
    Inbound,
    Link,
}

const CALLS: [(&str, CaseCall); 11] = [
    ("lookup", CaseCall::Lookup),
    ("find", CaseCall::Find),
    ("create", CaseCall::Create),
    ("log", CaseCall::Log),
    ("update", CaseCall::Update),
    ("note", CaseCall::Note),
    ("pop", CaseCall::Pop),
    ("users", CaseCall::Users),
    ("test", CaseCall::Test),
    ("inbound", CaseCall::Inbound),
    ("link", CaseCall::Link),
];

/// What went over the line once.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) request: Recorded,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) at: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    /// A path, or an address where it is another host than that of the base.
    pub(crate) path: String,
    pub(crate) is_address: bool,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: RecordedBody,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RecordedBody {
    None,
    Json(Json),
    Form(Vec<(String, String)>),
    Text(String),
}

const EXPECTED: [&str; 15] = [
    "people",
    "id",
    "users",
    "error",
    "kind",
    "retry_after",
    "passed",
    "words",
    "number",
    "extension",
    "user",
    "record",
    "refused",
    "status",
    "url",
];

pub(super) fn setup(table: &Table<'_>) -> CaseSetup {
    let mut setup = CaseSetup {
        country: Region::RU,
        params: Map::new(),
        session: Map::new(),
        now: 1_767_225_600,
        language: "en".into(),
    };
    let Some(table) = table.table("cases") else {
        return setup;
    };
    if let Some(node) = table.node("country") {
        match node.text().unwrap_or_default().parse() {
            Ok(region) => setup.country = region,
            Err(error) => node.wrong(error.to_string()),
        }
    }
    setup.params = object(&table, "params");
    setup.session = object(&table, "session");
    setup.now = table.integer("now", 0..i64::MAX).unwrap_or(setup.now);
    setup.language = table.text("language").unwrap_or(setup.language);
    table.finish();
    setup
}

pub(super) fn read(table: &Table<'_>) -> Vec<Case> {
    table.tables("case").into_iter().filter_map(case).collect()
}

fn case(table: Table<'_>) -> Option<Case> {
    let call = table.required("call").and_then(|node| {
        let text = node.text()?;
        let call = CALLS.iter().find(|(name, _)| *name == text);
        if call.is_none() {
            let hint = crate::near::nearest(text, CALLS.map(|(name, _)| name));
            node.wrong(format!("a case cannot call “{text}”{hint}"));
        }
        call.map(|(_, call)| *call)
    });
    let exchanges: Vec<_> = table.tables("exchange").into_iter().map(exchange).collect();
    let _: Option<String> = table.text("source");
    let expect = table.required("expect").and_then(|node| node.table());
    let expect = expect.map(|expect| {
        for (key, span, _) in expect.entries() {
            if !EXPECTED.contains(&key.as_str()) {
                let hint = crate::near::nearest(&key, EXPECTED);
                expect
                    .errors
                    .add(&span, format!("a case cannot expect “{key}”{hint}"));
            }
        }
        let entries = expect.entries().into_iter();
        entries.map(|(key, _, node)| (key, node.json())).collect()
    });
    if call != Some(CaseCall::Lookup) && exchanges.len() > 4 * MOST_STEPS {
        table.wrong("so many exchanges belong to no call");
    }
    let case = Case {
        name: table.required_text("name"),
        call: call.unwrap_or(CaseCall::Lookup),
        with: object(&table, "with"),
        params: object(&table, "params"),
        is_fresh: table.bool("fresh").unwrap_or_default(),
        is_live: table.bool("live").unwrap_or_default(),
        exchanges,
        expect: expect.unwrap_or_default(),
        at: table.span.start,
    };
    table.finish();
    Some(case)
}

fn exchange(table: Table<'_>) -> Exchange {
    let at = table.span.start;
    let request = table
        .required("request")
        .and_then(|node| node.table())
        .map(recorded);
    let response = table.table("response");
    let (status, headers, body) = response.map_or((200, Vec::new(), String::new()), |table| {
        let status = table.integer("status", 100..600).unwrap_or(200) as u16;
        let headers = pairs(&table, "headers");
        let json = table
            .node("json")
            .map(|node| json_or_text(&node).to_string());
        let text = table.text("text");
        if json.is_some() && text.is_some() {
            table.wrong("an answer is json or text");
        }
        table.finish();
        (status, headers, json.or(text).unwrap_or_default())
    });
    table.finish();
    Exchange {
        request: request.unwrap_or(Recorded {
            method: "GET".into(),
            path: String::new(),
            is_address: false,
            query: Vec::new(),
            headers: Vec::new(),
            body: RecordedBody::None,
        }),
        status,
        headers,
        body,
        at,
    }
}

fn recorded(table: Table<'_>) -> Recorded {
    let body = match (table.node("json"), table.node("form"), table.text("body")) {
        (Some(node), None, None) => RecordedBody::Json(json_or_text(&node)),
        (None, Some(_), None) => RecordedBody::Form(pairs(&table, "form")),
        (None, None, Some(text)) => RecordedBody::Text(text),
        (None, None, None) => RecordedBody::None,
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
            table.wrong("a body is json, form or body");
            RecordedBody::None
        }
    };
    let (path, url) = (table.text("path"), table.text("url"));
    if path.is_some() == url.is_some() {
        table.wrong("a recorded request has a path, or for another host a url");
    }
    let usual = if body == RecordedBody::None {
        "GET"
    } else {
        "POST"
    };
    let recorded = Recorded {
        method: table.text("method").unwrap_or_else(|| usual.into()),
        is_address: url.is_some(),
        path: path.or(url).unwrap_or_default(),
        query: pairs(&table, "query"),
        headers: pairs(&table, "headers"),
        body,
    };
    table.finish();
    recorded
}

/// A text there holds JSON, which can say null.
fn json_or_text(node: &Node<'_>) -> Json {
    if !node.is_text() {
        return node.json();
    }
    let parsed = serde_json::from_str(node.text().unwrap_or_default());
    parsed.unwrap_or_else(|error: serde_json::Error| {
        node.wrong(format!("this text is no JSON: {error}"));
        Json::Null
    })
}

fn object(table: &Table<'_>, key: &'static str) -> Map<String, Json> {
    let table = table.table(key);
    let entries = table.map(|table| table.entries()).unwrap_or_default();
    entries
        .into_iter()
        .map(|(key, _, node)| (key, node.json()))
        .collect()
}

/// Names and texts; a list is a name that comes several times.
fn pairs(table: &Table<'_>, key: &'static str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (name, value) in object(table, key) {
        let list = match value.as_array() {
            Some(list) => list.clone(),
            None => vec![value],
        };
        let texts = list
            .iter()
            .map(|one| crate::pointer::text(one).unwrap_or_default());
        pairs.extend(texts.map(|text| (name.clone(), text)));
    }
    pairs
}
