//! A client of the little PBX.

use std::time::{Duration, Instant};

use ami::{Charset, Decoder, Incoming, Limits, Uniqueid};
use calls::{Call, CallEvent, CallTracker, PbxLists, Progress, Seed};
use replay::pbx::Pbx;

use crate::pbx::Frame;

const BANNER: &[u8] = b"Asterisk Call Manager/11.0.0\r\n";

#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) tracker: CallTracker,
    pub(crate) ended: Vec<Call>,
    /// The steps of clicks, in their order.
    pub(crate) steps: Vec<(String, Progress)>,
    begin: Instant,
    now: Instant,
}

impl Client {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let seed = Seed {
            unix_ms: 0,
            at: now,
            random: 3,
        };
        Self {
            tracker: CallTracker::new(seed),
            ended: Vec::new(),
            steps: Vec::new(),
            begin: now,
            now,
        }
    }

    /// Milliseconds since the beginning.
    pub(crate) fn clock(&self, at: Instant) -> u64 {
        u64::try_from((at - self.begin).as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn clicks(&mut self, id: &str, agent: &str, at: u64) {
        let now = self.begin + Duration::from_millis(at);
        self.tracker
            .expect_originate(Uniqueid::from(id), agent, now);
    }

    pub(crate) fn hears(&mut self, frame: &Frame) {
        self.hears_in_pieces(frame, usize::MAX);
    }

    pub(crate) fn hears_in_pieces(&mut self, frame: &Frame, most: usize) {
        if frame.silent {
            return;
        }
        self.now = self.begin + Duration::from_millis(frame.at);
        let mut decoder = decoder();
        for piece in frame.text.as_bytes().chunks(most) {
            decoder.feed(piece);
            while let Some(incoming) = decoder.next_message() {
                if let Incoming::Message(message) = incoming
                    && let Some(event) = message.event()
                {
                    self.tracker.handle(&event, self.now);
                }
            }
        }
        self.poll();
    }

    pub(crate) fn loses_link(&mut self, lists: &PbxLists) {
        self.is_away();
        self.comes_back(lists);
    }

    pub(crate) fn is_away(&mut self) {
        self.tracker.link_lost(self.now);
        self.poll();
    }

    pub(crate) fn comes_back(&mut self, lists: &PbxLists) {
        self.tracker.resync(lists, self.now);
        self.poll();
    }

    pub(crate) fn audits(&mut self, lists: &PbxLists) {
        self.tracker.begin_audit();
        self.tracker.resync(lists, self.now);
        self.tracker.begin_audit();
        self.tracker.resync(lists, self.now);
        self.poll();
    }

    fn poll(&mut self) {
        while let Some(event) = self.tracker.poll_event() {
            match event {
                CallEvent::Ended(call) => self.ended.push(*call),
                CallEvent::Originate { id, progress } => {
                    self.steps.push((id.as_str().to_owned(), progress));
                }
                CallEvent::Started(_) | CallEvent::Changed(_) | CallEvent::Room(_) => {}
            }
        }
    }
}

/// What a model of the real PBX hears of it.
pub(crate) fn apply(pbx: &mut Pbx, frame: &Frame) {
    let mut decoder = decoder();
    decoder.feed(frame.text.as_bytes());
    while let Some(incoming) = decoder.next_message() {
        if let Incoming::Message(message) = incoming {
            pbx.apply(&message);
        }
    }
}

fn decoder() -> Decoder {
    let mut decoder = Decoder::new(Charset::default(), Limits::default());
    decoder.feed(BANNER);
    decoder
}
