//! Bytes to messages, in any chunking and without ever giving up.

use memchr::memmem::Finder;

use crate::{
    Banner, Charset, Message, Value,
    message::{END_COMMAND, LineEnd},
};

/// What the decoder accepts.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one message; a longer one is skipped and counted.
    pub message: usize,
    /// Whether events that only trace the dialplan and media are given out: VarSet, Newexten, CEL, Cdr, TestEvent, RTCP.
    /// They are four fifths of what a user with all read classes is sent.
    pub noise: bool,
}

/// What has been seen since the decoder began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages given out.
    pub messages: u64,
    /// Noise left out.
    pub skipped: u64,
    /// Messages over the limit, thrown away.
    pub oversized: u64,
}

/// What comes out of the decoder.
#[derive(Clone, Copy, Debug)]
pub enum Incoming<'a> {
    /// The first line of the connection, from an Asterisk or from something else.
    Banner(Banner<'a>),
    Message(Message<'a>),
}

/// Turns bytes into messages.
///
/// Feed what arrived, then take messages until there are none: what is kept is then less than one message.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    charset: Charset,
    counts: Counts,
    phase: Phase,
    buffer: Vec<u8>,
    /// Where the message that is being read begins.
    start: usize,
    /// How far its end has been looked for.
    scanned: usize,
    /// How it ends, once its first line is there.
    ending: Option<Ending>,
    blank_line: Finder<'static>,
}

/// Where a message lies in the buffer; good until the decoder goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Frame {
    Banner {
        from: usize,
        to: usize,
    },
    Message {
        from: usize,
        to: usize,
        ends: LineEnd,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Banner,
    Messages,
    /// In a message over the limit, looking for its end only.
    Skipping,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ending {
    ends: LineEnd,
    /// The raw output of a command before Asterisk 14, in which blank lines occur.
    is_follows: bool,
    is_noise: bool,
}

/// A line that is longer before anything else was said does not come from an Asterisk.
const MAX_BANNER: usize = 1_024;
/// Room that is kept when a long message has been read.
const KEPT_CAPACITY: usize = 64 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 16 * 1024 * 1024,
            noise: true,
        }
    }
}

impl Decoder {
    /// Begins before the banner. Values that are not UTF-8 are read in `charset`.
    pub fn new(charset: Charset, limits: Limits) -> Self {
        Self {
            limits,
            charset,
            counts: Counts::default(),
            phase: Phase::Banner,
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            ending: None,
            blank_line: Finder::new(b"\r\n\r\n"),
        }
    }

    /// Begins inside a dialogue, where no banner comes.
    pub fn without_banner(charset: Charset, limits: Limits) -> Self {
        Self {
            phase: Phase::Messages,
            ..Self::new(charset, limits)
        }
    }

