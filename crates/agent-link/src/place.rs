//! Where the socket is: a folder that belongs to this user alone.

use std::path::PathBuf;

/// The folder of the socket and of the lock that makes the agent the only one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    folder: PathBuf,
}

/// Why there is no safe place for the socket.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error("cannot make the folder {folder}")]
    NotMade {
        folder: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the folder {0} belongs to somebody else or is open to others")]
    NotOurs(PathBuf),
}

impl Place {
    /// The place of this user: `$XDG_RUNTIME_DIR/sidetone` on Linux, `~/Library/Application Support/Sidetone` on macOS,
    /// `%LOCALAPPDATA%\Sidetone` on Windows; without such a folder a private one among the temporary files.
    ///
    /// # Errors
    /// The folder cannot be made, or is not this user's alone.
    pub fn of_this_user() -> Result<Self, PlaceError> {
        Self::at(crate::socket::folder())
    }

    /// A place of one's own choosing, made private.
    ///
    /// # Errors
    /// The folder cannot be made, or is not this user's alone.
    pub fn at(folder: PathBuf) -> Result<Self, PlaceError> {
        crate::socket::make_private(&folder)?;
        Ok(Self { folder })
    }

    /// The socket itself, for diagnosis.
    #[must_use]
    pub fn socket_path(&self) -> PathBuf {
        self.folder.join("agent.sock")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.folder.join("agent.lock")
    }
}
