//! Real SIP phones: the firm's 101 to 104 and the telephone company with its customers.

use std::collections::HashMap;
use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Asterisk, ProcessGroup};

mod install;
mod raw_caller;

pub use install::{PhonesProgram, debian_packages, install, missing_debian_packages};
pub use raw_caller::RawCaller;

/// The phones that register when [`Phones::start`] returns.
pub const EXTENSIONS: [&str; 4] = ["101", "102", "103", "104"];
/// The name under which the telephone company's calls are reported.
pub const TRUNK: &str = "trunk";

const SCRIPT: &str = include_str!("../phones/phones.py");
const REPLY: Duration = Duration::from_secs(5);

/// What a phone does when it is called.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Policy {
    /// Rings until told otherwise.
    Ring,
    /// Gives no sign of life at all.
    Silent,
    /// Rings, answers, and hangs up some time after the answer, if given.
    Answer {
        after: Duration,
        hang_up: Option<Duration>,
    },
    /// Rings, and picks up at once where Call-Info or Alert-Info asks for it in a way that some phone knows.
    Obey,
    /// Refuses with a SIP status code, e.g. 486 busy, 603 declined; rings before if `after` is not zero.
    Reject { after: Duration, code: u16 },
}

impl Policy {
    /// Answers `milliseconds` after it began to ring.
    pub const fn answer_after(milliseconds: u64) -> Self {
        Self::Answer {
            after: Duration::from_millis(milliseconds),
            hang_up: None,
        }
    }

    /// Refuses at once.
    pub const fn reject(code: u16) -> Self {
        Self::Reject {
            after: Duration::ZERO,
            code,
        }
    }

    fn to_json(self) -> Value {
        match self {
            Self::Ring => json!({"policy": "ring"}),
            Self::Silent => json!({"policy": "silent"}),
            Self::Obey => json!({"policy": "obey"}),
            Self::Answer { after, hang_up } => json!({
                "policy": "answer",
                "after": after.as_secs_f64(),
                "hang_up": hang_up.map(|after| after.as_secs_f64()),
            }),
            Self::Reject { after, code } => {
                json!({"policy": "reject", "after": after.as_secs_f64(), "code": code})
            }
        }
    }
}

/// Somebody outside of the firm. [`RawCaller`] takes names that are not text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    pub number: String,
    pub name: String,
}

impl Customer {
    pub fn new(number: &str, name: &str) -> Self {
        Self {
            number: number.to_owned(),
            name: name.to_owned(),
        }
    }

    /// A caller who withholds number and name.
    pub fn anonymous() -> Self {
        Self::new("anonymous", "Anonymous")
    }
}

/// One call as one phone sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PhoneCall(u32);

/// What happened at a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneEvent {
    /// When it was read, within a millisecond of when the phone said so.
    pub at: Instant,
    /// 101 to 104 or [`TRUNK`].
    pub phone: String,
    /// Absent for registrations.
    pub call: Option<PhoneCall>,
    pub what: What,
}

impl fmt::Display for PhoneEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = self.call.map_or(0, |call| call.0);
        write!(f, "  {} call {call}: {:?}", self.phone, self.what)
    }
}

/// The kinds of [`PhoneEvent`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum What {
    Registered,
    Unregistered {
        code: u16,
    },
    /// Somebody calls: the number in the request and the caller as SIP writes it, `"Name" <sip:number@host>`.
    Incoming {
        dialled: String,
        remote: String,
    },
    Calling,
    /// The other side rings; on the called phone: it rings.
    Ringing {
        remote: String,
    },
    Answered {
        remote: String,
    },
    /// With the last SIP status code.
    Ended {
        code: u16,
        reason: String,
    },
    Digit {
        digit: String,
    },
    /// A policy could not be followed.
    Trouble {
        why: String,
    },
}

/// All phones, in processes that end with this value. The firm's have four calls at a time; so have the
/// telephone company and the second phones of extensions together.
#[derive(Debug)]
pub struct Phones {
    shared: Arc<Shared>,
    firm: House,
    outside: House,
    next_request: AtomicU64,
    trunk_port: u16,
}

/// A process with some of the phones.
#[derive(Debug)]
struct House {
    input: Mutex<ChildStdin>,
    child: Child,
    _group: ProcessGroup,
}

