//! One client's WebSocket: hello, then whatever its mailbox holds.

use crate::{
    app::App,
    hub::{Ask, ClientId, Newcomer},
    mailbox::{Mailbox, Text, Waiting},
};
use axum::extract::ws::{Message, WebSocket};
use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};
use tokio::time::{sleep_until, timeout};
use wire::{ClientMessage, ErrorCode, Failure, ServerMessage, VERSION};

/// The hello has to come within this.
const HELLO: Duration = Duration::from_secs(10);
/// A client that takes nothing for so long is dropped; what it followed waits for it in a snapshot.
const WRITE: Duration = Duration::from_secs(10);
/// Without a word from the client it is asked whether it is there; without an answer to that it is dropped.
const QUIET: Duration = Duration::from_secs(20);
/// The longest message that a client may send.
pub(crate) const LONGEST: usize = 64 * 1024;
/// Texts are sent in messages of about this size, so that no connection keeps a large buffer.
const PART: usize = 4 * 1024;
/// Messages of a client: so many at once, and so many a second.
const BURST: u32 = 200;
const PACE: u32 = 50;

/// Reads of one client, counted so that none can keep the server busy.
struct Allowance {
    left: u32,
    since: Instant,
}

/// Serves one client until its line ends.
pub(crate) async fn serve(app: Arc<App>, mut socket: WebSocket, address: IpAddr) {
    // On the heap for as long as it takes: with the store's futures in it, it would make every connection larger.
    let joined = match Box::pin(greet(&app, &mut socket, address)).await {
        Ok(joined) => joined,
        Err(failure) => {
            tracing::debug!(%address, code = ?failure.code, "no hello");
            goodbye(&mut socket, failure).await;
            return;
        }
    };
    let (client, mailbox) = (joined.client, joined.mailbox.clone());
    if let Err(failure) = converse(&app, &mut socket, &joined).await {
        if failure.code == ErrorCode::TooSlow {
            app.counters.dropped.fetch_add(1, Relaxed);
        }
        tracing::debug!(client_id = client.0, code = ?failure.code, "dropped");
        goodbye(&mut socket, failure).await;
    }
    drop(mailbox);
    let _ = app.hub.tell(Ask::Leave(client)).await;
}

struct Greeted {
    client: ClientId,
    person: Arc<str>,
    address: Arc<str>,
    mailbox: Arc<Mailbox>,
}

async fn greet(app: &App, socket: &mut WebSocket, address: IpAddr) -> Result<Greeted, Failure> {
    let first = timeout(HELLO, socket.recv()).await;
    let Ok(Some(Ok(Message::Text(text)))) = first else {
        let words = "The first message is a hello, as text and within ten seconds.";
        return Err(Failure::new(ErrorCode::BadRequest, words));
    };
    let ClientMessage::Hello {
        version,
        token,
        client,
        interest,
    } = read(&text)?
    else {
        return Err(Failure::new(
            ErrorCode::BadRequest,
            "The first message is a hello.",
        ));
    };
    if version != VERSION {
        let words = format!("This server speaks version {VERSION} of the protocol, not {version}.");
        return Err(Failure::new(ErrorCode::Version, words));
    }
    let signed = app.authenticate(&token.0, address).await?;
    let mailbox = Arc::new(Mailbox::default());
    let joined = app
        .hub
        .join(Newcomer {
            person: signed.person.clone(),
            device: signed.device,
            mailbox: mailbox.clone(),
            interest,
        })
        .await?;
    let program: String = client.program.chars().take(32).collect();
    tracing::info!(client_id = joined.client.0, login = %signed.user.login, program, "client signed in");
    app.counters.sign_ins.fetch_add(1, Relaxed);
    let welcome = ServerMessage::Welcome {
        version: VERSION,
        server: format!("{} {}", app.config.name, env!("CARGO_PKG_VERSION")),
        me: joined.me,
        now: joined.now,
    };
    let sent = timeout(WRITE, socket.send(Message::text(json(&welcome)))).await;
    if !matches!(sent, Ok(Ok(()))) {
        let _ = app.hub.tell(Ask::Leave(joined.client)).await;
        return Err(too_slow());
    }
    Ok(Greeted {
        client: joined.client,
        person: signed.person,
        address: signed.address,
        mailbox,
    })
}

