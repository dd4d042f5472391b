//! What the integration server and its clients say to each other; the only types that cross between them.
#![forbid(unsafe_code)]
