//! The command line's end: asks once, waits for the answer, needs no runtime.

use crate::{FROM_AGENT, Place, frame, socket};
use std::io::{self, Read as _, Write as _};
use std::sync::mpsc;
use std::time::Duration;
use view::{AgentMessage, ClientMessage, Hello, Reply, Request, Role};

/// A connection that asks.
#[derive(Debug)]
pub struct Client {
    stream: socket::BlockingStream,
    deadline: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("Sidetone is not running")]
    NotRunning,
    #[error("Sidetone did not answer within {0:?}")]
    Late(Duration),
    #[error("Sidetone gave an answer that is not understood")]
    NotUnderstood,
    #[error("the connection to Sidetone broke")]
    Io(#[source] io::Error),
}

impl Client {
    /// Connects to the running agent; `deadline` is for each step.
    ///
    /// # Errors
    /// [`AskError::NotRunning`] where no agent listens.
    pub fn connect(place: &Place, deadline: Duration) -> Result<Self, AskError> {
        let is_absent = |error: &io::Error| {
            matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            )
        };
        let stream = match socket::connect_blocking(place, deadline) {
            Ok(stream) => stream,
            Err(error) if is_absent(&error) => return Err(AskError::NotRunning),
            Err(error) => return Err(AskError::Io(error)),
        };
        Ok(Self { stream, deadline })
    }

    /// Asks one thing and gives the reply.
    ///
    /// # Errors
    /// The agent did not answer, or not in these words.
    pub fn ask(self, request: Request) -> Result<Reply, AskError> {
        let deadline = self.deadline;
        // A pipe opened as a file cannot be given a deadline, so the wait has one of its own.
        let (answer, answered) = mpsc::sync_channel(1);
        std::thread::spawn(move || drop(answer.send(self.exchange(request))));
        answered
            .recv_timeout(deadline)
            .unwrap_or(Err(AskError::Late(deadline)))
    }

    fn exchange(mut self, request: Request) -> Result<Reply, AskError> {
        let hello = Hello {
            version: Hello::VERSION,
            role: Role::CommandLine,
            pid: std::process::id(),
        };
        let mut lines = frame::encode(&hello).map_err(|_| AskError::NotUnderstood)?;
        lines.extend(
            frame::encode(&ClientMessage { id: 1, request })
                .map_err(|_| AskError::NotUnderstood)?,
        );
        self.stream.write_all(&lines).map_err(AskError::Io)?;
        let mut received = Vec::new();
        let mut chunk = [0; 8192];
        while received.len() <= FROM_AGENT {
            let read = self
                .stream
                .read(&mut chunk)
                .map_err(|error| self.broken(error))?;
            if read == 0 {
                return Err(AskError::NotUnderstood);
            }
            received.extend_from_slice(&chunk[..read]);
            let Some(end) = received.iter().position(|byte| *byte == b'\n') else {
                continue;
            };
            return match frame::decode(&received[..end]) {
                Ok(AgentMessage::Reply { reply, .. }) => Ok(reply),
                Ok(
                    AgentMessage::Snapshot { .. }
                    | AgentMessage::Change { .. }
                    | AgentMessage::Facts { .. }
                    | AgentMessage::Show { .. }
                    | AgentMessage::End,
                )
                | Err(_) => Err(AskError::NotUnderstood),
            };
        }
        Err(AskError::NotUnderstood)
    }

    fn broken(&self, error: io::Error) -> AskError {
        if matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
        ) {
            AskError::Late(self.deadline)
        } else {
            AskError::Io(error)
        }
    }
}
