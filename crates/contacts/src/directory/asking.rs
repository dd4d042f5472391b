//! Asking the sources: those in memory now, the others behind, each question once.

use super::{
    Shared, Who,
    admit::{self, Origin, Verified},
    cache::{AskId, Failure, Key, Told, View},
    calls::Chosen,
    choosing::{self, Standing},
    merge::{self, Candidate},
};
use crate::{Person, Question, Source, SourceError, SourceErrorKind, memory::number_of};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use wire::{Record, SourceReport, SourceState};

/// A late answer is waited for this many times as long as the card waits.
pub(super) const LATE: u32 = 10;
pub(super) const TOO_MANY: &str = "too many questions at once";

/// A source that panicked; the log has its words.
pub(super) const BROKEN: &str = "has failed within";

/// What is asked of a source.
#[derive(Clone, Debug)]
pub(super) enum What {
    Number(Question),
    Record(Record),
}

/// What all sources say now.
pub(super) struct Gathered {
    parts: Vec<Part>,
    chosen: Option<(Chosen, Standing)>,
}

/// What one source says.
struct Part {
    id: String,
    title: String,
    deadline: Duration,
    said: Said,
}

enum Said {
    Local {
        what: Result<Arc<[Verified]>, String>,
        took: Duration,
    },
    Behind(View),
}

/// When something is asked.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    /// Since when whoever asks wants to know it: a call, since it rang.
    pub(super) since: Instant,
    pub(super) now: Instant,
}

impl Moment {
    pub(super) fn of_its_own(now: Instant) -> Self {
        Self { since: now, now }
    }
}

/// Asks what must be asked. Sources run outside of the lock.
pub(super) fn gather(
    shared: &Arc<Shared>,
    sources: &[(u64, Arc<dyn Source>)],
    question: &Question,
    chosen: Option<Chosen>,
    at: Moment,
) -> Gathered {
    let parts: Vec<Part> = sources
        .iter()
        .map(|(slot, source)| part(shared, *slot, source, question, at))
        .collect();
    let chosen = chosen.map(|chosen| {
        let standing = standing(shared, sources, &parts, &chosen, at);
        (chosen, standing)
    });
    Gathered { parts, chosen }
}

impl Gathered {
    /// Everybody who has the number.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let found = self.parts.iter().flat_map(|part| part.said.people());
        merge::at_a_number(found.cloned())
    }

    pub(super) fn who(self, wrong: &[Record], since: Instant) -> Who {
        let candidates = self.candidates();
        let sources: Vec<SourceReport> = self.parts.iter().map(|part| part.report(since)).collect();
        let is_asking = |report: &SourceReport| report.state == SourceState::Asking;
        let asking =
            sources.iter().any(is_asking) || matches!(self.chosen, Some((_, Standing::Asking)));
        let decision = choosing::decide(candidates, self.chosen, wrong, asking);
        Who {
            people: decision.people,
            sources,
            remembered: decision.remembered,
        }
    }
}

impl Part {
    fn report(&self, since: Instant) -> SourceReport {
        let (state, took, cached) = match &self.said {
            Said::Local { what, took } => (state_of(what), Some(*took), false),
            Said::Behind(View::Asking) => (SourceState::Asking, None, false),
            Said::Behind(View::Told(told)) => {
                (state_of(&told.what), Some(told.took), told.at < since)
            }
            Said::Behind(View::Overdue) => (failed(&overdue(self.deadline)), None, false),
            Said::Behind(View::Full) => (failed(TOO_MANY), None, false),
        };
        SourceReport {
            source: self.title.clone(),
            state,
            took_ms: took.map(|took| u32::try_from(took.as_millis()).unwrap_or(u32::MAX)),
            cached,
        }
    }
}

impl Said {
    fn people(&self) -> &[Verified] {
        match self {
            Self::Local {
                what: Ok(people), ..
            }
            | Self::Behind(View::Told(Told {
                what: Ok(people), ..
            })) => people,
            Self::Local { what: Err(_), .. } => &[],
            Self::Behind(View::Told(_) | View::Asking | View::Overdue | View::Full) => &[],
        }
    }

    /// Of somebody whom the source is not among its people at the number.
    fn standing(&self) -> Standing {
        match self {
            Self::Local { what, .. } | Self::Behind(View::Told(Told { what, .. })) => {
                if what.is_ok() {
                    Standing::Gone
                } else {
                    Standing::Away
                }
            }
            Self::Behind(View::Asking) => Standing::Asking,
            Self::Behind(View::Overdue | View::Full) => Standing::Away,
        }
    }
}

fn state_of(what: &Result<Arc<[Verified]>, String>) -> SourceState {
    match what {
        Ok(people) if people.is_empty() => SourceState::Nobody,
        Ok(people) => SourceState::Found {
            people: people.len() as u32,
        },
        Err(words) => failed(words),
    }
}

