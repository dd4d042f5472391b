//! Phone numbers, call links and the site's dial plan, without IO.
//!
//! Text comes in ([`PhoneNumber::parse`], [`CallLink::parse`]), [`DialPlan::resolve`] says what
//! would be dialled and why, and only a [`Dialable`] leaves for Asterisk.

mod dialable;
mod emergency;
mod key;
mod link;
mod number;
mod numbering;
mod plan;
mod region;
mod text;
mod variant;

pub use dialable::{Dialable, NotDialable, Tones};
pub use key::NumberKey;
pub use link::{CallLink, LinkError, PhoneContext, Scheme};
pub use number::{ParseNumberError, PhoneNumber, masked};
pub use plan::{
    Action, DialPlan, InternalLength, Kind, Question, Refusal, RefusalReason, Resolution, Rule,
    SendAs, Step, Target,
};
pub use region::{Region, UnknownRegion};
pub use text::numbers_in;
pub use variant::{UnknownVariant, Variant};
