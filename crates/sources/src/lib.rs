//! Contact sources from their settings: what can be connected, what comes of a form that is filled in, and how it does.
//!
//! The same for a desktop and for the integration server; who keeps settings and secrets is their own affair. [`kinds`]
//! says what can be connected, [`Kept`] is one that is set up.
#![forbid(unsafe_code)]

mod carddav;
mod description;
mod form;
mod health;
mod keeper;
mod ldap;
mod making;

pub use carddav::forget_copy;
pub use description::{Description, Made, is_own, kind, kinds};
pub use form::{Complaint, filled, is_secret, sentences};
pub use health::{Health, Observed};
pub use keeper::{Around, Boxed, Kept, Now, Vault};
pub use making::{is_filled_in, not_made};
