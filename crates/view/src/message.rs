//! What crosses the local socket, one JSON object a line.

use crate::{
    Card, Confirm, Connection, Dial, Enrolment, Explanation, Me, Recent, SecretText, ServerView,
    Settings, SettingsView, Snapshot, Status, TestReport, UnixMicros, Window,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wire::ConnectorSettings;

/// The first message of whoever connects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Hello {
    /// Version of these messages; the agent refuses what it does not speak.
    pub version: u32,
    pub role: Role,
    pub pid: u32,
}

impl Hello {
    pub const VERSION: u32 = 1;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// One request, one reply.
    CommandLine,
    /// `sidetone-ui`: gets a snapshot and every change.
    Windows,
}

/// Where a wish to dial came from; decides whether it is confirmed first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// Typed or clicked in the app itself, or typed on the command line.
    Typed,
    /// A link that the system handed over; `program` if it can be told.
    Link { program: Option<String> },
}

/// What a person or a script wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// The whole state again, after a gap.
    Snapshot,
    /// `request_id` makes a double click one call: the same id, or the same target within two seconds, dials once.
    Dial {
        text: String,
        source: Source,
        request_id: String,
    },
    /// What would this text dial, and why?
    Explain {
        text: String,
    },
    /// Yes to the link that waits; `always`: do not ask again for this program.
    ConfirmDial {
        confirm: String,
        always: bool,
    },
    DismissConfirm {
        confirm: String,
    },
    /// Stops an outgoing call at whatever step it is.
    Cancel {
        dial: String,
    },
    /// Ends a call; `None`: the one that this extension is in or that rings it.
    HangUp {
        call: Option<String>,
    },
    /// Esc on a card: hides it and never rejects the call.
    HideCard {
        call: String,
    },
    ForgetDial {
        dial: String,
    },
    SaveSettings {
        settings: Box<Settings>,
        secret: Option<SecretText>,
    },
    /// The three ticks for the settings as typed, before they are saved.
    TestSettings {
        settings: Box<Settings>,
        secret: Option<SecretText>,
    },
    /// Connects this desktop to an integration server. A link is asked about first.
    Enrol {
        /// `sidetone://enrol/…`, or a code alone.
        text: String,
        /// The server's address, for a code alone.
        server: Option<String>,
        source: Source,
    },
    /// Yes to the server that a link names.
    ConfirmEnrol {
        enrolment: String,
    },
    DismissEnrol {
        enrolment: String,
    },
    /// Forgets the integration server and its token.
    SignOut,
    /// Whether the colleagues are looked at; while they are, [`AgentMessage::Facts`] come to the windows.
    Follow {
        on: bool,
    },
    /// What a person wants at the panel of colleagues, in the words of the integration server, with one or without.
    /// Answered by [`Reply::Answer`]. The same `request_id` again is the same wish.
    Wish {
        request_id: String,
        // Our own `Request` has the name in the file that is generated of it.
        #[cfg_attr(feature = "ts", ts(type = "import(\"../wire/Request\").Request"))]
        wish: wire::Request,
    },
    /// Connects a contact source, or changes the one that has this id. A secret that is left out stays as it is stored.
    /// It need not work: how it does is told by [`Connectors`](crate::Connectors).
    SaveConnector {
        connector: ConnectorSettings,
        /// By the names of the form's fields; they go to the keychain.
        secrets: BTreeMap<String, SecretText>,
    },
    /// Forgets a contact source and its secrets.
    RemoveConnector {
        connector: String,
    },
    /// Asks it at this place from now on; 0: first.
    MoveConnector {
        connector: String,
        to: u32,
    },
    /// Tries a contact source as typed, before it is saved. Answered by [`Reply::Findings`] within half a minute.
    TestConnector {
        connector: ConnectorSettings,
        secrets: BTreeMap<String, SecretText>,
    },
    /// The form of a description of one's own. Answered by [`Reply::ConnectorKind`].
    ReadConnectorFile {
        file: String,
    },
    /// Signs in to a contact source that is saved, in the browser. Answered when that is done, given up or five minutes
    /// old.
    SignInConnector {
        connector: String,
    },
    /// Opens a link that a card, the recent calls or the people found last have; any other is refused.
    OpenLink {
        url: String,
    },
    /// Makes `tel:` links come to us, as far as the system lets a program do that.
    TakeLinks,
    Show {
        window: Window,
    },
    /// A window was closed by its person.
    Closed {
        window: Window,
    },
    /// The card window has painted these calls; `at`: when.
    Painted {
        calls: Vec<String>,
        received_at: UnixMicros,
        painted_at: UnixMicros,
    },
    Status,
    Quit,
}

/// Why a request was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// The text holds no number that may be dialled.
    NoNumber,
    /// A person must agree first (feature code), and the way it came cannot ask.
    NeedsConsent,
    NotConnected,
    NotSetUp,
    NoSuchCall,
    /// Too many dials at once or a minute.
    TooMany,
    Keychain,
    Settings,
    /// The contact source is not there, or the form is not filled in right.
    Connector,
    /// The server did not take this desktop, or was not reached.
    Enrolment,
    /// Not allowed for this kind of client, or not understood.
    BadRequest,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Refusal {
    pub code: RefusalCode,
    /// What happened and what to do.
    pub words: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "reply", content = "value", rename_all = "snake_case")]
pub enum Reply {
    Done,
    /// The dial's id; `confirm`: a person is asked first.
    Dialling {
        dial: String,
    },
    AskedFirst {
        confirm: String,
    },
    Explanation(Explanation),
    Snapshot(Box<Snapshot>),
    Status(Box<Status>),
    /// Connected to this server.
    Enrolled(Box<ServerView>),
    /// What became of a wish.
    Answer(wire::Answer),
    /// What was found when a contact source was tried, a sentence each.
    Findings(wire::rest::Findings),
    ConnectorKind(Box<wire::ConnectorKind>),
    Refused(Refusal),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ClientMessage {
    /// Chosen by the client, echoed in the reply.
    pub id: u64,
    #[serde(flatten)]
    #[cfg_attr(feature = "ts", ts(flatten))]
    pub request: Request,
}

/// A part of the state, new as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "part", content = "value", rename_all = "snake_case")]
pub enum Change {
    Connection(Connection),
    Me(Me),
    Cards(Vec<Card>),
    Dials(Vec<Dial>),
    Recent(Vec<Recent>),
    Confirm(Option<Box<Confirm>>),
    Server(Option<ServerView>),
    Enrolment(Option<Box<Enrolment>>),
    Settings(Box<SettingsView>),
    Test(Option<TestReport>),
}

/// What the agent sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "message", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "encoded where it is made")]
pub enum AgentMessage {
    Reply {
        id: u64,
        reply: Reply,
    },
    /// First message to windows.
    Snapshot {
        snapshot: Box<Snapshot>,
    },
    /// `seq` is one more than that of the snapshot or change before.
    Change {
        seq: u64,
        change: Change,
    },
    /// Colleagues, queues, parked and own calls, while they are followed: the newest of each kind and key.
    /// `from_nothing`: whatever was known of them is void.
    Facts {
        from_nothing: bool,
        facts: Vec<wire::Fact>,
    },
    /// Bring this window to the front (never the card: it shows itself).
    Show {
        window: Window,
    },
    /// Windows end; the agent stays.
    End,
}
