//! The client's end of the line: as a dialogue, in step with a server, over real sockets.

mod in_step;
mod rest;
mod server;
mod session;
mod sockets;
mod support;
