//! A small real server: it says what a test wants.

use crate::support::{snapshot, welcome};
use futures_util::{SinkExt as _, StreamExt as _};
use secrecy::SecretString;
use server_client::{Config, Link, LinkEvent, Trust};
use std::time::Duration;
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};
use wire::{ClientMessage, Plain, ServerAddress, ServerMessage};

/// Ten times what anything here takes on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    listener: TcpListener,
    pub(crate) address: ServerAddress,
}

/// One client's line as the server sees it.
pub(crate) struct Line {
    pub(crate) socket: WebSocketStream<TcpStream>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::at("127.0.0.1:0").await
    }

    pub(crate) async fn at(at: &str) -> Self {
        let listener = TcpListener::bind(at).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let url = format!("http://{address}");
        Self {
            listener,
            address: ServerAddress::parse(&url, Plain::Anywhere).expect("an address"),
        }
    }

    pub(crate) fn link(&self) -> Link {
        Link::new(self.config())
    }

    pub(crate) fn config(&self) -> Config {
        Config {
            server: self.address.clone(),
            tls: Trust::System,
            token: SecretString::from("t0ken"),
            client: crate::support::client(),
            interest: crate::support::interest(),
        }
    }

    pub(crate) async fn tcp(&self) -> TcpStream {
        let accepted = timeout(SOON, self.listener.accept()).await;
        accepted.expect("in time").expect("a client").0
    }

    /// A client that has said hello.
    pub(crate) async fn line(&self) -> Line {
        let socket = accept_async(self.tcp().await).await.expect("a WebSocket");
        let mut line = Line { socket };
        let hello = line.hear().await;
        assert_eq!(hello, crate::support::hello());
        line
    }

    /// A client that is in step after snapshot 1.
    pub(crate) async fn in_step(&self) -> Line {
        let mut line = self.line().await;
        line.say(&welcome()).await;
        line.say(&snapshot(1, vec![])).await;
        line
    }
}

impl Line {
    pub(crate) async fn say(&mut self, message: &ServerMessage) {
        let text = serde_json::to_string(message).expect("JSON");
        self.say_text(text).await;
    }

    pub(crate) async fn say_text(&mut self, text: impl Into<String>) {
        let message = Message::text(text.into());
        self.socket.send(message).await.expect("sent");
    }

    /// The next message that is no ping.
    pub(crate) async fn hear(&mut self) -> ClientMessage {
        loop {
            let heard = timeout(SOON, self.socket.next()).await.expect("in time");
            let Message::Text(text) = heard.expect("a message").expect("whole") else {
                continue;
            };
            let message = serde_json::from_str(&text).expect("a message of ours");
            if !matches!(message, ClientMessage::Ping { .. }) {
                return message;
            }
        }
    }
}

/// The next event of the link.
pub(crate) async fn next(link: &mut Link) -> LinkEvent {
    timeout(SOON, link.next()).await.expect("in time")
}

/// The events until one is taken; that is given.
pub(crate) async fn until<T>(link: &mut Link, take: impl Fn(&LinkEvent) -> Option<T>) -> T {
    loop {
        if let Some(taken) = take(&next(link).await) {
            return taken;
        }
    }
}

/// Waits for a snapshot.
pub(crate) async fn in_step(link: &mut Link) {
    until(link, |event| {
        matches!(event, LinkEvent::Snapshot(_)).then_some(())
    })
    .await;
}

/// Waits for the end of the line and gives its sentence.
pub(crate) async fn down(link: &mut Link) -> (String, Duration) {
    until(link, |event| match event {
        LinkEvent::Down { why, retry_in } => Some((why.to_string(), *retry_in)),
        LinkEvent::Connecting { .. }
        | LinkEvent::Up { .. }
        | LinkEvent::Snapshot(_)
        | LinkEvent::Changes(_)
        | LinkEvent::Reply { .. }
        | LinkEvent::Lag(_) => None,
        LinkEvent::Refused(failure) => panic!("{failure:?}"),
    })
    .await
}