/// The first number of a call of the second process.
const OUTSIDE_CALLS: u32 = 1001;

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    ready: usize,
    closed: bool,
    events: Vec<PhoneEvent>,
    log: Vec<String>,
    replies: HashMap<u64, Result<u32, String>>,
    complaints: Vec<String>,
}

impl Phones {
    /// Starts the phones and waits until all are registered. They ring until they get another [`Policy`].
    pub fn start(asterisk: &Asterisk) -> Result<Self> {
        let program = install(|_| ())?;
        let shared = Arc::new(Shared::default());
        let media = asterisk.phone_media_port();
        let phones = Self {
            firm: House::start(&program, asterisk, media, 1, &shared)?,
            outside: House::start(&program, asterisk, media + 60, OUTSIDE_CALLS, &shared)?,
            shared,
            next_request: AtomicU64::new(1),
            trunk_port: asterisk.trunk_port(),
        };
        phones
            .shared
            .wait(Duration::from_secs(10), |state| {
                (state.ready == 2).then_some(())
            })
            .context("start the SIP phones")?;
        phones.request(json!({"do": "trunk", "phone": TRUNK}))?;
        for phone in EXTENSIONS {
            phones.add(phone)?;
        }
        Ok(phones)
    }

    /// Says what a phone does with the calls that come from now on.
    pub fn set_policy(&self, phone: &str, policy: Policy) -> Result<()> {
        self.request(
            json!({"do": "policy", "phone": phone, "dialled": null, "policy": policy.to_json()}),
        )?;
        Ok(())
    }

    /// Says what a customer does when this number of theirs is called; others follow the trunk's policy.
    pub fn set_customer_policy(&self, number: &str, policy: Policy) -> Result<()> {
        self.request(
            json!({"do": "policy", "phone": TRUNK, "dialled": number, "policy": policy.to_json()}),
        )?;
        Ok(())
    }

    /// A phone of the firm dials.
    pub fn dial(&self, phone: &str, number: &str) -> Result<PhoneCall> {
        self.call(phone, number, None)
    }

    /// A customer calls a number of the firm, e.g. 74951230001 (rings 101).
    pub fn customer_calls(&self, customer: &Customer, did: &str) -> Result<PhoneCall> {
        let name = customer.name.replace('\\', "\\\\").replace('"', "\\\"");
        let from = format!(
            "\"{name}\" <sip:{}@127.0.0.2:{}>",
            customer.number, self.trunk_port
        );
        self.call(TRUNK, did, Some(&from))
    }

    fn call(&self, phone: &str, to: &str, from: Option<&str>) -> Result<PhoneCall> {
        self.request(json!({"do": "call", "phone": phone, "to": to, "from": from, "headers": {}}))
            .map(PhoneCall)
    }

    pub fn answer(&self, call: PhoneCall) -> Result<()> {
        self.request(json!({"do": "answer", "call": call.0}))
            .map(drop)
    }

    /// Refuses a ringing call with a SIP status code.
    pub fn reject(&self, call: PhoneCall, code: u16) -> Result<()> {
        self.request(json!({"do": "reject", "call": call.0, "code": code}))
            .map(drop)
    }

    pub fn hang_up(&self, call: PhoneCall) -> Result<()> {
        self.request(json!({"do": "hangup", "call": call.0}))
            .map(drop)
    }

    pub fn hold(&self, call: PhoneCall) -> Result<()> {
        self.request(json!({"do": "hold", "call": call.0}))
            .map(drop)
    }

    pub fn unhold(&self, call: PhoneCall) -> Result<()> {
        self.request(json!({"do": "unhold", "call": call.0}))
            .map(drop)
    }

    /// Presses keys (RFC 4733).
    pub fn press(&self, call: PhoneCall, digits: &str) -> Result<()> {
        self.request(json!({"do": "digits", "call": call.0, "digits": digits}))
            .map(drop)
    }

    /// Sends the other side elsewhere (REFER).
    pub fn transfer(&self, call: PhoneCall, to: &str) -> Result<()> {
        self.request(json!({"do": "transfer", "call": call.0, "to": to}))
            .map(drop)
    }

    /// Joins the other sides of two calls of one phone (REFER with Replaces) and leaves them alone.
    pub fn join(&self, call: PhoneCall, other: PhoneCall) -> Result<()> {
        self.request(json!({"do": "join", "call": call.0, "other": other.0}))
            .map(drop)
    }

