//! Who has a number, asked without a call: answered when every source has, and after a deadline with what there is.

use super::Engine;
use crate::{DeskId, People, Update, numbers};
use contacts::Question;
use std::time::{Duration, Instant};

/// Nobody waits longer for an answer.
const DEADLINE: Duration = Duration::from_secs(2);
/// More wait for nobody: they are answered with what is known at once.
const WAITING: usize = 256;

/// Questions that are not answered yet, the oldest first.
#[derive(Debug, Default)]
pub(super) struct LookUps {
    waiting: Vec<LookUp>,
}

#[derive(Debug)]
struct LookUp {
    desk: DeskId,
    key: u64,
    question: Question,
    until: Instant,
}

impl LookUps {
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting.first().map(|waiting| waiting.until)
    }
}

impl Engine {
    pub(super) fn who_is(&mut self, desk: DeskId, key: u64, number: &str, now: Instant) {
        let plan = self.desks.desk(desk).map(|desk| &desk.dial_plan);
        let Some(number) = plan.and_then(|plan| plan.number_of_trunk(number)) else {
            let people = People::Nobody;
            return self.tell(desk, Update::WhoIs { key, people });
        };
        let question = Question {
            number,
            line: None,
            extension: None,
        };
        let who = numbers::who(&self.directory, Some(&question), None);
        if numbers::is_complete(&who) || self.look_ups.waiting.len() >= WAITING {
            let people = who.people;
            return self.tell(desk, Update::WhoIs { key, people });
        }
        self.look_ups.waiting.push(LookUp {
            desk,
            key,
            question,
            until: now + DEADLINE,
        });
    }

    /// Those of which all is known, or that have waited long enough.
    pub(super) fn answer_look_ups(&mut self, now: Instant) {
        let mut still_waiting = Vec::new();
        for waiting in std::mem::take(&mut self.look_ups.waiting) {
            let who = numbers::who(&self.directory, Some(&waiting.question), None);
            if numbers::is_complete(&who) || waiting.until <= now {
                let (key, people) = (waiting.key, who.people);
                self.tell(waiting.desk, Update::WhoIs { key, people });
            } else {
                still_waiting.push(waiting);
            }
        }
        self.look_ups.waiting = still_waiting;
    }
}
