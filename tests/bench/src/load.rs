//! The recording of a busy Asterisk: 2,500 calls, of which a million are made by giving them new ids.

use std::{fs::File, io::Read as _, path::Path};

use anyhow::{Context as _, Result, ensure};
use memchr::memmem;

/// Events as Asterisk sent them after the login.
pub(crate) struct Load {
    pub(crate) bytes: Vec<u8>,
    /// Where each event ends.
    pub(crate) ends: Vec<usize>,
    pub(crate) calls: usize,
    /// How many of the events the product leaves out unread: they tell nothing about calls.
    pub(crate) noise: u64,
    /// Where digits can be changed to make other channels and bridges of the same.
    fresh: Vec<usize>,
}

/// The classes `dialplan`, `cdr`, `cel` and `test`, which no user of Sidetone's needs.
const NOISE: [&[u8]; 5] = [b"VarSet", b"Newexten", b"CEL", b"TestEvent", b"Cdr"];
/// Digits that count the rounds.
const DIGITS: usize = 4;

impl Load {
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let packed = File::open(file).with_context(|| format!("open {}", file.display()))?;
        let mut bytes = Vec::new();
        ruzstd::decoding::StreamingDecoder::new(packed)
            .context("not a zstd file")?
            .read_to_end(&mut bytes)
            .context("unpack")?;
        let begin = memmem::find(&bytes, b"Event: ").context("no event in it")?;
        bytes.drain(..begin);
        let ends: Vec<usize> = memmem::find_iter(&bytes, b"\r\n\r\n")
            .map(|at| at + 4)
            .collect();
        bytes.truncate(*ends.last().context("no event in it")?);
        let fresh = fresh_ids(&bytes);
        let calls = linkedids(&bytes);
        let names = memmem::find_iter(&bytes, b"Event: ").map(|at| &bytes[at + 7..]);
        let is_noise = |rest: &&[u8]| {
            let end = memchr::memchr(b'\r', rest).unwrap_or(rest.len());
            NOISE.contains(&&rest[..end])
        };
        let noise = names.filter(is_noise).count() as u64;
        ensure!(
            calls > 0 && !fresh.is_empty(),
            "no call in {}",
            file.display()
        );
        Ok(Self {
            bytes,
            ends,
            calls,
            noise,
            fresh,
        })
    }

    /// Makes the calls those of another round: none shares an id with an earlier one's.
    pub(crate) fn renew(&mut self, round: usize) {
        let digits = format!("{:0DIGITS$}", round % 10_000);
        for at in &self.fresh {
            self.bytes[*at..at + DIGITS].copy_from_slice(digits.as_bytes());
        }
    }
}

/// Channels that began a call: their Uniqueid is their Linkedid at birth.
fn linkedids(bytes: &[u8]) -> usize {
    let mut calls = 0;
    for at in memmem::find_iter(bytes, b"Event: Newchannel\r\n") {
        let end = memmem::find(&bytes[at..], b"\r\n\r\n").map_or(bytes.len(), |end| at + end);
        let event = &bytes[at..end];
        let value = |key: &[u8]| {
            let from = memmem::find(event, key)? + key.len();
            let to = memchr::memchr(b'\r', &event[from..]).map_or(event.len(), |to| from + to);
            event.get(from..to)
        };
        calls += usize::from(value(b"\r\nUniqueid: ") == value(b"\r\nLinkedid: "));
    }
    calls
}

/// In ids of channels (`lab-1795228390.17`) the first digits of the seconds, in ids of bridges the first digits.
fn fresh_ids(bytes: &[u8]) -> Vec<usize> {
    let mut fresh = Vec::new();
    for key in [&b"niqueid: "[..], b"inkedid: "] {
        for at in memmem::find_iter(bytes, key) {
            let value = &bytes[at + key.len()..];
            let value = &value[..memchr::memchr(b'\r', value).unwrap_or(0)];
            let from = match memchr::memchr(b'.', value) {
                Some(dot) if dot >= 10 => dot - 10,
                None if value.len() == 36 => 0,
                Some(_) | None => continue,
            };
            fresh.push(at + key.len() + from);
        }
    }
    fresh
}
