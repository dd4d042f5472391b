//! Thousands of WebSocket clients on one thread: each costs a socket and some bytes, so that the server is measured and
//! not its clients.

mod frame;

use crate::measure::nanos;
use anyhow::{Context as _, Result, bail, ensure};
use frame::Frame;
pub(crate) use frame::{UPGRADE, text};
use memchr::memmem;
use rustix::event::{Timespec, epoll};
use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

/// Read at once from one socket.
const CHUNK: usize = 256 * 1024;
const EVENTS: usize = 1_024;
/// Everybody is in within this, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(120);
/// Clients that may be on their way in at the same time, as many as a listening socket keeps waiting.
const AT_ONCE: usize = 512;

/// What the clients say.
#[derive(Debug, Clone)]
pub(crate) enum Speech {
    /// The protocol of ours: the hello of each client, in their order.
    Ours(Vec<String>),
    /// Nothing but the upgrade.
    Plain,
    SocketIo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Upgrading,
    Greeting,
    /// It is told everything that it follows.
    In,
    Gone,
}

#[derive(Debug)]
struct Client {
    stream: TcpStream,
    stage: Stage,
    /// The beginning of a message whose rest has not come yet.
    kept: Vec<u8>,
}

/// Many clients of one server.
#[derive(Debug)]
pub(crate) struct Loader {
    speech: Speech,
    port: u16,
    epoll: OwnedFd,
    clients: Vec<Client>,
    chunk: Vec<u8>,
    is_up: memmem::Finder<'static>,
    inside: usize,
    pub(crate) gone: usize,
}

/// A message of a client, and when it was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard<'a> {
    pub(crate) client: usize,
    pub(crate) text: &'a [u8],
    pub(crate) at: u64,
}

