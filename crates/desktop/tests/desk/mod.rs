//! A desk to tell stories of: the controller with a shell that writes down what it is asked for.
#![allow(dead_code)] // each test program takes what it needs
#![allow(clippy::disallowed_methods)] // the tests bring the clock

use desktop::{
    AboutCall, ClientId, ConnectorCommand, Controller, Input, Keep, MenuItem, Notification, Now,
    PeopleWish, SecretOutcome, ServerCommand, Shell, Tray,
};
use engine::{
    CallId, CallUpdate, Command, Connection, DialStamps, DialUpdate, Direction, Mine, OrderId,
    Outcome, People, Phase, Progress, Remote, RemoteNumber, Update,
};
use secrecy::{ExposeSecret, SecretString};
use std::time::{Duration, Instant};
use view::{AgentMessage, Change, Reply, Request, Settings, Source, Window};
use wire::Record;

/// A desktop with a shell that writes down what it is asked for.
pub(crate) struct Desk {
    pub(crate) controller: Controller<Notebook>,
    pub(crate) now: Now,
    pub(crate) first: String,
    pub(crate) requests: u64,
}

impl Desk {
    pub(crate) fn connected() -> Self {
        Self::with(settings())
    }

    pub(crate) fn fresh(settings: Settings) -> Self {
        let now = Now {
            instant: Instant::now(),
            unix_us: 1_800_000_000_000_000,
        };
        Self {
            controller: Controller::new(Notebook::default(), settings),
            now,
            first: String::new(),
            requests: 0,
        }
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let mut desk = Self::fresh(settings);
        desk.input(Input::Secret(SecretOutcome::Loaded(SecretString::from(
            "s3cret",
        ))));
        let connected = Connection::Connected {
            pbx: "pbx".into(),
            version: "Asterisk 22".into(),
            lag: None,
        };
        desk.input(Input::Backend(Update::Connection(connected)));
        let phone = engine::PhoneState {
            registered: Some(true),
            ..engine::PhoneState::default()
        };
        desk.input(Input::Backend(Update::Phone(phone)));
        desk.first = desk.told();
        desk
    }

    pub(crate) fn state(&self) -> &view::State {
        self.controller.state()
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.controller.handle(input, self.now);
    }

    pub(crate) fn ask(&mut self, request: Request) {
        self.requests += 1;
        self.input(Input::Client {
            client: ClientId(1),
            id: self.requests,
            request,
        });
    }

    pub(crate) fn wish(&mut self, id: &str, wish: wire::Request) {
        self.ask(Request::Wish {
            request_id: id.into(),
            wish,
        });
    }

    pub(crate) fn transfer(&mut self, id: &str, to: &str) {
        let order = wire::Order::BlindTransfer { to: to.into() };
        let call = Some(CALL.into());
        self.wish(id, wire::Request::Order { call, order });
    }

    pub(crate) fn outcome(&mut self, id: &str, outcome: Outcome) {
        let order = OrderId(id.into());
        self.input(Input::Backend(Update::Order { order, outcome }));
    }

    /// The kinds of facts in each message since the last time.
    pub(crate) fn facts(&mut self) -> Vec<String> {
        let published = std::mem::take(&mut self.controller.shell_mut().published);
        let told = published.iter().filter_map(|message| match message {
            AgentMessage::Facts {
                from_nothing,
                facts,
            } => Some((*from_nothing, facts)),
            AgentMessage::Snapshot { .. }
            | AgentMessage::Change { .. }
            | AgentMessage::Reply { .. }
            | AgentMessage::Show { .. }
            | AgentMessage::End => None,
        });
        let kind = |fact: &wire::Fact| {
            let debug = format!("{fact:?}");
            debug.split(' ').next().unwrap_or_default().to_owned()
        };
        let told = told.map(|(from_nothing, facts)| {
            let kinds: Vec<String> = facts.iter().map(kind).collect();
            let anew = if from_nothing { "anew: " } else { "" };
            format!("{anew}{}", kinds.join(" "))
        });
        told.collect()
    }

    pub(crate) fn call(&mut self, call: &CallUpdate) {
        self.input(Input::Backend(Update::Call(Box::new(call.clone()))));
    }

    pub(crate) fn progress(&mut self, dial: &str, progress: Progress) {
        let at = self.now.instant;
        let stamps = DialStamps {
            asked: at,
            sent: Some(at),
            queued: None,
            phone_rings: None,
        };
        let update = DialUpdate {
            dial: dial.into(),
            call: None,
            progress,
            at,
            people: People::Nobody,
            stamps,
        };
        self.input(Input::Backend(Update::Dial(Box::new(update))));
    }

