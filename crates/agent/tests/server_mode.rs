//! The program in server mode, against a small real server: enrolment, the line, signing out.
//!
//! There is no keychain here, so the token lives for one run.
#![cfg(unix)]

mod home;

use futures_util::{SinkExt as _, StreamExt as _};
use home::{Home, LIMIT, pause, text};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{accept_async, tungstenite::Message};
use wire::rest::{Enrol, Enrolled};
use wire::{
    ClientMessage, ErrorCode, Fact, Failure, Me, PbxLine, Phone, Request, Rights, Role,
    ServerMessage, Token, VERSION,
};

const TOKEN: &str = "t0ken-that-nobody-may-see";
const CODE: &str = "7KQ2-MXNP";

#[test]
fn a_code_connects_the_desktop_and_signing_out_forgets_it() {
    let server = Server::start();
    let home = Home::new();
    let mut agent = home.start();

    let wrong = home.run(&["enrol", "WRONG", "--server", &server.url()]);
    assert_eq!(wrong.status.code(), Some(4), "{wrong:?}");
    assert!(
        text(&wrong.stderr).contains("unknown or was used"),
        "{wrong:?}"
    );
    assert_eq!(home.status()["server"], serde_json::Value::Null);

    let enrolled = home.run(&["enrol", CODE, "--server", &server.url()]);
    assert_eq!(enrolled.status.code(), Some(0), "{enrolled:?}");
    let said = text(&enrolled.stdout);
    assert!(
        said.contains("127.0.0.1") && said.contains("Anna, extension 101"),
        "{said}"
    );

    wait(&home, |status| status["connection"]["state"] == "connected");
    let status = home.status();
    assert_eq!(status["me"]["extension"], "101");
    assert_eq!(status["server"]["server"], "Small server 1");
    assert!(text(&home.run(&["status"]).stdout).contains("Server: 127.0.0.1"));

    let dialled = home.run(&["dial", "8 916 123-45-67"]);
    assert_eq!(dialled.status.code(), Some(0), "{dialled:?}");
    assert_eq!(server.asked(), "+79161234567");

    assert_eq!(home.run(&["sign-out"]).status.code(), Some(0));
    let status = home.status();
    assert_eq!(status["server"], serde_json::Value::Null);
    assert_eq!(status["connection"]["state"], "not_set_up");
    assert_eq!(home.run(&["sign-out"]).status.code(), Some(4));

    assert_eq!(home.run(&["quit"]).status.code(), Some(0));
    assert!(home.wait(&mut agent).success());
    nothing_secret_is_written(&home);
}

#[test]
fn a_link_of_a_page_asks_and_does_nothing_by_itself() {
    let server = Server::start();
    let home = Home::new();
    let mut agent = home.start();
    let link = format!("sidetone://enrol/{}/{CODE}?http", server.at);
    let asked = home.run(&[&link]);
    assert_eq!(asked.status.code(), Some(0), "{asked:?}");
    assert!(text(&asked.stdout).contains("asks first"), "{asked:?}");
    assert_eq!(home.status()["server"], serde_json::Value::Null);
    for hostile in [
        "sidetone://enrol/evil.example/abcd?http",
        "sidetone://enrol/good.example@evil.example/abcd",
        "sidetone://enrol/pbx.example/../abcd",
        "sidetone:quit",
    ] {
        let refused = home.run(&[hostile]);
        assert_eq!(refused.status.code(), Some(4), "{hostile} {refused:?}");
    }
    assert_eq!(home.run(&["quit"]).status.code(), Some(0));
    assert!(home.wait(&mut agent).success());
}

#[test]
fn a_revoked_desktop_says_so_and_can_be_connected_again() {
    let server = Server::start();
    let home = Home::new();
    let mut agent = home.start();
    let enrol = || home.run(&["enrol", CODE, "--server", &server.url()]);
    assert_eq!(enrol().status.code(), Some(0));
    wait(&home, |status| status["connection"]["state"] == "connected");
    server.revoke();
    wait(&home, |status| {
        status["connection"]["state"] == "not_set_up"
    });
    let words = home.status()["connection"]["words"].to_string();
    assert!(
        words.contains("does not take this desktop any more"),
        "{words}"
    );
    assert_eq!(enrol().status.code(), Some(0));
    wait(&home, |status| status["connection"]["state"] == "connected");
    assert_eq!(home.run(&["quit"]).status.code(), Some(0));
    assert!(home.wait(&mut agent).success());
}

#[test]
fn whoever_is_no_server_is_named() {
    let home = Home::new();
    let mut agent = home.start();
    let nobody = home.run(&["enrol", CODE, "--server", "http://127.0.0.1:9"]);
    assert_eq!(nobody.status.code(), Some(4), "{nobody:?}");
    assert!(
        text(&nobody.stderr).contains("Nothing listens at 127.0.0.1:9"),
        "{nobody:?}"
    );
    assert_eq!(home.run(&["quit"]).status.code(), Some(0));
    assert!(home.wait(&mut agent).success());
}

fn wait(home: &Home, accept: impl Fn(&serde_json::Value) -> bool) {
    let until = Instant::now() + LIMIT;
    loop {
        let status = home.status();
        if accept(&status) {
            return;
        }
        assert!(Instant::now() < until, "{status}");
        pause();
    }
}

/// Neither in the settings nor in the log nor anywhere else.
fn nothing_secret_is_written(home: &Home) {
    let mut folders = vec![home.path().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                files += 1;
                let text = String::from_utf8_lossy(&bytes);
                for secret in [TOKEN, CODE, "9161234567"] {
                    assert!(!text.contains(secret), "{} holds {secret}", path.display());
                }
            }
        }
    }
    assert!(files >= 2, "settings and a log");
}

/// Enrols whoever has the code, tells one phone system and says done to every request.
struct Server {
    at: SocketAddr,
    dialled: Receiver<String>,
    revoke: tokio::sync::broadcast::Sender<()>,
}

impl Server {
    fn start() -> Self {
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

    fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// The next number that was asked for.
    fn asked(&self) -> String {
        self.dialled.recv_timeout(LIMIT).expect("a dial")
    }

    fn revoke(&self) {
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