fn failed(words: &str) -> SourceState {
    SourceState::Failed {
        words: words.to_owned(),
    }
}

fn part(
    shared: &Arc<Shared>,
    slot: u64,
    source: &Arc<dyn Source>,
    question: &Question,
    at: Moment,
) -> Part {
    let said = match source.is_local().then(|| at_once(shared, source, question)) {
        Some(Some(said)) => said,
        Some(None) | None => {
            let key = key_of(source.as_ref(), question);
            let what = What::Number(question.clone());
            Said::Behind(behind(shared, slot, source, key, what, at))
        }
    };
    let origin = Origin::of(source.as_ref());
    Part {
        id: origin.id.to_owned(),
        title: origin.title(),
        deadline: source.deadline(),
        said,
    }
}

/// What a source in memory says; `None`: it would have to be waited for after all.
fn at_once(shared: &Shared, source: &Arc<dyn Source>, question: &Question) -> Option<Said> {
    let started = Instant::now();
    let what = match polled(source.as_ref(), question)? {
        Ok(people) => {
            let origin = Origin::of(source.as_ref());
            let (people, outside) = origin.verified(&question.number, people);
            if outside > 0 {
                shared.state().counts.outside += outside;
            }
            Ok(people)
        }
        Err(error) => Err(admit::words(&error)),
    };
    Some(Said::Local {
        what,
        took: started.elapsed(),
    })
}

/// One that breaks within takes nobody along.
fn polled(source: &dyn Source, question: &Question) -> Option<Result<Vec<Person>, SourceError>> {
    let poll = || {
        let mut context = Context::from_waker(Waker::noop());
        source.look_up(question).as_mut().poll(&mut context)
    };
    match catch_unwind(AssertUnwindSafe(poll)) {
        Ok(Poll::Ready(answer)) => Some(answer),
        Ok(Poll::Pending) => None,
        Err(_) => Some(Err(SourceError {
            kind: SourceErrorKind::Broken,
            words: BROKEN.to_owned(),
        })),
    }
}

fn key_of(source: &dyn Source, question: &Question) -> Key {
    let (line, extension) = (question.line.clone(), question.extension.clone());
    Key::Number {
        number: number_of(&question.number),
        line: line.filter(|_| source.depends_on_line()),
        extension: extension.filter(|_| source.depends_on_extension()),
    }
}

/// Where somebody is who was chosen and perhaps does not have the number in his source.
fn standing(
    shared: &Arc<Shared>,
    sources: &[(u64, Arc<dyn Source>)],
    parts: &[Part],
    chosen: &Chosen,
    moment: Moment,
) -> Standing {
    let record = &chosen.entry.record;
    let Some(at) = parts.iter().position(|part| part.id == record.source) else {
        return Standing::Gone;
    };
    if !chosen.entry.attached {
        return parts[at].said.standing();
    }
    let (slot, source) = &sources[at];
    if source.by_record(record).is_none() {
        return Standing::Away;
    }
    let key = Key::Record {
        kind: record.kind.clone(),
        id: record.id.clone(),
    };
    let what = What::Record(record.clone());
    let view = behind(shared, *slot, source, key, what, moment);
    match (view, &chosen.known) {
        (
            View::Told(Told {
                what: Ok(people), ..
            }),
            _,
        ) => match people.first() {
            Some(person) => Standing::There(person.known.clone()),
            None => Standing::Gone,
        },
        // Somebody has just seen him: he is shown at once.
        (View::Asking, Some(known)) => Standing::There(known.clone()),
        (View::Asking, None) => Standing::Asking,
        (View::Told(Told { what: Err(_), .. }) | View::Overdue | View::Full, _) => Standing::Away,
    }
}

/// What is known of a question, which is asked if it must be.
fn behind(
    shared: &Arc<Shared>,
    slot_id: u64,
    source: &Arc<dyn Source>,
    key: Key,
    what: What,
    at: Moment,
) -> View {
    let mut state = shared.state();
    let id = AskId(state.next_id());
    let Some(slot) = state.slot(slot_id) else {
        // Replaced in this moment; whoever asks again asks the new one.
        return View::Asking;
    };
    let room = slot.room();
    let (view, must_ask) = slot.cache.ask(&key, at.since, at.now, room, id);
    if !must_ask {
        return view;
    }
    slot.begin(id);
    let turns = slot.lookups.clone();
    state.counts.asked += 1;
    drop(state);
    let asking = Asking {
        shared: Arc::downgrade(shared),
        slot: slot_id,
        id,
        key,
        what,
        is_told: false,
    };
    // Without the lock: a runtime that ends drops the task here and now, which tells its end.
    let running = asking.run(source.clone(), turns, source.deadline());
    let task = shared.runtime.spawn(running).abort_handle();
    if let Some(slot) = shared.state().slot(slot_id) {
        slot.begun(id, task);
    }
    view
}

