//! Clients of every kind: deaf ones, pages, programs, browsers that sign in elsewhere, systemd.

use crate::{
    client::{Client, everything, hello},
    firm::{Firm, SOON, Server, Setup, http},
};
use directories::browser::Browser;
use reqwest::{StatusCode, Url};
use ring::hmac;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixDatagram,
    path::Path,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};
use testkit::{
    Asterisk, Mariadb, OidcProvider, Slapd, asterisk,
    phones::{Customer, Policy, What},
};
use tokio::{net::TcpSocket, time::timeout};
use tokio_tungstenite::{client_async, tungstenite::Message};
use wire::{
    Answer, Interest, Lamp, Names,
    rest::{DevicePolled, Enrolled, Health, Webhook},
};

/// A client that reads nothing is dropped after forty seconds at the latest.
const DROPPED: Duration = Duration::from_secs(120);
const DEAF: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_reads_is_dropped_and_holds_up_nobody() {
    let firm = Firm::start(&Setup::default());
    let server = &firm.server;
    let root = server.enrol("root").await.token.0;
    let token = server.enrol("anna").await.token.0;
    let mut bert = server.client("bert", everything()).await;
    bert.until("connected", |client| client.is_up()).await;
    let before = health(server, &root).await;
    let mut deaf = Vec::new();
    for _ in 0..DEAF {
        deaf.push(deaf_client(server.port(), &token).await);
    }
    let mut storm = Storm::of(&firm.asterisk);
    let until = Instant::now() + DROPPED;
    let (mut most, mut busy) = (0, false);
    loop {
        busy = !busy;
        storm.blow(200, busy);
        // Somebody who reads gets an answer and the newest lamp all the while.
        let answer = bert
            .ask(json!({ "request": "explain", "text": "102" }))
            .await;
        assert!(matches!(answer, Answer::Explained(_)), "{answer:?}");
        let now = health(server, &root).await;
        most = most.max(now.resident_bytes.unwrap_or_default());
        if now.clients_dropped >= DEAF as u64 {
            break;
        }
        assert!(Instant::now() < until, "{now:?}");
    }
    let grown = most.saturating_sub(before.resident_bytes.unwrap_or_default());
    println!("{DEAF} deaf clients cost {} KB", grown / 1_024);
    assert!(
        grown < 64 << 20,
        "{grown} bytes for clients that do not read"
    );
    assert_eq!(health(server, &root).await.clients, 1, "bert is left");
    storm.set("BUSY");
    bert.until("the newest", |client| {
        client
            .lamp("101")
            .is_some_and(|lamp| lamp.lamp != Lamp::Idle)
    })
    .await;
    storm.set("NOT_INUSE");
    bert.until("the newest again", |client| {
        client
            .lamp("101")
            .is_some_and(|lamp| lamp.lamp == Lamp::Idle)
    })
    .await;
    drop(deaf);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_followed_can_be_changed_and_asked_for_again() {
    let firm = Firm::start(&Setup::default());
    let mut anna = firm.server.client("anna", Interest::default()).await;
    anna.until("connected", |client| client.is_up()).await;
    let lamps = |client: &Client| client.of::<wire::Extension>("extension ").len();
    assert_eq!(lamps(&anna), 0);
    let two = Interest {
        extensions: Names::These(["101@main".into(), "104@main".into()].into()),
        ..Interest::default()
    };
    anna.send(&json!({ "type": "follow", "interest": two }))
        .await;
    anna.until("two lamps", |client| lamps(client) == 2).await;
    let mut storm = Storm::of(&firm.asterisk);
    storm.set("BUSY");
    anna.until("a change", |client| {
        client
            .lamp("101")
            .is_some_and(|lamp| lamp.lamp != Lamp::Idle)
    })
    .await;
    let seq = anna.seq;
    let keys: Vec<String> = anna.facts.keys().cloned().collect();
    anna.facts.clear();
    anna.send(&json!({ "type": "resync" })).await;
    anna.until("everything again", |client| client.facts.keys().eq(&keys))
        .await;
    assert!(anna.seq > seq);
    anna.send(&json!({ "type": "follow", "interest": Interest::default() }))
        .await;
    anna.until("none", |client| client.seq > seq + 1 && lamps(client) == 0)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_without_a_socket_gets_a_snapshot_and_then_each_change() {
    let firm = Firm::start(&Setup::default());
    let token = firm.server.enrol("anna").await.token.0;
    let url = firm
        .server
        .url("/api/v1/events?extensions=101@main,102@main");
    let answer = http().get(url).bearer_auth(&token).send().await;
    let mut answer = answer.expect("events");
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut storm = Storm::of(&firm.asterisk);
    let mut text = String::new();
    let mut is_changed = false;
    let read = async {
        loop {
            let chunk = answer.chunk().await.expect("events").expect("more");
            text.push_str(&String::from_utf8_lossy(&chunk));
            if text.contains("\"key\":\"102@main\"")
                && text.contains("\"lamp\":\"idle\"")
                && !is_changed
            {
                storm.set("BUSY");
                is_changed = true;
                text.push_str("\n--- changed\n\n");
            }
            let since = text.split("--- changed").nth(1).unwrap_or_default();
            if since.contains("\"key\":\"101@main\"") {
                return;
            }
        }
    };
    timeout(SOON, read).await.expect("a change");
    assert!(text.starts_with("event: snapshot\n"), "{text}");
    assert!(!text.contains("103@main"), "what is not followed: {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_delivered_signed_and_again_until_it_is_taken() {
    let firm = Firm::start(&Setup {
        tables: "[http]\nwebhooks_to_private = true\n".into(),
        ..Setup::default()
    });
    let listener = Listener::start(500);
    let root = firm.server.enrol("root").await.token.0;
    let hook = subscribe(&firm.server, &root, &listener.url).await;
    let secret = hook.secret.expect("a secret").0;
    one_call(&firm);
    let first = listener.next();
    let mut second = listener.next();
    while second.header("x-sidetone-delivery") != first.header("x-sidetone-delivery") {
        second = listener.next();
    }
    assert_eq!(first.body, second.body, "the same again");
    for heard in [&first, &second] {
        let signature = heard.header("x-sidetone-signature");
        let (at, tag) = signature.split_once(",v1=").expect("a signature");
        let at = at.strip_prefix("t=").expect("a time");
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag: Vec<u8> = (0..tag.len() / 2)
            .map(|byte| u8::from_str_radix(&tag[2 * byte..2 * byte + 2], 16).expect("hex"))
            .collect();
        let signed = format!("{at}.{}", heard.body);
        hmac::verify(&key, signed.as_bytes(), &tag).expect("the signature is right");
    }
    let body: Value = serde_json::from_str(&first.body).expect("JSON");
    assert_eq!(body["event"], first.header("x-sidetone-event"));
    assert!(
        first.header("x-sidetone-event").starts_with("call."),
        "{body}"
    );
    let listed = firm.server.get("/api/v1/admin/webhooks", &root).await;
    let listed: Vec<Webhook> = listed.json().await.expect("webhooks");
    assert_eq!(listed.len(), 1);
    assert!(listed[0].secret.is_none(), "told once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_goes_to_a_private_address_unless_that_is_allowed() {
    let firm = Firm::start(&Setup::default());
    let listener = Listener::start(200);
    let root = firm.server.enrol("root").await.token.0;
    for address in ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0"] {
        let url = listener.url.replace("127.0.0.1", address);
        subscribe(&firm.server, &root, &url).await;
    }
    one_call(&firm);
    let until = Instant::now() + SOON;
    loop {
        let listed = firm.server.get("/api/v1/admin/webhooks", &root).await;
        let listed: Vec<Webhook> = listed.json().await.expect("webhooks");
        let is_refused = |hook: &Webhook| {
            let error = hook.last_error.as_deref();
            error.is_some_and(|words| words.contains("private"))
        };
        if listed.len() == 4 && listed.iter().all(is_refused) {
            break;
        }
        assert!(Instant::now() < until, "{listed:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(
        listener.heard.try_recv().is_err(),
        "it was called all the same"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_asks_twice_calls_once_even_when_the_server_died_in_between() {
    let mut firm = Firm::start(&Setup::default());
    firm.phones
        .set_policy("101", Policy::reject(486))
        .expect("policy");
    let token = firm.server.enrol("anna").await.token.0;
    let mut anna = Client::connect(firm.server.port(), &token, Interest::default()).await;
    anna.until("connected", |client| client.is_up()).await;
    let call = json!({ "id": "crm-4711", "to": "102" });
    let mark = firm.phones.mark();
    for _ in 0..3 {
        let answer = firm.server.post("/api/v1/calls", Some(&token), &call).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
    }
    firm.phones
        .wait_incoming("101", mark, SOON)
        .expect("101 rings");
    firm.server.kill();
    firm.server.start();
    let mut anna = Client::connect(firm.server.port(), &token, Interest::default()).await;
    anna.until("connected", |client| client.is_up()).await;
    let answer = firm.server.post("/api/v1/calls", Some(&token), &call).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    // Another call is placed and comes: what was before it has come as well.
    let mark = firm.phones.mark();
    let other = json!({ "id": "crm-4712", "to": "103" });
    let answer = firm
        .server
        .post("/api/v1/calls", Some(&token), &other)
        .await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    firm.phones
        .wait_incoming("101", mark, SOON)
        .expect("101 rings");
    let events = firm.phones.events();
    let rang = events
        .iter()
        .filter(|event| event.phone == "101" && matches!(event.what, What::Incoming { .. }));
    assert_eq!(rang.count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_certificate_all_goes_by_tls() {
    let asterisk = Asterisk::start(&asterisk::Options::default()).expect("Asterisk");
    let etc = asterisk.folder().join("etc");
    let mut server = Server::prepare(
        &asterisk,
        &Setup {
            tables: format!(
                "[tls]\ncertificate = \"{0}/certificate.pem\"\nkey = \"{0}/manager.pem\"\nhsts_days = 30\n",
                etc.display()
            ),
            ..Setup::default()
        },
    );
    server.start();
    let ca = fs::read(asterisk.ca_certificate()).expect("a certificate");
    let _ = http();
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(SOON)
        .tls_certs_only([reqwest::Certificate::from_pem(&ca).expect("a certificate")])
        .build()
        .expect("a client");
    let url = format!("https://127.0.0.1:{}/healthz", server.port());
    let answer = client.get(&url).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(
        answer.headers()["strict-transport-security"],
        "max-age=2592000"
    );
    // Whoever does not speak TLS is sent away, and nobody else.
    let mut plain = TcpStream::connect(("127.0.0.1", server.port())).expect("connected");
    plain.set_read_timeout(Some(SOON)).expect("a deadline");
    plain
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("sent");
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said);
    assert!(!said.starts_with(b"HTTP/1.1 200"), "{said:?}");
    let plain = http().get(url.replace("https", "http")).send().await;
    assert!(plain.is_err(), "{plain:?}");
    let answer = client.get(&url).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let output = server.run(&["enrol", "anna"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let link = text
        .lines()
        .find(|line| line.starts_with("link "))
        .expect("a link");
    assert!(!link.contains("?http"), "{link}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_sign_in_at_their_provider_in_a_browser_and_by_a_code() {
    const HOME: &str = "http://sidetone.example";
    let provider = provider(&format!("{HOME}/api/v1/signin/oidc/back"));
    let firm = Firm::start(&Setup {
        head: format!("public_url = \"{HOME}\"\n"),
        tables: format!(
            "[oidc]\nname = \"The firm\"\nissuer = \"{}\"\nclient_id = \"sidetone\"\nclient_secret = \"oidc-secret\"\n",
            provider.issuer()
        ),
        ..Setup::default()
    });
    let server = &firm.server;
    let exchange = async |login: &str| {
        let answer = http().get(server.url("/api/v1/signin/oidc")).send().await;
        let answer = answer.expect("an answer");
        let to = location(&answer);
        let cookie = answer.headers()["set-cookie"].to_str().expect("a cookie");
        let cookie = cookie.split(';').next().expect("a value").to_owned();
        let mut browser = Browser::new(HOME).expect("a browser");
        let page = browser.open(&to).await.expect("login");
        let page = browser
            .submit(&page, &password(login))
            .await
            .expect("consent");
        let page = browser.submit(&page, &[]).await.expect("came back");
        let back = format!(
            "{}?{}",
            page.address.path(),
            page.address.query().expect("a code")
        );
        let foreign = http().get(server.url(&back)).send().await;
        let foreign = foreign.expect("an answer");
        assert_eq!(
            foreign.status(),
            StatusCode::UNAUTHORIZED,
            "another browser"
        );
        let first = http()
            .get(server.url(&back))
            .header("cookie", &cookie)
            .send()
            .await
            .expect("an answer");
        let again = http()
            .get(server.url(&back))
            .header("cookie", &cookie)
            .send()
            .await
            .expect("an answer");
        assert_eq!(again.status(), StatusCode::UNAUTHORIZED, "once");
        first
    };
    let answer = exchange("anna").await;
    let to = location(&answer);
    let code = to.strip_prefix("/#signin=").expect("a code for the page");
    let body = json!({ "code": code, "device": "Browser", "client": client_of("web") });
    let answer = server.post("/api/v1/signin/exchange", None, &body).await;
    let enrolled: Enrolled = answer.json().await.expect("signed in");
    assert_eq!(enrolled.me.login, "anna");
    let mut anna = Client::connect(server.port(), &enrolled.token.0, everything()).await;
    anna.until("connected", |client| client.is_up()).await;
    let answer = server.post("/api/v1/signin/exchange", None, &body).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "once");
    // Known at the provider is not known here.
    let answer = exchange("stranger").await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);

    let start = json!({ "device": "Desktop", "client": client_of("linux") });
    let answer = server.post("/api/v1/signin/device", None, &start).await;
    let flow: Value = answer.json().await.expect("a code");
    let poll = json!({ "handle": flow["handle"] });
    let answer = server.post("/api/v1/signin/device/poll", None, &poll).await;
    let polled: DevicePolled = answer.json().await.expect("an answer");
    assert_eq!(polled, DevicePolled::Pending);
    let mut browser = Browser::new(HOME).expect("a browser");
    let address = flow["verification_uri_complete"]
        .as_str()
        .expect("an address");
    let page = browser.open(address).await.expect("a page");
    let page = browser.submit(&page, &[]).await.expect("confirm");
    let page = browser
        .submit(&page, &[("confirm", "yes")])
        .await
        .expect("login");
    let page = browser
        .submit(&page, &password("bert"))
        .await
        .expect("consent");
    browser.submit(&page, &[]).await.expect("the end");
    let until = Instant::now() + SOON * 2;
    loop {
        let answer = server.post("/api/v1/signin/device/poll", None, &poll).await;
        match answer.json().await.expect("an answer") {
            DevicePolled::Pending => {}
            DevicePolled::Done { enrolled } => {
                assert_eq!(enrolled.me.login, "bert");
                break;
            }
        }
        assert!(Instant::now() < until, "not signed in");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let answer = server.post("/api/v1/signin/device/poll", None, &poll).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "once");
    assert!(!server.log().contains("oidc-secret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_of_directories_are_shown_and_sign_in_and_stay_when_the_directory_breaks() {
    let slapd = Slapd::start("").expect("slapd");
    slapd.add(ENTRIES).expect("entries");
    let mut mariadb = Mariadb::start().expect("MariaDB");
    mariadb.sql(FREEPBX).expect("FreePBX's tables");
    let mut firm = Firm::start(&Setup {
        tables: format!(
            r#"[people.ldap]
url = "ldap://127.0.0.1:{}"
bind_dn = "{}"
password = "{}"
base = "dc=firm,dc=example"
filter = "(objectClass=inetOrgPerson)"
sign_in = true
[people.freepbx]
port = {}
user = "reader"
password = "reader-secret"
"#,
            slapd.port(),
            Slapd::ADMIN,
            Slapd::PASSWORD,
            mariadb.port()
        ),
        ..Setup::default()
    });
    let named = |client: &Client| {
        let name = |extension: &str| client.lamp(extension).map(|lamp| lamp.name);
        name("104").as_deref() == Some("Denis of FreePBX")
            && name("105").as_deref() == Some("Emma of LDAP")
    };
    let chief = firm.server.enrol("chief").await.token.0;
    let mut watching = Client::connect(firm.server.port(), &chief, everything()).await;
    watching.until("names", named).await;

    let sign_in = |password: &str| json!({ "login": "emma", "password": password, "device": "Laptop", "client": client_of("linux") });
    for wrong in ["wrong-secret", ""] {
        let answer = firm
            .server
            .post("/api/v1/signin/password", None, &sign_in(wrong))
            .await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{wrong:?}");
    }
    let answer = firm
        .server
        .post("/api/v1/signin/password", None, &sign_in("emma-secret"))
        .await;
    let emma: Enrolled = answer.json().await.expect("signed in");
    assert_eq!(emma.me.extension.as_deref(), Some("105"));
    let log = firm.server.log();
    for secret in ["emma-secret", "reader-secret", Slapd::PASSWORD] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }

    drop(slapd);
    mariadb.kill().expect("killed");
    assert_eq!(firm.server.stop(), Some(0));
    firm.server.start();
    let mut watching = Client::connect(firm.server.port(), &chief, everything()).await;
    watching.until("names", named).await;
    let root = firm.server.enrol("root").await.token.0;
    let until = Instant::now() + SOON * 2;
    loop {
        let findings = health(&firm.server, &root).await.pbxs[0]
            .findings
            .join("\n");
        if findings.contains("LDAP") && findings.contains("FreePBX") {
            break;
        }
        assert!(Instant::now() < until, "{findings}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    watching.until("names still", named).await;
    let answer = firm.server.get("/api/v1/me", &emma.token.0).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_phone_systems_are_told_apart_by_name() {
    let branch = Asterisk::start(&asterisk::Options::default()).expect("Asterisk");
    let mut firm = Firm::start(&Setup {
        tables: format!(
            r#"[[pbx]]
name = "branch"
port = {}
secret = "sidetone-secret"
context = "direct"
dial_plan = {{ country = "RU", internal_min = 3, internal_max = 3 }}

[[user]]
login = "bruno"
name = "Bruno of the branch"
pbx = "branch"
extension = "101"
"#,
            branch.ami_addr().port()
        ),
        ..Setup::default()
    });
    let mut anna = firm.server.client("anna", everything()).await;
    let of = |client: &Client, key: &str| {
        let value = client.facts.get(&format!("extension {key}")).cloned();
        value.and_then(|value| serde_json::from_value::<wire::Extension>(value).ok())
    };
    anna.until("both", |client| {
        client
            .facts
            .get("pbx branch")
            .is_some_and(|line| line["line"] == "up")
            && client.is_up()
            && of(client, "101@branch").is_some_and(|lamp| lamp.name == "Bruno of the branch")
            && of(client, "101@main")
                .is_some_and(|lamp| lamp.name == "Anna Agent" && lamp.lamp == Lamp::Idle)
    })
    .await;
    Storm::of(&branch).set("BUSY");
    anna.until("the branch's lamp", |client| {
        of(client, "101@branch").is_some_and(|lamp| lamp.lamp != Lamp::Idle && lamp.certain)
    })
    .await;
    assert_eq!(of(&anna, "101@main").expect("a lamp").lamp, Lamp::Idle);
    firm.asterisk.kill().expect("killed");
    anna.until("one is away", |client| {
        !client.is_up()
            && client.facts["pbx branch"]["line"] == "up"
            && of(client, "101@main").is_some_and(|lamp| !lamp.certain)
            && of(client, "101@branch").is_some_and(|lamp| lamp.certain)
    })
    .await;
}

#[test]
fn systemd_hears_of_the_start_the_life_and_the_end() {
    let asterisk = Asterisk::start(&asterisk::Options::default()).expect("Asterisk");
    let mut server = Server::prepare(&asterisk, &Setup::default());
    let path = server.folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(SOON)).expect("a deadline");
    server.environment = vec![
        ("NOTIFY_SOCKET".into(), path.display().to_string()),
        ("WATCHDOG_USEC".into(), "200000".into()),
    ];
    server.start();
    let hear = |wanted: &str| {
        let until = Instant::now() + SOON;
        loop {
            let mut text = [0; 1_024];
            let length = socket.recv(&mut text).expect("a word in time");
            let text = String::from_utf8_lossy(&text[..length]).into_owned();
            if text.lines().any(|line| line == wanted) {
                return;
            }
            assert!(Instant::now() < until, "{text} instead of {wanted}");
        }
    };
    hear("READY=1");
    hear("WATCHDOG=1");
    hear("WATCHDOG=1");
    assert_eq!(server.stop(), Some(0));
    hear("STOPPING=1");
}

async fn deaf_client(port: u16, token: &str) -> impl Sized {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a small buffer");
    let address = ([127, 0, 0, 1], port).into();
    let stream = socket.connect(address).await.expect("connected");
    let url = format!("ws://127.0.0.1:{port}/api/v1/socket");
    let (mut socket, _) = client_async(url, stream).await.expect("a line");
    let hello = hello(token, &everything()).to_string();
    let sent = futures_util::SinkExt::send(&mut socket, Message::text(hello)).await;
    sent.expect("sent");
    socket
}

/// Changes the lamp of 101 as fast as the phone system takes it.
struct Storm(TcpStream);

impl Storm {
    fn of(asterisk: &Asterisk) -> Self {
        let mut stream = TcpStream::connect(asterisk.ami_addr()).expect("connected");
        let user = asterisk::LAB;
        let login = format!(
            "Action: Login\r\nUsername: {}\r\nSecret: {}\r\nEvents: off\r\n\r\n",
            user.name, user.secret
        );
        stream.write_all(login.as_bytes()).expect("sent");
        let mut answers = stream.try_clone().expect("a stream");
        // Unread answers would end the line.
        thread::spawn(move || std::io::copy(&mut answers, &mut std::io::sink()));
        Self(stream)
    }

    fn set(&mut self, state: &str) {
        let set = format!(
            "Action: Setvar\r\nVariable: DEVICE_STATE(Custom:DND101)\r\nValue: {state}\r\n\r\n"
        );
        self.0.write_all(set.as_bytes()).expect("sent");
    }

    fn blow(&mut self, times: usize, busy: bool) {
        for time in 0..times {
            let is_busy = (time % 2 == 0) == busy;
            self.set(if is_busy { "BUSY" } else { "NOT_INUSE" });
        }
    }
}

/// A program that takes events: its first answer is of this status, all others are 200.
struct Listener {
    url: String,
    heard: mpsc::Receiver<Heard>,
}

#[derive(Debug)]
struct Heard {
    headers: BTreeMap<String, String>,
    body: String,
}

impl Heard {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

impl Listener {
    fn start(mut status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let (tell, heard) = mpsc::sync_channel(100);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(said) = read_request(&stream) else {
                    continue;
                };
                let answer = format!(
                    "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
                let _ = (&stream).write_all(answer.as_bytes());
                status = 200;
                if tell.send(said).is_err() {
                    return;
                }
            }
        });
        Self { url, heard }
    }

    fn next(&self) -> Heard {
        self.heard.recv_timeout(SOON * 2).expect("an event")
    }
}

fn read_request(stream: &TcpStream) -> Option<Heard> {
    stream.set_read_timeout(Some(SOON)).ok()?;
    let mut reader = BufReader::new(stream);
    let mut headers = BTreeMap::new();
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length: usize = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    Some(Heard { headers, body })
}

async fn subscribe(server: &Server, root: &str, url: &str) -> Webhook {
    let body = json!({ "url": url, "events": ["*"] });
    let answer = server
        .post("/api/v1/admin/webhooks", Some(root), &body)
        .await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    answer.json().await.expect("a webhook")
}

/// A call that 101 refuses.
fn one_call(firm: &Firm) {
    firm.phones
        .set_policy("101", Policy::reject(486))
        .expect("policy");
    let customer = Customer::new("+447712000900", "");
    let call = firm
        .phones
        .customer_calls(&customer, "74951230001")
        .expect("a call");
    firm.phones.wait_ended(call, SOON).expect("over");
}

async fn health(server: &Server, root: &str) -> Health {
    let answer = server.get("/api/v1/admin/health", root).await;
    answer.json().await.expect("health")
}

fn location(answer: &reqwest::Response) -> String {
    let to = answer.headers().get("location");
    let to = to.unwrap_or_else(|| panic!("no redirect: {answer:?}"));
    to.to_str().expect("an address").to_owned()
}

fn password(login: &str) -> [(&str, &str); 2] {
    [("login", login), ("password", "anything")]
}

fn client_of(platform: &str) -> Value {
    json!({ "program": "test", "version": "1", "platform": platform })
}

fn provider(redirect: &str) -> OidcProvider {
    let _ = Url::parse(redirect).expect("an address");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/directories/oidc");
    let client = json!({
        "client_id": "sidetone",
        "client_secret": "oidc-secret",
        "redirect_uris": [redirect],
        "response_types": ["code"],
        "grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
    });
    OidcProvider::start(&folder, json!({ "clients": [client] })).expect("a provider")
}

const ENTRIES: &str = "dn: dc=firm,dc=example
objectClass: dcObject
objectClass: organization
o: Firm
dc: firm

dn: uid=emma,dc=firm,dc=example
objectClass: inetOrgPerson
uid: emma
cn: Emma of LDAP
sn: Klein
telephoneNumber: 105
userPassword: emma-secret
";

/// The tables of FreePBX that are read.
const FREEPBX: &str = "CREATE DATABASE asterisk DEFAULT CHARACTER SET utf8mb4;
USE asterisk;
CREATE TABLE users (extension varchar(20) PRIMARY KEY, name varchar(50));
CREATE TABLE devices (id varchar(20) PRIMARY KEY, tech varchar(10), dial varchar(255), devicetype varchar(5),
  user varchar(50), description varchar(50));
CREATE TABLE userman_users (id int PRIMARY KEY, auth varchar(150) DEFAULT 'freepbx', username varchar(250),
  description varchar(255), default_extension varchar(45) DEFAULT 'none', fname varchar(100), lname varchar(100),
  displayname varchar(200), email text);
CREATE TABLE userman_groups (id int PRIMARY KEY, groupname varchar(250), users blob);
INSERT INTO users VALUES ('104', 'Denis of FreePBX');
INSERT INTO devices VALUES ('104', 'pjsip', 'PJSIP/104', 'fixed', '104', 'Denis');
CREATE USER 'reader'@'%' IDENTIFIED BY 'reader-secret';
GRANT SELECT ON asterisk.* TO 'reader'@'%';
";
