//! A client written against the protocol's text, not against our own client.

use crate::firm::SOON;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};
use wire::{Answer, Call, CallState, Dial, Extension, Interest, Names};

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A client and what it knows.
pub(crate) struct Client {
    pub(crate) socket: Socket,
    pub(crate) seq: u64,
    pub(crate) facts: BTreeMap<String, Value>,
    pub(crate) replies: BTreeMap<String, Value>,
    /// Every message as it came.
    pub(crate) heard: String,
    next: u32,
}

pub(crate) fn everything() -> Interest {
    Interest {
        extensions: Names::All,
        queues: Names::All,
        parked: true,
        missed: true,
    }
}

pub(crate) async fn open(
    port: u16,
    origin: Option<&str>,
) -> Result<Socket, tokio_tungstenite::tungstenite::Error> {
    let mut request = format!("ws://127.0.0.1:{port}/api/v1/socket")
        .into_client_request()
        .expect("a request");
    if let Some(origin) = origin {
        request
            .headers_mut()
            .insert("origin", origin.parse().expect("an origin"));
    }
    connect_async(request).await.map(|(socket, _)| socket)
}

pub(crate) fn hello(token: &str, interest: &Interest) -> Value {
    json!({
        "type": "hello", "version": 1, "token": token,
        "client": { "program": "test", "version": "1", "platform": "linux" },
        "interest": interest,
    })
}

impl Client {
    pub(crate) async fn connect(port: u16, token: &str, interest: Interest) -> Self {
        let mut client = Self {
            socket: open(port, None).await.expect("a socket"),
            seq: 0,
            facts: BTreeMap::new(),
            replies: BTreeMap::new(),
            heard: String::new(),
            next: 0,
        };
        client.send(&hello(token, &interest)).await;
        let welcome = client.read().await;
        assert_eq!(welcome["type"], "welcome", "{welcome}");
        client.until("a snapshot", |client| client.seq > 0).await;
        client
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        let sent = self.socket.send(Message::text(message.to_string())).await;
        sent.expect("sent");
    }

    pub(crate) async fn read(&mut self) -> Value {
        loop {
            let message = timeout(SOON, self.socket.next()).await;
            let message = message.expect("a message in time").expect("a line");
            if let Message::Text(text) = message.expect("a message") {
                self.heard.push_str(&text);
                return serde_json::from_str(&text).expect("JSON");
            }
        }
    }

    /// Takes messages until something is so.
    pub(crate) async fn until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let wait = async {
            while !is_so(self) {
                let message = self.read().await;
                self.take(message);
            }
        };
        if timeout(SOON, wait).await.is_err() {
            panic!("not {what}: {:#?}", self.facts);
        }
    }

    fn take(&mut self, message: Value) {
        match message["type"].as_str().expect("a type") {
            kind @ ("snapshot" | "changes") => {
                let seq = message["seq"].as_u64().expect("a number");
                assert_eq!(seq, self.seq + 1, "numbers have no gap");
                self.seq = seq;
                if kind == "snapshot" {
                    self.facts.clear();
                }
                for fact in message["facts"].as_array().expect("facts") {
                    let key = fact["key"].as_str().unwrap_or_default();
                    let key = format!("{} {key}", fact["fact"].as_str().expect("a kind"));
                    if fact["value"].is_null() {
                        self.facts.remove(&key);
                    } else {
                        self.facts.insert(key, fact["value"].clone());
                    }
                }
            }
            "reply" => {
                let id = message["id"].as_str().expect("an id").to_owned();
                self.replies.insert(id, message);
            }
            "pong" => {}
            other => panic!("{other}: {message}"),
        }
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask(&mut self, request: Value) -> Answer {
        self.next += 1;
        let id = format!("r{}", self.next);
        self.ask_as(&id, request).await
    }

    pub(crate) async fn ask_as(&mut self, id: &str, request: Value) -> Answer {
        self.send(&json!({ "type": "request", "id": id, "request": request }))
            .await;
        self.replies.remove(id);
        self.until("answered", |client| client.replies.contains_key(id))
            .await;
        let reply = self.replies.remove(id).expect("a reply");
        serde_json::from_value(reply).expect("an answer")
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.of("call ")
    }

    pub(crate) fn dials(&self) -> Vec<Dial> {
        self.of("dial ")
    }

    pub(crate) fn lamp(&self, extension: &str) -> Option<Extension> {
        let value = self.facts.get(&format!("extension {extension}@main"))?;
        serde_json::from_value(value.clone()).ok()
    }

    pub(crate) fn is_up(&self) -> bool {
        self.facts
            .get("pbx main")
            .is_some_and(|line| line["line"] == "up")
    }

    pub(crate) fn of<T: serde::de::DeserializeOwned>(&self, kind: &str) -> Vec<T> {
        let facts = self.facts.iter().filter(|(key, _)| key.starts_with(kind));
        facts
            .map(|(_, value)| serde_json::from_value(value.clone()).expect("a fact"))
            .collect()
    }

    pub(crate) fn states(&self) -> Vec<CallState> {
        self.calls().into_iter().map(|call| call.state).collect()
    }
}
