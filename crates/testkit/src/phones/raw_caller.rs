//! A customer whose SIP is written by hand, so that the name may hold any bytes at all.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::Asterisk;

static NEXT: AtomicU32 = AtomicU32::new(1);

/// One call from the telephone company that rings and is never answered by a human; ends on drop.
#[derive(Debug)]
pub struct RawCaller {
    socket: UdpSocket,
    peer: SocketAddr,
    did: String,
    number: String,
    name: Vec<u8>,
    id: String,
    ended: bool,
}

impl RawCaller {
    /// Calls `did` and returns when the phone behind it rings.
    ///
    /// `name` is quoted as RFC 3261 asks (backslash before quote and backslash) and otherwise sent byte by byte.
    /// CR and LF, which end a SIP header, are refused.
    pub fn ring(
        asterisk: &Asterisk,
        number: &str,
        name: &[u8],
        did: &str,
        limit: Duration,
    ) -> Result<Self> {
        if name
            .iter()
            .chain(number.as_bytes())
            .any(|byte| matches!(byte, b'\r' | b'\n'))
        {
            bail!("a name with a line end is no name of one SIP header");
        }
        let socket = UdpSocket::bind("127.0.0.2:0").context("bind")?;
        let peer = SocketAddr::from(([127, 0, 0, 1], asterisk.sip_port()));
        let id = format!(
            "{}x{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let mut caller = Self {
            socket,
            peer,
            did: did.to_owned(),
            number: number.to_owned(),
            name: name.to_vec(),
            id,
            ended: false,
        };
        let offer = caller.offer()?;
        caller.send("INVITE", 1, "", &offer)?;
        let (status, _) = caller.wait_status(limit, |status| status >= 180)?;
        if status >= 300 {
            caller.ended = true;
            bail!("asterisk refused the call with {status}");
        }
        Ok(caller)
    }

    /// Hangs up before the answer and waits until Asterisk has confirmed it.
    pub fn cancel(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.ended, true) {
            return Ok(());
        }
        self.send("CANCEL", 1, "", "")?;
        let (status, to_tag) = self.wait_status(Duration::from_secs(5), |status| status >= 300)?;
        self.send("ACK", 1, &to_tag, "")?;
        if status != 487 {
            bail!("asterisk ended the call with {status}");
        }
        Ok(())
    }

    fn offer(&self) -> Result<String> {
        let port = self.socket.local_addr().context("own address")?.port();
        Ok(format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
        ))
    }

    fn send(&self, method: &str, sequence: u32, to_tag: &str, body: &str) -> Result<()> {
        let port = self.socket.local_addr().context("own address")?.port();
        let Self {
            id, number, did, ..
        } = self;
        let mut message = format!(
            "{method} sip:{did}@{} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2:{port};branch=z9hG4bK{id}\r\nMax-Forwards: 70\r\n\
             Call-ID: {id}\r\nCSeq: {sequence} {method}\r\nTo: <sip:{did}@{}>{to_tag}\r\n\
             Contact: <sip:{number}@127.0.0.2:{port}>\r\nFrom: \"",
            self.peer, self.peer
        )
        .into_bytes();
        for &byte in &self.name {
            if matches!(byte, b'"' | b'\\') {
                message.push(b'\\');
            }
            message.push(byte);
        }
        message.extend(format!("\" <sip:{number}@127.0.0.2:{port}>;tag={id}\r\n").bytes());
        if !body.is_empty() {
            message.extend(b"Content-Type: application/sdp\r\n");
        }
        message.extend(format!("Content-Length: {}\r\n\r\n{body}", body.len()).bytes());
        self.socket.send_to(&message, self.peer).context("send")?;
        Ok(())
    }

    /// The first reply to the INVITE whose status is accepted, with the tag of its To.
    fn wait_status(&self, limit: Duration, accept: impl Fn(u16) -> bool) -> Result<(u16, String)> {
        let until = Instant::now() + limit;
        let mut buffer = [0; 8192];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("no reply from asterisk within {limit:?}");
            }
            self.socket
                .set_read_timeout(Some(left))
                .context("limit reads")?;
            let length = match self.socket.recv(&mut buffer) {
                Ok(length) => length,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    continue;
                }
                Err(error) => return Err(error).context("receive"),
            };
            let text = String::from_utf8_lossy(&buffer[..length]);
            let to_invite = text
                .lines()
                .any(|line| line.starts_with("CSeq:") && line.ends_with("INVITE"));
            let status = text
                .strip_prefix("SIP/2.0 ")
                .and_then(|rest| rest.get(..3)?.parse().ok());
            if let Some(status) = status.filter(|&status| to_invite && accept(status)) {
                let to = text.lines().find(|line| line.starts_with("To:"));
                let tag = to.and_then(|line| line.find(";tag=").map(|at| line[at..].to_owned()));
                return Ok((status, tag.unwrap_or_default()));
            }
        }
    }
}

impl Drop for RawCaller {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
