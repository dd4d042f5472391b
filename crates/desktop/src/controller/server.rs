//! Server mode: the line to the integration server, enrolment, and signing out.

use super::{Asker, Controller};
use crate::remote::{Remote, dial_plan};
use crate::shell::{Notification, Now, ServerCommand, ServerEvent, Shell};
use engine::Update;
use secrecy::SecretString;
use std::time::{Duration, Instant};
use view::{
    Change, EnrolStep, Enrolment, RefusalCode, Reply, SecretState, ServerView, SettingsView,
    Source, Window,
};
use wire::{
    EnrolCode, EnrolError, EnrolLink, ErrorCode, Failure, Plain, ServerAddress, rest::Enrolled,
};

/// While a question is this young another link does not replace it: a page must not swap the host under the click.
const YOUNG: Duration = Duration::from_secs(2);
/// A question that nobody answers goes away.
const FORGOTTEN: Duration = Duration::from_secs(120);
/// The server has long given up by then.
const WORKING: Duration = Duration::from_secs(30);

/// An enrolment that is asked about, or under way.
#[derive(Debug)]
pub(super) struct Enrolling {
    view: Enrolment,
    link: EnrolLink,
    /// Who waits for the outcome; nobody where a link was clicked.
    asker: Option<Asker>,
    began: Instant,
    pub(super) gone_at: Instant,
}

impl<S: Shell> Controller<S> {
    /// With an address in the settings everything comes from the server.
    pub(super) fn is_server_mode(&self) -> bool {
        !self
            .state
            .settings
            .settings
            .server
            .address
            .trim()
            .is_empty()
    }

    /// The own extension, by the settings or by the server.
    pub(super) fn extension(&self) -> String {
        if !self.is_server_mode() {
            return self.state.settings.settings.extension.clone();
        }
        let me = self.remote.me();
        me.and_then(|me| me.extension.clone()).unwrap_or_default()
    }

    /// The site's dial plan, by the settings or by the server.
    pub(super) fn dial_plan(&self) -> phone_number::DialPlan {
        let theirs = self.remote.me().and_then(|me| me.dial_plan.as_ref());
        let theirs = theirs.filter(|_| self.is_server_mode());
        theirs
            .and_then(dial_plan)
            .unwrap_or_else(|| crate::plan::dial_plan(&self.state.settings.settings))
    }

    pub(super) fn server_event(&mut self, event: ServerEvent, now: Now) {
        if !self.is_server_mode() || self.linked.is_none() {
            return;
        }
        if let ServerEvent::Refused(failure) = &event
            && failure.code == ErrorCode::Unauthenticated
        {
            return self.not_known_any_more(failure, now);
        }
        self.pass_on(&event);
        let updates = self.remote.event(event, now);
        self.draw_server();
        self.remote_updates(updates, now);
        self.draw_me();
        self.conclude_server_test();
    }

    pub(super) fn remote_updates(&mut self, updates: Vec<Update>, now: Now) {
        for update in updates {
            self.update(update, now);
        }
    }

    /// Connects, where that is not done yet, or says what is missing.
    ///
    /// # Errors
    /// A sentence for the panel.
    pub(super) fn link_up(&mut self) -> Result<(), String> {
        let wanted = self.state.settings.settings.server.clone();
        let plain = match wanted.tls {
            view::Tls::PlainAllowed => Plain::Anywhere,
            view::Tls::Off | view::Tls::System | view::Tls::Ca { .. } | view::Tls::Pin { .. } => {
                Plain::Loopback
            }
        };
        let server = ServerAddress::parse(&wanted.address, plain)
            .map_err(|why| format!("Settings: {why}."))?;
        if self.remote.host() != server.authority() {
            self.remote = Remote::of(server.authority());
        }
        self.draw_server();
        let Some(token) = self.secret.clone() else {
            return Err(not_enrolled(&server));
        };
        let linked = (server.clone(), wanted.tls.clone());
        if self.linked.as_ref() != Some(&linked) {
            self.linked = Some(linked);
            let tls = wanted.tls;
            self.shell
                .server(ServerCommand::Connect { server, tls, token });
        }
        Ok(())
    }

    /// Ends the line to the server, if there is one.
    pub(super) fn link_down(&mut self) {
        if self.linked.take().is_some() {
            self.shell.server(ServerCommand::Disconnect);
        }
    }

    pub(super) fn draw_server(&mut self) {
        let view = self.is_server_mode().then(|| self.server_view());
        self.change(Change::Server(view));
    }

    fn server_view(&self) -> ServerView {
        let me = self.remote.me();
        ServerView {
            host: self.remote.host().to_owned(),
            server: self.remote.server().map(str::to_owned),
            person: me.map(|me| me.name.clone()),
            extension: me.and_then(|me| me.extension.clone()),
        }
    }

    // --- enrolment ---------------------------------------------------------------------------------------------------

