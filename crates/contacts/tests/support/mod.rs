//! A source that does what a test says, and short words for what a directory tells.

#![allow(dead_code, reason = "each test uses some of it")]

use contacts::{
    Answering, Directory, Link, Person, Question, Source, SourceError, SourceErrorKind, Who,
    directory::Settings,
};
use phone_number::{DialPlan, PhoneNumber, Region};
use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{sync::watch, time::sleep};
use wire::{People, Record, Remember, SourceState};

pub(crate) fn plan() -> DialPlan {
    DialPlan::new(Region::RU)
}

/// Each text is read once: the numbering plans take their time in a program that is not optimised.
pub(crate) fn number(text: &str) -> PhoneNumber {
    static READ: LazyLock<Mutex<HashMap<String, PhoneNumber>>> = LazyLock::new(Mutex::default);
    let mut read = READ.lock().unwrap();
    let number = read.entry(text.to_owned());
    number
        .or_insert_with(|| plan().number(text).unwrap())
        .clone()
}

pub(crate) fn asked(text: &str) -> Question {
    Question {
        number: number(text),
        line: None,
        extension: None,
    }
}

pub(crate) fn person(name: &str, numbers: &[&str]) -> Person {
    Person {
        name: name.into(),
        numbers: numbers.iter().map(|text| number(text)).collect(),
        record: Record {
            source: "lies".into(),
            kind: "person".into(),
            id: name.to_lowercase(),
        },
        ..Person::default()
    }
}

pub(crate) fn ada() -> Person {
    person("Ada", &["+79062195047"])
}

pub(crate) fn link(source: &str, id: &str) -> Link {
    Link {
        number: number("+79062195047"),
        line: None,
        call: None,
        record: Record {
            source: source.into(),
            kind: "person".into(),
            id: id.into(),
        },
        remember: Remember::Number,
        by: Some("Bob".into()),
        at: 7,
    }
}

pub(crate) fn directory(sources: &[&Arc<Fake>]) -> Directory {
    let directory = Directory::new(Settings::new(plan()));
    set(&directory, sources);
    directory
}

pub(crate) fn set(directory: &Directory, sources: &[&Arc<Fake>]) {
    let sources = sources
        .iter()
        .map(|source| (*source).clone() as Arc<dyn Source>);
    directory.set_sources(sources.collect());
}

/// `Ada; crm 1 in 5 ms, cached; book nobody`.
pub(crate) fn told(who: &Who) -> String {
    let mut told = people(&who.people);
    if who.remembered.is_some() {
        told += " (remembered)";
    }
    for report in &who.sources {
        let state = match &report.state {
            SourceState::Asking => "asking".to_owned(),
            SourceState::Found { people } => people.to_string(),
            SourceState::Nobody => "nobody".to_owned(),
            SourceState::Failed { words } => format!("failed: {words}"),
        };
        told += &format!("; {} {state}", report.source);
        if let Some(took) = report.took_ms {
            told += &format!(" in {took} ms");
        }
        if report.cached {
            told += ", cached";
        }
    }
    told
}

pub(crate) fn people(people: &People) -> String {
    let name = |person: &wire::Person| {
        let likely = if person.likely { "?" } else { "" };
        format!("{}{likely}", person.name)
    };
    match people {
        People::Asking => "asking".into(),
        People::Nobody => "nobody".into(),
        People::One { person } => name(person),
        People::Several { people } => {
            let names: Vec<String> = people.iter().map(name).collect();
            format!("[{}]", names.join(", "))
        }
    }
}

/// A source that does as it is told. It hands out everybody, whatever is asked for, as a source that matches anything.
pub(crate) struct Fake {
    id: String,
    state: Mutex<State>,
    lookups: AtomicUsize,
    records: AtomicUsize,
    searches: AtomicUsize,
    /// Questions that were dropped before they were answered.
    dropped: AtomicUsize,
    running: AtomicUsize,
    most_at_once: AtomicUsize,
    news: watch::Sender<u64>,
    schemes: OnceLock<Vec<String>>,
}

#[derive(Clone, Default)]
struct State {
    people: Vec<Person>,
    error: Option<SourceError>,
    slow: Duration,
    deadline: Option<Duration>,
    local: bool,
    records: bool,
    panics: bool,
    by_line: bool,
    by_extension: bool,
}

impl Fake {
    #[allow(clippy::new_ret_no_self, reason = "always shared")]
    pub(crate) fn new(id: &str) -> Arc<Self> {
        Arc::new(Self {
            id: id.into(),
            state: Mutex::default(),
            lookups: AtomicUsize::new(0),
            records: AtomicUsize::new(0),
            searches: AtomicUsize::new(0),
            dropped: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
            news: watch::Sender::new(0),
            schemes: OnceLock::new(),
        })
    }

    fn with(self: Arc<Self>, change: impl FnOnce(&mut State)) -> Arc<Self> {
        change(&mut self.state.lock().unwrap());
        self
    }

    pub(crate) fn knows(self: Arc<Self>, person: Person) -> Arc<Self> {
        self.with(|state| state.people.push(person))
    }

