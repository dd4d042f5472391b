//! What arbitrary bytes must never do. Each target is a plain function that panics when a promise is broken; the corpora
//! are replayed by `cargo test -p fuzz`, and `cargo xtask fuzz` looks for new inputs.

mod bytes;
mod decoder;
mod phone_number;
mod session;
mod tracker;

pub use self::{decoder::decoder, phone_number::phone_number, session::session, tracker::tracker};

/// A target takes any bytes and returns, or panics.
pub type Target = fn(&[u8]);

/// Every target by the name of its corpus.
pub const TARGETS: [(&str, Target); 4] = [
    ("decoder", decoder),
    ("session", session),
    ("tracker", tracker),
    ("phone_number", phone_number),
];
