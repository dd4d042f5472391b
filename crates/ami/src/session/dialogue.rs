//! Everything about a session but its input, so that a message can be borrowed while it is judged.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use md5::{Digest, Md5};
use secrecy::{ExposeSecret, SecretString};

use super::{LoginMethod, OLDEST_ASTERISK, SendError, SessionConfig, Transmit};
use crate::{
    Action, ActionId, ActionName, Banner, EncodeError, LoginSecret, Message, Response,
    decoder::Frame,
};

/// Login, waiting actions, lists and pings of one connection.
#[derive(Debug)]
pub(super) struct Dialogue {
    pub(super) config: SessionConfig,
    seed: u64,
    sequence: u32,
    pub(super) now: Instant,
    phase: Phase,
    pending: BTreeMap<ActionId, Pending>,
    /// Of the pending, those that list.
    lists: usize,
    pub(super) transmit: VecDeque<Transmit>,
    pub(super) notices: VecDeque<Notice>,
    ping: Ping,
    pub(super) last_heard: Instant,
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
pub(super) enum Found {
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
pub(super) enum Notice {
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

/// Actions that may wait for an answer at a time: far more than one desktop asks for.
pub(super) const MAX_PENDING: usize = 256;
/// How long an answer may take to a ping that asks whether the link survived a sleep or a change of network.
const PROBE: Duration = Duration::from_secs(1);

impl Dialogue {
    pub(super) fn new(config: SessionConfig, seed: u64, now: Instant) -> Self {
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

    pub(super) fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    /// Says nothing to what is no Asterisk or one too old, least of all the secret.
    pub(super) fn handle_banner(&mut self, banner: &Banner<'_>) {
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

    pub(super) fn handle_message(&mut self, frame: Frame, message: &Message<'_>) -> Option<Found> {
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

    pub(super) fn send(&mut self, action: &Action) -> Result<ActionId, SendError> {
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

    pub(super) fn timeout(&self) -> Option<Instant> {
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

    pub(super) fn handle_timeout(&mut self) {
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

    pub(super) fn probe(&mut self) {
        if self.phase == Phase::Up {
            self.send_ping(PROBE);
        }
    }

    pub(super) fn close(&mut self, unsent: &[ActionId]) {
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
