//! Which of several people a number is, kept in the store.

use contacts::memory::{MAX_REMEMBERED, MemoryChange, Remembering};
use store::{Remembered, Store, StoreError};
use tracing::warn;

/// All that was chosen before.
pub(crate) async fn load(store: &Store) -> Result<Vec<Remembering>, StoreError> {
    let most = u32::try_from(MAX_REMEMBERED).unwrap_or(u32::MAX);
    let stored = store.remembered(most).await?;
    let read = |entry: Remembered| serde_json::from_str(&entry.choice).ok();
    let known = stored.len();
    let choices: Vec<Remembering> = stored.into_iter().filter_map(read).collect();
    if choices.len() < known {
        warn!(
            choices = known - choices.len(),
            "choices of people cannot be read"
        );
    }
    Ok(choices)
}

/// Writes what has changed, in one transaction.
pub(super) async fn write(store: &Store, changes: &[MemoryChange]) -> Result<(), StoreError> {
    let mut choices = Vec::new();
    let mut forgotten = Vec::new();
    for change in changes {
        match change {
            MemoryChange::Remembered(entry) => choices.push(stored(entry)?),
            MemoryChange::Forgotten { number, line } => {
                forgotten.push((number.clone(), line.clone()));
            }
            MemoryChange::All(all) => {
                let all: Result<Vec<_>, _> = all.iter().map(stored).collect();
                store.remember_only(&all?).await?;
            }
        }
    }
    store.remember(&choices, &forgotten).await
}

fn stored(entry: &Remembering) -> Result<Remembered, StoreError> {
    Ok(Remembered {
        number: entry.number.clone(),
        line: entry.line.clone(),
        choice: serde_json::to_string(entry)?,
        at: i64::try_from(entry.at).unwrap_or(i64::MAX),
    })
}
