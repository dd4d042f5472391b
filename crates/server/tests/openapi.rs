//! The document for programs says what the server does: every path, and of every body exactly the fields.

use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use wire::{
    Answer, Client, Connector, ConnectorKind, ConnectorState, DialPlan, Direction, ErrorCode,
    Extension, Fact, Failure, FieldKind, FormField, InternalLength, Lamp, LampCall, LampCallState,
    Me, Membership, MissedCall, Party, PbxLine, Person, PersonFact, PersonForm, Presence, Queue,
    QueueMember, Record, Remember, Rights, Role, Rule, RuleAction, SendAs, SourceReport,
    SourceState, Token, WaitingCaller, rest,
};

const ROUTES: &str = include_str!("../src/http.rs");
const DOCUMENT: &str = include_str!("../openapi.json");

/// Bodies that no wire type stands for: the server reads them itself, or a webhook carries them.
const OURS: [&str; 3] = ["Exchange", "Done", "CallEvent"];

type Operations = BTreeSet<(String, String)>;

#[test]
fn every_route_is_in_the_document_and_nothing_else_is() {
    let routes = routes();
    assert!(routes.len() > 30, "the routes are not read: {routes:?}");
    assert_eq!(documented(), routes);
}

#[test]
fn every_body_has_exactly_the_fields_of_its_type() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let examples = examples();
    for (name, example) in &examples {
        let schema = &schemas[name];
        let known = keys(&schema["properties"]);
        assert_eq!(keys(example), known, "{name}");
        let required = schema["required"].as_array().into_iter().flatten();
        for field in required {
            let field = field.as_str().expect("a name");
            assert!(known.contains(field), "{name} requires {field}");
        }
    }
    let unshown = keys(schemas).into_iter().filter(|name| {
        schemas[name]["properties"].is_object()
            && !examples.contains_key(name.as_str())
            && !OURS.contains(&name.as_str())
    });
    assert_eq!(unshown.collect::<Vec<_>>(), [""; 0], "no type has these");
}

#[test]
fn every_word_is_one_that_the_server_says() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let words = words();
    for (name, said) in &words {
        let listed = schemas[name]["enum"].as_array().expect(name);
        let listed: BTreeSet<&str> = listed.iter().filter_map(Value::as_str).collect();
        let said: BTreeSet<&str> = said.iter().map(String::as_str).collect();
        assert_eq!(listed, said, "{name}");
    }
    let unsaid = keys(schemas).into_iter().filter(|name| {
        schemas[name]["enum"].is_array() && !words.iter().any(|(known, _)| known == name)
    });
    assert_eq!(unsaid.collect::<Vec<_>>(), [""; 0], "no type has these");
}

#[test]
fn every_reference_leads_somewhere_and_everything_is_referred_to() {
    let document = document();
    let mut referred = BTreeSet::new();
    references(&document, &mut referred);
    for reference in &referred {
        let place = reference.strip_prefix('#').expect("a place of its own");
        assert!(document.pointer(place).is_some(), "{reference}");
    }
    for kind in ["schemas", "responses"] {
        for name in keys(&document["components"][kind]) {
            let reference = format!("#/components/{kind}/{name}");
            assert!(referred.contains(&reference), "{reference} is for nobody");
        }
    }
}

#[test]
fn whoever_needs_a_token_is_told_so() {
    let open = documented().into_iter().filter(|(method, path)| {
        let security = &document()["paths"][path][method]["security"];
        security.as_array().is_some_and(Vec::is_empty)
    });
    let open: Vec<String> = open.map(|(_, path)| path).collect();
    assert!(open.iter().all(|path| !path.contains("/admin/")));
    let expected = [
        "/api/v1/openapi.json",
        "/api/v1/signin",
        "/api/v1/signin/oidc",
        "/api/v1/signin/oidc/back",
        "/api/v1/socket",
        "/healthz",
        "/inbound/{connector}/{path}",
        "/readyz",
        "/api/v1/enrol",
        "/api/v1/signin/device",
        "/api/v1/signin/device/poll",
        "/api/v1/signin/exchange",
        "/api/v1/signin/password",
        "/inbound/{connector}/{path}",
    ];
    assert_eq!(open, expected);
}

