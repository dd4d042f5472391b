//! The client's end of the line to the integration server: hello, snapshot, numbered changes, reconnect.
#![forbid(unsafe_code)]
