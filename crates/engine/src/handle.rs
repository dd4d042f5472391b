//! Both ends of the engine as its owner sees them.

use crate::{
    CallLog, Command, DeskId, Fact, Feed, Subject, Update,
    feed::Board,
    log::Log,
    run::{self, Ends},
};
use contacts::Directory;
use tokio::sync::mpsc;

/// Updates on their way before later ones are laid over each other.
const UPDATES: usize = 32;

/// What differs between the engine of one person and that of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Commands that may wait; at least one. One person gives a few a minute.
    pub commands: usize,
    /// Whether there is a reader of the [`CallLog`].
    pub log: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            commands: 64,
            log: false,
        }
    }
}

/// The engine has more commands waiting than may wait, or has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine takes no more commands now")]
pub struct Busy;

/// Gives commands to the engine; cheap to clone. The engine ends when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Handle {
    commands: mpsc::Sender<(DeskId, Command)>,
    feed: Feed<Subject, Fact>,
}

impl Handle {
    /// For [`DeskId::OWN`]; never waits.
    ///
    /// # Errors
    /// [`Busy`] when the command was not taken.
    pub fn send(&self, command: Command) -> Result<(), Busy> {
        self.send_at(DeskId::OWN, command)
    }

    /// For the person at this desk; what concerns the PBX as a whole is the same at all. Never waits.
    ///
    /// # Errors
    /// [`Busy`] when the command was not taken.
    pub fn send_at(&self, desk: DeskId, command: Command) -> Result<(), Busy> {
        self.commands.try_send((desk, command)).map_err(|_| Busy)
    }

    /// Calls, lamps, queues, rooms and parking of the whole PBX, for any number of readers.
    #[must_use]
    pub fn feed(&self) -> &Feed<Subject, Fact> {
        &self.feed
    }
}

/// What the engine reports.
#[derive(Debug)]
pub struct Updates {
    updates: mpsc::Receiver<(DeskId, Update)>,
}

impl Updates {
    /// The next fact and the desk that it is told to; what concerns nobody in particular comes to [`DeskId::OWN`]. `None` after the engine has ended. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<(DeskId, Update)> {
        self.updates.recv().await
    }

    /// The next fact if there is one already.
    pub fn try_next(&mut self) -> Option<(DeskId, Update)> {
        self.updates.try_recv().ok()
    }
}

/// Starts the engine of one person on the current tokio runtime, not yet connected; the directory's sources may change at
/// any time.
///
/// # Panics
/// Outside a tokio runtime.
#[must_use]
pub fn spawn(directory: Directory) -> (Handle, Updates) {
    let (handle, updates, _) = spawn_with(directory, Options::default());
    (handle, updates)
}

/// The same for a server, with every call of the PBX to write down.
///
/// # Panics
/// Outside a tokio runtime.
#[must_use]
pub fn spawn_with(directory: Directory, options: Options) -> (Handle, Updates, CallLog) {
    let (commands, inbox) = mpsc::channel(options.commands.max(1));
    let (outbox, updates) = mpsc::channel(UPDATES);
    let board = Board::default();
    let feed = board.feed();
    let (log, reader) = if options.log {
        Log::new(run::clock)
    } else {
        Log::off()
    };
    let ends = Ends {
        directory,
        commands: inbox,
        updates: outbox,
        board,
        log,
    };
    tokio::spawn(run::run(ends));
    (Handle { commands, feed }, Updates { updates }, reader)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test]
    async fn a_flood_of_commands_is_refused_and_not_queued() {
        let (handle, _updates) = spawn(directory());
        let taken = (0..1_000)
            .take_while(|_| handle.send(Command::RetryNow).is_ok())
            .count();
        assert_eq!(taken, Options::default().commands);
        tokio::task::yield_now().await;
        assert_eq!(handle.send(Command::RetryNow), Ok(()));
    }

    #[tokio::test]
    async fn the_engine_ends_with_its_last_handle() {
        let (handle, mut updates) = spawn(directory());
        let number = "102".to_owned();
        handle.send(Command::WhoIs { key: 7, number }).unwrap();
        let soon = Duration::from_secs(5);
        let told = timeout(soon, updates.next()).await.unwrap();
        assert!(matches!(
            told,
            Some((DeskId::OWN, Update::WhoIs { key: 7, .. }))
        ));
        drop(handle);
        assert_eq!(timeout(soon, updates.next()).await.unwrap(), None);
    }

    fn directory() -> Directory {
        Directory::new(contacts::directory::Settings::new(
            phone_number::DialPlan::new(phone_number::Region::RU),
        ))
    }
}