fn document() -> Value {
    serde_json::from_str(DOCUMENT).expect("JSON")
}

fn documented() -> Operations {
    let document = document();
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = keys(item).into_iter();
        methods.map(move |method| (method, path.clone()))
    });
    operations.collect()
}

/// What `http.rs` hangs into its three routers.
fn routes() -> Operations {
    let mut operations = Operations::new();
    let mut prefix = "";
    let mut rest = ROUTES;
    while let Some(at) = rest
        .find("Router::new()")
        .into_iter()
        .chain(rest.find(".route("))
        .min()
    {
        if rest[at..].starts_with("Router") {
            let line = rest[..at].rsplit('\n').next().unwrap_or_default();
            prefix = match line.trim() {
                "let admin =" => "/api/v1/admin",
                "let api =" => "/api/v1",
                _ => "",
            };
            rest = &rest[at + "Router".len()..];
            continue;
        }
        rest = &rest[at + ".route(".len()..];
        let call = &rest[..end_of_call(rest)];
        let path = call.split('"').nth(1).expect("a path");
        for method in ["get", "post", "put", "delete", "patch"] {
            let handler = call[path.len()..].contains(&format!("{method}("));
            if handler {
                operations.insert((method.to_owned(), format!("{prefix}{path}")));
            }
        }
    }
    operations
}

/// Where the bracket closes that was open.
fn end_of_call(text: &str) -> usize {
    let mut depth = 1;
    for (place, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return place;
        }
    }
    text.len()
}

fn keys(of: &Value) -> BTreeSet<String> {
    let object = of.as_object().into_iter().flatten();
    object.map(|(key, _)| key.clone()).collect()
}

fn references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                into.insert(reference.clone());
            }
            fields.values().for_each(|field| references(field, into));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The unit variants of a type as they are written.
fn said<T: Serialize>(
    name: &'static str,
    variants: impl IntoIterator<Item = T>,
) -> (String, Vec<String>) {
    let words = variants.into_iter().map(|variant| {
        let word = serde_json::to_value(variant).expect("JSON");
        word.as_str().expect("a word").to_owned()
    });
    (name.to_owned(), words.collect())
}

fn words() -> Vec<(String, Vec<String>)> {
    use rest::{LogDirection, LogOutcome, LogSource};
    vec![
        said(
            "ErrorCode",
            [
                ErrorCode::Unauthenticated,
                ErrorCode::Version,
                ErrorCode::Forbidden,
                ErrorCode::RateLimited,
                ErrorCode::Refused,
                ErrorCode::Unknown,
                ErrorCode::PbxAway,
                ErrorCode::NotFound,
                ErrorCode::BadRequest,
                ErrorCode::TooLarge,
                ErrorCode::Busy,
                ErrorCode::TooSlow,
                ErrorCode::Internal,
            ],
        ),
        said(
            "FieldKind",
            [
                FieldKind::Text,
                FieldKind::Url,
                FieldKind::Secret,
                FieldKind::SecretUrl,
                FieldKind::Bool,
                FieldKind::Select,
                FieldKind::Oauth,
            ],
        ),
        said(
            "Remember",
            [Remember::No, Remember::Number, Remember::NumberOnLine],
        ),
        said("Role", [Role::Agent, Role::Supervisor, Role::Admin]),
        said(
            "SendAs",
            [
                SendAs::E164,
                SendAs::E164Digits,
                SendAs::National,
                SendAs::AsDialled,
            ],
        ),
        said(
            "Lamp",
            [
                Lamp::Idle,
                Lamp::Ringing,
                Lamp::InUse,
                Lamp::InUseRinging,
                Lamp::Busy,
                Lamp::OnHold,
                Lamp::Unavailable,
                Lamp::Unknown,
            ],
        ),
        said("Direction", [Direction::Incoming, Direction::Outgoing]),
        said(
            "LampCallState",
            [
                LampCallState::Ringing,
                LampCallState::Calling,
                LampCallState::Talking,
                LampCallState::Held,
            ],
        ),
        said(
            "Membership",
            [
                Membership::Static,
                Membership::Dynamic,
                Membership::Realtime,
                Membership::Other,
            ],
        ),
        said(
            "LogDirection",
            [
                LogDirection::Incoming,
                LogDirection::Outgoing,
                LogDirection::Internal,
            ],
        ),
        said(
            "LogOutcome",
            [
                LogOutcome::Open,
                LogOutcome::Answered,
                LogOutcome::Missed,
                LogOutcome::Busy,
                LogOutcome::NoAnswer,
                LogOutcome::Cancelled,
                LogOutcome::Voicemail,
                LogOutcome::Failed,
                LogOutcome::Unknown,
            ],
        ),
        said(
            "LogSource",
            [LogSource::Live, LogSource::Cdr, LogSource::LiveAndCdr],
        ),
    ]
}

