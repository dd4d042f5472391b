//! What windows, tray and command line show and send.
//!
//! The agent owns all state. Whoever shows it gets one [`Snapshot`] and then numbered [`Change`]s, each of which
//! replaces a whole part of the [`State`]; on a gap in the numbers he asks for a snapshot again. What a person does
//! travels the other way as a [`Request`] and is answered by a [`Reply`].
#![forbid(unsafe_code)]

mod call;
mod dial;
mod link;
mod message;
mod server;
mod settings;
mod status;
mod words;

pub use call::{Card, CardPhase, Direction, Party, Recent, RecentOutcome};
pub use dial::{Confirm, Dial, DialEnd, DialStep, Explanation, Kind, StepTime, WhyStep};
pub use link::{Connection, Lamp, Me};
pub use message::{
    AgentMessage, Change, ClientMessage, Hello, Refusal, RefusalCode, Reply, Request, Role, Source,
};
pub use server::{EnrolStep, Enrolment, ServerView};
pub use settings::{
    Connectors, CountryOption, DialPlan, KeepWindows, Managed, PhoneOption, Placing, SecretState,
    SecretText, SendAs, ServerSettings, Settings, SettingsView, TestReport, Tick, TickState, Tls,
};
pub use status::{CallStatus, DialHops, Hops, RingHops, Status};
pub use wire::{Connector, ConnectorSettings, ConnectorState, People, Person, Request as Wish};

use serde::{Deserialize, Serialize};

/// Names a window of `sidetone-ui`; also the label of its webview.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// The caller cards, stacked in one small window that never takes the focus.
    Card,
    /// Number field, running dials, recent calls.
    Panel,
    /// "A link wants to call": asks before a link from outside dials.
    Confirm,
    Settings,
}

/// Milliseconds since 1970-01-01 UTC by the agent's clock.
pub type UnixMillis = u64;
/// Microseconds since 1970-01-01 UTC by the machine's clock; compared between processes of one machine only.
pub type UnixMicros = u64;

/// All that can be shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct State {
    pub connection: Connection,
    pub me: Me,
    /// In order of arrival.
    pub cards: Vec<Card>,
    /// Running and just ended outgoing calls that were asked for here, oldest first.
    pub dials: Vec<Dial>,
    /// Newest first, at most 200.
    pub recent: Vec<Recent>,
    /// The link that waits for a yes, if any; there is at most one.
    pub confirm: Option<Box<Confirm>>,
    /// The server, in server mode.
    pub server: Option<ServerView>,
    /// The question whether to connect to a server, if one is asked; there is at most one.
    pub enrolment: Option<Box<Enrolment>>,
    pub settings: SettingsView,
    /// The last or the running test of the settings.
    pub test: Option<TestReport>,
}

/// The whole state as of change number `seq`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Snapshot {
    pub seq: u64,
    pub state: State,
}

impl State {
    /// Lays a change over the state: the part it names is replaced.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Connection(connection) => self.connection = connection,
            Change::Me(me) => self.me = me,
            Change::Cards(cards) => self.cards = cards,
            Change::Dials(dials) => self.dials = dials,
            Change::Recent(recent) => self.recent = recent,
            Change::Confirm(confirm) => self.confirm = confirm,
            Change::Server(server) => self.server = server,
            Change::Enrolment(enrolment) => self.enrolment = enrolment,
            Change::Settings(settings) => self.settings = *settings,
            Change::Test(test) => self.test = test,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_replaces_its_part_and_nothing_else() {
        let mut state = State::default();
        let me = Me {
            extension: "101".into(),
            ..Me::default()
        };
        state.apply(Change::Me(me.clone()));
        assert_eq!(
            state,
            State {
                me,
                ..State::default()
            }
        );
    }

    #[test]
    fn messages_survive_the_wire() {
        let message = ClientMessage {
            id: 7,
            request: Request::Dial {
                text: "tel:+7916".into(),
                source: Source::Link { program: None },
                request_id: "r1".into(),
            },
        };
        let text = serde_json::to_string(&message).expect("encodes");
        assert_eq!(
            serde_json::from_str::<ClientMessage>(&text).expect("decodes"),
            message
        );
    }

    #[test]
    fn a_secret_does_not_show_in_debug() {
        let request = Request::SaveSettings {
            settings: Box::default(),
            secret: Some(SecretText::from("hunter2".to_owned())),
        };
        assert!(!format!("{request:?}").contains("hunter2"));
    }
}