    pub(super) fn enrol(
        &mut self,
        asker: Asker,
        text: &str,
        server: Option<&str>,
        source: &Source,
        now: Now,
    ) {
        let link = match self.enrol_link(text, server) {
            Ok(link) => link,
            Err(words) => return self.refuse(asker, RefusalCode::BadRequest, words),
        };
        if let Some(enrolling) = &self.enrolling {
            let is_young = now.instant.saturating_duration_since(enrolling.began) < YOUNG;
            if enrolling.view.step == EnrolStep::Asking && enrolling.link == link {
                let confirm = enrolling.view.id.clone();
                return self.reply(asker, Reply::AskedFirst { confirm });
            }
            if is_young || enrolling.view.step == EnrolStep::Working {
                let words = "Another server waits for your answer.";
                return self.refuse(asker, RefusalCode::TooMany, words);
            }
        }
        let id = format!("e{:x}", now.unix_us);
        let program = match source {
            Source::Typed => None,
            Source::Link { program } => program.clone(),
        };
        let mut enrolling = Enrolling {
            view: Enrolment {
                id: id.clone(),
                host: link.server.authority(),
                is_plain: link.server.is_plain(),
                program,
                replaces: self.replaced(),
                step: EnrolStep::Asking,
            },
            link,
            asker: None,
            began: now.instant,
            gone_at: now.instant + FORGOTTEN,
        };
        match source {
            Source::Typed => {
                enrolling.asker = Some(asker);
                self.enrolling = Some(enrolling);
                self.begin_enrolment(now);
            }
            Source::Link { .. } => {
                self.enrolling = Some(enrolling);
                self.draw_enrolment();
                self.show(Window::Confirm);
                self.reply(asker, Reply::AskedFirst { confirm: id });
            }
        }
    }

    /// A link, or a code for the server that is named or set already.
    fn enrol_link(&self, text: &str, server: Option<&str>) -> Result<EnrolLink, String> {
        let sentence = |why: EnrolError| capitalised(&format!("{why}."));
        if EnrolLink::looks_like(text) {
            return EnrolLink::parse(text).map_err(sentence);
        }
        let settings = &self.state.settings.settings.server;
        let server = server.unwrap_or(&settings.address);
        if server.trim().is_empty() {
            return Err(
                "Which server? Give the whole link, or the server's address with the code.".into(),
            );
        }
        let plain = match settings.tls {
            view::Tls::PlainAllowed => Plain::Anywhere,
            view::Tls::Off | view::Tls::System | view::Tls::Ca { .. } | view::Tls::Pin { .. } => {
                Plain::Loopback
            }
        };
        let code = text.parse::<EnrolCode>().map_err(sentence)?;
        let server = ServerAddress::parse(server, plain)
            .map_err(|why| sentence(EnrolError::Address(why)))?;
        Ok(EnrolLink { server, code })
    }

    /// What this desktop is connected to so far.
    fn replaced(&self) -> Option<String> {
        let settings = &self.state.settings.settings;
        let host = if self.is_server_mode() {
            self.remote.host()
        } else {
            settings.pbx_host.trim()
        };
        (!host.is_empty()).then(|| host.to_owned())
    }

    pub(super) fn confirm_enrolment(&mut self, asker: Asker, id: &str, now: Now) {
        let is_asked = |enrolling: &&mut Enrolling| {
            enrolling.view.id == id && enrolling.view.step == EnrolStep::Asking
        };
        if self.enrolling.as_mut().filter(is_asked).is_none() {
            let words = "This question is no longer asked.";
            return self.refuse(asker, RefusalCode::NoSuchCall, words);
        }
        self.begin_enrolment(now);
        self.reply(asker, Reply::Done);
    }

    pub(super) fn dismiss_enrolment(&mut self, asker: Asker, id: &str) {
        self.enrolling.take_if(|enrolling| enrolling.view.id == id);
        self.draw_enrolment();
        self.reply(asker, Reply::Done);
    }

    /// The window with the question was closed: that is a no.
    pub(super) fn drop_enrolment(&mut self) {
        self.enrolling
            .take_if(|enrolling| enrolling.view.step != EnrolStep::Working);
        self.draw_enrolment();
    }

    fn begin_enrolment(&mut self, now: Now) {
        let settings = self.state.settings.settings.server.clone();
        let Some(enrolling) = &mut self.enrolling else {
            return;
        };
        enrolling.view.step = EnrolStep::Working;
        enrolling.gone_at = now.instant + WORKING;
        let link = enrolling.link.clone();
        self.shell.server(ServerCommand::Enrol {
            server: link.server,
            tls: settings.tls,
            code: link.code,
            device: settings.device,
        });
        self.draw_enrolment();
    }

    pub(super) fn enrolled(&mut self, outcome: Result<Box<Enrolled>, String>, now: Now) {
        let is_working = |enrolling: &mut Enrolling| enrolling.view.step == EnrolStep::Working;
        let Some(enrolling) = self.enrolling.take_if(is_working) else {
            return;
        };
        match outcome {
            Ok(enrolled) => self.connected_to(&enrolling, *enrolled, now),
            Err(words) => self.not_enrolled(enrolling, words, now),
        }
        self.draw_enrolment();
    }

