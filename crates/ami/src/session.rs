//! One connection's dialogue: login, replies by ActionID, lists, deadlines, ping.

mod dialogue;

use std::{
    fmt,
    time::{Duration, Instant},
};

use secrecy::{SecretString, zeroize::Zeroizing};
use thiserror::Error;

use self::dialogue::{Dialogue, Found, MAX_PENDING, Notice};
use crate::{
    Action, ActionId, ActionName, Banner, Charset, Counts, Decoder, EncodeError, Event, FieldValue,
    Incoming, Limits, LoginSecret, Message, Response, Value, decoder::Frame,
};

/// Who signs in.
#[derive(Clone, Debug)]
pub struct Login {
    username: FieldValue,
    secret: SecretString,
    method: LoginMethod,
}

/// How the secret is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginMethod {
    /// The secret itself: for encrypted links.
    Plain,
    /// Challenge and MD5: the secret does not pass a plain link.
    Md5,
}

/// What a session needs to know beforehand.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    pub login: Login,
    /// For values that are not UTF-8.
    pub charset: Charset,
    /// Classes of events wanted; Asterisk sends of them what the user may read.
    pub events: &'static str,
    /// How long a reply may take.
    pub reply_within: Duration,
    /// How long banner and login may take together.
    pub login_within: Duration,
    /// How often Asterisk is asked whether it is there.
    pub ping_every: Duration,
    /// How long nothing may be heard after a ping before the link counts as dead.
    pub silence: Duration,
}

