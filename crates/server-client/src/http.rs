//! One question and its answer over HTTP/1.1 (RFC 9112), with a deadline and a limit on everything.

use crate::{
    LinkError,
    connect::{Target, connect},
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

/// From the first packet to the last.
const WITHIN: Duration = Duration::from_secs(20);
/// Answers are some kilobytes; whatever is longer is not from a Sidetone server.
const LONGEST: u64 = 1024 * 1024;
const HEADERS: usize = 64;

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// `application/json`, without parameters; lower case.
    pub(crate) kind: String,
    pub(crate) body: Vec<u8>,
}

/// Sends `json` and reads the answer; redirections are not followed.
pub(crate) async fn post(target: &Target, path: &str, json: &str) -> Result<Response, LinkError> {
    let late = || LinkError::ConnectTimedOut {
        at: target.at(),
        within: WITHIN,
    };
    let asked = timeout(WITHIN, ask(target, path, json)).await;
    let bytes = asked.unwrap_or_else(|_| Err(late()))?;
    parse(&bytes).ok_or_else(|| LinkError::NotSidetone {
        at: target.at(),
        what: "does not answer like a web server".into(),
    })
}

async fn ask(target: &Target, path: &str, json: &str) -> Result<Vec<u8>, LinkError> {
    let broken = |error: std::io::Error| LinkError::Broken(error.to_string());
    let mut stream = connect(target).await?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        target.server.authority(),
        json.len()
    );
    let question = [head.as_bytes(), json.as_bytes()].concat();
    stream.write_all(&question).await.map_err(broken)?;
    stream.flush().await.map_err(broken)?;
    let mut bytes = Vec::new();
    let mut limited = stream.take(LONGEST);
    loop {
        match limited.read_buf(&mut bytes).await {
            Ok(0) => return Ok(bytes),
            // It may keep the line open although we asked it not to.
            Ok(_) if is_whole(&bytes) => return Ok(bytes),
            Ok(_) => {}
            // Many end TLS without saying so; whether all is there, the length tells.
            Err(_) if parse(&bytes).is_some() => return Ok(bytes),
            Err(error) => return Err(broken(error)),
        }
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    let Some(head) = Head::parse(bytes) else {
        return false;
    };
    match head.length {
        Length::Known(_) | Length::Chunked => head.body(bytes).is_some(),
        Length::UntilTheEnd => false,
    }
}

fn parse(bytes: &[u8]) -> Option<Response> {
    let head = Head::parse(bytes)?;
    let body = head.body(bytes)?;
    Some(Response {
        status: head.status,
        kind: head.kind,
        body,
    })
}

struct Head {
    status: u16,
    kind: String,
    length: Length,
    /// Bytes of the head itself.
    size: usize,
}

enum Length {
    Known(usize),
    Chunked,
    UntilTheEnd,
}

impl Head {
    /// `None`: not all of it is there, or it is none.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(size) = response.parse(bytes).ok()? else {
            return None;
        };
        let value = |name: &str| {
            let header = response
                .headers
                .iter()
                .find(|header| header.name.eq_ignore_ascii_case(name))?;
            Some(std::str::from_utf8(header.value).ok()?.trim().to_owned())
        };
        let length = match (value("transfer-encoding"), value("content-length")) {
            (Some(how), _) if how.eq_ignore_ascii_case("chunked") => Length::Chunked,
            (Some(_), _) => return None,
            (None, Some(length)) => Length::Known(length.parse().ok()?),
            (None, None) => Length::UntilTheEnd,
        };
        let kind = value("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default();
        Some(Self {
            status: response.code?,
            kind: kind.trim().to_ascii_lowercase(),
            length,
            size,
        })
    }

    /// `None`: not all of it is there.
    fn body(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let bytes = bytes.get(self.size..)?;
        match self.length {
            Length::Known(length) => Some(bytes.get(..length)?.to_vec()),
            Length::UntilTheEnd => Some(bytes.to_vec()),
            Length::Chunked => dechunked(bytes),
        }
    }
}

fn dechunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let httparse::Status::Complete((size, length)) = httparse::parse_chunk_size(bytes).ok()?
        else {
            return None;
        };
        let length = usize::try_from(length).ok()?;
        bytes = bytes.get(size..)?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(bytes.get(..length)?);
        bytes = bytes.get(length..)?.strip_prefix(b"\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_however_its_length_is_told() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Type: Application/JSON; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n",
        ] {
            let response = parse(text.as_bytes()).expect(text);
            assert_eq!(
                (response.status, response.kind.as_str()),
                (200, "application/json")
            );
            assert_eq!(response.body, b"{}");
        }
    }

    #[test]
    fn half_an_answer_is_none_and_no_length_breaks_anything() {
        let whole =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n";
        for length in 0..whole.len() - 4 {
            assert_eq!(parse(&whole[..length]), None, "{length}");
        }
        for text in [
            "SSH-2.0-OpenSSH_9.2\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
