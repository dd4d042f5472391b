//! Who has a number, of all sources together: what is known is told at once, the rest is asked for behind.
//!
//! A lookup never creates anything, waits for nobody, and is asked once per number however many phones ring.

mod admit;
mod asking;
mod cache;
mod calls;
mod changes;
mod choosing;
mod listening;
mod merge;
mod searching;
mod slot;

pub use changes::Changed;
pub use listening::{Listener, MemoryChanges};
pub use searching::Found;

use crate::{
    Person, Question, Source,
    bounded::Bounded,
    memory::{MAX_REMEMBERED, Memory, Remembering, number_of},
};
use admit::{Known, Origin};
use asking::{Gathered, Moment};
use cache::Lives;
use calls::{Call, Calls, Choice, Chosen};
use changes::Changes;
use phone_number::{DialPlan, PhoneNumber};
use searching::Searches;
use slot::Slot;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};
use tokio::{runtime::Handle, sync::watch, time::Instant};
use wire::{People, Record, Remember, Remembered, SourceReport, SourceState, UnixMillis};

/// People who were found by name and may be chosen for a call.
const MAX_KNOWN: usize = 10_000;
/// Without a call, an answer that is older is known from an earlier question.
const RECENT: Duration = Duration::from_secs(5);

/// All sources in one. Cheap to clone. Answers from memory at once and asks slow sources behind; never blocks.
#[derive(Clone)]
pub struct Directory {
    shared: Arc<Shared>,
}

/// How a directory works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How numbers are meant that people search for.
    pub plan: DialPlan,
    /// What was remembered before, as it is stored.
    pub memory: Vec<Remembering>,
    /// How long it counts that somebody was found; asked again behind when half of it has passed.
    pub hits: Duration,
    /// How long it counts that nobody was found.
    pub misses: Duration,
    /// How long a source that failed is left alone, where it does not say itself.
    pub failures: Duration,
    /// Questions that one source is asked at the same time; others wait for their turn.
    pub asked_at_once: usize,
    /// Numbers that are kept of each source; those that were not asked for longest go first.
    pub kept: usize,
}

impl Settings {
    /// As the product has it.
    #[must_use]
    pub fn new(plan: DialPlan) -> Self {
        Self {
            plan,
            memory: Vec::new(),
            hits: Duration::from_secs(600),
            misses: Duration::from_secs(60),
            failures: Duration::from_secs(5),
            asked_at_once: 16,
            kept: 10_000,
        }
    }
}

/// What is known now of a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// A person who is only *likely* meant is in `Several`, if need be alone.
    pub people: People,
    /// In the order of the sources.
    pub sources: Vec<SourceReport>,
    /// `people` is one who was chosen before.
    pub remembered: Option<Remembered>,
}

/// Somebody says who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub number: PhoneNumber,
    /// What the caller dialled (DID).
    pub line: Option<String>,
    /// The call that he speaks of: there it holds in any case.
    pub call: Option<String>,
    pub record: Record,
    /// `NumberOnLine` without a line holds for the call only.
    pub remember: Remember,
    /// Who says so, as colleagues know him.
    pub by: Option<String>,
    pub at: UnixMillis,
}

/// Somebody says that it is not the person who was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlink {
    pub number: PhoneNumber,
    pub line: Option<String>,
    /// The call that has nobody again.
    pub call: Option<String>,
    /// Who was shown; `None`: whoever is shown now.
    pub record: Option<Record>,
}

/// What was done since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Questions to slow sources, by number and by record.
    pub asked: u64,
    /// Questions that a source failed to answer.
    pub failed: u64,
    /// Rows that sources gave for a number and that do not have it.
    pub outside: u64,
    /// Searches begun.
    pub searches: u64,
}

struct Shared {
    plan: RwLock<DialPlan>,
    lives: Lives,
    asked_at_once: usize,
    kept: usize,
    runtime: Handle,
    /// Never held while anything is waited for or asked.
    state: Mutex<State>,
    /// Up to where [`Changes`] has come.
    changed: watch::Sender<u64>,
    memory_changed: watch::Sender<u64>,
}

