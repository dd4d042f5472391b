//! The application without a face: manager interface and call tracker, with a directory of people beside them, in one loop with one owner of state.
//!
//! [`spawn`] starts the loop. [`Command`]s go in by the [`Handle`] without waiting; [`Update`]s come out, and a reader
//! who is slow gets the newest of each thing instead of a queue. One engine speaks to one PBX and serves any number of
//! [`Desk`]s there: a desktop has one of its own, [`DeskId::OWN`], a server seats a desk for everybody.
#![forbid(unsafe_code)]

mod auto_answer;
mod capabilities;
mod command;
mod config;
mod control;
mod desk;
mod dials;
mod engine;
mod feed;
mod handle;
mod handling;
mod link;
mod log;
mod numbers;
mod order;
mod outbox;
mod phone;
mod placing;
mod probe;
mod remembered;
mod run;
mod shown;
mod timers;
mod update;
mod words;

pub use auto_answer::PhoneModel;
pub use calls::CallId;
pub use capabilities::{Ability, Capabilities};
pub use command::{Command, DialId};
pub use config::{Config, Pbx, Tls};
pub use desk::{Desk, DeskId};
pub use feed::{ExtensionFact, Fact, Feed, MemberFact, ParkedFact, Pulled, Subject, Subscription};
pub use handle::{Busy, Handle, Options, Updates, spawn, spawn_with};
pub use handling::{Conference, DoNotDisturb, Handling};
pub use log::{CallLog, Logged, What};
pub use order::{Order, OrderId, Outcome};
pub use placing::Placing;
pub use wire::{People, Person};

pub use update::{
    CallUpdate, Connection, DialStamps, DialUpdate, Direction, End, Mine, Phase, PhoneState,
    Progress, Remote, RemoteNumber, Side, TestReport, Update, Verdict,
};