    /// Lets time pass, with every timeout on the way.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now.instant + time;
        while let Some(due) = self.controller.poll_timeout().filter(|due| *due <= end) {
            self.step_to(due.max(self.now.instant));
            self.input(Input::Timeout);
        }
        self.step_to(end);
    }

    fn step_to(&mut self, instant: Instant) {
        let micros = instant.duration_since(self.now.instant).as_micros();
        self.now = Now {
            instant,
            unix_us: self.now.unix_us + u64::try_from(micros).expect("a short story"),
        };
    }

    pub(crate) fn told(&mut self) -> String {
        std::mem::take(&mut self.controller.shell_mut().told).join("\n")
    }

    pub(crate) fn saved(&mut self) -> Settings {
        self.controller
            .shell_mut()
            .saved
            .clone()
            .expect("settings were saved")
    }

    pub(crate) fn menu(&mut self) -> Vec<MenuItem> {
        self.controller
            .shell_mut()
            .tray
            .clone()
            .expect("a tray")
            .menu
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        pbx_host: "pbx".into(),
        user: "sidetone".into(),
        extension: "101".into(),
        ..Settings::default()
    }
}

pub(crate) fn link(text: &str, request_id: &str) -> Request {
    Request::Dial {
        text: text.into(),
        source: Source::Link {
            program: Some("Chromium".into()),
        },
        request_id: request_id.into(),
    }
}

pub(crate) const CALL: &str = "019ac5a0-0000-7000-8000-000000000001";

pub(crate) fn lamp() -> wire::Fact {
    wire::Fact::Extension {
        key: "102@pbx".into(),
        value: None,
    }
}

pub(crate) fn ringing(name: &str) -> CallUpdate {
    let number = RemoteNumber {
        display: "+7 916 123-45-67".into(),
        dial_back: "+79161234567".into(),
    };
    CallUpdate {
        call: CALL.parse::<CallId>().expect("a call id"),
        direction: Direction::Incoming,
        internal: false,
        mine: Mine::Ringing,
        phase: Phase::Ringing,
        remote: Remote {
            number: Some(number),
            name: Some(name.into()),
        },
        people: People::Nobody,
        sources: Vec::new(),
        remembered: None,
        line: None,
        since: Instant::now(),
        answered: None,
        ended: None,
        event_read: Instant::now(),
        dial: None,
    }
}

/// The call, and what is chosen for it.
fn people_wish(wish: &PeopleWish) -> String {
    let about = |call: &AboutCall| {
        let number = call.number.as_deref().unwrap_or("withheld");
        let line = call.line.as_ref().map(|line| format!(" on {line}"));
        format!("{number}{}", line.unwrap_or_default())
    };
    match wish {
        PeopleWish::Find { text } => format!("find {text}"),
        PeopleWish::Link {
            call,
            record,
            remember,
        } => {
            let Record { source, id, .. } = record;
            format!("link {} with {source} {id}, {remember:?}", about(call))
        }
        PeopleWish::Unlink { call, shown } => {
            let shown = shown.as_ref().map_or("nobody", |record| &record.id);
            format!("unlink {} from {shown}", about(call))
        }
        PeopleWish::Forms { call } => {
            format!("forms for {}", call.as_ref().map_or("nobody".into(), about))
        }
        PeopleWish::Create {
            source,
            call,
            fields,
        } => {
            let call = call.as_ref().map_or("nobody".into(), about);
            format!("create {fields:?} in {source} for {call}")
        }
    }
}

/// Writes down what the controller asks for.
#[derive(Default)]
pub(crate) struct Notebook {
    pub(crate) connector: Option<ConnectorCommand>,
    pub(crate) told: Vec<String>,
    pub(crate) published: Vec<AgentMessage>,
    pub(crate) saved: Option<Settings>,
    pub(crate) tray: Option<Tray>,
}

impl Shell for Notebook {
    fn reply(&mut self, _client: ClientId, _id: u64, reply: Reply) {
        self.told.push(match reply {
            Reply::Done => "reply Done".into(),
            Reply::Dialling { .. } => "reply Dialling".into(),
            Reply::AskedFirst { .. } => "reply AskedFirst".into(),
            Reply::Explanation(_) => "reply Explanation".into(),
            Reply::Snapshot(_) => "reply Snapshot".into(),
            Reply::Status(_) => "reply Status".into(),
            Reply::Enrolled(_) => "reply Enrolled".into(),
            Reply::Answer(answer) => format!("answer {answer:?}"),
            Reply::Findings(found) => format!("findings {:?}", found.findings),
            Reply::ConnectorKind(kind) => format!("form of {}", kind.file),
            Reply::Refused(refusal) => format!("reply {:?}: {}", refusal.code, refusal.words),
        });
    }

