//! People of address books on a CardDAV server, copied and kept as they are there.
//!
//! Servers match numbers as text, letter by letter, so nobody is looked for there: the books are read once, then what
//! changed, and people are found in memory. While the server is away they are known as they were.

mod copy;
mod discover;
mod error;
mod form;
mod http;
mod sync;

pub use form::{TITLE, fields};

use crate::{
    Answering, Book, Builder, Card, LoadReport, Match, Person, Question, Source, SourceError,
    SourceErrorKind, vcard,
};
use copy::Copy;
use http::Http;
use phone_number::DialPlan;
use secrecy::SecretString;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, watch},
    task::spawn_blocking,
    time::{Instant, sleep},
};
use tracing::{debug, info};
use wire::Record;

/// After a failure; doubled up to the usual interval.
const SOON: Duration = Duration::from_secs(15);

/// Where the address books are.
#[derive(Clone, Debug)]
pub struct CardDavConfig {
    /// Unique in the configuration.
    pub id: String,
    /// For people: `Nextcloud`.
    pub title: String,
    /// Of the server, of somebody's address books or of one of them: `https://cloud.firm.example/remote.php/dav/`.
    pub url: String,
    /// The login; empty: the server asks for none.
    pub user: String,
    pub password: SecretString,
    /// Lets the password leave this machine by plain `http`.
    pub allow_plain: bool,
    /// PEM file of the authority that signed the server's certificate; else the system's are believed.
    pub ca_file: Option<PathBuf>,
    /// How often the server is asked for changes.
    pub interval: Duration,
    /// For one request.
    pub deadline: Duration,
    /// Where the copy is kept, so that names are there at once after a restart. It holds people's data.
    pub cache: Option<PathBuf>,
    /// How numbers without a country are meant there.
    pub plan: DialPlan,
}

impl CardDavConfig {
    /// With what suits most servers in all that is not named here.
    #[must_use]
    pub fn new(id: &str, title: &str, url: &str, plan: DialPlan) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            url: url.to_owned(),
            user: String::new(),
            password: SecretString::from(""),
            allow_plain: false,
            ca_file: None,
            interval: Duration::from_secs(300),
            deadline: Duration::from_secs(60),
            cache: None,
            plan,
        }
    }
}

/// How far the copy is.
#[derive(Clone, Debug, Default)]
pub struct CardDavState {
    /// Stays the last good one while the server is away.
    pub book: Arc<Book>,
    pub report: LoadReport,
    /// What the server calls its address books.
    pub books: Vec<String>,
    /// Cards that the server did not give, or that are too large.
    pub left_out: usize,
    /// Why the copy may be old.
    pub trouble: Option<SourceError>,
    /// The books were read or tried, or a kept copy was.
    pub is_read: bool,
    /// Counts the readings, with or without success.
    pub readings: u64,
}

/// The address books of a login as a source of people.
#[derive(Debug)]
pub struct CardDavSource {
    id: String,
    title: String,
    state: watch::Receiver<Arc<CardDavState>>,
    news: watch::Receiver<u64>,
    wish: Arc<Notify>,
}

impl CardDavSource {
    /// Reads the books from now on, until it is dropped. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// Settings that cannot work, or would send a password in the clear.
    pub fn new(config: CardDavConfig) -> Result<Self, SourceError> {
        http::check(&config)?;
        let (told, state) = watch::channel(Arc::new(CardDavState::default()));
        let (count, news) = watch::channel(0);
        let wish = Arc::new(Notify::new());
        let source = Self {
            id: config.id.clone(),
            title: config.title.clone(),
            state,
            news,
            wish: wish.clone(),
        };
        let closed = told.clone();
        let reader = Reader {
            config,
            told,
            count,
            wish,
        };
        tokio::spawn(async move {
            tokio::select! {
                () = closed.closed() => {}
                () = reader.run() => {}
            }
        });
        Ok(source)
    }

    /// Asks for changes now instead of at the next time.
    pub fn refresh(&self) {
        self.wish.notify_one();
    }

    /// How far the copy is; changes with every reading.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<Arc<CardDavState>> {
        self.state.clone()
    }

    /// Whether the server is there, takes the login and has address books: their names. Reads no card.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub async fn test(config: &CardDavConfig) -> Result<Vec<String>, SourceError> {
        let http = Http::new(config).await?;
        let found = discover::books(&http).await?;
        Ok(found.into_iter().map(|book| book.title).collect())
    }

    /// Waits for the first reading only.
    async fn read(&self) -> Result<Arc<CardDavState>, SourceError> {
        let now = self.state.borrow().clone();
        if now.is_read {
            return Ok(now);
        }
        let mut state = self.state.clone();
        let read = state.wait_for(|state| state.is_read).await;
        read.map(|state| state.clone()).map_err(|_| SourceError {
            kind: SourceErrorKind::Away,
            words: "this program ends".to_owned(),
        })
    }

    async fn with_number(&self, question: &Question) -> Result<Vec<Person>, SourceError> {
        let state = self.read().await?;
        let people = match state.book.find(&question.number) {
            Match::Nobody => Vec::new(),
            Match::One(person) => vec![person],
            Match::Several(people) => people,
        };
        self.unless_old(&state, people)
    }

    async fn called(&self, text: &str, limit: usize) -> Result<Vec<Person>, SourceError> {
        let state = self.read().await?;
        let (book, text) = (state.book.clone(), text.to_owned());
        // Going through a large book takes too long for a thread that others wait for.
        let people = spawn_blocking(move || book.search(&text, limit)).await;
        self.unless_old(&state, people.unwrap_or_default())
    }

    async fn of_record(&self, id: &str) -> Result<Option<Person>, SourceError> {
        let state = self.read().await?;
        let (book, id) = (state.book.clone(), id.to_owned());
        let person = spawn_blocking(move || book.by_record(&id)).await;
        let found = person.ok().flatten().into_iter().collect();
        Ok(self.unless_old(&state, found)?.pop())
    }

    /// Nobody in an old copy is no answer: the card may be new.
    fn unless_old(
        &self,
        state: &CardDavState,
        mut people: Vec<Person>,
    ) -> Result<Vec<Person>, SourceError> {
        if let (true, Some(trouble)) = (people.is_empty(), &state.trouble) {
            return Err(trouble.clone());
        }
        for person in &mut people {
            person.record.source.clone_from(&self.id);
        }
        Ok(people)
    }
}

