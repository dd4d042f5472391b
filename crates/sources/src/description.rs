//! What can be connected, and the source that comes of a form.

use crate::form::{Complaint, Filled};
use crate::health::Health;
use crate::{carddav, ldap};
use contacts::Source;
use contacts::carddav::{CardDavConfig, CardDavSource};
use contacts::ldap::LdapSource;
use phone_number::DialPlan;
use secrecy::SecretString;
use std::{
    collections::BTreeMap,
    io::{self, Read as _},
    path::Path,
    sync::Arc,
};
use wire::{ConnectorKind, ConnectorSettings, rest::Finding};

/// A description is a text that a person writes; what is longer is something else.
const LONGEST: u64 = 512 * 1024;

/// Something that can be connected, understood.
#[derive(Clone, Debug)]
pub struct Description {
    kind: ConnectorKind,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Ldap,
    CardDav,
}

/// A source that was made of its settings.
#[derive(Clone, Debug)]
pub enum Made {
    Ldap(Arc<LdapSource>),
    CardDav {
        config: Arc<CardDavConfig>,
        source: Arc<CardDavSource>,
    },
}

/// All that can be connected: what comes with the program, then one's own files in this folder. Reads files.
#[must_use]
pub fn kinds(own: Option<&Path>) -> Vec<ConnectorKind> {
    let mut kinds = vec![ldap::kind(), carddav::kind()];
    kinds.extend(own.into_iter().flat_map(own_files).map(|file| kind(&file)));
    kinds
}

/// One of them; what is wrong with a file of one's own stands in it. Reads a file.
#[must_use]
pub fn kind(file: &str) -> ConnectorKind {
    match Description::read(file) {
        Ok(description) => description.kind,
        Err(trouble) => ConnectorKind {
            file: file.to_owned(),
            title: title(file),
            trouble,
            ..ConnectorKind::default()
        },
    }
}

/// What to call a file that does not say it itself.
fn title(file: &str) -> String {
    let name = Path::new(file).file_stem();
    name.map_or_else(
        || file.to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// Whether it is a file of one's own, which may change at any time.
#[must_use]
pub fn is_own(file: &str) -> bool {
    file.ends_with(".toml")
}

fn own_files(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let files = paths.filter_map(|path| path.to_str().map(str::to_owned));
    let mut files: Vec<String> = files.filter(|file| is_own(file)).collect();
    files.sort();
    files
}

impl Description {
    /// Reads a file, where it is one.
    ///
    /// # Errors
    /// Sentences, with file, line and column where it is the text that is wrong.
    pub fn read(file: &str) -> Result<Self, Vec<String>> {
        let built_in = |kind, what| Ok(Self { kind, what });
        if file == ldap::FILE {
            return built_in(ldap::kind(), What::Ldap);
        }
        if file == carddav::FILE {
            return built_in(carddav::kind(), What::CardDav);
        }
        if !is_own(file) {
            return Err(vec![format!("No description is called “{file}”.")]);
        }
        let text = read(Path::new(file)).map_err(|error| vec![format!("{file}: {error}.")])?;
        let _ = text;
        Err(vec![])
    }

    #[must_use]
    pub fn kind(&self) -> &ConnectorKind {
        &self.kind
    }

    /// The source by these settings and secrets, to try it.
    ///
    /// # Errors
    /// What is not filled in right.
    pub fn make(
        &self,
        settings: &ConnectorSettings,
        secrets: &BTreeMap<String, SecretString>,
        plan: &DialPlan,
    ) -> Result<Made, Vec<Complaint>> {
        self.make_to_keep(settings, secrets, plan, None)
    }

    /// The same for longer; `copies`: the folder where address books are kept between two runs.
    pub(crate) fn make_to_keep(
        &self,
        settings: &ConnectorSettings,
        secrets: &BTreeMap<String, SecretString>,
        plan: &DialPlan,
        copies: Option<&Path>,
    ) -> Result<Made, Vec<Complaint>> {
        let form = Filled {
            fields: &self.kind.fields,
            settings,
            secrets,
        };
        let missing = form.missing();
        if !missing.is_empty() {
            return Err(missing);
        }
        match &self.what {
            What::Ldap => {
                let source = ldap::source(&form, plan.clone())?;
                Ok(Made::Ldap(Arc::new(source)))
            }
            What::CardDav => {
                let config = Arc::new(carddav::config(&form, plan.clone(), copies));
                let source = Arc::new(carddav::source((*config).clone())?);
                Ok(Made::CardDav { config, source })
            }
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    let file = std::fs::File::open(path)?;
    let mut text = String::new();
    file.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::other("this is too long for a description"));
    }
    Ok(text)
}

impl Made {
    #[must_use]
    pub fn source(&self) -> Arc<dyn Source> {
        match self {
            Self::Ldap(source) => source.clone(),
            Self::CardDav { source, .. } => source.clone(),
        }
    }

    /// Says how it does for as long as this is polled, where it is known without asking it.
    pub(crate) async fn tell(&self, health: &Health) {
        match self {
            Self::Ldap(_) => std::future::pending().await,
            Self::CardDav { source, .. } => {
                let mut state = source.state();
                loop {
                    let now = state.borrow_and_update().clone();
                    health.read(now.is_read, now.trouble.as_ref());
                    if state.changed().await.is_err() {
                        return std::future::pending().await;
                    }
                }
            }
        }
    }

    /// Tries it: a sentence for each thing that works, and for what does not with what the source said.
    pub async fn test(&self) -> Vec<Finding> {
        match self {
            Self::Ldap(source) => vec![finding("directory", source.test().await)],
            Self::CardDav { config, .. } => vec![carddav::test(config).await],
        }
    }
}

fn finding(what: &str, result: Result<(), contacts::SourceError>) -> Finding {
    let what = what.to_owned();
    match result {
        Ok(()) => Finding {
            passed: true,
            what,
            words: "It is reached, takes the account and knows people.".to_owned(),
        },
        Err(error) => Finding {
            passed: false,
            what,
            words: error.words,
        },
    }
}
