//! The system's own kind of local socket behind one face.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{
    BlockingStream, Listener, Stream, connect, connect_blocking, folder, make_private, remove,
};
#[cfg(windows)]
pub(crate) use windows::{
    BlockingStream, Listener, Stream, connect, connect_blocking, folder, make_private, remove,
};