    fn publish(&mut self, message: AgentMessage) {
        self.told.push(match &message {
            AgentMessage::Reply { .. } => "publish reply".into(),
            AgentMessage::Snapshot { .. } => "publish snapshot".into(),
            AgentMessage::Change {
                change: Change::Cards(cards),
                ..
            } => format!("publish cards {}", cards.len()),
            AgentMessage::Change {
                change: Change::Me(_),
                ..
            } => "publish me".into(),
            AgentMessage::Change { .. } => "publish change".into(),
            AgentMessage::Show { window } => format!("publish show {window:?}"),
            AgentMessage::Facts { facts, .. } => format!("publish facts {}", facts.len()),
            AgentMessage::End => "publish end".into(),
        });
        self.published.push(message);
    }

    fn set_tray(&mut self, tray: &Tray) {
        self.tray = Some(tray.clone());
    }

    fn notify(&mut self, notification: Notification) {
        self.told.push(format!(
            "notify {} | {}",
            notification.title, notification.body
        ));
    }

    fn withdraw(&mut self, _key: &str) {
        self.told.push("withdraw".into());
    }

    fn windows(&mut self, keep: Keep) {
        self.told.push(format!("windows {keep:?}"));
    }

    fn backend(&mut self, command: Command) {
        let told = match command {
            Command::Configure(config) => {
                assert_eq!(config.pbx.secret.expose_secret(), "s3cret");
                format!(
                    "configure {} at {}:{}",
                    config.desk.extension, config.pbx.host, config.pbx.port
                )
            }
            Command::Connect(_) | Command::Seat(_) => panic!("a desktop has one desk"),
            Command::Disconnect => "disconnect".into(),
            Command::Dial {
                target,
                tones: Some(tones),
                ..
            } => format!("dial {target}, then {tones}"),
            Command::Dial { target, .. } => format!("dial {target}"),
            Command::Order { what, .. } => format!("order {what:?}"),
            Command::Cancel { .. } => "cancel".into(),
            Command::HangUp { call } => {
                format!("hang up {}", if call.is_some() { "this" } else { "any" })
            }
            // Asked for every question and every typed number; its answers are what the tests look at.
            Command::WhoIs { .. } => return,
            Command::Test { config, .. } => format!(
                "test {} at {}:{}",
                config.desk.extension, config.pbx.host, config.pbx.port
            ),
            Command::RetryNow => "retry".into(),
            Command::Shutdown => "shutdown".into(),
        };
        self.told.push(told);
    }

    fn server(&mut self, command: ServerCommand) {
        self.told.push(format!("server {command:?}"));
    }

    fn forget_secret(&mut self, _settings: &Settings) {
        self.told.push("forget secret".into());
    }

    fn follow(&mut self, settings: Option<&Settings>) {
        if settings.is_some() {
            self.told.push("follow the engine".into());
        }
    }

    fn save_settings(&mut self, settings: &Settings) {
        self.told.push("save".into());
        self.saved = Some(settings.clone());
    }

    fn load_secret(&mut self, _settings: &Settings) {
        self.told.push("load secret".into());
    }

    fn store_secret(&mut self, _settings: &Settings, _secret: SecretString) {
        self.told.push("store secret".into());
    }

    fn use_sources(&mut self, settings: &Settings) {
        let connectors = settings.connectors.iter();
        let ids: Vec<&str> = connectors.map(|connector| connector.id.as_str()).collect();
        self.told
            .push(format!("use sources {}", ids.join(" ")).trim_end().into());
    }

    fn people(&mut self, id: &str, wish: PeopleWish) {
        self.told
            .push(format!("people {id}: {}", people_wish(&wish)));
    }

    fn connector(&mut self, command: ConnectorCommand) {
        self.told.push(match &command {
            ConnectorCommand::Kinds => "connector kinds".into(),
            ConnectorCommand::Read { file, .. } => format!("connector read {file}"),
            ConnectorCommand::Keep { connector, .. } => format!("connector keep {}", connector.id),
            ConnectorCommand::Test { connector, .. } => format!("connector test {}", connector.id),
            ConnectorCommand::SignIn { connector, .. } => format!("connector sign in {connector}"),
            ConnectorCommand::Forget { connector } => format!("connector forget {connector}"),
        });
        self.connector = Some(command);
    }

    fn open_link(&mut self, url: &str) {
        self.told.push(format!("open {url}"));
    }

    fn check_links(&mut self) {
        self.told.push("check links".into());
    }

    fn take_links(&mut self) {
        self.told.push("take links".into());
    }

    fn without_windows(&mut self, wanted: Window, words: &str) {
        self.told.push(format!("no window for {wanted:?}: {words}"));
    }

    fn quit(&mut self) {
        self.told.push("quit".into());
    }
}
