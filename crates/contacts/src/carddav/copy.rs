//! What the server's address books held when they were last read, in memory and in a file.

use super::{CardDavConfig, discover::FoundBook};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};
use tokio::task::spawn_blocking;
use tracing::debug;

/// Of the file's form; another is read as no copy.
const VERSION: u32 = 1;
/// For all cards together, pictures not counted.
pub(super) const MOST_BYTES: usize = 50_000_000;
/// JSON needs some more.
const MOST_IN_FILE: u64 = 2 * MOST_BYTES as u64;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Copy {
    version: u32,
    /// Whose they are: a copy of other settings is worth nothing.
    url: String,
    user: String,
    pub(super) books: BTreeMap<String, BookCopy>,
    /// Counts up with every change of cards.
    #[serde(skip)]
    pub(super) revision: u64,
}

/// One address book, known by its path.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct BookCopy {
    pub(super) title: String,
    /// What the server gave to ask for changes since.
    pub(super) token: Option<String>,
    /// What changes with every change, of servers that know no token.
    pub(super) ctag: Option<String>,
    pub(super) cards: BTreeMap<String, CardCopy>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CardCopy {
    pub(super) etag: String,
    /// Without pictures; empty where the card was left out.
    pub(super) text: String,
}

impl Copy {
    fn empty(config: &CardDavConfig) -> Self {
        Self {
            version: VERSION,
            url: config.url.clone(),
            user: config.user.clone(),
            ..Self::default()
        }
    }

    /// The kept copy of exactly these settings; empty where there is none that can be read.
    pub(super) async fn load(config: &CardDavConfig) -> Self {
        let Some(path) = config.cache.clone() else {
            return Self::empty(config);
        };
        let read = spawn_blocking(move || read(&path)).await;
        match read.map_err(io::Error::other).and_then(|read| read) {
            Ok(copy) if copy.is_of(config) => copy,
            Ok(_) => Self::empty(config),
            Err(error) => {
                debug!(%error, "no kept copy of the address books");
                Self::empty(config)
            }
        }
    }

    /// Keeps it for the next start. A full disk costs that and nothing else.
    pub(super) async fn save(&self, config: &CardDavConfig) {
        let Some(path) = config.cache.clone() else {
            return;
        };
        let written = match serde_json::to_vec(self) {
            Ok(text) => spawn_blocking(move || write(&path, &text)).await,
            Err(error) => Ok(Err(error.into())),
        };
        if let Err(error) = written
            .map_err(io::Error::other)
            .and_then(|written| written)
        {
            debug!(%error, "the copy of the address books is not kept");
        }
    }

    fn is_of(&self, config: &CardDavConfig) -> bool {
        self.version == VERSION && self.url == config.url && self.user == config.user
    }

    /// Lets fall what the server has no more.
    pub(super) fn keep_only(&mut self, found: &[FoundBook]) {
        let before = self.books.len();
        self.books
            .retain(|path, _| found.iter().any(|book| book.path == *path));
        if self.books.len() != before {
            self.revision += 1;
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.cards().map(|card| card.text.len()).sum()
    }

    /// Paths and texts of the cards that came.
    pub(super) fn vcards(&self) -> Vec<(String, String)> {
        let cards = self.books.values().flat_map(|book| &book.cards);
        cards
            .filter(|(_, card)| !card.text.is_empty())
            .map(|(path, card)| (path.clone(), card.text.clone()))
            .collect()
    }

    pub(super) fn titles(&self) -> Vec<String> {
        self.books.values().map(|book| book.title.clone()).collect()
    }

    pub(super) fn left_out(&self) -> usize {
        self.cards().filter(|card| card.text.is_empty()).count()
    }

    fn cards(&self) -> impl Iterator<Item = &CardCopy> {
        self.books.values().flat_map(|book| book.cards.values())
    }
}

/// A card without pictures, sounds and keys, which are most of its bytes and not shown.
pub(super) fn slim(card: &str) -> String {
    const LARGE: [&str; 4] = ["PHOTO", "LOGO", "SOUND", "KEY"];
    let mut slim = String::with_capacity(card.len().min(4096));
    let mut is_large = false;
    for line in card.lines() {
        // A line that begins with a space goes on with the one before it.
        if !line.starts_with([' ', '\t']) {
            let name = line.split([':', ';']).next().unwrap_or_default();
            let name = name.rsplit('.').next().unwrap_or_default();
            is_large = LARGE.iter().any(|large| name.eq_ignore_ascii_case(large));
        }
        if !is_large {
            slim += line;
            slim += "\r\n";
        }
    }
    slim
}

fn read(path: &Path) -> io::Result<Copy> {
    let file = File::open(path)?;
    if file.metadata()?.len() > MOST_IN_FILE {
        return Err(io::Error::other("the kept copy is too large"));
    }
    Ok(serde_json::from_reader(io::BufReader::new(file))?)
}

/// Beside it first, so that half of one is never read.
fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&new)?.write_all(text)?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_without_its_pictures_is_the_same_person() {
        let card = "BEGIN:VCARD\nFN:Ada\nitem1.PHOTO;ENCODING=b:AAAA\n BBBB\n\tCCCC\nTEL:+7\n 906\nKEYWORDS:x\nlogo:data\nEND:VCARD\n";
        assert_eq!(
            slim(card),
            "BEGIN:VCARD\r\nFN:Ada\r\nTEL:+7\r\n 906\r\nKEYWORDS:x\r\nEND:VCARD\r\n"
        );
    }
}
