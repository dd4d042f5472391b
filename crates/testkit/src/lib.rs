//! A real Asterisk, real SIP phones and a private desktop session for tests and the demo.
