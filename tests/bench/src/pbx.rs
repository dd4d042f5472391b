//! The other end of the link: lets a client in as Asterisk does, answers its list actions and plays a recording to it.

use std::{
    collections::{HashMap, VecDeque},
    io::{self, Write as _},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{RecvFlags, SendFlags, recv, send},
};

/// Asterisk ends the session of a client that takes nothing for so long (`writetimeout` in manager.conf).
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_millis(100);
/// The last event of every replay.
pub(crate) const LAST: &[u8] =
    b"Event: UserEvent\r\nPrivilege: user,all\r\nUserEvent: BenchEnd\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(60);

/// A port at which clients of the manager interface connect.
pub(crate) struct Pbx {
    listener: TcpListener,
}

/// A client that has connected.
pub(crate) struct Client {
    stream: TcpStream,
    heard: Vec<u8>,
    actions: VecDeque<Vec<u8>>,
}

/// How long Asterisk would have been kept from its work by this client.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Blocked {
    pub(crate) writes: u64,
    pub(crate) times: u64,
    pub(crate) longest: Duration,
    /// Asterisk would have ended the session here.
    pub(crate) cut: bool,
}

/// A list that the PBX gives: the bytes of its entries without ActionIDs.
pub(crate) type Lists = HashMap<&'static str, String>;

impl Pbx {
    pub(crate) fn start() -> Result<Self> {
        Ok(Self {
            listener: TcpListener::bind("127.0.0.1:0").context("bind")?,
        })
    }

    pub(crate) fn port(&self) -> Result<u16> {
        Ok(self.listener.local_addr()?.port())
    }

    /// The next client, logged in.
    pub(crate) fn let_in(&self) -> Result<Client> {
        ensure!(
            wait_for(&self.listener, PollFlags::IN, PATIENCE)?,
            "no client connected"
        );
        let (stream, _) = self.listener.accept().context("accept")?;
        stream.set_nodelay(true)?;
        let mut client = Client {
            stream,
            heard: Vec::new(),
            actions: VecDeque::new(),
        };
        client.say(b"Asterisk Call Manager/11.0.0\r\n")?;
        loop {
            let action = client.hear()?;
            let id = header(&action, "ActionID");
            match &*header(&action, "Action").to_lowercase() {
                "challenge" => client.answer(&id, "Success", "Challenge: 123456789\r\n")?,
                "login" => {
                    client.answer(&id, "Success", "Message: Authentication accepted\r\n")?;
                    return Ok(client);
                }
                other => anyhow::bail!("{other} before the login"),
            }
        }
    }
}

impl Client {
    /// The client's next action, whole.
    fn hear(&mut self) -> Result<Vec<u8>> {
        self.hear_within(PATIENCE)?
            .context("the client says nothing")
    }

    /// The same, if it comes in time.
    pub(crate) fn hear_within(&mut self, limit: Duration) -> Result<Option<Vec<u8>>> {
        let until = Instant::now() + limit;
        loop {
            if let Some(action) = self.actions.pop_front() {
                return Ok(Some(action));
            }
            let left = until.saturating_duration_since(Instant::now());
            if !wait_for(&self.stream, PollFlags::IN, left)? {
                return Ok(None);
            }
            ensure!(self.read()?, "the client has gone");
        }
    }

    /// Takes what the client has sent; false when it has gone.
    fn read(&mut self) -> Result<bool> {
        let mut chunk = [0; 16 * 1024];
        let got = match recv(&self.stream, &mut chunk[..], RecvFlags::DONTWAIT) {
            Ok((_, 0)) | Err(Errno::CONNRESET) => return Ok(false),
            Ok((_, got)) => got,
            Err(Errno::AGAIN) => return Ok(true),
            Err(error) => return Err(error.into()),
        };
        self.heard.extend_from_slice(&chunk[..got]);
        while let Some(end) = memchr::memmem::find(&self.heard, b"\r\n\r\n") {
            self.actions
                .push_back(self.heard.drain(..end + 4).collect());
        }
        Ok(true)
    }

    /// Answers the ping by which a client says that it is ready.
    pub(crate) fn wait_ready(&mut self) -> Result<()> {
        loop {
            let action = self.hear()?;
            let is_ping = header(&action, "Action").eq_ignore_ascii_case("ping");
            self.answer_action(&action, &Lists::new())?;
            if is_ping {
                return Ok(());
            }
        }
    }

    /// Answers what came meanwhile: pings, and lists of nothing.
    pub(crate) fn stay_in_touch(&mut self) -> Result<()> {
        self.read()?;
        while let Some(action) = self.actions.pop_front() {
            self.answer_action(&action, &Lists::new())?;
        }
        Ok(())
    }

