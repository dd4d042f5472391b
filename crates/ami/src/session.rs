//! One connection's dialogue: login, replies by ActionID, lists, deadlines, ping.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    time::{Duration, Instant},
};

use md5::{Digest, Md5};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use thiserror::Error;

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

/// Everything about the session but its input, so that a message can be borrowed while it is judged.
#[derive(Debug)]
struct Dialogue {
    config: SessionConfig,
    seed: u64,
    sequence: u32,
    now: Instant,
    phase: Phase,
    pending: BTreeMap<ActionId, Pending>,
    /// Of the pending, those that list.
    lists: usize,
    transmit: VecDeque<Transmit>,
    notices: VecDeque<Notice>,
    ping: Ping,
    last_heard: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Banner { deadline: Instant },
    Challenge { id: ActionId, deadline: Instant },
    Login { id: ActionId, deadline: Instant },
    Up,
    Ended,
}

#[derive(Debug)]
struct Pending {
    action: ActionName,
    deadline: Instant,
    list: Option<Listed>,
}

/// How many entries a list has had.
#[derive(Clone, Copy, Debug)]
struct Listed(u32);

#[derive(Clone, Copy, Debug)]
struct Ping {
    /// When to ping, or to say how long the answer has been waited for.
    due: Instant,
    sent: Option<SentPing>,
}

#[derive(Clone, Copy, Debug)]
struct SentPing {
    id: ActionId,
    at: Instant,
    /// How long nothing may be heard after it.
    silence: Duration,
}

/// A [`SessionEvent`] with the place of its message instead of the message.
#[derive(Clone, Copy, Debug)]
enum Found {
    Banner(Frame),
    LoggedIn,
    LoginRefused(Frame),
    Event(Frame),
    Reply {
        frame: Frame,
        action_id: ActionId,
        action: ActionName,
        response: Response,
    },
    ListItem {
        frame: Frame,
        action_id: ActionId,
    },
    ListComplete {
        action_id: ActionId,
        action: ActionName,
        items: u32,
    },
    Notice(Notice),
}

/// What needs no message.
#[derive(Clone, Copy, Debug)]
enum Notice {
    LoginTimedOut,
    TimedOut {
        action_id: ActionId,
        action: ActionName,
    },
    Unanswered {
        action_id: ActionId,
        action: ActionName,
        sent: bool,
    },
    Lag(Duration),
    Silent(Duration),
}

/// The first version with the events of today; with an older one no session begins.
pub const OLDEST_ASTERISK: u32 = 12;
/// Actions that may wait for an answer at a time: far more than one desktop asks for.
const MAX_PENDING: usize = 256;
/// How long an answer may take to a ping that asks whether the link survived a sleep or a change of network.
const PROBE: Duration = Duration::from_secs(1);

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
        self.dialogue.phase == Phase::Up
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

impl Dialogue {
    fn new(config: SessionConfig, seed: u64, now: Instant) -> Self {
        let deadline = now + config.login_within;
        Self {
            config,
            seed,
            sequence: 0,
            now,
            phase: Phase::Banner { deadline },
            pending: BTreeMap::new(),
            lists: 0,
            transmit: VecDeque::new(),
            notices: VecDeque::new(),
            ping: Ping {
                due: now,
                sent: None,
            },
            last_heard: now,
        }
    }

    /// Says nothing to what is no Asterisk or one too old, least of all the secret.
    fn handle_banner(&mut self, banner: &Banner<'_>) {
        let Phase::Banner { deadline } = self.phase else {
            return;
        };
        if banner
            .asterisk_version()
            .is_none_or(|version| version < OLDEST_ASTERISK)
        {
            self.phase = Phase::Ended;
            return;
        }
        match self.config.login.method {
            LoginMethod::Plain => {
                let secret = LoginSecret::Plain(self.config.login.secret.clone());
                self.log_in(secret, deadline);
            }
            LoginMethod::Md5 => {
                if let Ok(id) = self.transmit(&Action::Challenge) {
                    self.phase = Phase::Challenge { id, deadline };
                }
            }
        }
    }

