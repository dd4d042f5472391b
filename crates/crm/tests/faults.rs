//! What a connector does when the CRM does not do what it should: over real HTTP, with a server that errs on purpose.
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    reason = "helpers of tests"
)]

mod server;

use contacts::{Question, Source as _, SourceErrorKind};
use crm::{Connector, File, Options, SecretStore, Secrets, Values};
use phone_number::{DialPlan, Region};
use secrecy::{ExposeSecret as _, SecretString};
use server::{Answer, Server};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const PAGE: &str = include_str!("../../../docs/crm/own.md");
const NUMBER: &str = "+79062195047";
const KEY: &str = "key-nobody-may-see";

#[tokio::test]
async fn a_person_is_found_over_real_http() {
    let server = Server::start(|_| {
        Answer::json(r#"[{"id": 7, "name": "Ivan", "phone": "8 (906) 219-50-47"}]"#)
    })
    .await;
    let people = ask(&server).await.unwrap();
    assert_eq!(people[0].name, "Ivan");
    assert_eq!(people[0].numbers[0].e164(), Some(NUMBER));
    let request = server.requests().remove(0);
    assert_eq!(
        request.line,
        "GET /api/people?phone=%2B79062195047 HTTP/1.1"
    );
    assert_eq!(
        request.header("authorization"),
        Some("Bearer key-nobody-may-see")
    );
}

#[tokio::test]
async fn a_number_that_only_contains_the_callers_is_not_him() {
    let rows = r#"[{"id": 1, "name": "A", "phone": "+7906219504"}, {"id": 2, "name": "B", "phone": "+790621950471"}]"#;
    let server = Server::start(move |_| Answer::json(rows)).await;
    assert!(ask(&server).await.unwrap().is_empty());
}

#[tokio::test]
async fn each_fault_is_a_sentence_with_the_crms_own_words() {
    for (answer, kind, words) in [
        (
            Answer::json(r#"{"message": "boom for +79062195047 with key-nobody-may-see"}"#)
                .status(500),
            SourceErrorKind::Broken,
            "Small answered 500 Internal Server Error: “boom for … with …”",
        ),
        (
            Answer::json(r#"{"error": {"message": "bad key"}}"#).status(401),
            SourceErrorKind::Login,
            "Small answered 401 Unauthorized: “bad key”; see the key or password in the settings, and what it may do",
        ),
        (
            Answer::json("[{\"id\": ").header("content-type", "application/json; charset=utf-8"),
            SourceErrorKind::Broken,
            "Small answered with application/json instead of data: “[{\"id\":”; see whether the address in the settings is right",
        ),
        (
            Answer::page(
                "<html><head><title>x</title></head><body><h1>Please sign in</h1><script>x()</script></body></html>",
            ),
            SourceErrorKind::Broken,
            "Small answered with text/html instead of data: “Please sign in”; see whether the address in the settings is right",
        ),
        (
            Answer::page("")
                .status(302)
                .header("location", "https://evil.example/login?token=1"),
            SourceErrorKind::Broken,
            "Small sends us to another host, evil.example, where we do not go; write its address in the settings if that is right",
        ),
        (
            Answer::page("Bad gateway").status(502),
            SourceErrorKind::Away,
            "Small answered 502 Bad Gateway: “Bad gateway”",
        ),
        (
            Answer::page("")
                .status(307)
                .header("location", "/api/people"),
            SourceErrorKind::Broken,
            "Small sends us from one address to the next without end",
        ),
    ] {
        let server = Server::start(move |_| answer.clone()).await;
        let error = ask(&server).await.unwrap_err();
        assert_eq!((error.kind, error.words.as_str()), (kind, words));
    }
}

#[tokio::test]
async fn a_redirect_on_the_same_host_is_followed() {
    let server = Server::start(|request| match request.line.contains("/new/") {
        true => Answer::json(r#"[{"id": 7, "name": "Ivan", "phone": "+79062195047"}]"#),
        false => Answer::page("")
            .status(301)
            .header("location", "/new/people"),
    })
    .await;
    assert_eq!(ask(&server).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_limit_is_waited_for_where_there_is_time() {
    let server = Server::start(|request| match request.index {
        0 => Answer::json("{}").status(429).header("retry-after", "0"),
        1 => Answer::json("{}").status(429),
        _ => Answer::json(r#"[{"id": 7, "name": "Ivan", "phone": "+79062195047"}]"#),
    })
    .await;
    assert_eq!(ask(&server).await.unwrap().len(), 1);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_longer_limit_is_told_at_once() {
    let server = Server::start(|_| {
        Answer::json(r#"{"message": "slow down"}"#)
            .status(429)
            .header("retry-after", "120")
    })
    .await;
    let error = ask(&server).await.unwrap_err();
    let retry_after = Some(Duration::from_secs(120));
    assert_eq!(error.kind, SourceErrorKind::Limited { retry_after });
    assert_eq!(
        error.words,
        "Small answered 429 Too Many Requests: “slow down”; it wants to be left alone for 120 s"
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn who_wants_to_be_left_alone_is_not_asked_again() {
    let server =
        Server::start(|_| Answer::json("{}").status(429).header("retry-after", "120")).await;
    let connector = connector(&small(""), &server.base());
    for _ in 0..3 {
        let error = look_up(&connector).await.unwrap_err();
        assert!(
            matches!(
                error.kind,
                SourceErrorKind::Limited {
                    retry_after: Some(_)
                }
            ),
            "{error:?}"
        );
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_with_a_byte_order_mark_is_read() {
    let server = Server::start(|_| {
        Answer::json("\u{feff}[{\"id\": 7, \"name\": \"Ivan\", \"phone\": \"+79062195047\"}]")
    })
    .await;
    assert_eq!(ask(&server).await.unwrap().len(), 1);
}

#[tokio::test]
async fn no_link_shows_a_secret() {
    let rows = r#"[{"id": 7, "name": "Ivan", "phone": "+79062195047", "url": "https://crm.example/?k=key-nobody-may-see"}]"#;
    let server = Server::start(move |_| Answer::json(rows)).await;
    assert_eq!(ask(&server).await.unwrap()[0].url, None);
}

#[tokio::test]
async fn a_limit_that_never_ends_is_told_after_some_tries() {
    let server = Server::start(|_| Answer::json("{}").status(429).header("retry-after", "0")).await;
    let error = ask(&server).await.unwrap_err();
    assert!(
        matches!(error.kind, SourceErrorKind::Limited { .. }),
        "{error:?}"
    );
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn silence_ends_with_the_deadline() {
    let server = Server::start(|_| Answer::silence()).await;
    let file = small("").replacen("timeout_ms = 10000", "timeout_ms = 300", 1);
    let error = look_up(&connector(&file, &server.base()))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.words.as_str()),
        (SourceErrorKind::TooSlow, "Small did not answer in time")
    );
}

#[tokio::test]
async fn an_answer_of_a_hundred_megabytes_is_cut_after_one() {
    for is_told in [true, false] {
        let server = Server::start(move |_| Answer::endless(100 * 1024 * 1024, is_told)).await;
        let error = ask(&server).await.unwrap_err();
        assert_eq!(error.words, "Small: its answer is longer than 1 MB");
        let sent = server.bytes_taken().await;
        assert!(sent < 20 * 1024 * 1024, "{sent} bytes were taken");
    }
}

#[tokio::test]
async fn who_is_not_there_is_away() {
    let nowhere = "https://no-such-host.invalid";
    let error = look_up(&connector(&small(""), nowhere)).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Away);
    assert!(
        error.words.starts_with("Small: its name is not known"),
        "{}",
        error.words
    );
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let error = look_up(&connector(&small(""), &base)).await.unwrap_err();
    assert_eq!(
        error.words,
        "Small: it cannot be reached: nothing listens at this address and port"
    );
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused_and_the_named_one_is_taken() {
    let rows = r#"[{"id": 7, "name": "Ivan", "phone": "+79062195047"}]"#;
    let server = Server::start_tls(move |_| Answer::json(rows)).await;
    let error = ask(&server).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Away);
    assert!(
        error
            .words
            .contains("signed by an authority that this computer does not know"),
        "{}",
        error.words
    );
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, server.certificate()).unwrap();
    let http = format!("tls_ca = '{}'", ca.display());
    let people = look_up(&connector(&small(&http), &server.base())).await;
    assert_eq!(people.unwrap().len(), 1);
}

#[tokio::test]
async fn https_to_a_port_without_tls_is_told_as_that() {
    // As every server of the web does with what is no request.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n";
        let mut hello = [0; 4096];
        assert!(stream.read(&mut hello).await.unwrap() > 0);
        stream.write_all(answer).await.unwrap();
    });
    let error = look_up(&connector(&small(""), &base)).await.unwrap_err();
    assert_eq!(
        error.words,
        "Small: it answers without TLS: it probably speaks http:// and not https:// at this port"
    );
    assert!(PAGE.contains("`it probably speaks http://`"));
    task.await.unwrap();
}

#[tokio::test]
async fn what_is_not_there_is_told_with_its_address_and_without_secrets() {
    let server = Server::start(|_| Answer::json("{}").status(404)).await;
    let text = small("").replacen(
        "\"/people\"",
        "\"/people/{{ params.key }}/{{ number }}\"",
        1,
    );
    let error = look_up(&connector(&text, &server.base()))
        .await
        .unwrap_err();
    let base = server.base();
    assert_eq!(
        error.words,
        format!(
            "Small answered 404 Not Found; asked was GET {base}/api/people/…/%2B…, see whether this address is right"
        )
    );
    assert!(PAGE.contains("| `answered 404 …; asked was GET https://…` |"));
}

#[tokio::test]
async fn an_address_that_is_a_secret_is_not_told() {
    let server = Server::start(|_| Answer::json("{}").status(404)).await;
    let text = small("").replacen(
        "base_url = { kind = \"url\"",
        "base_url = { kind = \"secret_url\"",
        1,
    );
    let file = Arc::new(File::parse(&text, "small.toml").unwrap());
    for hook in [
        "rest/1/hook-nobody-may-see/",
        "rest/hook-nobody-may-see?key=hook-nobody-may-see",
    ] {
        let secret = format!("{}/{hook}", server.base());
        let secrets = Secrets::from([("base_url".to_owned(), secret.into())]);
        let options = Options::new(DialPlan::new(Region::RU));
        let connector = file.connector(&Values::new(), &secrets, options).unwrap();
        let error = look_up(&connector).await.unwrap_err();
        assert!(error.words.contains("; asked was GET "), "{}", error.words);
        assert!(!error.words.contains("nobody-may-see"), "{}", error.words);
    }
}

#[tokio::test]
async fn a_login_that_is_not_there_is_told_with_its_address() {
    let server = Server::start(|request| match request.line.starts_with("POST /token") {
        true => Answer::json("{}").status(404),
        false => Answer::json("{}").status(401),
    })
    .await;
    let connector = signed_in(&server, Arc::new(Store::default()));
    let error = look_up(&connector).await.unwrap_err();
    let asked = format!("404 Not Found; asked was POST {}/token,", server.base());
    assert!(error.words.contains(&asked), "{}", error.words);
}

#[tokio::test]
async fn the_own_machine_needs_no_word_for_plain_http() {
    let options = Options::new(DialPlan::new(Region::RU));
    let file = Arc::new(File::parse(&small(""), "small.toml").unwrap());
    for base in ["http://127.0.0.1:8080", "http://localhost"] {
        let (values, secrets) = settings(base);
        assert!(file.connector(&values, &secrets, options.clone()).is_ok());
    }
    assert!(PAGE.contains("For `127.0.0.1` and `localhost` it is not needed"));
}

#[tokio::test]
async fn a_secret_of_a_file_is_cut_out_without_its_line_end() {
    let server =
        Server::start(|_| Answer::json(r#"{"message": "no key-of-file"}"#).status(500)).await;
    let file = Arc::new(File::parse(&small(""), "small.toml").unwrap());
    let (values, _) = settings(&server.base());
    let secrets = Secrets::from([("key".to_owned(), "\u{feff}key-of-file\r\n".into())]);
    let options = Options::new(DialPlan::new(Region::RU));
    let connector = file.connector(&values, &secrets, options).unwrap();
    let error = look_up(&connector).await.unwrap_err();
    assert_eq!(
        error.words,
        "Small answered 500 Internal Server Error: “no …”"
    );
}

#[tokio::test]
async fn hostile_values_are_plain_text() {
    let long = "x".repeat(900_000);
    let rows = format!(
        r#"[{{"id": "<b>\u0000", "name": "<img src=x onerror=alert(1)>\r\n\u202e{long}", "company": "a\u0007b",
            "email": "not an address", "url": "javascript:alert(1)", "phone": "+79062195047"}}]"#
    );
    let server = Server::start(move |_| Answer::json(&rows)).await;
    let people = ask(&server).await.unwrap();
    let person = &people[0];
    assert_eq!(person.url, None);
    assert_eq!(person.email, None);
    assert_eq!(person.company.as_deref(), Some("a b"));
    assert!(
        person.name.starts_with("<img src=x onerror=alert(1)> xxx"),
        "{}",
        &person.name[..40]
    );
    assert_eq!(person.name.chars().count(), 120);
    assert_eq!(person.record.id, "<b>");
}

#[tokio::test]
async fn plain_http_needs_a_word_of_the_admin() {
    let text = small("");
    let file = Arc::new(File::parse(&text, "small.toml").unwrap());
    let (values, secrets) = settings("http://crm.example");
    let options = Options::new(DialPlan::new(Region::RU));
    let wrong = file
        .connector(&values, &secrets, options.clone())
        .unwrap_err();
    assert_eq!(wrong[0].0, "base_url");
    let text = small("allow_http = true");
    let file = Arc::new(File::parse(&text, "small.toml").unwrap());
    assert!(file.connector(&values, &secrets, options).is_ok());
}

#[tokio::test]
async fn a_name_does_not_lead_to_this_computer() {
    let server = Server::start(|_| Answer::json("[]")).await;
    // Every resolver that follows RFC 6761 answers this one with the loopback address, and only by that name.
    let base = server.base().replace("127.0.0.1", "localhost");
    assert!(look_up(&connector(&small(""), &base)).await.is_ok());
}

#[tokio::test]
async fn a_proxy_is_asked_where_one_is_named() {
    let rows = r#"[{"id": 7, "name": "Ivan", "phone": "+79062195047"}]"#;
    let proxy = Server::start(move |_| Answer::json(rows)).await;
    let text = small(&format!("allow_http = true\nproxy = '{}'", proxy.base()));
    let people = look_up(&connector(&text, "http://crm.invalid")).await;
    assert_eq!(people.unwrap().len(), 1);
    let request = proxy.requests().remove(0);
    assert!(
        request
            .line
            .starts_with("GET http://crm.invalid/api/people?"),
        "{}",
        request.line
    );
}

#[tokio::test]
async fn requests_wait_for_their_turn() {
    let server = Server::start(|_| Answer::json("[]")).await;
    let text = small("rate = { per_second = 0.01, burst = 2 }");
    let connector = connector(&text, &server.base());
    assert!(look_up(&connector).await.is_ok());
    assert!(look_up(&connector).await.is_ok());
    let error = look_up(&connector).await.unwrap_err();
    assert_eq!(error.words, "Small is asked as often as it allows");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_token_that_is_over_is_renewed_once_however_many_ask() {
    let rows = r#"[{"id": 7, "name": "Ivan", "phone": "+79062195047"}]"#;
    let server = Server::start(move |request| {
        if request.line.starts_with("POST /token") {
            return Answer::json(r#"{"access_token": "token-new", "refresh_token": "refresh-2", "expires_in": 3600}"#);
        }
        match request.header("authorization") {
            Some("Bearer token-new") => Answer::json(rows),
            Some(_) | None => Answer::json(r#"{"error": "expired_token"}"#).status(401),
        }
    })
    .await;
    let store = Arc::new(Store::default());
    let connector = signed_in(&server, store.clone());
    let asked = (0..20).map(|_| {
        let connector = connector.clone();
        tokio::spawn(async move { look_up(&connector).await })
    });
    for asked in asked.collect::<Vec<_>>() {
        assert_eq!(asked.await.unwrap().unwrap().len(), 1);
    }
    let renewals: Vec<_> = server
        .requests()
        .into_iter()
        .filter(|r| r.line.starts_with("POST /token"))
        .collect();
    assert_eq!(renewals.len(), 1);
    assert!(
        renewals[0]
            .body
            .contains("grant_type=refresh_token&refresh_token=refresh-1"),
        "{}",
        renewals[0].body
    );
    let saved = store.saved.lock().unwrap().clone();
    assert_eq!(saved.len(), 1);
    assert!(saved[0].contains("refresh-2") && saved[0].contains("token-new"));
}

#[tokio::test]
async fn a_refresh_that_is_refused_asks_to_sign_in_and_is_not_repeated_by_everybody() {
    let server = Server::start(|request| match request.line.starts_with("POST /token") {
        true => Answer::json(
            r#"{"error": "invalid_grant", "error_description": "Token is revoked refresh-1"}"#,
        )
        .status(400),
        false => Answer::json("{}").status(401),
    })
    .await;
    let connector = signed_in(&server, Arc::new(Store::default()));
    for _ in 0..3 {
        let error = look_up(&connector).await.unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::Login);
        assert_eq!(
            error.words,
            "OAuth answered 400 Bad Request: “Token is revoked …”; sign in again in the settings"
        );
    }
    let renewals = server
        .requests()
        .into_iter()
        .filter(|r| r.line.starts_with("POST /token"));
    assert_eq!(renewals.count(), 1);
}

#[tokio::test]
async fn a_sign_in_by_browser_proves_that_it_is_ours() {
    let server = Server::start(|_| {
        Answer::json(r#"{"access_token": "token-a", "refresh_token": "refresh-a"}"#)
    })
    .await;
    let store = Arc::new(Store::default());
    let connector = signed_in(&server, store.clone());
    let sign_in = connector.sign_in("http://127.0.0.1:9/back").unwrap();
    assert!(
        sign_in.url.contains("code_challenge_method=S256")
            && sign_in.url.contains("client_id=id-1")
    );
    connector.signed_in(&sign_in, "code-1").await.unwrap();
    let body = server.requests().remove(0).body;
    assert!(
        body.contains("grant_type=authorization_code&code=code-1"),
        "{body}"
    );
    assert!(body.contains("code_verifier="), "{body}");
    assert_eq!(store.saved.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_that_is_over_is_begun_anew_once() {
    let text = r#"
format = 1
id = "session"
name = "Session"
[params]
base_url = { kind = "url", required = true }
[http]
base = "{{ params.base_url }}"
[auth]
kind = "session"
steps = [{ request = { path = "/login", json = { user = "u" } }, map = { key = "/key" } }]
headers = { X-Session = "{{ session.key }}" }
[[lookup]]
request = { path = "/people" }
verify = "trust"
map = { id = "/id", name = "/name" }
"#;
    let logins = std::sync::atomic::AtomicU32::new(0);
    let server = Server::start(move |request| {
        if request.line.starts_with("POST /login") {
            let login = logins.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            return Answer::json(&format!(r#"{{"key": "session-key-{login}"}}"#));
        }
        match request.header("x-session") {
            Some("session-key-1") => Answer::json(r#"{"id": 1, "name": "Ivan"}"#),
            Some(_) | None => Answer::json("{}").status(403),
        }
    })
    .await;
    let values = Values::from([("base_url".to_owned(), server.base())]);
    let file = Arc::new(File::parse(text, "session.toml").unwrap());
    let options = Options::new(DialPlan::new(Region::RU));
    let connector = file.connector(&values, &Secrets::new(), options).unwrap();
    assert_eq!(look_up(&connector).await.unwrap()[0].name, "Ivan");
    let lines: Vec<_> = server.requests().into_iter().map(|r| r.line).collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
}

async fn ask(server: &Server) -> Result<Vec<contacts::Person>, contacts::SourceError> {
    let base = server.base();
    look_up(&connector(&small(""), &base)).await
}

async fn look_up(connector: &Connector) -> Result<Vec<contacts::Person>, contacts::SourceError> {
    let question = Question {
        number: DialPlan::new(Region::RU).number(NUMBER).unwrap(),
        line: None,
        extension: None,
    };
    connector.look_up(&question).await
}

fn small(http: &str) -> String {
    format!(
        r#"
format = 1
id = "small"
name = "Small"
[params]
base_url = {{ kind = "url", required = true }}
key = {{ kind = "secret" }}
[http]
base = "{{{{ params.base_url }}}}/api"
timeout_ms = 10000
{http}
[auth]
kind = "bearer"
token = "{{{{ params.key }}}}"
[[lookup]]
request = {{ path = "/people", query = {{ phone = "{{{{ number }}}}" }} }}
map = {{ id = "/id", name = "/name", company = "/company", email = "/email", phones = ["/phone"], url = "{{{{ row.url | safe }}}}" }}
"#
    )
}

fn settings(base: &str) -> (Values, Secrets) {
    let values = Values::from([("base_url".to_owned(), base.to_owned())]);
    (values, Secrets::from([("key".to_owned(), KEY.into())]))
}

fn connector(text: &str, base: &str) -> Connector {
    let file = Arc::new(File::parse(text, "small.toml").unwrap());
    let (values, secrets) = settings(base);
    file.connector(&values, &secrets, Options::new(DialPlan::new(Region::RU)))
        .unwrap()
}

/// With a token that the server does not take any more.
fn signed_in(server: &Server, store: Arc<Store>) -> Connector {
    let text = r#"
format = 1
id = "oauth"
name = "OAuth"
[params]
base_url = { kind = "url", required = true }
sign_in = { kind = "oauth" }
[http]
base = "{{ params.base_url }}"
[auth]
kind = "oauth2_code"
authorize_url = "{{ params.base_url }}/authorize"
token_url = "{{ params.base_url }}/token"
client_id = "id-1"
[[lookup]]
request = { path = "/people" }
map = { id = "/id", name = "/name", phones = ["/phone"] }
"#;
    let file = Arc::new(File::parse(text, "oauth.toml").unwrap());
    let values = Values::from([("base_url".to_owned(), server.base())]);
    let tokens = r#"{"access": "token-old", "refresh": "refresh-1"}"#;
    let secrets = Secrets::from([("sign_in".to_owned(), tokens.into())]);
    let mut options = Options::new(DialPlan::new(Region::RU));
    options.store = Some(store);
    file.connector(&values, &secrets, options).unwrap()
}

#[derive(Default)]
struct Store {
    saved: Mutex<Vec<String>>,
}

impl SecretStore for Store {
    fn load(&self, _: &str) -> Option<SecretString> {
        None
    }

    fn save(&self, name: &str, secret: &SecretString) -> Result<(), String> {
        assert_eq!(name, "sign_in");
        self.saved
            .lock()
            .unwrap()
            .push(secret.expose_secret().to_owned());
        Ok(())
    }
}