    /// Answers as Asterisk would: a pong, one of the lists, or an empty one.
    pub(crate) fn answer_action(&mut self, action: &[u8], lists: &Lists) -> Result<()> {
        let id = header(action, "ActionID");
        let name = header(action, "Action");
        match &*name.to_lowercase() {
            "ping" => self.answer(
                &id,
                "Success",
                "Ping: Pong\r\nTimestamp: 1795228390.000000\r\n",
            ),
            "listcommands" => self.answer(
                &id,
                "Success",
                "Originate: Originate a call.\r\nHangup: Hangup channel.\r\n",
            ),
            "logoff" => self.answer(&id, "Goodbye", "Message: Thanks for all the fish.\r\n"),
            lowered
                if lowered.ends_with("list")
                    || lowered.ends_with("status")
                    || lowered.ends_with("rooms")
                    || lowered.ends_with("calls")
                    || lowered.ends_with("channels") =>
            {
                let items = lists.get(&*name).map(String::as_str).unwrap_or_default();
                let head = format!(
                    "Response: Success\r\nActionID: {id}\r\nEventList: start\r\nMessage: follows\r\n\r\n"
                );
                let mut text = head;
                for item in items.split_inclusive("\r\n\r\n") {
                    let (first, rest) = item.split_once("\r\n").unwrap_or((item, ""));
                    text.push_str(&format!("{first}\r\nActionID: {id}\r\n{rest}"));
                }
                let count = items.matches("\r\n\r\n").count();
                text.push_str(&format!(
                    "Event: {name}Complete\r\nActionID: {id}\r\nEventList: Complete\r\nListItems: {count}\r\n\r\n"
                ));
                self.say(text.as_bytes())
            }
            _ => self.answer(&id, "Error", "Message: Invalid/unknown command\r\n"),
        }
    }

    fn answer(&mut self, id: &str, response: &str, headers: &str) -> Result<()> {
        let id = if id.is_empty() {
            String::new()
        } else {
            format!("ActionID: {id}\r\n")
        };
        self.say(format!("Response: {response}\r\n{id}{headers}\r\n").as_bytes())
    }

    pub(crate) fn say(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context("the client has gone")
    }

    /// As fast as the client reads.
    pub(crate) fn pour(&mut self, bytes: &[u8]) -> Result<()> {
        for chunk in bytes.chunks(64 * 1024) {
            self.say(chunk)?;
        }
        Ok(())
    }

    /// Each event by a write of its own, so many a second; gives up where Asterisk would.
    pub(crate) fn pace(&mut self, bytes: &[u8], ends: &[usize], rate: f64) -> Result<Blocked> {
        let mut blocked = Blocked::default();
        let (start, mut from) = (Instant::now(), 0);
        for (number, end) in ends.iter().enumerate() {
            // Sleeps are of a millisecond or so: events come in small bursts, as they do from Asterisk.
            let ahead =
                Duration::from_secs_f64(number as f64 / rate).saturating_sub(start.elapsed());
            if ahead > Duration::from_micros(500) {
                std::thread::sleep(ahead);
            }
            if number % 4096 == 0 {
                self.stay_in_touch()?;
            }
            self.write_event(&bytes[from..*end], &mut blocked)?;
            from = *end;
            if blocked.cut {
                break;
            }
        }
        Ok(blocked)
    }

    fn write_event(&self, mut event: &[u8], blocked: &mut Blocked) -> Result<()> {
        blocked.writes += 1;
        let mut since = None;
        while !event.is_empty() {
            match send(
                &self.stream,
                event,
                SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
            ) {
                Ok(sent) => event = &event[sent..],
                Err(Errno::AGAIN) => {
                    let since = *since.get_or_insert_with(Instant::now);
                    let left = WRITE_TIMEOUT.saturating_sub(since.elapsed());
                    if left.is_zero() || !wait_for(&self.stream, PollFlags::OUT, left)? {
                        blocked.cut = true;
                        break;
                    }
                }
                Err(error) => return Err(error).context("write an event"),
            }
        }
        if let Some(since) = since {
            blocked.times += 1;
            blocked.longest = blocked.longest.max(since.elapsed());
        }
        Ok(())
    }
}

fn wait_for(on: &impl std::os::fd::AsFd, flags: PollFlags, limit: Duration) -> io::Result<bool> {
    let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
    Ok(poll(&mut [PollFd::new(on, flags)], Some(&limit))? > 0)
}

fn header(action: &[u8], name: &str) -> String {
    let text = String::from_utf8_lossy(action);
    let found = text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    });
    found.unwrap_or_default()
}
