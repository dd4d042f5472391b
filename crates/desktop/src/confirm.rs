//! The question before a link from outside dials: one at a time, whatever a page throws at us.

use std::time::{Duration, Instant};
use view::Confirm;

/// While a question is this young another link does not replace it: a page must not swap the number under the click.
const YOUNG: Duration = Duration::from_secs(2);
/// A question that nobody answers goes away.
const FORGOTTEN: Duration = Duration::from_secs(120);

/// A link that waits for a yes.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) confirm: Confirm,
    /// What is dialled after the yes.
    pub(crate) text: String,
    pub(crate) request_id: String,
    at: Instant,
}

/// At most one question.
#[derive(Debug, Default)]
pub(crate) struct Question {
    pending: Option<Pending>,
}

/// What became of a link.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    New,
    /// The same link again: this is its question.
    Same(String),
    /// Another question stands.
    Busy,
}

impl Question {
    pub(crate) fn ask(
        &mut self,
        confirm: Confirm,
        text: &str,
        request_id: &str,
        now: Instant,
    ) -> Asked {
        if let Some(pending) = &self.pending {
            if pending.text == text {
                return Asked::Same(pending.confirm.id.clone());
            }
            if now.saturating_duration_since(pending.at) < YOUNG {
                return Asked::Busy;
            }
        }
        self.pending = Some(Pending {
            confirm,
            text: text.into(),
            request_id: request_id.into(),
            at: now,
        });
        Asked::New
    }

    pub(crate) fn take(&mut self, id: &str) -> Option<Pending> {
        self.pending.take_if(|pending| pending.confirm.id == id)
    }

    /// The window was closed: that is a no.
    pub(crate) fn drop_pending(&mut self) {
        self.pending = None;
    }

    pub(crate) fn pending_mut(&mut self) -> Option<&mut Pending> {
        self.pending.as_mut()
    }

    pub(crate) fn view(&self) -> Option<Box<Confirm>> {
        self.pending
            .as_ref()
            .map(|pending| Box::new(pending.confirm.clone()))
    }

    pub(crate) fn expire(&mut self, now: Instant) {
        self.pending
            .take_if(|pending| now.saturating_duration_since(pending.at) >= FORGOTTEN);
    }

    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.pending.as_ref().map(|pending| pending.at + FORGOTTEN)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // the tests bring the clock
mod tests {
    use super::*;
    use view::Explanation;

    fn confirm(id: &str) -> Confirm {
        let explanation = Explanation::Refused {
            words: String::new(),
            steps: Vec::new(),
        };
        Confirm {
            id: id.into(),
            program: None,
            text: id.into(),
            explanation,
            from_extension: "101".into(),
            trouble: None,
        }
    }

    #[test]
    fn a_hundred_links_in_a_second_are_one_question() {
        let (mut question, now) = (Question::default(), Instant::now());
        let new = (0..100u32).filter(|n| {
            question.ask(
                confirm(&n.to_string()),
                &format!("tel:{n}"),
                "r",
                now + Duration::from_millis(u64::from(*n) * 10),
            ) == Asked::New
        });
        assert_eq!(new.count(), 1);
        assert_eq!(question.view().map(|confirm| confirm.id), Some("0".into()));
    }

    #[test]
    fn a_later_link_takes_the_place_of_an_old_question() {
        let (mut question, now) = (Question::default(), Instant::now());
        question.ask(confirm("a"), "tel:1", "r1", now);
        assert_eq!(
            question.ask(confirm("b"), "tel:2", "r2", now + YOUNG),
            Asked::New
        );
        assert!(question.take("a").is_none());
        assert!(question.take("b").is_some());
    }

    #[test]
    fn a_question_nobody_answers_goes_away() {
        let (mut question, now) = (Question::default(), Instant::now());
        question.ask(confirm("a"), "tel:1", "r1", now);
        question.expire(now + FORGOTTEN);
        assert_eq!(question.view(), None);
    }
}