    /// Gives the firm one more phone and waits until it is registered: extension 105 may have 105 and 105b.
    pub fn add(&self, phone: &str) -> Result<()> {
        let extension = phone.trim_end_matches(|c: char| c.is_ascii_lowercase());
        self.request(
            json!({"do": "phone", "phone": phone, "password": format!("phone-{extension}")}),
        )?;
        self.wait_registered(phone)
    }

    /// Unplugs a phone politely: Asterisk knows at once that it is gone.
    pub fn unregister(&self, phone: &str) -> Result<()> {
        let since = self.mark();
        self.request(json!({"do": "registration", "phone": phone, "wanted": false}))?;
        let gone = |event: &PhoneEvent| {
            event.phone == phone && matches!(event.what, What::Unregistered { .. })
        };
        self.wait_after(since, REPLY, gone).map(drop)
    }

    /// Plugs it in again.
    pub fn register(&self, phone: &str) -> Result<()> {
        let since = self.mark();
        self.request(json!({"do": "registration", "phone": phone, "wanted": true}))?;
        let there = |event: &PhoneEvent| event.phone == phone && event.what == What::Registered;
        self.wait_after(since, REPLY, there).map(drop)
    }

    /// A place in the sequence of events, for [`Self::wait_after`].
    pub fn mark(&self) -> usize {
        self.shared.lock().events.len()
    }

    /// The first event since the start, past or still to come, that is accepted.
    pub fn wait_for(
        &self,
        limit: Duration,
        accept: impl FnMut(&PhoneEvent) -> bool,
    ) -> Result<PhoneEvent> {
        self.wait_after(0, limit, accept)
    }

    /// The first event after a [`Self::mark`] that is accepted.
    pub fn wait_after(
        &self,
        mark: usize,
        limit: Duration,
        mut accept: impl FnMut(&PhoneEvent) -> bool,
    ) -> Result<PhoneEvent> {
        let mut next = mark;
        let found = self.shared.wait(limit, |state| {
            let found = state
                .events
                .iter()
                .skip(next)
                .find(|event| accept(event))
                .cloned();
            next = state.events.len();
            found
        });
        found.with_context(|| {
            let since = self.events().split_off(mark.min(self.mark()));
            let last = since.iter().skip(since.len().saturating_sub(30));
            let lines: Vec<String> = last.map(PhoneEvent::to_string).collect();
            format!("the phones did last:\n{}", lines.join("\n"))
        })
    }

    /// Waits until a phone rings that did not at the time of `mark`, and returns the call.
    pub fn wait_incoming(&self, phone: &str, mark: usize, limit: Duration) -> Result<PhoneCall> {
        let rings = |event: &PhoneEvent| {
            event.phone == phone && matches!(event.what, What::Incoming { .. })
        };
        let event = self
            .wait_after(mark, limit, rings)
            .with_context(|| format!("phone {phone} does not ring"))?;
        event.call.context("an incoming call without its number")
    }

    /// Waits until a call is answered.
    pub fn wait_answered(&self, call: PhoneCall, limit: Duration) -> Result<PhoneEvent> {
        let answered = |event: &PhoneEvent| {
            event.call == Some(call) && matches!(event.what, What::Answered { .. })
        };
        self.wait_for(limit, answered)
            .context("the call is not answered")
    }

    /// Waits until a call has ended and returns the last SIP status code: 200 hung up after an answer, 486 busy …
    pub fn wait_ended(&self, call: PhoneCall, limit: Duration) -> Result<u16> {
        let mut status = 0;
        self.wait_for(limit, |event| {
            let What::Ended { code, .. } = event.what else {
                return false;
            };
            status = code;
            event.call == Some(call)
        })
        .context("the call does not end")?;
        Ok(status)
    }

    /// The log since the start: JSON lines with Unix time, what every phone was told, saw and did.
    pub fn log(&self) -> Vec<String> {
        self.shared.lock().log.clone()
    }

    /// Everything since the start.
    pub fn events(&self) -> Vec<PhoneEvent> {
        self.shared.lock().events.clone()
    }

    fn wait_registered(&self, phone: &str) -> Result<()> {
        let registered =
            |event: &PhoneEvent| event.phone == phone && event.what == What::Registered;
        let found = self.wait_for(Duration::from_secs(10), registered);
        found
            .with_context(|| format!("phone {phone} does not register"))
            .map(drop)
    }