    /// How long people wait for it.
    pub(crate) fn deadline(self: Arc<Self>, time: Duration) -> Arc<Self> {
        self.with(|state| state.deadline = Some(time))
    }

    pub(crate) fn slow(self: Arc<Self>, time: Duration) -> Arc<Self> {
        self.with(|state| state.slow = time)
    }

    pub(crate) fn fails(self: Arc<Self>, kind: SourceErrorKind, words: &str) -> Arc<Self> {
        let words = words.to_owned();
        self.with(|state| state.error = Some(SourceError { kind, words }))
    }

    pub(crate) fn works(self: Arc<Self>) -> Arc<Self> {
        self.with(|state| {
            state.error = None;
            state.panics = false;
        })
    }

    pub(crate) fn panics(self: Arc<Self>) -> Arc<Self> {
        self.with(|state| state.panics = true)
    }

    pub(crate) fn local(self: Arc<Self>) -> Arc<Self> {
        self.with(|state| state.local = true)
    }

    /// Can be asked for a record.
    pub(crate) fn by_record(self: Arc<Self>) -> Arc<Self> {
        self.with(|state| state.records = true)
    }

    pub(crate) fn by_line(self: Arc<Self>) -> Arc<Self> {
        self.with(|state| state.by_line = true)
    }

    pub(crate) fn by_extension(self: Arc<Self>) -> Arc<Self> {
        self.with(|state| state.by_extension = true)
    }

    pub(crate) fn schemes_are(self: Arc<Self>, schemes: &[&str]) -> Arc<Self> {
        let schemes: Vec<String> = schemes.iter().map(|scheme| (*scheme).to_owned()).collect();
        self.schemes.set(schemes).unwrap();
        self
    }

    pub(crate) fn forgets(self: Arc<Self>, name: &str) -> Arc<Self> {
        self.with(|state| state.people.retain(|person| person.name != name))
    }

    pub(crate) fn tells_news(&self) {
        self.news.send_modify(|count| *count += 1);
    }

    pub(crate) fn asked(&self) -> usize {
        self.lookups.load(SeqCst)
    }

    pub(crate) fn asked_records(&self) -> usize {
        self.records.load(SeqCst)
    }

    pub(crate) fn searched(&self) -> usize {
        self.searches.load(SeqCst)
    }

    pub(crate) fn dropped(&self) -> usize {
        self.dropped.load(SeqCst)
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.most_at_once.load(SeqCst)
    }

    fn get(&self) -> State {
        self.state.lock().unwrap().clone()
    }

    async fn answer(&self) -> Result<Vec<Person>, SourceError> {
        let running = Running::new(self);
        let state = self.get();
        if state.slow > Duration::ZERO {
            sleep(state.slow).await;
        }
        running.end();
        let state = self.get();
        assert!(!state.panics, "a source that breaks");
        match state.error {
            Some(error) => Err(error),
            None => Ok(state.people),
        }
    }
}

struct Running<'a>(&'a Fake);

impl<'a> Running<'a> {
    fn new(fake: &'a Fake) -> Self {
        let running = fake.running.fetch_add(1, SeqCst) + 1;
        fake.most_at_once.fetch_max(running, SeqCst);
        Self(fake)
    }

    fn end(self) {
        self.0.running.fetch_sub(1, SeqCst);
        std::mem::forget(self);
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
        self.0.dropped.fetch_add(1, SeqCst);
    }
}

impl Source for Fake {
    fn id(&self) -> &str {
        &self.id
    }

    fn title(&self) -> &str {
        &self.id
    }

    fn look_up<'a>(&'a self, _: &'a Question) -> Answering<'a, Vec<Person>> {
        self.lookups.fetch_add(1, SeqCst);
        Box::pin(self.answer())
    }

    fn find<'a>(&'a self, text: &'a str, limit: usize) -> Answering<'a, Vec<Person>> {
        self.searches.fetch_add(1, SeqCst);
        Box::pin(async move {
            let people = self.answer().await?;
            let text = text.to_lowercase();
            let fits = |person: &Person| person.name.to_lowercase().contains(&text);
            Ok(people.into_iter().filter(fits).take(limit).collect())
        })
    }

    fn by_record<'a>(&'a self, record: &'a Record) -> Option<Answering<'a, Option<Person>>> {
        if !self.get().records {
            return None;
        }
        Some(Box::pin(async move {
            self.records.fetch_add(1, SeqCst);
            let people = self.answer().await?;
            Ok(people
                .into_iter()
                .find(|person| person.record.id == record.id))
        }))
    }

    fn news(&self) -> Option<watch::Receiver<u64>> {
        Some(self.news.subscribe())
    }

    fn schemes(&self) -> &[String] {
        self.schemes.get().map_or(&[], Vec::as_slice)
    }

    fn depends_on_line(&self) -> bool {
        self.get().by_line
    }

    fn depends_on_extension(&self) -> bool {
        self.get().by_extension
    }

    fn deadline(&self) -> Duration {
        self.get().deadline.unwrap_or(Duration::from_secs(3))
    }

    fn is_local(&self) -> bool {
        self.get().local
    }
}
