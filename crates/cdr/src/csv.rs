//! Asterisk's `Master.csv` and the files of `cdr_custom`, followed while they grow and are rotated.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::{Batch, Cursor, ReadError, Row, Zone};

mod cut;
mod layout;

pub use layout::Layout;

use cut::{Cut, MOST_OF_A_RECORD};

/// How many rotated files are looked through: `Master.csv.1` and so on, as logrotate names them.
const ROTATED: usize = 9;
/// The part of a file by which it is known again.
const HEAD: u64 = 1024;
/// What is looked through in one reading, even if there is no record in it.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
const CHUNK: usize = 256 * 1024;

/// Where the file is and how it is written.
#[derive(Debug, Clone)]
pub struct CsvConfig {
    /// Usually `/var/log/asterisk/cdr-csv/Master.csv`.
    pub path: PathBuf,
    pub layout: Layout,
    /// [`Zone::utc`] where `cdr.conf` says `usegmtime=yes`.
    pub zone: Zone,
}

/// A file of records.
#[derive(Debug, Clone)]
pub struct Csv {
    config: CsvConfig,
}

/// How far a file was read, and how that file begins. The beginning tells files apart, not the inode:
/// it is still the same after a copy, a restore and on a network drive.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Position {
    offset: u64,
    head: u64,
}

impl Csv {
    pub fn new(config: CsvConfig) -> Self {
        Self { config }
    }

    /// At most `limit` records from there on.
    pub async fn read(&self, cursor: &Cursor, limit: usize) -> Result<Batch, ReadError> {
        let config = self.config.clone();
        let cursor = cursor.clone();
        let reading = spawn_blocking(move || read(&config, &cursor, limit)).await;
        reading.map_err(|failed| ReadError::Other(failed.to_string()))?
    }
}

fn read(config: &CsvConfig, cursor: &Cursor, limit: usize) -> Result<Batch, ReadError> {
    let position: Option<Position> = cursor.position()?;
    let mut files = open_all(&config.path)?;
    let failed = |failed: io::Error| file_error(&config.path, &failed);
    let found = find(&mut files, position.as_ref()).map_err(failed)?;
    let (first, mut offset) = found.unwrap_or((0, 0));
    let mut reading = Reading::new(config, limit);
    let mut cursor = cursor.clone();
    for index in (0..=first).rev() {
        let Some(file) = &mut files[index] else {
            continue;
        };
        offset = reading.take(file, offset, index > 0).map_err(failed)?;
        if offset > 0 {
            let head = head(file, offset).map_err(failed)?;
            cursor = Cursor::of(&Position { offset, head })?;
        }
        if reading.is_full() {
            break;
        }
        offset = 0;
    }
    Ok(Batch {
        more: reading.is_full(),
        rows: reading.rows,
        cursor,
        skipped: reading.skipped,
        gap: position.is_some() && found.is_none(),
    })
}

/// The file and the rotated ones, newest first. Opened all at once in this order, a rotation
/// meanwhile can show a file twice and can hide none.
fn open_all(path: &Path) -> Result<Vec<Option<File>>, ReadError> {
    let mut files = Vec::new();
    for number in 0..=ROTATED {
        files.push(match File::open(rotated(path, number)) {
            Ok(file) => Some(file),
            Err(failed) if failed.kind() == io::ErrorKind::NotFound => None,
            // An old file that only root may read is as good as gone.
            Err(_) if number > 0 => None,
            Err(failed) => return Err(file_error(path, &failed)),
        });
    }
    // Between a rotation and the next call there may be no new file yet.
    if files.iter().all(Option::is_none) {
        return Err(ReadError::Missing {
            path: path.display().to_string(),
        });
    }
    Ok(files)
}

fn rotated(path: &Path, number: usize) -> PathBuf {
    if number == 0 {
        return path.to_owned();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

fn file_error(path: &Path, failed: &io::Error) -> ReadError {
    let path = path.display().to_string();
    match failed.kind() == io::ErrorKind::PermissionDenied {
        true => ReadError::FileRight { path },
        false => ReadError::File {
            path,
            why: failed.to_string(),
        },
    }
}

/// Which file was being read, and up to where; `None` if it is none of these.
fn find(
    files: &mut [Option<File>],
    position: Option<&Position>,
) -> io::Result<Option<(usize, u64)>> {
    let Some(Position {
        offset,
        head: wanted,
    }) = position
    else {
        return Ok(None);
    };
    for (index, file) in files.iter_mut().enumerate() {
        let Some(file) = file else { continue };
        if file.metadata()?.len() >= *offset && head(file, *offset)? == *wanted {
            return Ok(Some((index, *offset)));
        }
    }
    Ok(None)
}

/// A number for the beginning of a file of which `offset` bytes were read (FNV-1a: the same for ever).
fn head(file: &mut File, offset: u64) -> io::Result<u64> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(offset.min(HEAD)).read_to_end(&mut bytes)?;
    Ok(bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    }))
}

/// What was read so far.
struct Reading<'a> {
    config: &'a CsvConfig,
    limit: usize,
    rows: Vec<Row>,
    skipped: u64,
    looked_through: u64,
}

impl<'a> Reading<'a> {
    fn new(config: &'a CsvConfig, limit: usize) -> Self {
        Self {
            config,
            limit,
            rows: Vec::new(),
            skipped: 0,
            looked_through: 0,
        }
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= self.limit || self.looked_through >= MOST_BYTES
    }

    /// Reads on from `offset`; says up to where. Nothing is ever added to a rotated file, so half a
    /// record at its end is half a record for ever.
    fn take(&mut self, file: &mut File, offset: u64, is_rotated: bool) -> io::Result<u64> {
        file.seek(SeekFrom::Start(offset))?;
        let mut offset = offset;
        let mut buffer = Vec::new();
        let mut at_end = false;
        while !self.is_full() {
            let used = self.next(&buffer);
            if used > 0 {
                offset += used as u64;
                self.looked_through += used as u64;
                buffer.drain(..used);
            } else if at_end {
                self.skipped += u64::from(is_rotated && !buffer.is_empty());
                break;
            } else {
                at_end = fill(file, &mut buffer)? == 0;
            }
        }
        Ok(offset)
    }

    /// Takes what is complete of the buffer, up to the limit; says how many bytes that was.
    fn next(&mut self, buffer: &[u8]) -> usize {
        let mut used = 0;
        while self.rows.len() < self.limit {
            match cut::cut(&buffer[used..]) {
                Cut::Record { fields, len } => used += self.record(&buffer[used..][..len], fields),
                Cut::Bad { len } => {
                    self.skipped += 1;
                    used += len;
                }
                Cut::Partial => break,
            }
        }
        used
    }

    /// Takes a record; says how many bytes of it are done with.
    fn record(&mut self, bytes: &[u8], fields: Vec<String>) -> usize {
        if fields.len() == 1 && fields[0].is_empty() {
            return bytes.len();
        }
        match self.config.layout.row(fields, &self.config.zone) {
            Some(row) => {
                self.rows.push(row);
                bytes.len()
            }
            // What looks like one record over several lines may be the end of a broken one and a good one.
            None => {
                self.skipped += 1;
                cut::first_line(bytes)
            }
        }
    }
}

/// Reads on, never beyond a chunk or one record more than there is.
fn fill(file: &mut File, buffer: &mut Vec<u8>) -> io::Result<usize> {
    debug_assert!(buffer.len() <= MOST_OF_A_RECORD, "a record without end");
    file.take(CHUNK as u64).read_to_end(buffer)
}

#[cfg(test)]
mod tests;
