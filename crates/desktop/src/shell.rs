//! The face of the controller: what reaches it and what it asks for.

use secrecy::SecretString;
use std::time::{Duration, Instant};
use view::{AgentMessage, ConnectorSettings, Reply, Request, Settings, Tick, UnixMicros, Window};

use crate::tray::{Tray, TrayAction};
use std::collections::BTreeMap;
use wire::rest::{Enrolled, Findings};
use wire::{
    Answer, Connector, ConnectorKind, EnrolCode, Fact, Failure, Me, Person, Record, Remember,
    ServerAddress, UnixMillis,
};

/// The two clocks, read once by the shell for each input: `instant` for waiting, `unix_us` for what people see.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub instant: Instant,
    pub unix_us: UnixMicros,
}

impl Now {
    /// Milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn unix_ms(self) -> u64 {
        self.unix_us / 1000
    }

    pub(crate) fn presence(self) -> presence::Now {
        presence::Now {
            instant: self.instant,
            unix_ms: self.unix_ms(),
        }
    }

    /// When `past` was, by the wall clock; for instants that the engine took earlier.
    #[must_use]
    pub fn unix_us_of(self, past: Instant) -> UnixMicros {
        let ago = self.instant.saturating_duration_since(past);
        self.unix_us
            .saturating_sub(u64::try_from(ago.as_micros()).unwrap_or(u64::MAX))
    }
}

/// A program at the other end of the local socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(pub u64);

/// What became of a request to the keychain.
#[derive(Debug)]
pub enum SecretOutcome {
    Loaded(SecretString),
    /// The keychain works and holds no secret for this user and PBX.
    Missing,
    Stored,
    /// Locked, absent or not answering; `words` say what to do. After a store: the secret is used for this run only.
    Unavailable {
        words: String,
    },
}

/// What happens on the line to the integration server.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "handed on once and not kept")]
pub enum ServerEvent {
    /// `attempt` counts from 1 since the last time it was up.
    Connecting {
        attempt: u32,
    },
    /// It knows us; a snapshot follows.
    Up {
        server: String,
        me: Box<Me>,
        now_ms: UnixMillis,
    },
    Snapshot(Vec<Fact>),
    Changes(Vec<Fact>),
    /// What became of a request that was sent, or could not be.
    Reply {
        id: String,
        answer: Answer,
    },
    /// Round trip of the last ping.
    Lag(Duration),
    /// Tried again by itself; `words` say why, without a dot.
    Down {
        words: String,
        retry_in: Duration,
    },
    /// Not tried again by itself.
    Refused(Failure),
}

/// What the controller wants of the integration server.
#[derive(Debug)]
pub enum ServerCommand {
    /// Keeps a line there from now on, in place of another one.
    Connect {
        server: ServerAddress,
        tls: view::Tls,
        token: SecretString,
    },
    Disconnect,
    /// Answered by [`ServerEvent::Reply`] with the same id. Never repeated by the shell.
    Send {
        id: String,
        request: wire::Request,
    },
    /// Follows this besides one's own from now on, over this line and those to come.
    Follow(wire::Interest),
    /// Connects now instead of at the end of the wait.
    RetryNow,
    /// Trades the code for a token, once. Answered by [`Input::Enrolled`].
    Enrol {
        server: ServerAddress,
        tls: view::Tls,
        code: EnrolCode,
        /// Empty: the computer's name.
        device: String,
    },
}

/// A call as far as its people are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AboutCall {
    pub call: String,
    /// As a person reads it, with its extension; `None`: withheld.
    pub number: Option<String>,
    /// What was dialled (DID), as the card says it.
    pub line: Option<String>,
}

/// What is wanted of the contact sources, without a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeopleWish {
    Find {
        text: String,
    },
    Link {
        call: AboutCall,
        record: Record,
        remember: Remember,
    },
    Unlink {
        call: AboutCall,
        /// Who stands there.
        shown: Option<Record>,
    },
    /// What must be told to make a new person.
    Forms {
        call: Option<AboutCall>,
    },
    /// Makes a new person and links the call. Never repeated by the shell.
    Create {
        source: String,
        call: Option<AboutCall>,
        fields: BTreeMap<String, String>,
    },
}

/// What is wanted of the contact sources as they are set up.
#[derive(Debug)]
pub enum ConnectorCommand {
    /// Forms of all that can be connected. Answered by [`ConnectorNews::Kinds`].
    Kinds,
    /// The form of a file of one's own. Answered by [`ConnectorNews::Kind`].
    Read { key: u64, file: String },
    /// Checks the form and keeps the secrets. Answered by [`ConnectorNews::Checked`]; it is used only after that.
    Keep {
        key: u64,
        connector: ConnectorSettings,
        secrets: BTreeMap<String, SecretString>,
    },
    /// Tries it as typed, with the kept secrets where none is typed. Answered by [`ConnectorNews::Tested`].
    Test {
        key: u64,
        connector: ConnectorSettings,
        secrets: BTreeMap<String, SecretString>,
    },
    /// Signs in by the browser. Answered by [`ConnectorNews::Checked`].
    SignIn { key: u64, connector: String },
    /// Removes its secrets from the keychain.
    Forget { connector: String },
}

