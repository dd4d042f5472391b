//! The messages themselves.

use crate::{
    Fact, Failure, Me, Order, People, Person, PersonForm, Record, Remember, SourceReport,
    UnixMillis,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Version of these messages. A server speaks one; a client that says another is refused with
/// [`ErrorCode::Version`](crate::ErrorCode::Version).
pub const VERSION: u16 = 1;

/// What proves who a client is: the token of a device. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(transparent)]
pub struct Token(pub String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Who connects, for the list of devices and the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Client {
    /// `sidetone`, `browser`, or the name of a program of one's own.
    pub program: String,
    pub version: String,
    /// `linux`, `windows`, `macos`, `web`.
    pub platform: String,
}

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientMessage {
    /// The first message, within ten seconds; nothing else is answered before it.
    Hello {
        version: u16,
        token: Token,
        client: Client,
        #[serde(default)]
        interest: Interest,
    },
    /// From now on follow this instead. Answered by a snapshot.
    Follow { interest: Interest },
    /// Something wanted. The same `id` again is the same wish: it is carried out once, and answered each time.
    Request { id: String, request: Request },
    /// A number was missed; answered by a snapshot.
    Resync,
    /// Are you there? Answered by [`ServerMessage::Pong`] with the same `n`. Sent after five seconds of silence.
    Ping { n: u32 },
}

/// What a client wants to see besides its own person, phone, calls and dials, which it always gets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(default, deny_unknown_fields)]
pub struct Interest {
    /// Lamps: keys as in [`Fact::Extension`].
    pub extensions: Names,
    /// Queues by key.
    pub queues: Names,
    pub parked: bool,
    /// The board of missed calls.
    pub missed: bool,
}

/// Which of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(rename_all = "snake_case")]
pub enum Names {
    #[default]
    None,
    All,
    These(BTreeSet<String>),
}

impl Names {
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::These(names) => names.contains(name),
        }
    }
}

/// What a person wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Rings one's own phone, then this. The request's id names the dial in [`Fact::Dial`].
    Dial {
        /// A number as a person writes it, or a `tel:`, `callto:` or `sip:` link.
        text: String,
    },
    /// Gives up a dial.
    Cancel { dial: String },
    /// Hangs up one's own phone in this call; without one in the call that is talked, else in the newest that rings.
    HangUp { call: Option<String> },
    /// Something of a call, or of one's place in the firm.
    Order {
        /// `None`: the call that is talked, else the newest that rings.
        call: Option<String>,
        order: Order,
    },
    /// What would this text dial, and why? Nothing is dialled.
    Explain { text: String },
    /// Who has this number?
    WhoIs { number: String },
    /// People by name, company, address or number, of all sources. Answered by [`Answer::Found`] as soon as all sources
    /// have answered, at the latest after half a second; where some still search, the same is asked again.
    FindPeople { text: String },
    /// This is who is at the other end of a call, running or ended: one of several, or somebody found by name.
    LinkPerson {
        call: String,
        record: Record,
        #[serde(default)]
        remember: Remember,
    },
    /// Wrong person: the call and its line in the log have nobody again, and what was remembered is forgotten.
    UnlinkPerson { call: String },
    /// What the sources want to know to make a new person; answered by [`Answer::Forms`]. Nothing is made.
    PersonForms { call: Option<String> },
    /// Makes a new person in a source, and links the call to it. Never done by itself.
    CreatePerson {
        source: String,
        call: Option<String>,
        /// By the names of [`PersonForm::fields`].
        fields: BTreeMap<String, String>,
    },
    /// Closes an item of the board of missed calls by hand.
    CloseMissed { item: String },
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// It is done, or has begun and facts will tell.
    Done,
    Explained(Explained),
    People {
        people: People,
    },
    /// Best first; `sources` tells whether some still search.
    Found {
        people: Vec<Person>,
        sources: Vec<SourceReport>,
    },
    Forms {
        forms: Vec<PersonForm>,
    },
    Created {
        person: Person,
    },
    Failed(Failure),
}

/// What a text would dial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Explained {
    /// As a person reads it.
    pub display: String,
    /// Exactly what would go to the PBX; `None`: it would not be called, and `words` say why.
    pub dials: Option<String>,
    /// Each step as what was done and the number after it.
    pub steps: Vec<(String, String)>,
    pub words: Option<String>,
    /// A sentence that must be agreed to first.
    pub question: Option<String>,
    pub people: People,
}

/// What the server sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The token is known. A snapshot follows.
    Welcome {
        version: u16,
        /// Name and version of the server, for people.
        server: String,
        me: Me,
        /// The server's clock, to show durations right on a client whose clock is wrong.
        now: UnixMillis,
    },
    /// Everything that is followed; whatever the client had is void. `seq` is where the changes go on.
    Snapshot {
        seq: u64,
        facts: Vec<Fact>,
    },
    /// Facts that replace the earlier ones of the same kind and key. Each `seq` is the one before plus one.
    Changes {
        seq: u64,
        facts: Vec<Fact>,
    },
    Reply {
        id: String,
        #[serde(flatten)]
        #[cfg_attr(feature = "ts", ts(flatten))]
        answer: Answer,
    },
    Pong {
        n: u32,
    },
    /// The line ends after this.
    Goodbye(Failure),
}
