//! Settings, secret, contacts, who owns the links, and the three ticks.

use super::{Asker, Controller};
use crate::plan::{self, engine_config};
use crate::shell::{ConnectorCommand, Now, SecretOutcome, Shell};
use engine::Command;
use secrecy::SecretString;
use std::time::{Duration, Instant};
use view::{
    Change, Connection, Connectors, RefusalCode, Reply, SecretState, SecretText, Settings,
    SettingsView, TestReport, Tick, TickState, Window,
};

/// A test that has not come to its end by then has failed.
const TEST: Duration = Duration::from_secs(20);

/// Settings that are being written.
#[derive(Debug)]
pub(super) struct Saving {
    pub(super) asker: Asker,
}

/// A test under way.
#[derive(Debug)]
pub(super) struct Testing {
    key: u64,
    pub(super) until: Instant,
}

/// Whether the secret of one is the secret of the other.
fn is_same_account(one: &Settings, other: &Settings) -> bool {
    let account = |settings: &Settings| match settings.server.address.trim() {
        "" => (
            settings.user.clone(),
            settings.pbx_host.clone(),
            settings.pbx_port,
        ),
        server => (String::new(), server.to_owned(), 0),
    };
    one.server.address.trim().is_empty() == other.server.address.trim().is_empty()
        && account(one) == account(other)
}

pub(super) fn first_view(settings: Settings) -> SettingsView {
    SettingsView {
        settings,
        ..SettingsView::default()
    }
}

impl<S: Shell> Controller<S> {
    pub(super) fn begin(&mut self) {
        let settings = self.state.settings.settings.clone();
        self.load_secret(&settings);
        self.shell.use_sources(&settings);
        self.shell.check_links();
        self.keep_windows_at_start();
    }

    /// Connects with what is set, or says what is missing.
    pub(super) fn configure(&mut self) {
        self.connect();
        if let Some(now) = self.now {
            self.follow_anew(now);
        }
    }

    fn connect(&mut self) {
        if self.is_server_mode() {
            self.shell.backend(Command::Disconnect);
            if let Err(words) = self.link_up() {
                self.change(Change::Connection(Connection::NotSetUp { words }));
                self.draw_me();
            }
            return;
        }
        self.link_down();
        match engine_config(&self.state.settings.settings, self.secret.as_ref()) {
            Ok(config) => self.shell.backend(Command::Configure(Box::new(config))),
            Err(words) => {
                self.shell.backend(Command::Disconnect);
                self.change(Change::Connection(Connection::NotSetUp { words }));
                self.draw_me();
            }
        }
    }

    pub(super) fn load_secret(&mut self, settings: &Settings) {
        self.loading_secret = true;
        self.shell.load_secret(settings);
    }

    /// The lists are made when somebody looks at them: most days nobody does.
    pub(super) fn draw_choices(&mut self) {
        if self.state.settings.countries.is_empty() {
            let view = SettingsView {
                countries: plan::countries(),
                phones: plan::phones(),
                ..self.state.settings.clone()
            };
            self.change(Change::Settings(Box::new(view)));
        }
        self.draw_forms();
    }

    /// Only for a window that is there: reading all descriptions takes a megabyte.
    pub(super) fn draw_forms(&mut self) {
        let has_none = self.state.settings.connectors.kinds.is_empty();
        if has_none && self.windows.is_connected() && self.is_open(Window::Settings) {
            self.shell.connector(ConnectorCommand::Kinds);
        }
    }

    /// Their forms are long, and would go to the windows with every news of a source.
    pub(super) fn forget_choices(&mut self) {
        let connected = self.state.settings.connectors.connected.clone();
        self.draw_connectors(Connectors {
            kinds: Vec::new(),
            connected,
        });
    }

    pub(super) fn reconnect(&mut self) {
        if self.secret.is_none() {
            let settings = self.state.settings.settings.clone();
            self.load_secret(&settings);
        } else {
            self.backend(Command::RetryNow);
        }
    }

