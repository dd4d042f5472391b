//! What a connector must not do to the data of a firm, however its CRM answers: over real HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    reason = "helpers of tests"
)]

mod server;

use contacts::{Person, Question, Source as _, SourceError, SourceErrorKind};
use crm::{Connector, File, InboundRequest, Options, Secrets, Values};
use phone_number::{DialPlan, Region};
use server::{Answer, Server};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

const NUMBER: &str = "+79062195047";
const LOOKUP: &str = r#"
[[lookup]]
request = { path = "/people", query = { phone = "{{ number }}" } }
verify = "trust"
map = { id = "/id", name = "/name" }
"#;
const CREATE: &str = r#"
[create_contact]
fields = [{ name = "name", required = true }]
request = { path = "/contact", json = { name = "{{ contact.name }}" } }
map = { id = "/id" }
"#;

#[tokio::test]
async fn a_write_that_is_sent_elsewhere_is_refused_and_not_asked_as_a_question() {
    for status in [301, 302, 303] {
        let server = Server::start(move |request| match request.line.contains("/new") {
            true => Answer::json(r#"[{"id": 99, "name": "Somebody Else"}]"#),
            false => Answer::page("")
                .status(status)
                .header("location", "/new/contact"),
        })
        .await;
        let error = create(&server).await.unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::Broken);
        let sent = format!(
            "Own sends a POST on to {}/new/contact, where it would come without what it says; write the right address in the settings",
            server.base()
        );
        assert_eq!(error.words, sent);
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_write_that_is_sent_elsewhere_as_it_is_keeps_what_it_says() {
    for status in [307, 308] {
        let server = Server::start(move |request| match request.line.contains("/new") {
            true => Answer::json(r#"{"id": 7}"#),
            false => Answer::page("")
                .status(status)
                .header("location", "/new/contact"),
        })
        .await;
        assert_eq!(create(&server).await.unwrap().record.id, "7");
        let request = server.requests().remove(1);
        assert_eq!(request.line, "POST /new/contact HTTP/1.1");
        assert_eq!(request.body, r#"{"name":"Ivan"}"#);
    }
}

#[tokio::test]
async fn a_write_is_not_repeated_because_the_crm_is_busy() {
    let server = Server::start(|_| Answer::json("{}").status(503).header("retry-after", "0")).await;
    assert_eq!(
        create(&server).await.unwrap_err().kind,
        SourceErrorKind::Away
    );
    assert_eq!(server.requests().len(), 1);
    let asked = look_up(&own(&server, "", LOOKUP)).await;
    assert!(asked.is_err());
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_write_that_came_too_soon_is_repeated() {
    let server = Server::start(|request| match request.index {
        0 => Answer::json("{}").status(429).header("retry-after", "0"),
        _ => Answer::json(r#"{"id": 7}"#),
    })
    .await;
    assert_eq!(create(&server).await.unwrap().record.id, "7");
}

#[tokio::test]
async fn who_was_found_stays_found_when_the_next_list_fails() {
    let find = |path: &str| {
        format!(
            "[[find]]\nrequest = {{ path = \"/{path}\" }}\nmap = {{ id = \"/id\", name = \"/name\" }}\nmerge = \"all\"\n"
        )
    };
    let finds = find("contacts") + &find("companies") + &find("leads");
    for (status, asked) in [(500, 3), (502, 2)] {
        let server = Server::start(move |request| match request.line.contains("/contacts") {
            true => Answer::json(r#"[{"id": 7, "name": "Ivan"}]"#),
            false => Answer::json("{}").status(status),
        })
        .await;
        let connector = own(&server, "", &(LOOKUP.to_owned() + &finds));
        let people = connector.find("ivan", 5).await.unwrap();
        assert_eq!(names(&people), ["Ivan"]);
        assert_eq!(server.requests().len(), asked);
    }
    let server = Server::start(|_| Answer::json("{}").status(500)).await;
    let connector = own(&server, "", &(LOOKUP.to_owned() + &finds));
    assert!(connector.find("ivan", 5).await.is_err());
}

const NAMED_LATER: &str = r#"
[[lookup]]
request = { path = "/ids" }
each = "/ids"
verify = "trust"
map = { id = "", name = "=", phones = [] }
then = [{ request = { path = "/person/{{ contact.id }}" }, map = { name = "/name" } }]
"#;

#[tokio::test]
async fn who_is_found_and_cannot_be_named_is_no_answer() {
    let server = Server::start(|request| match request.line.contains("/ids") {
        true => Answer::json(r#"{"ids": [1, 2]}"#),
        false if request.line.contains("/person/1") => Answer::json(r#"{"name": "Ivan"}"#),
        false => Answer::json("{}").status(429).header("retry-after", "60"),
    })
    .await;
    let error = look_up(&own(&server, "", NAMED_LATER)).await.unwrap_err();
    let retry_after = Some(Duration::from_secs(60));
    assert_eq!(error.kind, SourceErrorKind::Limited { retry_after });
}

#[tokio::test]
async fn a_record_that_is_gone_does_not_hide_the_others() {
    let server = Server::start(|request| match request.line.contains("/ids") {
        true => Answer::json(r#"{"ids": [1, 2]}"#),
        false if request.line.contains("/person/1") => Answer::json("{}").status(400),
        false => Answer::json(r#"{"name": "Ivan"}"#),
    })
    .await;
    let people = look_up(&own(&server, "", NAMED_LATER)).await.unwrap();
    assert_eq!(names(&people), ["Ivan"]);
    let server = Server::start(|request| match request.line.contains("/ids") {
        true => Answer::json(r#"{"ids": [1]}"#),
        false => Answer::json("{}").status(400),
    })
    .await;
    assert!(look_up(&own(&server, "", NAMED_LATER)).await.is_err());
}

#[tokio::test]
async fn a_step_that_only_adds_may_fail() {
    let text = NAMED_LATER
        .replace("name = \"=\"", "name = \"=Ivan\"")
        .replace("name = \"/name\"", "owner = \"/name\"");
    let server = Server::start(|request| match request.line.contains("/ids") {
        true => Answer::json(r#"{"ids": [1]}"#),
        false => Answer::json("{}").status(429).header("retry-after", "60"),
    })
    .await;
    let people = look_up(&own(&server, "", &text)).await.unwrap();
    assert_eq!(names(&people), ["Ivan"]);
}

const PASSWORD: &str = r#"
kind = "oauth2_password"
token_url = "{{ params.base_url }}/token"
client_id = "id-1"
user = "anna"
password = "{{ params.key }}"
"#;

#[tokio::test]
async fn where_a_refresh_token_is_dead_the_password_signs_in_anew() {
    let server = Server::start(|request| {
        let has = |text: &str| request.body.contains(text);
        match request.line.starts_with("POST /token") {
            true if has("grant_type=refresh_token") => {
                Answer::json(r#"{"error": "invalid_grant"}"#).status(400)
            }
            true => {
                assert!(has("grant_type=password"), "{}", request.body);
                let index = request.index;
                Answer::json(&format!(
                    r#"{{"access_token": "token-{index}", "refresh_token": "refresh-{index}"}}"#
                ))
            }
            false if request.header("authorization") == Some("Bearer token-0") => {
                Answer::json("{}").status(401)
            }
            false => Answer::json(r#"{"id": 7, "name": "Ivan"}"#),
        }
    })
    .await;
    let people = look_up(&own(&server, PASSWORD, LOOKUP)).await.unwrap();
    assert_eq!(names(&people), ["Ivan"]);
    // Signed in, told that it is over, refreshed in vain, signed in anew, asked.
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn a_token_may_last_as_long_as_it_likes() {
    for lasts in [i64::MAX, i64::MIN] {
        let server = Server::start(
            move |request| match request.line.starts_with("POST /token") {
                true => Answer::json(&format!(
                    r#"{{"access_token": "token-1", "expires_in": {lasts}}}"#
                )),
                false => Answer::json(r#"{"id": 7, "name": "Ivan"}"#),
            },
        )
        .await;
        let people = look_up(&own(&server, PASSWORD, LOOKUP)).await.unwrap();
        assert_eq!(names(&people), ["Ivan"], "{lasts}");
    }
}

#[tokio::test]
async fn no_form_of_a_secret_is_told() {
    let basic = "kind = \"basic\"\nuser = \"anna\"\npassword = \"{{ params.key }}\"\n";
    let header = "kind = \"header\"\nheaders = { Authorization = \"Basic {{ ('anna:' ~ params.key) | b64 }}\" }\n";
    for auth in [basic, header] {
        let server = Server::start(|request| {
            let told = request.header("authorization").unwrap_or_default();
            Answer::json(&format!(r#"{{"message": "who is {told}"}}"#)).status(500)
        })
        .await;
        let error = look_up(&own(&server, auth, LOOKUP)).await.unwrap_err();
        assert_eq!(
            error.words,
            "Own answered 500 Internal Server Error: “who is Basic …”"
        );
    }
}

#[tokio::test]
async fn no_part_of_a_secret_address_is_told() {
    let server = Server::start(|_| {
        Answer::json(
            r#"{"message": "no hook hook-nobody-may-see, no abcd1234 and no key-of-query"}"#,
        )
        .status(500)
    })
    .await;
    let text = file("kind = \"none\"", LOOKUP).replacen(
        "base_url = { kind = \"url\"",
        "base_url = { kind = \"secret_url\"",
        1,
    );
    let secret = format!(
        "{}/rest/1/hook-nobody-may-see/abcd1234/?key=key-of-query",
        server.base()
    );
    let secrets = Secrets::from([("base_url".to_owned(), secret.into())]);
    let file = Arc::new(File::parse(&text, "own.toml").unwrap());
    let connector = file.connector(&Values::new(), &secrets, options()).unwrap();
    let error = look_up(&connector).await.unwrap_err();
    assert_eq!(
        error.words,
        "Own answered 500 Internal Server Error: “no hook …, no … and no …”"
    );
}

#[tokio::test]
async fn a_signature_that_cannot_be_made_proves_nothing() {
    let inbound = r#"
[inbound]
path = "call"
auth = { kind = "hmac", header = "X-Signature", key = "{{ params.key }}", payload = "{{ '2026-01-01T00:00:00Z' | date('%Y', request.query) }}" }
map = { number = "/body/phone" }
"#;
    let server = Server::start(|_| Answer::json("[]")).await;
    let connector = own(&server, "", &(LOOKUP.to_owned() + inbound));
    let request = InboundRequest {
        method: "POST".into(),
        path: "/inbound/own/call".into(),
        query: "no-such-zone".into(),
        headers: Vec::new(),
        body: "phone=8+906+219-50-47".into(),
    };
    let answer = connector.inbound(&request);
    assert_eq!((answer.status, answer.wish), (401, None));
}

#[tokio::test]
async fn who_tells_the_crm_the_extension_is_asked_for_each() {
    let server = Server::start(|_| Answer::json("[]")).await;
    assert!(!own(&server, "", LOOKUP).depends_on_extension());
    for asked in [
        LOOKUP.replacen("{{ number }}", "{{ extension }}", 1),
        LOOKUP.replacen("\"/name\"", "\"{{ row.name }} {{ extension }}\"", 1),
        LOOKUP.to_owned() + "then = [{ request = { path = \"/x/{{ extension }}\" }, map = {} }]",
    ] {
        assert!(own(&server, "", &asked).depends_on_extension(), "{asked}");
    }
}

async fn create(server: &Server) -> Result<Person, SourceError> {
    let connector = own(server, "", &(LOOKUP.to_owned() + CREATE));
    let fields = BTreeMap::from([("name".to_owned(), "Ivan".to_owned())]);
    let number = DialPlan::new(Region::RU).number(NUMBER).unwrap();
    connector.create(&fields, &number).await
}

async fn look_up(connector: &Connector) -> Result<Vec<Person>, SourceError> {
    let question = Question {
        number: DialPlan::new(Region::RU).number(NUMBER).unwrap(),
        line: None,
        extension: None,
    };
    connector.look_up(&question).await
}

fn names(people: &[Person]) -> Vec<&str> {
    people.iter().map(|person| person.name.as_str()).collect()
}

fn options() -> Options {
    Options::new(DialPlan::new(Region::RU))
}

fn own(server: &Server, auth: &str, sections: &str) -> Connector {
    let auth = match auth {
        "" => "kind = \"none\"",
        auth => auth,
    };
    let file = Arc::new(File::parse(&file(auth, sections), "own.toml").unwrap());
    let values = Values::from([("base_url".to_owned(), server.base())]);
    let secrets = Secrets::from([("key".to_owned(), "key-nobody-may-see".into())]);
    file.connector(&values, &secrets, options()).unwrap()
}

fn file(auth: &str, sections: &str) -> String {
    format!(
        r#"
format = 1
id = "own"
name = "Own"
[params]
base_url = {{ kind = "url", required = true }}
key = {{ kind = "secret" }}
[http]
base = "{{{{ params.base_url }}}}"
[auth]
{auth}
{sections}"#
    )
}
