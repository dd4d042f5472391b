//! One link to Asterisk that is made again whenever it breaks.

use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use ami::{
    Action, ActionId, Login, LoginMethod, SendError, Session, SessionConfig, SessionEvent, Transmit,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use crate::{
    Connecting, Connector, Io, LinkConfig, LinkError, Transport,
    backoff::{Backoff, random},
    connect::Tcp,
};

/// What happens on the link.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "lent on the stack; a box would be an allocation for each event"
)]
pub enum LinkEvent<'a> {
    /// Tries for the `attempt`th time since the link was last up, from 1.
    Connecting { attempt: u32 },
    /// Signed in. Everything known before is void: ask for the lists.
    Up {
        /// Asterisk's major version: 13 to 23.
        asterisk: u32,
    },
    /// An event, a reply or a list of the session.
    Session(SessionEvent<'a>),
    /// How long Asterisk took to answer a ping, or how long it has not yet.
    Lag(Duration),
    /// No link any more: every call is unknown. Tries again by itself.
    Down { why: LinkError, retry_in: Duration },
}

/// Keeps one AMI connection up; driven by awaiting [`next`](Self::next) in a loop.
pub struct Link {
    config: LinkConfig,
    connector: Box<dyn Connector>,
    phase: Phase,
    backoff: Backoff,
    /// Begun since the link was last up.
    attempts: u32,
    alarm: Alarm,
}

enum Phase {
    /// Before the next attempt.
    Waiting {
        until: Option<Instant>,
    },
    Connecting(Connecting),
    Open(Box<Open>),
}

/// A connected stream and the dialogue on it.
struct Open {
    stream: Box<dyn Io>,
    session: Session,
    input: Box<[u8]>,
    output: Option<Output>,
    needs_flush: bool,
    asterisk: u32,
    up_since: Option<Instant>,
    /// Messages over the decoder's limit that have been spoken of.
    oversized: u64,
    /// Why it is over; what was heard before is still told.
    over: Option<LinkError>,
}

/// An action on its way out.
struct Output {
    transmit: Transmit,
    written: usize,
}

/// What to tell, without anything borrowed.
enum Step {
    Connecting { attempt: u32 },
    Up { asterisk: u32 },
    Session,
    Lag(Duration),
    Down { why: LinkError, retry_in: Duration },
}

/// Fits a burst of some thirty events.
const INPUT: usize = 16 * 1024;
/// A connection that ends sooner did not stand: waits go on growing.
const STANDS_AFTER: Duration = Duration::from_secs(10);

impl Link {
    /// Prepares a link; nothing happens before [`next`](Self::next) is awaited.
    pub fn new(config: LinkConfig) -> Self {
        Self::with_connector(config, Tcp)
    }

    /// Prepares a link that runs over something else than TCP.
    pub fn with_connector(config: LinkConfig, connector: impl Connector + 'static) -> Self {
        Self {
            config,
            connector: Box::new(connector),
            phase: Phase::Waiting { until: None },
            backoff: Backoff::default(),
            attempts: 0,
            alarm: Alarm::default(),
        }
    }

