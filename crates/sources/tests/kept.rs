//! A source that is set up, as its vault and its form come and go.

use phone_number::{DialPlan, Region};
use secrecy::SecretString;
use sources::{Around, Boxed, Kept, Vault};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::timeout};
use wire::{ConnectorSettings, ConnectorState};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_source_whose_vault_is_locked_says_so_and_is_there_once_it_is_open() {
    let vault = Arc::new(Safe::locked("The safe is locked."));
    let kept = Kept::new(ldap(true), around(vault.clone()));
    let words = trouble(&kept).await;
    assert_eq!(words, "The safe is locked.");
    assert!(kept.now().borrow().source().is_none());
    vault.open(&[("password", "hunter2")]);
    until(&kept, |state| *state == ConnectorState::Ready).await;
    let now = kept.now().borrow().clone();
    assert_eq!(now.source().expect("is there").id(), "firm");
    assert_eq!(now.stored, ["password"]);
}

#[tokio::test]
async fn what_is_not_filled_in_is_said_and_a_new_try_finds_it() {
    let vault = Arc::new(Safe::locked("No."));
    vault.open(&[]);
    let mut settings = ldap(true);
    settings.values.remove("base");
    let kept = Kept::new(settings, around(vault));
    let words = trouble(&kept).await;
    assert_eq!(words, "Where to look: this must be filled in.");
}

#[tokio::test]
async fn a_source_that_is_off_asks_for_no_secret_and_shows_its_form() {
    let vault = Arc::new(Safe::locked("Nobody may ask."));
    let kept = Kept::new(ldap(false), around(vault));
    let mut now = kept.now();
    let read = now.wait_for(|now| now.kind.is_some());
    let kind = timeout(LIMIT, read)
        .await
        .expect("in time")
        .expect("is kept");
    assert!(!kind.kind.as_ref().expect("a form").fields.is_empty());
    drop(kind);
    assert_eq!(kept.health().state(), ConnectorState::Off);
}

#[tokio::test]
async fn a_description_that_is_not_there_is_named() {
    let vault = Arc::new(Safe::locked("No."));
    let settings = ConnectorSettings {
        file: "frobnicate".into(),
        ..ldap(true)
    };
    let words = trouble(&Kept::new(settings, around(vault))).await;
    assert!(words.contains("frobnicate"), "{words}");
}

fn ldap(enabled: bool) -> ConnectorSettings {
    let values = [("url", "ldaps://ldap.example"), ("base", "dc=example")];
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
    ConnectorSettings {
        id: "firm".into(),
        file: "ldap".into(),
        enabled,
        values: values.into(),
    }
}

fn around(vault: Arc<Safe>) -> Around {
    Around {
        plan: DialPlan::new(Region::GB),
        language: "en".into(),
        vault,
        copies: None,
    }
}

async fn trouble(kept: &Kept) -> String {
    until(kept, |state| {
        matches!(state, ConnectorState::Trouble { .. })
    })
    .await;
    match kept.health().state() {
        ConnectorState::Trouble { words } => words,
        ConnectorState::Off
        | ConnectorState::Starting
        | ConnectorState::Ready
        | ConnectorState::Works { .. } => panic!("was in trouble"),
    }
}

async fn until(kept: &Kept, is_so: impl Fn(&ConnectorState) -> bool) {
    let mut changes = kept.health().changes();
    while !is_so(&kept.health().state()) {
        let changed = timeout(LIMIT, changes.changed()).await;
        changed.expect("in time").expect("is kept");
    }
}

/// A vault of the test's own.
struct Safe {
    holds: Mutex<Result<BTreeMap<String, SecretString>, String>>,
    opened: Notify,
}

impl Safe {
    fn locked(words: &str) -> Self {
        Self {
            holds: Mutex::new(Err(words.to_owned())),
            opened: Notify::new(),
        }
    }

    fn open(&self, secrets: &[(&str, &str)]) {
        let secrets = secrets.iter();
        let secrets =
            secrets.map(|(name, secret)| ((*name).to_owned(), SecretString::from(*secret)));
        *self.holds.lock().expect("one test") = Ok(secrets.collect());
        self.opened.notify_one();
    }
}

impl Vault for Safe {
    fn load<'a>(
        &'a self,
        _connector: &'a str,
        _fields: Vec<String>,
    ) -> Boxed<'a, Result<BTreeMap<String, SecretString>, String>> {
        Box::pin(async { self.holds.lock().expect("one test").clone() })
    }

    fn save(&self, _connector: &str, field: &str, secret: &SecretString) -> Result<(), String> {
        let holds = self.holds.lock();
        let mut holds = holds.unwrap_or_else(PoisonError::into_inner);
        let holds = holds.as_mut().map_err(|words| words.clone())?;
        holds.insert(field.to_owned(), secret.clone());
        Ok(())
    }

    fn waiting(&self) -> String {
        "Waiting.".to_owned()
    }

    fn again(&self) -> Boxed<'_, ()> {
        Box::pin(self.opened.notified())
    }
}
