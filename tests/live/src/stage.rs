//! One running Asterisk with its phones, on which scenarios are played one after the other.

use crate::{Scenario, Take};
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::time::Duration;
use testkit::asterisk::{Configuration, Options, Version};
use testkit::{Asterisk, Phones};

/// How long a phone rings before Asterisk gives up: long for a test, short for a person.
const RING: Duration = Duration::from_secs(4);

/// An Asterisk and the firm's phones, gone when dropped.
#[derive(Debug)]
pub struct Stage {
    pub asterisk: Asterisk,
    pub phones: Phones,
    pub version: Version,
    pub configuration: Configuration,
}

impl Stage {
    pub fn start(version: Version, configuration: Configuration) -> Result<Self> {
        let asterisk = Asterisk::start(&Options {
            version,
            configuration,
            ring: RING,
            extra: Vec::new(),
        })?;
        let phones = Phones::start(&asterisk)?;
        // The extension with two phones.
        phones.add("105")?;
        phones.add("105b")?;
        Ok(Self {
            asterisk,
            phones,
            version,
            configuration,
        })
    }

    /// Plays a scenario to its end and waits until nobody is in a call.
    pub fn play(&self, scenario: &Scenario) -> Result<Recording> {
        let (played, recording) = self.attempt(scenario)?;
        played.map(|()| recording)
    }

    /// The same; what was recorded until a failure is kept, too.
    pub fn attempt(&self, scenario: &Scenario) -> Result<(Result<()>, Recording)> {
        let take = Take::begin(self)?;
        let played = (scenario.play)(&take)
            .with_context(|| format!("Asterisk said last:\n{}", self.asterisk.log_tail(20)))
            .with_context(|| format!("play {}", scenario.name));
        // Also after a failure: the next scenario wants all phones.
        match take.end() {
            Ok(recording) => Ok((played, recording)),
            Err(error) => {
                played?;
                Err(error.context(format!("end {}", scenario.name)))
            }
        }
    }
}

/// What was said and seen while a scenario was played.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Every byte that the manager interface sent to a user who sees everything.
    pub ami: Vec<u8>,
    /// Every byte that this user sent.
    pub sent: Vec<u8>,
    /// Every byte that it sent at the same time to a user with the rights that Sidetone asks for.
    pub ami_of_sidetone: Vec<u8>,
    /// The same to a session that ended in the middle of a talk, and to the next one, and so on: each begins with
    /// the lists that it asked for.
    pub ami_of_returning: Vec<Vec<u8>>,
    /// The phones' log: JSON lines with Unix time, in order.
    pub phones: Vec<String>,
}

impl Recording {
    /// Writes `NAME.ami`, `NAME.sent` and `NAME.ua.jsonl` and returns where they are.
    pub fn write(&self, folder: &Path, name: &str) -> Result<Vec<PathBuf>> {
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let mut phones = self.phones.join("\n");
        phones.push('\n');
        let files: [(&str, &[u8]); 3] = [
            ("ami", &self.ami),
            ("sent", &self.sent),
            ("ua.jsonl", phones.as_bytes()),
        ];
        files
            .iter()
            .map(|(ending, bytes)| {
                let path = folder.join(format!("{name}.{ending}"));
                std::fs::write(&path, bytes)
                    .with_context(|| format!("write {}", path.display()))?;
                Ok(path)
            })
            .collect()
    }
}
