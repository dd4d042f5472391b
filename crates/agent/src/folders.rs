//! Where settings and logs lie.

use std::path::{Path, PathBuf};

/// `$XDG_CONFIG_HOME/sidetone`, `~/Library/Application Support/Sidetone`, `%APPDATA%\Sidetone`.
pub(crate) fn config() -> Option<PathBuf> {
    #[cfg(windows)]
    return variable("APPDATA").map(|folder| folder.join("Sidetone"));
    #[cfg(target_os = "macos")]
    return variable("HOME").map(|home| home.join("Library/Application Support/Sidetone"));
    #[cfg(not(any(windows, target_os = "macos")))]
    xdg("XDG_CONFIG_HOME", ".config")
}

/// `$XDG_STATE_HOME/sidetone`, `~/Library/Logs/Sidetone`, `%LOCALAPPDATA%\Sidetone\logs`.
pub(crate) fn logs() -> Option<PathBuf> {
    #[cfg(windows)]
    return variable("LOCALAPPDATA").map(|folder| folder.join("Sidetone").join("logs"));
    #[cfg(target_os = "macos")]
    return variable("HOME").map(|home| home.join("Library/Logs/Sidetone"));
    #[cfg(not(any(windows, target_os = "macos")))]
    xdg("XDG_STATE_HOME", ".local/state")
}

/// What this user has done, and settings do not say: `$XDG_DATA_HOME/sidetone`,
/// `~/Library/Application Support/Sidetone`, `%LOCALAPPDATA%\Sidetone\data`.
pub(crate) fn data() -> Option<PathBuf> {
    #[cfg(windows)]
    return variable("LOCALAPPDATA").map(|folder| folder.join("Sidetone").join("data"));
    #[cfg(target_os = "macos")]
    return variable("HOME").map(|home| home.join("Library/Application Support/Sidetone"));
    #[cfg(not(any(windows, target_os = "macos")))]
    xdg("XDG_DATA_HOME", ".local/share")
}

/// XDG base directories (freedesktop.org): a relative path in the variable is to be ignored.
#[cfg(not(any(windows, target_os = "macos")))]
fn xdg(name: &str, otherwise: &str) -> Option<PathBuf> {
    let set = variable(name).filter(|folder| folder.is_absolute());
    set.or_else(|| variable("HOME").map(|home| home.join(otherwise)))
        .map(|folder| folder.join("sidetone"))
}

/// Makes a folder for this user alone; one that is there stays as it is.
pub(crate) fn make_private(folder: &Path) {
    let mut private = std::fs::DirBuilder::new();
    private.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut private, 0o700);
    let _ = private.create(folder);
}

pub(crate) fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}