    /// A request is acknowledged before anything else is done: a call must not overtake a policy.
    fn request(&self, mut request: Value) -> Result<u32> {
        let house = match (request["phone"].as_str(), request["call"].as_u64()) {
            (_, Some(call)) if call >= u64::from(OUTSIDE_CALLS) => &self.outside,
            (Some(phone), _) if !is_first_phone(phone) => &self.outside,
            (Some(_), _) | (None, _) => &self.firm,
        };
        let id = self.next_request.fetch_add(1, Ordering::Relaxed);
        let what = request["do"].to_string();
        request["id"] = json!(id);
        let line = format!("{request}\n");
        house
            .input
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(line.as_bytes())
            .context("tell the phones")?;
        let reply = self.shared.wait(REPLY, |state| state.replies.remove(&id));
        reply?.map_err(|why| anyhow!("the phones cannot do {what}: {why}"))
    }
}

/// 105 is the first phone of its extension, 105b the second.
fn is_first_phone(phone: &str) -> bool {
    phone.bytes().all(|byte| byte.is_ascii_digit())
}

impl House {
    fn start(
        program: &PhonesProgram,
        asterisk: &Asterisk,
        media_port: u16,
        first_call: u32,
        shared: &Arc<Shared>,
    ) -> Result<Self> {
        let ports = [asterisk.sip_port(), asterisk.trunk_port(), media_port].map(u32::from);
        let group = ProcessGroup::new().context("start a process group")?;
        let mut child = group
            .spawn(
                Command::new(&program.python)
                    .args(["-u", "-c", SCRIPT])
                    .args(ports.iter().chain([&first_call]).map(u32::to_string))
                    .current_dir("/")
                    .env("PYTHONUTF8", "1")
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped()),
            )
            .context("start the SIP phones")?;
        let output = child.stdout.take().context("read from the phones")?;
        let complaints = child.stderr.take().context("read from the phones")?;
        let (reader, complainer) = (Arc::clone(shared), Arc::clone(shared));
        std::thread::spawn(move || reader.read(BufReader::new(output)));
        std::thread::spawn(move || {
            for line in BufReader::new(complaints).lines().map_while(Result::ok) {
                complainer.lock().complaints.push(line);
            }
        });
        Ok(Self {
            input: Mutex::new(child.stdin.take().context("write to the phones")?),
            child,
            _group: group,
        })
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Log {
        #[expect(dead_code, reason = "its presence says it")]
        t: f64,
    },
    Ready {
        #[expect(dead_code, reason = "its presence says it")]
        ready: bool,
    },
    Done {
        done: u64,
        call: u32,
    },
    Failed {
        failed: u64,
        why: String,
    },
    Event {
        phone: String,
        call: u32,
        #[serde(flatten)]
        what: What,
    },
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, output: impl std::io::BufRead) {
        for line in output.lines().map_while(Result::ok) {
            let at = Instant::now();
            let mut state = self.lock();
            match serde_json::from_str(&line) {
                Ok(Line::Log { .. }) => state.log.push(line),
                Ok(Line::Ready { .. }) => state.ready += 1,
                Ok(Line::Done { done, call }) => drop(state.replies.insert(done, Ok(call))),
                Ok(Line::Failed { failed, why }) => drop(state.replies.insert(failed, Err(why))),
                Ok(Line::Event { phone, call, what }) => {
                    let call = (call != 0).then_some(PhoneCall(call));
                    state.events.push(PhoneEvent {
                        at,
                        phone,
                        call,
                        what,
                    });
                }
                Err(_) => state.complaints.push(line),
            }
            self.news.notify_all();
        }
        self.lock().closed = true;
        self.news.notify_all();
    }

    fn wait<T>(&self, limit: Duration, mut look: impl FnMut(&mut State) -> Option<T>) -> Result<T> {
        let until = Instant::now() + limit;
        let mut state = self.lock();
        loop {
            if let Some(found) = look(&mut state) {
                return Ok(found);
            }
            if state.closed {
                bail!("the SIP phones ended: {}", state.complaints.join("\n"));
            }
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                bail!("nothing within {limit:?}");
            };
            state = self
                .news
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}
