//! A source kept as its settings, its secrets and its file are.

use crate::description::{Description, Made, is_own};
use crate::form::sentences;
use crate::health::{Health, Observed};
use contacts::Source;
use phone_number::DialPlan;
use secrecy::SecretString;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{
    sync::{Notify, watch},
    task::{JoinHandle, spawn_blocking},
    time::{sleep, timeout},
};
use wire::{ConnectorKind, ConnectorSettings, ConnectorState};

/// A file is looked at as often; see [`contacts::watch`] for why it is looked at.
const INTERVAL: Duration = Duration::from_secs(2);
/// A vault that takes longer waits for its person.
const SOON: Duration = Duration::from_secs(3);

/// Something that takes its time.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where secrets are kept: the keychain of a desktop, the secret store of a server.
pub trait Vault: Send + Sync {
    /// The secrets of these fields that are stored. Waits as long as a person is asked to open the vault.
    ///
    /// # Errors
    /// A sentence.
    fn load<'a>(
        &'a self,
        connector: &'a str,
        fields: Vec<String>,
    ) -> Boxed<'a, Result<BTreeMap<String, SecretString>, String>>;

    /// Keeps a new secret in the place of an old one, as a token that was renewed. Called on a thread that may block.
    ///
    /// # Errors
    /// A sentence.
    fn save(&self, connector: &str, field: &str, secret: &SecretString) -> Result<(), String>;

    /// What is said while [`load`](Self::load) waits.
    fn waiting(&self) -> String;

    /// Comes when it is worth to try again what has failed.
    fn again(&self) -> Boxed<'_, ()>;
}

/// What all sources have in common.
#[derive(Clone)]
pub struct Around {
    pub plan: DialPlan,
    /// Of what people read: `en`, `ru`.
    pub language: String,
    pub vault: Arc<dyn Vault>,
    /// A folder for copies of address books, which hold people's data; `None`: they are read anew at each start.
    pub copies: Option<PathBuf>,
}

/// A source that is set up: there, or with what keeps it from being there.
pub struct Kept {
    settings: ConnectorSettings,
    health: Health,
    now: watch::Receiver<Now>,
    again: Arc<Notify>,
    task: JoinHandle<()>,
}

/// What has come of it so far.
#[derive(Clone, Default)]
pub struct Now {
    /// As its file is, with what is wrong there; `None`: not read yet.
    pub kind: Option<Arc<ConnectorKind>>,
    /// Names of the secrets that are stored.
    pub stored: Vec<String>,
    /// Stays the last good one while its file is being written.
    pub made: Option<Made>,
    source: Option<Arc<Observed>>,
}

impl Now {
    /// What the directory asks: `made`, observed.
    #[must_use]
    pub fn source(&self) -> Option<Arc<dyn Source>> {
        let source = self.source.clone()?;
        Some(source)
    }
}

impl Kept {
    /// Makes it ready from now on. Must be called in a tokio runtime.
    #[must_use]
    pub fn new(settings: ConnectorSettings, around: Around) -> Self {
        let (sender, now) = watch::channel(Now::default());
        let (health, again) = (Health::default(), Arc::new(Notify::new()));
        let keeper = Keeper {
            settings: settings.clone(),
            around,
            health: health.clone(),
            now: sender,
            again: again.clone(),
            seen: None,
        };
        Self {
            settings,
            health,
            now,
            again,
            task: tokio::spawn(keeper.keep()),
        }
    }

    #[must_use]
    pub fn settings(&self) -> &ConnectorSettings {
        &self.settings
    }

    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// What has come of it so far; changes with its file and its secrets.
    #[must_use]
    pub fn now(&self) -> watch::Receiver<Now> {
        self.now.clone()
    }

    /// Tries again what has failed, with the secrets as they are stored now.
    pub fn retry(&self) {
        self.again.notify_one();
    }