/// Why an action was not queued; it certainly was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    #[error("there is no connection to Asterisk")]
    NotConnected,
    /// Asterisk answers far slower than it is asked.
    #[error("{} actions already wait for Asterisk's answer", MAX_PENDING)]
    TooManyWaiting,
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// What has happened on a session.
#[derive(Clone, Debug)]
pub enum SessionEvent<'a> {
    /// Asterisk said who it is.
    Banner(Banner<'a>),
    LoggedIn,
    /// Asterisk refused user or secret; the connection is of no more use.
    LoginRefused {
        message: Value<'a>,
    },
    /// No banner, no challenge or no answer to the login in time; the connection is of no more use.
    LoginTimedOut,
    Event(Event<'a>),
    /// The answer to an action. For a list, its entries and ListComplete follow.
    Reply {
        action_id: ActionId,
        action: ActionName,
        response: Response,
        message: Message<'a>,
    },
    /// An entry of a list that was asked for.
    ListItem {
        action_id: ActionId,
        event: Event<'a>,
    },
    /// The list is whole.
    ListComplete {
        action_id: ActionId,
        action: ActionName,
        items: u32,
    },
    /// No answer, or no end of the list, in time: the outcome is unknown.
    TimedOut {
        action_id: ActionId,
        action: ActionName,
    },
    /// The connection ended before an answer. What was `sent` may have been done, what was not sent has not.
    Unanswered {
        action_id: ActionId,
        action: ActionName,
        sent: bool,
    },
    /// A ping came back.
    Lag(Duration),
    /// Nothing was heard for too long; the connection is of no more use.
    Silent(Duration),
}

/// Bytes to send, of one action. They may hold the secret and are not shown.
pub struct Transmit {
    pub action_id: ActionId,
    pub bytes: Zeroizing<Vec<u8>>,
}

/// One connection, without IO.
///
/// ```text
///   banner -> [challenge ->] login -> up: actions and their replies, events, pings -> close
/// ```
#[derive(Debug)]
pub struct Session {
    decoder: Decoder,
    dialogue: Dialogue,
    /// Found by `has_event`, not yet polled.
    found: Option<Found>,
}

/// The first version with the events of today; with an older one no session begins.
pub const OLDEST_ASTERISK: u32 = 12;
impl Login {
    /// Refuses what cannot be written to Asterisk.
    pub fn new(
        username: FieldValue,
        secret: SecretString,
        method: LoginMethod,
    ) -> Result<Self, EncodeError> {
        let login = Self {
            username,
            secret,
            method,
        };
        login
            .action("", LoginSecret::Plain(login.secret.clone()))
            .encode(ActionId::ZERO)?;
        Ok(login)
    }

    fn action(&self, events: &'static str, secret: LoginSecret) -> Action {
        Action::Login {
            username: self.username.clone(),
            secret,
            events,
        }
    }
}

impl SessionConfig {
    /// The usual deadlines for this login.
    pub fn new(login: Login) -> Self {
        Self {
            login,
            charset: Charset::default(),
            events: "call,agent,user,system",
            reply_within: Duration::from_secs(10),
            login_within: Duration::from_secs(10),
            ping_every: Duration::from_secs(5),
            silence: Duration::from_secs(9),
        }
    }
}

impl Session {
    /// Begins before the banner. `seed` makes ActionIDs differ from those of every other session.
    pub fn new(config: SessionConfig, seed: u64, now: Instant) -> Self {
        let limits = Limits {
            noise: false,
            ..Limits::default()
        };
        Self {
            decoder: Decoder::new(config.charset, limits),
            dialogue: Dialogue::new(config, seed, now),
            found: None,
        }
    }

    /// Takes what arrived. Call [`poll_event`](Self::poll_event) until it gives nothing before more is fed.
    pub fn handle_input(&mut self, bytes: &[u8], now: Instant) {
        self.decoder.feed(bytes);
        self.dialogue.now = now;
        self.dialogue.last_heard = now;
    }

    /// Says whether [`poll_event`](Self::poll_event) has something to give, reading on until it has.
    pub fn has_event(&mut self) -> bool {
        if self.found.is_none() {
            self.found = self.find();
        }
        self.found.is_some()
    }

    /// Says whether the next event is about the connection itself rather than from its dialogue: banner, login, lag,
    /// silence. Whoever keeps the connection takes those and leaves the rest to his caller.
    pub fn next_is_about_connection(&mut self) -> bool {
        if !self.has_event() {
            return false;
        }
        match self.found {
            Some(
                Found::Banner(_)
                | Found::LoggedIn
                | Found::LoginRefused(_)
                | Found::Notice(Notice::LoginTimedOut | Notice::Lag(_) | Notice::Silent(_)),
            ) => true,
            Some(
                Found::Event(_)
                | Found::Reply { .. }
                | Found::ListItem { .. }
                | Found::ListComplete { .. }
                | Found::Notice(Notice::TimedOut { .. } | Notice::Unanswered { .. }),
            )
            | None => false,
        }
    }

    /// Gives what happened next.
    pub fn poll_event(&mut self) -> Option<SessionEvent<'_>> {
        if !self.has_event() {
            return None;
        }
        let found = self.found.take()?;
        Some(self.lend(found))
    }

    /// Gives what is to be sent next.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.dialogue.transmit.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.dialogue.timeout()
    }

    /// Notices what did not happen in time, and pings.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.dialogue.now = now;
        self.dialogue.handle_timeout();
    }

    /// Queues an action. It is sent once, by this session, or never.
    pub fn send(&mut self, action: &Action, now: Instant) -> Result<ActionId, SendError> {
        self.dialogue.now = now;
        self.dialogue.send(action)
    }

    /// Pings at once and expects something within a second: for when the computer woke or changed its network.
    pub fn probe(&mut self, now: Instant) {
        self.dialogue.now = now;
        self.dialogue.probe();
    }

    /// Ends the session: each action without an answer comes as [`SessionEvent::Unanswered`]; those that
    /// `unsent` names never left whole.
    pub fn close(&mut self, unsent: &[ActionId]) {
        self.dialogue.close(unsent);
    }

    /// Says whether actions can be sent.
    pub fn is_up(&self) -> bool {
        self.dialogue.is_up()
    }

    /// How long banner and login may take together.
    pub fn login_within(&self) -> Duration {
        self.dialogue.config.login_within
    }

    /// What the decoder has seen.
    pub fn counts(&self) -> Counts {
        self.decoder.counts()
    }

    fn find(&mut self) -> Option<Found> {
        while let Some(frame) = self.decoder.advance() {
            let found = match self.decoder.lend(frame) {
                Incoming::Banner(banner) => {
                    self.dialogue.handle_banner(&banner);
                    Some(Found::Banner(frame))
                }
                Incoming::Message(message) => self.dialogue.handle_message(frame, &message),
            };
            if found.is_some() {
                return found;
            }
        }
        self.dialogue.notices.pop_front().map(Found::Notice)
    }

    fn lend(&self, found: Found) -> SessionEvent<'_> {
        match found {
            Found::Banner(frame) => SessionEvent::Banner(self.banner(frame)),
            Found::LoggedIn => SessionEvent::LoggedIn,
            Found::LoginRefused(frame) => SessionEvent::LoginRefused {
                message: self.message(frame).get("Message").unwrap_or_default(),
            },
            Found::Event(frame) => SessionEvent::Event(self.event(frame)),
            Found::Reply {
                frame,
                action_id,
                action,
                response,
            } => SessionEvent::Reply {
                action_id,
                action,
                response,
                message: self.message(frame),
            },
            Found::ListItem { frame, action_id } => SessionEvent::ListItem {
                action_id,
                event: self.event(frame),
            },
            Found::ListComplete {
                action_id,
                action,
                items,
            } => SessionEvent::ListComplete {
                action_id,
                action,
                items,
            },
            Found::Notice(notice) => notice.into(),
        }
    }

    fn banner(&self, frame: Frame) -> Banner<'_> {
        match self.decoder.lend(frame) {
            Incoming::Banner(banner) => banner,
            Incoming::Message(_) => Banner::default(),
        }
    }

    fn message(&self, frame: Frame) -> Message<'_> {
        match self.decoder.lend(frame) {
            Incoming::Message(message) => message,
            Incoming::Banner(_) => Message::default(),
        }
    }

    fn event(&self, frame: Frame) -> Event<'_> {
        let message = self.message(frame);
        message.event().unwrap_or(Event::Other(message))
    }
}

impl From<Notice> for SessionEvent<'_> {
    fn from(notice: Notice) -> Self {
        match notice {
            Notice::LoginTimedOut => Self::LoginTimedOut,
            Notice::TimedOut { action_id, action } => Self::TimedOut { action_id, action },
            Notice::Unanswered {
                action_id,
                action,
                sent,
            } => Self::Unanswered {
                action_id,
                action,
                sent,
            },
            Notice::Lag(lag) => Self::Lag(lag),
            Notice::Silent(heard) => Self::Silent(heard),
        }
    }
}

impl fmt::Debug for Transmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transmit")
            .field("action_id", &self.action_id)
            .finish_non_exhaustive()
    }
}
