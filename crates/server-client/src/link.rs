//! One line to the server that is made again whenever it breaks.

use crate::{
    Config, LinkError, Session, SessionEvent, Why,
    backoff::{Backoff, random_fraction},
    connect::{Io, Target, WITHIN, connect},
    wakes::Wakes,
};
use futures_util::{SinkExt as _, StreamExt as _};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Error as WsError, Message, protocol::WebSocketConfig},
};
use wire::{
    Answer, ClientMessage, ErrorCode, Fact, Failure, Interest, Me, Request, ServerMessage, Token,
    UnixMillis, VERSION,
};

const PATH: &str = "/api/v1/socket";
/// A snapshot of thousands of extensions with their calls.
const LONGEST_MESSAGE: usize = 4 * 1024 * 1024;
/// A connection that ends sooner did not stand: waits go on growing.
const STANDS_AFTER: Duration = Duration::from_secs(10);
/// An attempt so young is not begun anew: a machine whose network changes all the time must come to an end with one.
const YOUNG_ATTEMPT: Duration = Duration::from_secs(1);

/// What happens on the link.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "handed on once and not kept")]
pub enum LinkEvent {
    /// Tries for the `attempt`th time since the link was last up, from 1.
    Connecting { attempt: u32 },
    /// The server knows us. A snapshot follows; what was known before is kept until then.
    Up {
        /// Name and version of the server, for people.
        server: String,
        me: Box<Me>,
        /// The server's clock.
        now: UnixMillis,
    },
    /// All that is followed; whatever was known before is void.
    Snapshot(Vec<Fact>),
    /// Each replaces what was known of the same thing.
    Changes(Vec<Fact>),
    /// What became of a request. One whose line broke is answered by [`ErrorCode::Unknown`] and never sent again.
    Reply { id: String, answer: Answer },
    /// How long the server took to answer a ping.
    Lag(Duration),
    /// No line any more: everything is unknown. Tries again by itself.
    Down { why: LinkError, retry_in: Duration },
    /// The server does not want us: the token is void, or one of us must be updated. Nothing is tried until
    /// [`Link::retry_now`].
    Refused(Failure),
}

/// A request that did not leave; it never will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    #[error("there is no line to the server")]
    NotConnected,
    #[error("too many requests wait for an answer")]
    TooMany,
}

/// Keeps one line up; driven by awaiting [`next`](Self::next) in a loop.
pub struct Link {
    config: Config,
    phase: Phase,
    backoff: Backoff,
    /// Begun since the link was last up.
    attempts: u32,
    alarm: Alarm,
    /// Made with the first look, which is inside a runtime.
    wakes: Option<Wakes>,
}

type Socket = WebSocketStream<Box<dyn Io>>;
type Connecting = Pin<Box<dyn Future<Output = Result<Socket, LinkError>> + Send>>;

enum Phase {
    /// Before the next attempt.
    Waiting {
        until: Option<Instant>,
    },
    Connecting {
        since: Instant,
        connecting: Connecting,
    },
    Open(Box<Open>),
    /// Until somebody says that it may help to try again.
    Refused,
}

/// A connected stream and the dialogue on it.
struct Open {
    socket: Socket,
    session: Session,
    needs_flush: bool,
    up_since: Option<Instant>,
    /// Why it is over; what happened before is still told.
    over: Option<LinkError>,
}

