//! Where recordings lie and how they are read.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use ami::{Charset, Decoder, Incoming, Limits, Message};
use anyhow::{Context, Result};

/// Every byte that the manager interface sent in one scenario, in the order in which it came.
#[derive(Debug, Clone)]
pub struct Recording {
    pub bytes: Vec<u8>,
    pub charset: Charset,
}

impl Recording {
    /// Reads one of the repository's own by `22/d_incoming_answered`.
    ///
    /// # Errors
    /// When there is no such file or it cannot be unpacked.
    pub fn named(name: &str) -> Result<Self> {
        Self::open(&path(name, "ami"))
    }

    /// Reads a file, packed by gzip if it is named so.
    ///
    /// # Errors
    /// When it cannot be read or unpacked.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self {
            bytes: read(path)?,
            charset: Charset::default(),
        })
    }

    /// Hands over each message; what is no message is skipped.
    pub fn for_each(&self, mut with: impl FnMut(&Message<'_>)) {
        let mut decoder = Decoder::new(self.charset, Limits::default());
        decoder.feed(&self.bytes);
        while let Some(incoming) = decoder.next_message() {
            if let Incoming::Message(message) = incoming {
                with(&message);
            }
        }
    }
}

/// The folder of the repository's recordings.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../calls/tests/traces")
}

/// The sets of recordings: Asterisk's version, or the dialplan.
pub const SETS: [&str; 4] = ["16", "20", "22", "freepbx"];

/// The names of all recordings, sorted: `22/d_incoming_answered`.
///
/// # Errors
/// When the folder cannot be read.
pub fn names() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for set in SETS {
        let folder = folder().join(set);
        let entries = std::fs::read_dir(&folder)
            .with_context(|| format!("no recordings in {}", folder.display()))?;
        for entry in entries {
            let file = entry?.file_name();
            if let Some(name) = file.to_str().and_then(|file| file.strip_suffix(".ami.gz")) {
                names.push(format!("{set}/{name}"));
            }
        }
    }
    names.sort();
    Ok(names)
}

/// Where a recording's part lies: `ami`, `ua.jsonl`, `truth.json`.
#[must_use]
pub fn path(name: &str, kind: &str) -> PathBuf {
    folder().join(format!("{name}.{kind}.gz"))
}

/// Reads a file, packed or not.
///
/// # Errors
/// When it cannot be read or unpacked.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let raw = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    if path.extension().is_none_or(|kind| kind != "gz") {
        return Ok(raw);
    }
    let mut bytes = Vec::new();
    flate2::read::MultiGzDecoder::new(raw.as_slice())
        .read_to_end(&mut bytes)
        .with_context(|| format!("{} cannot be unpacked", path.display()))?;
    Ok(bytes)
}
