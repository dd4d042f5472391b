//! Facts on their way to the panel of colleagues: the newest of each, at most twenty times a second, in small parts.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use view::AgentMessage;
use wire::Fact;

/// A busy phone system has more news than a person can see.
const PAUSE: Duration = Duration::from_millis(50);
/// Bytes of facts in one message; one that is larger goes alone.
const PART: usize = 64 * 1024;
/// Messages at once; the rest waits its turn, so that a window that draws is not cut off for being behind.
const PARTS: usize = 16;

/// Kind and key; own things come first.
type Name = (u8, String);

/// What has not been sent yet. Nothing is kept for nobody.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    is_open: bool,
    from_nothing: bool,
    waiting: BTreeMap<Name, Fact>,
    sent: Option<Instant>,
}

impl Outbox {
    /// From now on there is a reader, and these are all the facts there are.
    pub(crate) fn begin(&mut self, facts: impl IntoIterator<Item = Fact>) {
        self.is_open = true;
        self.from_nothing = true;
        self.waiting.clear();
        self.take(facts);
    }

    /// Lays newer facts over those that wait.
    pub(crate) fn take(&mut self, facts: impl IntoIterator<Item = Fact>) {
        if self.is_open {
            let named = facts.into_iter().map(|fact| (name(&fact), fact));
            self.waiting.extend(named);
        }
    }

    /// Nobody reads any more.
    pub(crate) fn end(&mut self) {
        *self = Self::default();
    }

    /// When there is something to send.
    pub(crate) fn due(&self) -> Option<Instant> {
        let is_empty = self.waiting.is_empty() && !self.from_nothing;
        self.sent.filter(|_| !is_empty).map(|sent| sent + PAUSE)
    }

    /// What is to be sent now.
    pub(crate) fn flush(&mut self, now: Instant) -> Vec<AgentMessage> {
        let is_early = self.sent.is_some_and(|sent| sent + PAUSE > now);
        let mut messages = Vec::new();
        while !is_early && messages.len() < PARTS {
            let Some(message) = self.part() else { break };
            messages.push(message);
        }
        if !messages.is_empty() {
            self.sent = Some(now);
        }
        messages
    }

    fn part(&mut self) -> Option<AgentMessage> {
        let from_nothing = std::mem::take(&mut self.from_nothing);
        let mut facts = Vec::new();
        let mut bytes = 0;
        while let Some(entry) = self.waiting.first_entry() {
            bytes += size(entry.get());
            if bytes > PART && !facts.is_empty() {
                break;
            }
            facts.push(entry.remove());
        }
        (from_nothing || !facts.is_empty()).then_some(AgentMessage::Facts {
            from_nothing,
            facts,
        })
    }
}

/// As it is on the socket. A fact is plain data, so there is none that cannot be written.
fn size(fact: &Fact) -> usize {
    serde_json::to_vec(fact).map_or(0, |text| text.len())
}

fn name(fact: &Fact) -> Name {
    let (kind, key) = match fact {
        Fact::Me { .. } => (0, ""),
        Fact::Phone { .. } => (1, ""),
        Fact::Pbx { key, .. } => (2, key.as_str()),
        Fact::Call { key, .. } => (3, key.as_str()),
        Fact::Dial { key, .. } => (4, key.as_str()),
        Fact::Extension { key, .. } => (5, key.as_str()),
        Fact::Queue { key, .. } => (6, key.as_str()),
        Fact::Parked { key, .. } => (7, key.as_str()),
        Fact::Missed { key, .. } => (8, key.as_str()),
    };
    (kind, key.to_owned())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // the tests bring the clock
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_of_each_goes_out_and_not_too_often() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        outbox.take([parked("1")]);
        assert!(outbox.flush(now).is_empty(), "nobody reads yet");
        outbox.begin([]);
        assert_eq!(told(&mut outbox, now), [(true, 0)]);
        outbox.take([parked("1"), parked("2"), parked("1")]);
        assert!(outbox.flush(now + PAUSE / 2).is_empty());
        assert_eq!(outbox.due(), Some(now + PAUSE));
        assert_eq!(told(&mut outbox, now + PAUSE), [(false, 2)]);
        assert_eq!(outbox.due(), None);
    }

    #[test]
    fn a_large_firm_comes_in_parts_and_none_is_lost() {
        let (mut outbox, mut now) = (Outbox::default(), Instant::now());
        outbox.begin((0..2_000).map(|n| parked(&format!("{n}{}", "x".repeat(1_000)))));
        let mut all = Vec::new();
        loop {
            let parts = outbox.flush(now);
            let sizes = parts
                .iter()
                .map(|part| serde_json::to_vec(part).map_or(0, |text| text.len()));
            assert!(parts.len() <= PARTS && sizes.into_iter().all(|size| size < PART + 4_096));
            all.extend(parts.iter().map(counted));
            let Some(due) = outbox.due() else { break };
            now = due;
        }
        assert!(all.len() > PARTS && all[0].0 && all[1..].iter().all(|part| !part.0));
        assert_eq!(all.iter().map(|part| part.1).sum::<usize>(), 2_000);
    }

    fn told(outbox: &mut Outbox, now: Instant) -> Vec<(bool, usize)> {
        outbox.flush(now).iter().map(counted).collect()
    }

    fn counted(message: &AgentMessage) -> (bool, usize) {
        let AgentMessage::Facts {
            from_nothing,
            facts,
        } = message
        else {
            panic!("{message:?}")
        };
        (*from_nothing, facts.len())
    }

    fn parked(key: &str) -> Fact {
        Fact::Parked {
            key: key.to_owned(),
            value: None,
        }
    }
}
