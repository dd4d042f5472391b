//! The lamps of the scripted phone system: which there are, what each event makes of them, and which event a client's
//! message tells of.

use crate::measure::nanos;
use memchr::memmem;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many there are.
pub(crate) const LAMPS: usize = 1_000;
/// Extension of the first lamp; nobody of the clients sits there.
pub(crate) const FIRST: usize = 6_000;
/// What a lamp goes through: Asterisk's number and word, and the word of the protocol.
const CYCLE: [(u8, &str, &str); 6] = [
    (0, "Idle", "idle"),
    (8, "Ringing", "ringing"),
    (1, "InUse", "in_use"),
    (9, "InUse&Ringing", "in_use_ringing"),
    (16, "Hold", "on_hold"),
    (2, "Busy", "busy"),
];

/// All lamps, and when each was changed how.
#[derive(Debug)]
pub(crate) struct Lamps(Mutex<Vec<Lamp>>);

#[derive(Debug, Clone, Default)]
struct Lamp {
    changes: usize,
    /// When each of the last changes was sent, in [`nanos`], by its place in the cycle.
    sent: [u64; CYCLE.len()],
}

/// A lamp as a client was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) lamp: usize,
    place: usize,
}

impl Default for Lamps {
    fn default() -> Self {
        Self(Mutex::new(vec![Lamp::default(); LAMPS]))
    }
}

impl Lamps {
    /// The event that changes a lamp, counted as sent now.
    pub(crate) fn change(&self, lamp: usize) -> String {
        let mut lamps = self.lock();
        let changed = &mut lamps[lamp];
        changed.changes += 1;
        let place = changed.changes % CYCLE.len();
        changed.sent[place] = nanos();
        event(lamp, place, "")
    }

    /// All as they are, as the answer to a list.
    pub(crate) fn list(&self, action_id: &str) -> String {
        let lamps = self.lock();
        let head = format!("ActionID: {action_id}\r\n");
        let lamps = lamps.iter().enumerate();
        lamps
            .map(|(number, lamp)| event(number, lamp.changes % CYCLE.len(), &head))
            .collect()
    }

    /// When the event was sent that a client was told of: of those that look the same, the last.
    pub(crate) fn sent(&self, told: Told) -> u64 {
        self.lock()[told.lamp].sent[told.place]
    }

    /// Whether this is how the lamp is now.
    pub(crate) fn is_newest(&self, told: Told) -> bool {
        self.lock()[told.lamp].changes % CYCLE.len() == told.place
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Lamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn event(lamp: usize, place: usize, head: &str) -> String {
    let (status, text, _) = CYCLE[place];
    let extension = FIRST + lamp;
    format!(
        "Event: ExtensionStatus\r\n{head}Privilege: call,all\r\nExten: {extension}\r\nContext: internal\r\n\
         Hint: PJSIP/{extension}\r\nStatus: {status}\r\nStatusText: {text}\r\n\r\n"
    )
}

/// The key of a lamp in the protocol.
pub(crate) fn key(lamp: usize) -> String {
    format!("{}@main", FIRST + lamp)
}

/// Finds the lamps in a message, of ours or of a rival, without reading the rest of it.
#[derive(Debug)]
pub(crate) struct Reader {
    key: memmem::Finder<'static>,
    word: memmem::Finder<'static>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            key: memmem::Finder::new("\"key\":\"6"),
            word: memmem::Finder::new("\"lamp\":\""),
        }
    }
}

impl Reader {
    pub(crate) fn read(&self, mut message: &[u8], mut each: impl FnMut(Told)) {
        const KEY: usize = "\"key\":\"".len();
        const DIGITS: usize = 4;
        while let Some(at) = self.key.find(message) {
            message = &message[at + KEY..];
            let digits = message.get(..DIGITS).unwrap_or_default();
            let Some(word_at) = self.word.find(message) else {
                return;
            };
            message = &message[word_at + "\"lamp\":\"".len()..];
            let end = memchr::memchr(b'"', message).unwrap_or_default();
            let word = &message[..end];
            let place = CYCLE
                .iter()
                .position(|(_, _, known)| known.as_bytes() == word);
            let number = std::str::from_utf8(digits).ok();
            let lamp = number
                .and_then(|text| text.parse::<usize>().ok())
                .and_then(|number| number.checked_sub(FIRST));
            if let (Some(lamp), Some(place)) = (lamp.filter(|lamp| *lamp < LAMPS), place) {
                each(Told { lamp, place });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_tells_of_the_change_that_was_sent_last() {
        let (lamps, reader) = (Lamps::default(), Reader::default());
        let message = |word: &str| {
            format!(
                r#"{{"facts":[{{"key":"6007@main","value":{{"lamp":"{word}","x":1}}}},{{"key":"1@main"}}]}}"#
            )
        };
        lamps.change(7);
        let second = lamps.change(7);
        assert!(
            second.contains("Exten: 6007\r\n") && second.contains("Status: 1\r\n"),
            "{second}"
        );
        let mut told = Vec::new();
        reader.read(message("ringing").as_bytes(), |one| told.push(one));
        reader.read(message("in_use").as_bytes(), |one| told.push(one));
        assert_eq!(told.len(), 2);
        assert!(!lamps.is_newest(told[0]) && lamps.is_newest(told[1]));
        assert!(lamps.sent(told[0]) <= lamps.sent(told[1]));
    }
}
