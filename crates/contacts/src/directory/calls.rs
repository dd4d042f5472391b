//! What holds for one call alone: when it was asked about, and whom somebody chose for it.

use super::admit::Known;
use crate::{bounded::Bounded, memory::Remembering};
use std::sync::Arc;
use tokio::time::Instant;
use wire::{Record, Remembered};

/// Calls that are remembered; the oldest goes.
const MAX_CALLS: usize = 10_000;

#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Answers from before are known from an earlier question.
    pub(super) since: Instant,
    pub(super) choice: Choice,
}

/// Whom somebody chose for a call.
#[derive(Clone, Debug, Default)]
pub(super) enum Choice {
    /// What is remembered counts.
    #[default]
    Open,
    Chosen(Box<Chosen>),
    /// Wrong person: nothing remembered counts, and none of these is shown alone.
    Undone {
        wrong: Vec<Record>,
    },
}

/// Somebody who was chosen, now or before.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    pub(super) entry: Remembering,
    /// As the source told him last, where that is known.
    pub(super) known: Option<Arc<Known>>,
    /// Told to people; `None`: it holds for this call only.
    pub(super) remembered: Option<Remembered>,
}

#[derive(Debug)]
pub(super) struct Calls(Bounded<String, Call>);

impl Calls {
    pub(super) fn new() -> Self {
        Self(Bounded::new(MAX_CALLS))
    }

    /// The call, new if it is not known.
    pub(super) fn call(&mut self, id: &str, now: Instant) -> Call {
        let id = id.to_owned();
        if let Some(call) = self.0.get(&id) {
            return call.clone();
        }
        let call = Call {
            since: now,
            choice: Choice::Open,
        };
        self.0.insert(id, call.clone());
        call
    }

    pub(super) fn choose(&mut self, id: String, choice: Choice, now: Instant) {
        let since = self.call(&id, now).since;
        self.0.insert(id, Call { since, choice });
    }
}
