//! Contact sources in the settings: connected, changed, put in order, tried, forgotten.
//!
//! The settings say what is connected; the shell reads the descriptions, keeps the secrets and says how each source does.

use super::settings::Saving;
use super::{Asker, Controller};
use crate::shell::{ClientId, ConnectorCommand, ConnectorNews, Now, Shell};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use view::{
    Change, ConnectorSettings, Connectors, RefusalCode, Reply, SecretText, SettingsView, Window,
};

/// The form is checked and the secrets are kept by then, or the keychain is locked.
const KEEPING: Duration = Duration::from_secs(20);
/// Each question of a test has a deadline of its own.
const TESTING: Duration = Duration::from_secs(60);
/// As long as a person is at the page where he signs in.
const SIGNING_IN: Duration = Duration::from_secs(310);
/// Sources that can be set up; more are asked by nobody.
const CONNECTORS: usize = 32;
/// Letters of an id.
const ID: usize = 64;

/// Questions to the shell about contact sources that are not answered yet.
#[derive(Debug, Default)]
pub(super) struct AskedConnectors {
    asked: BTreeMap<u64, Asked>,
}

#[derive(Debug)]
struct Asked {
    asker: Asker,
    until: Instant,
    /// What is set up once the shell has kept it.
    save: Option<ConnectorSettings>,
}

impl AskedConnectors {
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.asked.values().map(|asked| asked.until).min()
    }

    /// What is being saved is saved all the same.
    pub(super) fn client_gone(&mut self, client: ClientId) {
        self.asked
            .retain(|_, asked| asked.asker.client != client || asked.save.is_some());
    }
}

impl<S: Shell> Controller<S> {
    pub(super) fn connector_request(&mut self, asker: Asker, request: ConnectorRequest, now: Now) {
        if self.is_server_mode() {
            let words = "Your administrator connects contact sources at the server.";
            return self.refuse(asker, RefusalCode::Connector, words);
        }
        let done = match request {
            ConnectorRequest::Save { connector, secrets } => {
                self.keep_connector(asker, connector, secrets, now)
            }
            ConnectorRequest::Remove(id) => self.remove_connector(asker, &id),
            ConnectorRequest::Move { id, to } => self.move_connector(asker, &id, to),
            ConnectorRequest::Test { connector, secrets } => {
                self.test_connector(asker, connector, secrets, now)
            }
            ConnectorRequest::Read(file) => {
                let key = self.ask_of_connector(asker, TESTING, None, now);
                self.shell.connector(ConnectorCommand::Read { key, file });
                Ok(())
            }
            ConnectorRequest::SignIn(id) => self.sign_in_connector(asker, id, now),
        };
        if let Err(words) = done {
            self.refuse(asker, RefusalCode::Connector, words);
        }
    }

    fn keep_connector(
        &mut self,
        asker: Asker,
        connector: ConnectorSettings,
        secrets: BTreeMap<String, SecretText>,
        now: Now,
    ) -> Result<(), String> {
        check_id(&connector.id)?;
        let connectors = &self.state.settings.settings.connectors;
        let is_new = connectors.iter().all(|known| known.id != connector.id);
        if is_new && connectors.len() >= CONNECTORS {
            return Err(format!(
                "More than {CONNECTORS} contact sources are not asked."
            ));
        }
        let save = Some(connector.clone());
        let key = self.ask_of_connector(asker, KEEPING, save, now);
        let secrets = concealed(secrets);
        self.shell.connector(ConnectorCommand::Keep {
            key,
            connector,
            secrets,
        });
        Ok(())
    }

    fn remove_connector(&mut self, asker: Asker, id: &str) -> Result<(), String> {
        let place = self.place_of(id)?;
        self.is_saving()?;
        // While it is still there, the shell knows which secrets it has.
        let connector = id.to_owned();
        self.shell.connector(ConnectorCommand::Forget { connector });
        let mut connectors = self.state.settings.settings.connectors.clone();
        connectors.remove(place);
        self.save_connectors(asker, connectors)
    }

    fn move_connector(&mut self, asker: Asker, id: &str, to: u32) -> Result<(), String> {
        let mut connectors = self.state.settings.settings.connectors.clone();
        let moved = connectors.remove(self.place_of(id)?);
        let to = usize::try_from(to).unwrap_or(usize::MAX);
        connectors.insert(to.min(connectors.len()), moved);
        self.save_connectors(asker, connectors)
    }

    fn test_connector(
        &mut self,
        asker: Asker,
        connector: ConnectorSettings,
        secrets: BTreeMap<String, SecretText>,
        now: Now,
    ) -> Result<(), String> {
        check_id(&connector.id)?;
        let key = self.ask_of_connector(asker, TESTING, None, now);
        let secrets = concealed(secrets);
        self.shell.connector(ConnectorCommand::Test {
            key,
            connector,
            secrets,
        });
        Ok(())
    }

    fn sign_in_connector(&mut self, asker: Asker, id: String, now: Now) -> Result<(), String> {
        self.place_of(&id)?;
        let key = self.ask_of_connector(asker, SIGNING_IN, None, now);
        self.shell
            .connector(ConnectorCommand::SignIn { key, connector: id });
        Ok(())
    }

