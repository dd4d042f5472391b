//! Clients of ours and the bare lower bounds, each run as a process of its own so that its CPU time and memory are its own.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    time::Instant,
};

use ami::{Action, Charset, Decoder, Event, FieldValue, Incoming, Limits, SessionEvent};
use ami_client::{Link, LinkConfig, LinkEvent, Transport};
use anyhow::{Context as _, Result, bail};
use calls::{CallEvent, CallTracker, Seed};

/// As much as one read takes.
const CHUNK: usize = 16 * 1024;

/// What a client does with the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Takes them from the socket and looks at each once.
    Bare,
    /// Finds where each event ends.
    Framing,
    /// Decodes and tracks.
    Tracker,
    /// The same behind the link that the product keeps.
    Link,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Framing => "framing",
            Self::Tracker => "tracker",
            Self::Link => "link",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Bare, Self::Framing, Self::Tracker, Self::Link]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// Reads to the last event, says how many came and stays until its own input ends, so that it can be looked at.
pub(crate) fn run(kind: Kind, port: u16) -> Result<()> {
    let received = match kind {
        Kind::Bare => bare(port)?,
        Kind::Framing => framing(port)?,
        Kind::Tracker => tracker(port)?,
        Kind::Link => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(link(port))?,
    };
    let mut out = std::io::stdout();
    writeln!(out, "end {received}")?;
    out.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn connect(port: u16) -> Result<TcpStream> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("connect")?;
    stream.write_all(
        b"Action: Login\r\nActionID: 1\r\nUsername: bench\r\nSecret: bench\r\n\r\nAction: Ping\r\nActionID: 2\r\n\r\n",
    )?;
    Ok(stream)
}

/// The end of [`LAST`](crate::pbx::LAST).
const END: &[u8] = b"BenchEnd\r\n\r\n";

/// How many newlines there were stands for events: it only has to be looked at.
fn bare(port: u16) -> Result<u64> {
    let mut stream = connect(port)?;
    let mut chunk = vec![0; CHUNK];
    let (mut lines, mut tail) = (0, Vec::new());
    loop {
        let got = stream.read(&mut chunk)?;
        if got == 0 {
            bail!("cut off");
        }
        lines += memchr::memchr_iter(b'\n', &chunk[..got]).count() as u64;
        tail.extend_from_slice(&chunk[got.saturating_sub(END.len())..got]);
        tail.drain(..tail.len().saturating_sub(END.len()));
        if tail == END {
            return Ok(lines);
        }
    }
}

fn framing(port: u16) -> Result<u64> {
    let mut stream = connect(port)?;
    let finder = memchr::memmem::Finder::new(b"\r\n\r\n");
    let (mut chunk, mut kept, mut events) = (vec![0; CHUNK], 0, 0_u64);
    loop {
        if kept == chunk.len() {
            chunk.resize(kept * 2, 0);
        }
        let got = stream.read(&mut chunk[kept..])?;
        if got == 0 {
            bail!("cut off");
        }
        let (end, mut from) = (kept + got, 0);
        while let Some(at) = finder.find(&chunk[from..end]) {
            let frame = &chunk[from..from + at + 4];
            from += at + 4;
            if frame.ends_with(END) {
                return Ok(events);
            }
            events += u64::from(!frame.starts_with(b"Response") && !frame.starts_with(b"Asterisk"));
        }
        chunk.copy_within(from..end, 0);
        kept = end - from;
    }
}

fn new_tracker() -> CallTracker {
    CallTracker::new(Seed {
        unix_ms: 0,
        at: Instant::now(),
        random: 0,
    })
}

/// Takes every change and counts the calls that began and ended, as a user of the tracker must.
fn drain(tracker: &mut CallTracker, seen: &mut (u64, u64)) {
    while let Some(event) = tracker.poll_event() {
        match event {
            CallEvent::Started(_) => seen.0 += 1,
            CallEvent::Ended(_) => seen.1 += 1,
            CallEvent::Changed(_) | CallEvent::Originate { .. } | CallEvent::Room(_) => {}
        }
    }
}

fn tracker(port: u16) -> Result<u64> {
    let mut stream = connect(port)?;
    let mut decoder = Decoder::new(Charset::default(), Limits::default());
    let (mut tracker, mut seen) = (new_tracker(), (0, 0));
    let mut chunk = vec![0; CHUNK];
    let mut received = 0;
    loop {
        let got = stream.read(&mut chunk)?;
        if got == 0 {
            bail!("cut off");
        }
        let now = Instant::now();
        decoder.feed(&chunk[..got]);
        while let Some(incoming) = decoder.next_message() {
            let Incoming::Message(message) = incoming else {
                continue;
            };
            let Some(event) = message.event() else {
                continue;
            };
            if is_last(&event) {
                // The answers to login and ping are no events.
                return checked(received, seen);
            }
            received += 1;
            tracker.handle(&event, now);
            drain(&mut tracker, &mut seen);
        }
    }
}

fn is_last(event: &Event<'_>) -> bool {
    matches!(event, Event::Other(message) if message.event_name().is_some_and(|name| name == "UserEvent"))
}

/// A count of events would also be right of a tracker that does nothing.
fn checked(received: u64, (started, ended): (u64, u64)) -> Result<u64> {
    if started == 0 || ended == 0 {
        bail!("{received} events made {started} calls, of which {ended} ended");
    }
    Ok(received)
}

async fn link(port: u16) -> Result<u64> {
    let mut link = Link::new(LinkConfig {
        host: Ipv4Addr::LOCALHOST.to_string(),
        port,
        transport: Transport::Plain {
            allow_plain_to: None,
        },
        username: FieldValue::new("bench")?,
        secret: "bench".to_owned().into(),
        charset: Charset::default(),
    });
    let (mut tracker, mut seen, mut received) = (new_tracker(), (0, 0), 0);
    loop {
        let is_up = match link.next().await {
            LinkEvent::Session(SessionEvent::Event(event)) => {
                if is_last(&event) {
                    return checked(received, seen);
                }
                received += 1;
                tracker.handle(&event, Instant::now());
                drain(&mut tracker, &mut seen);
                false
            }
            LinkEvent::Up { .. } => true,
            LinkEvent::Down { why, .. } => bail!("cut off: {why}"),
            LinkEvent::Connecting { .. } | LinkEvent::Session(_) | LinkEvent::Lag(_) => false,
        };
        if is_up {
            link.send(&Action::Ping).context("say that it is ready")?;
        }
    }
}
