//! Enrolment over HTTP: what the server says, and who is no server.

use crate::{
    server::Server,
    support::{client, me},
};
use server_client::{Rest, RestError, Trust};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    join,
};
use wire::{
    ErrorCode, Failure, Token,
    rest::{DevicePoll, DevicePolled, Enrol, Enrolled},
};

#[tokio::test]
async fn a_code_is_traded_for_a_token() {
    let enrolled = Enrolled {
        token: Token("t0ken".into()),
        me: me(),
    };
    let body = serde_json::to_string(&enrolled).expect("JSON");
    let (question, answer) = asked(&json("200 OK", &body)).await;
    assert_eq!(answer.expect("enrolled"), enrolled);
    assert!(question.starts_with("POST /api/v1/enrol HTTP/1.1\r\nHost: 127.0.0.1:"));
    let (_, sent) = question.split_once("\r\n\r\n").expect("a body");
    assert_eq!(serde_json::from_str::<Enrol>(sent).expect("JSON"), enrol());
}

#[tokio::test]
async fn the_servers_no_is_told_in_its_words() {
    let failure = Failure::new(ErrorCode::NotFound, "This code was used already.");
    let body = serde_json::to_string(&failure).expect("JSON");
    let (_, answer) = asked(&json("404 Not Found", &body)).await;
    let error = answer.expect_err("refused");
    assert_eq!(error.to_string(), "This code was used already");
    assert!(matches!(error, RestError::Failed(told) if told == failure));
}

#[tokio::test]
async fn whoever_else_answers_is_named() {
    for (answer, words) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"
                .to_owned(),
            "this is not a Sidetone server: it answered with a web page",
        ),
        (
            "HTTP/1.1 301 Moved\r\nLocation: https://evil.example\r\nContent-Length: 0\r\n\r\n"
                .into(),
            "sends elsewhere",
        ),
        (
            "SSH-2.0-OpenSSH_9.2\r\n".into(),
            "does not answer like a web server",
        ),
        (json("200 OK", "{}"), "nothing that is understood"),
        (json("502 Bad Gateway", ""), "in trouble"),
    ] {
        let (_, told) = asked(&answer).await;
        let told = told.expect_err("no server").to_string();
        let said = told.replace(&told_address(&told), "it");
        assert!(said.contains(words), "{told}");
    }
}

#[tokio::test]
async fn a_sign_in_elsewhere_is_asked_for_until_it_is_done() {
    let server = Server::start().await;
    let rest = Rest::new(server.address.clone(), Trust::System);
    let poll = DevicePoll {
        handle: Token("h".into()),
    };
    let answer = json("200 OK", r#"{"state":"pending"}"#);
    let (question, polled) = join!(serve(&server, &answer), rest.poll_device(&poll));
    assert_eq!(polled.expect("an answer"), DevicePolled::Pending);
    assert!(question.starts_with("POST /api/v1/signin/device/poll "));
}

/// The `127.0.0.1:1234` in a sentence.
fn told_address(words: &str) -> String {
    let address = words.split(' ').find(|word| word.starts_with("127.0.0.1:"));
    address.unwrap_or("127.0.0.1:").to_owned()
}

fn enrol() -> Enrol {
    Enrol {
        code: "7KQ2-MXNP".into(),
        device: "Anna's laptop".into(),
        client: client(),
    }
}

async fn asked(answer: &str) -> (String, Result<Enrolled, RestError>) {
    let server = Server::start().await;
    let rest = Rest::new(server.address.clone(), Trust::System);
    let enrol = enrol();
    join!(serve(&server, answer), rest.enrol(&enrol))
}

async fn serve(server: &Server, answer: &str) -> String {
    let mut tcp = server.tcp().await;
    let mut question = Vec::new();
    while !question.ends_with(b"}") {
        let read = tcp.read_buf(&mut question).await.expect("a question");
        assert_ne!(read, 0, "half a question");
    }
    tcp.write_all(answer.as_bytes()).await.expect("written");
    String::from_utf8(question).expect("text")
}

fn json(status: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}
