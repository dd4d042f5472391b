//! The windows' end: a snapshot, then every change.

use crate::{FROM_AGENT, Place, frame, socket};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncWriteExt as _, BufReader, ReadHalf, WriteHalf};
use view::{AgentMessage, ClientMessage, Hello, Request, Role};

const CONNECT: Duration = Duration::from_secs(2);
const SEND: Duration = Duration::from_secs(5);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("Sidetone is not running")]
    NotRunning(#[source] io::Error),
    #[error("Sidetone does not answer")]
    Late,
}

/// Sends requests.
#[derive(Debug)]
pub struct Sender {
    half: WriteHalf<socket::Stream>,
    last_id: u64,
}

/// Gets what the agent sends.
#[derive(Debug)]
pub struct Receiver {
    half: BufReader<ReadHalf<socket::Stream>>,
    line: Vec<u8>,
}

/// Connects the windows to the running agent.
///
/// # Errors
/// No agent listens, or it does not answer.
pub async fn connect(place: &Place) -> Result<(Sender, Receiver), ConnectError> {
    let stream = tokio::time::timeout(CONNECT, socket::connect(place))
        .await
        .map_err(|_| ConnectError::Late)?;
    let (read, write) = tokio::io::split(stream.map_err(ConnectError::NotRunning)?);
    let mut sender = Sender {
        half: write,
        last_id: 0,
    };
    let hello = Hello {
        version: Hello::VERSION,
        role: Role::Windows,
        pid: std::process::id(),
    };
    let line = frame::encode(&hello).map_err(|error| ConnectError::NotRunning(error.into()))?;
    sender
        .write(&line)
        .await
        .map_err(ConnectError::NotRunning)?;
    Ok((
        sender,
        Receiver {
            half: BufReader::with_capacity(4096, read),
            line: Vec::new(),
        },
    ))
}

impl Sender {
    /// Sends a request; its reply comes to the [`Receiver`] with the id that this returns.
    ///
    /// # Errors
    /// The connection is gone or takes nothing for five seconds.
    pub async fn send(&mut self, request: Request) -> io::Result<u64> {
        self.last_id += 1;
        let line = frame::encode(&ClientMessage {
            id: self.last_id,
            request,
        })?;
        self.write(&line).await?;
        Ok(self.last_id)
    }

    async fn write(&mut self, line: &[u8]) -> io::Result<()> {
        tokio::time::timeout(SEND, self.half.write_all(line))
            .await
            .map_err(|_| io::ErrorKind::TimedOut)?
    }
}

impl Receiver {
    /// The next message; `None` when the agent has gone. What was half read is kept when the future is dropped.
    ///
    /// # Errors
    /// What came is too long or not understood: the connection is of no more use.
    pub async fn next(&mut self) -> io::Result<Option<AgentMessage>> {
        let line = frame::next_line(&mut self.half, &mut self.line, FROM_AGENT)
            .await
            .map_err(io::Error::other)?;
        line.map(|line| frame::decode(line).map_err(io::Error::other))
            .transpose()
    }
}
