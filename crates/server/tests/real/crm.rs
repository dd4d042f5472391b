//! A CRM behind the server: asked once however many phones ring, never waited for, and everything that it can do wrong.

use crate::{
    client::Client,
    firm::{Firm, SOON, Server, Setup, http},
    people::{CALLER, audit, get, log_until, names, person_of, send},
};
use axum::{
    Router,
    body::Bytes,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get as on_get,
};
use reqwest::Method;
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use testkit::phones::{Customer, Policy};
use tokio::net::TcpListener;
use wire::{Answer, CallState, ErrorCode, Interest, People, SourceState, rest::Health};

const KEY: &str = "the-key-of-the-crm";
const HOOK: &str = "the-token-of-the-click";
/// Rings 101 alone.
const ANNAS_LINE: &str = "74951230001";
/// Desktops that show one call.
const DESKTOPS: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_desktops_ring_and_the_crm_is_asked_once() {
    let crm = Crm::start().await;
    let firm = with_crm(&crm, Setup::default());
    let token = firm.server.enrol("anna").await.token.0;
    let mut desktops = Vec::new();
    for _ in 0..DESKTOPS {
        let client = Client::connect(firm.server.port(), &token, Interest::default());
        desktops.push(client.await);
    }
    desktops[0].until("connected", Client::is_up).await;
    // It does not answer before the card is there.
    crm.answers(Says::Later(Duration::from_secs(1)));
    let call = ring(&firm, ANNAS_LINE);
    desktops[0]
        .until("the number before the name", |client| {
            client
                .calls()
                .first()
                .is_some_and(|call| call.people == People::Asking && call.party.number.is_some())
        })
        .await;
    for desktop in &mut desktops {
        desktop
            .until("his name", |client| names(client) == ["Ivan Ivanov"])
            .await;
    }
    assert_eq!(crm.asked(), 1);
    let shown = desktops[0].calls().remove(0);
    let person = shown.people.one().expect("Ivan").clone();
    assert_eq!(person.company.as_deref(), Some("Acme"));
    assert_eq!(person.facts[0].value, "Roof, 12000");
    assert_eq!(person.source, "Small CRM");
    firm.phones.hang_up(call).expect("hang up");
    let logged = log_until(&firm.server, &token, 1).await;
    assert_eq!(person_of(&logged[0]), Some("Ivan Ivanov"));
    assert_eq!(crm.asked(), 1, "his name is known for ten minutes");
    // Nobody asks a CRM who a colleague is.
    firm.phones
        .set_policy("102", Policy::answer_after(50))
        .expect("policy");
    let dial = json!({ "request": "dial", "text": "102" });
    assert_eq!(desktops[0].ask(dial).await, Answer::Done);
    desktops[0]
        .until("it rings", |client| {
            client.calls().iter().any(|call| call.ended.is_none())
        })
        .await;
    assert_eq!(crm.asked(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_crm_does_the_number_is_there_at_once_and_nothing_is_told_that_is_secret() {
    let crm = Crm::start().await;
    let firm = with_crm(&crm, Setup::default());
    let root = firm.server.enrol("root").await.token.0;
    let mut anna = firm.server.client("anna", Interest::default()).await;
    anna.until("connected", Client::is_up).await;
    for (number, says) in [
        ("+79062195101", Says::Status(500)),
        ("+79062195102", Says::Status(429)),
        ("+79062195103", Says::Status(401)),
        ("+79062195104", Says::Text("<html>sorry</html>")),
        ("+79062195105", Says::Text("{\"people\": [{")),
        ("+79062195106", Says::Elsewhere),
        ("+79062195107", Says::Never),
        ("+79062195108", Says::Endless),
    ] {
        crm.answers(says);
        let asked = Instant::now();
        let caller = Customer::new(number, "");
        let call = firm.phones.customer_calls(&caller, ANNAS_LINE);
        let call = call.expect("a call");
        anna.until("it rings", |client| ringing(client).is_some())
            .await;
        let shown = ringing(&anna).expect("a call");
        assert!(shown.party.number.is_some(), "{says:?}");
        println!("{says:?}: {} ms to the card", asked.elapsed().as_millis());
        anna.until("what is wrong", |client| {
            let call = ringing(client);
            let states = call.map(|call| call.sources).unwrap_or_default();
            states
                .iter()
                .any(|source| matches!(source.state, SourceState::Failed { .. }))
        })
        .await;
        let said = format!("{:?}", ringing(&anna));
        for secret in [KEY, "sorry"] {
            assert!(secret == "sorry" || !said.contains(secret), "{said}");
        }
        firm.phones.hang_up(call).expect("hang up");
        anna.until("over", |client| ringing(client).is_none()).await;
        crm.answers(Says::Well);
        wait_until_quiet().await;
    }
    // It goes on as soon as the CRM does.
    let call = ring(&firm, ANNAS_LINE);
    anna.until("his name", |client| names(client) == ["Ivan Ivanov"])
        .await;
    firm.phones.hang_up(call).expect("hang up");
    let health: Health = get(&firm.server, "/api/v1/admin/health", &root).await;
    assert!(health.sources[0].errors >= 8, "{:?}", health.sources);
    let told = format!("{health:?}{}{}", anna.heard, firm.server.log());
    assert!(!told.contains(KEY) && !told.contains(HOOK));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_texts_are_texts_and_a_link_that_runs_something_is_none() {
    let crm = Crm::start().await;
    let firm = with_crm(&crm, Setup::default());
    let mut anna = firm.server.client("anna", Interest::default()).await;
    anna.until("connected", Client::is_up).await;
    crm.answers(Says::Hostile);
    let _call = ring(&firm, ANNAS_LINE);
    anna.until("somebody", |client| !names(client).is_empty())
        .await;
    let shown = anna.calls().remove(0);
    let person = shown.people.one().expect("somebody");
    assert!(person.name.starts_with("<img src=x"), "{}", person.name);
    assert!(person.name.len() < 2_000 && !person.name.contains(char::is_control));
    assert_eq!(person.url, None);
    assert!(person.facts.iter().all(|fact| fact.url.is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_new_is_made_once_linked_logged_and_found() {
    let crm = Crm::start().await;
    let firm = with_crm(&crm, Setup::default());
    let token = firm.server.enrol("anna").await.token.0;
    let mut anna = Client::connect(firm.server.port(), &token, Interest::default()).await;
    anna.until("connected", Client::is_up).await;
    crm.answers(Says::Nobody);
    let call = ring(&firm, ANNAS_LINE);
    anna.until("nobody", |client| {
        client
            .calls()
            .first()
            .is_some_and(|call| call.people == People::Nobody)
    })
    .await;
    let id = anna.calls()[0].id.clone();
    assert_eq!(crm.made(), 0, "a lookup makes nobody");
    let forms = anna.ask(json!({ "request": "person_forms", "call": id }));
    let Answer::Forms { forms } = forms.await else {
        panic!("no forms")
    };
    assert_eq!(
        (forms[0].source.as_str(), forms[0].title.as_str()),
        ("crm", "Small CRM")
    );
    let create = json!({
        "request": "create_person", "source": "crm", "call": id,
        "fields": { "name": "Nina Neu" },
    });
    for _ in 0..2 {
        let Answer::Created { person } = anna.ask_as("once", create.clone()).await else {
            panic!("nobody was made")
        };
        assert_eq!(
            (person.name.as_str(), person.record.id.as_str()),
            ("Nina Neu", "900")
        );
    }
    assert_eq!(crm.made(), 1);
    anna.until("her name", |client| names(client) == ["Nina Neu"])
        .await;
    firm.phones.hang_up(call).expect("hang up");
    let logged = log_until(&firm.server, &token, 1).await;
    assert_eq!(person_of(&logged[0]), Some("Nina Neu"));
    let missing = json!({
        "request": "create_person", "source": "crm", "call": id, "fields": {},
    });
    let Answer::Failed(failure) = anna.ask(missing).await else {
        panic!("somebody without a name")
    };
    assert_eq!(failure.code, ErrorCode::Refused);
    let audit = audit(&firm.server).await;
    let made = audit
        .rows
        .iter()
        .filter(|row| row.action == "create_person");
    let made: Vec<_> = made.collect();
    assert_eq!(made.len(), 2, "{made:?}");
    assert!(
        made.iter()
            .any(|row| row.outcome == "done" && row.target.ends_with("900"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_in_the_crm_rings_the_phone_of_who_clicked_and_of_nobody_without_the_token() {
    let crm = Crm::start().await;
    let firm = with_crm(
        &crm,
        Setup {
            head: "http.failures = 4\n".into(),
            ..Setup::default()
        },
    );
    let mut anna = firm.server.client("anna", Interest::default()).await;
    anna.until("connected", Client::is_up).await;
    firm.phones
        .set_policy("101", Policy::answer_after(50))
        .expect("policy");
    firm.phones
        .set_policy("102", Policy::answer_after(50))
        .expect("policy");
    let click = |token: &str, extension: &str, phone: &str| {
        let url = firm
            .server
            .url(&format!("/inbound/crm/click?token={token}"));
        let body = json!({ "phone": phone, "extension": extension });
        let request = http().post(url).json(&body);
        async move { request.send().await.expect("an answer").status() }
    };
    assert_eq!(click(HOOK, "101", "102").await, StatusCode::OK);
    anna.until("it is dialled and talked", |client| {
        client
            .calls()
            .iter()
            .any(|call| call.state == CallState::Talking)
    })
    .await;
    let again = anna.dials().len();
    assert_eq!(again, 1);
    assert_eq!(
        click(HOOK, "999", "102").await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let other = http().post(firm.server.url("/inbound/crm/other?token=x"));
    let other = other.send().await.expect("an answer").status();
    assert_eq!(other, StatusCode::NOT_FOUND);
    for _ in 0..4 {
        assert_eq!(click("wrong", "101", "102").await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(
        click(HOOK, "101", "102").await,
        StatusCode::TOO_MANY_REQUESTS
    );
    let log = firm.server.log();
    assert!(!log.contains(HOOK), "the token is in the log");
    assert!(log.contains("click_in_crm"));
}

#[test]
fn a_connector_is_tested_by_the_command_line_without_a_configuration() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("own.toml");
    std::fs::write(&file, FILE).expect("a file");
    let path = file.display().to_string();
    let none = folder.path().join("none.toml");
    let output = crate::firm::run(&none, &["connector", "test", &path]);
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{words}");
    std::fs::write(&file, FILE.replace("[http]", "[htpp]")).expect("a file");
    let output = crate::firm::run(&none, &["connector", "test", &path]);
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(
        words.contains("own.toml:") && words.contains("http"),
        "{words}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_changed_is_read_again_without_a_restart() {
    let crm = Crm::start().await;
    let firm = with_crm(&crm, Setup::default());
    let mut anna = firm.server.client("anna", Interest::default()).await;
    anna.until("connected", Client::is_up).await;
    let root = firm.server.enrol("root").await.token.0;
    let file = firm.server.folder.path().join("own.toml");
    std::fs::write(&file, FILE.replace("map = {", "mapp = {")).expect("a file");
    until_state(&firm.server, &root, |state| {
        matches!(state, wire::ConnectorState::Trouble { words } if words.contains("own.toml"))
    })
    .await;
    // The last good one is asked as long.
    let call = ring(&firm, ANNAS_LINE);
    anna.until("his name", |client| names(client) == ["Ivan Ivanov"])
        .await;
    firm.phones.hang_up(call).expect("hang up");
    let mended = FILE.replace("company = \"/company\"", "company = \"/name\"");
    std::fs::write(&file, mended).expect("a file");
    until_state(&firm.server, &root, |state| {
        !matches!(state, wire::ConnectorState::Trouble { .. })
    })
    .await;
    let _call = ring(&firm, ANNAS_LINE);
    anna.until("what the new file says", |client| {
        let calls = client.calls();
        let companies = calls
            .iter()
            .filter_map(|call| call.people.one()?.company.clone());
        companies
            .into_iter()
            .any(|company| company == "Ivan Ivanov")
    })
    .await;
}

/// A firm whose CRM this is, by a file of its own beside the configuration.
fn with_crm(crm: &Crm, setup: Setup) -> Firm {
    let asterisk = testkit::Asterisk::start(&testkit::asterisk::Options::default());
    let asterisk = asterisk.expect("Asterisk");
    let phones = testkit::Phones::start(&asterisk).expect("phones");
    let tables = format!(
        "[[connector]]\nid = \"crm\"\nfile = \"own.toml\"\nvalues.base_url = \"http://127.0.0.1:{}\"\n\
         secrets.key = \"{KEY}\"\nsecrets.hook = \"{HOOK}\"\n{}",
        crm.port, setup.tables
    );
    let mut server = Server::prepare(&asterisk, &Setup { tables, ..setup });
    std::fs::write(server.folder.path().join("own.toml"), FILE).expect("a file");
    server.start();
    Firm {
        server,
        phones,
        asterisk,
    }
}

fn ring(firm: &Firm, line: &str) -> testkit::phones::PhoneCall {
    let caller = Customer::new(CALLER, "");
    firm.phones.customer_calls(&caller, line).expect("a call")
}

fn ringing(client: &Client) -> Option<wire::Call> {
    let mut calls = client.calls().into_iter();
    calls.rfind(|call| call.state == CallState::Ringing && call.ended.is_none())
}

/// A source that failed is left alone for some seconds.
async fn wait_until_quiet() {
    tokio::time::sleep(Duration::from_secs(6)).await;
}

async fn until_state(server: &Server, token: &str, is_so: impl Fn(&wire::ConnectorState) -> bool) {
    let until = Instant::now() + SOON;
    loop {
        let listed = send(server, Method::GET, "/api/v1/admin/connectors", token, None).await;
        let listed: wire::rest::Connectors = listed.json().await.expect("JSON");
        let state = &listed.connected[0].state;
        if is_so(state) {
            return;
        }
        assert!(Instant::now() < until, "{state:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// How the CRM answers.
#[derive(Clone, Copy, Debug)]
enum Says {
    Well,
    Nobody,
    Hostile,
    Later(Duration),
    Status(u16),
    Text(&'static str),
    /// At another host.
    Elsewhere,
    Never,
    /// 100 MB.
    Endless,
}

struct Crm {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    says: Mutex<Says>,
    asked: AtomicUsize,
    made: AtomicUsize,
}

impl Crm {
    async fn start() -> Self {
        let shared = Arc::new(Shared {
            says: Mutex::new(Says::Well),
            asked: AtomicUsize::new(0),
            made: AtomicUsize::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let people = on_get(find).post(make);
        let router = Router::new()
            .route("/people", people)
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { port, shared }
    }

    fn answers(&self, says: Says) {
        *self.shared.says.lock().expect("a lock") = says;
    }

    fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    fn made(&self) -> usize {
        self.shared.made.load(Ordering::SeqCst)
    }
}

async fn find(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if headers.get("x-key").is_none_or(|key| key != KEY) {
        return (StatusCode::UNAUTHORIZED, "wrong key").into_response();
    }
    shared.asked.fetch_add(1, Ordering::SeqCst);
    let phone = query.get("phone").cloned().unwrap_or_default();
    let says = *shared.says.lock().expect("a lock");
    let ivan = || {
        let deal = json!({ "title": "Roof", "sum": 12000 });
        let ivan = json!({ "id": 7, "name": "Ivan Ivanov", "company": "Acme", "phone": phone, "deals": [deal] });
        axum::Json(json!({ "people": [ivan] })).into_response()
    };
    match says {
        Says::Well => ivan(),
        Says::Nobody => axum::Json(json!({ "people": [] })).into_response(),
        Says::Hostile => {
            let name = format!(
                "<img src=x onerror=alert(1)>\u{0}\n\u{202e}{}",
                "x".repeat(1 << 19)
            );
            let deal = json!({ "title": "<b>", "sum": 1, "url": "javascript:alert(1)" });
            let person = json!({ "id": "1", "name": name, "phone": phone, "url": "javascript:alert(1)", "deals": [deal] });
            axum::Json(json!({ "people": [person] })).into_response()
        }
        Says::Later(wait) => {
            tokio::time::sleep(wait).await;
            ivan()
        }
        Says::Status(status) => {
            let status = StatusCode::from_u16(status).expect("a status");
            (status, "it went wrong").into_response()
        }
        Says::Text(text) => text.into_response(),
        Says::Elsewhere => {
            let place = [(header::LOCATION, "http://localhost:1/people")];
            (StatusCode::FOUND, place).into_response()
        }
        Says::Never => std::future::pending().await,
        Says::Endless => "x".repeat(100 << 20).into_response(),
    }
}

async fn make(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert!(body["phone"].as_str().is_some_and(|phone| phone == CALLER));
    shared.made.fetch_add(1, Ordering::SeqCst);
    axum::Json(json!({ "id": 900 })).into_response()
}

const FILE: &str = r#"
format = 1
id = "small"
name = "Small CRM"
executed = "in a test"

[params]
base_url = { kind = "url", required = true, title = { en = "Address" } }
key = { kind = "secret", required = true, title = { en = "Key" } }
hook = { kind = "secret", title = { en = "Token of clicks" } }

[http]
base = "{{ params.base_url }}"
timeout_ms = 3000

[auth]
kind = "header"
headers = { X-Key = "{{ params.key }}" }

[[lookup]]
numbers = ["e164"]
request = { path = "/people", query = { phone = "{{ number }}" } }
each = "/people"
map = { id = "/id", name = "/name", company = "/company", phones = ["/phone"], url = "{{ row.url | safe }}", facts = [{ label = { en = "Deal" }, each = "/deals", value = "{{ row.title }}, {{ row.sum }}", url = "{{ row.url | safe }}" }] }

[create_contact]
fields = [{ name = "name", required = true, title = { en = "Name" } }]
request = { path = "/people", json = { name = "{{ contact.name }}", phone = "{{ number.e164 }}" } }
map = { id = "/id" }

[inbound]
path = "click"
auth = { kind = "token", at = "/query/token", token = "{{ params.hook }}" }
map = { number = "/body/phone", extension = "/body/extension" }
"#;
