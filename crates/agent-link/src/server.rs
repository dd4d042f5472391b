//! The agent's end: one agent for each user session, a few clients, bounded everywhere.

use crate::frame::{self, FROM_CLIENT, FrameError};
use crate::{Place, PlaceError, socket};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWriteExt as _, BufReader, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use view::{AgentMessage, ClientMessage, Hello, Refusal, RefusalCode, Reply, Role};

/// More clients at once are turned away: a desk has one window program and a few scripts.
const CLIENTS: usize = 32;
/// Messages on their way to one client. Who is further behind is cut off; windows come back and get a snapshot.
const OUTBOX: usize = 256;
const EVENTS: usize = 256;
const HELLO: Duration = Duration::from_secs(2);
const WRITE: Duration = Duration::from_secs(5);
const FAREWELL: Duration = Duration::from_millis(500);

/// A connection, never used again after it.
pub type ClientId = u64;

/// The agent's socket and the lock that makes it the only agent of this user session.
#[derive(Debug)]
pub struct Server {
    events: mpsc::Receiver<Incoming>,
    clients: BTreeMap<ClientId, mpsc::Sender<Arc<[u8]>>>,
    accepting: tokio::task::JoinHandle<()>,
    place: Place,
    /// Released last, after the socket is gone.
    _lock: File,
}

/// What clients do.
#[derive(Debug)]
pub enum ServerEvent {
    Connected {
        client: ClientId,
        role: Role,
    },
    Request {
        client: ClientId,
        message: ClientMessage,
    },
    Gone {
        client: ClientId,
    },
}

/// Why this program is not the agent.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("Sidetone is already running")]
    Running,
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error("cannot open the agent's socket")]
    Io(#[from] io::Error),
}

#[derive(Debug)]
enum Incoming {
    Connected {
        client: ClientId,
        role: Role,
        outbox: mpsc::Sender<Arc<[u8]>>,
    },
    Request {
        client: ClientId,
        message: ClientMessage,
    },
    Gone {
        client: ClientId,
    },
}

impl Server {
    /// Becomes the agent. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`BindError::Running`] where another holds the lock.
    pub fn bind(place: &Place) -> Result<Self, BindError> {
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(place.lock())?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BindError::Running),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let listener = socket::Listener::bind(place)?;
        let (sender, events) = mpsc::channel(EVENTS);
        let accepting = tokio::spawn(accept(listener, sender));
        Ok(Self {
            events,
            clients: BTreeMap::new(),
            accepting,
            place: place.clone(),
            _lock: lock,
        })
    }

    /// What happens next. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<ServerEvent> {
        match self.events.recv().await? {
            Incoming::Connected {
                client,
                role,
                outbox,
            } => {
                self.clients.insert(client, outbox);
                Some(ServerEvent::Connected { client, role })
            }
            Incoming::Request { client, message } => Some(ServerEvent::Request { client, message }),
            Incoming::Gone { client } => {
                self.clients.remove(&client);
                Some(ServerEvent::Gone { client })
            }
        }
    }

    /// Sends without waiting. A client that does not read is cut off, and its [`ServerEvent::Gone`] follows.
    pub fn send(&mut self, client: ClientId, message: &AgentMessage) {
        let Some(outbox) = self.clients.get(&client) else {
            return;
        };
        let line: Arc<[u8]> = match frame::encode(message) {
            Ok(line) => line.into(),
            Err(error) => return tracing::error!(%error, "message not written"),
        };
        if outbox.try_send(line).is_err() {
            self.clients.remove(&client);
        }
    }

    /// Takes no more clients and ends when what was sent has been written, at most half a second later.
    pub async fn close(mut self) {
        self.accepting.abort();
        self.clients.clear();
        let written = async { while self.events.recv().await.is_some() {} };
        let _ = tokio::time::timeout(FAREWELL, written).await;
    }

    /// Cuts a client off; its [`ServerEvent::Gone`] follows.
    pub fn cut_off(&mut self, client: ClientId) {
        self.clients.remove(&client);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        socket::remove(&self.place);
    }
}

