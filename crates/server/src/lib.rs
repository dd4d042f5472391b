//! The integration server: one line to the phone system, any number of desktops and browsers.
#![forbid(unsafe_code)]
