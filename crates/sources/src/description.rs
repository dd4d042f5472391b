//! What can be connected, and the source that comes of a form.

use crate::form::{Complaint, Filled};
use crate::health::Health;
use crate::keeper::{Around, Vault};
use crate::{carddav, ldap};
use contacts::carddav::{CardDavConfig, CardDavSource};
use contacts::ldap::LdapSource;
use contacts::{Person, Source, SourceError, SourceErrorKind};
use phone_number::PhoneNumber;
use secrecy::SecretString;
use std::{
    collections::BTreeMap,
    io::{self, Read as _},
    path::Path,
    sync::Arc,
};
use wire::{ConnectorKind, ConnectorSettings, PersonForm, rest::Finding};

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
    Crm(Arc<crm::File>),
}

/// A source that was made of its settings.
#[derive(Clone, Debug)]
pub enum Made {
    Ldap(Arc<LdapSource>),
    CardDav {
        config: Arc<CardDavConfig>,
        source: Arc<CardDavSource>,
    },
    Crm(crm::Connector),
}

/// All that can be connected: what comes with the program by title, directories, then one's own files in this folder.
/// Reads files.
#[must_use]
pub fn kinds(own: Option<&Path>) -> Vec<ConnectorKind> {
    let bundled = crm::bundled().iter().map(|(name, _)| kind(name));
    let mut kinds: Vec<ConnectorKind> = bundled.collect();
    kinds.sort_by_key(|kind| kind.title.to_lowercase());
    kinds.extend([ldap::kind(), carddav::kind()]);
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
        if is_own(file) {
            let text = read(Path::new(file)).map_err(|error| vec![format!("{file}: {error}.")])?;
            return Self::parse(file, &text);
        }
        let mut bundled = crm::bundled().iter();
        match bundled.find(|(name, _)| *name == file) {
            Some((_, text)) => Self::parse(file, text),
            None => Err(vec![format!("No description is called “{file}”.")]),
        }
    }

    fn parse(file: &str, text: &str) -> Result<Self, Vec<String>> {
        let parsed = crm::File::parse(text, file);
        let parsed =
            parsed.map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        let about =
            ["en", "ru"].map(|language| (language.to_owned(), parsed.about(language).to_owned()));
        let about = about.into_iter().filter(|(_, words)| !words.is_empty());
        Ok(Self {
            kind: ConnectorKind {
                file: file.to_owned(),
                title: parsed.name().to_owned(),
                about: about.collect(),
                executed: parsed.executed().to_owned(),
                fields: parsed.params(),
                trouble: Vec::new(),
            },
            what: What::Crm(Arc::new(parsed)),
        })
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
        around: &Around,
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
                let source = ldap::source(&form, around.plan.clone())?;
                Ok(Made::Ldap(Arc::new(source)))
            }
            What::CardDav => {
                let config = Arc::new(carddav::config(&form, around));
                let source = Arc::new(carddav::source((*config).clone())?);
                Ok(Made::CardDav { config, source })
            }
            What::Crm(file) => connector(file, settings, secrets, around).map(Made::Crm),
        }
    }
}

fn connector(
    file: &Arc<crm::File>,
    settings: &ConnectorSettings,
    secrets: &BTreeMap<String, SecretString>,
    around: &Around,
) -> Result<crm::Connector, Vec<Complaint>> {
    let options = crm::Options {
        language: around.language.clone(),
        id: Some(settings.id.clone()),
        store: Some(Arc::new(Tokens {
            vault: around.vault.clone(),
            connector: settings.id.clone(),
        })),
        ..crm::Options::new(around.plan.clone())
    };
    // What an older form of the file asked for is kept, and not given to the newer one.
    let is_asked = |name: &String| file.params().iter().any(|field| field.name == *name);
    let mut values = settings.values.clone();
    values.retain(|name, _| is_asked(name) && !file.is_secret(name));
    let mut secrets = secrets.clone();
    secrets.retain(|name, _| is_asked(name));
    let made = file.connector(&values, &secrets, options);
    let complain = |(field, words)| Complaint { field, words };
    made.map_err(|wrong| wrong.into_iter().map(complain).collect())
}

/// Where a CRM's new tokens go. What is stored is loaded before a connector is made.
struct Tokens {
    vault: Arc<dyn Vault>,
    connector: String,
}

impl crm::SecretStore for Tokens {
    fn load(&self, _name: &str) -> Option<SecretString> {
        None
    }

    fn save(&self, name: &str, secret: &SecretString) -> Result<(), String> {
        self.vault.save(&self.connector, name, secret)
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
            Self::Crm(connector) => Arc::new(connector.clone()),
        }
    }

    /// Says how it does for as long as this is polled, where it is known without asking it.
    pub(crate) async fn tell(&self, health: &Health) {
        match self {
            Self::Ldap(_) | Self::Crm(_) => std::future::pending().await,
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
            Self::Crm(connector) => {
                let findings = connector.test().await.into_iter();
                findings.map(tested).collect()
            }
        }
    }

    /// The CRM, for what only CRMs do.
    #[must_use]
    pub fn crm(&self) -> Option<&crm::Connector> {
        match self {
            Self::Ldap(_) | Self::CardDav { .. } => None,
            Self::Crm(connector) => Some(connector),
        }
    }

    /// What is asked to make a new person there; `None`: it makes nobody.
    #[must_use]
    pub fn form(&self, number: Option<&PhoneNumber>) -> Option<PersonForm> {
        self.crm()?.form(number)
    }

    /// Makes a new person. **Only when somebody wants it.**
    ///
    /// # Errors
    /// It makes nobody, or why not with the CRM's own words.
    pub async fn create(
        &self,
        fields: &BTreeMap<String, String>,
        number: &PhoneNumber,
    ) -> Result<Person, SourceError> {
        match self.crm() {
            Some(connector) => connector.create(fields, number).await,
            None => Err(SourceError {
                kind: SourceErrorKind::Broken,
                words: "New people are not made here.".to_owned(),
            }),
        }
    }
}

fn tested(finding: crm::Finding) -> Finding {
    Finding {
        passed: finding.passed,
        what: finding.title,
        words: finding.words,
    }
}

fn finding(what: &str, result: Result<(), SourceError>) -> Finding {
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