struct State {
    slots: Vec<Slot>,
    next_id: u64,
    calls: Calls,
    memory: Memory,
    /// Found by name or linked.
    known: Bounded<Record, Arc<Known>>,
    changes: Changes,
    searches: Searches,
    counts: Counts,
}

impl Directory {
    /// Must be called in a tokio runtime; sources are asked there.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let state = State {
            slots: Vec::new(),
            next_id: 0,
            calls: Calls::new(),
            memory: Memory::new(settings.memory, MAX_REMEMBERED),
            known: Bounded::new(MAX_KNOWN),
            changes: Changes::default(),
            searches: Searches::default(),
            counts: Counts::default(),
        };
        let shared = Shared {
            plan: RwLock::new(settings.plan),
            lives: Lives {
                hits: settings.hits,
                misses: settings.misses,
                failures: settings.failures,
            },
            asked_at_once: settings.asked_at_once.max(1),
            kept: settings.kept.max(1),
            runtime: Handle::current(),
            state: Mutex::new(state),
            changed: watch::Sender::new(0),
            memory_changed: watch::Sender::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Replaces all sources; their order is their precedence. What is kept of a source that stays is kept.
    pub fn set_sources(&self, sources: Vec<Arc<dyn Source>>) {
        let mut state = self.shared.state();
        let mut old = std::mem::take(&mut state.slots);
        for source in sources {
            let same = old.iter().position(|slot| slot.holds(&source));
            let slot = match same {
                Some(at) => old.swap_remove(at),
                None => {
                    let id = state.next_id();
                    Slot::new(id, source, &self.shared)
                }
            };
            state.slots.push(slot);
        }
        let searches = std::mem::take(&mut state.searches);
        self.shared.all_changed(&mut state);
        drop(state);
        // What a source does at its end is not for the lock.
        drop((old, searches));
    }

    /// The site's numbers are meant otherwise from now on.
    pub fn set_plan(&self, plan: DialPlan) {
        let current = self.shared.plan.write();
        *current.unwrap_or_else(PoisonError::into_inner) = plan;
        self.shared.all_changed(&mut self.shared.state());
    }

    /// What is known now. A slow source that must be asked is asked behind, and [`listen`](Self::listen) tells when it
    /// has answered. `call` is the id of the call asked for: choices made for it count.
    #[must_use]
    pub fn who(&self, question: &Question, call: Option<&str>) -> Who {
        let now = Instant::now();
        let (since, choice) = match call {
            Some(call) => {
                let Call { since, choice } = self.shared.state().calls.call(call, now);
                (since, choice)
            }
            None => (now.checked_sub(RECENT).unwrap_or(now), Choice::Open),
        };
        self.who_since(question, choice, since, now)
    }

    /// Waits until every source has answered, failed or passed its deadline, at the latest until `until`.
    pub async fn who_until(&self, question: &Question, until: Instant) -> Who {
        let since = Instant::now();
        let mut changed = self.shared.changed.subscribe();
        loop {
            changed.mark_unchanged();
            let who = self.who_since(question, Choice::Open, since, Instant::now());
            let is_asking = |report: &SourceReport| report.state == SourceState::Asking;
            if who.people != People::Asking && !who.sources.iter().any(is_asking) {
                return who;
            }
            if tokio::time::timeout_at(until, changed.changed())
                .await
                .is_err()
            {
                return self.who_since(question, Choice::Open, since, Instant::now());
            }
        }
    }

    /// Which numbers have news from now on.
    #[must_use]
    pub fn listen(&self) -> Listener {
        let read = self.shared.state().changes.last();
        Listener::new(self.shared.clone(), read)
    }

    /// People by name, company, address or number, best first, at most `limit`: once all sources have answered, at the
    /// latest after `wait`. The same text again goes on with the same search; one that nobody waits for ends by itself.
    pub async fn find(&self, text: &str, limit: usize, wait: Duration) -> Found {
        searching::find(self, text, limit, Instant::now() + wait).await
    }

    /// Somebody says who it is. Returns the person where he is known already; else his source is asked for the record.
    pub fn link(&self, link: Link) -> Option<wire::Person> {
        let now = Instant::now();
        let (number, line, call) = (link.number.clone(), link.line.clone(), link.call.clone());
        let question = question(number.clone(), line.clone());
        let candidates = self
            .gather(&question, None, Moment::of_its_own(now))
            .candidates();
        let found = candidates.iter().find(|found| found.is(&link.record));
        let mut state = self.shared.state();
        let known = state.known.get(&link.record).cloned();
        let shown = found.map(|found| found.person.clone());
        let shown = shown.or_else(|| known.as_ref().map(|known| known.person.clone()));
        let remember = link.remember;
        let entry = state.entry(link, shown.as_ref(), found.is_none());
        let remembered = state.remember(&entry, remember, line);
        if let Some(call) = call {
            let chosen = Chosen {
                entry: remembered.clone().unwrap_or(entry),
                remembered: remembered.as_ref().map(Remembering::remembered),
                known: known.filter(|_| found.is_none()),
            };
            let choice = Choice::Chosen(Box::new(chosen));
            state.calls.choose(call, choice, now);
        }
        self.shared.memory_changed(&state);
        self.shared.number_changed(&mut state, &number);
        shown
    }

    /// Wrong person: the call has nobody again, and what was remembered of him for this number is forgotten and
    /// returned, so that it can be told or undone.
    pub fn unlink(&self, unlink: Unlink) -> Vec<Remembering> {
        let now = Instant::now();
        let question = question(unlink.number, unlink.line);
        let call = unlink.call;
        let wrong = self.meant(unlink.record, &question, call.as_deref(), now);
        let mut state = self.shared.state();
        let number = number_of(&question.number);
        let line = question.line.as_deref();
        let forgotten = state.memory.forget(&number, line, &wrong);
        if let Some(call) = call {
            state.calls.choose(call, Choice::Undone { wrong }, now);
        }
        self.shared.memory_changed(&state);
        self.shared.number_changed(&mut state, &question.number);
        forgotten
    }

    /// Forgets what sources said of this number, as after a person was made: it is asked for anew.
    pub fn forget_number(&self, number: &PhoneNumber) {
        let mut state = self.shared.state();
        for slot in &mut state.slots {
            slot.forget(number);
        }
        self.shared.number_changed(&mut state, number);
    }

    /// Takes somebody whom a source has just told outside of any question, as after making him, so that he can be
    /// linked. `None`: there is no such source.
    pub fn learn(&self, source: &str, person: Person) -> Option<wire::Person> {
        let sources = self.sources();
        let (_, source) = sources.iter().find(|(_, known)| known.id() == source)?;
        let known = Arc::new(Origin::of(source.as_ref()).known(person));
        let person = known.person.clone();
        if !person.record.id.is_empty() {
            let mut state = self.shared.state();
            state.known.insert(person.record.clone(), known);
        }
        Some(person)
    }

    /// What is to be stored of the match memory. Whoever stores it asks here, one at a time.
    #[must_use]
    pub fn memory_changes(&self) -> MemoryChanges {
        MemoryChanges::new(self.shared.clone())
    }

    /// All that is remembered, the oldest first.
    #[must_use]
    pub fn remembered(&self) -> Vec<Remembering> {
        self.shared.state().memory.all()
    }

    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.state().counts
    }

    fn sources(&self) -> Vec<(u64, Arc<dyn Source>)> {
        let state = self.shared.state();
        let slots = state.slots.iter();
        slots.map(|slot| (slot.id, slot.source.clone())).collect()
    }

    fn who_since(&self, question: &Question, choice: Choice, since: Instant, now: Instant) -> Who {
        let (chosen, wrong) = match choice {
            Choice::Open => (self.remembered_for(question), Vec::new()),
            Choice::Chosen(chosen) => (Some(*chosen), Vec::new()),
            Choice::Undone { wrong } => (None, wrong),
        };
        let gathered = self.gather(question, chosen.clone(), Moment { since, now });
        let who = gathered.who(&wrong, since);
        if let (Some(chosen), Some(_), Some(person)) = (chosen, &who.remembered, who.people.one()) {
            self.keep_words(chosen.entry, person);
        }
        who
    }

    /// What is shown of somebody remembered while his source is away is what it said of him last.
    fn keep_words(&self, entry: Remembering, person: &wire::Person) {
        let is_same = entry.name == person.name
            && entry.company == person.company
            && entry.url == person.url
            && entry.source == person.source;
        if is_same {
            return;
        }
        let mut state = self.shared.state();
        state.memory.reword(Remembering {
            name: person.name.clone(),
            company: person.company.clone(),
            url: person.url.clone(),
            source: person.source.clone(),
            ..entry
        });
        self.shared.memory_changed(&state);
    }

    fn remembered_for(&self, question: &Question) -> Option<Chosen> {
        let state = self.shared.state();
        let number = number_of(&question.number);
        let entry = state.memory.find(&number, question.line.as_deref())?;
        Some(Chosen {
            entry: entry.clone(),
            known: None,
            remembered: Some(entry.remembered()),
        })
    }

    /// Asks all sources for the number, and that of the chosen one for him where only it can tell.
    fn gather(&self, question: &Question, chosen: Option<Chosen>, at: Moment) -> Gathered {
        let mut sources = self.sources();
        if self.is_inside(&question.number) {
            sources.retain(|(_, source)| source.is_local());
        }
        asking::gather(&self.shared, &sources, question, chosen, at)
    }

    /// An extension of the firm's own, which is no business of a CRM's.
    fn is_inside(&self, number: &PhoneNumber) -> bool {
        let inside = self.shared.plan().internal_length;
        number.e164().is_none() && inside.contains(number.digits())
    }

    /// The records, in all sources, of the person who is wrong: this one, or whoever is shown.
    fn meant(
        &self,
        record: Option<Record>,
        question: &Question,
        call: Option<&str>,
        now: Instant,
    ) -> Vec<Record> {
        let shown = || {
            let who = self.who(question, call);
            who.people.one().map(|person| person.record.clone())
        };
        let Some(record) = record.or_else(shown) else {
            return Vec::new();
        };
        let candidates = self
            .gather(question, None, Moment::of_its_own(now))
            .candidates();
        match candidates.into_iter().find(|found| found.is(&record)) {
            Some(found) => found.records,
            None => vec![record],
        }
    }
}

