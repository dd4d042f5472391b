//! People by name: one search for a text however many wait for it, and none for which nobody waits.

use super::{
    Directory, Shared,
    admit::{self, Known, MAX_PEOPLE, Origin},
    asking::{BROKEN, LATE, TOO_MANY},
    merge,
};
use crate::{Question, Source, SourceError, SourceErrorKind, clean};
use phone_number::PhoneNumber;
use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{
    sync::{Semaphore, watch},
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep, timeout, timeout_at},
};
use wire::{People, Person, SourceReport, SourceState};

/// Searches that run or whose result is kept.
const MAX_SEARCHES: usize = 256;
/// Whoever asks again within this time goes on with the same search.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a result counts.
const FRESH: Duration = Duration::from_secs(10);

/// Whom a search has found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Best first.
    pub people: Vec<Person>,
    /// Whether some still search.
    pub sources: Vec<SourceReport>,
}

#[derive(Default)]
pub(super) struct Searches {
    by_text: HashMap<String, Search>,
}

struct Search {
    id: u64,
    parts: Vec<Part>,
    waiting: watch::Sender<usize>,
    /// Counts the parts that have ended.
    ended: watch::Sender<usize>,
    ended_at: Option<Instant>,
    task: Option<AbortHandle>,
}

struct Part {
    title: String,
    said: Option<(Said, Duration)>,
}

/// The people, or why there are none.
type Said = Result<Vec<Arc<Known>>, String>;

/// One more waits for a search, until this is dropped.
struct Waiting {
    count: watch::Sender<usize>,
    ended: watch::Receiver<usize>,
    parts: usize,
}

pub(super) async fn find(directory: &Directory, text: &str, limit: usize, until: Instant) -> Found {
    let text = clean::line(text, clean::MAX_NAME);
    let mut folded = String::new();
    clean::fold_into(&mut folded, &text);
    if folded.is_empty() {
        return Found::default();
    }
    let by_number = async {
        match number_in(directory, &text) {
            Some(question) => directory.who_until(&question, until).await.into(),
            None => Found::default(),
        }
    };
    let by_name = by_name(directory, &text, &folded, until);
    let (by_number, (known, sources)) = tokio::join!(by_number, by_name);
    directory.remember(&known);
    let mut found = Found {
        people: ranked(known, &folded),
        sources,
    };
    found.put_in_front(by_number);
    found.people.truncate(limit);
    found
}

/// A text that is meant as a number: nothing but what stands in numbers, and enough of it.
fn number_in(directory: &Directory, text: &str) -> Option<Question> {
    let may = |c: char| c.is_ascii_digit() || "+-()./ ".contains(c);
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if digits < 2 || !text.chars().all(may) {
        return None;
    }
    let number: PhoneNumber = directory.shared.plan().number(text).ok()?;
    Some(Question {
        number,
        line: None,
        extension: None,
    })
}

/// What all sources have told, or some of them when the time is over.
async fn by_name(
    directory: &Directory,
    text: &str,
    folded: &str,
    until: Instant,
) -> (Vec<Arc<Known>>, Vec<SourceReport>) {
    let Some(mut waiting) = directory.waiting(text, folded) else {
        let words = TOO_MANY.to_owned();
        return (
            Vec::new(),
            directory.all_say(&SourceState::Failed { words }),
        );
    };
    let parts = waiting.parts;
    let all = waiting.ended.wait_for(|ended| *ended >= parts);
    timeout_at(until, all).await.ok();
    let found = directory.shared.state().searches.found(folded);
    // It went away with the sources, which were replaced: whoever asks again searches in the new ones.
    found.unwrap_or_else(|| (Vec::new(), directory.all_say(&SourceState::Asking)))
}

impl Directory {
    /// Joins the search for a text, which begins if it does not run. `None`: there are too many.
    fn waiting(&self, text: &str, folded: &str) -> Option<Waiting> {
        let now = Instant::now();
        let mut state = self.shared.state();
        if let Some(search) = state.searches.running(folded, now) {
            return Some(search.wait());
        }
        state.searches.make_room(now);
        if state.searches.by_text.len() >= MAX_SEARCHES {
            return None;
        }
        let id = state.next_id();
        state.counts.searches += 1;
        let sources: Vec<_> = state
            .slots
            .iter()
            .map(|slot| (slot.source.clone(), slot.finds.clone()))
            .collect();
        let mut search = Search::new(id, &sources);
        let waiting = search.wait();
        let driving = Driving {
            shared: Arc::downgrade(&self.shared),
            id,
            text: text.to_owned(),
            folded: folded.to_owned(),
            waiting: search.waiting.subscribe(),
        };
        let task = self.shared.runtime.spawn(driving.run(sources));
        search.task = Some(task.abort_handle());
        state.searches.by_text.insert(folded.to_owned(), search);
        Some(waiting)
    }