    fn ask_of_connector(
        &mut self,
        asker: Asker,
        within: Duration,
        save: Option<ConnectorSettings>,
        now: Now,
    ) -> u64 {
        self.keys += 1;
        let until = now.instant + within;
        let asked = Asked { asker, until, save };
        self.asked_connectors.asked.insert(self.keys, asked);
        self.keys
    }

    fn place_of(&self, id: &str) -> Result<usize, String> {
        let mut connectors = self.state.settings.settings.connectors.iter();
        connectors
            .position(|connector| connector.id == id)
            .ok_or_else(|| "This contact source is not connected any more.".to_owned())
    }

    fn is_saving(&self) -> Result<(), String> {
        if self.saving.is_some() {
            return Err("The settings are being saved just now. Try again.".into());
        }
        Ok(())
    }

    /// Answered when the file is written.
    fn save_connectors(
        &mut self,
        asker: Asker,
        connectors: Vec<ConnectorSettings>,
    ) -> Result<(), String> {
        self.is_saving()?;
        let mut view = self.state.settings.clone();
        view.settings.connectors = connectors;
        self.saving = Some(Saving { asker });
        self.shell.save_settings(&view.settings);
        self.shell.use_sources(&view.settings);
        self.change(Change::Settings(Box::new(view)));
        Ok(())
    }

    // --- what the shell says -----------------------------------------------------------------------------------------

    pub(super) fn connector_news(&mut self, news: ConnectorNews) {
        match news {
            ConnectorNews::Kinds(_) if !self.is_open(Window::Settings) => {}
            ConnectorNews::Kinds(kinds) => {
                let connected = self.state.settings.connectors.connected.clone();
                self.draw_connectors(Connectors { kinds, connected });
            }
            ConnectorNews::Connected(connected) => {
                let kinds = self.state.settings.connectors.kinds.clone();
                self.draw_connectors(Connectors { kinds, connected });
            }
            ConnectorNews::Kind { key, kind } => {
                self.answer_connector(key, Reply::ConnectorKind(kind))
            }
            ConnectorNews::Tested { key, findings } => {
                self.answer_connector(key, Reply::Findings(findings));
            }
            ConnectorNews::Checked { key, result } => self.connector_checked(key, result),
        }
    }

    pub(super) fn draw_connectors(&mut self, connectors: Connectors) {
        let view = SettingsView {
            connectors,
            ..self.state.settings.clone()
        };
        self.change(Change::Settings(Box::new(view)));
    }

    fn answer_connector(&mut self, key: u64, reply: Reply) {
        if let Some(asked) = self.asked_connectors.asked.remove(&key) {
            self.reply(asked.asker, reply);
        }
    }

    /// The form is right and its secrets are kept: from now on it is asked who calls.
    fn connector_checked(&mut self, key: u64, result: Result<(), String>) {
        let Some(asked) = self.asked_connectors.asked.remove(&key) else {
            return;
        };
        let saved = result.and_then(|()| match asked.save {
            None => {
                self.reply(asked.asker, Reply::Done);
                Ok(())
            }
            Some(connector) => {
                let mut connectors = self.state.settings.settings.connectors.clone();
                match connectors.iter_mut().find(|known| known.id == connector.id) {
                    Some(known) => *known = connector,
                    None => connectors.push(connector),
                }
                self.save_connectors(asked.asker, connectors)
            }
        });
        if let Err(words) = saved {
            self.refuse(asked.asker, RefusalCode::Connector, words);
        }
    }

    pub(super) fn expire_connectors(&mut self, now: Now) {
        let asked = &self.asked_connectors.asked;
        let late = asked.iter().filter(|(_, asked)| asked.until <= now.instant);
        let late: Vec<u64> = late.map(|(key, _)| *key).collect();
        for key in late {
            let words = "There was no answer in time. Try again.".to_owned();
            self.connector_checked(key, Err(words));
        }
    }
}

/// What a window wants of the contact sources.
pub(super) enum ConnectorRequest {
    Save {
        connector: ConnectorSettings,
        secrets: BTreeMap<String, SecretText>,
    },
    Remove(String),
    Move {
        id: String,
        to: u32,
    },
    Test {
        connector: ConnectorSettings,
        secrets: BTreeMap<String, SecretText>,
    },
    Read(String),
    SignIn(String),
}

/// It names entries of the keychain and stands in logs.
fn check_id(id: &str) -> Result<(), String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if id.is_empty() || id.len() > ID || !id.chars().all(is_plain) {
        return Err(format!(
            "The name of a contact source has 1 to {ID} letters (a to z), digits and - _ ."
        ));
    }
    Ok(())
}

fn concealed(secrets: BTreeMap<String, SecretText>) -> BTreeMap<String, SecretString> {
    let secrets = secrets.into_iter();
    secrets
        .map(|(name, secret)| (name, SecretString::from(secret.reveal().to_owned())))
        .collect()
}