async fn converse(app: &App, socket: &mut WebSocket, greeted: &Greeted) -> Result<(), Failure> {
    let mut seq = 0;
    let mut heard = Instant::now();
    let mut asked = false;
    let mut allowance = Allowance {
        left: BURST,
        since: heard,
    };
    // Set again only when it fires: a timer for each message would cost as much as the message.
    let quiet = sleep_until((heard + QUIET).into());
    tokio::pin!(quiet);
    loop {
        tokio::select! {
            message = socket.recv() => {
                heard = Instant::now();
                asked = false;
                match message {
                    Some(Ok(Message::Text(text))) => {
                        allowance.take(heard)?;
                        take(app, socket, greeted, &text).await?;
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => allowance.take(heard)?,
                    Some(Ok(Message::Binary(_))) => {
                        let words = "Messages are text.";
                        return Err(Failure::new(ErrorCode::BadRequest, words));
                    }
                    Some(Ok(Message::Close(_))) | None => return Ok(()),
                    Some(Err(error)) => return Err(unreadable(&error)),
                }
            }
            () = greeted.mailbox.ready() => {
                send(app, socket, greeted.mailbox.take(), &mut seq).await?;
            }
            () = &mut quiet => {
                let due = heard + QUIET * if asked { 2 } else { 1 };
                if Instant::now() < due {
                    quiet.as_mut().reset(due.into());
                    continue;
                }
                if asked {
                    return Err(too_slow());
                }
                asked = true;
                quiet.as_mut().reset((heard + QUIET * 2).into());
                write(socket, Message::Ping(axum::body::Bytes::new())).await?;
            }
        }
    }
}

async fn take(
    app: &App,
    socket: &mut WebSocket,
    greeted: &Greeted,
    text: &str,
) -> Result<(), Failure> {
    match read(text)? {
        ClientMessage::Hello { .. } => {
            Err(Failure::new(ErrorCode::BadRequest, "One hello is enough."))
        }
        ClientMessage::Ping { n } => {
            write(socket, Message::text(json(&ServerMessage::Pong { n }))).await
        }
        ClientMessage::Follow { interest } => {
            app.hub
                .tell(Ask::Follow(greeted.client, Box::new(interest)))
                .await
        }
        ClientMessage::Resync => app.hub.tell(Ask::Resync(greeted.client)).await,
        ClientMessage::Request { id, request } => {
            app.hub
                .tell(Ask::wish(
                    greeted.client,
                    &greeted.person,
                    &greeted.address,
                    id,
                    request,
                ))
                .await
        }
    }
}

fn read(text: &str) -> Result<ClientMessage, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::new(
            ErrorCode::BadRequest,
            format!("The message is not understood: {error}."),
        )
    })
}

/// Everything that waits, in messages of a moderate size, handed to the socket in one go.
async fn send(
    app: &App,
    socket: &mut WebSocket,
    waiting: Waiting,
    seq: &mut u64,
) -> Result<(), Failure> {
    let (first, from_nothing) = (waiting.first, waiting.from_nothing);
    let mut messages: Vec<String> = Vec::new();
    let texts = waiting.facts.into_texts();
    let mut rest = texts.as_slice();
    if from_nothing {
        let own;
        (own, rest) = rest.split_at(first.min(rest.len()));
        messages.push(message("snapshot", next(seq), own));
    }
    while !rest.is_empty() {
        let mut size = 0;
        let fits = rest.iter().take_while(|text| {
            size += text.len();
            size <= PART
        });
        let (part, later) = rest.split_at(fits.count().max(1));
        messages.push(message("changes", next(seq), part));
        rest = later;
    }
    let answers = waiting.answers.into_iter().map(|answer| answer.to_string());
    let count = messages.len() + answers.len();
    let mut bytes = 0;
    // Each goes into the socket at once: nothing is kept to be flushed.
    for message in messages.into_iter().chain(answers) {
        bytes += message.len();
        write(socket, Message::text(message)).await?;
    }
    app.counters.messages_sent.fetch_add(count as u64, Relaxed);
    app.counters.bytes_sent.fetch_add(bytes as u64, Relaxed);
    match waiting.goodbye {
        Some(why) => Err(why),
        None => Ok(()),
    }
}

fn next(seq: &mut u64) -> u64 {
    *seq += 1;
    *seq
}

fn message(kind: &str, seq: u64, facts: &[Text]) -> String {
    let size = facts.iter().map(|text| text.len() + 1).sum::<usize>();
    let mut message = String::with_capacity(size + 48);
    message.push_str("{\"type\":\"");
    message.push_str(kind);
    message.push_str("\",\"seq\":");
    message.push_str(&seq.to_string());
    message.push_str(",\"facts\":[");
    for (place, text) in facts.iter().enumerate() {
        if place > 0 {
            message.push(',');
        }
        message.push_str(text);
    }
    message.push_str("]}");
    message
}

async fn write(socket: &mut WebSocket, message: Message) -> Result<(), Failure> {
    match timeout(WRITE, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(too_slow()),
    }
}

async fn goodbye(socket: &mut WebSocket, failure: Failure) {
    let message = Message::text(json(&ServerMessage::Goodbye(failure)));
    let last = async {
        socket.send(message).await?;
        socket.send(Message::Close(None)).await
    };
    let _ = timeout(Duration::from_secs(1), last).await;
}

fn json(message: &ServerMessage) -> String {
    serde_json::to_string(message).unwrap_or_default()
}

fn too_slow() -> Failure {
    Failure {
        retry_after_ms: Some(1_000),
        ..Failure::new(ErrorCode::TooSlow, "Nothing was read for ten seconds.")
    }
}

fn unreadable(error: &axum::Error) -> Failure {
    let words = error.to_string();
    let code = if words.contains("too long") || words.contains("too big") {
        ErrorCode::TooLarge
    } else {
        ErrorCode::BadRequest
    };
    Failure::new(code, format!("The line cannot be read: {words}."))
}

impl Allowance {
    fn take(&mut self, now: Instant) -> Result<(), Failure> {
        let seconds = now.saturating_duration_since(self.since).as_secs();
        if seconds > 0 {
            let more = u32::try_from(seconds)
                .unwrap_or(u32::MAX)
                .saturating_mul(PACE);
            self.left = self.left.saturating_add(more).min(BURST);
            self.since = now;
        }
        self.left = self.left.checked_sub(1).ok_or_else(|| Failure {
            retry_after_ms: Some(5_000),
            ..Failure::new(ErrorCode::RateLimited, "Too many messages.")
        })?;
        Ok(())
    }
}
