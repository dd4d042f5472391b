//! One connection's dialogue: login, replies by ActionID, lists, deadlines, ping.

use std::time::{Duration, Instant};

use secrecy::{SecretString, zeroize::Zeroizing};

use crate::{
    Action, ActionId, Banner, Charset, Counts, Decoder, EncodeError, Event, FieldValue, Limits,
    Message, Response, Value,
};

/// Who signs in.
#[derive(Clone, Debug)]
pub struct Login {
    pub username: FieldValue,
    pub secret: SecretString,
    pub method: LoginMethod,
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

/// The name of an action, as Asterisk knows it.
pub type ActionName = &'static str;

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

/// Bytes to send, of one action.
#[derive(Debug)]
pub struct Transmit {
    pub action_id: ActionId,
    pub bytes: Zeroizing<Vec<u8>>,
}

/// One connection, without IO.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    decoder: Decoder,
    seed: u64,
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
        let _ = now;
        let decoder = Decoder::new(config.charset, Limits::default());
        Self {
            config,
            decoder,
            seed,
        }
    }

    /// Takes what arrived. Call [`poll_event`](Self::poll_event) until it gives nothing before more is fed.
    pub fn handle_input(&mut self, bytes: &[u8], now: Instant) {
        let _ = now;
        self.decoder.feed(bytes);
    }

    /// Says whether [`poll_event`](Self::poll_event) has something to give, reading on until it has.
    pub fn has_event(&mut self) -> bool {
        false
    }

    /// Gives what happened next.
    pub fn poll_event(&mut self) -> Option<SessionEvent<'_>> {
        None
    }

    /// Gives what is to be sent next.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        None
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Notices what did not happen in time, and pings.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// Queues an action. It is sent once, by this session, or never.
    pub fn send(&mut self, action: &Action, now: Instant) -> Result<ActionId, EncodeError> {
        let _ = now;
        let id = ActionId {
            session: self.seed,
            sequence: 0,
        };
        action.encode(id)?;
        Ok(id)
    }

    /// Ends the session: each action without an answer comes as [`SessionEvent::Unanswered`]; those that
    /// `unsent` names never left whole.
    pub fn close(&mut self, unsent: &[ActionId]) {
        let _ = (unsent, &self.config);
    }

    /// What the decoder has seen.
    pub fn counts(&self) -> Counts {
        self.decoder.counts()
    }
}