/// A question under way. However it ends, its end is told.
struct Asking {
    shared: Weak<Shared>,
    slot: u64,
    id: AskId,
    key: Key,
    what: What,
    is_told: bool,
}

impl Asking {
    async fn run(mut self, source: Arc<dyn Source>, turns: Arc<Semaphore>, deadline: Duration) {
        let started = Instant::now();
        let end = started + deadline * LATE;
        let what = self.what.clone();
        let is_turn = AtomicBool::new(false);
        let mut answer = pin!(async {
            let _turn = turns.acquire().await;
            if Instant::now() >= end {
                // The turn comes when nobody waits any more: the source is not troubled for nothing.
                return Err(too_slow(false, deadline));
            }
            is_turn.store(true, Ordering::Relaxed);
            answer(source.as_ref(), &what).await
        });
        let mut answered = timeout_at(started + deadline, &mut answer).await;
        if answered.is_err() {
            self.overdue();
            answered = timeout_at(end, &mut answer).await;
        }
        let was_asked = is_turn.load(Ordering::Relaxed);
        let answered = answered.unwrap_or_else(|_| Err(too_slow(was_asked, deadline)));
        self.tell(source.as_ref(), answered);
    }

    fn overdue(&self) {
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        let mut state = shared.state();
        let Some(slot) = state.slot(self.slot) else {
            return;
        };
        if slot.cache.overdue(&self.key, self.id, Instant::now()) {
            self.changed(&shared, &mut state);
        }
    }

    fn tell(&mut self, source: &dyn Source, answered: Result<Vec<Person>, SourceError>) {
        let origin = Origin::of(source);
        let (told, outside) = match answered {
            Ok(people) => {
                let (people, outside) = self.admitted(&origin, people);
                (Ok(people), outside)
            }
            Err(error) => (Err(failure(&error)), 0),
        };
        self.told(told, outside);
    }

    fn admitted(&self, origin: &Origin<'_>, people: Vec<Person>) -> (Arc<[Verified]>, u64) {
        match &self.what {
            What::Number(question) => origin.verified(&question.number, people),
            What::Record(_) => {
                let sure = |person| Verified {
                    known: Arc::new(origin.known(person)),
                    likely: false,
                };
                (people.into_iter().take(1).map(sure).collect(), 0)
            }
        }
    }

    fn told(&mut self, told: Result<Arc<[Verified]>, Failure>, outside: u64) {
        self.is_told = true;
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        let mut state = shared.state();
        state.counts.outside += outside;
        state.counts.failed += u64::from(told.is_err());
        let Some(slot) = state.slot(self.slot) else {
            return;
        };
        slot.ended(self.id);
        let now = Instant::now();
        if slot.cache.answered(&self.key, self.id, told, now) {
            self.changed(&shared, &mut state);
        }
    }

    /// Who else asked for the record is not known, so all are told.
    fn changed(&self, shared: &Shared, state: &mut super::State) {
        match &self.what {
            What::Number(question) => shared.number_changed(state, &question.number),
            What::Record(_) => shared.all_changed(state),
        }
    }
}

impl Drop for Asking {
    /// The source has panicked: nobody shall wait for it.
    fn drop(&mut self) {
        if !self.is_told {
            let failure = Failure {
                words: BROKEN.to_owned(),
                retry_after: None,
            };
            self.told(Err(failure), 0);
        }
    }
}

async fn answer(source: &dyn Source, what: &What) -> Result<Vec<Person>, SourceError> {
    match what {
        What::Number(question) => source.look_up(question).await,
        What::Record(record) => match source.by_record(record) {
            Some(answer) => answer.await.map(|person| person.into_iter().collect()),
            None => Ok(Vec::new()),
        },
    }
}

fn failure(error: &SourceError) -> Failure {
    let retry_after = match error.kind {
        SourceErrorKind::Limited { retry_after } => retry_after,
        SourceErrorKind::Away
        | SourceErrorKind::TooSlow
        | SourceErrorKind::Login
        | SourceErrorKind::Broken => None,
    };
    Failure {
        words: admit::words(error),
        retry_after,
    }
}

fn too_slow(was_asked: bool, deadline: Duration) -> SourceError {
    let words = if was_asked {
        format!("has not answered within {}", seconds(deadline * LATE))
    } else {
        TOO_MANY.to_owned()
    };
    SourceError {
        kind: SourceErrorKind::TooSlow,
        words,
    }
}

fn overdue(deadline: Duration) -> String {
    format!(
        "has not answered within {} and is still waited for",
        seconds(deadline)
    )
}

fn seconds(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}
