//! A named pipe whose access list names its owner alone.

use crate::{Place, PlaceError};
use interprocess::local_socket::tokio::prelude::*;
use interprocess::local_socket::{GenericFilePath, ListenerOptions, Name};
use interprocess::os::windows::local_socket::ListenerOptionsExt as _;
use interprocess::os::windows::security_descriptor::SecurityDescriptor;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use widestring::u16cstr;

pub(crate) type Stream = interprocess::local_socket::tokio::Stream;
pub(crate) type BlockingStream = File;

pub(crate) fn folder() -> PathBuf {
    std::env::var_os("LOCALAPPDATA")
        .map_or_else(std::env::temp_dir, PathBuf::from)
        .join("Sidetone")
}

/// Whoever serves the pipe may learn who we are, not act as us (`SECURITY_IDENTIFICATION`).
const IDENTIFICATION: u32 = 1 << 16;

/// The user's own local folder is private by the system's inheritance.
pub(crate) fn make_private(folder: &Path) -> Result<(), PlaceError> {
    std::fs::create_dir_all(folder).map_err(|source| PlaceError::NotMade {
        folder: folder.to_owned(),
        source,
    })
}

/// One pipe for each user and session: two sessions of one user have an agent each.
fn pipe() -> String {
    let part = |name| {
        std::env::var(name)
            .unwrap_or_default()
            .replace(|c: char| !c.is_alphanumeric(), "_")
    };
    format!(
        r"\\.\pipe\sidetone-{}-{}-{}",
        part("USERDOMAIN"),
        part("USERNAME"),
        part("SESSIONNAME")
    )
}

fn name(pipe: &str) -> io::Result<Name<'_>> {
    pipe.to_fs_name::<GenericFilePath>()
}

/// Where clients come in.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: interprocess::local_socket::tokio::Listener,
}

impl Listener {
    pub(crate) fn bind(_place: &Place) -> io::Result<Self> {
        // Protected list, one entry: everything to the owner, nothing to anybody else.
        let owner_only = SecurityDescriptor::deserialize(u16cstr!("D:P(A;;GA;;;OW)"))?;
        let pipe = pipe();
        let options = ListenerOptions::new()
            .name(name(&pipe)?)
            .security_descriptor(owner_only);
        Ok(Self {
            listener: options.create_tokio()?,
        })
    }

    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        self.listener.accept().await
    }
}

/// A pipe goes with its last handle.
pub(crate) fn remove(_place: &Place) {}

pub(crate) async fn connect(_place: &Place) -> io::Result<Stream> {
    Stream::connect(name(&pipe())?).await
}

/// A pipe opened as a file has no deadline of its own; the caller keeps one.
pub(crate) fn connect_blocking(_place: &Place, _deadline: Duration) -> io::Result<BlockingStream> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .security_qos_flags(IDENTIFICATION)
        .open(pipe())
}