    pub(super) fn save(&mut self, asker: Asker, settings: &Settings, secret: Option<SecretText>) {
        if self.saving.is_some() {
            return self.refuse(
                asker,
                RefusalCode::Settings,
                "The settings are being saved just now.",
            );
        }
        let old = std::mem::take(&mut self.state.settings.settings);
        let same_account = is_same_account(&old, settings);
        // A form that was opened a while ago knows nothing of what was connected since.
        let settings = &Settings {
            connectors: old.connectors.clone(),
            ..settings.clone()
        };
        let sources_changed = old.contacts_file != settings.contacts_file
            || old.dial_plan != settings.dial_plan
            || old.server.address != settings.server.address;
        self.state.settings.settings = old;
        let view = SettingsView {
            settings: settings.clone(),
            ..self.state.settings.clone()
        };
        self.change(Change::Settings(Box::new(view)));
        self.saving = Some(Saving { asker });
        self.shell.save_settings(settings);
        // In server mode the secret is a token, which nobody types.
        let secret = secret.filter(|_| settings.server.address.trim().is_empty());
        if sources_changed {
            self.shell.use_sources(settings);
        }
        match secret {
            Some(secret) => {
                let secret = SecretString::from(secret.reveal().to_owned());
                self.secret = Some(secret.clone());
                self.link_down();
                // What the keychain says of an older question does not count any more.
                self.loading_secret = false;
                self.shell.store_secret(settings, secret);
                self.configure();
            }
            None if same_account && self.secret.is_some() => {
                self.configure();
                // Somebody may have mended the phone system's side: saving means "try again".
                if matches!(self.state.connection, Connection::Refused { .. }) {
                    self.backend(Command::RetryNow);
                }
            }
            None => {
                // The old account's secret must never be sent to another one.
                self.secret = None;
                self.link_down();
                self.draw_server();
                self.shell.backend(Command::Disconnect);
                self.load_secret(settings);
            }
        }
        self.draw_me();
        self.shell.check_links();
    }

    pub(super) fn settings_saved(&mut self, result: Result<(), String>) {
        let asker = self.saving.take().map(|saving| saving.asker);
        match (asker, result) {
            (Some(asker), Ok(())) => self.reply(asker, Reply::Done),
            (Some(asker), Err(words)) => self.refuse(asker, RefusalCode::Settings, words),
            (None, Ok(())) => {}
            (None, Err(words)) => tracing::warn!(%words, "settings not saved"),
        }
    }

    pub(super) fn secret_outcome(&mut self, outcome: SecretOutcome) {
        if matches!(
            outcome,
            SecretOutcome::Stored | SecretOutcome::Unavailable { .. }
        ) {
            self.token_is_kept();
        }
        let state = match outcome {
            SecretOutcome::Loaded(_) | SecretOutcome::Missing if !self.loading_secret => return,
            SecretOutcome::Loaded(secret) => {
                self.secret = Some(secret);
                self.configure();
                SecretState::Stored
            }
            SecretOutcome::Stored => SecretState::Stored,
            SecretOutcome::Missing => {
                self.secret = None;
                self.configure();
                self.show(Window::Settings);
                SecretState::Missing
            }
            SecretOutcome::Unavailable { words } if self.secret.is_some() => {
                SecretState::ThisRunOnly { words }
            }
            SecretOutcome::Unavailable { words } => {
                self.change(Change::Connection(Connection::NotSetUp {
                    words: words.clone(),
                }));
                // Asked for each time: it is never written anywhere else.
                self.show(Window::Settings);
                SecretState::Locked { words }
            }
        };
        let view = SettingsView {
            secret: state,
            ..self.state.settings.clone()
        };
        self.change(Change::Settings(Box::new(view)));
        self.draw_me();
    }

    pub(super) fn contacts_known(&mut self, words: String) {
        let contacts = (!words.is_empty()).then_some(words);
        let view = SettingsView {
            contacts,
            ..self.state.settings.clone()
        };
        self.change(Change::Settings(Box::new(view)));
    }

    pub(super) fn links_known(&mut self, tick: Tick) {
        self.links = tick.clone();
        if let Some(test) = &self.state.test {
            let test = TestReport {
                links: tick,
                ..test.clone()
            };
            self.change(Change::Test(Some(test)));
        }
    }

