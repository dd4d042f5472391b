//! People by name: one search for a text however many wait for it, and none for which nobody waits.

use super::{
    Directory, Shared,
    admit::{self, Known, MAX_PEOPLE, Origin, Verified},
    asking::{BROKEN, LATE, TOO_MANY},
    calls::Chosen,
    choosing::{self, Standing},
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

/// What one source says.
#[derive(Clone)]
struct Part {
    id: String,
    title: String,
    by_name: Option<(Said, Duration)>,
    by_number: ByNumber,
}

/// What a source says of the text as a number.
#[derive(Clone)]
enum ByNumber {
    /// It is none, or not one for this source.
    NotAsked,
    Asked(Option<(Said, Duration)>),
}

/// The people, or why there are none.
type Said = Result<Vec<Verified>, String>;

/// By what a source is asked.
#[derive(Clone)]
enum By {
    Name(String),
    Number(Arc<Question>),
}

/// A source that is searched.
struct Searched {
    source: Arc<dyn Source>,
    turns: Arc<Semaphore>,
    /// Asked for as well.
    number: Option<Arc<Question>>,
}

/// One more waits for a search, until this is dropped.
struct Waiting {
    count: watch::Sender<usize>,
    ended: watch::Receiver<usize>,
    /// Questions of the search.
    questions: usize,
}

pub(super) async fn find(directory: &Directory, text: &str, limit: usize, until: Instant) -> Found {
    let text = clean::line(text, clean::MAX_NAME);
    let mut folded = String::new();
    clean::fold_into(&mut folded, &text);
    if folded.is_empty() {
        return Found::default();
    }
    let question = number_in(directory, &text).map(Arc::new);
    let parts = match searched(directory, &text, &folded, question.as_ref(), until).await {
        Ok(parts) => parts,
        Err(state) => return directory.all_say(&state),
    };
    let known = parts.iter().flat_map(Part::people).cloned().collect();
    directory.remember(&parts);
    let mut found = Found {
        people: ranked(known, &folded),
        sources: parts.iter().map(Part::report).collect(),
    };
    if let Some(question) = question {
        found.put_in_front(directory.at_number(&question, &parts));
    }
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

/// What all sources have told, or some of them when the time is over; else what is to be said of all of them.
async fn searched(
    directory: &Directory,
    text: &str,
    folded: &str,
    number: Option<&Arc<Question>>,
    until: Instant,
) -> Result<Vec<Part>, SourceState> {
    let Some(mut waiting) = directory.waiting(text, folded, number) else {
        let words = TOO_MANY.to_owned();
        return Err(SourceState::Failed { words });
    };
    let questions = waiting.questions;
    let all = waiting.ended.wait_for(|ended| *ended >= questions);
    timeout_at(until, all).await.ok();
    let state = directory.shared.state();
    let search = state.searches.by_text.get(folded);
    // It went away with the sources, which were replaced: whoever asks again searches in the new ones.
    search
        .map(|search| search.parts.clone())
        .ok_or(SourceState::Asking)
}

impl Directory {
    /// Joins the search for a text, which begins if it does not run. `None`: there are too many.
    fn waiting(&self, text: &str, folded: &str, number: Option<&Arc<Question>>) -> Option<Waiting> {
        let now = Instant::now();
        // Somebody who types has many numbers on the way to his own: a CRM is troubled with whole ones alone.
        let is_whole =
            number.is_some_and(|asked| asked.number.is_valid() && !self.is_inside(&asked.number));
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
            .map(|slot| Searched {
                source: slot.source.clone(),
                turns: slot.finds.clone(),
                number: number
                    .filter(|_| is_whole || slot.source.is_local())
                    .cloned(),
            })
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

    fn all_say(&self, state: &SourceState) -> Found {
        let report = |source: &Arc<dyn Source>| SourceReport {
            source: Origin::of(source.as_ref()).title(),
            state: state.clone(),
            took_ms: None,
            cached: false,
        };
        let sources = self.sources();
        Found {
            people: Vec::new(),
            sources: sources.iter().map(|(_, source)| report(source)).collect(),
        }
    }

    /// Who has the number, so far; whoever was chosen for it before alone.
    fn at_number(&self, question: &Question, parts: &[Part]) -> Vec<Person> {
        let chosen = self.remembered_for(question).map(|chosen| {
            let standing = standing(&chosen, parts);
            (chosen, standing)
        });
        let found = parts.iter().flat_map(|part| part.by_number.people());
        let candidates = merge::at_a_number(found.cloned());
        match choosing::decide(candidates, chosen, &[], false).people {
            People::Asking | People::Nobody => Vec::new(),
            People::One { person } => vec![person],
            People::Several { people } => people,
        }
    }

    /// Whoever was found can be chosen.
    fn remember(&self, parts: &[Part]) {
        let by_number = parts.iter().flat_map(|part| part.by_number.people());
        let by_number = by_number.map(|verified| &verified.known);
        let mut state = self.shared.state();
        for known in parts.iter().flat_map(Part::people).chain(by_number) {
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
}

impl Search {
    fn new(id: u64, sources: &[Searched]) -> Self {
        let part = |searched: &Searched| Part {
            id: searched.source.id().to_owned(),
            title: Origin::of(searched.source.as_ref()).title(),
            by_name: None,
            by_number: match searched.number {
                Some(_) => ByNumber::Asked(None),
                None => ByNumber::NotAsked,
            },
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
            questions: self.parts.iter().map(Part::questions).sum(),
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
    fn questions(&self) -> usize {
        match self.by_number {
            ByNumber::NotAsked => 1,
            ByNumber::Asked(_) => 2,
        }
    }

    fn tell(&mut self, by: &By, said: Said, took: Duration) {
        match by {
            By::Name(_) => self.by_name = Some((said, took)),
            By::Number(_) => self.by_number = ByNumber::Asked(Some((said, took))),
        }
    }

    /// By name.
    fn people(&self) -> impl Iterator<Item = &Arc<Known>> {
        people_of(self.by_name.as_ref())
            .iter()
            .map(|verified| &verified.known)
    }

    fn report(&self) -> SourceReport {
        let own = state_of(self.by_name.as_ref());
        let took = self.by_name.as_ref().map(|(_, took)| *took);
        let (state, took) = match &self.by_number {
            ByNumber::NotAsked => (own, took),
            ByNumber::Asked(said) => {
                let other = state_of(said.as_ref());
                let is_news = own == SourceState::Nobody || other == SourceState::Asking;
                let slower = took.max(said.as_ref().map(|(_, took)| *took));
                (if is_news { other } else { own }, slower)
            }
        };
        SourceReport {
            source: self.title.clone(),
            took_ms: took
                .filter(|_| state != SourceState::Asking)
                .map(|took| u32::try_from(took.as_millis()).unwrap_or(u32::MAX)),
            state,
            cached: false,
        }
    }
}

impl ByNumber {
    fn people(&self) -> &[Verified] {
        match self {
            Self::NotAsked => &[],
            Self::Asked(said) => people_of(said.as_ref()),
        }
    }
}

fn people_of(said: Option<&(Said, Duration)>) -> &[Verified] {
    match said {
        Some((Ok(people), _)) => people,
        Some((Err(_), _)) | None => &[],
    }
}

fn state_of(said: Option<&(Said, Duration)>) -> SourceState {
    match said {
        None => SourceState::Asking,
        Some((Ok(people), _)) if people.is_empty() => SourceState::Nobody,
        Some((Ok(people), _)) => SourceState::Found {
            people: people.len() as u32,
        },
        Some((Err(words), _)) => SourceState::Failed {
            words: words.clone(),
        },
    }
}

/// Of somebody who was chosen for the number and is not among its people. Nobody is asked for him while somebody types:
/// he is shown as he was known last.
fn standing(chosen: &Chosen, parts: &[Part]) -> Standing {
    let entry = &chosen.entry;
    let part = parts.iter().find(|part| part.id == entry.record.source);
    match part.map(|part| &part.by_number) {
        None | Some(ByNumber::NotAsked) => Standing::Gone,
        Some(ByNumber::Asked(Some((Ok(_), _)))) if !entry.attached => Standing::Gone,
        Some(ByNumber::Asked(_)) => Standing::Away,
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
    async fn run(mut self, sources: Vec<Searched>) {
        let mut tasks = JoinSet::new();
        let mut places = HashMap::new();
        let started = Instant::now();
        for (place, searched) in sources.into_iter().enumerate() {
            let by_name = Some(By::Name(self.text.clone()));
            let by_number = searched.number.map(By::Number);
            for by in by_name.into_iter().chain(by_number) {
                let (source, turns) = (searched.source.clone(), searched.turns.clone());
                let task = tasks.spawn(search(source, turns, by.clone()));
                places.insert(task.id(), (place, by));
            }
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
            if let Some((place, by)) = places.get(&task) {
                self.tell(*place, by, said, started.elapsed());
            }
        }
    }

    fn tell(&self, place: usize, by: &By, said: Said, took: Duration) {
        self.with(|search| {
            if let Some(part) = search.parts.get_mut(place) {
                part.tell(by, said, took);
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

async fn search(source: Arc<dyn Source>, turns: Arc<Semaphore>, by: By) -> Said {
    let patience = source.deadline() * LATE;
    let asked = async {
        let _turn = turns.acquire().await;
        match &by {
            By::Name(text) => source.find(text, MAX_PEOPLE).await,
            By::Number(question) => source.look_up(question).await,
        }
    };
    let answered = timeout(patience, asked).await.unwrap_or_else(|_| {
        Err(SourceError {
            kind: SourceErrorKind::TooSlow,
            words: String::new(),
        })
    });
    let people = answered.map_err(|error| admit::words(&error))?;
    let origin = Origin::of(source.as_ref());
    if let By::Number(question) = &by {
        return Ok(origin.verified(&question.number, people).0.to_vec());
    }
    let sure = |person| Verified {
        known: Arc::new(origin.known(person)),
        likely: false,
    };
    Ok(people.into_iter().take(MAX_PEOPLE).map(sure).collect())
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

impl Found {
    /// Those who have the very number come before those whose name has it in it.
    fn put_in_front(&mut self, by_number: Vec<Person>) {
        let is_new = |person: &Person| {
            let is_same =
                |other: &Person| other.record == person.record && other.name == person.name;
            !by_number.iter().any(is_same)
        };
        self.people.retain(is_new);
        self.people.splice(0..0, by_number);
    }
}
