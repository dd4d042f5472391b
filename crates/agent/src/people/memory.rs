//! The match memory's file: whom this person chose for which number. This user's alone, replaced as a whole or not at all.

use contacts::Directory;
use contacts::memory::Remembering;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::sleep;

/// A hundred thousand choices are less.
const LONGEST: u64 = 64 * 1024 * 1024;
/// Several choices in a row are written once.
const PAUSE: Duration = Duration::from_millis(500);
/// A full disk is tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// What is remembered; a file that is not understood is kept aside.
pub(super) fn load(path: &Path) -> Vec<Remembering> {
    match read(path) {
        Ok(text) => match serde_json::from_str(&text) {
            Ok(remembered) => remembered,
            Err(error) => {
                let kept = path.with_extension("json.bad");
                let _ = std::fs::rename(path, kept);
                tracing::warn!(line = error.line(), "the match memory is not understood");
                Vec::new()
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            tracing::warn!(%error, "the match memory cannot be read");
            Vec::new()
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    file.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

/// Writes it beside the old one and puts it in its place in one step.
pub(super) fn save(path: &Path, remembered: &[Remembering]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    std::fs::create_dir_all(folder)?;
    // Temporary files are made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(io::BufWriter::new(file.as_file_mut()), remembered)?;
    file.as_file_mut().flush()?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Writes what is new, for as long as the program lives.
pub(super) async fn keep(directory: Directory, path: PathBuf) {
    let mut changes = directory.memory_changes();
    loop {
        let new = changes.next().await;
        sleep(PAUSE).await;
        let (all, path) = (directory.remembered(), path.clone());
        let saved = tokio::task::spawn_blocking(move || save(&path, &all)).await;
        if let Ok(Err(error)) = saved {
            tracing::warn!(%error, "the match memory was not written");
            changes.put_back(new);
            sleep(AGAIN).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Record;

    fn remembered() -> Vec<Remembering> {
        vec![Remembering {
            number: "+79161234567".into(),
            line: Some("74951230000".into()),
            record: Record {
                source: "crm".into(),
                kind: "person".into(),
                id: "7".into(),
            },
            name: "Ada".into(),
            company: None,
            url: None,
            source: "CRM".into(),
            attached: true,
            by: None,
            at: 1,
        }]
    }

    #[test]
    fn what_is_remembered_is_there_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("people.json");
        save(&path, &remembered()).unwrap();
        assert_eq!(load(&path), remembered());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_spoilt_memory_is_kept_aside_and_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.json");
        std::fs::write(&path, "[{").unwrap();
        assert_eq!(load(&path), []);
        assert!(folder.path().join("people.json.bad").exists());
        assert_eq!(load(&path), []);
    }
}
