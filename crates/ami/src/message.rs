//! One message of the manager interface: headers in order, as bytes.

use crate::{Charset, Event, Refusal, Value, value};

/// How the lines of one message end.
///
/// A message whose first line ends in CRLF ends its lines in CRLF only: Asterisk 13 puts lone LFs, even blank lines,
/// into the output of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LineEnd {
    #[default]
    CrLf,
    Lf,
}

/// One message, borrowed from the input: a response, an event or, on the other side, an action.
#[derive(Clone, Copy, Default)]
pub struct Message<'a> {
    headers: &'a [u8],
    /// What a command printed, before Asterisk 14.
    raw: &'a [u8],
    ends: LineEnd,
    charset: Charset,
}

/// What a response says in its first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// Done, or for Originate merely queued.
    Success,
    /// Refused; `Message` says why.
    Error,
    /// The output of a command in Asterisk 13 and older.
    Follows,
    /// The answer to Logoff.
    Goodbye,
    /// Anything that Asterisk may come to say.
    Other,
}

/// The first line of a connection: `Asterisk Call Manager/11.0.0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Banner<'a> {
    line: Value<'a>,
}

impl<'a> Message<'a> {
    pub(crate) fn new(bytes: &'a [u8], ends: LineEnd, charset: Charset) -> Self {
        let mut lines = Lines { rest: bytes, ends };
        let follows = b"Response: Follows";
        let headers = match bytes.starts_with(follows) && lines.next() == Some(follows) {
            true => follows_headers(bytes, ends),
            false => bytes.len(),
        };
        let (headers, raw) = bytes.split_at(headers);
        Self {
            headers,
            raw,
            ends,
            charset,
        }
    }

    /// All headers in order, repeated ones each time. A line without a colon comes with an empty name.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, Value<'a>)> + use<'a> {
        let message = *self;
        self.lines().map(move |line| message.header(line))
    }

    /// The first value under a name, compared without case.
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        self.get_all(name).next()
    }

    /// Every value under a name, in order.
    pub fn get_all<'n>(&self, name: &'n str) -> impl Iterator<Item = Value<'a>> + use<'a, 'n> {
        self.headers()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The event's name, if this is an event.
    pub fn event_name(&self) -> Option<Value<'a>> {
        self.first_line("Event")
    }

    /// The typed event, if this is an event.
    pub fn event(&self) -> Option<Event<'a>> {
        Event::read(self)
    }

    /// What it answers, if this is a response.
    pub fn response(&self) -> Option<Response> {
        let word = self.first_line("Response")?;
        Some(match word.bytes() {
            b"Success" => Response::Success,
            b"Error" => Response::Error,
            b"Follows" => Response::Follows,
            b"Goodbye" => Response::Goodbye,
            _ => Response::Other,
        })
    }

    /// Why Asterisk did not do what was asked, if this says so.
    pub fn refusal(&self) -> Option<Refusal<'a>> {
        match self.response()? {
            Response::Error => {
                let words = self.get("Message").map(|words| words.text());
                Some(Refusal::new(words.unwrap_or_default()))
            }
            Response::Success | Response::Follows | Response::Goodbye | Response::Other => None,
        }
    }

    /// The lines that a command printed: `Output` headers, or before Asterisk 14 the raw text after the headers.
    pub fn output(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let charset = self.charset;
        let headers = self
            .headers()
            .filter(|(key, _)| key.eq_ignore_ascii_case("Output"))
            .map(|(_, value)| value);
        let raw = trim_end(self.raw);
        let raw = raw.strip_suffix(END_COMMAND).unwrap_or(raw);
        let raw = raw
            .split_inclusive(|byte| *byte == b'\n')
            .map(move |line| Value::plain(trim_end(line), charset));
        headers.chain(raw)
    }

    /// Header lines without their ends.
    pub(crate) fn lines(&self) -> Lines<'a> {
        Lines {
            rest: self.headers,
            ends: self.ends,
        }
    }

    pub(crate) fn charset(&self) -> Charset {
        self.charset
    }

    fn first_line(&self, name: &str) -> Option<Value<'a>> {
        let (key, value) = split(self.lines().next()?)?;
        key.eq_ignore_ascii_case(name.as_bytes())
            .then(|| Value::plain(value, self.charset))
    }

    fn header(&self, line: &'a [u8]) -> (&'a str, Value<'a>) {
        let Some((key, bytes)) = split(line) else {
            return ("", Value::plain(line, self.charset));
        };
        // A name that is not UTF-8 is no name of Asterisk's: the line is kept whole.
        let Ok(key) = std::str::from_utf8(key) else {
            return ("", Value::plain(line, self.charset));
        };
        let value = Value::plain(bytes, self.charset);
        if value::is_escaped(key) && !self.is_raw() {
            return (key, value.into_escaped());
        }
        (key, value)
    }

    /// These two write the names of callers as they are.
    fn is_raw(&self) -> bool {
        self.event_name()
            .is_some_and(|name| matches!(name.bytes(), b"CEL" | b"OriginateResponse"))
    }
}

/// Where the headers of `Response: Follows` end: Asterisk writes at most `Privilege`, `ActionID` and `Message` above the
/// text, which may have colons too.
fn follows_headers(bytes: &[u8], ends: LineEnd) -> usize {
    let mut lines = Lines { rest: bytes, ends };
    let mut end = 0;
    while let Some((key, value)) = lines.next().and_then(split) {
        let is_header = ["Response", "Privilege", "ActionID", "Message"]
            .iter()
            .any(|known| key.eq_ignore_ascii_case(known.as_bytes()));
        if !is_header || value.contains(&b'\n') {
            break;
        }
        end = bytes.len() - lines.rest.len();
    }
    end
}

/// Ends the output of a command in Asterisk 13 and older.
pub(crate) const END_COMMAND: &[u8] = b"--END COMMAND--";

impl std::fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.headers()).finish()
    }
}

impl<'a> Banner<'a> {
    pub(crate) fn new(line: Value<'a>) -> Self {
        Self { line }
    }

    /// The line as it came.
    pub fn line(&self) -> Value<'a> {
        self.line
    }

    /// The first number of the interface's version; `None` when this is not an Asterisk.
    pub fn interface_version(&self) -> Option<u32> {
        let text = std::str::from_utf8(self.line.bytes()).ok()?;
        let version = text.strip_prefix("Asterisk Call Manager/")?;
        version.split('.').next()?.trim().parse().ok()
    }

    /// Asterisk's own major version: 11 more than the interface's from 3 on, 13 stands for 12 and 13, 11 for all before.
    pub fn asterisk_version(&self) -> Option<u32> {
        Some(match self.interface_version()? {
            0 | 1 => 11,
            2 => 13,
            newer => newer.saturating_add(11),
        })
    }
}

pub(crate) struct Lines<'a> {
    rest: &'a [u8],
    ends: LineEnd,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let mut from = 0;
        while let Some(found) = memchr::memchr(b'\n', &self.rest[from..]) {
            let at = from + found;
            let has_cr = at > 0 && self.rest[at - 1] == b'\r';
            if has_cr || self.ends == LineEnd::Lf {
                let line = &self.rest[..at - usize::from(has_cr)];
                self.rest = &self.rest[at + 1..];
                return Some(line);
            }
            from = at + 1;
        }
        Some(std::mem::take(&mut self.rest))
    }
}

/// Name and value of a header line. Asterisk writes one space after the colon; without it the value starts at once.
pub(crate) fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    let value = &line[colon + 1..];
    Some((&line[..colon], value.strip_prefix(b" ").unwrap_or(value)))
}

fn trim_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