impl Source for CardDavSource {
    fn id(&self) -> &str {
        &self.id
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn look_up<'a>(&'a self, question: &'a Question) -> Answering<'a, Vec<Person>> {
        Box::pin(self.with_number(question))
    }

    fn find<'a>(&'a self, text: &'a str, limit: usize) -> Answering<'a, Vec<Person>> {
        Box::pin(self.called(text, limit))
    }

    fn by_record<'a>(&'a self, record: &'a Record) -> Option<Answering<'a, Option<Person>>> {
        Some(Box::pin(self.of_record(&record.id)))
    }

    fn news(&self) -> Option<watch::Receiver<u64>> {
        Some(self.news.clone())
    }

    fn is_local(&self) -> bool {
        true
    }
}

/// The task that keeps the copy.
struct Reader {
    config: CardDavConfig,
    told: watch::Sender<Arc<CardDavState>>,
    count: watch::Sender<u64>,
    wish: Arc<Notify>,
}

impl Reader {
    async fn run(self) {
        let mut copy = Copy::load(&self.config).await;
        let mut packed = Packed::default();
        if !copy.books.is_empty() {
            packed = self.pack(&copy).await;
            self.tell(&copy, &packed, None);
        }
        let mut failures = 0;
        loop {
            let failed = self.read(&mut copy).await.err();
            if packed.revision != copy.revision {
                packed = self.pack(&copy).await;
                copy.save(&self.config).await;
            }
            failures = if failed.is_some() { failures + 1 } else { 0 };
            let pause = self.pause(failed.as_ref(), failures);
            self.tell(&copy, &packed, failed);
            tokio::select! {
                () = sleep(pause) => {}
                () = self.wish.notified() => {}
            }
        }
    }

    async fn read(&self, copy: &mut Copy) -> Result<(), SourceError> {
        let started = Instant::now();
        let http = Http::new(&self.config).await?;
        let found = discover::books(&http).await?;
        copy.keep_only(&found);
        for book in &found {
            sync::book(&http, copy, book).await?;
        }
        let elapsed_ms = started.elapsed().as_millis() as u64;
        debug!(books = found.len(), elapsed_ms, "address books read");
        Ok(())
    }

    /// A refused login is not tried more often than usual, or the account may be locked.
    fn pause(&self, failed: Option<&SourceError>, failures: u32) -> Duration {
        let usual = self.config.interval;
        let soon = SOON.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
        match failed.map(|failed| failed.kind) {
            None | Some(SourceErrorKind::Login | SourceErrorKind::Broken) => usual,
            Some(SourceErrorKind::Limited { retry_after }) => {
                retry_after.unwrap_or(usual).max(SOON)
            }
            Some(SourceErrorKind::Away | SourceErrorKind::TooSlow) => soon.min(usual),
        }
    }

    /// All cards of all books as one book; once for each reading, however many cards have changed.
    async fn pack(&self, copy: &Copy) -> Packed {
        let (cards, plan) = (copy.vcards(), self.config.plan.clone());
        let packed = spawn_blocking(move || packed(&cards, &plan)).await;
        let (book, report) = packed.unwrap_or_default();
        let (entries, skipped) = (report.entries, report.skipped);
        info!(entries, skipped, "address books read");
        Packed {
            book: Arc::new(book),
            report,
            revision: copy.revision,
        }
    }

    fn tell(&self, copy: &Copy, packed: &Packed, trouble: Option<SourceError>) {
        if let Some(error) = &trouble {
            debug!(%error, "address books not read");
        }
        let readings = self.told.borrow().readings + 1;
        self.told.send_replace(Arc::new(CardDavState {
            book: packed.book.clone(),
            report: packed.report.clone(),
            books: copy.titles(),
            left_out: copy.left_out(),
            trouble: trouble.map(|error| error::of_old(error, !copy.books.is_empty())),
            is_read: true,
            readings,
        }));
        self.count.send_modify(|count| *count += 1);
    }
}

/// The cards as a book in which each is known by its path, so that it stays the same record when it gets another name.
fn packed(cards: &[(String, String)], plan: &DialPlan) -> (Book, LoadReport) {
    let mut builder = Builder::new(plan);
    for (number, (path, text)) in (1..).zip(cards) {
        match vcard::parse(text) {
            Ok(card) => builder.add(
                number,
                &Card {
                    id: path.clone(),
                    ..card
                },
            ),
            Err(why) => builder.skip(number, why),
        }
    }
    builder.finish()
}

/// A revision of the copy, made ready to be searched.
#[derive(Default)]
struct Packed {
    book: Arc<Book>,
    report: LoadReport,
    revision: u64,
}