    /// Waits for what happens next. Cancel safe: nothing is lost when the future is dropped.
    ///
    /// Asterisk cuts off who does not read, so come back soon.
    pub async fn next(&mut self) -> LinkEvent<'_> {
        let step = poll_fn(|context| self.poll_step(context)).await;
        match step {
            Step::Connecting { attempt } => LinkEvent::Connecting { attempt },
            Step::Up { asterisk } => LinkEvent::Up { asterisk },
            Step::Lag(lag) => LinkEvent::Lag(lag),
            Step::Down { why, retry_in } => LinkEvent::Down { why, retry_in },
            Step::Session => LinkEvent::Session(self.session_event()),
        }
    }

    /// Hands an action to the present connection. It is never kept for another one nor sent twice.
    pub fn send(&mut self, action: &Action) -> Result<ActionId, SendError> {
        match &mut self.phase {
            Phase::Open(open) if open.over.is_none() => open.session.send(action, now()),
            Phase::Open(_) | Phase::Connecting(_) | Phase::Waiting { .. } => {
                Err(SendError::NotConnected)
            }
        }
    }

    /// Says whether actions can be sent.
    pub fn is_up(&self) -> bool {
        match &self.phase {
            Phase::Open(open) => open.over.is_none() && open.session.is_up(),
            Phase::Connecting(_) | Phase::Waiting { .. } => false,
        }
    }

    /// Tries at once instead of waiting: after sleep, when the network changed, when a person asks. A connection that
    /// is up must answer within a second.
    pub fn retry_now(&mut self) {
        match &mut self.phase {
            Phase::Open(open) => open.session.probe(now()),
            // An attempt over the network of before may hang until its deadline.
            Phase::Connecting(_) | Phase::Waiting { .. } => {
                self.phase = Phase::Waiting { until: None };
            }
        }
    }

    /// Goes on with other settings: an open connection is ended, and the first attempt is made at once.
    pub fn reconfigure(&mut self, config: LinkConfig) {
        self.config = config;
        self.backoff.succeeded();
        self.attempts = 0;
        match &mut self.phase {
            Phase::Open(open) => open.end(LinkError::Reconfigured),
            Phase::Connecting(_) | Phase::Waiting { .. } => {
                self.phase = Phase::Waiting { until: None };
            }
        }
    }

    fn session_event(&mut self) -> SessionEvent<'_> {
        let event = match &mut self.phase {
            Phase::Open(open) => open.session.poll_event(),
            Phase::Connecting(_) | Phase::Waiting { .. } => None,
        };
        event.expect("the step was given because an open session has an event")
    }

    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        loop {
            match &mut self.phase {
                Phase::Waiting { until } => {
                    if let Some(until) = *until {
                        ready!(self.alarm.poll(Some(until), context));
                    }
                    self.phase = Phase::Connecting(self.connector.connect(&self.config));
                    self.attempts = self.attempts.saturating_add(1);
                    let attempt = self.attempts;
                    return Poll::Ready(Step::Connecting { attempt });
                }
                Phase::Connecting(connecting) => {
                    let connected = ready!(connecting.as_mut().poll(context));
                    match connected.and_then(|stream| Open::new(&self.config, stream)) {
                        Ok(open) => self.phase = Phase::Open(Box::new(open)),
                        Err(why) => return Poll::Ready(self.go_down(why, None)),
                    }
                }
                Phase::Open(open) => {
                    match ready!(open.poll_step(&self.config, &mut self.alarm, context)) {
                        Ok(step) => {
                            if let Step::Up { asterisk } = step {
                                self.attempts = 0;
                                tracing::info!(host = self.config.host, asterisk, "connected");
                            }
                            return Poll::Ready(step);
                        }
                        Err(why) => {
                            let up_since = open.up_since;
                            return Poll::Ready(self.go_down(why, up_since));
                        }
                    }
                }
            }
        }
    }

    fn go_down(&mut self, why: LinkError, up_since: Option<Instant>) -> Step {
        if up_since.is_some_and(|since| since.elapsed() >= STANDS_AFTER) {
            self.backoff.succeeded();
        }
        let retry_in = if matches!(why, LinkError::LoginRefused { .. }) {
            self.backoff.refused()
        } else if matches!(why, LinkError::Reconfigured) {
            Duration::ZERO
        } else {
            self.backoff.failed()
        };
        let until = Some(Instant::now() + retry_in);
        self.phase = Phase::Waiting { until };
        let retry_in_ms = retry_in.as_millis();
        tracing::info!(host = self.config.host, error = %why, retry_in_ms, "not connected");
        Step::Down { why, retry_in }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match &self.phase {
            Phase::Waiting { .. } => "waiting",
            Phase::Connecting(_) => "connecting",
            Phase::Open(open) if open.session.is_up() => "up",
            Phase::Open(_) => "signing in",
        };
        f.debug_struct("Link")
            .field("phase", &phase)
            .finish_non_exhaustive()
    }
}

impl Open {
    fn new(config: &LinkConfig, stream: Box<dyn Io>) -> Result<Self, LinkError> {
        let method = match config.transport {
            Transport::Plain { .. } => LoginMethod::Md5,
            Transport::Tls(_) => LoginMethod::Plain,
        };
        let login = Login::new(config.username.clone(), config.secret.clone(), method)
            .map_err(LinkError::UnusableLogin)?;
        let session = SessionConfig {
            charset: config.charset,
            ..SessionConfig::new(login)
        };
        Ok(Self {
            stream,
            session: Session::new(session, random(), now()),
            input: vec![0; INPUT].into_boxed_slice(),
            output: None,
            needs_flush: false,
            asterisk: 0,
            up_since: None,
            oversized: 0,
            over: None,
        })
    }

