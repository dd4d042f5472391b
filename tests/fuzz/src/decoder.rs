//! The decoder: chunks change nothing, what it kept goes, it always finds the next message, and what it read it reads
//! again.

use ami::{Charset, Decoder, Incoming, Limits, Message, Response};

use crate::bytes::Bytes;

/// Ends whatever a decoder may be in: banner, message of either line end, output of a command.
const END_OF_ANYTHING: &[u8] = b"\r\n\r\n--END COMMAND--\r\n\r\n--END COMMAND--\n\n";
const PROBE: &[u8] = b"Event: Probe\r\nX: 1\r\n\r\n";

/// Two bytes of options, then what arrives.
pub fn decoder(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let (options, chunks) = (bytes.byte(), bytes.byte());
    let arrives = bytes.take_all();
    let mut whole = Reader::new(options);
    whole.reads_again = true;
    whole.feed(arrives);
    let mut chunked = Reader::new(options);
    for chunk in Chunks::new(arrives, chunks) {
        chunked.feed(chunk);
    }
    assert_eq!(whole.read, chunked.read, "chunks change what is read");
    assert_eq!(whole.decoder.counts(), chunked.decoder.counts());
    whole.must_find_the_next_message();
    chunked.must_find_the_next_message();
}

struct Reader {
    decoder: Decoder,
    /// Everything read, each line ended by a byte that Asterisk does not send.
    read: Vec<u8>,
    messages: u64,
    reads_again: bool,
}

impl Reader {
    fn new(options: u8) -> Self {
        let limits = Limits {
            // Longer than the probe, shorter than most messages; and the limit that no input reaches.
            message: [64, 200, 16 * 1024 * 1024][usize::from(options >> 2) % 3],
            noise: options & 2 != 0,
        };
        let charset = Charset::default();
        let decoder = match options & 1 {
            0 => Decoder::without_banner(charset, limits),
            _ => Decoder::new(charset, limits),
        };
        Self {
            decoder,
            read: Vec::new(),
            messages: 0,
            reads_again: false,
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.decoder.feed(bytes);
        while let Some(incoming) = self.decoder.next_message() {
            match incoming {
                Incoming::Banner(banner) => {
                    self.read.extend_from_slice(banner.line().bytes());
                    let _ = banner.asterisk_version();
                }
                Incoming::Message(message) => {
                    self.messages += 1;
                    write(&message, &mut self.read);
                    if self.reads_again {
                        must_read_again(&message);
                    }
                }
            }
            self.read.push(0xff);
        }
        assert_eq!(self.messages, self.decoder.counts().messages);
    }

    fn must_find_the_next_message(&mut self) {
        self.feed(END_OF_ANYTHING);
        let before = self.messages;
        self.decoder.feed(PROBE);
        let Some(Incoming::Message(message)) = self.decoder.next_message() else {
            panic!("the next message is lost");
        };
        let headers: Vec<_> = message
            .headers()
            .map(|(name, value)| (name, value.bytes()))
            .collect();
        assert_eq!(headers, [("Event", &b"Probe"[..]), ("X", b"1")]);
        assert!(self.decoder.next_message().is_none());
        assert_eq!(self.decoder.counts().messages, before + 1);
    }
}

fn write(message: &Message<'_>, out: &mut Vec<u8>) {
    for (name, value) in message.headers() {
        out.extend_from_slice(name.as_bytes());
        out.push(0xfe);
        out.extend_from_slice(value.bytes());
        out.push(0xfe);
    }
    out.push(0xfd);
    for line in message.output() {
        out.extend_from_slice(line.bytes());
        out.push(0xfe);
    }
}

/// The event it is, its text, and the same message out of its own headers.
fn must_read_again(message: &Message<'_>) {
    assert_eq!(message.event().is_some(), message.event_name().is_some());
    assert!(message.event().is_none() || message.response().is_none());
    if message.refusal().is_some() {
        assert_eq!(message.response(), Some(Response::Error));
    }
    if message.response() == Some(Response::Follows) {
        return;
    }
    let mut encoded = Vec::new();
    for (name, value) in message.headers() {
        let _ = value.text();
        // A line without a colon has no name, and reads as one that begins with it.
        encoded.extend_from_slice(name.as_bytes());
        encoded.extend_from_slice(b": ");
        encoded.extend_from_slice(value.bytes());
        encoded.extend_from_slice(b"\r\n");
    }
    encoded.extend_from_slice(b"\r\n");
    let mut decoder = Decoder::without_banner(Charset::default(), Limits::default());
    decoder.feed(&encoded);
    let Some(Incoming::Message(again)) = decoder.next_message() else {
        panic!("what was read is no message: {message:?}");
    };
    let same = message
        .headers()
        .map(|(name, value)| (name, value.bytes()))
        .eq(again.headers().map(|(name, value)| (name, value.bytes())));
    assert!(same, "{message:?} reads again as {again:?}");
}

/// Pieces of the input whose lengths repeat; a byte each when the pattern says so.
struct Chunks<'a> {
    bytes: Bytes<'a>,
    pattern: u8,
    count: u8,
}

impl<'a> Chunks<'a> {
    fn new(bytes: &'a [u8], pattern: u8) -> Self {
        Self {
            bytes: Bytes::new(bytes),
            pattern,
            count: 0,
        }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.bytes.is_empty() {
            return None;
        }
        self.count = self.count.wrapping_add(1);
        let length = match self.count % 2 {
            0 => self.pattern >> 4,
            _ => self.pattern & 0x0f,
        };
        Some(self.bytes.take(usize::from(length) + 1))
    }
}
