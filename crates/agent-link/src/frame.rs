//! Lines on the wire and how long they may be.

use serde::{Serialize, de::DeserializeOwned};
use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// Longest line that the agent takes from a client, in bytes.
pub const FROM_CLIENT: usize = 64 * 1024;
/// Longest line that a client takes from the agent: a snapshot with all recent calls.
pub const FROM_AGENT: usize = 1024 * 1024;

/// Why a line was not understood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("a message is longer than {0} bytes")]
    TooLong(usize),
    #[error("a message is not understood")]
    Malformed(#[source] serde_json::Error),
    #[error("the connection broke")]
    Io(#[from] io::Error),
}

pub(crate) fn encode(message: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

pub(crate) fn decode<T: DeserializeOwned>(line: &[u8]) -> Result<T, FrameError> {
    serde_json::from_slice(line).map_err(FrameError::Malformed)
}

/// The next line without its end; `None` at the end of the stream. What was read so far stays in `line` when the future
/// is dropped, so that nothing is lost.
pub(crate) async fn next_line<'a>(
    reader: &mut (impl AsyncBufRead + Unpin),
    line: &'a mut Vec<u8>,
    limit: usize,
) -> Result<Option<&'a [u8]>, FrameError> {
    if line.last() == Some(&b'\n') {
        line.clear();
    }
    loop {
        let available = reader.fill_buf().await?;
        if available.is_empty() {
            return Ok(None);
        }
        let end = available
            .iter()
            .position(|byte| *byte == b'\n')
            .map(|at| at + 1);
        let taken = end.unwrap_or(available.len());
        if line.len() + taken > limit {
            return Err(FrameError::TooLong(limit));
        }
        line.extend_from_slice(&available[..taken]);
        reader.consume(taken);
        if end.is_some() {
            return Ok(Some(&line[..line.len() - 1]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::BufReader;

    #[tokio::test(flavor = "current_thread")]
    async fn lines_come_out_whatever_the_chunks() {
        let mut reader = BufReader::with_capacity(3, &b"{\"a\":1}\n{}\n"[..]);
        let mut line = Vec::new();
        assert_eq!(
            next_line(&mut reader, &mut line, 64).await.unwrap(),
            Some(&b"{\"a\":1}"[..])
        );
        assert_eq!(
            next_line(&mut reader, &mut line, 64).await.unwrap(),
            Some(&b"{}"[..])
        );
        assert_eq!(next_line(&mut reader, &mut line, 64).await.unwrap(), None);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_line_that_never_ends_is_cut_off() {
        let long = [b'x'; 100];
        let mut reader = BufReader::with_capacity(16, &long[..]);
        assert!(matches!(
            next_line(&mut reader, &mut Vec::new(), 64).await,
            Err(FrameError::TooLong(64))
        ));
    }
}
