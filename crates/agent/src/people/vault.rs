//! Secrets of contact sources: in the keychain, each under `connector:<id>:<field>`, or typed for this run only.

use crate::keychain::{Keychain, NotDone};
use secrecy::{ExposeSecret as _, SecretString};
use sources::{Boxed, Vault};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

/// A locked keychain is looked at as often; it is not asked to open, which would trouble its person each time.
const LOOK: Duration = Duration::from_secs(5);
/// Whoever saves a form waits as long for his keychain.
const KEEP: Duration = Duration::from_secs(15);
const LOCKED: &str =
    "The keychain is locked. Unlock it; its secrets are fetched by themselves then.";
const ABSENT: &str = "There is no keychain here, and secrets are not written to a file. They are kept for this run only.";
const FAILED: &str = "The keychain failed. Its secrets are kept for this run only.";

/// The keychain, and what it would not take.
pub(super) struct Secrets {
    keychain: Keychain,
    typed: Mutex<BTreeMap<String, Typed>>,
}

/// Of one source.
#[derive(Default)]
struct Typed {
    fields: BTreeMap<String, SecretString>,
    /// Why they are not kept.
    words: &'static str,
}

impl Secrets {
    pub(super) fn new(keychain: Keychain) -> Self {
        Self {
            keychain,
            typed: Mutex::default(),
        }
    }

    /// Puts them into the keychain, an empty one out of it; what it does not take is used for this run.
    pub(super) async fn keep(&self, connector: &str, fields: BTreeMap<String, SecretString>) {
        if fields.is_empty() {
            return;
        }
        let entries = fields.clone().into_iter();
        let entries = entries.map(|(field, secret)| (entry(connector, &field), secret));
        let entries: Vec<(String, SecretString)> = entries.collect();
        let kept = self.keychain.ask_for_sources(move |keychain| {
            entries.iter().try_for_each(|(name, secret)| {
                if secret.expose_secret().is_empty() {
                    return keychain.forget(name);
                }
                keychain.set(name, secret)
            })
        });
        let words = match timeout(KEEP, kept).await {
            Ok(Ok(())) => return self.are_kept(connector, &fields),
            Ok(Err(NotDone::Locked)) | Err(_) => LOCKED,
            Ok(Err(NotDone::Absent)) => ABSENT,
            Ok(Err(NotDone::Failed)) => FAILED,
        };
        let mut typed = self.typed();
        let typed = typed.entry(connector.to_owned()).or_default();
        typed.fields.extend(fields);
        typed.words = words;
    }

    fn are_kept(&self, connector: &str, fields: &BTreeMap<String, SecretString>) {
        let mut typed = self.typed();
        if let Some(of) = typed.get_mut(connector) {
            of.fields.retain(|field, _| !fields.contains_key(field));
        }
        typed.retain(|_, of| !of.fields.is_empty());
    }

    /// What is not there is forgotten already.
    pub(super) async fn forget(&self, connector: &str, fields: Vec<String>) {
        self.typed().remove(connector);
        let names = fields.into_iter().map(|field| entry(connector, &field));
        let names: Vec<String> = names.collect();
        let forgotten = self.keychain.ask_for_sources(move |keychain| {
            names.iter().try_for_each(|name| keychain.forget(name))
        });
        if !matches!(timeout(KEEP, forgotten).await, Ok(Ok(()))) {
            tracing::warn!(%connector, "its secrets were not removed from the keychain");
        }
    }

    /// Why what was typed for this source is not kept.
    pub(super) fn not_kept(&self, connector: &str) -> Option<String> {
        let typed = self.typed();
        typed.get(connector).map(|typed| typed.words.to_owned())
    }

    fn typed_of(&self, connector: &str) -> BTreeMap<String, SecretString> {
        let typed = self.typed();
        let of = typed.get(connector).map(|typed| typed.fields.clone());
        of.unwrap_or_default()
    }

    fn typed(&self) -> MutexGuard<'_, BTreeMap<String, Typed>> {
        self.typed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn stored(
        &self,
        connector: &str,
        fields: Vec<String>,
    ) -> Result<BTreeMap<String, SecretString>, String> {
        if fields.is_empty() {
            return Ok(BTreeMap::new());
        }
        // The keychain's own question would come once for each source.
        if Keychain::is_locked().await {
            return Err(LOCKED.to_owned());
        }
        let entries = fields.into_iter();
        let entries = entries.map(|field| (entry(connector, &field), field));
        let entries: Vec<(String, String)> = entries.collect();
        let loaded = self.keychain.ask_for_sources(move |keychain| {
            let mut loaded = BTreeMap::new();
            for (name, field) in entries {
                if let Some(secret) = keychain.secret(&name)? {
                    loaded.insert(field, secret);
                }
            }
            Ok(loaded)
        });
        match loaded.await {
            Ok(loaded) => Ok(loaded),
            // Nothing was ever kept there: the form says what is missing.
            Err(NotDone::Absent) => Ok(BTreeMap::new()),
            Err(NotDone::Locked) => Err(LOCKED.to_owned()),
            Err(NotDone::Failed) => Err(FAILED.to_owned()),
        }
    }
}

fn entry(connector: &str, field: &str) -> String {
    format!("connector:{connector}:{field}")
}

impl Vault for Secrets {
    fn load<'a>(
        &'a self,
        connector: &'a str,
        fields: Vec<String>,
    ) -> Boxed<'a, Result<BTreeMap<String, SecretString>, String>> {
        Box::pin(async move {
            let mut typed = self.typed_of(connector);
            let other = fields
                .into_iter()
                .filter(|field| !typed.contains_key(field));
            let stored = self.stored(connector, other.collect()).await?;
            typed.extend(stored);
            typed.retain(|_, secret| !secret.expose_secret().is_empty());
            Ok(typed)
        })
    }

    fn save(&self, connector: &str, field: &str, secret: &SecretString) -> Result<(), String> {
        let fields = BTreeMap::from([(field.to_owned(), secret.clone())]);
        // This is a thread that may block.
        Handle::current().block_on(self.keep(connector, fields));
        match self.not_kept(connector) {
            Some(words) => Err(words),
            None => Ok(()),
        }
    }

    fn waiting(&self) -> String {
        LOCKED.to_owned()
    }

    fn again(&self) -> Boxed<'_, ()> {
        Box::pin(async {
            sleep(LOOK).await;
            while Keychain::is_locked().await {
                sleep(LOOK).await;
            }
        })
    }
}
