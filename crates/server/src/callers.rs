//! Who calls: contact book, directories and CRMs, of the configuration and of the admin page.
//!
//! The configuration's cannot be changed in the page. What the page says is kept in the store, its secrets in a file
//! beside it; both hold from the next question on, without a restart.

mod memory;
mod secrets;
mod sign_in;
mod typed;
mod vault;
mod wishes;

pub(crate) use wishes::{WISHES, serve};

use self::{
    secrets::Secrets,
    sign_in::SigningIn,
    typed::{Meaning, TYPE_AGAIN},
    vault::{ServerVault, Untouched},
};
use crate::config::{self, Config};
use contacts::{BookSource, Directory, Source, directory::Settings};
use crm::{InboundAnswer, InboundRequest};
use futures_util::future::join_all;
use phone_number::{DialPlan, PhoneNumber};
use secrecy::SecretString;
use sources::{Around, Description, Health, Kept, Made, Observed};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use store::{Store, UserId};
use tokio::{
    sync::Notify,
    task::{JoinHandle, spawn_blocking},
    time::{sleep, timeout},
};
use tracing::{info, warn};
use wire::{
    Connector, ConnectorKind, ConnectorSettings, ConnectorState, ErrorCode, Failure, PersonForm,
    rest::{ConnectorChange, Finding, SourceHealth},
};

/// The id of the contact book; no connector has it.
pub(crate) const BOOK: &str = "contacts";
/// The folder beside the configuration with descriptions that the admin page may connect.
const OWN: &str = "connectors";
/// Where the store keeps what the admin page says.
const SETTING: &str = "connectors";
/// Sources that are set up in the admin page.
const MOST: usize = 64;
/// News of sources come in bursts.
const PAUSE: Duration = Duration::from_millis(50);
/// Until what the store did not take is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// All questions of a test together.
const TEST: Duration = Duration::from_secs(45);
/// A CRM that asks for a call says who clicked within this.
const INBOUND: Duration = Duration::from_secs(10);
const NOT_READY: &str = "This contact source is not ready; its state says why.";
/// What is said where a contact may have been made.
/// A source is made ready within this, unless something keeps it.
const SETTLED: Duration = Duration::from_secs(5);

/// May be the id of a connector.
pub(crate) fn is_id(id: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !id.is_empty() && id.len() <= 64 && id != BOOK && id.chars().all(is_plain)
}

/// All contact sources; cheap to clone.
#[derive(Clone)]
pub(crate) struct Callers {
    inner: Arc<Inner>,
}

struct Inner {
    directory: Directory,
    around: Around,
    store: Store,
    secrets: Arc<Secrets>,
    vault: Arc<ServerVault>,
    configured: Vec<config::Connector>,
    /// Where files of one's own lie that the admin page may connect.
    own: PathBuf,
    book: Option<(Arc<Observed>, Health)>,
    connected: Mutex<Vec<Arc<Connected>>>,
    /// What the directory asks now.
    asked: Mutex<Vec<Arc<dyn Source>>>,
    /// Browsers that sign in to a source.
    signing_in: SigningIn,
    /// Rings when a source has become ready, or another.
    bell: Arc<Notify>,
    /// Held while somebody changes what is connected.
    changing: tokio::sync::Mutex<()>,
}

