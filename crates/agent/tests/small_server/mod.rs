//! A small real server: enrols whoever has its code, tells of one phone system and does what it is asked.
#![allow(dead_code)] // each test program takes what it needs

use futures_util::{SinkExt as _, StreamExt as _};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{accept_async, tungstenite::Message};
use wire::rest::{Enrol, Enrolled};
use wire::{
    ClientMessage, ErrorCode, Fact, Failure, Me, PbxLine, Phone, Request, Rights, Role,
    ServerMessage, Token, VERSION,
};

pub(crate) const TOKEN: &str = "t0ken-that-nobody-may-see";
pub(crate) const CODE: &str = "7KQ2-MXNP";
const LIMIT: Duration = Duration::from_secs(20);

/// Enrols whoever has the code, tells one phone system and says done to every request.
pub(crate) struct Server {
    pub(crate) at: SocketAddr,
    dialled: Receiver<String>,
    revoke: tokio::sync::broadcast::Sender<()>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let (place, placed) = channel();
        let (dial, dialled) = channel();
        let (revoke, _) = tokio::sync::broadcast::channel(1);
        let revoked = revoke.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                place.send(listener.local_addr().expect("an address")).ok();
                loop {
                    let (stream, _) = listener.accept().await.expect("a client");
                    tokio::spawn(serve(stream, dial.clone(), revoked.subscribe()));
                }
            });
        });
        let at = placed.recv_timeout(LIMIT).expect("it starts");
        Self {
            at,
            dialled,
            revoke,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// The next number that was asked for.
    pub(crate) fn asked(&self) -> String {
        self.dialled.recv_timeout(LIMIT).expect("a dial")
    }

    pub(crate) fn revoke(&self) {
        self.revoke.send(()).expect("a client");
    }
}

async fn serve(
    stream: TcpStream,
    dial: Sender<String>,
    revoked: tokio::sync::broadcast::Receiver<()>,
) {
    let mut first = [0];
    match stream.peek(&mut first).await {
        Ok(1) if &first == b"P" => enrol(stream).await,
        Ok(_) => line(stream, dial, revoked).await,
        Err(_) => {}
    }
}

async fn enrol(mut stream: TcpStream) {
    let mut question = Vec::new();
    while !question.ends_with(b"}") {
        if stream.read_buf(&mut question).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let question = String::from_utf8(question).expect("text");
    let (_, body) = question.split_once("\r\n\r\n").expect("a body");
    let asked: Enrol = serde_json::from_str(body).expect("an Enrol");
    assert!(!asked.device.is_empty());
    let (status, body) = if asked.code == CODE {
        let token = Token(TOKEN.into());
        (
            "200 OK",
            serde_json::to_string(&Enrolled { token, me: me() }),
        )
    } else {
        let failure = Failure::new(ErrorCode::NotFound, "This code is unknown or was used.");
        ("404 Not Found", serde_json::to_string(&failure))
    };
    let body = body.expect("JSON");
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await.ok();
}

async fn line(
    stream: TcpStream,
    dial: Sender<String>,
    mut revoked: tokio::sync::broadcast::Receiver<()>,
) {
    let mut socket = accept_async(stream).await.expect("a WebSocket");
    loop {
        let heard = tokio::select! {
            heard = socket.next() => heard,
            _ = revoked.recv() => {
                let failure = Failure::new(ErrorCode::Unauthenticated, "The device was removed.");
                let text = serde_json::to_string(&ServerMessage::Goodbye(failure)).expect("JSON");
                socket.send(Message::text(text)).await.ok();
                return;
            }
        };
        let Some(Ok(Message::Text(text))) = heard else {
            return;
        };
        let message = serde_json::from_str(&text).expect("a message");
        for answer in answers(message, &dial) {
            let text = serde_json::to_string(&answer).expect("JSON");
            if socket.send(Message::text(text)).await.is_err() {
                return;
            }
        }
    }
}

fn answers(message: ClientMessage, dial: &Sender<String>) -> Vec<ServerMessage> {
    match message {
        ClientMessage::Hello { token, .. } => {
            assert_eq!(token, Token(TOKEN.into()));
            vec![
                ServerMessage::Welcome {
                    version: VERSION,
                    server: "Small server 1".into(),
                    me: me(),
                    now: 0,
                },
                snapshot(),
            ]
        }
        ClientMessage::Ping { n } => vec![ServerMessage::Pong { n }],
        ClientMessage::Follow { .. } | ClientMessage::Resync => vec![snapshot()],
        ClientMessage::Request { id, request } => {
            if let Request::Dial { text } = request {
                dial.send(text).ok();
            }
            let answer = wire::Answer::Done;
            vec![ServerMessage::Reply { id, answer }]
        }
    }
}

fn snapshot() -> ServerMessage {
    let line = PbxLine::Up {
        version: "Asterisk 22".into(),
        lag_ms: Some(1),
        since: 0,
    };
    let phone = Phone {
        registered: Some(true),
        ..Phone::default()
    };
    ServerMessage::Snapshot {
        seq: 1,
        facts: vec![
            Fact::Pbx {
                key: "main".into(),
                value: Some(line),
            },
            Fact::Phone { value: phone },
        ],
    }
}

fn me() -> Me {
    Me {
        user: "u1".into(),
        login: "anna".into(),
        name: "Anna".into(),
        role: Role::Agent,
        pbx: Some("main".into()),
        extension: Some("101".into()),
        rights: Rights::default(),
        dial_plan: Some(wire::DialPlan {
            country: "RU".into(),
            area_code: String::new(),
            outside_prefix: String::new(),
            international_prefix: String::new(),
            national_prefix: String::new(),
            internal_length: wire::InternalLength { min: 3, max: 3 },
            send_as: wire::SendAs::E164,
            rules: Vec::new(),
        }),
    }
}
