//! The match memory in a file, for a computer without a server: read at the start, written whole when it changes.

use crate::{Directory, memory::Remembering};
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{task::spawn_blocking, time::sleep};
use tracing::warn;

const VERSION: u32 = 1;
/// 100,000 choices are far smaller.
const MAX_FILE: u64 = 100_000_000;
/// Several choices in a row are written once.
const PAUSE: Duration = Duration::from_secs(1);
/// After this a disk that did not take it is tried again.
const RETRY: Duration = Duration::from_secs(30);

/// Whoever writes, until it is written: two would write into one another's file.
static WRITING: Mutex<()> = Mutex::new(());

#[derive(Deserialize, Serialize)]
struct Stored {
    version: u32,
    remembered: Vec<Remembering>,
}

/// What is remembered, and a sentence when the file could not be read: then it lies beside its place, and nothing of it
/// is lost. A file that is not there is no trouble.
#[must_use]
pub fn load(path: &Path) -> (Vec<Remembering>, Option<String>) {
    match read(path) {
        Ok(remembered) => (remembered, None),
        Err(Trouble::Missing) => (Vec::new(), None),
        Err(Trouble::Unusable(why)) => (Vec::new(), Some(put_aside(path, &why))),
    }
}

/// Writes all that is remembered; whoever reads the file meanwhile sees it as it was or as it is. Blocks on the disk.
///
/// # Errors
/// What the disk says; the file is as it was then.
pub fn save(path: &Path, remembered: Vec<Remembering>) -> io::Result<()> {
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    write(path, remembered)
}

/// Writes what is remembered when its turn comes, so that nothing newer is overwritten. Blocks on the disk.
///
/// # Errors
/// As [`save`].
pub fn save_now(path: &Path, directory: &Directory) -> io::Result<()> {
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    write(path, directory.remembered())
}

fn write(path: &Path, remembered: Vec<Remembering>) -> io::Result<()> {
    let stored = Stored {
        version: VERSION,
        remembered,
    };
    let text = serde_json::to_vec_pretty(&stored)?;
    let new = beside(path, ".new");
    let mut file = private(&new)?;
    file.write_all(&text)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&new, path)
}

/// Writes the file whenever something is remembered or forgotten. Ends never; what came in the last second before the
/// end of the program is written by
/// [`save_now`].
pub async fn keep(directory: Directory, path: PathBuf) {
    let mut changes = directory.memory_changes();
    loop {
        let mut unsaved = changes.next().await;
        sleep(PAUSE).await;
        unsaved.extend(changes.take());
        let (to, from) = (path.clone(), directory.clone());
        let saved = spawn_blocking(move || save_now(&to, &from)).await;
        if let Ok(Err(error)) = saved {
            warn!(%error, "what was chosen for numbers is not stored");
            changes.put_back(unsaved);
            sleep(RETRY).await;
        }
    }
}

enum Trouble {
    Missing,
    Unusable(String),
}

fn read(path: &Path) -> Result<Vec<Remembering>, Trouble> {
    let unreadable = |error: io::Error| {
        if error.kind() == io::ErrorKind::NotFound {
            Trouble::Missing
        } else {
            Trouble::Unusable(error.to_string())
        }
    };
    if fs::metadata(path).map_err(unreadable)?.len() > MAX_FILE {
        return Err(Trouble::Unusable("it is too large".to_owned()));
    }
    let text = fs::read(path).map_err(unreadable)?;
    let stored: Stored = serde_json::from_slice(&text).map_err(|error| unusable(&error))?;
    if stored.version != VERSION {
        let why = format!("it is of version {}", stored.version);
        return Err(Trouble::Unusable(why));
    }
    Ok(stored.remembered)
}

/// Where it is damaged. The library's own words quote what stands there: names and numbers.
fn unusable(error: &serde_json::Error) -> Trouble {
    let (line, column) = (error.line(), error.column());
    Trouble::Unusable(format!("it is damaged in line {line}, column {column}"))
}

/// An older one that was put aside stays too.
fn put_aside(path: &Path, why: &str) -> String {
    let free = (1..1000)
        .map(|number| beside(path, &format!(".damaged-{number}")))
        .find(|aside| !aside.exists());
    let moved = free.and_then(|aside| fs::rename(path, &aside).ok().map(|()| aside));
    let name = path.display();
    match moved {
        Some(aside) => format!(
            "{name} cannot be used ({why}) and is kept as {}",
            aside.display()
        ),
        None => format!("{name} cannot be used ({why})"),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Names and numbers are nobody else's business.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}
