//! The settings file: TOML, this user's alone, replaced as a whole or not at all.

use crate::folders;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use view::Settings;

/// What was found, and a sentence where something was wrong with it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    pub(crate) trouble: Option<String>,
}

pub(crate) fn path() -> Option<PathBuf> {
    folders::config().map(|folder| folder.join("settings.toml"))
}

/// Reads the settings. A file that is not understood is kept aside and the defaults are used.
pub(crate) fn load(path: &Path) -> Loaded {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Loaded::default(),
        Err(error) => {
            return spoilt(format!(
                "The settings in {} cannot be read: {error}.",
                path.display()
            ));
        }
    };
    match toml::from_str(&text) {
        Ok(settings) => Loaded {
            settings,
            trouble: None,
        },
        Err(error) => {
            let kept = path.with_extension("toml.bad");
            let kept = match std::fs::rename(path, &kept) {
                Ok(()) => format!("kept as {}", kept.display()),
                Err(_) => "left where it is".into(),
            };
            spoilt(format!(
                "The settings file is not understood ({}); it is {kept}.",
                error.message()
            ))
        }
    }
}

fn spoilt(words: String) -> Loaded {
    Loaded {
        trouble: Some(words),
        ..Loaded::default()
    }
}

/// Writes the settings beside the old ones and puts them in their place in one step.
///
/// # Errors
/// A sentence; the old settings are as they were.
pub(crate) fn save(path: &Path, settings: &Settings) -> Result<(), String> {
    let write = || -> io::Result<()> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        std::fs::create_dir_all(folder)?;
        let text = toml::to_string(settings).map_err(io::Error::other)?;
        // Temporary files are made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|error| {
        if error.kind() == io::ErrorKind::StorageFull {
            return "Not saved: the disk is full. The old settings stay.".to_owned();
        }
        format!(
            "Not saved: {} cannot be written ({error}). The old settings stay.",
            path.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("settings.toml");
        let settings = Settings {
            pbx_host: "pbx.example".into(),
            tls: view::Tls::Pin {
                sha256: "ab".into(),
            },
            ..Settings::default()
        };
        save(&path, &settings).unwrap();
        assert_eq!(
            load(&path),
            Loaded {
                settings,
                trouble: None
            }
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }

    #[test]
    fn a_spoilt_file_is_kept_aside_and_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, "pbx_port = \"many\"").unwrap();
        let loaded = load(&path);
        assert_eq!(loaded.settings, Settings::default());
        assert!(loaded.trouble.unwrap().contains("settings.toml.bad"));
        assert!(folder.path().join("settings.toml.bad").exists());
    }

    #[test]
    fn no_file_is_no_trouble() {
        assert_eq!(
            load(Path::new("/nonexistent/settings.toml")),
            Loaded::default()
        );
    }

    #[test]
    fn what_cannot_be_written_is_said_and_the_old_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let in_the_way = folder.path().join("file");
        std::fs::write(&in_the_way, "").unwrap();
        let words = save(&in_the_way.join("settings.toml"), &Settings::default()).unwrap_err();
        assert!(words.starts_with("Not saved: "), "{words}");
    }
}
