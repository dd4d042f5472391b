//! Secrets of contact sources: in one file, for this program alone.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A longer file is none of ours.
const LONGEST: u64 = 4 << 20;
const VERSION: u32 = 1;

/// What was typed in the admin page, and what sources were given since: tokens that were refreshed.
#[derive(Debug)]
pub(crate) struct Secrets {
    path: PathBuf,
    /// Held while the file is written, so that no write overtakes another.
    kept: Mutex<Kept>,
}

/// By connector and name.
type Kept = BTreeMap<String, BTreeMap<String, SecretString>>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    secrets: BTreeMap<String, BTreeMap<String, String>>,
}

impl Secrets {
    /// Reads the file; there need not be one.
    ///
    /// # Errors
    /// A sentence: it is there and cannot be used.
    pub(crate) fn open(path: PathBuf) -> Result<Self, String> {
        let kept = read(&path).map_err(|words| format!("{}: {words}", path.display()))?;
        Ok(Self {
            path,
            kept: Mutex::new(kept),
        })
    }

    pub(crate) fn get(&self, connector: &str, name: &str) -> Option<SecretString> {
        self.kept().get(connector)?.get(name).cloned()
    }

    /// The names of those that are stored.
    pub(crate) fn names(&self, connector: &str) -> BTreeSet<String> {
        let kept = self.kept();
        let names = kept.get(connector).into_iter().flatten();
        names.map(|(name, _)| name.clone()).collect()
    }

    /// Keeps some, and forgets those without a text. It is done when it is on the disk.
    ///
    /// # Errors
    /// A sentence; then nothing has changed.
    pub(crate) fn change(
        &self,
        connector: &str,
        changes: impl IntoIterator<Item = (String, Option<SecretString>)>,
    ) -> Result<(), String> {
        let mut kept = self.kept();
        let mut next = kept.clone();
        let its = next.entry(connector.to_owned()).or_default();
        for (name, secret) in changes {
            match secret {
                Some(secret) => its.insert(name, secret),
                None => its.remove(&name),
            };
        }
        next.retain(|_, its| !its.is_empty());
        self.write(&next)?;
        *kept = next;
        Ok(())
    }

    /// All of a connector, to be put back by [`replace`](Self::replace).
    pub(crate) fn all(&self, connector: &str) -> BTreeMap<String, SecretString> {
        self.kept().get(connector).cloned().unwrap_or_default()
    }

    /// These are all that a connector has from now on.
    ///
    /// # Errors
    /// A sentence; then nothing has changed.
    pub(crate) fn replace(
        &self,
        connector: &str,
        its: BTreeMap<String, SecretString>,
    ) -> Result<(), String> {
        let gone = self.names(connector).into_iter().map(|name| (name, None));
        let new = its.into_iter().map(|(name, secret)| (name, Some(secret)));
        self.change(connector, gone.chain(new))
    }

    /// Forgets all of a connector.
    ///
    /// # Errors
    /// A sentence; then nothing has changed.
    pub(crate) fn forget(&self, connector: &str) -> Result<(), String> {
        self.replace(connector, BTreeMap::new())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, kept: &Kept) -> Result<(), String> {
        if kept.is_empty() && !self.path.exists() {
            return Ok(());
        }
        let exposed = |its: &BTreeMap<String, SecretString>| {
            let exposed = its.iter();
            exposed
                .map(|(name, secret)| (name.clone(), secret.expose_secret().to_owned()))
                .collect()
        };
        let stored = Stored {
            version: VERSION,
            secrets: kept
                .iter()
                .map(|(connector, its)| (connector.clone(), exposed(its)))
                .collect(),
        };
        let text = serde_json::to_string_pretty(&stored).map_err(|error| error.to_string())?;
        replace(&self.path, text.as_bytes())
            .map_err(|error| format!("{} cannot be written: {error}", self.path.display()))
    }
}

fn read(path: &Path) -> Result<Kept, String> {
    let text = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::new()),
        Err(error) => return Err(error.to_string()),
        Ok(metadata) if metadata.len() > LONGEST => return Err("it is too long".into()),
        Ok(metadata) => {
            may_be_read_by_others(&metadata)?;
            std::fs::read_to_string(path).map_err(|error| error.to_string())?
        }
    };
    // The words of the parser may hold what stands there.
    let stored: Stored =
        serde_json::from_str(&text).map_err(|_| "it is no file of secrets".to_owned())?;
    if stored.version != VERSION {
        return Err("it was written by another version of this program".into());
    }
    let hidden = |its: BTreeMap<String, String>| {
        let hidden = its.into_iter();
        hidden.map(|(name, text)| (name, text.into())).collect()
    };
    let kept = stored.secrets.into_iter();
    Ok(kept.map(|(id, its)| (id, hidden(its))).collect())
}

#[cfg(unix)]
fn may_be_read_by_others(metadata: &std::fs::Metadata) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    match metadata.permissions().mode() & 0o077 {
        0 => Ok(()),
        _ => Err("others may read it; take that from them: chmod 600".into()),
    }
}

#[cfg(not(unix))]
fn may_be_read_by_others(_: &std::fs::Metadata) -> Result<(), String> {
    Ok(())
}

/// All of it or nothing, also when the power goes.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Option<SecretString> {
        Some(text.to_owned().into())
    }

    #[test]
    fn secrets_outlive_the_program_and_are_for_it_alone() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("secrets.json");
        let secrets = Secrets::open(path.clone()).expect("secrets");
        secrets
            .replace("crm", BTreeMap::new())
            .expect("nothing to forget");
        assert!(!path.exists());
        let typed = [
            ("password".to_owned(), secret("hush")),
            ("pin".to_owned(), secret("1")),
        ];
        secrets.change("crm", typed).expect("written");
        secrets
            .change("crm", [("pin".to_owned(), None)])
            .expect("written");
        assert!(!format!("{secrets:?}").contains("hush"));
        let again = Secrets::open(path.clone()).expect("secrets");
        assert_eq!(again.names("crm"), ["password".to_owned()].into());
        let found = again.get("crm", "password").expect("a secret");
        assert_eq!(found.expose_secret(), "hush");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).expect("file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let open = std::fs::Permissions::from_mode(0o640);
            std::fs::set_permissions(&path, open).expect("mode");
            let words = Secrets::open(path.clone()).expect_err("others read it");
            assert!(words.contains("chmod 600"), "{words}");
        }
        again.forget("crm").expect("forgotten");
        assert!(
            !std::fs::read_to_string(&path)
                .expect("file")
                .contains("hush")
        );
    }

    #[test]
    fn what_cannot_be_written_is_not_kept_and_a_broken_file_does_not_tell_its_text() {
        let folder = tempfile::tempdir().expect("folder");
        let secrets = Secrets::open(folder.path().join("none/secrets.json")).expect("secrets");
        let typed = [("password".to_owned(), secret("hush"))];
        let words = secrets.change("crm", typed).expect_err("no folder");
        assert!(words.contains("none") && !words.contains("hush"), "{words}");
        assert!(secrets.names("crm").is_empty());
        let path = folder.path().join("broken.json");
        replace(&path, b"{\"version\": 1, \"secrets\": hush").expect("written");
        let words = Secrets::open(path).expect_err("broken");
        assert!(!words.contains("hush"), "{words}");
    }
}