    fn log_in(&mut self, secret: LoginSecret, deadline: Instant) {
        let action = self.config.login.action(self.config.events, secret);
        // `Login::new` has shown that it can be written.
        if let Ok(id) = self.transmit(&action) {
            self.phase = Phase::Login { id, deadline };
        }
    }

    fn handle_message(&mut self, frame: Frame, message: &Message<'_>) -> Option<Found> {
        match message.response() {
            Some(response) => self.handle_response(frame, message, response),
            None => self.handle_event(frame, message),
        }
    }

    fn handle_response(
        &mut self,
        frame: Frame,
        message: &Message<'_>,
        response: Response,
    ) -> Option<Found> {
        let id = action_id(message)?;
        match self.phase {
            Phase::Challenge {
                id: asked,
                deadline,
            } if asked == id => {
                let Some(challenge) = message.get("Challenge") else {
                    return Some(self.refused(frame));
                };
                let key = md5_key(challenge.bytes(), &self.config.login.secret);
                self.log_in(LoginSecret::Md5Key(key), deadline);
                None
            }
            Phase::Login { id: asked, .. } if asked == id => match response {
                Response::Success => {
                    self.phase = Phase::Up;
                    self.ping.due = self.now + self.config.ping_every;
                    Some(Found::LoggedIn)
                }
                Response::Error | Response::Follows | Response::Goodbye | Response::Other => {
                    Some(self.refused(frame))
                }
            },
            Phase::Up if self.ping.sent.is_some_and(|ping| ping.id == id) => {
                self.pong();
                None
            }
            Phase::Up
            | Phase::Banner { .. }
            | Phase::Challenge { .. }
            | Phase::Login { .. }
            | Phase::Ended => self.reply(frame, id, response),
        }
    }

    fn refused(&mut self, frame: Frame) -> Found {
        self.phase = Phase::Ended;
        Found::LoginRefused(frame)
    }

    fn reply(&mut self, frame: Frame, id: ActionId, response: Response) -> Option<Found> {
        let pending = self.pending.get(&id)?;
        let action = pending.action;
        // The entries of a list follow a success; anything else was the whole answer.
        if pending.list.is_none() || response != Response::Success {
            self.forget(id);
        }
        Some(Found::Reply {
            frame,
            action_id: id,
            action,
            response,
        })
    }

    fn handle_event(&mut self, frame: Frame, message: &Message<'_>) -> Option<Found> {
        match self.lists {
            0 => Some(Found::Event(frame)),
            _ => Some(self.list_event(frame, message)),
        }
    }

    fn list_event(&mut self, frame: Frame, message: &Message<'_>) -> Found {
        let Some(id) = action_id(message) else {
            return Found::Event(frame);
        };
        let deadline = self.now + self.config.reply_within;
        let Some((pending, Listed(items))) = self.pending.get_mut(&id).and_then(|pending| {
            let list = pending.list?;
            Some((pending, list))
        }) else {
            return Found::Event(frame);
        };
        match message.get("EventList") {
            Some(end) if end.bytes().eq_ignore_ascii_case(b"Complete") => {
                let action = pending.action;
                self.forget(id);
                Found::ListComplete {
                    action_id: id,
                    action,
                    items,
                }
            }
            Some(_) => {
                let action = pending.action;
                self.forget(id);
                Found::Notice(Notice::TimedOut {
                    action_id: id,
                    action,
                })
            }
            None => {
                pending.list = Some(Listed(items + 1));
                pending.deadline = deadline;
                Found::ListItem {
                    frame,
                    action_id: id,
                }
            }
        }
    }

    fn forget(&mut self, id: ActionId) {
        if let Some(pending) = self.pending.remove(&id) {
            self.lists -= usize::from(pending.list.is_some());
        }
    }

    fn pong(&mut self) {
        let Some(ping) = self.ping.sent.take() else {
            return;
        };
        let lag = self.now.saturating_duration_since(ping.at);
        self.notices.push_back(Notice::Lag(lag));
        self.ping.due = self.now.max(ping.at + self.config.ping_every);
    }