async fn accept(listener: socket::Listener, events: mpsc::Sender<Incoming>) {
    let places = Arc::new(tokio::sync::Semaphore::new(CLIENTS));
    for client in 1.. {
        let stream = match listener.accept().await {
            Ok(stream) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: the others must be able to finish.
                tracing::warn!(%error, "a client could not be taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let events = events.clone();
        tokio::spawn(async move {
            serve(client, stream, &events).await;
            drop(place);
        });
    }
}

/// One client from its hello to its end.
async fn serve(client: ClientId, stream: socket::Stream, events: &mpsc::Sender<Incoming>) {
    let (read, mut write) = tokio::io::split(stream);
    let mut reader = BufReader::with_capacity(4096, read);
    let mut line = Vec::new();
    let role = match tokio::time::timeout(HELLO, hello(&mut reader, &mut line)).await {
        Ok(Ok(role)) => role,
        Ok(Err(words)) => return refuse(&mut write, words).await,
        Err(_) => return,
    };
    let (outbox, letters) = mpsc::channel(OUTBOX);
    if events
        .send(Incoming::Connected {
            client,
            role,
            outbox,
        })
        .await
        .is_err()
    {
        return;
    }
    let said = tokio::select! {
        said = receive(client, &mut reader, &mut line, events) => said,
        () = deliver(letters, &mut write) => Ok(()),
    };
    let _ = events.send(Incoming::Gone { client }).await;
    if let Err(error) = said {
        tracing::warn!(client, %error, "client cut off");
        refuse(&mut write, &error.to_string()).await;
    }
}

async fn hello(
    reader: &mut BufReader<ReadHalf<socket::Stream>>,
    line: &mut Vec<u8>,
) -> Result<Role, &'static str> {
    let first = frame::next_line(reader, line, FROM_CLIENT).await;
    let Ok(Some(first)) = first else {
        return Err("the first message must be a hello");
    };
    let hello: Hello = frame::decode(first).map_err(|_| "the first message must be a hello")?;
    if hello.version == Hello::VERSION {
        Ok(hello.role)
    } else {
        Err("this is another version of Sidetone; start it again")
    }
}

/// Ends when the client has gone; fails when it says something that is not understood.
async fn receive(
    client: ClientId,
    reader: &mut BufReader<ReadHalf<socket::Stream>>,
    line: &mut Vec<u8>,
    events: &mpsc::Sender<Incoming>,
) -> Result<(), FrameError> {
    loop {
        let message = match frame::next_line(reader, line, FROM_CLIENT).await {
            Ok(Some(line)) => frame::decode(line)?,
            Ok(None) | Err(FrameError::Io(_)) => return Ok(()),
            Err(error @ (FrameError::TooLong(_) | FrameError::Malformed(_))) => return Err(error),
        };
        let request = Incoming::Request { client, message };
        if events.send(request).await.is_err() {
            return Ok(());
        }
    }
}

/// Ends when the client takes nothing, or the server has dropped its end: what is queued is written first.
async fn deliver(mut letters: mpsc::Receiver<Arc<[u8]>>, write: &mut WriteHalf<socket::Stream>) {
    while let Some(letter) = letters.recv().await {
        match tokio::time::timeout(WRITE, write.write_all(&letter)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

async fn refuse(write: &mut WriteHalf<socket::Stream>, words: &str) {
    let refusal = Refusal {
        code: RefusalCode::BadRequest,
        words: words.to_owned(),
    };
    let message = AgentMessage::Reply {
        id: 0,
        reply: Reply::Refused(refusal),
    };
    if let Ok(line) = frame::encode(&message) {
        let _ = tokio::time::timeout(WRITE, write.write_all(&line)).await;
    }
}