    /// Takes what arrived.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Gives the next whole message; `None` when more bytes are needed.
    pub fn next_message(&mut self) -> Option<Incoming<'_>> {
        let frame = self.advance()?;
        Some(self.lend(frame))
    }

    /// What has been seen so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Finds the next whole message. The frames before are void.
    pub(crate) fn advance(&mut self) -> Option<Frame> {
        loop {
            let found = match self.phase {
                Phase::Banner => self.read_banner().map(Some),
                Phase::Messages => self.read_message(),
                Phase::Skipping => self.skip_message(),
            };
            match found {
                Some(Some(frame)) => return Some(frame),
                Some(None) => {}
                None => {
                    self.forget_read();
                    return None;
                }
            }
        }
    }

    /// The message of a frame that [`advance`](Self::advance) has just given.
    pub(crate) fn lend(&self, frame: Frame) -> Incoming<'_> {
        match frame {
            Frame::Banner { from, to } => {
                let line = Value::plain(&self.buffer[from..to], self.charset);
                Incoming::Banner(Banner::new(line))
            }
            Frame::Message { from, to, ends } => {
                Incoming::Message(Message::new(&self.buffer[from..to], ends, self.charset))
            }
        }
    }

    fn read_banner(&mut self) -> Option<Frame> {
        let unread = &self.buffer[self.start..];
        let end = match memchr::memchr(b'\n', unread) {
            Some(end) => end + 1,
            None if unread.len() >= MAX_BANNER => unread.len(),
            None => return None,
        };
        let line = unread[..end].trim_ascii_end().len();
        let frame = Frame::Banner {
            from: self.start,
            to: self.start + line,
        };
        self.phase = Phase::Messages;
        self.go_to(self.start + end);
        Some(frame)
    }

    /// `None`: more bytes are needed. `Some(None)`: something was left out.
    fn read_message(&mut self) -> Option<Option<Frame>> {
        if self.ending.is_none() {
            self.pass_blank_lines();
        }
        let Some((ending, (to, next))) = self.ending().and_then(|ending| {
            let end = self.find_end(ending)?;
            Some((ending, end))
        }) else {
            return self.give_up_when_too_long();
        };
        let from = self.start;
        self.go_to(next);
        if to - from > self.limits.message {
            self.counts.oversized += 1;
            return Some(None);
        }
        if ending.is_noise {
            self.counts.skipped += 1;
            return Some(None);
        }
        self.counts.messages += 1;
        let ends = ending.ends;
        Some(Some(Frame::Message { from, to, ends }))
    }

    /// Debian's builds write a third line end before an event now and then.
    fn pass_blank_lines(&mut self) {
        let unread = &self.buffer[self.start..];
        let blank = unread
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        // Else a long first line would be searched anew with each piece of it.
        if blank > 0 {
            self.go_to(self.start + blank);
        }
    }

    fn ending(&mut self) -> Option<Ending> {
        if self.ending.is_none() {
            let unread = &self.buffer[self.start..];
            let searched = self.scanned - self.start;
            let Some(at) = memchr::memchr(b'\n', &unread[searched..]) else {
                self.scanned = self.buffer.len();
                return None;
            };
            let line = &unread[..searched + at];
            let (line, ends) = match line.strip_suffix(b"\r") {
                Some(line) => (line, LineEnd::CrLf),
                None => (line, LineEnd::Lf),
            };
            self.ending = Some(Ending {
                ends,
                is_follows: self.phase == Phase::Messages && line == b"Response: Follows",
                is_noise: !self.limits.noise && is_noise(line),
            });
            self.scanned = self.start + line.len();
        }
        self.ending
    }

    /// Where the message's last line ends, and where the next message begins.
    fn find_end(&mut self, ending: Ending) -> Option<(usize, usize)> {
        let unsearched = &self.buffer[self.scanned..];
        let found = match (ending.is_follows, ending.ends) {
            (true, ends) => find_end_command(unsearched, ends),
            (false, LineEnd::CrLf) => self.blank_line.find(unsearched).map(|at| (at + 2, at + 4)),
            (false, LineEnd::Lf) => find_blank_line(unsearched),
        };
        let Some((end, next)) = found else {
            // The end may have begun in the last bytes.
            let tail = END_COMMAND.len() + 4;
            self.scanned = self.scanned.max(self.buffer.len().saturating_sub(tail));
            return None;
        };
        Some((self.scanned + end, self.scanned + next))
    }

    fn give_up_when_too_long(&mut self) -> Option<Option<Frame>> {
        // One byte of the blank line may be there before the other: a message of just the limit is not too long.
        if self.buffer.len() - self.start <= self.limits.message + 1 {
            return None;
        }
        self.counts.oversized += 1;
        self.phase = Phase::Skipping;
        Some(None)
    }

    fn skip_message(&mut self) -> Option<Option<Frame>> {
        let ending = self.ending();
        let end = ending.and_then(|ending| self.find_end(ending));
        let Some((_, next)) = end else {
            // The CR of a first line may have come without its LF.
            let kept = usize::from(ending.is_none());
            self.start = self.start.max(self.scanned.saturating_sub(kept));
            return None;
        };
        self.phase = Phase::Messages;
        self.go_to(next);
        Some(None)
    }

    fn go_to(&mut self, next: usize) {
        self.start = next;
        self.scanned = next;
        self.ending = None;
    }

    fn forget_read(&mut self) {
        self.buffer.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        if self.buffer.capacity() > KEPT_CAPACITY && self.buffer.len() < KEPT_CAPACITY / 2 {
            self.buffer.shrink_to(KEPT_CAPACITY);
        }
    }
}

