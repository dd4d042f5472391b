//! Who is asked who calls: the contacts file, CRMs and directories, made ready and kept so; and what people want of them.
//!
//! Nothing of a CRM is built and no keychain is asked until one is connected. With a server it is the server who asks.

mod connectors;
mod sign_in;
mod vault;
mod wishes;

use crate::folders;
use crate::keychain::Keychain;
use contacts::directory::Settings as Lives;
use contacts::memory_file;
use contacts::{BookSource, Directory, Source};
use desktop::{ConnectorNews, Input};
use phone_number::DialPlan;
use sources::{Around, Kept};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use vault::Secrets;
use view::{ConnectorSettings, Settings};
use wire::{Answer, Connector};

/// [`wire::Record::source`] of the contacts file.
const BOOK: &str = "contacts";
/// News of sources come in bursts.
const PAUSE: Duration = Duration::from_millis(100);

/// The end of the program waits so long for a disk.
const LAST: Duration = Duration::from_secs(2);

/// Answers of what took time.
pub(crate) enum Done {
    Wish {
        id: String,
        answer: Box<Answer>,
        linked: Option<Box<wire::Person>>,
    },
    Connector(ConnectorNews),
}

/// The contact sources.
pub(crate) struct People {
    directory: Directory,
    /// Its file, and what writes it.
    memory: Option<(PathBuf, Follower)>,
    /// Somebody was chosen or taken back in this run.
    is_memory_new: bool,
    secrets: Arc<Secrets>,
    plan: DialPlan,
    book: Option<Book>,
    /// In the order in which they are asked.
    kept: Vec<(Kept, Follower)>,
    /// Their secrets are others since they were made.
    renewed: BTreeSet<String>,
    asked: Vec<Arc<dyn Source>>,
    bell: Arc<Notify>,
    /// Something is new, and told then.
    due: Option<Instant>,
    done: mpsc::Sender<Done>,
}

struct Book {
    path: PathBuf,
    source: Arc<BookSource>,
    _follower: Follower,
}