/// One of each type, with everything in it.
fn examples() -> BTreeMap<&'static str, Value> {
    let all = [live(), log(), contacts(), people(), administration()];
    all.into_iter().flatten().collect()
}

fn shown<T: Serialize>(name: &'static str, value: T) -> (&'static str, Value) {
    (name, serde_json::to_value(value).expect("JSON"))
}

fn lines() -> [PbxLine; 4] {
    let words = String::new;
    [
        PbxLine::Connecting { words: words() },
        PbxLine::Up {
            version: String::new(),
            lag_ms: None,
            since: 0,
        },
        PbxLine::Away {
            words: words(),
            retry_at: 0,
        },
        PbxLine::Refused { words: words() },
    ]
}

fn client() -> Client {
    Client::default()
}

fn token() -> Token {
    Token(String::new())
}

fn dial_plan() -> DialPlan {
    DialPlan {
        country: String::new(),
        area_code: String::new(),
        outside_prefix: String::new(),
        international_prefix: String::new(),
        national_prefix: String::new(),
        internal_length: InternalLength { min: 2, max: 4 },
        send_as: SendAs::E164,
        rules: Vec::new(),
    }
}

fn me() -> Me {
    Me {
        user: String::new(),
        login: String::new(),
        name: String::new(),
        role: Role::Agent,
        pbx: None,
        extension: None,
        rights: Rights::default(),
        dial_plan: Some(dial_plan()),
    }
}

fn live() -> Vec<(&'static str, Value)> {
    let mut line = serde_json::Map::new();
    for each in lines() {
        let each = serde_json::to_value(each).expect("JSON");
        line.extend(each.as_object().expect("an object").clone());
    }
    let failure = Failure {
        retry_after_ms: Some(1),
        ..Failure::new(ErrorCode::Busy, "")
    };
    let rule = Rule {
        prefix: String::new(),
        action: RuleAction::Replace {
            with: String::new(),
        },
    };
    let (key, value) = (String::new(), None);
    vec![
        shown("Failure", failure),
        shown("Client", client()),
        shown("Me", me()),
        shown("Rights", Rights::default()),
        shown("DialPlan", dial_plan()),
        shown("InternalLength", InternalLength { min: 2, max: 4 }),
        shown("Rule", rule),
        shown("Party", Party::default()),
        shown("PbxLine", line),
        shown(
            "ExtensionFact",
            Fact::Extension {
                key: key.clone(),
                value,
            },
        ),
        shown("QueueFact", Fact::Queue { key, value: None }),
        shown(
            "Extension",
            Extension {
                extension: String::new(),
                pbx: String::new(),
                name: String::new(),
                groups: Vec::new(),
                lamp: Lamp::Idle,
                since: 0,
                do_not_disturb: None,
                presence: None,
                calls: Vec::new(),
                certain: true,
            },
        ),
        shown(
            "Presence",
            Presence {
                status: String::new(),
                message: None,
            },
        ),
        shown(
            "LampCall",
            LampCall {
                call: String::new(),
                direction: Direction::Incoming,
                state: LampCallState::Held,
                party: Party::default(),
                line: None,
                since: 0,
            },
        ),
        shown(
            "Queue",
            Queue {
                queue: String::new(),
                pbx: String::new(),
                strategy: None,
                waiting: Vec::new(),
                members: Vec::new(),
                completed: 0,
                abandoned: 0,
                hold_time_s: 0,
                certain: true,
            },
        ),
        shown(
            "WaitingCaller",
            WaitingCaller {
                call: String::new(),
                party: Party::default(),
                since: 0,
            },
        ),
        shown(
            "QueueMember",
            QueueMember {
                extension: None,
                name: String::new(),
                membership: Membership::Static,
                paused: false,
                paused_reason: None,
                in_call: false,
                lamp: Lamp::Idle,
                calls_taken: 0,
            },
        ),
        shown(
            "MissedCall",
            MissedCall {
                item: String::new(),
                pbx: String::new(),
                party: Party::default(),
                call_back: None,
                line: None,
                first_at: 0,
                last_at: 0,
                times: 1,
                closed_by: None,
                closed_at: None,
            },
        ),
    ]
}

