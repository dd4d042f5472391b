//! Contact sources as they are set up: their forms, tried, kept, signed in to, forgotten.

use super::vault::Secrets;
use super::{Done, People, sign_in};
use crate::folders;
use desktop::{ConnectorCommand, ConnectorNews};
use secrecy::{ExposeSecret as _, SecretString};
use sources::{Around, Description, Kept, Made, Vault as _};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::timeout;
use view::ConnectorSettings;
use wire::rest::{Finding, Findings};

/// All questions of a test together.
const TEST: Duration = Duration::from_secs(45);

impl People {
    pub(crate) fn connector_command(&mut self, command: ConnectorCommand) {
        match command {
            ConnectorCommand::Kinds => self.blocking(|| {
                let own = folders::config().map(|folder| folder.join("connectors"));
                ConnectorNews::Kinds(sources::kinds(own.as_deref()))
            }),
            ConnectorCommand::Read { key, file } => self.blocking(move || {
                let kind = Box::new(sources::kind(&file));
                ConnectorNews::Kind { key, kind }
            }),
            ConnectorCommand::Keep {
                key,
                connector,
                secrets,
            } => self.keep_form(key, connector, secrets),
            ConnectorCommand::Test {
                key,
                connector,
                secrets,
            } => self.test(key, connector, secrets),
            ConnectorCommand::SignIn { key, connector } => self.sign_in(key, &connector),
            ConnectorCommand::Forget { connector } => self.forget(connector),
        }
    }

    fn keep_form(
        &mut self,
        key: u64,
        connector: ConnectorSettings,
        typed: BTreeMap<String, SecretString>,
    ) {
        if !typed.is_empty() {
            self.renewed.insert(connector.id.clone());
        }
        let (secrets, around) = (self.secrets.clone(), self.around());
        self.tell(async move {
            let result = match make(&connector, &typed, &secrets, &around).await {
                Ok(Form { names, .. }) => {
                    let typed = typed.into_iter().filter(|(name, _)| names.contains(name));
                    secrets.keep(&connector.id, typed.collect()).await;
                    Ok(())
                }
                Err(words) => Err(words.join(" ")),
            };
            ConnectorNews::Checked { key, result }
        });
    }

    fn test(&self, key: u64, connector: ConnectorSettings, typed: BTreeMap<String, SecretString>) {
        let (secrets, around) = (self.secrets.clone(), self.around());
        let at_work = self.at_work(&connector).filter(|_| typed.is_empty());
        self.tell(async move {
            let made = match at_work {
                Some(made) => Ok(made),
                None => make(&connector, &typed, &secrets, &around)
                    .await
                    .map(|form| form.made),
            };
            let findings = match made {
                Ok(made) => match timeout(TEST, made.test()).await {
                    Ok(findings) => findings,
                    Err(_) => vec![failed("answer", "It did not come to an end in 45 s.")],
                },
                Err(words) => words
                    .iter()
                    .map(|words| failed("settings", words))
                    .collect(),
            };
            let findings = Findings { findings };
            ConnectorNews::Tested { key, findings }
        });
    }

    fn sign_in(&self, key: u64, connector: &str) {
        let made = self.made(connector);
        let crm = made.as_ref().and_then(Made::crm).cloned();
        let (mut kept, bell) = (self.kept.iter().map(|(kept, _)| kept), self.bell.clone());
        let retry = kept.find(|kept| kept.settings().id == connector);
        let retry = retry.map(Kept::retrier);
        self.tell(async move {
            let result = match crm {
                Some(crm) => sign_in::sign_in(crm).await,
                None => Err("Fill in the form and save it first.".to_owned()),
            };
            if result.is_ok()
                && let Some(retry) = retry
            {
                // It is made anew with what was stored.
                retry.notify_one();
            }
            bell.notify_one();
            ConnectorNews::Checked { key, result }
        });
    }

    /// The source that is at work with these settings. A second one would use up a login that counts only once.
    fn at_work(&self, connector: &ConnectorSettings) -> Option<Made> {
        let mut kept = self.kept.iter().map(|(kept, _)| kept.settings());
        let is_same = |own: &&ConnectorSettings| {
            own.id == connector.id && own.file == connector.file && own.values == connector.values
        };
        kept.find(is_same)?;
        self.made(&connector.id)
    }

    pub(super) fn made(&self, connector: &str) -> Option<Made> {
        let mut kept = self.kept.iter().map(|(kept, _)| kept);
        let kept = kept.find(|kept| kept.settings().id == connector)?;
        kept.now().borrow().made.clone()
    }

    fn forget(&self, connector: String) {
        let mut kept = self.kept.iter().map(|(kept, _)| kept);
        let Some(kept) = kept.find(|kept| kept.settings().id == connector) else {
            return;
        };
        let now = kept.now().borrow().clone();
        let fields = now.kind.iter().flat_map(|kind| &kind.fields);
        let fields = fields.filter(|field| sources::is_secret(field.kind));
        let mut names: BTreeSet<String> = fields.map(|field| field.name.clone()).collect();
        names.extend(now.stored);
        let secrets = self.secrets.clone();
        let names = names.into_iter().collect();
        let copies = self.around().copies;
        tokio::spawn(async move {
            secrets.forget(&connector, names).await;
            let forget = move || copies.map_or(Ok(()), |at| sources::forget_copy(&at, &connector));
            if let Ok(Err(error)) = tokio::task::spawn_blocking(forget).await {
                tracing::warn!(%error, "the copy of a removed address book is left");
            }
        });
    }

    fn blocking(&self, work: impl FnOnce() -> ConnectorNews + Send + 'static) {
        let done = self.done.clone();
        tokio::task::spawn_blocking(move || drop(done.blocking_send(Done::Connector(work()))));
    }

    fn tell(&self, work: impl Future<Output = ConnectorNews> + Send + 'static) {
        let done = self.done.clone();
        tokio::spawn(async move {
            let news = work.await;
            drop(done.send(Done::Connector(news)).await);
        });
    }
}

/// A form that is filled in right.
struct Form {
    /// Of its secrets.
    names: Vec<String>,
    made: Made,
}

/// The source by these settings with what is typed and, where nothing is, with what is stored.
async fn make(
    connector: &ConnectorSettings,
    typed: &BTreeMap<String, SecretString>,
    stored: &Secrets,
    around: &Around,
) -> Result<Form, Vec<String>> {
    let file = connector.file.clone();
    let read = tokio::task::spawn_blocking(move || Description::read(&file)).await;
    let description = read.map_err(|error| vec![error.to_string()])??;
    let fields = &description.kind().fields;
    let secret = fields.iter().filter(|field| sources::is_secret(field.kind));
    let names: Vec<String> = secret.map(|field| field.name.clone()).collect();
    let untyped = names.iter().filter(|name| !typed.contains_key(*name));
    let loaded = stored.load(&connector.id, untyped.cloned().collect()).await;
    let mut secrets = loaded.map_err(|words| vec![words])?;
    let typed = typed
        .iter()
        .filter(|(_, secret)| !secret.expose_secret().is_empty());
    secrets.extend(typed.map(|(name, secret)| (name.clone(), secret.clone())));
    match description.make(connector, &secrets, around) {
        Ok(made) => Ok(Form { names, made }),
        Err(complaints) => Err(sources::sentences(&complaints, fields)),
    }
}

fn failed(what: &str, words: &str) -> Finding {
    Finding {
        passed: false,
        what: what.to_owned(),
        words: words.to_owned(),
    }
}