    fn all_say(&self, state: &SourceState) -> Vec<SourceReport> {
        let report = |source: &Arc<dyn Source>| SourceReport {
            source: Origin::of(source.as_ref()).title(),
            state: state.clone(),
            took_ms: None,
            cached: false,
        };
        let sources = self.sources();
        sources.iter().map(|(_, source)| report(source)).collect()
    }

    /// Whoever was found can be chosen.
    fn remember(&self, people: &[Arc<Known>]) {
        let mut state = self.shared.state();
        for known in people {
            let record = &known.person.record;
            if !record.id.is_empty() {
                state.known.insert(record.clone(), known.clone());
            }
        }
    }
}

impl Searches {
    fn running(&mut self, folded: &str, now: Instant) -> Option<&Search> {
        let search = self.by_text.get(folded)?;
        search.is_fresh(now).then_some(search)
    }

    /// What is old goes; then, if need be, what ended longest ago.
    fn make_room(&mut self, now: Instant) {
        self.by_text.retain(|_, search| search.is_fresh(now));
        if self.by_text.len() < MAX_SEARCHES {
            return;
        }
        let ended = self.by_text.iter().filter(|(_, search)| search.is_idle());
        let oldest = ended.min_by_key(|(_, search)| search.ended_at);
        if let Some(text) = oldest.map(|(text, _)| text.clone()) {
            self.by_text.remove(&text);
        }
    }

    fn found(&self, folded: &str) -> Option<(Vec<Arc<Known>>, Vec<SourceReport>)> {
        let search = self.by_text.get(folded)?;
        let people = search.parts.iter().flat_map(Part::people).cloned();
        let reports = search.parts.iter().map(Part::report);
        Some((people.collect(), reports.collect()))
    }
}

impl Search {
    fn new(id: u64, sources: &[(Arc<dyn Source>, Arc<Semaphore>)]) -> Self {
        let part = |(source, _): &(Arc<dyn Source>, _)| Part {
            title: Origin::of(source.as_ref()).title(),
            said: None,
        };
        Self {
            id,
            parts: sources.iter().map(part).collect(),
            waiting: watch::Sender::new(0),
            ended: watch::Sender::new(0),
            ended_at: None,
            task: None,
        }
    }

    fn wait(&self) -> Waiting {
        self.waiting.send_modify(|waiting| *waiting += 1);
        Waiting {
            count: self.waiting.clone(),
            ended: self.ended.subscribe(),
            parts: self.parts.len(),
        }
    }

    fn is_fresh(&self, now: Instant) -> bool {
        self.ended_at.is_none_or(|at| now < at + FRESH)
    }

    fn is_idle(&self) -> bool {
        self.ended_at.is_some() && *self.waiting.borrow() == 0
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.count.send_modify(|waiting| *waiting -= 1);
    }
}

impl Part {
    fn people(&self) -> &[Arc<Known>] {
        match &self.said {
            Some((Ok(people), _)) => people,
            Some((Err(_), _)) | None => &[],
        }
    }

    fn report(&self) -> SourceReport {
        let state = match &self.said {
            None => SourceState::Asking,
            Some((Ok(people), _)) if people.is_empty() => SourceState::Nobody,
            Some((Ok(people), _)) => SourceState::Found {
                people: people.len() as u32,
            },
            Some((Err(words), _)) => SourceState::Failed {
                words: words.clone(),
            },
        };
        let took = self.said.as_ref().map(|(_, took)| took.as_millis());
        SourceReport {
            source: self.title.clone(),
            state,
            took_ms: took.map(|took| u32::try_from(took).unwrap_or(u32::MAX)),
            cached: false,
        }
    }
}

/// The task of a search.
struct Driving {
    shared: Weak<Shared>,
    id: u64,
    text: String,
    folded: String,
    waiting: watch::Receiver<usize>,
}