fn log() -> Vec<(&'static str, Value)> {
    use rest::{
        LogDirection, LogEntry, LogLeg, LogOutcome, LogPage, LogPerson, LogSource, NewCall,
    };
    let leg = LogLeg {
        extension: None,
        number: None,
        ringing: None,
        answered: None,
        gone: None,
        cause: None,
    };
    let entry = LogEntry {
        id: String::new(),
        pbx: String::new(),
        direction: LogDirection::Incoming,
        caller: Party::default(),
        callee: Party::default(),
        dialled: None,
        line: None,
        queue: None,
        started: 0,
        answered: None,
        ended: None,
        ring_ms: None,
        wait_ms: None,
        talk_ms: None,
        outcome: LogOutcome::Open,
        words: String::new(),
        answered_by: None,
        way: Vec::new(),
        legs: Vec::new(),
        source: LogSource::Live,
        person: None,
    };
    let call = NewCall {
        id: String::new(),
        to: String::new(),
    };
    vec![
        shown("LogPage", LogPage::default()),
        shown("LogEntry", entry),
        shown("LogLeg", leg),
        shown("LogPerson", LogPerson::default()),
        shown("NewCall", call),
    ]
}

/// All that a type with several shapes may hold.
fn united<T: Serialize>(shapes: impl IntoIterator<Item = T>) -> serde_json::Map<String, Value> {
    let shapes = shapes.into_iter().map(|shape| {
        let shape = serde_json::to_value(shape).expect("JSON");
        shape.as_object().expect("an object").clone()
    });
    shapes.flatten().collect()
}

fn contacts() -> Vec<(&'static str, Value)> {
    use rest::{ConnectorChange, Connectors, FindPeople, LinkPerson, NewPerson, SourceHealth};
    let text = String::new;
    let field = FormField {
        name: text(),
        title: BTreeMap::new(),
        help: BTreeMap::new(),
        kind: FieldKind::Text,
        required: false,
        value: text(),
        is_stored: false,
        options: Vec::new(),
    };
    let report = |state| SourceReport {
        source: text(),
        state,
        took_ms: None,
        cached: false,
    };
    let reports = [
        report(SourceState::Found { people: 1 }),
        report(SourceState::Failed { words: text() }),
    ];
    let states = [
        ConnectorState::Works { took_ms: 1, at: 1 },
        ConnectorState::Trouble { words: text() },
    ];
    let connector = Connector {
        id: text(),
        file: text(),
        title: text(),
        enabled: true,
        fields: Vec::new(),
        state: ConnectorState::Ready,
        not_kept: None,
        set_by: None,
    };
    let health = SourceHealth {
        id: text(),
        title: text(),
        state: ConnectorState::Ready,
        answers: 0,
        errors: 0,
    };
    let form = PersonForm {
        source: text(),
        title: text(),
        fields: Vec::new(),
    };
    let link = LinkPerson {
        record: Record::default(),
        remember: Remember::Number,
    };
    let new = NewPerson {
        id: text(),
        source: text(),
        call: None,
        fields: BTreeMap::new(),
    };
    let found = Answer::Found {
        people: Vec::new(),
        sources: Vec::new(),
    };
    let created = Answer::Created {
        person: Person::default(),
    };
    vec![
        shown("Record", Record::default()),
        shown("Person", Person::default()),
        shown("PersonFact", PersonFact::default()),
        shown("SourceReport", united(reports)),
        shown("ConnectorState", united(states)),
        shown("Found", found),
        shown("Forms", Answer::Forms { forms: Vec::new() }),
        shown("Created", created),
        shown("PersonForm", form),
        shown("FormField", field),
        shown("FindPeople", FindPeople { text: text() }),
        shown("LinkPerson", link),
        shown("NewPerson", new),
        shown("Connectors", Connectors::default()),
        shown("ConnectorKind", ConnectorKind::default()),
        shown("Connector", connector),
        shown("ConnectorChange", ConnectorChange::default()),
        shown("SourceHealth", health),
    ]
}

