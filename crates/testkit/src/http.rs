//! One HTTP question to a server on the loopback address: what the servers here are filled by, and the bare client
//! that others are measured against.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// What the server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub body: String,
}

impl Reply {
    /// The body of a success as JSON; a failure with what the server said.
    ///
    /// # Errors
    /// A status that is no success, or a body that is no JSON.
    pub fn json(&self) -> Result<Value> {
        if !(200..300).contains(&self.status) {
            bail!("status {}: {}", self.status, self.body.trim());
        }
        serde_json::from_str(&self.body).with_context(|| format!("no JSON: {}", self.body))
    }
}

const LIMIT: Duration = Duration::from_secs(30);

/// `what` is method and path: `GET /api/contacts`. `headers` are whole lines without their ends. A body is JSON.
///
/// # Errors
/// Nothing listens, or no answer within half a minute.
pub fn ask(
    address: SocketAddr,
    what: &str,
    headers: &[&str],
    body: Option<&Value>,
) -> Result<Reply> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT).context("connect")?;
    stream
        .set_read_timeout(Some(LIMIT))
        .context("limit reads")?;
    stream.set_nodelay(true).context("send at once")?;
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut head = format!("{what} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for header in headers {
        head += header;
        head += "\r\n";
    }
    if !body.is_empty() {
        head += &format!(
            "Content-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        );
    }
    stream
        .write_all(format!("{head}\r\n{body}").as_bytes())
        .context("ask")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).context("read the answer")?;
    parse(&answer).with_context(|| format!("answer of {address} to {what}"))
}

fn parse(answer: &[u8]) -> Result<Reply> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text
        .split_once("\r\n\r\n")
        .context("an answer without an end of its head")?;
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    let is_chunked = head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked");
    if is_chunked {
        bail!("an answer in chunks");
    }
    Ok(Reply {
        status: status.context("an answer without a status")?,
        body: body.to_owned(),
    })
}