    fn send(&mut self, action: &Action) -> Result<ActionId, SendError> {
        if self.phase != Phase::Up {
            return Err(SendError::NotConnected);
        }
        if self.pending.len() >= MAX_PENDING {
            return Err(SendError::TooManyWaiting);
        }
        let id = self.transmit(action)?;
        let list = action.is_list().then_some(Listed(0));
        self.lists += usize::from(list.is_some());
        let pending = Pending {
            action: action.name(),
            deadline: self.now + self.config.reply_within,
            list,
        };
        self.pending.insert(id, pending);
        Ok(id)
    }

    fn transmit(&mut self, action: &Action) -> Result<ActionId, EncodeError> {
        let action_id = ActionId {
            session: self.seed,
            sequence: self.sequence.wrapping_add(1),
        };
        let bytes = action.encode(action_id)?;
        self.sequence = action_id.sequence;
        self.transmit.push_back(Transmit { action_id, bytes });
        Ok(action_id)
    }

    fn timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Banner { deadline }
            | Phase::Challenge { deadline, .. }
            | Phase::Login { deadline, .. } => Some(deadline),
            Phase::Up => {
                let replies = self.pending.values().map(|pending| pending.deadline);
                let silence = self.ping.sent.map(|ping| self.silent_at(ping));
                replies.chain(silence).chain([self.ping.due]).min()
            }
            Phase::Ended => None,
        }
    }

    fn silent_at(&self, ping: SentPing) -> Instant {
        ping.at.max(self.last_heard) + ping.silence
    }

    fn handle_timeout(&mut self) {
        match self.phase {
            Phase::Banner { deadline }
            | Phase::Challenge { deadline, .. }
            | Phase::Login { deadline, .. } => {
                if self.now >= deadline {
                    self.phase = Phase::Ended;
                    self.notices.push_back(Notice::LoginTimedOut);
                }
            }
            Phase::Up => {
                self.time_out_replies();
                self.watch_ping();
            }
            Phase::Ended => {}
        }
    }

    fn time_out_replies(&mut self) {
        let now = self.now;
        let late: Vec<ActionId> = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.deadline <= now)
            .map(|(id, _)| *id)
            .collect();
        for action_id in late {
            let action = self.pending[&action_id].action;
            self.forget(action_id);
            self.notices
                .push_back(Notice::TimedOut { action_id, action });
        }
    }

    fn watch_ping(&mut self) {
        let Some(ping) = self.ping.sent else {
            if self.now >= self.ping.due {
                self.send_ping(self.config.silence);
            }
            return;
        };
        let waited = self.now.saturating_duration_since(ping.at);
        if self.now >= self.silent_at(ping) {
            let heard = self.now.saturating_duration_since(self.last_heard);
            self.phase = Phase::Ended;
            self.notices.push_back(Notice::Silent(heard));
        } else if self.now >= self.ping.due {
            // Asterisk talks but has not come to our ping: what it says is that old.
            self.ping.due = self.now + self.config.ping_every;
            self.notices.push_back(Notice::Lag(waited));
        }
    }

    fn send_ping(&mut self, silence: Duration) {
        let Ok(id) = self.transmit(&Action::Ping) else {
            return;
        };
        let at = self.now;
        self.ping = Ping {
            due: at + self.config.ping_every,
            sent: Some(SentPing { id, at, silence }),
        };
    }

    fn probe(&mut self) {
        if self.phase == Phase::Up {
            self.send_ping(PROBE);
        }
    }

    fn close(&mut self, unsent: &[ActionId]) {
        self.phase = Phase::Ended;
        self.lists = 0;
        let never_polled = std::mem::take(&mut self.transmit);
        for (action_id, pending) in std::mem::take(&mut self.pending) {
            let sent = !unsent.contains(&action_id)
                && !never_polled
                    .iter()
                    .any(|transmit| transmit.action_id == action_id);
            self.notices.push_back(Notice::Unanswered {
                action_id,
                action: pending.action,
                sent,
            });
        }
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

fn action_id(message: &Message<'_>) -> Option<ActionId> {
    let id = message.get("ActionID")?;
    ActionId::parse(std::str::from_utf8(id.bytes()).ok()?)
}

fn md5_key(challenge: &[u8], secret: &SecretString) -> SecretString {
    let digest = Md5::new()
        .chain_update(challenge)
        .chain_update(secret.expose_secret().as_bytes())
        .finalize();
    let key: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    SecretString::from(key)
}
