//! The list of recent calls, newest first.

use view::Recent;

const KEPT: usize = 200;

/// Puts a finished call on top; a call that is there already is replaced in its place.
pub(crate) fn remember(list: &mut Vec<Recent>, recent: Recent) {
    if let Some(known) = list.iter_mut().find(|known| known.call == recent.call) {
        *known = recent;
        return;
    }
    list.insert(0, recent);
    list.truncate(KEPT);
}

#[cfg(test)]
mod tests {
    use super::*;
    use view::{Direction, Party, RecentOutcome};

    fn recent(call: &str) -> Recent {
        Recent {
            call: call.into(),
            direction: Direction::Incoming,
            party: Party::default(),
            person: None,
            line: None,
            at: 0,
            outcome: RecentOutcome::Missed,
            call_back: None,
        }
    }

    #[test]
    fn a_call_stands_once() {
        let mut list = Vec::new();
        remember(&mut list, recent("a"));
        remember(&mut list, recent("b"));
        remember(
            &mut list,
            Recent {
                outcome: RecentOutcome::Talked { seconds: 3 },
                ..recent("a")
            },
        );
        assert_eq!(
            list.iter()
                .map(|entry| entry.call.as_str())
                .collect::<Vec<_>>(),
            ["b", "a"]
        );
    }
}