    fn connected_to(&mut self, enrolling: &Enrolling, enrolled: Enrolled, now: Now) {
        self.forget_line(now);
        let token = SecretString::from(enrolled.token.0);
        let server = &enrolling.link.server;
        let mut view = self.state.settings.clone();
        view.settings.server.address = server.to_string();
        view.secret = SecretState::Stored;
        self.shell.save_settings(&view.settings);
        self.shell.store_secret(&view.settings, token.clone());
        // The server asks its own sources from now on.
        self.shell.use_sources(&view.settings);
        self.secret = Some(token);
        // What the keychain says of an older question does not count any more.
        self.loading_secret = false;
        self.change(Change::Settings(Box::new(view)));
        self.remote = Remote::of(server.authority());
        self.remote.is(enrolled.me);
        self.configure();
        self.draw_me();
        let told = self.server_view();
        match enrolling.asker {
            // A script may end the program next: the token must be kept by then.
            Some(asker) => self.enrolled = Some(asker),
            None => self.shell.notify(connected_notification(&told)),
        }
    }

    /// The keychain has taken the token, or said why it does not.
    pub(super) fn token_is_kept(&mut self) {
        if let Some(asker) = self.enrolled.take() {
            let told = Box::new(self.server_view());
            self.reply(asker, Reply::Enrolled(told));
        }
    }

    fn not_enrolled(&mut self, enrolling: Enrolling, words: String, now: Now) {
        if let Some(asker) = enrolling.asker {
            return self.refuse(asker, RefusalCode::Enrolment, words);
        }
        self.enrolling = Some(Enrolling {
            view: Enrolment {
                step: EnrolStep::Failed { words },
                ..enrolling.view
            },
            gone_at: now.instant + FORGOTTEN,
            ..enrolling
        });
    }

    pub(super) fn expire_enrolment(&mut self, now: Now) {
        let is_late = |enrolling: &Enrolling| enrolling.gone_at <= now.instant;
        if !self.enrolling.as_ref().is_some_and(is_late) {
            return;
        }
        let words = "The server did not answer.".to_owned();
        self.enrolled(Err(words), now);
        self.enrolling.take_if(|enrolling| is_late(enrolling));
        self.draw_enrolment();
    }

    fn draw_enrolment(&mut self) {
        let view = self.enrolling.as_ref();
        let view = view.map(|enrolling| Box::new(enrolling.view.clone()));
        self.change(Change::Enrolment(view));
    }

    // --- the end -----------------------------------------------------------------------------------------------------

    pub(super) fn sign_out(&mut self, asker: Asker, now: Now) {
        if !self.is_server_mode() {
            let words = "This desktop is not connected to a server.";
            return self.refuse(asker, RefusalCode::NotSetUp, words);
        }
        self.forget_token();
        self.forget_line(now);
        let mut view = self.state.settings.clone();
        view.settings.server.address.clear();
        self.shell.save_settings(&view.settings);
        let settings = view.settings.clone();
        self.shell.use_sources(&settings);
        self.change(Change::Settings(Box::new(view)));
        self.remote = Remote::default();
        self.draw_server();
        self.configure();
        // There may be a phone system that was used before.
        self.load_secret(&settings);
        self.reply(asker, Reply::Done);
    }

    /// The token is void: it is forgotten, and the person may connect this desktop again.
    fn not_known_any_more(&mut self, failure: &Failure, now: Now) {
        self.forget_token();
        self.forget_line(now);
        let host = self.remote.host();
        let words = format!(
            "The server {host} does not take this desktop any more: {} Ask for a new link, or type a code in Settings.",
            sentence(&failure.message)
        );
        self.change(Change::Connection(view::Connection::NotSetUp {
            words: words.clone(),
        }));
        self.draw_me();
        self.conclude_server_test();
        self.shell.notify(Notification {
            key: "server".into(),
            title: "Signed out".into(),
            body: words,
            urgent: false,
            hang_up: false,
        });
    }

    fn forget_token(&mut self) {
        let view = SettingsView {
            secret: SecretState::Missing,
            ..self.state.settings.clone()
        };
        self.shell.forget_secret(&view.settings);
        self.secret = None;
        self.loading_secret = false;
        self.change(Change::Settings(Box::new(view)));
    }

    /// Ends the line; of the calls on it nobody knows.
    fn forget_line(&mut self, now: Now) {
        self.link_down();
        self.wishes_lost();
        let updates = self.remote.forget(now);
        self.remote_updates(updates, now);
    }
}

fn not_enrolled(server: &ServerAddress) -> String {
    format!(
        "This desktop is not connected to {} yet. Open the link that your administrator gave you, or type its code in Settings.",
        server.authority()
    )
}

fn connected_notification(server: &ServerView) -> Notification {
    let person = server.person.as_deref().unwrap_or_default();
    let extension = server.extension.as_deref();
    let extension = extension.map_or_else(String::new, |number| format!(", extension {number}"));
    Notification {
        key: "server".into(),
        title: format!("Connected to {}", server.host),
        body: format!("{person}{extension}"),
        urgent: false,
        hang_up: false,
    }
}

fn sentence(words: &str) -> String {
    match words.ends_with(['.', '!', '?']) {
        true => words.to_owned(),
        false => format!("{words}."),
    }
}

pub(super) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
