//! The other end: an Asterisk that says what a test tells it to.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use ami_client::{Connecting, Connector, Io, LinkConfig, LinkError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::mpsc,
    time::timeout,
};

pub(crate) const BANNER: &str = "Asterisk Call Manager/11.0.0\r\n";

/// One connection, seen from Asterisk.
pub(crate) struct FakeAmi<S> {
    stream: S,
    heard: Vec<u8>,
}

/// An action that arrived.
#[derive(Debug)]
pub(crate) struct Heard(String);

impl Heard {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.0
            .lines()
            .find_map(|line| line.split_once(": ").filter(|(key, _)| *key == name))
            .map_or("", |(_, value)| value)
    }

    pub(crate) fn name(&self) -> &str {
        self.header("Action")
    }
}

impl<S: Io> FakeAmi<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            heard: Vec::new(),
        }
    }

    /// Says it to a client that may have gone, as Asterisk does.
    pub(crate) async fn say(&mut self, text: &str) {
        self.say_bytes(text.as_bytes()).await;
    }

    pub(crate) async fn say_bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
        let _ = self.stream.flush().await;
    }

    /// The next action; `None` when the client has gone.
    pub(crate) async fn hear(&mut self) -> Option<Heard> {
        let mut chunk = [0; 4_096];
        loop {
            if let Some(end) = self.heard.windows(4).position(|four| four == b"\r\n\r\n") {
                let action = self.heard.drain(..end + 4).collect();
                return Some(Heard(String::from_utf8(action).unwrap()));
            }
            let read = timeout(Duration::from_secs(900), self.stream.read(&mut chunk));
            match read
                .await
                .expect("the client says something within the deadline")
            {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.heard.extend_from_slice(&chunk[..count]),
            }
        }
    }

    pub(crate) async fn answer(&mut self, action: &Heard, response: &str, headers: &str) {
        let id = action.header("ActionID");
        self.say(&format!(
            "Response: {response}\r\nActionID: {id}\r\n{headers}\r\n"
        ))
        .await;
    }

    /// Lets the client in, whichever way it signs in.
    pub(crate) async fn let_in(&mut self) -> Heard {
        self.say(BANNER).await;
        loop {
            let action = self.hear().await.expect("the client signs in");
            if action.name() == "Challenge" {
                self.answer(&action, "Success", "Challenge: 975867129\r\n")
                    .await;
                continue;
            }
            assert_eq!(action.name(), "Login");
            self.answer(&action, "Success", "Message: Authentication accepted\r\n")
                .await;
            return action;
        }
    }

    /// Answers pings, and everything else with success, until the client goes.
    pub(crate) async fn serve(mut self) -> Vec<Heard> {
        let mut heard = Vec::new();
        while let Some(action) = self.hear().await {
            self.answer(&action, "Success", "").await;
            heard.push(action);
        }
        heard
    }

    pub(crate) fn into_stream(self) -> S {
        self.stream
    }
}

/// A network in memory. Each connection of the link comes out of [`accept`](Self::accept).
pub(crate) struct FakeNet {
    arrivals: mpsc::Receiver<DuplexStream>,
    weather: Arc<Mutex<Weather>>,
}

/// How connections go.
#[derive(Clone, Copy)]
pub(crate) enum Weather {
    Fine,
    Refusing,
    Hanging,
}

pub(crate) struct FakeConnector {
    departures: mpsc::Sender<DuplexStream>,
    weather: Arc<Mutex<Weather>>,
    buffer: usize,
}

impl FakeNet {
    pub(crate) fn new() -> (Self, FakeConnector) {
        Self::with_buffer(64 * 1024)
    }

    /// A network that carries at most `buffer` bytes at a time.
    pub(crate) fn with_buffer(buffer: usize) -> (Self, FakeConnector) {
        let (departures, arrivals) = mpsc::channel(100);
        let weather = Arc::new(Mutex::new(Weather::Fine));
        let net = Self {
            arrivals,
            weather: Arc::clone(&weather),
        };
        let connector = FakeConnector {
            departures,
            weather,
            buffer,
        };
        (net, connector)
    }

    pub(crate) async fn accept(&mut self) -> FakeAmi<DuplexStream> {
        let arrival = timeout(Duration::from_secs(900), self.arrivals.recv()).await;
        FakeAmi::new(
            arrival
                .expect("the link connects within the deadline")
                .unwrap(),
        )
    }

    pub(crate) fn set(&self, weather: Weather) {
        *self.weather.lock().unwrap() = weather;
    }
}

impl Connector for FakeConnector {
    fn connect(&mut self, config: &LinkConfig) -> Connecting {
        let weather = *self.weather.lock().unwrap();
        let (host, port) = (config.host.clone(), config.port);
        let (near, far) = duplex(self.buffer);
        let departures = self.departures.clone();
        Box::pin(async move {
            match weather {
                Weather::Fine => {
                    departures.send(far).await.unwrap();
                    Ok(Box::new(near) as Box<dyn Io>)
                }
                Weather::Refusing => Err(LinkError::Refused { host, port }),
                Weather::Hanging => std::future::pending().await,
            }
        })
    }
}