impl Driving {
    async fn run(mut self, sources: Vec<(Arc<dyn Source>, Arc<Semaphore>)>) {
        let mut tasks = JoinSet::new();
        let mut places = HashMap::new();
        let started = Instant::now();
        for (place, (source, turns)) in sources.into_iter().enumerate() {
            let task = tasks.spawn(search(source, turns, self.text.clone()));
            places.insert(task.id(), place);
        }
        loop {
            let ended = tokio::select! {
                ended = tasks.join_next_with_id() => ended,
                () = abandoned(&mut self.waiting) => return self.end(true),
            };
            let (task, said) = match ended {
                None => return self.end(false),
                Some(Ok((task, said))) => (task, said),
                Some(Err(panic)) => (panic.id(), Err(BROKEN.to_owned())),
            };
            if let Some(place) = places.get(&task) {
                self.tell(*place, said, started.elapsed());
            }
        }
    }

    fn tell(&self, place: usize, said: Said, took: Duration) {
        self.with(|search| {
            if let Some(part) = search.parts.get_mut(place) {
                part.said = Some((said, took));
            }
            search.ended.send_modify(|ended| *ended += 1);
        });
    }

    fn end(&self, is_abandoned: bool) {
        if !is_abandoned {
            return self.with(|search| search.ended_at = Some(Instant::now()));
        }
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        let mut state = shared.state();
        // Somebody may have come in this moment.
        let is_meant = |search: &&Search| search.id == self.id && *search.waiting.borrow() == 0;
        if state
            .searches
            .by_text
            .get(&self.folded)
            .filter(is_meant)
            .is_some()
        {
            state.searches.by_text.remove(&self.folded);
        }
    }

    fn with(&self, change: impl FnOnce(&mut Search)) {
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        let mut state = shared.state();
        let search = state.searches.by_text.get_mut(&self.folded);
        if let Some(search) = search.filter(|search| search.id == self.id) {
            change(search);
        }
    }
}

async fn search(source: Arc<dyn Source>, turns: Arc<Semaphore>, text: String) -> Said {
    let patience = source.deadline() * LATE;
    let asked = async {
        let _turn = turns.acquire().await;
        source.find(&text, MAX_PEOPLE).await
    };
    let answered = timeout(patience, asked).await.unwrap_or_else(|_| {
        Err(SourceError {
            kind: SourceErrorKind::TooSlow,
            words: String::new(),
        })
    });
    let people = answered.map_err(|error| admit::words(&error))?;
    let origin = Origin::of(source.as_ref());
    let people = people.into_iter().take(MAX_PEOPLE);
    Ok(people
        .map(|person| Arc::new(origin.known(person)))
        .collect())
}

/// Ends when nobody has waited for a while.
async fn abandoned(waiting: &mut watch::Receiver<usize>) {
    loop {
        if waiting.wait_for(|waiting| *waiting == 0).await.is_err() {
            return;
        }
        tokio::select! {
            () = sleep(PATIENCE) => return,
            _ = waiting.changed() => {}
        }
    }
}

/// Names that start so first, then words that start so; within, as the sources have them.
fn ranked(people: Vec<Arc<Known>>, folded: &str) -> Vec<Person> {
    let first = folded.split_whitespace().next().unwrap_or_default();
    let rank = |name: &str| {
        let mut words = name.split(|c: char| !c.is_alphanumeric());
        if name.starts_with(folded) {
            0
        } else if words.any(|word| word.starts_with(first)) {
            1
        } else {
            2
        }
    };
    let mut ranked: Vec<(u8, Person)> = Vec::new();
    for candidate in merge::by_name(people) {
        let mut name = String::new();
        clean::fold_into(&mut name, &candidate.person.name);
        let numbers = candidate.numbers();
        let person = candidate.person;
        ranked.push((rank(&name), Person { numbers, ..person }));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, person)| person).collect()
}

impl From<super::Who> for Found {
    fn from(who: super::Who) -> Self {
        let people = match who.people {
            People::Asking | People::Nobody => Vec::new(),
            People::One { person } => vec![person],
            People::Several { people } => people,
        };
        Self {
            people,
            sources: who.sources,
        }
    }
}

impl Found {
    /// Those who have the very number come before those whose name has it in it.
    fn put_in_front(&mut self, by_number: Self) {
        let is_new = |person: &Person| {
            let is_same =
                |other: &Person| other.record == person.record && other.name == person.name;
            !by_number.people.iter().any(is_same)
        };
        let others: Vec<Person> = self
            .people
            .drain(..)
            .filter(|person| is_new(person))
            .collect();
        self.people = by_number.people;
        self.people.extend(others);
        for (own, other) in self.sources.iter_mut().zip(by_number.sources) {
            if matches!(own.state, SourceState::Nobody) || other.state == SourceState::Asking {
                *own = other;
            }
        }
    }
}