/// Rings the bell until it is dropped.
struct Follower(JoinHandle<()>);

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl People {
    /// Must be called in a tokio runtime. What takes time comes by `done`.
    pub(crate) fn new(keychain: Keychain, settings: &Settings, done: mpsc::Sender<Done>) -> Self {
        let plan = desktop::dial_plan(settings);
        let file = folders::data().map(|folder| folder.join("people.json"));
        if let Some(folder) = file.as_deref().and_then(Path::parent) {
            folders::make_private(folder);
        }
        let (memory, trouble) = file.as_deref().map(memory_file::load).unwrap_or_default();
        if let Some(words) = trouble {
            tracing::warn!(%words, "whom was chosen before");
        }
        let directory = Directory::new(Lives {
            memory,
            ..Lives::new(plan.clone())
        });
        let memory = file.map(|file| {
            let keeping = memory_file::keep(directory.clone(), file.clone());
            (file, Follower(tokio::spawn(keeping)))
        });
        Self {
            directory,
            memory,
            is_memory_new: false,
            secrets: Arc::new(Secrets::new(keychain)),
            plan,
            book: None,
            kept: Vec::new(),
            renewed: BTreeSet::new(),
            asked: Vec::new(),
            bell: Arc::default(),
            due: None,
            done,
        }
    }

    pub(crate) fn directory(&self) -> Directory {
        self.directory.clone()
    }

    /// Asks what these settings say, in their order: connectors, then the contacts file.
    pub(crate) fn follow(&mut self, settings: &Settings) -> Vec<Input> {
        let plan = desktop::dial_plan(settings);
        let is_other_plan = plan != self.plan;
        if is_other_plan {
            self.directory.set_plan(plan.clone());
        }
        self.plan = plan;
        let is_direct = settings.server.address.trim().is_empty();
        let connectors = settings.connectors.iter().filter(|_| is_direct);
        let mut old = std::mem::take(&mut self.kept);
        for connector in connectors {
            let same = old
                .iter()
                .position(|(kept, _)| kept.settings() == connector);
            let is_other = is_other_plan || self.renewed.remove(&connector.id);
            let kept = match same {
                Some(at) if !is_other => old.swap_remove(at),
                Some(_) | None => self.keep(connector.clone()),
            };
            self.kept.push(kept);
        }
        drop(old);
        self.follow_book(settings.contacts_file.trim(), is_other_plan);
        self.news()
    }

    fn keep(&self, connector: ConnectorSettings) -> (Kept, Follower) {
        let around = self.around();
        let kept = Kept::new(connector, around);
        let (mut now, mut health) = (kept.now(), kept.health().changes());
        let bell = self.bell.clone();
        let follower = tokio::spawn(async move {
            loop {
                tokio::select! {
                    Ok(()) = now.changed() => {}
                    Ok(()) = health.changed() => {}
                    else => return,
                }
                bell.notify_one();
            }
        });
        (kept, Follower(follower))
    }

    fn around(&self) -> Around {
        Around {
            plan: self.plan.clone(),
            language: language(),
            vault: self.secrets.clone(),
            copies: folders::data(),
        }
    }

    fn follow_book(&mut self, path: &str, is_other_plan: bool) {
        let path = PathBuf::from(path);
        if path.as_os_str().is_empty() {
            self.book = None;
            return;
        }
        let is_same = self.book.as_ref().is_some_and(|book| book.path == path);
        if is_same && !is_other_plan {
            return;
        }
        let source = BookSource::follow(BOOK.to_owned(), path.clone(), self.plan.clone());
        let source = Arc::new(source);
        let (mut news, bell) = (source.news(), self.bell.clone());
        let follower = tokio::spawn(async move {
            while let Some(news) = &mut news
                && news.changed().await.is_ok()
            {
                bell.notify_one();
            }
        });
        self.book = Some(Book {
            path,
            source,
            _follower: Follower(follower),
        });
    }

    /// Comes when a source has become ready, or does otherwise than before. Nothing is lost when the future is dropped.
    pub(crate) async fn changed(&mut self) {
        let due = match self.due {
            Some(due) => due,
            None => {
                self.bell.notified().await;
                *self.due.insert(Instant::now() + PAUSE)
            }
        };
        sleep_until(due).await;
        self.due = None;
    }

    /// What the controller is told of the sources now; the directory asks those that are ready.
    pub(crate) fn news(&mut self) -> Vec<Input> {
        self.ask();
        let connected = self.kept.iter().map(|(kept, _)| self.connector(kept));
        let connected = ConnectorNews::Connected(connected.collect());
        let words = self.book.as_ref().and_then(|book| {
            let watched = book.source.state();
            // A file that is still being read does not hold nobody.
            let report = || watched.is_settled.then(|| watched.report.to_string());
            watched.trouble.clone().or_else(report)
        });
        let words = words.unwrap_or_default();
        vec![Input::Contacts { words }, Input::Connectors(connected)]
    }

    fn ask(&mut self) {
        let ready = self
            .kept
            .iter()
            .filter_map(|(kept, _)| kept.now().borrow().source());
        let mut sources: Vec<Arc<dyn Source>> = ready.collect();
        if let Some(book) = &self.book {
            sources.push(book.source.clone());
        }
        let is_same = sources.len() == self.asked.len()
            && sources
                .iter()
                .zip(&self.asked)
                .all(|(new, old)| Arc::ptr_eq(new, old));
        if !is_same {
            self.asked.clone_from(&sources);
            self.directory.set_sources(sources);
        }
    }

    fn connector(&self, kept: &Kept) -> Connector {
        let settings = kept.settings();
        let now = kept.now();
        let now = now.borrow();
        let kind = now.kind.as_deref();
        let fields = kind.map_or(&[][..], |kind| &kind.fields);
        let title = now.source().map(|source| source.title().to_owned());
        let title = title.or_else(|| kind.map(|kind| kind.title.clone()));
        Connector {
            id: settings.id.clone(),
            file: settings.file.clone(),
            title: title.unwrap_or_else(|| settings.id.clone()),
            enabled: settings.enabled,
            fields: sources::filled(fields, settings, |name| {
                now.stored.iter().any(|stored| stored == name)
            }),
            state: kept.health().state(),
            not_kept: self.secrets.not_kept(&settings.id),
            set_by: None,
        }
    }

    /// Somebody may have mended what was wrong: the keychain, the settings.
    pub(crate) fn retry(&self) {
        for (kept, _) in &self.kept {
            if matches!(kept.health().state(), wire::ConnectorState::Trouble { .. }) {
                kept.retry();
            }
        }
    }

    /// Writes what was chosen last; the program ends.
    pub(crate) async fn end(&mut self) {
        let Some((file, keeping)) = self.memory.take().filter(|_| self.is_memory_new) else {
            return;
        };
        // It begins no further writing.
        drop(keeping);
        let directory = self.directory.clone();
        let saving = tokio::task::spawn_blocking(move || memory_file::save_now(&file, &directory));
        if !matches!(timeout(LAST, saving).await, Ok(Ok(Ok(())))) {
            tracing::warn!("whom was chosen last was not written");
        }
    }
}

/// Of what people read, as the session says it.
fn language() -> String {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| {
        let value = std::env::var(name).ok()?;
        Some(value).filter(|value| !value.is_empty())
    });
    let is_russian = set.is_some_and(|set| set.starts_with("ru"));
    if is_russian { "ru" } else { "en" }.to_owned()
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}
