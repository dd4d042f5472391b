//! The owner of everything that is shown: one input at a time, no IO, no waiting.

mod calls;
mod colleagues;
mod connectors;
mod dials;
mod people;
mod server;
mod settings;
mod windows;

use crate::cards::Cards;
use crate::confirm::Question;
use crate::convert;
use crate::dialler::Dialler;
use crate::hops::HopLog;
use crate::remote::Remote;
use crate::shell::{ClientId, Input, Notification, Now, ServerCommand, Shell};
use crate::tray::{Tray, TrayAction};
use engine::{CallUpdate, Command, Update};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use view::{
    AgentMessage, Change, Confirm, Lamp, Refusal, RefusalCode, Reply, Request, Settings, Snapshot,
    State, Status, Tick, Window,
};

use colleagues::Colleagues;
use connectors::{AskedConnectors, ConnectorRequest};
use dials::Outgoing;
use people::Found;
use server::Enrolling;
use settings::{Saving, Testing};
use windows::Windows;

/// A question to the contact book may take this long before the answer goes out without it.
const WHO_IS: Duration = Duration::from_millis(250);

/// Somebody who waits for an answer.
#[derive(Clone, Copy, Debug)]
struct Asker {
    client: ClientId,
    id: u64,
    speech: Speech,
}

/// In whose words an answer is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speech {
    View,
    /// A wish of the panel of colleagues, which speaks as with a server.
    Wire,
}

/// What a running look-up is for.
#[derive(Debug)]
enum LookUp {
    Explain {
        asker: Asker,
        explanation: Box<view::Explanation>,
        until: Instant,
    },
    Confirm {
        confirm: String,
    },
    Wish {
        asker: Asker,
        until: Instant,
    },
}

/// The brain of the desktop.
pub struct Controller<S> {
    shell: S,
    state: State,
    seq: u64,
    tray: Option<Tray>,
    tray_shown: bool,
    secret: Option<SecretString>,
    /// The keychain was asked for the secret, and nobody has typed one since.
    loading_secret: bool,
    phone: engine::PhoneState,
    connected_since: u64,
    /// Calls that touch this extension and are not over.
    calls: BTreeMap<String, CallUpdate>,
    cards: Cards,
    /// Ringing calls that a notification tells of, with what it says.
    rung: BTreeMap<String, Notification>,
    dialler: Dialler,
    outgoing: Vec<Outgoing>,
    question: Question,
    look_ups: BTreeMap<u64, LookUp>,
    keys: u64,
    windows: Windows,
    hops: HopLog,
    saving: Option<Saving>,
    testing: Option<Testing>,
    links: Tick,
    remote: Remote,
    colleagues: Colleagues,
    found: Found,
    asked_connectors: AskedConnectors,
    /// Where the shell keeps a line to.
    linked: Option<(wire::ServerAddress, view::Tls)>,
    enrolling: Option<Enrolling>,
    /// Who is told of the enrolment once its token is in the keychain.
    enrolled: Option<Asker>,
    /// The clocks at the last input.
    now: Option<Now>,
}

impl<S: Shell> Controller<S> {
    /// Draws the tray, then asks for what takes time: secret, contacts, who owns the links.
    pub fn new(shell: S, settings: Settings) -> Self {
        let state = State {
            settings: settings::first_view(settings),
            ..State::default()
        };
        let mut controller = Self {
            shell,
            state,
            seq: 0,
            tray: None,
            tray_shown: false,
            secret: None,
            loading_secret: false,
            phone: engine::PhoneState::default(),
            connected_since: 0,
            calls: BTreeMap::new(),
            cards: Cards::default(),
            rung: BTreeMap::new(),
            dialler: Dialler::default(),
            outgoing: Vec::new(),
            question: Question::default(),
            look_ups: BTreeMap::new(),
            keys: 0,
            windows: Windows::default(),
            hops: HopLog::default(),
            saving: None,
            testing: None,
            links: Tick::default(),
            remote: Remote::default(),
            colleagues: Colleagues::default(),
            found: Found::default(),
            asked_connectors: AskedConnectors::default(),
            linked: None,
            enrolling: None,
            enrolled: None,
            now: None,
        };
        controller.draw_me();
        controller.begin();
        controller
    }

    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn shell_mut(&mut self) -> &mut S {
        &mut self.shell
    }