/// Events that nobody here reads.
fn is_noise(first_line: &[u8]) -> bool {
    let Some(name) = first_line.strip_prefix(b"Event: ") else {
        return false;
    };
    matches!(
        name,
        b"VarSet" | b"Newexten" | b"CEL" | b"TestEvent" | b"RTCPReceived" | b"RTCPSent" | b"Cdr"
    )
}

fn find_end_command(text: &[u8], ends: LineEnd) -> Option<(usize, usize)> {
    let (end, blank): (&[u8], usize) = match ends {
        LineEnd::CrLf => (b"--END COMMAND--\r\n\r\n", 4),
        LineEnd::Lf => (b"--END COMMAND--\n\n", 2),
    };
    let next = memchr::memmem::find(text, end)? + end.len();
    Some((next - blank / 2, next))
}

fn find_blank_line(text: &[u8]) -> Option<(usize, usize)> {
    memchr::memchr_iter(b'\n', text).find_map(|at| match text[at + 1..] {
        [b'\n', ..] => Some((at + 1, at + 2)),
        [b'\r', b'\n', ..] => Some((at + 1, at + 3)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoder() -> Decoder {
        Decoder::without_banner(Charset::default(), Limits::default())
    }

    /// Everything that comes out, as text.
    fn read(mut decoder: Decoder, chunks: &[&[u8]]) -> Vec<String> {
        let mut said = Vec::new();
        for chunk in chunks {
            decoder.feed(chunk);
            while let Some(incoming) = decoder.next_message() {
                said.push(match incoming {
                    Incoming::Banner(banner) => banner.line().to_string(),
                    Incoming::Message(message) => format!("{message:?}"),
                });
            }
        }
        said
    }

    #[test]
    fn banner_names_the_version() {
        for (line, interface, asterisk) in [
            (&b"Asterisk Call Manager/11.0.0\r\n"[..], Some(11), Some(22)),
            (b"Asterisk Call Manager/5.0.4\n", Some(5), Some(16)),
            (b"Asterisk Call Manager/2.10.6\r\n", Some(2), Some(13)),
            (b"Asterisk Call Manager/1.1\r\n", Some(1), Some(11)),
            (b"SSH-2.0-OpenSSH_9.2\r\n", None, None),
            (b"\xff\xfe\n", None, None),
        ] {
            let mut decoder = Decoder::new(Charset::default(), Limits::default());
            decoder.feed(line);
            let Some(Incoming::Banner(banner)) = decoder.next_message() else {
                panic!("no banner in {line:?}");
            };
            assert_eq!(banner.interface_version(), interface);
            assert_eq!(banner.asterisk_version(), asterisk);
        }
    }

    #[test]
    fn greeting_without_a_line_end_is_given_out_all_the_same() {
        let said = read(
            Decoder::new(Charset::default(), Limits::default()),
            &[&[b'x'; 1_024]],
        );
        assert_eq!(said, ["x".repeat(1_024)]);
    }

    #[test]
    fn lines_may_end_in_lf_and_blank_lines_may_be_many() {
        let expected = [
            r#"{"Event": "A", "X": "1"}"#,
            r#"{"Event": "B", "": "no colon"}"#,
        ];
        let lf = b"\n\nEvent: A\nX: 1\n\n\nEvent: B\nno colon\n\n";
        assert_eq!(read(decoder(), &[lf]), expected);
        let crlf = b"\r\n\r\nEvent: A\r\nX: 1\r\n\r\n\r\nEvent: B\r\nno colon\r\n\r\n";
        assert_eq!(read(decoder(), &[crlf]), expected);
        let mixed = b"Event: A\nX: 1\r\n\r\nEvent: B\nno colon\n\r\n";
        assert_eq!(read(decoder(), &[mixed]), expected);
    }

    #[test]
    fn lone_lf_stays_inside_a_value_of_a_crlf_message() {
        let said = read(decoder(), &[b"Event: A\r\nX: 1\n\n2\r\n\r\n"]);
        assert_eq!(said, [r#"{"Event": "A", "X": "1\n\n2"}"#]);
    }

    #[test]
    fn output_of_a_command_reads_alike_in_old_and_new_versions() {
        let old = b"Response: Follows\r\nPrivilege: Command\r\nActionID: a2\r\n\nSystem: x\n\nlast\n--END COMMAND--\r\n\r\n";
        let new = b"Response: Success\r\nActionID: a2\r\nMessage: Command output follows\r\nOutput: \r\nOutput: System: x\r\nOutput: \r\nOutput: last\r\n\r\n";
        for bytes in [&old[..], new] {
            let mut decoder = decoder();
            decoder.feed(bytes);
            decoder.feed(b"Event: After\r\n\r\n");
            let Some(Incoming::Message(message)) = decoder.next_message() else {
                panic!("nothing read");
            };
            let output: Vec<_> = message.output().map(|line| line.to_string()).collect();
            assert_eq!(output, ["", "System: x", "", "last"]);
            assert_eq!(message.get("ActionID").unwrap(), "a2");
            assert_eq!(message.get("System"), None);
            assert!(matches!(decoder.next_message(), Some(Incoming::Message(_))));
        }
    }

    #[test]
    fn message_over_the_limit_is_skipped_and_the_next_one_read() {
        let limits = Limits {
            message: 1_000,
            ..Limits::default()
        };
        let long = format!("Event: Long\r\nX: {}\r\n\r\n", "x".repeat(5_000));
        let bytes = [long.as_bytes(), b"Event: Next\r\n\r\n"].concat();
        for size in [1, 7, 999, 1_001, bytes.len()] {
            let mut decoder = Decoder::without_banner(Charset::default(), limits);
            let mut said = 0;
            for chunk in bytes.chunks(size) {
                decoder.feed(chunk);
                while let Some(Incoming::Message(message)) = decoder.next_message() {
                    assert_eq!(message.event_name().unwrap(), "Next");
                    said += 1;
                }
                assert!(decoder.buffer.len() <= 1_002 + size);
            }
            assert_eq!(
                (said, decoder.counts().oversized),
                (1, 1),
                "chunks of {size}"
            );
        }
    }

    #[test]
    fn sixteen_mebibytes_and_thousands_of_headers_are_one_message() {
        let mut bytes = b"Response: Success\r\n".to_vec();
        while bytes.len() < 15 * 1024 * 1024 {
            bytes.extend_from_slice(b"Output: PJSIP/101-0000001a internal 101 3 Up Dial\r\n");
        }
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        bytes.extend_from_slice(b"\r\n");
        let mut decoder = decoder();
        for chunk in bytes.chunks(65_536) {
            decoder.feed(chunk);
            if let Some(Incoming::Message(message)) = decoder.next_message() {
                assert_eq!(message.headers().count(), lines);
            }
        }
        assert_eq!(decoder.counts().messages, 1);
        assert!(decoder.next_message().is_none());
        assert!(decoder.buffer.capacity() <= KEPT_CAPACITY);
    }

    #[test]
    fn noise_is_left_out_only_when_asked_for() {
        let bytes = b"Event: VarSet\r\nX: 1\r\n\r\nEvent: Hangup\r\n\r\n";
        assert_eq!(read(decoder(), &[bytes]).len(), 2);
        let limits = Limits {
            noise: false,
            ..Limits::default()
        };
        let quiet = Decoder::without_banner(Charset::default(), limits);
        assert_eq!(read(quiet, &[bytes]), [r#"{"Event": "Hangup"}"#]);
    }
}