fn people() -> Vec<(&'static str, Value)> {
    use rest::{
        Device, DeviceFlow, DevicePoll, DeviceStart, Enrol, Enrolled, Enrolment, NewEnrolment,
        Password, Policy, SignIn, User, UserChange,
    };
    let text = String::new;
    let enrol = Enrol {
        code: text(),
        device: text(),
        client: client(),
    };
    let enrolled = Enrolled {
        token: token(),
        me: me(),
    };
    let password = Password {
        login: text(),
        password: token(),
        device: text(),
        client: client(),
    };
    let flow = DeviceFlow {
        handle: token(),
        user_code: text(),
        verification_uri: text(),
        verification_uri_complete: None,
        interval_s: 2,
        expires_in_s: 600,
    };
    let start = DeviceStart {
        device: text(),
        client: client(),
    };
    let user = User {
        id: text(),
        login: text(),
        name: text(),
        role: Role::Agent,
        pbx: None,
        extension: None,
        channel: None,
        groups: Vec::new(),
        source: text(),
        disabled: false,
        policy: Policy::default(),
    };
    let change = UserChange {
        login: text(),
        name: text(),
        role: Role::Agent,
        pbx: None,
        extension: None,
        channel: None,
        groups: Vec::new(),
        disabled: false,
        policy: None,
    };
    let device = Device {
        id: text(),
        user: text(),
        user_name: text(),
        name: text(),
        platform: text(),
        created: 0,
        last_seen: None,
        online: false,
        this: false,
    };
    let new = NewEnrolment {
        login: text(),
        hours: 24,
    };
    let made = Enrolment {
        code: text(),
        link: text(),
        qr: text(),
        expires: 0,
    };
    vec![
        shown("Enrol", enrol),
        shown("Enrolled", enrolled),
        shown("SignIn", SignIn::default()),
        shown("Password", password),
        shown("DeviceFlow", flow),
        shown("DeviceStart", start),
        shown("DevicePoll", DevicePoll { handle: token() }),
        shown("Policy", Policy::default()),
        shown("User", user),
        shown("UserChange", change),
        shown("Device", device),
        shown("NewEnrolment", new),
        shown("Enrolment", made),
    ]
}

fn administration() -> Vec<(&'static str, Value)> {
    use rest::{
        AuditPage, AuditRow, ConfigView, Finding, Findings, Health, LogLine, LogLines, NewWebhook,
        PbxHealth, Webhook,
    };
    let text = String::new;
    let [line, ..] = lines();
    let pbx = PbxHealth {
        name: text(),
        line,
        events_per_s: 0,
        calls: 0,
        extensions: 0,
        records: None,
        findings: Vec::new(),
    };
    let row = AuditRow {
        at: 0,
        who: text(),
        address: text(),
        action: text(),
        target: text(),
        outcome: text(),
    };
    let finding = Finding {
        passed: true,
        what: text(),
        words: text(),
    };
    let log_line = LogLine {
        at: 0,
        level: text(),
        words: text(),
    };
    let new = NewWebhook {
        url: text(),
        events: Vec::new(),
    };
    let webhook = Webhook {
        id: text(),
        url: text(),
        events: Vec::new(),
        active: true,
        waiting: 0,
        last_error: None,
        secret: Some(token()),
    };
    vec![
        shown("AuditPage", AuditPage::default()),
        shown("AuditRow", row),
        shown("Health", Health::default()),
        shown("PbxHealth", pbx),
        shown("ConfigView", ConfigView::default()),
        shown("Findings", Findings::default()),
        shown("Finding", finding),
        shown("LogLines", LogLines::default()),
        shown("LogLine", log_line),
        shown("NewWebhook", new),
        shown("Webhook", webhook),
    ]
}
