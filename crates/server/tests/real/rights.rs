//! What strangers, thieves and colleagues without the right are kept from.

use crate::{
    client::{Client, Socket, everything, hello, open},
    firm::{Firm, SOON, Server, Setup, enrol, http},
};
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};
use testkit::phones::{Customer, Policy, What};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};
use wire::{
    Answer, ErrorCode, Interest,
    rest::{AuditPage, AuditRow, Device, LogPage, User},
};

/// The customer of these tests, whose number must not be where it does not belong.
const NUMBER: &str = "+442079460958";
const DIGITS: &str = "2079460958";
/// Wrong tries are not what is tested.
const PATIENT: &str = "[http]\nfailures = 100000\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_known_origins_connect() {
    let firm = Firm::start(&Setup::default());
    let port = firm.server.port();
    let token = firm.server.enrol("anna").await.token.0;
    let me = |origin: Option<&str>| {
        let request = http()
            .get(firm.server.url("/api/v1/me"))
            .bearer_auth(&token);
        match origin {
            Some(origin) => request.header("origin", origin),
            None => request,
        }
    };
    let right = format!("http://127.0.0.1:{port}");
    for origin in [Some(right.as_str()), None] {
        let answer = me(origin).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{origin:?}");
        let socket = open(port, origin).await.expect("a socket");
        let welcome = converse(socket, &[hello(&token, &Interest::default())]).await;
        assert_eq!(welcome["type"], "welcome", "{origin:?}");
    }
    let near = format!("http://127.0.0.1:{port}.evil.example");
    let tls = format!("https://127.0.0.1:{port}");
    for origin in ["https://evil.example", "null", &near, &tls] {
        let answer = me(Some(origin)).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{origin}");
        let Err(refused) = open(port, Some(origin)).await else {
            panic!("{origin} is let in")
        };
        assert!(refused.to_string().contains("403"), "{refused}");
    }
    let root = firm.server.enrol("root").await.token.0;
    let rows = audit_until(&firm.server, &root, |row| row.action == "foreign_origin").await;
    assert!(rows.iter().any(|row| row.target == "https://evil.example"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_keep_to_the_protocol_is_sent_away_and_nobody_else() {
    let setup = Setup {
        tables: PATIENT.into(),
        ..Setup::default()
    };
    let firm = Firm::start(&setup);
    let port = firm.server.port();
    let token = firm.server.enrol("anna").await.token.0;
    let mut bert = firm.server.client("bert", everything()).await;
    // Ten seconds pass for this one while the others are tried.
    let silent = open(port, None).await.expect("a socket");
    let silent = tokio::spawn(converse(silent, &[]));

    let hi = hello(&token, &Interest::default());
    let with = |change: &dyn Fn(&mut Value)| {
        let mut hello = hi.clone();
        change(&mut hello);
        hello
    };
    let old = with(&|hello| hello["version"] = json!(0));
    let new = with(&|hello| hello["version"] = json!(2));
    let unknown = with(&|hello| hello["token"] = json!("st_0000"));
    let more = with(&|hello| hello["role"] = json!("admin"));
    let ping = json!({ "type": "ping", "n": 1 });
    for (what, messages, code) in [
        ("another version", vec![old], "version"),
        ("a later version", vec![new], "version"),
        ("an unknown token", vec![unknown], "unauthenticated"),
        ("something else first", vec![ping], "bad_request"),
        ("more than a hello", vec![more], "bad_request"),
    ] {
        let socket = open(port, None).await.expect("a socket");
        let said = converse(socket, &messages).await;
        assert_eq!(said["type"], "goodbye", "{what}: {said}");
        assert_eq!(said["code"], code, "{what}: {said}");
    }

    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let wrapped = format!(
        r#"{{"type":"request","id":"1","request":{{"request":"dial","text":{}1{}}}}}"#,
        "[".repeat(20_000),
        "]".repeat(20_000)
    );
    let text =
        |bytes: Vec<u8>| Message::Frame(Frame::message(bytes, OpCode::Data(Data::Text), true));
    for (what, message) in [
        ("a second hello", Message::text(hi.to_string())),
        ("no JSON", Message::text("{")),
        ("nothing", Message::text("")),
        ("an unknown type", Message::text(r#"{"type":"shutdown"}"#)),
        ("deep JSON", Message::text(deep)),
        ("deep JSON inside", Message::text(wrapped)),
        ("binary", Message::binary(vec![0; 16])),
        ("no UTF-8", text(vec![b'"', 0xff, 0xfe, b'"'])),
        ("64 KB and a byte", Message::text(" ".repeat(65_537))),
        ("10 MB", Message::text(" ".repeat(10 << 20))),
    ] {
        let mut client = Client::connect(port, &token, Interest::default()).await;
        // The server may hang up before it has taken everything.
        let _ = timeout(SOON, client.socket.send(message)).await;
        let code = ended(&mut client.socket).await;
        assert!(
            matches!(code.as_deref(), None | Some("bad_request" | "too_large")),
            "{what}: {code:?}"
        );
    }
    let silent = silent.await.expect("an end");
    assert_eq!(silent["code"], "bad_request", "{silent}");
    let answer = bert
        .ask(json!({ "request": "explain", "text": "102" }))
        .await;
    assert!(matches!(answer, Answer::Explained(_)), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_device_is_cut_off_and_its_token_is_worth_nothing() {
    let firm = Firm::start(&Setup::default());
    let server = &firm.server;
    let root = server.enrol("root").await.token.0;
    for by_command in [false, true] {
        let enrolled = server.enrol("anna").await;
        let token = enrolled.token.0;
        let mut anna = Client::connect(server.port(), &token, everything()).await;
        let stream = http().get(server.url("/api/v1/events")).bearer_auth(&token);
        let mut events = stream.send().await.expect("events");
        events.chunk().await.expect("events").expect("a snapshot");
        let device = device_of(server, &token).await;
        let asked = Instant::now();
        if by_command {
            let output = server.run(&["revoke", &device]);
            assert!(output.status.success(), "{output:?}");
        } else {
            let path = server.url(&format!("/api/v1/admin/devices/{device}"));
            let answer = http().delete(path).bearer_auth(&root).send().await;
            let answer = answer.expect("an answer");
            assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        }
        let code = ended(&mut anna.socket).await;
        println!("by command: {by_command}, cut after {:?}", asked.elapsed());
        assert!(asked.elapsed() < Duration::from_secs(10));
        assert_eq!(code.as_deref(), Some("unauthenticated"));
        let rest = async { while let Ok(Some(_)) = events.chunk().await {} };
        timeout(SOON, rest).await.expect("the events end too");
        let answer = server.get("/api/v1/me", &token).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        let socket = open(server.port(), None).await.expect("a socket");
        let said = converse(socket, &[hello(&token, &everything())]).await;
        assert_eq!(said["code"], "unauthenticated", "{said}");
    }
    let output = server.run(&["revoke", "no-such-device"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_an_administrator_shuts_out_is_out_at_once_and_stays_out() {
    let mut firm = Firm::start(&Setup::default());
    let server = &mut firm.server;
    let root = server.enrol("root").await.token.0;
    let token = server.enrol("anna").await.token.0;
    let mut anna = Client::connect(server.port(), &token, everything()).await;
    change_user(server, &root, "anna", |user| user["disabled"] = json!(true)).await;
    assert_eq!(
        ended(&mut anna.socket).await.as_deref(),
        Some("unauthenticated")
    );
    let answer = server.get("/api/v1/me", &token).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(server.run(&["enrol", "anna"]).status.code(), Some(1));
    // The configuration names her still.
    assert_eq!(server.stop(), Some(0));
    server.start();
    let answer = server.get("/api/v1/me", &token).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    // Nobody shuts himself out.
    let me: wire::Me = json_of(server, "/api/v1/me", &root).await;
    let url = server.url(&format!("/api/v1/admin/users/{}", me.user));
    let body = json!({ "login": "root", "name": "", "role": "agent", "pbx": null, "extension": null, "channel": null });
    let answer = http().put(url).bearer_auth(&root).json(&body).send().await;
    assert_eq!(
        answer.expect("an answer").status(),
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_in_an_address_is_no_token() {
    let firm = Firm::start(&Setup::default());
    let token = firm.server.enrol("root").await.token.0;
    for path in ["me", "calls", "events", "admin/users", "extensions"] {
        for name in ["token", "access_token", "authorization"] {
            let url = firm.server.url(&format!("/api/v1/{path}?{name}={token}"));
            let answer = http().get(url).send().await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path} {name}");
        }
    }
    let basic = http().get(firm.server.url("/api/v1/me"));
    let answer = basic.basic_auth("root", Some(&token)).send().await;
    assert_eq!(
        answer.expect("an answer").status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_dials_reach_asterisk_ten_times_and_all_are_written_down() {
    const DIALS: usize = 1_000;
    let firm = Firm::start(&Setup::default());
    let server = &firm.server;
    firm.phones
        .set_policy("101", Policy::reject(486))
        .expect("policy");
    let root = server.enrol("root").await.token.0;
    change_policy(server, &root, "anna", |policy| {
        policy["parallel"] = json!(5_000)
    })
    .await;
    let mut anna = server.client("anna", Interest::default()).await;
    anna.until("connected", |client| client.is_up()).await;
    let token = server.enrol("anna").await.token.0;
    let mut done = 0;
    for dial in 0..DIALS {
        let body = json!({ "id": format!("d{dial}"), "to": format!("+44207946{dial:04}") });
        let answer = server.post("/api/v1/calls", Some(&token), &body).await;
        match answer.status() {
            StatusCode::ACCEPTED => done += 1,
            StatusCode::TOO_MANY_REQUESTS => {
                assert!(answer.headers().contains_key("retry-after"));
            }
            other => panic!("{other}: {:?}", answer.text().await),
        }
    }
    // On a machine so slow that minutes pass, ten for each of them.
    let rows = audit_until(server, &root, |row| row.target.contains("+442079460999")).await;
    let rows: Vec<_> = rows
        .iter()
        .filter(|row| row.action == "originate")
        .collect();
    assert_eq!(rows.len(), DIALS);
    let refused = rows.iter().filter(|row| row.outcome.contains("a minute"));
    assert_eq!(refused.count(), DIALS - done);
    let span = rows[0].at.abs_diff(rows[DIALS - 1].at) / 60_000 + 1;
    assert!(done <= 10 * span as usize, "{done}");
    anna.until("all over", |client| {
        let dials = client.dials();
        dials.len() == done
            && dials
                .iter()
                .all(|dial| matches!(dial.progress, wire::Progress::Ended { .. }))
    })
    .await;
    let invites = firm.phones.events();
    let invites = invites
        .iter()
        .filter(|event| event.phone == "101" && matches!(event.what, What::Incoming { .. }));
    assert_eq!(invites.count(), done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_decides_what_is_called_and_never_stops_a_call_for_help() {
    let help = "[direct](+)\nexten => 112,1,Dial(PJSIP/112@trunk,30)\n";
    let firm = Firm::start(&Setup {
        asterisk: vec![("extensions.conf", help.into())],
        ..Setup::default()
    });
    let server = &firm.server;
    firm.phones
        .set_policy("101", Policy::answer_after(50))
        .expect("policy");
    let root = server.enrol("root").await.token.0;
    let mut anna = server.client("anna", everything()).await;
    anna.until("connected", |client| client.is_up()).await;
    change_policy(server, &root, "anna", |policy| {
        policy["deny"] = json!(["+44909"]);
        policy["countries"] = json!(["GB"]);
        policy["parallel"] = json!(1);
    })
    .await;
    for number in ["+449097234567", "tel:+44-909-723-4567", "+4930123456"] {
        let dial = json!({ "request": "dial", "text": number });
        assert_eq!(
            code(&anna.ask(dial).await),
            ErrorCode::Forbidden,
            "{number}"
        );
    }
    let dial = json!({ "request": "dial", "text": NUMBER });
    assert_eq!(anna.ask(dial).await, Answer::Done);
    anna.until("it is called", |client| !client.dials().is_empty())
        .await;
    let more = json!({ "request": "dial", "text": "+442079460959" });
    assert_eq!(code(&anna.ask(more).await), ErrorCode::RateLimited);
    // What may not be called may not be called by way of a transfer either.
    anna.until("a call", |client| !client.calls().is_empty())
        .await;
    let call = anna.calls()[0].id.clone();
    for order in ["blind_transfer", "attended_transfer", "redirect"] {
        let order = json!({ "order": order, "to": "+449097234567" });
        let pass = json!({ "request": "order", "call": call, "order": order });
        assert_eq!(code(&anna.ask(pass).await), ErrorCode::Forbidden, "{order}");
    }
    assert_eq!(
        anna.ask(json!({ "request": "hang_up", "call": null }))
            .await,
        Answer::Done
    );

    change_policy(server, &root, "anna", |policy| {
        policy["deny"] = json!(["", "+", "1"]);
        policy["countries"] = json!(["DE"]);
        policy["hours"] = json!("00:00-00:00");
        policy["parallel"] = json!(0);
        policy["per_minute"] = json!(0);
    })
    .await;
    let dial = json!({ "request": "dial", "text": NUMBER });
    assert_eq!(code(&anna.ask(dial).await), ErrorCode::Forbidden);
    let mark = firm.phones.mark();
    let help = json!({ "request": "dial", "text": "112" });
    assert_eq!(anna.ask(help).await, Answer::Done);
    firm.phones
        .wait_incoming("101", mark, SOON)
        .expect("101 rings");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_anothers_is_refused_and_written_down() {
    let firm = Firm::start(&Setup::default());
    let server = &firm.server;
    let root = server.enrol("root").await.token.0;
    let berts = server.enrol("bert").await.token.0;
    let berts = device_of(server, &berts).await;
    let token = server.enrol("anna").await.token.0;
    let mut anna = Client::connect(server.port(), &token, everything()).await;
    firm.phones
        .set_policy("102", Policy::answer_after(50))
        .expect("policy");
    let customer = Customer::new(NUMBER, "");
    let call = firm
        .phones
        .customer_calls(&customer, "74951230004")
        .expect("a call");
    anna.until("bert talks", |client| {
        client
            .lamp("102")
            .is_some_and(|lamp| !lamp.calls.is_empty())
    })
    .await;
    let id = anna.lamp("102").expect("a lamp").calls[0].call.clone();

    let get = |path: &str| (Method::GET, path.to_owned());
    let post = |path: &str| (Method::POST, path.to_owned());
    for (method, path) in [
        get("users"),
        get("devices"),
        get("audit"),
        get("health"),
        get("config"),
        get("log"),
        get("webhooks"),
        get("backup"),
        post("users"),
        post("check"),
        post("enrolments"),
        post("webhooks"),
        (Method::PUT, "users/1".into()),
        (Method::DELETE, format!("devices/{berts}")),
        (Method::DELETE, "webhooks/1".into()),
    ] {
        let url = server.url(&format!("/api/v1/admin/{path}"));
        let request = http().request(method.clone(), &url).json(&json!({}));
        let answer = request.bearer_auth(&token).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{method} {path}");
        let answer = http().request(method.clone(), &url).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
    }
    let answer = server.get("/api/v1/calls?extension=102", &token).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let answer = server.get("/api/v1/calls.csv", &token).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let url = server.url(&format!("/api/v1/devices/{berts}"));
    let answer = http().delete(url).bearer_auth(&token).send().await;
    assert_eq!(answer.expect("an answer").status(), StatusCode::NOT_FOUND);
    for order in [
        json!({ "order": "blind_transfer", "to": "101" }),
        json!({ "order": "hold" }),
        json!({ "order": "park" }),
        json!({ "order": "record", "on": true }),
        json!({ "order": "tones", "tones": "1" }),
        json!({ "order": "kick", "member": "PJSIP/102-00000001" }),
    ] {
        let wish = json!({ "request": "order", "call": id, "order": order });
        let answer = anna.ask(wish).await;
        assert_eq!(code(&answer), ErrorCode::NotFound, "{order}");
    }
    // Whatever is said to that, it goes on.
    let _ = anna.ask(json!({ "request": "hang_up", "call": id })).await;
    let rows = audit_until(server, &root, |row| row.action == "kick").await;
    for action in [
        "administer",
        "read_log",
        "export_log",
        "revoke",
        "hold",
        "kick",
        "blind_transfer",
    ] {
        let row = rows.iter().find(|row| row.action == action);
        let row = row.unwrap_or_else(|| panic!("{action} is not in the audit: {rows:#?}"));
        assert_eq!(row.who, "anna", "{row:?}");
        assert_ne!(row.outcome, "done", "{row:?}");
    }
    let own: LogPage = json_of(server, "/api/v1/calls", &token).await;
    assert_eq!(own.calls, [], "nobody's calls but her own");
    let devices: Vec<Device> = json_of(server, "/api/v1/devices", &token).await;
    assert!(devices.iter().all(|device| device.id != berts));
    let talks = |event: &testkit::phones::PhoneEvent| {
        event.call == Some(call) && matches!(event.what, What::Ended { .. })
    };
    assert!(
        !firm.phones.events().iter().any(talks),
        "bert's call goes on"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_see_digits_sees_them_nowhere() {
    let setup = Setup {
        pbx: "[pbx.handling]\nmissed_lines = [\"74951230004\"]\n".into(),
        tables: "[call_log]\nhide_digits_from = [\"agent\", \"supervisor\"]\n".into(),
        ..Setup::default()
    };
    let firm = Firm::start(&setup);
    let server = &firm.server;
    let chief = server.enrol("chief").await.token.0;
    let root = server.enrol("root").await.token.0;
    let (mut chiefs, mut roots) = (
        Client::connect(server.port(), &chief, everything()).await,
        Client::connect(server.port(), &root, everything()).await,
    );
    let events = server.url("/api/v1/events?extensions=all&queues=all&parked=true&missed=true");
    let mut events = http()
        .get(events)
        .bearer_auth(&chief)
        .send()
        .await
        .expect("events");
    chiefs.until("connected", |client| client.is_up()).await;
    roots.until("connected", |client| client.is_up()).await;
    let customer = Customer::new(NUMBER, "");
    // Rings until the customer gives up: lamps first, then the board.
    let call = firm
        .phones
        .customer_calls(&customer, "74951230004")
        .expect("a call");
    let rings = |client: &Client| {
        client
            .lamp("102")
            .is_some_and(|lamp| !lamp.calls.is_empty())
    };
    chiefs.until("102 rings", rings).await;
    roots.until("102 rings", rings).await;
    let live = json_text(server, "/api/v1/extensions", &chief).await;
    firm.phones.hang_up(call).expect("hang up");
    let missed = |client: &Client| !client.of::<wire::MissedCall>("missed ").is_empty();
    chiefs.until("missed", missed).await;
    roots.until("missed", missed).await;
    let mut streamed = String::new();
    let read = async {
        while !streamed.contains("\"fact\":\"missed\"") {
            let chunk = events.chunk().await.expect("events").expect("more");
            streamed.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    timeout(SOON, read).await.expect("the missed call");
    finished(server, &root, 1).await;

    let hidden = [
        ("lamps and board", chiefs.heard.clone()),
        ("extensions", live),
        ("events", streamed),
        ("log", json_text(server, "/api/v1/calls", &chief).await),
        ("missed", json_text(server, "/api/v1/missed", &chief).await),
    ];
    for (what, text) in &hidden {
        assert!(!has_digits(text), "{what}: {text}");
        assert!(text.contains("58"), "{what} shows the last ones: {text}");
    }
    let answer = server.get("/api/v1/calls.csv", &chief).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    for (what, text) in [
        ("lamps and board", roots.heard.clone()),
        ("log", json_text(server, "/api/v1/calls", &root).await),
        ("missed", json_text(server, "/api/v1/missed", &root).await),
        ("CSV", json_text(server, "/api/v1/calls.csv", &root).await),
    ] {
        assert!(has_digits(&text), "{what} of who may: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_path_and_no_parameter_leads_to_what_is_not_served() {
    let firm = Firm::start(&Setup::default());
    let server = &firm.server;
    let chief = server.enrol("chief").await.token.0;
    let customer = Customer::new(NUMBER, "Ada_50% O'Neil");
    firm.phones
        .set_policy("102", Policy::reject(486))
        .expect("policy");
    firm.phones
        .customer_calls(&customer, "74951230004")
        .expect("a call");
    finished(server, &chief, 1).await;

    for path in [
        "/../../../../etc/passwd",
        "/assets/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/..\\..\\etc\\passwd",
        "//etc/passwd",
        "/etc/passwd%00.html",
        "/./server.toml",
    ] {
        let answer = raw(server.port(), &format!("GET {path} HTTP/1.1"));
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
        assert!(
            !answer.contains("root:") && !answer.contains("secret"),
            "{path}"
        );
    }
    assert!(raw(server.port(), "GET / HTTP/1.1").contains("<html"));

    let found = async |query: &str| {
        let answer = server.get(&format!("/api/v1/calls?{query}"), &chief).await;
        let status = answer.status();
        assert!(status == 200 || status == 400, "{query}: {status}");
        let page = answer.json::<LogPage>().await.unwrap_or_default();
        page.calls.len()
    };
    for value in [
        "'%20OR%201=1%20--",
        "'%20OR%20'1'='1",
        "%22;%20DROP%20TABLE%20calls;%20--",
        "x')%20UNION%20SELECT%20token_hash%20FROM%20devices--",
        "\\",
        "%00",
        "%25%25%25",
        "___",
        "%E2%80%AE",
    ] {
        for name in [
            "text",
            "extension",
            "queue",
            "before",
            "direction",
            "outcome",
            "from",
            "until",
            "limit",
        ] {
            assert_eq!(found(&format!("{name}={value}")).await, 0, "{name}={value}");
        }
    }
    // A wildcard is a character like any other.
    for (text, calls) in [
        ("%25", 1),
        ("_", 1),
        ("50%25%20O'", 1),
        ("A%25a", 0),
        ("Ad__50", 0),
        ("ada", 1),
    ] {
        assert_eq!(found(&format!("text={text}")).await, calls, "{text}");
    }
    assert_eq!(found("").await, 1, "nothing is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_guesses_codes_has_to_wait_wherever_he_says_to_come_from() {
    let firm = Firm::start(&Setup::default());
    let server = &firm.server;
    let good = server.enrol("anna").await.token.0;
    let lie = async |number: usize| {
        let request = http().post(server.url("/api/v1/enrol"));
        let request = request.header("x-forwarded-for", format!("203.0.113.{number}"));
        let answer = request.json(&enrol("AAAA-BBBB-CCCC-DDDD")).send().await;
        answer.expect("an answer").status()
    };
    for guess in 0..10 {
        assert_eq!(lie(guess).await, StatusCode::UNAUTHORIZED, "{guess}");
    }
    assert_eq!(lie(11).await, StatusCode::TOO_MANY_REQUESTS);
    // Who proves who he is does not pay for his neighbour behind the same address.
    let answer = server.get("/api/v1/me", &good).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let answer = server.get("/api/v1/me", "st_guessed").await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.headers().contains_key("retry-after"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_trusted_proxy_each_address_waits_for_itself() {
    let setup = Setup {
        tables: "[http]\ntrusted_proxies = [\"127.0.0.1\", \"10.0.0.1\"]\n".into(),
        ..Setup::default()
    };
    let firm = Firm::start(&setup);
    let guess = async |chain: &str| {
        let request = http().post(firm.server.url("/api/v1/enrol"));
        let request = request.header("x-forwarded-for", chain);
        let answer = request.json(&enrol("AAAA-BBBB-CCCC-DDDD")).send().await;
        answer.expect("an answer").status()
    };
    for number in 0..10 {
        // What a client says itself stands before what the proxy adds.
        let chain = format!("198.51.100.{number}, 203.0.113.5, 10.0.0.1");
        assert_eq!(guess(&chain).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(guess("203.0.113.5").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(guess("203.0.113.6").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_good_once_and_not_for_ever() {
    let firm = Firm::start(&Setup::default());
    let server = &firm.server;
    let code = code_for(server, "anna");
    let lower = code.to_lowercase().replace('-', " ");
    let answer = server.post("/api/v1/enrol", None, &enrol(&lower)).await;
    assert_eq!(answer.status(), StatusCode::OK, "as people type it");
    let answer = server.post("/api/v1/enrol", None, &enrol(&code)).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "twice");

    let code = code_for(server, "anna");
    let file = server.folder.path().join("calls.db");
    let database = format!("sqlite:{}", file.display());
    let database = sqlx::SqlitePool::connect(&database);
    let database = database.await.expect("the database");
    let aged = sqlx::query("UPDATE enrolments SET expires_at = 1");
    aged.execute(&database).await.expect("aged");
    let answer = server.post("/api/v1/enrol", None, &enrol(&code)).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "too old");
    let output = server.run(&["enrol", "nobody"]);
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(words.contains("nobody with the login"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_holds_no_secret_and_no_number() {
    let setup = Setup {
        log: Some("info".into()),
        pbx: "[pbx.handling]\nmissed_lines = [\"74951230004\"]\n".into(),
        ..Setup::default()
    };
    let mut firm = Firm::start(&setup);
    let root = firm.server.enrol("root").await.token.0;
    let code = code_for(&firm.server, "bert");
    let mut anna = firm.server.client("anna", everything()).await;
    anna.until("connected", |client| client.is_up()).await;
    for phone in ["101", "102"] {
        let policy = if phone == "101" {
            Policy::answer_after(50)
        } else {
            Policy::Ring
        };
        firm.phones.set_policy(phone, policy).expect("policy");
    }
    let dial = json!({ "request": "dial", "text": NUMBER });
    assert_eq!(anna.ask(dial).await, Answer::Done);
    let wrong = json!({ "request": "dial", "text": "+44 20 79 46 09 58 7777 6666 5555" });
    let _ = anna.ask(wrong).await;
    anna.until("a call", |client| !client.calls().is_empty())
        .await;
    let pass = json!({ "request": "order", "call": anna.calls()[0].id, "order": { "order": "blind_transfer", "to": NUMBER } });
    let _ = anna.ask(pass).await;
    let customer = Customer::new(NUMBER, "ADA LOVELACE");
    let call = firm
        .phones
        .customer_calls(&customer, "74951230004")
        .expect("a call");
    firm.phones
        .wait_incoming("102", 0, SOON)
        .expect("102 rings");
    firm.phones.hang_up(call).expect("hang up");
    anna.until("missed", |client| {
        !client.of::<wire::MissedCall>("missed ").is_empty()
    })
    .await;
    let item = anna.of::<wire::MissedCall>("missed ")[0].item.clone();
    let close = json!({ "request": "close_missed", "item": item });
    assert_eq!(anna.ask(close).await, Answer::Done);
    let search = format!("/api/v1/calls?text=%2B44{DIGITS}");
    let _ = firm.server.get(&search, &root).await;
    let _ = firm.server.get(&search, "st_guessed_token").await;
    let _ = firm
        .server
        .post("/api/v1/enrol", None, &enrol("GUES-SEDC-ODEX-XXXX"))
        .await;
    let hook = json!({ "url": "http://127.0.0.1:9/hook?key=hook-key", "events": ["*"] });
    let made = firm
        .server
        .post("/api/v1/admin/webhooks", Some(&root), &hook)
        .await;
    let hook: Value = made.json().await.expect("a webhook");
    let call = firm
        .phones
        .customer_calls(&customer, "74951230004")
        .expect("a call");
    firm.phones.hang_up(call).expect("hang up");
    finished(&firm.server, &root, 2).await;
    assert_eq!(firm.server.stop(), Some(0));

    let log = firm.server.log();
    assert!(
        log.contains("client signed in") && log.contains("webhook not delivered"),
        "{log}"
    );
    let secret = hook["secret"].as_str().expect("a secret");
    for canary in [
        "sidetone-secret",
        &root,
        &code,
        secret,
        DIGITS,
        "79460958",
        "7777",
        "LOVELACE",
        "st_guessed",
        "GUES",
        "hook-key",
    ] {
        let close = |text: &str| text.replace([' ', '-'], "");
        let line = log
            .lines()
            .find(|line| close(line).contains(&close(canary)));
        assert_eq!(line, None, "{canary}");
    }
}

/// Says these things and hears the first answer.
async fn converse(mut socket: Socket, messages: &[Value]) -> Value {
    for message in messages {
        let sent = socket.send(Message::text(message.to_string())).await;
        sent.expect("sent");
    }
    loop {
        let message = timeout(SOON, socket.next()).await.expect("in time");
        if let Message::Text(text) = message.expect("a message").expect("a line") {
            return serde_json::from_str(&text).expect("JSON");
        }
    }
}

/// Waits for the end of a line; the code of the goodbye, if there was one.
async fn ended(socket: &mut Socket) -> Option<String> {
    let mut code = None;
    let end = async {
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Text(text) = message {
                let said: Value = serde_json::from_str(&text).expect("JSON");
                if said["type"] == "goodbye" {
                    code = said["code"].as_str().map(str::to_owned);
                }
            }
        }
    };
    timeout(SOON, end).await.expect("an end");
    code
}

fn code(answer: &Answer) -> ErrorCode {
    let Answer::Failed(failure) = answer else {
        panic!("done: {answer:?}")
    };
    failure.code
}

fn has_digits(text: &str) -> bool {
    let close: String = text.chars().filter(|c| !" -()".contains(*c)).collect();
    close.contains(DIGITS)
}

async fn json_of<T: serde::de::DeserializeOwned>(server: &Server, path: &str, token: &str) -> T {
    let answer = server.get(path, token).await;
    answer.json().await.expect("JSON")
}

async fn json_text(server: &Server, path: &str, token: &str) -> String {
    let answer = server.get(path, token).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.text().await.expect("text")
}

async fn device_of(server: &Server, token: &str) -> String {
    let devices: Vec<Device> = json_of(server, "/api/v1/devices", token).await;
    let own = devices.into_iter().find(|device| device.this);
    own.expect("this device").id
}

fn code_for(server: &Server, login: &str) -> String {
    let output = server.run(&["enrol", login]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let code = text.lines().find_map(|line| line.strip_prefix("code "));
    code.expect("a code").to_owned()
}

/// Changes the policy of somebody; it holds from the answer on.
async fn change_policy(server: &Server, root: &str, login: &str, change: impl Fn(&mut Value)) {
    change_user(server, root, login, |user| change(&mut user["policy"])).await;
}

async fn change_user(server: &Server, root: &str, login: &str, change: impl Fn(&mut Value)) {
    let users: Vec<User> = json_of(server, "/api/v1/admin/users", root).await;
    let user = users.iter().find(|user| user.login == login);
    let user = user.expect("a user");
    let mut body = json!({
        "login": user.login, "name": user.name, "role": user.role, "pbx": null,
        "extension": user.extension, "channel": null, "policy": user.policy,
    });
    change(&mut body);
    let url = server.url(&format!("/api/v1/admin/users/{}", user.id));
    let answer = http().put(url).bearer_auth(root).json(&body).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK, "{:?}", answer.text().await);
}

/// All rows of the audit, once there is such a one.
async fn audit_until(
    server: &Server,
    root: &str,
    wanted: impl Fn(&AuditRow) -> bool,
) -> Vec<AuditRow> {
    let until = Instant::now() + SOON;
    loop {
        let mut rows = Vec::new();
        let mut path = "/api/v1/admin/audit".to_owned();
        loop {
            let page: AuditPage = json_of(server, &path, root).await;
            rows.extend(page.rows);
            let Some(next) = page.next else { break };
            path = format!("/api/v1/admin/audit?before={next}");
        }
        if rows.iter().any(&wanted) {
            return rows;
        }
        assert!(Instant::now() < until, "not in the audit: {rows:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until so many calls are over and in the log.
async fn finished(server: &Server, token: &str, calls: usize) {
    let until = Instant::now() + SOON;
    loop {
        let page: LogPage = json_of(server, "/api/v1/calls", token).await;
        let over = page.calls.iter().filter(|call| call.ended.is_some());
        if over.count() >= calls {
            return;
        }
        assert!(Instant::now() < until, "{page:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A request as it stands: a client of HTTP would tidy its path.
fn raw(port: u16, first_line: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    stream.set_read_timeout(Some(SOON)).expect("a deadline");
    let request = format!("{first_line}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}