impl Link {
    /// Prepares a link; nothing happens before [`next`](Self::next) is awaited.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            phase: Phase::Waiting { until: None },
            backoff: Backoff::default(),
            attempts: 0,
            alarm: Alarm::default(),
            wakes: None,
        }
    }

    /// Waits for what happens next. Nothing is lost when the future is dropped.
    ///
    /// The server cuts off who does not read, so come back soon.
    pub async fn next(&mut self) -> LinkEvent {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// Hands a request to the present connection. It is never kept for another one nor sent twice.
    ///
    /// # Errors
    /// [`NotSent`]: nothing has left, and there will be no answer.
    pub fn send(&mut self, id: impl Into<String>, request: Request) -> Result<(), NotSent> {
        match &mut self.phase {
            Phase::Open(open) if open.over.is_none() && open.session.is_up() => open
                .session
                .request(id.into(), request, now())
                .map_err(|_| NotSent::TooMany),
            Phase::Open(_) | Phase::Connecting { .. } | Phase::Waiting { .. } | Phase::Refused => {
                Err(NotSent::NotConnected)
            }
        }
    }

    /// Follows this from now on, over this connection and those to come.
    pub fn follow(&mut self, interest: Interest) {
        self.config.interest = interest.clone();
        if let Phase::Open(open) = &mut self.phase {
            open.session.follow(interest);
        }
    }

    /// Tries at once instead of waiting: when a person asks. A line that stands must answer within half a second.
    pub fn retry_now(&mut self) {
        match &mut self.phase {
            Phase::Open(open) => open.session.probe(now()),
            Phase::Connecting { .. } | Phase::Waiting { .. } | Phase::Refused => {
                self.phase = Phase::Waiting { until: None };
            }
        }
    }

    /// The network changed or the computer woke up.
    fn woke(&mut self) {
        self.backoff.begin_again();
        match &mut self.phase {
            Phase::Open(open) => open.session.probe(now()),
            // An attempt over the network of before may hang until its deadline.
            Phase::Connecting { since, .. } if since.elapsed() < YOUNG_ATTEMPT => {}
            Phase::Connecting { .. } | Phase::Waiting { .. } => {
                self.phase = Phase::Waiting { until: None };
            }
            Phase::Refused => {}
        }
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<LinkEvent> {
        let server = &self.config.server;
        let wakes = self.wakes.get_or_insert_with(|| Wakes::new(server));
        if wakes.poll(context).is_ready() {
            tracing::debug!("the network or the computer came back");
            self.woke();
            return self.poll_next(context);
        }
        match &mut self.phase {
            Phase::Refused => Poll::Pending,
            Phase::Waiting { until } => {
                if let Some(until) = *until {
                    ready!(self.alarm.poll(Some(until), context));
                }
                Poll::Ready(self.connect())
            }
            Phase::Connecting { connecting, .. } => {
                match ready!(connecting.as_mut().poll(context)) {
                    Ok(socket) => {
                        let open = Open::new(socket, &self.config);
                        self.phase = Phase::Open(Box::new(open));
                        self.poll_next(context)
                    }
                    Err(why) => Poll::Ready(self.down(why)),
                }
            }
            Phase::Open(open) => {
                let event = ready!(open.poll_event(&mut self.alarm, context));
                Poll::Ready(match event {
                    Ok(event) => {
                        if matches!(event, LinkEvent::Up { .. }) {
                            self.attempts = 0;
                        }
                        event
                    }
                    Err(why) => self.down(why),
                })
            }
        }
    }

    fn connect(&mut self) -> LinkEvent {
        let target = Target::of(&self.config);
        self.phase = Phase::Connecting {
            since: Instant::now(),
            connecting: Box::pin(async move {
                let late = LinkError::ConnectTimedOut {
                    at: target.at(),
                    within: WITHIN,
                };
                let open = timeout(WITHIN, open(&target)).await;
                open.unwrap_or(Err(late))
            }),
        };
        self.attempts = self.attempts.saturating_add(1);
        LinkEvent::Connecting {
            attempt: self.attempts,
        }
    }

    fn down(&mut self, why: LinkError) -> LinkEvent {
        if self.stood() {
            self.backoff.begin_again();
        }
        let mut retry_in = self.backoff.failed();
        if let LinkError::Goodbye(failure) = why {
            if is_final(failure.code) {
                self.phase = Phase::Refused;
                return LinkEvent::Refused(failure);
            }
            // Those who are sent away together shall not come back together.
            let wanted = u64::from(failure.retry_after_ms.unwrap_or_default());
            let spread = 1.0 + random_fraction() / 4.0;
            retry_in = retry_in.max(Duration::from_millis(wanted).mul_f64(spread));
            return self.wait(LinkError::Goodbye(failure), retry_in);
        }
        self.wait(why, retry_in)
    }

    fn wait(&mut self, why: LinkError, retry_in: Duration) -> LinkEvent {
        self.phase = Phase::Waiting {
            until: Some(Instant::now() + retry_in),
        };
        LinkEvent::Down { why, retry_in }
    }

    fn stood(&self) -> bool {
        match &self.phase {
            Phase::Open(open) => open
                .up_since
                .is_some_and(|since| since.elapsed() >= STANDS_AFTER),
            Phase::Connecting { .. } | Phase::Waiting { .. } | Phase::Refused => false,
        }
    }
}

/// Trying again does not help before somebody has done something.
fn is_final(code: ErrorCode) -> bool {
    match code {
        ErrorCode::Unauthenticated | ErrorCode::Version | ErrorCode::Forbidden => true,
        ErrorCode::RateLimited
        | ErrorCode::Refused
        | ErrorCode::Unknown
        | ErrorCode::PbxAway
        | ErrorCode::NotFound
        | ErrorCode::BadRequest
        | ErrorCode::TooLarge
        | ErrorCode::Busy
        | ErrorCode::TooSlow
        | ErrorCode::Internal => false,
    }
}

async fn open(target: &Target) -> Result<Socket, LinkError> {
    let stream = connect(target).await?;
    let scheme = if target.server.is_plain() {
        "ws"
    } else {
        "wss"
    };
    let url = format!("{scheme}://{}{PATH}", target.server.authority());
    let shaken = client_async_with_config(url, stream, Some(limits())).await;
    match shaken {
        Ok((socket, _)) => Ok(socket),
        Err(failed) => Err(not_opened(target, &failed)),
    }
}

fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(16 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(1024 * 1024)
        .max_message_size(Some(LONGEST_MESSAGE))
        .max_frame_size(Some(LONGEST_MESSAGE))
}

fn not_opened(target: &Target, failed: &WsError) -> LinkError {
    let at = target.at();
    if let WsError::Http(response) = failed {
        let status = response.status();
        if status.is_server_error() || status.as_u16() == 429 {
            let status = status.to_string();
            return LinkError::Status { at, status };
        }
        let what = format!("answered “{status}”");
        return LinkError::NotSidetone { at, what };
    }
    if let WsError::Io(error) = failed {
        return LinkError::Broken(error.to_string());
    }
    let what = format!("does not speak WebSocket ({failed})");
    LinkError::NotSidetone { at, what }
}

impl Open {
    fn new(socket: Socket, config: &Config) -> Self {
        let hello = ClientMessage::Hello {
            version: VERSION,
            token: Token(config.token.expose_secret().to_owned()),
            client: config.client.clone(),
            interest: config.interest.clone(),
        };
        Self {
            socket,
            session: Session::new(hello, now()),
            needs_flush: false,
            up_since: None,
            over: None,
        }
    }

    /// The next event, or why it is over once all that happened has been told.
    fn poll_event(
        &mut self,
        alarm: &mut Alarm,
        context: &mut Context<'_>,
    ) -> Poll<Result<LinkEvent, LinkError>> {
        loop {
            self.write(context);
            if let Some(event) = self.session.poll_event() {
                if let Some(event) = self.told(event) {
                    return Poll::Ready(Ok(event));
                }
                continue;
            }
            if let Some(why) = self.over.take() {
                return Poll::Ready(Err(why));
            }
            match self.socket.poll_next_unpin(context) {
                Poll::Ready(read) => self.read(read),
                Poll::Pending => {
                    let due = self.session.poll_timeout().map(Instant::from_std);
                    ready!(alarm.poll(due, context));
                    self.session.handle_timeout(now());
                }
            }
        }
    }

    fn told(&mut self, event: SessionEvent) -> Option<LinkEvent> {
        Some(match event {
            SessionEvent::Welcome { server, me, now } => {
                self.up_since = Some(Instant::now());
                LinkEvent::Up { server, me, now }
            }
            SessionEvent::Snapshot(facts) => LinkEvent::Snapshot(facts),
            SessionEvent::Changes(facts) => LinkEvent::Changes(facts),
            SessionEvent::Reply { id, answer } => LinkEvent::Reply { id, answer },
            SessionEvent::Lag(lag) => LinkEvent::Lag(lag),
            SessionEvent::Over(why) => {
                self.over.get_or_insert(match why {
                    Why::Goodbye(failure) => LinkError::Goodbye(failure),
                    Why::Silent(time) => LinkError::Silent(time),
                    Why::NotUnderstood(what) => LinkError::NotUnderstood(what.into()),
                });
                return None;
            }
        })
    }

    fn read(&mut self, read: Option<Result<Message, WsError>>) {
        match read {
            Some(Ok(Message::Text(text))) => match decode(&text) {
                Ok(message) => self.session.handle_message(message, now()),
                Err(why) => self.end(LinkError::NotUnderstood(why)),
            },
            // A proxy may send pings of its own; they are answered below us.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => self.session.heard(now()),
            Some(Ok(Message::Binary(_) | Message::Frame(_))) => {
                self.end(LinkError::NotUnderstood("a message that is no text".into()));
            }
            Some(Ok(Message::Close(_)) | Err(WsError::ConnectionClosed)) | None => {
                self.end(LinkError::Closed);
            }
            Some(Err(WsError::Capacity(why))) => {
                self.end(LinkError::NotUnderstood(why.to_string()));
            }
            Some(Err(why)) => self.end(LinkError::Broken(why.to_string())),
        }
    }

    /// Ends the connection: requests without an answer are told, then why.
    fn end(&mut self, why: LinkError) {
        if self.over.is_none() {
            self.session.close();
            self.over = Some(why);
        }
    }

    /// Writes as much as the stream takes.
    fn write(&mut self, context: &mut Context<'_>) {
        if self.over.is_none()
            && let Err(broken) = self.try_write(context)
        {
            self.end(LinkError::Broken(broken.to_string()));
        }
    }

    fn try_write(&mut self, context: &mut Context<'_>) -> Result<(), WsError> {
        while let Poll::Ready(is_ready) = self.socket.poll_ready_unpin(context) {
            is_ready?;
            let Some(message) = self.session.poll_transmit() else {
                break;
            };
            // Our own messages are plain data and always have a text.
            let text = serde_json::to_string(&message).unwrap_or_default();
            self.socket.start_send_unpin(Message::text(text))?;
            self.needs_flush = true;
        }
        if self.needs_flush
            && let Poll::Ready(flushed) = self.socket.poll_flush_unpin(context)
        {
            flushed?;
            self.needs_flush = false;
        }
        Ok(())
    }
}

/// Facts of kinds that this program does not know yet are left out; everything else must be understood.
fn decode(text: &str) -> Result<ServerMessage, String> {
    #[derive(Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    enum Newer {
        Snapshot {
            seq: u64,
            facts: Vec<serde_json::Value>,
        },
        Changes {
            seq: u64,
            facts: Vec<serde_json::Value>,
        },
    }
    let known = |facts: Vec<serde_json::Value>| {
        let known = facts.into_iter().map(serde_json::from_value);
        known.filter_map(Result::ok).collect()
    };
    serde_json::from_str(text).or_else(|why| match serde_json::from_str(text) {
        Ok(Newer::Snapshot { seq, facts }) => Ok(ServerMessage::Snapshot {
            seq,
            facts: known(facts),
        }),
        Ok(Newer::Changes { seq, facts }) => Ok(ServerMessage::Changes {
            seq,
            facts: known(facts),
        }),
        // Only where it went wrong: the message itself is full of names and numbers.
        Err(_) => Err(format!("column {}", why.column())),
    })
}

/// One timer that is set again and again.
#[derive(Debug, Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready when `due` has come; never without one.
    fn poll(&mut self, due: Option<Instant>, context: &mut Context<'_>) -> Poll<()> {
        let Some(due) = due else {
            return Poll::Pending;
        };
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if sleep.deadline() != due {
            sleep.as_mut().reset(due);
        }
        sleep.as_mut().poll(context)
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("server", &self.config.server)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_of_a_newer_server_are_left_out_and_the_others_kept() {
        let text = r#"{"type":"changes","seq":7,"facts":[
            {"fact":"weather","key":"x","value":1},
            {"fact":"extension","key":"101@main","value":null}]}"#;
        let expected = ServerMessage::Changes {
            seq: 7,
            facts: vec![Fact::Extension {
                key: "101@main".into(),
                value: None,
            }],
        };
        assert_eq!(decode(text), Ok(expected));
    }

    #[test]
    fn nonsense_is_refused_without_being_quoted() {
        for text in ["", "[]", r#"{"type":"shout","number":"+79161112233"}"#] {
            let why = decode(text).expect_err(text);
            assert!(why.starts_with("column "), "{why}");
        }
    }
}
