//! When each hop of the last calls happened: what `status --json` tells and the bench reads.

use std::collections::VecDeque;
use view::{DialHops, Hops, RingHops, UnixMicros};

const KEPT: usize = 64;

/// The last calls' hops, bounded.
#[derive(Debug, Default)]
pub(crate) struct HopLog {
    dials: VecDeque<DialHops>,
    rings: VecDeque<RingHops>,
}

impl HopLog {
    pub(crate) fn asked(&mut self, dial: &str, asked: UnixMicros) {
        push(
            &mut self.dials,
            DialHops {
                dial: dial.to_owned(),
                asked,
                ..DialHops::default()
            },
        );
    }

    pub(crate) fn dial(&mut self, dial: &str) -> Option<&mut DialHops> {
        self.dials.iter_mut().rev().find(|hops| hops.dial == dial)
    }

    pub(crate) fn ring(&mut self, call: &str, event_read: UnixMicros) -> &mut RingHops {
        if let Some(at) = self.rings.iter().rposition(|hops| hops.call == call) {
            return &mut self.rings[at];
        }
        push(
            &mut self.rings,
            RingHops {
                call: call.to_owned(),
                event_read,
                ..RingHops::default()
            },
        );
        let last = self.rings.len() - 1;
        &mut self.rings[last]
    }

    /// A later paint of the same call tells nothing: the first one counts.
    pub(crate) fn painted(&mut self, call: &str, received: UnixMicros, painted: UnixMicros) {
        if let Some(hops) = self
            .rings
            .iter_mut()
            .rev()
            .find(|hops| hops.call == call && hops.painted.is_none())
        {
            hops.received = Some(received);
            hops.painted = Some(painted);
        }
    }

    pub(crate) fn view(&self) -> Hops {
        Hops {
            dials: self.dials.iter().cloned().collect(),
            rings: self.rings.iter().cloned().collect(),
        }
    }
}

fn push<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() == KEPT {
        list.pop_front();
    }
    list.push_back(item);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_calls_are_kept() {
        let mut log = HopLog::default();
        for n in 0..200 {
            log.asked(&format!("d{n}"), n);
        }
        assert_eq!(log.view().dials.len(), KEPT);
        assert!(log.dial("d199").is_some() && log.dial("d0").is_none());
    }

    #[test]
    fn the_first_paint_counts() {
        let mut log = HopLog::default();
        log.ring("c1", 10);
        log.painted("c1", 11, 12);
        log.painted("c1", 20, 21);
        assert_eq!(log.view().rings[0].painted, Some(12));
    }
}