    pub(super) fn test(
        &mut self,
        asker: Asker,
        settings: &Settings,
        secret: Option<SecretText>,
        now: Now,
    ) {
        let typed = secret.map(|secret| SecretString::from(secret.reveal().to_owned()));
        let running = |words: &str| Tick {
            state: TickState::Running,
            words: words.into(),
        };
        let mut report = TestReport {
            connection: running("Connecting…"),
            phone: running("Asking for your phone…"),
            links: running("Asking who opens tel: links…"),
        };
        if !settings.server.address.trim().is_empty() {
            return self.test_server(asker, report, now);
        }
        // The stored secret belongs to the account that is set: it is offered to no other.
        let stored = self
            .secret
            .as_ref()
            .filter(|_| is_same_account(&self.state.settings.settings, settings));
        match engine_config(settings, typed.as_ref().or(stored)) {
            Ok(config) => {
                self.keys += 1;
                self.testing = Some(Testing {
                    key: self.keys,
                    until: now.instant + TEST,
                });
                self.shell.backend(Command::Test {
                    key: self.keys,
                    config: Box::new(config),
                });
            }
            Err(words) => {
                self.testing = None;
                report.connection = Tick {
                    state: TickState::Failed,
                    words,
                };
                report.phone = Tick {
                    state: TickState::Failed,
                    words: "Not asked: there is no connection.".into(),
                };
            }
        }
        self.change(Change::Test(Some(report)));
        self.shell.check_links();
        self.reply(asker, Reply::Done);
    }

    /// The line that stands is tested; another server is connected by enrolment and not by typing.
    fn test_server(&mut self, asker: Asker, report: TestReport, now: Now) {
        self.keys += 1;
        self.testing = Some(Testing {
            key: self.keys,
            until: now.instant + TEST,
        });
        self.change(Change::Test(Some(report)));
        self.shell.check_links();
        self.backend(Command::RetryNow);
        self.conclude_server_test();
        self.reply(asker, Reply::Done);
    }

    /// Ends a test in server mode once it is known how the line stands.
    pub(super) fn conclude_server_test(&mut self) {
        let Some(key) = self.testing.as_ref().map(|testing| testing.key) else {
            return;
        };
        let passed = match &self.state.connection {
            Connection::Connected { .. } => true,
            Connection::Refused { .. } | Connection::NotSetUp { .. } => false,
            Connection::Connecting { .. } | Connection::Away { .. } => return,
        };
        let extension = self.extension();
        let phone = match self.phone.registered {
            _ if !passed => (false, "Not asked: there is no connection.".to_owned()),
            _ if extension.is_empty() => (
                false,
                "You have no phone there: ask your administrator.".into(),
            ),
            Some(true) => (true, format!("Your phone {extension} is registered.")),
            Some(false) => (
                false,
                format!("Your phone {extension} is not registered. Check that it is switched on."),
            ),
            // As in direct mode: many phone systems do not tell, and a call shows it.
            None => (
                true,
                format!("Your phone is {extension}; nothing tells whether it is registered."),
            ),
        };
        let verdict = |(passed, words)| engine::Verdict { passed, words };
        let report = engine::TestReport {
            connection: verdict((passed, self.state.connection.words())),
            phone: verdict(phone),
        };
        self.tested(key, &report);
    }

    pub(super) fn tested(&mut self, key: u64, found: &engine::TestReport) {
        if self.testing.take_if(|testing| testing.key == key).is_none() {
            return;
        }
        let tick = |verdict: &engine::Verdict| Tick {
            state: if verdict.passed {
                TickState::Passed
            } else {
                TickState::Failed
            },
            words: verdict.words.clone(),
        };
        let links = self
            .state
            .test
            .as_ref()
            .map_or_else(|| self.links.clone(), |test| test.links.clone());
        let report = TestReport {
            connection: tick(&found.connection),
            phone: tick(&found.phone),
            links,
        };
        self.change(Change::Test(Some(report)));
    }

    pub(super) fn expire_test(&mut self, now: Instant) {
        let Some(testing) = self.testing.take_if(|testing| testing.until <= now) else {
            return;
        };
        let verdict = |words: &str| engine::Verdict {
            passed: false,
            words: words.into(),
        };
        let late = match self.is_server_mode() {
            true => format!("{} No answer in 20 s.", self.state.connection.words()),
            false => "The phone system did not answer in 20 s. Check address and port.".to_owned(),
        };
        let report = engine::TestReport {
            connection: verdict(&late),
            phone: verdict("Not asked: there is no connection."),
        };
        self.testing = Some(Testing {
            key: testing.key,
            until: testing.until,
        });
        self.tested(testing.key, &report);
    }
}