fn question(number: PhoneNumber, line: Option<String>) -> Question {
    Question {
        number,
        line,
        extension: None,
    }
}

impl Shared {
    fn plan(&self) -> RwLockReadGuard<'_, DialPlan> {
        self.plan.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn number_changed(&self, state: &mut State, number: &PhoneNumber) {
        let last = state.changes.push(number.normal_form().to_owned());
        self.changed.send_replace(last);
    }

    fn all_changed(&self, state: &mut State) {
        let last = state.changes.push_all();
        self.changed.send_replace(last);
    }

    fn memory_changed(&self, state: &State) {
        if state.memory.has_changes() {
            self.memory_changed.send_modify(|count| *count += 1);
        }
    }
}

impl State {
    fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn slot(&mut self, id: u64) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.id == id)
    }

    fn entry(&self, link: Link, shown: Option<&wire::Person>, attached: bool) -> Remembering {
        let title = || {
            let mut slots = self.slots.iter();
            let slot = slots.find(|slot| slot.source.id() == link.record.source);
            slot.map(|slot| slot.source.title().to_owned())
        };
        let source = shown.map(|shown| shown.source.clone()).or_else(title);
        Remembering {
            number: number_of(&link.number),
            line: None,
            name: shown.map(|shown| shown.name.clone()).unwrap_or_default(),
            company: shown.and_then(|shown| shown.company.clone()),
            url: shown.and_then(|shown| shown.url.clone()),
            source: source.unwrap_or_default(),
            record: link.record,
            attached,
            by: link.by,
            at: link.at,
        }
    }

    /// The choice as it is remembered; `None`: it is for the call only.
    fn remember(
        &mut self,
        entry: &Remembering,
        remember: Remember,
        line: Option<String>,
    ) -> Option<Remembering> {
        let line = match (remember, line) {
            (Remember::No, _) | (Remember::NumberOnLine, None) => return None,
            (Remember::NumberOnLine, Some(line)) => Some(line),
            (Remember::Number, line) => {
                // What is remembered for the line would win over what is being said now.
                if let Some(line) = line {
                    self.memory.forget_line(&entry.number, &line);
                }
                None
            }
        };
        let entry = Remembering {
            line,
            ..entry.clone()
        };
        self.memory.remember(entry.clone());
        Some(entry)
    }
}
