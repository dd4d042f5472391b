//! Keeps a connector's file as it is on the disk.
//!
//! Looked at every two seconds: notifications of the operating system do not come at all from network shares. A file that
//! is broken does not replace one that works.

use crate::{File, FileError};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{sync::watch, task::spawn_blocking, time::sleep};
use tracing::{info, warn};

const INTERVAL: Duration = Duration::from_secs(2);

/// The newest state of a watched file.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// Stays the last good one; `None`: there was none yet.
    pub file: Option<Arc<File>>,
    /// Why the file is not taken as it is now.
    pub trouble: Vec<FileError>,
}

/// Reads `path` at once and again whenever it changes, until every receiver is dropped.
/// Must be called inside a tokio runtime; files are read on its blocking threads.
#[must_use]
pub fn watch(path: PathBuf) -> watch::Receiver<Arc<Watched>> {
    let (sender, receiver) = watch::channel(Arc::new(Watched::default()));
    tokio::spawn(async move {
        let closed = sender.clone();
        tokio::select! {
            () = closed.closed() => {}
            () = follow(path, sender) => {}
        }
    });
    receiver
}

/// What tells a file from its former self.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Look {
    Missing,
    Unreadable(io::ErrorKind),
    File(u64, Option<SystemTime>),
}

impl Look {
    fn at(path: &Path) -> Self {
        match fs::metadata(path) {
            Ok(metadata) => Self::File(metadata.len(), metadata.modified().ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::Missing,
            Err(error) => Self::Unreadable(error.kind()),
        }
    }
}

async fn follow(path: PathBuf, sender: watch::Sender<Arc<Watched>>) {
    let (mut seen, mut read) = (None, None);
    loop {
        let place = path.clone();
        let Ok(look) = spawn_blocking(move || Look::at(&place)).await else {
            return;
        };
        // One that still changes is being written. The first look counts.
        let is_settled = seen.as_ref().is_none_or(|seen| *seen == look);
        if is_settled && read.as_ref() != Some(&look) {
            read = Some(look.clone());
            let place = path.clone();
            let Ok(parsed) = spawn_blocking(move || load(&place)).await else {
                return;
            };
            sender.send_modify(|watched| *watched = Arc::new(next(watched, parsed)));
        }
        seen = Some(look);
        sleep(INTERVAL).await;
    }
}

fn next(old: &Watched, parsed: Result<File, Vec<FileError>>) -> Watched {
    match parsed {
        Ok(file) => {
            info!(connector = file.id(), "connector file read");
            Watched {
                file: Some(Arc::new(file)),
                trouble: Vec::new(),
            }
        }
        Err(trouble) => {
            let first = trouble.first().map(ToString::to_string);
            let error = first.unwrap_or_default();
            warn!(%error, "a connector's file is not taken; what ran before goes on");
            Watched {
                file: old.file.clone(),
                trouble,
            }
        }
    }
}

/// Reads and checks a file once. Blocks on the disk.
///
/// # Errors
/// What is wrong with it.
pub fn load(path: &Path) -> Result<File, Vec<FileError>> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| {
        let words = if error.kind() == io::ErrorKind::NotFound {
            "there is no such file".to_owned()
        } else {
            format!("the file cannot be read: {error}")
        };
        vec![FileError {
            file: name.clone(),
            line: 1,
            column: 1,
            words,
        }]
    })?;
    File::parse(&text, &name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundled;
    use std::io::Write as _;

    async fn until(
        receiver: &mut watch::Receiver<Arc<Watched>>,
        holds: impl Fn(&Watched) -> bool,
    ) -> Arc<Watched> {
        let waited = tokio::time::timeout(Duration::from_secs(60), receiver.wait_for(|w| holds(w)));
        waited.await.unwrap().unwrap().clone()
    }

    #[tokio::test]
    async fn a_broken_file_does_not_replace_one_that_works() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.toml");
        let (_, text) = bundled()[0];
        fs::write(&path, text).unwrap();
        let mut receiver = watch(path.clone());
        let first = until(&mut receiver, |watched| watched.file.is_some()).await;
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"\n[nonsense]\n").unwrap();
        let broken = until(&mut receiver, |watched| !watched.trouble.is_empty()).await;
        assert!(Arc::ptr_eq(
            first.file.as_ref().unwrap(),
            broken.file.as_ref().unwrap()
        ));
        assert!(broken.trouble[0].words.contains("nonsense"), "{broken:?}");
        fs::write(&path, text).unwrap();
        let mended = until(&mut receiver, |watched| watched.trouble.is_empty()).await;
        assert!(mended.file.is_some());
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_told_and_taken_when_it_comes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.toml");
        let mut receiver = watch(path.clone());
        let missing = until(&mut receiver, |watched| !watched.trouble.is_empty()).await;
        assert_eq!(missing.trouble[0].words, "there is no such file");
        fs::write(&path, bundled()[0].1).unwrap();
        until(&mut receiver, |watched| watched.file.is_some()).await;
    }
}