/// A connector as it is set up.
struct Connected {
    kept: Kept,
    is_configured: bool,
    follower: JoinHandle<()>,
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl Callers {
    /// Everything that is set up. A source that cannot be used says so, and the others are asked. Must be called in a
    /// tokio runtime.
    ///
    /// # Errors
    /// A sentence: the store or the file of secrets cannot be read.
    pub(crate) async fn open(
        config: &Config,
        file: Option<&Path>,
        plan: DialPlan,
        store: Store,
    ) -> Result<Self, String> {
        let remembered = memory::load(&store).await;
        let directory = Directory::new(Settings {
            memory: remembered.map_err(|error| error.to_string())?,
            ..Settings::new(plan.clone())
        });
        let secrets = Arc::new(Secrets::open(secrets_file(config, file))?);
        let configured = config.connector.clone();
        let vault = Arc::new(ServerVault::new(&configured, secrets.clone()));
        let callers = Self {
            inner: Arc::new(Inner {
                book: book(config, file, &plan),
                around: around(config, file, plan, vault.clone()),
                vault,
                directory,
                store,
                secrets,
                configured,
                own: config::beside(file, OWN),
                connected: Mutex::default(),
                asked: Mutex::default(),
                signing_in: SigningIn::default(),
                bell: Arc::default(),
                changing: tokio::sync::Mutex::default(),
            }),
        };
        callers.connect(callers.stored().await?);
        Ok(callers)
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.inner.directory
    }

    /// Has the directory ask what is ready, again whenever that changes, for as long as the server runs.
    pub(crate) async fn follow(self) {
        loop {
            self.inner.bell.notified().await;
            sleep(PAUSE).await;
            self.ask();
        }
    }

    /// Keeps the match memory in the store, for as long as the server runs.
    pub(crate) async fn remember(self) {
        let mut changes = self.inner.directory.memory_changes();
        loop {
            let next = changes.next().await;
            if let Err(error) = memory::write(&self.inner.store, &next).await {
                warn!(%error, "choices of people are not kept; it is tried again");
                changes.put_back(next);
                sleep(AGAIN).await;
            }
        }
    }

    /// What the admin page says, from the store.
    async fn stored(&self) -> Result<Vec<ConnectorSettings>, String> {
        let setting = self.inner.store.setting(SETTING).await;
        let Some(setting) = setting.map_err(|error| error.to_string())? else {
            return Ok(Vec::new());
        };
        serde_json::from_str(&setting.value)
            .map_err(|error| format!("what the store keeps of contact sources: {error}"))
    }

    /// Connects what is set up from now on. What has not changed stays as it is, with what is known of it.
    fn connect(&self, stored: Vec<ConnectorSettings>) {
        let inner = &self.inner;
        let configured = inner.configured.iter().map(|one| (settings_of(one), true));
        let stored = stored.into_iter().map(|settings| (settings, false));
        let is_taken = |id: &str| inner.configured.iter().any(|one| one.id == id);
        let wanted = configured.chain(stored.filter(|(settings, _)| !is_taken(&settings.id)));
        let old = inner.connected().clone();
        let connected = wanted.map(|(settings, is_configured)| {
            let same = old
                .iter()
                .find(|one| *one.kept.settings() == settings && one.is_configured == is_configured);
            match same {
                Some(same) => same.clone(),
                None => Arc::new(self.keep_ready(settings, is_configured)),
            }
        });
        let connected = connected.collect();
        *inner.connected() = connected;
        self.ask();
    }

    fn keep_ready(&self, settings: ConnectorSettings, is_configured: bool) -> Connected {
        info!(connector = %settings.id, enabled = settings.enabled, "contact source");
        let kept = Kept::new(settings, self.inner.around.clone());
        let (mut now, bell) = (kept.now(), self.inner.bell.clone());
        let follower = tokio::spawn(async move {
            bell.notify_one();
            while now.changed().await.is_ok() {
                bell.notify_one();
            }
        });
        Connected {
            kept,
            is_configured,
            follower,
        }
    }

    /// The directory asks what is ready: connectors in their order, then the contact book.
    fn ask(&self) {
        let connected = self.inner.connected().clone();
        let ready = connected
            .iter()
            .filter_map(|one| one.kept.now().borrow().source());
        let book = self.inner.book.iter();
        let book = book.map(|(book, _)| book.clone() as Arc<dyn Source>);
        let sources: Vec<Arc<dyn Source>> = ready.chain(book).collect();
        let asked = self.inner.asked.lock();
        let mut asked = asked.unwrap_or_else(PoisonError::into_inner);
        let is_same = |(new, old): (&Arc<dyn Source>, &Arc<dyn Source>)| Arc::ptr_eq(new, old);
        if sources.len() != asked.len() || !sources.iter().zip(&*asked).all(is_same) {
            asked.clone_from(&sources);
            self.inner.directory.set_sources(sources);
        }
    }

    /// Whether the directory asks this source now.
    fn is_asked(&self, source: &str) -> bool {
        let asked = self.inner.asked.lock();
        let asked = asked.unwrap_or_else(PoisonError::into_inner);
        asked.iter().any(|one| one.id() == source)
    }

    // For administrators.

    /// What can be connected. Reads files.
    pub(crate) async fn kinds(&self) -> Vec<ConnectorKind> {
        let own = self.inner.own.clone();
        spawn_blocking(move || sources::kinds(Some(&own)))
            .await
            .unwrap_or_default()
    }

    /// In the order in which they are asked.
    pub(crate) fn list(&self) -> Vec<Connector> {
        let connected = self.inner.connected().clone();
        connected.iter().map(|one| one.shown()).collect()
    }

    /// How each does, in the order in which they are asked.
    pub(crate) fn health(&self) -> Vec<SourceHealth> {
        let health = |id: &str, title: String, health: &Health| {
            let (answers, errors) = health.counts();
            SourceHealth {
                id: id.to_owned(),
                title,
                state: health.state(),
                answers,
                errors,
            }
        };
        let connected = self.inner.connected().clone();
        let connected = connected
            .iter()
            .map(|one| health(&one.kept.settings().id, one.title(), one.kept.health()));
        let book = self.inner.book.iter();
        let book = book.map(|(book, its)| health(BOOK, book.title().to_owned(), its));
        connected.chain(book).collect()
    }

    /// Connects a source, or changes one, and keeps it.
    ///
    /// # Errors
    /// [`Failure`]; then nothing has changed.
    pub(crate) async fn put(
        &self,
        id: &str,
        change: ConnectorChange,
        by: &UserId,
    ) -> Result<Connector, Failure> {
        let _changing = self.inner.changing.lock().await;
        let mut stored = self.stored().await.map_err(internal)?;
        let place = stored.iter().position(|one| one.id == id);
        if place.is_none() && stored.len() >= MOST {
            return Err(refused("There are too many contact sources already."));
        }
        let (settings, meaning) = self.as_typed(id, &change).await?;
        let old = place.and_then(|place| stored.get(place));
        let is_elsewhere = meaning.is_elsewhere(old, &settings, &change.secrets);
        if is_elsewhere && old.is_some() && meaning.lacks(&change.secrets) {
            return Err(refused(TYPE_AGAIN));
        }
        if let Some(place) = place {
            stored.remove(place);
        }
        let first = self.inner.configured.len();
        let wanted = change
            .place
            .map(|place| (place as usize).saturating_sub(first));
        let place = wanted.or(place).unwrap_or(stored.len()).min(stored.len());
        stored.insert(place, settings);
        let has_secrets = !change.secrets.is_empty();
        let before = self.inner.secrets.all(id);
        let gone = before.keys().filter(|_| is_elsewhere);
        let gone = gone.map(|name| (name.clone(), None));
        let typed = change.secrets.into_iter().map(|(name, secret)| {
            let secret = Some(secret.0).filter(|secret| !secret.is_empty());
            (name, secret.map(SecretString::from))
        });
        let changes: Vec<_> = gone.chain(typed).collect();
        self.change_secrets(id, move |kept, id| kept.change(id, changes))
            .await?;
        if let Err(why) = self.keep(&stored, by).await {
            self.change_secrets(id, move |kept, id| kept.replace(id, before))
                .await?;
            return Err(why);
        }
        let former = self.find(id);
        self.connect(stored);
        let one = self.find(id).ok_or_else(no_such)?;
        // A new one has them; made twice, the first would use up a token that the second goes on with.
        if has_secrets && former.is_some_and(|former| Arc::ptr_eq(&former, &one)) {
            one.kept.retry();
        }
        one.settle().await;
        self.ask();
        Ok(one.shown())
    }

    /// Forgets a source of the admin page and its secrets.
    ///
    /// # Errors
    /// [`Failure`]; then nothing has changed.
    pub(crate) async fn remove(&self, id: &str, by: &UserId) -> Result<(), Failure> {
        let _changing = self.inner.changing.lock().await;
        self.may_change(id)?;
        let before = self.stored().await.map_err(internal)?;
        let mut stored = before.clone();
        stored.retain(|one| one.id != id);
        if stored.len() == before.len() {
            return Err(no_such());
        }
        self.keep(&stored, by).await?;
        // It ends first: what is still there would keep the tokens that it renews.
        self.connect(stored);
        let copies = self.inner.around.copies.clone();
        let forgotten = self.change_secrets(id, move |secrets, id| {
            let copy = copies.map_or(Ok(()), |at| sources::forget_copy(&at, id));
            secrets.forget(id)?;
            copy.map_err(|error| error.to_string())
        });
        if let Err(why) = forgotten.await {
            self.keep(&before, by).await?;
            self.connect(before);
            return Err(why);
        }
        Ok(())
    }

    /// Tries a source as typed; secrets that are left out are those that are stored, if they go where they went.
    ///
    /// # Errors
    /// [`Failure`]: there is no such source, or it is not changed here.
    pub(crate) async fn test(
        &self,
        id: &str,
        change: Option<ConnectorChange>,
    ) -> Result<Vec<Finding>, Failure> {
        let Some(change) = change else {
            return Ok(self.find(id).ok_or_else(no_such)?.test(&self.inner).await);
        };
        let (settings, meaning) = self.as_typed(id, &change).await?;
        let stored = self.stored().await.map_err(internal)?;
        let old = stored.iter().find(|one| one.id == id);
        let is_as_stored = old.is_some_and(|old| old.values == settings.values);
        let is_elsewhere = meaning.is_elsewhere(old, &settings, &change.secrets);
        if let Some(one) = self.find(id)
            && is_as_stored
            && !is_elsewhere
            && change.secrets.is_empty()
        {
            return Ok(one.test(&self.inner).await);
        }
        if is_elsewhere && old.is_some() && meaning.lacks(&change.secrets) {
            return Ok(vec![failed("settings", TYPE_AGAIN)]);
        }
        let (mut secrets, mut around) = (self.inner.vault.of(id), self.inner.around.clone());
        if is_elsewhere {
            secrets.clear();
            around.vault = Arc::new(Untouched);
        }
        let typed = change.secrets.into_iter();
        secrets.extend(typed.map(|(name, secret)| (name, secret.0.into())));
        Ok(test(settings, secrets, around).await)
    }

    /// A finding for each that is switched on.
    pub(crate) async fn check(&self) -> Vec<Finding> {
        let connected = self.inner.connected().clone();
        let enabled = connected.iter().filter(|one| one.kept.settings().enabled);
        let tests = enabled.map(|one| async move {
            let id = &one.kept.settings().id;
            named(id, one.test(&self.inner).await)
        });
        join_all(tests).await.into_iter().flatten().collect()
    }

    /// What sources want to know to make somebody new who has this number.
    fn forms(&self, number: Option<&PhoneNumber>) -> Vec<PersonForm> {
        let connected = self.inner.connected().clone();
        let made = connected.iter().filter_map(|one| one.made());
        made.filter_map(|made| made.form(number)).collect()
    }

    /// Makes somebody in a source. **Only when a person wants it.**
    async fn create(
        &self,
        source: &str,
        fields: &BTreeMap<String, String>,
        number: &PhoneNumber,
    ) -> Result<contacts::Person, Failure> {
        let one = self.find(source).ok_or_else(no_such)?;
        let made = one.made().ok_or_else(|| refused(NOT_READY))?;
        let created = made.create(fields, number).await;
        created
            .map_err(|error| sources::not_made(error, sources::is_filled_in(&made, fields, number)))
    }

    /// What a CRM asks that is set up to; `None`: nobody listens there.
    pub(crate) async fn inbound(
        &self,
        id: &str,
        path: &str,
        request: &InboundRequest,
    ) -> Option<InboundAnswer> {
        let made = self.find(id)?.made()?;
        let connector = made.crm()?.clone();
        (connector.inbound_path() == Some(path)).then_some(())?;
        let answered = timeout(INBOUND, connector.inbound_with_user(request)).await;
        answered.ok()
    }

    fn find(&self, id: &str) -> Option<Arc<Connected>> {
        let connected = self.inner.connected();
        let mut connected = connected.iter();
        connected.find(|one| one.kept.settings().id == id).cloned()
    }

    fn may_change(&self, id: &str) -> Result<(), Failure> {
        if !is_id(id) {
            return Err(refused(
                "The id of a contact source has letters, digits, dots and dashes only.",
            ));
        }
        match self.inner.configured.iter().any(|one| one.id == id) {
            true => Err(refused(
                "This contact source is set up in the configuration file and is changed there.",
            )),
            false => Ok(()),
        }
    }

    /// The page reads no file of the machine but descriptions in their folder.
    fn may_read(&self, file: &str) -> Result<(), Failure> {
        let folder = Path::new(file.trim()).parent();
        if !sources::is_own(file.trim()) || folder == Some(&self.inner.own) {
            return Ok(());
        }
        let words = format!(
            "Descriptions of one's own lie in {}; others are connected in the configuration file.",
            self.inner.own.display()
        );
        Err(refused(&words))
    }

    /// What was typed, if it may be: the page reads files of their folder only.
    async fn as_typed(
        &self,
        id: &str,
        change: &ConnectorChange,
    ) -> Result<(ConnectorSettings, Meaning), Failure> {
        self.may_change(id)?;
        self.may_read(&change.file)?;
        let mut settings = settings_as_typed(id, change);
        let own = self.inner.own.clone();
        let placed = spawn_blocking(move || {
            let meaning = Meaning::of(&settings.file);
            let placed = meaning.place_files(&mut settings, &own);
            placed.map_err(|why| meaning.sentence(why))?;
            Ok((settings, meaning))
        });
        let placed = placed.await.map_err(|error| internal(error.to_string()))?;
        placed.map_err(|words: String| refused(&words))
    }

    async fn change_secrets(
        &self,
        id: &str,
        change: impl FnOnce(&Secrets, &str) -> Result<(), String> + Send + 'static,
    ) -> Result<(), Failure> {
        let (secrets, id) = (self.inner.secrets.clone(), id.to_owned());
        let changed = spawn_blocking(move || change(&secrets, &id)).await;
        changed
            .map_err(|error| internal(error.to_string()))?
            .map_err(internal)
    }

    async fn keep(&self, settings: &[ConnectorSettings], by: &UserId) -> Result<(), Failure> {
        let text = serde_json::to_string(settings).map_err(|error| internal(error.to_string()))?;
        let now = crate::clock::store_ms();
        let kept = self.inner.store.set_setting(SETTING, &text, Some(by), now);
        kept.await.map_err(|error| internal(error.to_string()))?;
        Ok(())
    }
}

/// Tries sources of the configuration before the server runs; a finding for each thing that was tried.
pub(crate) async fn check(config: &Config, file: Option<&Path>, plan: &DialPlan) -> Vec<Finding> {
    let mut findings = Vec::new();
    let secrets = match Secrets::open(secrets_file(config, file)) {
        Ok(secrets) => Arc::new(secrets),
        Err(words) => {
            findings.push(failed("secrets", words));
            return findings;
        }
    };
    let vault = Arc::new(ServerVault::new(&config.connector, secrets));
    let around = around(config, file, plan.clone(), vault.clone());
    for connector in config.connector.iter().filter(|one| one.enabled) {
        let settings = settings_of(connector);
        let tried = test(settings, vault.of(&connector.id), around.clone()).await;
        findings.extend(named(&connector.id, tried));
    }
    findings
}

fn named(connector: &str, findings: Vec<Finding>) -> Vec<Finding> {
    let named = findings.into_iter().map(|finding| Finding {
        what: format!("connector {connector}: {}", finding.what),
        ..finding
    });
    named.collect()
}

async fn test(
    settings: ConnectorSettings,
    secrets: BTreeMap<String, SecretString>,
    around: Around,
) -> Vec<Finding> {
    let read = spawn_blocking(move || {
        let description = Description::read(&settings.file)?;
        let made = description.make(&settings, &secrets, &around);
        made.map_err(|complaints| sources::sentences(&complaints, &description.kind().fields))
    });
    let made = match read.await {
        Ok(Ok(made)) => made,
        Ok(Err(words)) => {
            return words
                .into_iter()
                .map(|one| failed("settings", one))
                .collect();
        }
        Err(error) => return vec![failed("settings", error.to_string())],
    };
    try_out(&made).await
}

async fn try_out(made: &Made) -> Vec<Finding> {
    let tried = timeout(TEST, made.test()).await;
    tried.unwrap_or_else(|_| vec![failed("answer", "It did not come to an end in 45 s.")])
}

fn failed(what: &str, words: impl Into<String>) -> Finding {
    Finding {
        passed: false,
        what: what.to_owned(),
        words: words.into(),
    }
}

impl Inner {
    fn connected(&self) -> MutexGuard<'_, Vec<Arc<Connected>>> {
        let connected = self.connected.lock();
        connected.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connected {
    /// Whoever is switched on and ready.
    fn made(&self) -> Option<Made> {
        let now = self.kept.now();
        let made = now.borrow().made.clone();
        made.filter(|_| self.kept.settings().enabled)
    }

    /// Tries it as it is. What runs is asked itself: another by the same secrets would use up a token that is good once.
    async fn test(&self, inner: &Inner) -> Vec<Finding> {
        let now = self.kept.now();
        let is_read = now
            .borrow()
            .kind
            .as_deref()
            .is_some_and(|kind| kind.trouble.is_empty());
        if let Some(made) = self.made().filter(|_| is_read) {
            return try_out(&made).await;
        }
        let settings = self.kept.settings().clone();
        let secrets = inner.vault.of(&settings.id);
        test(settings, secrets, inner.around.clone()).await
    }

    fn title(&self) -> String {
        let now = self.kept.now();
        let now = now.borrow();
        let kind = now.kind.as_deref();
        kind.map_or_else(
            || self.kept.settings().id.clone(),
            |kind| kind.title.clone(),
        )
    }

    /// Waits until it is ready, or known not to be.
    async fn settle(&self) {
        let is_settled = || match self.kept.health().state() {
            ConnectorState::Starting => false,
            ConnectorState::Off
            | ConnectorState::Ready
            | ConnectorState::Works { .. }
            | ConnectorState::Trouble { .. } => self.kept.now().borrow().kind.is_some(),
        };
        let mut changes = self.kept.health().changes();
        let settled = async { while !is_settled() && changes.changed().await.is_ok() {} };
        // Whoever looks a moment later sees it.
        let _ = timeout(SETTLED, settled).await;
    }

    fn shown(&self) -> Connector {
        let settings = self.kept.settings();
        let now = self.kept.now();
        let now = now.borrow();
        let fields = now.kind.as_deref().map_or(&[][..], |kind| &kind.fields);
        let is_stored = |name: &str| now.stored.iter().any(|stored| stored == name);
        Connector {
            id: settings.id.clone(),
            file: settings.file.clone(),
            title: self.title(),
            enabled: settings.enabled,
            fields: sources::filled(fields, settings, is_stored),
            state: self.kept.health().state(),
            not_kept: None,
            set_by: self
                .is_configured
                .then(|| "the configuration file".to_owned()),
        }
    }
}

/// The contact book, read again whenever its file changes.
fn book(config: &Config, file: Option<&Path>, plan: &DialPlan) -> Option<(Arc<Observed>, Health)> {
    let path = match config.contacts.file.as_str() {
        "" => return None,
        path => config::beside(file, path),
    };
    let book = BookSource::follow(BOOK.to_owned(), path, plan.clone());
    let health = Health::default();
    health.set(ConnectorState::Ready);
    let observed = Observed::new(Arc::new(book), health.clone());
    Some((Arc::new(observed), health))
}

/// Copies of address books lie beside the secrets, for this program alone as well.
fn around(config: &Config, file: Option<&Path>, plan: DialPlan, vault: Arc<ServerVault>) -> Around {
    Around {
        plan,
        language: config.contacts.language.clone(),
        vault,
        copies: Some(secrets_file(config, file).with_file_name("sidetone-address-books")),
    }
}

fn secrets_file(config: &Config, file: Option<&Path>) -> PathBuf {
    const NAME: &str = "sidetone-secrets.json";
    if !config.contacts.secrets_file.is_empty() {
        return PathBuf::from(&config.contacts.secrets_file);
    }
    if let Some(database) = config.store.url.expose().strip_prefix("sqlite:") {
        return Path::new(database).with_file_name(NAME);
    }
    match std::env::var_os("STATE_DIRECTORY") {
        Some(folder) => PathBuf::from(folder).join(NAME),
        None => config::beside(file, NAME),
    }
}

fn settings_of(from: &config::Connector) -> ConnectorSettings {
    ConnectorSettings {
        id: from.id.clone(),
        file: from.file.clone(),
        enabled: from.enabled,
        values: from.values.clone(),
    }
}

fn settings_as_typed(id: &str, change: &ConnectorChange) -> ConnectorSettings {
    ConnectorSettings {
        id: id.to_owned(),
        file: change.file.trim().to_owned(),
        enabled: change.enabled,
        values: change.values.clone(),
    }
}

fn refused(words: &str) -> Failure {
    Failure::new(ErrorCode::Refused, words)
}

fn no_such() -> Failure {
    Failure::new(ErrorCode::NotFound, "There is no such contact source.")
}

fn internal(words: String) -> Failure {
    tracing::error!(error = %words, "contact sources");
    Failure::new(ErrorCode::Internal, words)
}

#[cfg(test)]
mod tests;