    /// Takes one input to its end.
    pub fn handle(&mut self, input: Input, now: Now) {
        self.now = Some(now);
        match input {
            Input::Backend(update) => self.engine_update(update, now),
            Input::Facts(facts) => self.engine_facts(facts),
            Input::Server(event) => self.server_event(event, now),
            Input::Enrolled(outcome) => self.enrolled(outcome, now),
            Input::Client {
                client,
                id,
                request,
            } => {
                let speech = Speech::View;
                self.request(Asker { client, id, speech }, request, now);
            }
            Input::ClientGone(client) => {
                self.look_ups.retain(|_, look_up| !look_up.is_for(client));
                self.colleagues.client_gone(client);
                self.asked_connectors.client_gone(client);
            }
            Input::WindowsConnected(client) => self.windows_connected(client, now),
            Input::WindowsGone => self.windows_gone(now),
            Input::WindowsFailed { words } => self.windows_failed(&words),
            Input::Tray(action) => self.tray_action(action, now),
            Input::TrayShown(shown) => self.tray_shown = shown,
            Input::Notification { key, action } => self.notification_action(&key, action),
            Input::SettingsSaved(result) => self.settings_saved(result),
            Input::Secret(outcome) => self.secret_outcome(outcome),
            Input::Links(tick) => self.links_known(tick),
            Input::Contacts { words } => self.contacts_known(words),
            Input::Connectors(news) => self.connector_news(news),
            Input::People { id, answer, linked } => {
                self.answer_of_people(&id, &answer, linked.map(|person| *person));
            }
            Input::Timeout => {}
        }
        self.expire(now);
    }

