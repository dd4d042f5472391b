//! Unix sockets (Linux, macOS): mode 0600 in a folder of mode 0700, and the peer's user is checked once more.

use crate::{Place, PlaceError};
use rustix::process::getuid;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};

pub(crate) type Stream = UnixStream;
pub(crate) type BlockingStream = std::os::unix::net::UnixStream;

pub(crate) fn folder() -> PathBuf {
    #[cfg(target_os = "macos")]
    if let Some(home) = std::env::var_os("HOME") {
        return PathBuf::from(home).join("Library/Application Support/Sidetone");
    }
    // The variable outlives its folder where somebody changed users by `su`.
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    match runtime.filter(|folder| folder.is_absolute() && folder.is_dir()) {
        Some(folder) => folder.join("sidetone"),
        None => std::env::temp_dir().join(format!("sidetone-{}", getuid().as_raw())),
    }
}

pub(crate) fn make_private(folder: &Path) -> Result<(), PlaceError> {
    let not_made = |source| PlaceError::NotMade {
        folder: folder.to_owned(),
        source,
    };
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(not_made(error)),
    }
    // Not followed: among the temporary files somebody else could have laid a link there.
    let found = std::fs::symlink_metadata(folder).map_err(not_made)?;
    if !found.is_dir() || found.uid() != getuid().as_raw() {
        return Err(PlaceError::NotOurs(folder.to_owned()));
    }
    if found.mode() & 0o077 != 0 {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
            .map_err(not_made)?;
    }
    Ok(())
}

/// Where clients come in.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: UnixListener,
}

impl Listener {
    /// Only the holder of the lock may call this: what lies there is a dead agent's.
    pub(crate) fn bind(place: &Place) -> io::Result<Self> {
        let path = place.socket_path();
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener })
    }

    /// The next client of this user; others are turned away.
    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            if is_ours(stream.peer_cred()?.uid()) {
                return Ok(stream);
            }
            tracing::warn!("another user tried to reach the agent");
        }
    }
}

/// Only the holder of the lock may call this.
pub(crate) fn remove(place: &Place) {
    let _ = std::fs::remove_file(place.socket_path());
}

fn is_ours(uid: u32) -> bool {
    uid == getuid().as_raw()
}

pub(crate) async fn connect(place: &Place) -> io::Result<Stream> {
    UnixStream::connect(place.socket_path()).await
}

pub(crate) fn connect_blocking(place: &Place, deadline: Duration) -> io::Result<BlockingStream> {
    let stream = BlockingStream::connect(place.socket_path())?;
    stream.set_read_timeout(Some(deadline))?;
    stream.set_write_timeout(Some(deadline))?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_users_are_not_ours() {
        assert!(is_ours(getuid().as_raw()));
        assert!(!is_ours(getuid().as_raw() + 1));
    }

    #[test]
    fn a_folder_open_to_others_is_closed_and_a_link_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let open = parent.path().join("open");
        std::fs::DirBuilder::new()
            .mode(0o755)
            .create(&open)
            .unwrap();
        make_private(&open).unwrap();
        assert_eq!(std::fs::metadata(&open).unwrap().mode() & 0o777, 0o700);
        let link = parent.path().join("link");
        std::os::unix::fs::symlink(&open, &link).unwrap();
        assert!(matches!(make_private(&link), Err(PlaceError::NotOurs(_))));
    }
}
