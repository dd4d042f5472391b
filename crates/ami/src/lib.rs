//! Asterisk Manager Interface without IO: decoder, encoder, session.