    /// When [`Input::Timeout`] is due at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let look_ups = self.look_ups.values().filter_map(LookUp::until);
        [
            self.cards.next_expiry(),
            self.colleagues.next_expiry(),
            self.question.next_expiry(),
            self.windows.next_expiry(),
            self.outgoing.iter().filter_map(Outgoing::gone_at).min(),
            self.testing.as_ref().map(|testing| testing.until),
            self.asked_connectors.next_expiry(),
            self.enrolling.as_ref().map(|enrolling| enrolling.gone_at),
        ]
        .into_iter()
        .flatten()
        .chain(look_ups)
        .min()
    }

    /// In server mode the engine is at rest: it only ends what it had.
    fn engine_update(&mut self, update: Update, now: Now) {
        let is_of_the_line = matches!(
            update,
            Update::Connection(_) | Update::Phone(_) | Update::Capabilities(_)
        );
        if !(is_of_the_line && self.is_server_mode()) {
            self.update(update, now);
        }
    }

    /// To whoever has the calls: the engine, or in server mode the server.
    fn backend(&mut self, command: Command) {
        if !self.is_server_mode() {
            return self.shell.backend(command);
        }
        if matches!(command, Command::RetryNow) {
            return self.shell.server(ServerCommand::RetryNow);
        }
        let Some(now) = self.now else { return };
        if let Some((id, request)) = self.remote.command(command, now) {
            self.shell.server(ServerCommand::Send { id, request });
        }
    }

    fn update(&mut self, update: Update, now: Now) {
        match update {
            Update::Connection(connection) => self.connection(connection, now),
            Update::Phone(phone) => {
                self.phone = phone;
                self.own_phone();
                self.draw_me();
            }
            Update::Call(call) => self.call(*call, now),
            Update::Dial(dial) => {
                if !self.is_server_mode() {
                    self.own_dial(&dial, now);
                }
                self.dial_progress(*dial, now);
            }
            Update::WhoIs { key, people } => self.who_is(key, people),
            Update::Tested { key, report } => self.tested(key, &report),
            // The tones behind a number are an order too, for which nobody waits: a call without them is still a call.
            Update::Order { order, outcome } => self.ordered(&order, outcome),
            Update::Capabilities(capabilities) => self.own_rights(*capabilities),
        }
    }

    fn request(&mut self, asker: Asker, request: Request, now: Now) {
        match request {
            Request::Snapshot => {
                let snapshot = Box::new(self.snapshot());
                self.reply(asker, Reply::Snapshot(snapshot));
            }
            Request::Dial {
                text,
                source,
                request_id,
            } => self.dial(asker, &text, &source, &request_id, now),
            Request::Explain { text } => self.explain(asker, &text, now),
            Request::ConfirmDial { confirm, always } => {
                self.confirmed(asker, &confirm, always, now)
            }
            Request::DismissConfirm { confirm } => {
                self.question.take(&confirm);
                self.draw_confirm();
                self.reply(asker, Reply::Done);
            }
            Request::Cancel { dial } => self.cancel(asker, &dial),
            Request::HangUp { call } => self.hang_up(asker, call.as_deref()),
            Request::HideCard { call } => {
                self.cards.hide(&call);
                self.withdraw_ring(&call);
                self.draw_cards();
                self.reply(asker, Reply::Done);
            }
            Request::ForgetDial { dial } => {
                self.outgoing
                    .retain(|outgoing| outgoing.view.id != dial || !outgoing.view.step.is_over());
                self.draw_dials();
                self.reply(asker, Reply::Done);
            }
            Request::SaveSettings { settings, secret } => self.save(asker, &settings, secret),
            Request::TestSettings { settings, secret } => self.test(asker, &settings, secret, now),
            Request::Enrol {
                text,
                server,
                source,
            } => self.enrol(asker, &text, server.as_deref(), &source, now),
            Request::ConfirmEnrol { enrolment } => self.confirm_enrolment(asker, &enrolment, now),
            Request::DismissEnrol { enrolment } => self.dismiss_enrolment(asker, &enrolment),
            Request::SignOut => self.sign_out(asker, now),
            Request::Follow { on } => self.follow(asker, on, now),
            Request::Wish { request_id, wish } => self.wish(asker, request_id, wish, now),
            Request::SaveConnector { connector, secrets } => {
                let request = ConnectorRequest::Save { connector, secrets };
                self.connector_request(asker, request, now);
            }
            Request::RemoveConnector { connector } => {
                self.connector_request(asker, ConnectorRequest::Remove(connector), now);
            }
            Request::MoveConnector { connector: id, to } => {
                self.connector_request(asker, ConnectorRequest::Move { id, to }, now);
            }
            Request::TestConnector { connector, secrets } => {
                let request = ConnectorRequest::Test { connector, secrets };
                self.connector_request(asker, request, now);
            }
            Request::ReadConnectorFile { file } => {
                self.connector_request(asker, ConnectorRequest::Read(file), now);
            }
            Request::SignInConnector { connector } => {
                self.connector_request(asker, ConnectorRequest::SignIn(connector), now);
            }
            Request::OpenLink { url } => self.open_link(asker, &url),
            Request::TakeLinks => {
                self.shell.take_links();
                self.reply(asker, Reply::Done);
            }
            Request::Show { window } => {
                self.show(window);
                self.reply(asker, Reply::Done);
            }
            Request::Closed { window } => {
                self.closed(window, now);
                self.reply(asker, Reply::Done);
            }
            Request::Painted {
                calls,
                received_at,
                painted_at,
            } => {
                self.painted(&calls, received_at, painted_at);
                self.reply(asker, Reply::Done);
            }
            Request::Status => {
                let status = Box::new(self.status(now));
                self.reply(asker, Reply::Status(status));
            }
            Request::Quit => {
                self.reply(asker, Reply::Done);
                self.quit();
            }
        }
    }

    fn tray_action(&mut self, action: TrayAction, now: Now) {
        match action {
            TrayAction::Activate => self.show(Window::Panel),
            TrayAction::Open(window) => self.show(window),
            TrayAction::HangUp => {
                let _ = self.hang_up_any(None);
            }
            TrayAction::Redial { text } => self.dial_from_tray(&text, now),
            TrayAction::Reconnect => self.reconnect(),
            TrayAction::Quit => self.quit(),
        }
    }

    fn connection(&mut self, connection: engine::Connection, now: Now) {
        let was_up = self.state.connection.is_up();
        if !was_up {
            self.connected_since = now.unix_ms();
        }
        let to = match self.is_server_mode() && !self.remote.is_in_step() {
            true => format!("the server {}", self.remote.host()),
            false => "the phone system".to_owned(),
        };
        let connection = convert::connection(connection, now, self.connected_since, &to);
        if !connection.is_up() {
            self.phone = engine::PhoneState::default();
        }
        self.change(Change::Connection(connection));
        self.draw_me();
        self.draw_confirm();
    }

    fn expire(&mut self, now: Now) {
        self.cards.expire(now.instant);
        self.draw_cards();
        self.question.expire(now.instant);
        self.draw_confirm();
        self.outgoing
            .retain(|outgoing| outgoing.gone_at().is_none_or(|at| at > now.instant));
        self.draw_dials();
        self.own_dials_gone();
        self.look_at_colleagues(now);
        self.expire_colleagues(now);
        self.expire_look_ups(now.instant);
        self.expire_test(now.instant);
        self.expire_connectors(now);
        self.expire_enrolment(now);
        self.expire_windows(now);
    }

    fn expire_look_ups(&mut self, now: Instant) {
        let late = self
            .look_ups
            .iter()
            .filter(|(_, look_up)| look_up.until().is_some_and(|until| until <= now));
        let late: Vec<u64> = late.map(|(key, _)| *key).collect();
        for key in late {
            // Nobody is not said of somebody who is still looked for.
            self.who_is(key, view::People::Asking);
        }
    }

    /// Asks the engine who has the number; the answer comes to [`Self::who_is`].
    fn look_up(&mut self, number: String, look_up: LookUp) {
        self.keys += 1;
        self.look_ups.insert(self.keys, look_up);
        self.backend(Command::WhoIs {
            key: self.keys,
            number,
        });
    }

    fn who_is(&mut self, key: u64, found: view::People) {
        match self.look_ups.remove(&key) {
            None => {}
            Some(LookUp::Explain {
                asker,
                mut explanation,
                ..
            }) => {
                if let view::Explanation::Dials { people, .. } = &mut *explanation {
                    *people = found;
                }
                self.reply(asker, Reply::Explanation(*explanation));
            }
            Some(LookUp::Wish { asker, .. }) => self.wish_looked_up(asker, found),
            Some(LookUp::Confirm { confirm }) => {
                let pending = self
                    .question
                    .pending_mut()
                    .filter(|pending| pending.confirm.id == confirm);
                if let Some(pending) = pending
                    && let view::Explanation::Dials { people, .. } =
                        &mut pending.confirm.explanation
                {
                    *people = found;
                    self.draw_confirm();
                }
            }
        }
    }

    fn draw_confirm(&mut self) {
        let trouble = self.trouble();
        if let Some(pending) = self.question.pending_mut() {
            pending.confirm.trouble = trouble;
        }
        let confirm: Option<Box<Confirm>> = self.question.view();
        self.change(Change::Confirm(confirm));
    }

    fn draw_me(&mut self) {
        let extension = self.extension();
        let phone_trouble = (self.state.connection.is_up() && self.phone.registered == Some(false))
            .then(|| format!("your phone {extension} is not registered"));
        let lamp = self.lamp();
        self.change(Change::Me(view::Me {
            extension,
            lamp,
            phone_trouble,
        }));
    }

    fn lamp(&self) -> Lamp {
        if !self.state.connection.is_up() {
            return Lamp::Offline;
        }
        let (ringing, talking) = self.own_calls();
        if ringing || self.phone.ringing {
            Lamp::Ringing
        } else if talking || self.phone.in_use || self.phone.busy || self.phone.on_hold {
            Lamp::InCall
        } else if self.phone.registered == Some(false) {
            Lamp::Offline
        } else {
            Lamp::Idle
        }
    }

    /// Why nothing can be dialled now, or nothing.
    fn trouble(&self) -> Option<String> {
        (!self.state.connection.is_up()).then(|| self.state.connection.words())
    }

    /// Lays a change over the state; what is new goes to the windows and, drawn again, to the tray.
    fn change(&mut self, change: Change) {
        if self.is_known(&change) {
            return;
        }
        self.state.apply(change.clone());
        self.seq += 1;
        if self.windows.is_connected() {
            self.shell.publish(AgentMessage::Change {
                seq: self.seq,
                change,
            });
        }
        let tray = Tray::of(&self.state);
        if self.tray.as_ref() != Some(&tray) {
            self.shell.set_tray(&tray);
            self.tray = Some(tray);
        }
    }

    fn is_known(&self, change: &Change) -> bool {
        match change {
            Change::Connection(new) => *new == self.state.connection,
            Change::Me(new) => *new == self.state.me && self.tray.is_some(),
            Change::Cards(new) => *new == self.state.cards,
            Change::Dials(new) => *new == self.state.dials,
            Change::Recent(new) => *new == self.state.recent,
            Change::Confirm(new) => *new == self.state.confirm,
            Change::Server(new) => *new == self.state.server,
            Change::Enrolment(new) => *new == self.state.enrolment,
            Change::Settings(new) => **new == self.state.settings,
            Change::Test(new) => *new == self.state.test,
        }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            seq: self.seq,
            state: self.state.clone(),
        }
    }

    fn status(&self, now: Now) -> Status {
        let calls = self.calls.values().map(|call| view::CallStatus {
            call: call.call.to_string(),
            direction: convert::direction(call.direction),
            state: convert::call_word(call).into(),
            party: convert::party(&call.remote),
            since: now.unix_us_of(call.since) / 1000,
        });
        Status {
            version: env!("CARGO_PKG_VERSION").into(),
            connection: self.state.connection.clone(),
            server: self.state.server.clone(),
            me: self.state.me.clone(),
            calls: calls.collect(),
            cards: self.state.cards.clone(),
            dials: self.state.dials.clone(),
            hops: self.hops.view(),
            windows: self.windows.is_connected(),
            tray: self.tray_shown,
        }
    }

    fn reply(&mut self, asker: Asker, reply: Reply) {
        let reply = match asker.speech {
            Speech::View => reply,
            Speech::Wire => Reply::Answer(convert::answer(reply)),
        };
        self.shell.reply(asker.client, asker.id, reply);
    }

    fn refuse(&mut self, asker: Asker, code: RefusalCode, words: impl Into<String>) {
        self.reply(
            asker,
            Reply::Refused(Refusal {
                code,
                words: words.into(),
            }),
        );
    }

    fn quit(&mut self) {
        self.link_down();
        self.shell.backend(Command::Shutdown);
        self.shell.windows(crate::Keep::Ended);
        self.shell.quit();
    }
}

impl LookUp {
    fn until(&self) -> Option<Instant> {
        match self {
            Self::Explain { until, .. } | Self::Wish { until, .. } => Some(*until),
            Self::Confirm { .. } => None,
        }
    }

    fn is_for(&self, gone: ClientId) -> bool {
        match self {
            Self::Explain { asker, .. } | Self::Wish { asker, .. } => asker.client == gone,
            Self::Confirm { .. } => false,
        }
    }
}
