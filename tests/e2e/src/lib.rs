//! End-to-end tests on a real Asterisk with real SIP phones.