    /// The same for whoever comes back later.
    #[must_use]
    pub fn retrier(&self) -> Arc<Notify> {
        self.again.clone()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Keeper {
    settings: ConnectorSettings,
    around: Around,
    health: Health,
    now: watch::Sender<Now>,
    again: Arc<Notify>,
    /// What the file looked like when it was read.
    seen: Option<Look>,
}

/// What tells a file from its former self.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    length: u64,
    modified: Option<SystemTime>,
}

/// Why there is no source.
enum Trouble {
    /// The file or the form: nothing changes until one of them does.
    Settings(String),
    Vault(String),
}

impl Keeper {
    async fn keep(mut self) {
        if self.settings.enabled {
            self.health.set(ConnectorState::Starting);
        }
        loop {
            match self.make().await {
                Ok(()) => self.until_changed().await,
                Err(Trouble::Settings(words)) => {
                    self.trouble(words);
                    self.until_changed().await;
                }
                Err(Trouble::Vault(words)) => {
                    self.trouble(words);
                    let vault = self.around.vault.clone();
                    tokio::select! {
                        () = vault.again() => {}
                        () = self.until_changed() => {}
                    }
                }
            }
        }
    }

    async fn make(&mut self) -> Result<(), Trouble> {
        let description = self.read().await?;
        if !self.settings.enabled {
            self.health.set(ConnectorState::Off);
            return Ok(());
        }
        let fields = &description.kind().fields;
        let secrets = self.secrets(fields).await?;
        let stored = secrets.keys().cloned().collect();
        self.now.send_modify(|now| now.stored = stored);
        let made = description.make(&self.settings, &secrets, &self.around);
        let made = made.map_err(|why| Trouble::Settings(sentences(&why, fields).join(" ")))?;
        let source = Observed::new(made.source(), self.health.clone());
        self.now.send_modify(|now| {
            now.made = Some(made);
            now.source = Some(Arc::new(source));
        });
        self.health.set(ConnectorState::Ready);
        Ok(())
    }

    async fn read(&mut self) -> Result<Description, Trouble> {
        self.seen = self.look().await;
        let file = self.settings.file.clone();
        let read = spawn_blocking(move || Description::read(&file)).await;
        let description = read.map_err(|error| Trouble::Settings(error.to_string()))?;
        let kind = match &description {
            Ok(description) => description.kind().clone(),
            Err(trouble) => ConnectorKind {
                file: self.settings.file.clone(),
                title: self.settings.id.clone(),
                trouble: trouble.clone(),
                ..ConnectorKind::default()
            },
        };
        self.now.send_modify(|now| now.kind = Some(Arc::new(kind)));
        description.map_err(|trouble| Trouble::Settings(trouble.join(" ")))
    }

    async fn secrets(
        &self,
        fields: &[wire::FormField],
    ) -> Result<BTreeMap<String, SecretString>, Trouble> {
        let names = fields
            .iter()
            .filter(|field| crate::form::is_secret(field.kind));
        let names: Vec<String> = names.map(|field| field.name.clone()).collect();
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let vault = &self.around.vault;
        let mut loading = vault.load(&self.settings.id, names);
        let loaded = match timeout(SOON, &mut loading).await {
            Ok(loaded) => loaded,
            Err(_) => {
                self.trouble(vault.waiting());
                loading.await
            }
        };
        loaded.map_err(Trouble::Vault)
    }

    fn trouble(&self, words: String) {
        tracing::warn!(connector = %self.settings.id, "a contact source is not ready");
        self.health.set(ConnectorState::Trouble { words });
    }

    async fn until_changed(&self) {
        tokio::select! {
            () = self.again.notified() => {}
            () = self.until_written() => {}
            () = self.tell() => {}
        }
    }

    async fn tell(&self) {
        let made = self.now.borrow().made.clone();
        match made.filter(|_| self.settings.enabled) {
            Some(made) => made.tell(&self.health).await,
            None => std::future::pending().await,
        }
    }

    async fn until_written(&self) {
        if !is_own(&self.settings.file) {
            return std::future::pending().await;
        }
        loop {
            sleep(INTERVAL).await;
            if self.look().await != self.seen {
                return;
            }
        }
    }

    async fn look(&self) -> Option<Look> {
        if !is_own(&self.settings.file) {
            return None;
        }
        let path = PathBuf::from(&self.settings.file);
        let metadata = tokio::fs::metadata(path).await.ok()?;
        Some(Look {
            length: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }
}
