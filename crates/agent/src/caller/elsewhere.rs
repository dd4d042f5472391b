//! Windows starts handlers from the shell and macOS by an event: neither names the program that was clicked in.

pub(super) fn program() -> Option<String> {
    None
}
