//! The tests' own view of the manager interface, which shares no code with the product.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::{LAB, ManagerUser};

/// What is remembered; older messages are dropped and counted.
const LIMIT: usize = 50_000;

/// One message: header names and values in the order in which they came.
#[derive(Debug, Clone)]
pub struct ManagerEvent {
    /// When its last line was read.
    pub at: Instant,
    headers: Vec<(String, String)>,
}

impl ManagerEvent {
    /// The first header of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether it is an event of that name.
    pub fn is(&self, event: &str) -> bool {
        self.get("Event") == Some(event)
    }
}

/// A session of user [`LAB`] that remembers everything since its login.
#[derive(Debug)]
pub struct Watch {
    stream: TcpStream,
    seen: Arc<Seen>,
    sent: Mutex<Vec<u8>>,
    next_action: AtomicU64,
}

#[derive(Debug, Default)]
struct Seen {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<ManagerEvent>,
    dropped: usize,
    closed: bool,
    /// Every byte received, where that is wanted.
    tape: Option<Vec<u8>>,
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    pub(super) fn connect(address: SocketAddr) -> Result<Self> {
        Self::connect_as(address, LAB, None)
    }

    /// Keeps also every byte of the session, see [`Self::received`].
    pub(super) fn recording(address: SocketAddr, user: ManagerUser) -> Result<Self> {
        Self::connect_as(address, user, Some(Vec::new()))
    }

    fn connect_as(address: SocketAddr, user: ManagerUser, tape: Option<Vec<u8>>) -> Result<Self> {
        let stream =
            TcpStream::connect_timeout(&address, Duration::from_secs(2)).context("connect")?;
        stream
            .set_write_timeout(Some(Duration::from_secs(5)))
            .context("limit writes")?;
        let seen = Arc::new(Seen::default());
        seen.lock().tape = tape;
        let reader = BufReader::new(stream.try_clone().context("share the connection")?);
        let writer = Arc::clone(&seen);
        std::thread::Builder::new()
            .name("manager-watch".to_owned())
            .spawn(move || read_all(reader, &writer))
            .context("start a thread")?;
        let watch = Self {
            stream,
            seen,
            sent: Mutex::default(),
            next_action: AtomicU64::new(1),
        };
        let reply = watch
            .action(&[
                ("Action", "Login"),
                ("Username", user.name),
                ("Secret", user.secret),
            ])
            .context("log in")?;
        if reply.get("Response") != Some("Success") {
            bail!("the manager interface refused the tests' user");
        }
        Ok(watch)
    }

    /// Every byte that came, of a session that records.
    pub fn received(&self) -> Vec<u8> {
        self.seen.lock().tape.clone().unwrap_or_default()
    }

    /// Every byte that went.
    pub fn sent(&self) -> Vec<u8> {
        self.sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until nothing has come for `quiet`, at most for `limit`.
    pub fn wait_quiet(&self, quiet: Duration, limit: Duration) -> Result<()> {
        let until = Instant::now() + limit;
        let mut state = self.seen.lock();
        loop {
            let last = state.messages.back().map(|message| message.at);
            let left = last.map_or(Duration::ZERO, |last| {
                (last + quiet).saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return Ok(());
            }
            if Instant::now() >= until {
                bail!("something still came after {limit:?}");
            }
            state = self
                .seen
                .news
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// The first message since the login, past or still to come, that is accepted.
    pub fn wait_for(
        &self,
        limit: Duration,
        mut accept: impl FnMut(&ManagerEvent) -> bool,
    ) -> Result<ManagerEvent> {
        let until = Instant::now() + limit;
        let mut state = self.seen.lock();
        let mut next = 0;
        loop {
            let total = state.dropped + state.messages.len();
            let start = next.max(state.dropped) - state.dropped;
            if let Some(found) = state
                .messages
                .iter()
                .skip(start)
                .find(|event| accept(event))
            {
                return Ok(found.clone());
            }
            next = total;
            if state.closed {
                bail!("the manager interface closed the connection");
            }
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                bail!("no such message within {limit:?}; {total} others came");
            };
            state = self
                .seen
                .news
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits until all that is remembered, together, is accepted; asked anew whenever something comes.
    pub fn wait_for_all(
        &self,
        limit: Duration,
        accept: impl Fn(&VecDeque<ManagerEvent>) -> bool,
    ) -> Result<()> {
        let until = Instant::now() + limit;
        let mut state = self.seen.lock();
        while !accept(&state.messages) {
            if state.closed {
                bail!("the manager interface closed the connection");
            }
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                bail!("not so within {limit:?}");
            };
            state = self
                .seen
                .news
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        Ok(())
    }

    /// Everything remembered that is accepted.
    pub fn all(&self, accept: impl Fn(&ManagerEvent) -> bool) -> Vec<ManagerEvent> {
        self.seen
            .lock()
            .messages
            .iter()
            .filter(|event| accept(event))
            .cloned()
            .collect()
    }

    /// Forgets what came so far.
    pub fn forget(&self) {
        let mut state = self.seen.lock();
        state.dropped += state.messages.len();
        state.messages.clear();
    }

    /// Sends an action and returns its reply.
    pub fn action(&self, headers: &[(&str, &str)]) -> Result<ManagerEvent> {
        let id = format!("w{}", self.next_action.fetch_add(1, Ordering::Relaxed));
        let mut text = String::new();
        for (index, (name, value)) in headers.iter().enumerate() {
            text.push_str(&format!("{name}: {value}\r\n"));
            if index == 0 {
                text.push_str(&format!("ActionID: {id}\r\n"));
            }
        }
        text.push_str("\r\n");
        self.sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(text.as_bytes());
        (&self.stream)
            .write_all(text.as_bytes())
            .context("send an action")?;
        self.wait_for(Duration::from_secs(10), |event| {
            event.get("Response").is_some() && event.get("ActionID") == Some(&id)
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The reading thread holds a second handle of the connection: closing ours alone would not end it.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

fn read_all(mut reader: BufReader<TcpStream>, seen: &Seen) {
    let mut headers = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if !matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
            break;
        }
        if let Some(tape) = &mut seen.lock().tape {
            tape.extend_from_slice(&line);
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\r', '\n']);
        if !text.is_empty() {
            headers.extend(
                text.split_once(':')
                    .map(|(key, value)| (key.to_owned(), value.trim_start().to_owned())),
            );
            continue;
        }
        let mut state = seen.lock();
        if state.messages.len() == LIMIT {
            state.messages.pop_front();
            state.dropped += 1;
        }
        state.messages.push_back(ManagerEvent {
            at: Instant::now(),
            headers: std::mem::take(&mut headers),
        });
        seen.news.notify_all();
    }
    seen.lock().closed = true;
    seen.news.notify_all();
}