/// What the contact sources say of themselves.
#[derive(Debug)]
pub enum ConnectorNews {
    Kinds(Vec<ConnectorKind>),
    /// How those that are set up do, in their order.
    Connected(Vec<Connector>),
    Kind {
        key: u64,
        kind: Box<ConnectorKind>,
    },
    /// The error is a sentence.
    Checked {
        key: u64,
        result: Result<(), String>,
    },
    Tested {
        key: u64,
        findings: Findings,
    },
}

/// Everything that reaches the controller.
#[derive(Debug)]
pub enum Input {
    Backend(engine::Update),
    /// What the engine's feed says of colleagues; while [`Shell::follow`] wants it.
    Facts(Vec<Fact>),
    /// From the line to the integration server.
    Server(ServerEvent),
    /// What became of [`ServerCommand::Enrol`]; the error is a sentence.
    Enrolled(Result<Box<Enrolled>, String>),
    Client {
        client: ClientId,
        id: u64,
        request: Request,
    },
    ClientGone(ClientId),
    /// `sidetone-ui` said hello; it gets a snapshot.
    WindowsConnected(ClientId),
    /// Its connection ended, wanted or not.
    WindowsGone,
    /// It could not be started; `words` say why.
    WindowsFailed {
        words: String,
    },
    Tray(TrayAction),
    /// Whether a tray took the icon.
    TrayShown(bool),
    Notification {
        key: String,
        action: NotificationAction,
    },
    SettingsSaved(Result<(), String>),
    Secret(SecretOutcome),
    /// Who owns `tel:` links; after [`Shell::check_links`] and [`Shell::take_links`].
    Links(Tick),
    /// What became of the contacts file.
    Contacts {
        words: String,
    },
    Connectors(ConnectorNews),
    /// What became of [`Shell::people`]; `linked`: who the call is linked with now, where that is known.
    People {
        id: String,
        answer: Answer,
        linked: Option<Box<Person>>,
    },
    /// [`Controller::poll_timeout`] has passed.
    Timeout,
}

/// A button of a notification or a click on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationAction {
    Open,
    HangUp,
    Closed,
}

/// A native notification. Texts come from callers and are not markup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// A later one with the same key replaces it.
    pub key: String,
    pub title: String,
    pub body: String,
    /// Stays until withdrawn.
    pub urgent: bool,
    pub hang_up: bool,
}

/// How long the window program shall stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    Running,
    /// Not needed any more: asked to end.
    Ended,
}

/// What the controller asks for. No call waits: whatever takes time comes back as an [`Input`].
pub trait Shell {
    fn reply(&mut self, client: ClientId, id: u64, reply: Reply);
    /// To `sidetone-ui`, if it is there.
    fn publish(&mut self, message: AgentMessage);
    fn set_tray(&mut self, tray: &Tray);
    fn notify(&mut self, notification: Notification);
    fn withdraw(&mut self, key: &str);
    /// Starts `sidetone-ui` if it does not run (also again after a crash), or asks it to end.
    fn windows(&mut self, keep: Keep);
    /// To the engine. Never repeated by the shell.
    fn backend(&mut self, command: engine::Command);
    /// To the integration server.
    fn server(&mut self, command: ServerCommand);
    /// Reads the engine's feed by these settings' dial plan, from the beginning; `None`: no more. Comes as
    /// [`Input::Facts`].
    fn follow(&mut self, settings: Option<&Settings>);
    fn save_settings(&mut self, settings: &Settings);
    /// Of the phone system or, in server mode, of the server. Answered by [`Input::Secret`].
    fn load_secret(&mut self, settings: &Settings);
    fn store_secret(&mut self, settings: &Settings, secret: SecretString);
    /// Removes the secret of these settings from the keychain.
    fn forget_secret(&mut self, settings: &Settings);
    /// Asks the contacts file and the connectors of these settings from now on, by their dial plan; with a server it is
    /// the server who asks. Comes as [`Input::Contacts`] and [`ConnectorNews::Connected`].
    fn use_sources(&mut self, settings: &Settings);
    /// Answered by [`Input::People`] with the same id.
    fn people(&mut self, id: &str, wish: PeopleWish);
    fn connector(&mut self, command: ConnectorCommand);
    /// Opens a link in the program that the system has for it.
    fn open_link(&mut self, url: &str);
    fn check_links(&mut self);
    fn take_links(&mut self);
    /// Opens a window that is not ours to draw when no window program can be had; `Window` names what was wanted.
    fn without_windows(&mut self, wanted: Window, words: &str);
    fn quit(&mut self);
}