    /// Gives the next step, or why the connection is over once everything heard has been told.
    fn poll_step(
        &mut self,
        config: &LinkConfig,
        alarm: &mut Alarm,
        context: &mut Context<'_>,
    ) -> Poll<Result<Step, LinkError>> {
        loop {
            // Reading on may queue an answer, such as that to a challenge: it must be written before any wait.
            self.session.has_event();
            self.write(context);
            if self.session.next_is_about_connection() {
                if let Some(step) = self.connection_step(config) {
                    return Poll::Ready(Ok(step));
                }
                continue;
            }
            if self.session.has_event() {
                return Poll::Ready(Ok(Step::Session));
            }
            if let Some(why) = self.over.take() {
                return Poll::Ready(Err(why));
            }
            if self.read(context).is_ready() {
                continue;
            }
            let due = self.session.poll_timeout().map(Instant::from_std);
            ready!(alarm.poll(due, context));
            self.session.handle_timeout(now());
        }
    }

    /// Takes what the session says about the connection; most of it is told only by its outcome.
    fn connection_step(&mut self, config: &LinkConfig) -> Option<Step> {
        let (host, port) = (|| config.host.clone(), config.port);
        let why = match self.session.poll_event()? {
            SessionEvent::Banner(banner) => match banner.asterisk_version() {
                Some(version) if version >= ami::OLDEST_ASTERISK => {
                    self.asterisk = version;
                    return None;
                }
                Some(_) => LinkError::TooOld { host: host() },
                None => LinkError::NotAsterisk {
                    host: host(),
                    port,
                    line: banner.line().text().chars().take(80).collect(),
                },
            },
            SessionEvent::LoggedIn => {
                self.up_since = Some(Instant::now());
                return Some(Step::Up {
                    asterisk: self.asterisk,
                });
            }
            SessionEvent::Lag(lag) => return Some(Step::Lag(lag)),
            SessionEvent::LoginRefused { message } => LinkError::LoginRefused {
                username: config.username.to_string(),
                message: message.text().into_owned(),
            },
            SessionEvent::LoginTimedOut => LinkError::LoginTimedOut {
                host: host(),
                port,
                within: self.session.login_within(),
            },
            SessionEvent::Silent(heard) => LinkError::Silent(heard),
            SessionEvent::Event(_)
            | SessionEvent::Reply { .. }
            | SessionEvent::ListItem { .. }
            | SessionEvent::ListComplete { .. }
            | SessionEvent::TimedOut { .. }
            | SessionEvent::Unanswered { .. } => return None,
        };
        self.end(why);
        None
    }

    /// Ends the connection: actions without an answer are told, then why.
    fn end(&mut self, why: LinkError) {
        if self.over.is_some() {
            return;
        }
        // Without its last byte, the end of the blank line, Asterisk has not begun with an action.
        let unsent: Vec<ActionId> = self
            .output
            .iter()
            .map(|output| output.transmit.action_id)
            .collect();
        self.session.close(&unsent);
        self.over = Some(why);
    }

    /// Writes as much as the stream takes.
    fn write(&mut self, context: &mut Context<'_>) {
        if self.over.is_none()
            && let Err(broken) = self.try_write(context)
        {
            self.end(LinkError::Broken(broken));
        }
    }

    fn try_write(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        loop {
            if self.output.is_none() {
                self.output = self.session.poll_transmit().map(|transmit| Output {
                    transmit,
                    written: 0,
                });
            }
            let Some(output) = &mut self.output else {
                break;
            };
            let rest = &output.transmit.bytes[output.written..];
            let stream = Pin::new(&mut self.stream);
            match stream.poll_write(context, rest) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => output.written += written?,
            }
            self.needs_flush = true;
            if output.written == output.transmit.bytes.len() {
                self.output = None;
            }
        }
        if self.needs_flush
            && let Poll::Ready(flushed) = Pin::new(&mut self.stream).poll_flush(context)
        {
            flushed?;
            self.needs_flush = false;
        }
        Ok(())
    }

    fn warn_of_oversized(&mut self) {
        let oversized = self.session.counts().oversized;
        if oversized > self.oversized {
            self.oversized = oversized;
            tracing::warn!(oversized, "skipped a message of Asterisk that is too long");
        }
    }

    /// Hands what has arrived to the session.
    fn read(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.warn_of_oversized();
        let mut buffer = ReadBuf::new(&mut self.input);
        let stream = Pin::new(&mut self.stream);
        match ready!(stream.poll_read(context, &mut buffer)) {
            Ok(()) if buffer.filled().is_empty() => self.end(LinkError::Closed),
            Ok(()) => self.session.handle_input(buffer.filled(), now()),
            Err(broken) => self.end(LinkError::Broken(broken)),
        }
        Poll::Ready(())
    }
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
