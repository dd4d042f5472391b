//! What the integration server keeps: call log, missed calls, people, devices, audit, deliveries; in SQLite or PostgreSQL.
//!
//! Every time is unix milliseconds and comes from the caller. Every operation has a deadline and is one transaction:
//! when it returns `Ok`, the change is on disk.
#![forbid(unsafe_code)]

mod db;
mod error;
mod ids;
mod location;
mod open;
mod people;
mod words;

pub use error::{OpenError, StoreError};
pub use ids::{CallId, DeviceId, ItemId, SubscriptionId, UserId};
pub use location::{Location, LocationError};
pub use open::Store;
pub use people::{Origin, Role, Synced, User};
