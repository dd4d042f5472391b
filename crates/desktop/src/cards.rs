//! Which caller cards are shown, and for how long.

use std::collections::HashSet;
use std::time::{Duration, Instant};
use view::{Card, CardPhase, People};
use wire::Remembered;

/// After the answer the card is in nobody's way any more.
const TALKING: Duration = Duration::from_secs(10);
const TAKEN: Duration = Duration::from_secs(3);
const MISSED: Duration = Duration::from_secs(10);
const UNKNOWN: Duration = Duration::from_secs(6);

#[derive(Debug)]
struct Shown {
    card: Card,
    gone_at: Option<Instant>,
}

/// The cards in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Cards {
    shown: Vec<Shown>,
    hidden: HashSet<String>,
}

impl Cards {
    /// Lays the newest state of a call over its card. A call that was over before it had a card gets none.
    pub(crate) fn update(&mut self, card: Card, now: Instant) {
        if self.hidden.contains(&card.call) {
            return;
        }
        let known = self
            .shown
            .iter()
            .position(|shown| shown.card.call == card.call);
        let gone_at = time_to_live(&card.phase).map(|after| now + after);
        match known {
            Some(at) if matches!(card.phase, CardPhase::Ended { .. }) => {
                drop(self.shown.remove(at))
            }
            Some(at) => {
                let shown = &mut self.shown[at];
                if std::mem::discriminant(&shown.card.phase) != std::mem::discriminant(&card.phase)
                {
                    shown.gone_at = gone_at;
                }
                shown.card = card;
            }
            None if card.phase == CardPhase::Ringing => self.shown.push(Shown { card, gone_at }),
            None => {}
        }
    }

    /// Says who it is, or that nobody knows; news of the call may say more.
    pub(crate) fn name(&mut self, call: &str, people: &People, remembered: Option<&Remembered>) {
        let mut shown = self.shown.iter_mut();
        if let Some(shown) = shown.find(|shown| shown.card.call == call) {
            shown.card.people = people.clone();
            shown.card.remembered = remembered.cloned();
        }
    }

    /// Only a call that goes on must be remembered: nobody forgets one that is over.
    pub(crate) fn hide(&mut self, call: &str) {
        let Some(at) = self.shown.iter().position(|shown| shown.card.call == call) else {
            return;
        };
        let card = self.shown.remove(at).card;
        if matches!(
            card.phase,
            CardPhase::Ringing | CardPhase::Talking { .. } | CardPhase::Unknown { .. }
        ) {
            self.hidden.insert(card.call);
        }
    }

    /// The call is over and gone; its number may come again under another id.
    pub(crate) fn forget(&mut self, call: &str) {
        self.hidden.remove(call);
    }

    pub(crate) fn expire(&mut self, now: Instant) {
        self.shown
            .retain(|shown| shown.gone_at.is_none_or(|at| at > now));
    }

    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.shown.iter().filter_map(|shown| shown.gone_at).min()
    }

    pub(crate) fn view(&self) -> Vec<Card> {
        self.shown.iter().map(|shown| shown.card.clone()).collect()
    }
}

fn time_to_live(phase: &CardPhase) -> Option<Duration> {
    match phase {
        CardPhase::Ringing => None,
        CardPhase::Talking { .. } => Some(TALKING),
        CardPhase::AnsweredElsewhere { .. } => Some(TAKEN),
        CardPhase::Missed => Some(MISSED),
        CardPhase::Ended { .. } => Some(Duration::ZERO),
        CardPhase::Unknown { .. } => Some(UNKNOWN),
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // the tests bring the clock
mod tests {
    use super::*;
    use view::Party;

    fn card(call: &str, phase: CardPhase) -> Card {
        Card {
            call: call.into(),
            phase,
            party: Party::default(),
            people: People::Asking,
            sources: Vec::new(),
            remembered: None,
            line: None,
            extension: "101".into(),
            since: 0,
            can_hang_up: true,
        }
    }

    fn calls(cards: &Cards) -> Vec<String> {
        cards.view().into_iter().map(|card| card.call).collect()
    }

    #[test]
    fn a_second_call_does_not_overwrite_the_first_card() {
        let (mut cards, now) = (Cards::default(), Instant::now());
        cards.update(card("a", CardPhase::Ringing), now);
        cards.update(card("b", CardPhase::Ringing), now);
        cards.update(card("a", CardPhase::Talking { talking_since: 1 }), now);
        assert_eq!(calls(&cards), ["a", "b"]);
    }

    #[test]
    fn a_card_goes_ten_seconds_after_the_answer() {
        let (mut cards, now) = (Cards::default(), Instant::now());
        cards.update(card("a", CardPhase::Ringing), now);
        cards.update(card("a", CardPhase::Talking { talking_since: 1 }), now);
        // News of the same phase does not prolong it.
        cards.update(
            card("a", CardPhase::Talking { talking_since: 1 }),
            now + Duration::from_secs(9),
        );
        cards.expire(now + Duration::from_secs(10));
        assert!(calls(&cards).is_empty());
        assert_eq!(cards.next_expiry(), None);
    }

    #[test]
    fn a_hidden_card_stays_hidden() {
        let (mut cards, now) = (Cards::default(), Instant::now());
        cards.update(card("a", CardPhase::Ringing), now);
        cards.hide("a");
        cards.update(card("a", CardPhase::Ringing), now);
        assert!(calls(&cards).is_empty());
    }

    #[test]
    fn hiding_what_is_over_or_unheard_of_leaves_nothing_behind() {
        let (mut cards, now) = (Cards::default(), Instant::now());
        cards.update(card("a", CardPhase::Ringing), now);
        cards.update(card("a", CardPhase::Missed), now);
        cards.hide("a");
        cards.hide("b");
        assert!(calls(&cards).is_empty());
        assert!(cards.hidden.is_empty());
    }

    #[test]
    fn a_call_seen_only_after_its_answer_has_no_card() {
        let (mut cards, now) = (Cards::default(), Instant::now());
        cards.update(card("a", CardPhase::Talking { talking_since: 1 }), now);
        assert!(calls(&cards).is_empty());
    }
}
