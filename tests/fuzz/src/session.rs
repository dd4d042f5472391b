//! The session: whatever comes and whenever, it signs in at most once, each action has one outcome, deadlines pass, and
//! what waits is bounded.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use ami::{Action, ActionId, FieldValue, Login, LoginMethod, Session, SessionConfig, SessionEvent};
use secrecy::SecretString;

use crate::bytes::Bytes;

/// A first byte of options, then steps: each a byte and what it needs.
pub fn session(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let method = bytes.choose(&[LoginMethod::Plain, LoginMethod::Md5]);
    let mut talk = Talk::new(method);
    while !bytes.is_empty() {
        talk.step(&mut bytes);
    }
    talk.session.close(&[]);
    talk.take();
    assert!(!talk.session.is_up());
    assert!(talk.waiting.is_empty(), "no outcome of {:?}", talk.waiting);
}

struct Talk {
    session: Session,
    now: Instant,
    /// The actions without an outcome, and whether each lists.
    waiting: BTreeMap<ActionId, bool>,
    /// Every action that left, the newest last; the login is among them.
    sent: Vec<ActionId>,
    logged_in: bool,
    over: bool,
}

impl Talk {
    #[expect(clippy::expect_used, reason = "the login is always the same")]
    fn new(method: LoginMethod) -> Self {
        let now = Instant::now();
        let secret = SecretString::from("secret".to_owned());
        let username = FieldValue::new("user").expect("a plain word");
        let login = Login::new(username, secret, method).expect("short enough");
        Self {
            session: Session::new(SessionConfig::new(login), 7, now),
            now,
            waiting: BTreeMap::new(),
            sent: Vec::new(),
            logged_in: false,
            over: false,
        }
    }

    fn step(&mut self, bytes: &mut Bytes<'_>) {
        match bytes.below(12) {
            0 => {
                let count = usize::from(bytes.byte());
                let raw = bytes.take(count);
                self.hear(raw);
            }
            1 => self.hear(b"Asterisk Call Manager/11.0.0\r\n"),
            2 => self.answer(bytes, "Response: Success\r\nChallenge: 1234\r\n", ""),
            3 => self.answer(
                bytes,
                "Response: Error\r\nMessage: Permission denied\r\n",
                "",
            ),
            4 => self.answer(bytes, "Response: Success\r\nEventList: start\r\n", ""),
            5 => self.answer(
                bytes,
                "Event: CoreShowChannel\r\n",
                "Channel: PJSIP/101-00000001\r\n",
            ),
            6 => self.answer(
                bytes,
                "Event: CoreShowChannelsComplete\r\n",
                "EventList: Complete\r\n",
            ),
            7 => self.answer(
                bytes,
                "Event: CoreShowChannelsComplete\r\n",
                "EventList: cancelled\r\n",
            ),
            8 => {
                let action = match bytes.below(4) {
                    0 => Action::Ping,
                    1 => Action::CoreShowChannels,
                    2 => Action::ExtensionStateList,
                    _ => Action::Challenge,
                };
                let is_list = matches!(
                    action,
                    Action::CoreShowChannels | Action::ExtensionStateList
                );
                let was_up = self.session.is_up();
                let sent = self.session.send(&action, self.now);
                assert!(was_up || sent.is_err(), "sent without a login");
                if let Ok(id) = sent {
                    assert!(
                        self.waiting.insert(id, is_list).is_none(),
                        "{id} was given twice"
                    );
                    assert!(self.waiting.len() <= 256);
                }
                self.take();
            }
            9 => {
                if let Some(due) = self.session.poll_timeout() {
                    self.now = self.now.max(due);
                    self.session.handle_timeout(self.now);
                    self.take();
                    let next = self.session.poll_timeout();
                    assert!(
                        next.is_none_or(|next| next > self.now),
                        "a deadline stays due"
                    );
                }
            }
            10 => self.now += Duration::from_millis(u64::from(bytes.byte()) * 40),
            _ => {
                self.session.probe(self.now);
                self.take();
            }
        }
    }

    /// An answer to one of the newest actions.
    fn answer(&mut self, bytes: &mut Bytes<'_>, first: &str, last: &str) {
        let back = usize::from(bytes.below(4));
        let Some(id) = self.sent.iter().rev().nth(back) else {
            return;
        };
        let text = format!("{first}ActionID: {id}\r\n{last}\r\n");
        self.hear(text.as_bytes());
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.session.handle_input(bytes, self.now);
        self.take();
    }

    /// Polls everything; what it says must fit what was done.
    fn take(&mut self) {
        loop {
            while let Some(transmit) = self.session.poll_transmit() {
                assert!(transmit.bytes.ends_with(b"\r\n\r\n"));
                self.sent.push(transmit.action_id);
            }
            let Some(event) = self.session.poll_event() else {
                break;
            };
            let outcome = match event {
                SessionEvent::LoggedIn => {
                    assert!(!self.logged_in && !self.over && !self.sent.is_empty());
                    self.logged_in = true;
                    None
                }
                SessionEvent::LoginRefused { .. } | SessionEvent::LoginTimedOut => {
                    assert!(!self.logged_in && !self.over);
                    self.over = true;
                    None
                }
                SessionEvent::Silent(_) => {
                    assert!(self.logged_in && !self.over);
                    self.over = true;
                    None
                }
                SessionEvent::Reply {
                    action_id,
                    response,
                    ..
                } => {
                    let goes_on = response == ami::Response::Success
                        && self.waiting.get(&action_id).is_some_and(|is_list| *is_list);
                    (!goes_on).then_some(action_id)
                }
                SessionEvent::ListComplete { action_id, .. }
                | SessionEvent::TimedOut { action_id, .. }
                | SessionEvent::Unanswered { action_id, .. } => Some(action_id),
                SessionEvent::ListItem { action_id, .. } => {
                    assert_eq!(self.waiting.get(&action_id), Some(&true));
                    None
                }
                SessionEvent::Banner(_) | SessionEvent::Event(_) | SessionEvent::Lag(_) => None,
            };
            if let Some(id) = outcome {
                assert!(self.waiting.remove(&id).is_some(), "{id} has two outcomes");
            }
        }
        assert!(!self.session.is_up() || (self.logged_in && !self.over));
    }
}