impl Loader {
    /// Connects so many clients and waits until all of them are in.
    pub(crate) fn connect(port: u16, count: usize, speech: Speech) -> Result<Self> {
        let mut loader = Self {
            speech,
            port,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC).context("epoll")?,
            clients: Vec::with_capacity(count),
            chunk: vec![0; CHUNK],
            is_up: memmem::Finder::new("\"line\":\"up\""),
            inside: 0,
            gone: 0,
        };
        let until = Instant::now() + PATIENCE;
        while loader.inside < count {
            let on_the_way = loader.clients.len() - loader.inside;
            if loader.clients.len() < count && on_the_way < AT_ONCE {
                loader.add()?;
            }
            let wait = Duration::from_millis(if loader.clients.len() < count { 0 } else { 100 });
            loader.poll(wait, |_| {})?;
            ensure!(loader.gone == 0, "the server let a client go");
            ensure!(
                Instant::now() < until,
                "{} of {count} clients are in",
                loader.inside
            );
        }
        Ok(loader)
    }

    /// From now on these clients read nothing.
    pub(crate) fn stop_reading(&mut self, clients: std::ops::Range<usize>) -> Result<()> {
        for client in &self.clients[clients] {
            epoll::delete(&self.epoll, &client.stream).context("leave epoll")?;
        }
        Ok(())
    }

    /// Takes what has come, and waits at most so long for it.
    pub(crate) fn poll(
        &mut self,
        wait: Duration,
        mut heard: impl FnMut(Heard<'_>),
    ) -> Result<usize> {
        let mut events = [epoll::Event {
            flags: epoll::EventFlags::empty(),
            data: epoll::EventData::new_u64(0),
        }; EVENTS];
        let timeout = Timespec {
            tv_sec: wait.as_secs().try_into()?,
            tv_nsec: wait.subsec_nanos().into(),
        };
        let count = match epoll::wait(&self.epoll, &mut events, Some(&timeout)) {
            Ok(count) => count,
            Err(rustix::io::Errno::INTR) => 0,
            Err(error) => return Err(error).context("wait for clients"),
        };
        for event in &events[..count] {
            self.read(usize::try_from(event.data.u64())?, &mut heard)?;
        }
        Ok(count)
    }

    /// Goes on until something is so.
    pub(crate) fn until(
        &mut self,
        limit: Duration,
        mut heard: impl FnMut(Heard<'_>),
        mut is_so: impl FnMut() -> bool,
    ) -> Result<bool> {
        let until = Instant::now() + limit;
        while !is_so() {
            if Instant::now() >= until {
                return Ok(false);
            }
            self.poll(Duration::from_millis(20), &mut heard)?;
        }
        Ok(true)
    }

    /// Goes on until nothing has come for a while.
    pub(crate) fn settle(&mut self) -> Result<()> {
        const CALM: Duration = Duration::from_millis(400);
        let until = Instant::now() + PATIENCE;
        while self.poll(CALM, |_| {})? > 0 {
            ensure!(Instant::now() < until, "the server does not come to rest");
        }
        Ok(())
    }

    fn add(&mut self) -> Result<()> {
        let mut stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).context("connect a client")?;
        let path = match self.speech {
            Speech::Ours(_) => "/api/v1/socket",
            Speech::Plain => "/",
            Speech::SocketIo => "/socket.io/?EIO=4&transport=websocket",
        };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{}",
            self.port, UPGRADE
        );
        stream.write_all(request.as_bytes())?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let data = epoll::EventData::new_u64(self.clients.len().try_into()?);
        epoll::add(&self.epoll, &stream, data, epoll::EventFlags::IN).context("join epoll")?;
        self.clients.push(Client {
            stream,
            stage: Stage::Upgrading,
            kept: Vec::new(),
        });
        Ok(())
    }

    fn read(&mut self, number: usize, heard: &mut impl FnMut(Heard<'_>)) -> Result<()> {
        let mut chunk = std::mem::take(&mut self.chunk);
        let client = &mut self.clients[number];
        let kept = client.kept.len();
        chunk[..kept].copy_from_slice(&client.kept);
        let got = match client.stream.read(&mut chunk[kept..]) {
            Ok(got @ 1..) => got,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.chunk = chunk;
                return Ok(());
            }
            Ok(0) | Err(_) => {
                self.chunk = chunk;
                return self.leave(number);
            }
        };
        let at = nanos();
        let mut rest = &chunk[..kept + got];
        while let Some(later) = self.take(number, rest, at, heard)? {
            rest = later;
        }
        let client = &mut self.clients[number];
        if rest.is_empty() && client.kept.capacity() > 0 {
            client.kept = Vec::new();
        } else if !rest.is_empty() {
            client.kept.clear();
            client.kept.extend_from_slice(rest);
        }
        self.chunk = chunk;
        Ok(())
    }

    /// One frame, or the answer to the upgrade; what is left behind it.
    fn take<'a>(
        &mut self,
        number: usize,
        bytes: &'a [u8],
        at: u64,
        heard: &mut impl FnMut(Heard<'_>),
    ) -> Result<Option<&'a [u8]>> {
        if self.clients[number].stage == Stage::Upgrading {
            let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
                return Ok(None);
            };
            ensure!(
                bytes.starts_with(b"HTTP/1.1 101"),
                "no upgrade: {}",
                String::from_utf8_lossy(&bytes[..end])
            );
            self.upgraded(number)?;
            return Ok(Some(&bytes[end + 4..]));
        }
        let Some((frame, rest)) = frame::read(bytes) else {
            return Ok(None);
        };
        match frame {
            Frame::Text(text) => {
                self.text(number, text)?;
                heard(Heard {
                    client: number,
                    text,
                    at,
                });
            }
            Frame::Ping => self.say(number, &frame::pong())?,
            Frame::Close => self.leave(number)?,
            Frame::Other => {}
        }
        Ok(Some(rest))
    }

    fn upgraded(&mut self, number: usize) -> Result<()> {
        self.clients[number].stage = Stage::Greeting;
        match &self.speech {
            Speech::Ours(hellos) => {
                let hello = text(&hellos[number]);
                self.say(number, &hello)
            }
            Speech::Plain => {
                self.is_in(number);
                Ok(())
            }
            Speech::SocketIo => Ok(()),
        }
    }

    fn text(&mut self, number: usize, text: &[u8]) -> Result<()> {
        if matches!(self.speech, Speech::SocketIo) && text == b"2" {
            return self.say(number, &frame::text("3"));
        }
        if self.clients[number].stage != Stage::Greeting {
            return Ok(());
        }
        match &self.speech {
            Speech::Ours(_) if text.starts_with(b"{\"type\":\"goodbye\"") => {
                bail!("refused: {}", String::from_utf8_lossy(text))
            }
            Speech::Ours(_) if self.is_up.find(text).is_some() => self.is_in(number),
            Speech::SocketIo if text.starts_with(b"0") => self.say(number, &frame::text("40"))?,
            Speech::SocketIo if text.starts_with(b"40") => self.is_in(number),
            Speech::Ours(_) | Speech::Plain | Speech::SocketIo => {}
        }
        Ok(())
    }

    fn is_in(&mut self, number: usize) {
        self.clients[number].stage = Stage::In;
        self.inside += 1;
    }

    fn say(&mut self, number: usize, bytes: &[u8]) -> Result<()> {
        let sent = self.clients[number].stream.write(bytes);
        match sent {
            Ok(count) => ensure!(count == bytes.len(), "a client could not say all"),
            Err(_) => self.leave(number)?,
        }
        Ok(())
    }

    fn leave(&mut self, number: usize) -> Result<()> {
        let client = &mut self.clients[number];
        if client.stage == Stage::Gone {
            return Ok(());
        }
        self.inside -= usize::from(client.stage == Stage::In);
        client.stage = Stage::Gone;
        self.gone += 1;
        epoll::delete(&self.epoll, &client.stream).context("leave epoll")
    }
}
