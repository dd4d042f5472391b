//! Who calls: sources behind the card, people who are chosen, the log, and what administrators set up.

use crate::{
    client::Client,
    firm::{Firm, SOON, Server, Setup, http},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{os::unix::fs::PermissionsExt as _, time::Instant};
use testkit::{
    Slapd,
    phones::{Customer, PhoneCall},
};
use wire::{
    Answer, ErrorCode, Interest, People,
    rest::{AuditPage, Connectors, Findings, Health, LogEntry, LogPage},
};

/// Rings 101 alone.
const ANNAS_LINE: &str = "74951230001";
/// Rings 101 and 102.
const GROUP_LINE: &str = "74951230003";
pub(crate) const CALLER: &str = "+79062195047";
const BOOK: &str = "Name,Company,Phone\nVera Orlova,Roofs Ltd,+7 906 219-50-47\nIgor Orlov,Roofs Ltd,+7 906 219-50-47\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_chosen_is_shown_logged_and_remembered_until_it_was_the_wrong_person() {
    let mut firm = with_book(Setup::default());
    let mut anna = firm.server.client("anna", Interest::default()).await;
    let mut bert = firm.server.client("bert", Interest::default()).await;
    for client in [&mut anna, &mut bert] {
        client.until("connected", Client::is_up).await;
    }
    let call = ring(&firm, GROUP_LINE);
    anna.until("two people", |client| names(client).len() == 2)
        .await;
    let shown = anna.calls().remove(0);
    assert_eq!(shown.remembered, None);
    assert_eq!(shown.sources.len(), 1, "{:?}", shown.sources);
    let People::Several { people } = shown.people else {
        panic!("{:?}", shown.people)
    };
    let vera = people.iter().find(|one| one.name == "Vera Orlova");
    let vera = vera.expect("Vera").record.clone();
    let link = json!({ "request": "link_person", "call": shown.id, "record": vera });
    assert_eq!(anna.ask(link.clone()).await, Answer::Done);
    for client in [&mut anna, &mut bert] {
        client
            .until("Vera alone", |client| names(client) == ["Vera Orlova"])
            .await;
    }
    let remembered = bert.calls()[0].remembered.clone().expect("remembered");
    assert_eq!(remembered.by.as_deref(), Some("Anna Agent"));
    firm.phones.hang_up(call).expect("hang up");
    let token = firm.server.enrol("anna").await.token.0;
    let logged = log_until(&firm.server, &token, 1).await.remove(0);
    assert_eq!(logged.id, shown.id);
    assert_eq!(person_of(&logged), Some("Vera Orlova"));
    assert_eq!(found(&firm.server, &token, "orlova vera").await, 1);
    assert_eq!(found(&firm.server, &token, "roofs").await, 1);
    assert_eq!(found(&firm.server, &token, "igor").await, 0);

    firm.server.kill();
    firm.server.start();
    let mut anna = firm.server.client("anna", Interest::default()).await;
    anna.until("connected", Client::is_up).await;
    let call = ring(&firm, ANNAS_LINE);
    anna.until("Vera again", |client| names(client) == ["Vera Orlova"])
        .await;
    let again = anna.calls().remove(0);
    let by = again.remembered.as_ref().and_then(|one| one.by.clone());
    assert_eq!(by.as_deref(), Some("Anna Agent"));
    let unlink = json!({ "request": "unlink_person", "call": again.id });
    assert_eq!(anna.ask(unlink).await, Answer::Done);
    anna.until("two people", |client| names(client).len() == 2)
        .await;
    firm.phones.hang_up(call).expect("hang up");
    let logged = log_until(&firm.server, &token, 2).await;
    assert_eq!(person_of(&logged[0]), None, "nobody was chosen");
    assert_eq!(person_of(&logged[1]), Some("Vera Orlova"), "that was she");

    // The log is corrected afterwards, too.
    let ended = &logged[1].id;
    let path = format!("/api/v1/calls/{ended}/person");
    let wrong = send(&firm.server, Method::DELETE, &path, &token, None).await;
    assert_eq!(wrong.status(), StatusCode::OK);
    let right = json!({ "record": people[1].record, "remember": "no" });
    let linked = send(&firm.server, Method::PUT, &path, &token, Some(right)).await;
    assert_eq!(linked.status(), StatusCode::OK);
    let logged = log_until(&firm.server, &token, 2).await;
    assert_eq!(person_of(&logged[1]), Some(people[1].name.as_str()));
    let nowhere =
        json!({ "record": { "source": "gone", "kind": "person", "id": "1" }, "remember": "no" });
    let refused = send(&firm.server, Method::PUT, &path, &token, Some(nowhere)).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let logged = log_until(&firm.server, &token, 2).await;
    assert_eq!(person_of(&logged[1]), Some(people[1].name.as_str()));
    let audit = audit(&firm.server).await;
    for action in ["link_person", "unlink_person"] {
        assert!(
            audit
                .rows
                .iter()
                .any(|row| row.action == action && row.outcome == "done")
        );
    }
    for name in ["Orlova", "Igor", "Roofs"] {
        let told = firm.server.log();
        let told = told.lines().filter(|line| !line.contains("DEBUG"));
        let told: Vec<&str> = told.filter(|line| line.contains(name)).collect();
        assert!(told.is_empty(), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_s_call_is_not_to_be_named_and_who_may_make_nobody_makes_nobody() {
    let firm = with_book(Setup {
        tables:
            "[[user]]\nlogin = \"carl\"\nextension = \"104\"\npolicy = { create_people = false }\n"
                .into(),
        ..Setup::default()
    });
    let mut anna = firm.server.client("anna", Interest::default()).await;
    anna.until("connected", Client::is_up).await;
    let mut carl = firm.server.client("carl", Interest::default()).await;
    let call = ring(&firm, ANNAS_LINE);
    anna.until("two people", |client| names(client).len() == 2)
        .await;
    let id = anna.calls()[0].id.clone();
    let record = json!({ "source": "contacts", "kind": "person", "id": "1" });
    let unknown = "01900000-0000-7000-8000-000000000000";
    for call in [id.as_str(), unknown, "no id"] {
        for request in [
            json!({ "request": "link_person", "call": call, "record": record }),
            json!({ "request": "unlink_person", "call": call }),
            json!({ "request": "person_forms", "call": call }),
        ] {
            let code = failed(carl.ask(request).await);
            assert!(matches!(code, ErrorCode::NotFound | ErrorCode::BadRequest));
        }
    }
    let create = json!({ "request": "create_person", "source": "crm", "call": null, "fields": { "name": "X" } });
    assert_eq!(failed(carl.ask(create).await), ErrorCode::Forbidden);
    let forms = carl.ask(json!({ "request": "person_forms", "call": null }));
    assert_eq!(forms.await, Answer::Forms { forms: Vec::new() });
    let nothing = json!({ "request": "link_person", "call": id, "record": { "source": "", "kind": "", "id": "" } });
    assert_eq!(failed(anna.ask(nothing).await), ErrorCode::BadRequest);
    let audit = audit(&firm.server).await;
    let refused = audit.rows.iter().find(|row| row.action == "create_person");
    assert!(refused.is_some_and(|row| row.who == "carl" && row.outcome.contains("not make")));
    firm.phones.hang_up(call).expect("hang up");
    // A search that is none, and one by an agent without a phone system's right to more.
    let long = "x".repeat(300);
    let search = json!({ "request": "find_people", "text": long });
    assert_eq!(failed(carl.ask(search).await), ErrorCode::BadRequest);
    let Answer::Found { people, sources } = anna
        .ask(json!({ "request": "find_people", "text": "orlov" }))
        .await
    else {
        panic!("nothing found")
    };
    assert_eq!((people.len(), sources.len()), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_is_connected_tried_asked_and_forgotten_without_a_restart() {
    let slapd = Slapd::start("").expect("slapd");
    slapd.add(DIRECTORY).expect("entries");
    let mut firm = Firm::start(&Setup::default());
    let root = firm.server.enrol("root").await.token.0;
    let agent = firm.server.enrol("anna").await.token.0;
    let mut anna = Client::connect(firm.server.port(), &agent, Interest::default()).await;
    anna.until("connected", Client::is_up).await;
    let form = |password: Option<&str>| {
        let secrets = password.map(|password| json!({ "password": password }));
        json!({
            "file": "ldap",
            "enabled": true,
            "values": {
                "title": "The directory",
                "url": format!("ldap://127.0.0.1:{}", slapd.port()),
                "base": "dc=firm,dc=example",
                "bind": Slapd::ADMIN,
            },
            "secrets": secrets.unwrap_or_else(|| json!({})),
        })
    };
    let path = "/api/v1/admin/connectors/people-1";
    let server = &firm.server;
    for (method, path) in [
        (Method::GET, "/api/v1/admin/connectors"),
        (Method::PUT, path),
        (Method::DELETE, path),
    ] {
        let body = (method == Method::PUT).then(|| form(None));
        let answer = send(server, method, path, &agent, body).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
    }
    // Tried before it is saved, with a wrong password and with the right one.
    let test = format!("{path}/test");
    let wrong = form(Some("not-the-password"));
    let findings = send(server, Method::POST, &test, &root, Some(wrong)).await;
    let findings: Findings = findings.json().await.expect("findings");
    assert!(
        findings.findings.iter().any(|one| !one.passed),
        "{findings:?}"
    );
    let right = form(Some(Slapd::PASSWORD));
    let findings = send(server, Method::POST, &test, &root, Some(right.clone())).await;
    let findings: Findings = findings.json().await.expect("findings");
    assert!(
        findings.findings.iter().all(|one| one.passed),
        "{findings:?}"
    );
    assert!(connectors(server, &root).await.connected.is_empty());

    let put = send(server, Method::PUT, path, &root, Some(right)).await;
    assert_eq!(put.status(), StatusCode::OK, "{:?}", put.text().await);
    let again = send(server, Method::PUT, path, &root, Some(form(None))).await;
    assert_eq!(again.status(), StatusCode::OK, "its secret stays");
    let listed = connectors(server, &root).await;
    assert!(listed.kinds.iter().any(|kind| kind.file == "ldap"));
    let fields = &listed.connected[0].fields;
    let password = fields.iter().find(|field| field.name == "password");
    assert!(password.is_some_and(|field| field.is_stored && field.value.is_empty()));
    let file = firm.server.folder.path().join("sidetone-secrets.json");
    let mode = std::fs::metadata(&file).expect("secrets").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);

    let call = ring(&firm, ANNAS_LINE);
    anna.until("her name", |client| names(client) == ["Vera Orlova"])
        .await;
    let shown = anna.calls().remove(0);
    assert_eq!(shown.sources[0].source, "The directory");
    assert!(shown.sources[0].took_ms.is_some(), "{:?}", shown.sources);
    firm.phones.hang_up(call).expect("hang up");
    let logged = log_until(&firm.server, &agent, 1).await;
    assert_eq!(person_of(&logged[0]), Some("Vera Orlova"));
    let health: Health = get(&firm.server, "/api/v1/admin/health", &root).await;
    let source = &health.sources[0];
    assert_eq!((source.id.as_str(), source.errors), ("people-1", 0));
    assert!(source.answers >= 1, "{source:?}");

    // What was connected here is connected after a restart, with its secret.
    firm.server.kill();
    firm.server.start();
    let mut anna = Client::connect(firm.server.port(), &agent, Interest::default()).await;
    anna.until("connected", Client::is_up).await;
    let call = ring(&firm, ANNAS_LINE);
    anna.until("her name again", |client| names(client) == ["Vera Orlova"])
        .await;
    firm.phones.hang_up(call).expect("hang up");

    let gone = send(&firm.server, Method::DELETE, path, &root, None).await;
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let gone = send(&firm.server, Method::DELETE, path, &root, None).await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    assert!(connectors(&firm.server, &root).await.connected.is_empty());
    let kept = std::fs::read_to_string(&file).expect("secrets");
    for secret in [Slapd::PASSWORD, "not-the-password"] {
        assert!(!kept.contains(secret), "{kept}");
        assert!(
            !firm.server.log().contains(secret),
            "{secret} is in the log"
        );
    }
    let audit = audit(&firm.server).await;
    for action in ["put_connector", "remove_connector", "test_connector"] {
        assert!(
            audit.rows.iter().any(|row| row.action == action),
            "{action}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_file_connects_is_locked_and_a_source_that_is_away_says_so_beside_the_number() {
    let slapd = Slapd::start("").expect("slapd");
    slapd.add(DIRECTORY).expect("entries");
    let firm = Firm::start(&Setup {
        tables: format!(
            "[[connector]]\nid = \"staff\"\nfile = \"ldap\"\nvalues.title = \"Staff\"\nvalues.url = \"ldap://127.0.0.1:{}\"\n\
             values.base = \"dc=firm,dc=example\"\nvalues.bind = \"{}\"\nsecrets.password = \"{}\"\n",
            slapd.port(),
            Slapd::ADMIN,
            Slapd::PASSWORD
        ),
        ..Setup::default()
    });
    let root = firm.server.enrol("root").await.token.0;
    let checked = firm.server.run(&["check"]);
    let words = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(words.contains("ok   connector staff"), "{words}");
    let path = "/api/v1/admin/connectors/staff";
    let change = json!({ "file": "ldap", "enabled": false, "values": {}, "secrets": {} });
    for (method, body) in [(Method::PUT, Some(change)), (Method::DELETE, None)] {
        let answer = send(&firm.server, method, path, &root, body).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let listed = connectors(&firm.server, &root).await;
    assert_eq!(
        listed.connected[0].set_by.as_deref(),
        Some("the configuration file")
    );
    let config = send(
        &firm.server,
        Method::GET,
        "/api/v1/admin/config",
        &root,
        None,
    )
    .await;
    let config = config.text().await.expect("a text");
    assert!(config.contains("staff") && !config.contains(Slapd::PASSWORD));
    drop(slapd);
    let mut anna = firm.server.client("anna", Interest::default()).await;
    anna.until("connected", Client::is_up).await;
    let _call = ring(&firm, ANNAS_LINE);
    anna.until("the number and what is wrong", |client| {
        let calls = client.calls();
        let failed = calls.first().is_some_and(|call| {
            let state = call.sources.first().map(|source| &source.state);
            matches!(state, Some(wire::SourceState::Failed { .. }))
        });
        failed && calls[0].party.number.as_deref() == Some("+7 906 219-50-47")
    })
    .await;
    assert!(!anna.heard.contains(Slapd::PASSWORD));
    assert!(!firm.server.log().contains(Slapd::PASSWORD));
    let health: Health = get(&firm.server, "/api/v1/admin/health", &root).await;
    assert!(health.sources[0].errors >= 1, "{:?}", health.sources);
}

/// A contact book that is written while the server runs.
fn with_book(setup: Setup) -> Firm {
    let firm = Firm::start(&Setup {
        pbx: "[contacts]\nfile = \"people.csv\"\n".into(),
        ..setup
    });
    let file = firm.server.folder.path().join("people.csv");
    std::fs::write(file, BOOK).expect("a book");
    firm
}

fn ring(firm: &Firm, line: &str) -> PhoneCall {
    let caller = Customer::new(CALLER, "");
    firm.phones.customer_calls(&caller, line).expect("a call")
}

/// Who is shown for the newest call that goes on.
pub(crate) fn names(client: &Client) -> Vec<String> {
    let mut calls = client.calls().into_iter();
    let Some(call) = calls.rfind(|call| call.ended.is_none()) else {
        return Vec::new();
    };
    match call.people {
        People::Asking | People::Nobody => Vec::new(),
        People::One { person } => vec![person.name],
        People::Several { people } => people.into_iter().map(|one| one.name).collect(),
    }
}

fn failed(answer: Answer) -> ErrorCode {
    let Answer::Failed(failure) = answer else {
        panic!("{answer:?}")
    };
    failure.code
}

pub(crate) fn person_of(entry: &LogEntry) -> Option<&str> {
    entry.person.as_ref().map(|person| person.name.as_str())
}

/// The ended calls of the log once there are so many, the newest first.
pub(crate) async fn log_until(server: &Server, token: &str, calls: usize) -> Vec<LogEntry> {
    let until = Instant::now() + SOON;
    loop {
        let page: LogPage = get(server, "/api/v1/calls", token).await;
        let ended = page.calls.into_iter().filter(|call| call.ended.is_some());
        let ended: Vec<LogEntry> = ended.collect();
        if ended.len() >= calls {
            return ended;
        }
        assert!(Instant::now() < until, "{ended:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn found(server: &Server, token: &str, text: &str) -> usize {
    let text = text.replace(' ', "%20");
    let page: LogPage = get(server, &format!("/api/v1/calls?text={text}"), token).await;
    page.calls.len()
}

async fn connectors(server: &Server, token: &str) -> Connectors {
    get(server, "/api/v1/admin/connectors", token).await
}

/// Every row so far: it is written a moment after it was done.
pub(crate) async fn audit(server: &Server) -> AuditPage {
    let root = server.enrol("root").await.token.0;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    get(server, "/api/v1/admin/audit", &root).await
}

pub(crate) async fn get<T: serde::de::DeserializeOwned>(
    server: &Server,
    path: &str,
    token: &str,
) -> T {
    server.get(path, token).await.json().await.expect("JSON")
}

pub(crate) async fn send(
    server: &Server,
    method: Method,
    path: &str,
    token: &str,
    body: Option<Value>,
) -> reqwest::Response {
    let mut request = http().request(method, server.url(path)).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    request.send().await.expect("an answer")
}

const DIRECTORY: &str = "dn: dc=firm,dc=example
objectClass: dcObject
objectClass: organization
o: Firm
dc: firm

dn: ou=people,dc=firm,dc=example
objectClass: organizationalUnit
ou: people

dn: cn=Vera Orlova,ou=people,dc=firm,dc=example
objectClass: inetOrgPerson
cn: Vera Orlova
sn: Orlova
mobile: 8 (906) 219-50-47
";
