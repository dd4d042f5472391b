//! What the integration server keeps: call log, missed calls, people, devices, audit, deliveries; in SQLite or PostgreSQL.
//!
//! Every time is unix milliseconds and comes from the caller. Every operation has a deadline and is one transaction:
//! when it returns `Ok`, the change is on disk.
#![forbid(unsafe_code)]

mod audit;
mod backup;
mod board;
mod calls;
mod db;
mod devices;
mod error;
mod ids;
mod location;
mod memory;
mod open;
mod outbox;
mod people;
mod settings;
mod words;

pub use audit::{AuditEntry, AuditFilter, AuditNew};
pub use backup::BackupError;
pub use board::{Board, BoardChange, Closed, MissedItem};
pub use calls::{
    CallCursor, CallFilter, CallPage, CallPerson, CallRecord, CdrRow, Direction, Disposition,
    ExportError, LegRecord, Outcome, Party, PutCalls, Source, Visible,
};
pub use devices::{Device, DeviceKind, DeviceNew, EnrolmentNew, TokenHash};
pub use error::{OpenError, StoreError};
pub use ids::{CallId, DeviceId, ItemId, SubscriptionId, UserId};
pub use location::{Location, LocationError};
pub use memory::Remembered;
pub use open::Store;
pub use outbox::{Delivery, Event, Subscription};
pub use people::{Origin, Role, Synced, User};
pub use settings::{Begun, Setting};
