//! The tokio adapter around `ami::Session`: connect, TLS, reconnect, lag.
