//! Bytes to messages, in any chunking and without ever giving up.

use crate::{Banner, Charset, Message};

/// What the decoder accepts.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one message; a longer one is skipped and counted.
    pub message: usize,
}

/// What has been seen since the decoder began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub messages: u64,
    /// Messages of events that nobody here wants: VarSet, Newexten, CEL, TestEvent, RTCP.
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
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    charset: Charset,
    counts: Counts,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 16 * 1024 * 1024,
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
        }
    }

    /// Takes what arrived.
    pub fn feed(&mut self, bytes: &[u8]) {
        let _ = (bytes, self.limits, self.charset);
    }

    /// Gives the next whole message; `None` when more bytes are needed.
    pub fn next_message(&mut self) -> Option<Incoming<'_>> {
        None
    }

    /// What has been seen so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}
