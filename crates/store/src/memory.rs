//! Which of several people a number is, as somebody chose it.

use crate::db::{Row, Tx, Value, values};
use crate::{Store, StoreError};

/// A choice; there is one for each number and line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remembered {
    /// However the writer names a number; equal for equal ones.
    pub number: String,
    /// Only for calls on this line (DID).
    pub line: Option<String>,
    /// Whom: JSON of the writer's.
    pub choice: String,
    pub at: i64,
}

const COLUMNS: [&str; 4] = ["number", "line", "choice", "at"];
const REPLACES: &str =
    "ON CONFLICT (number, line) DO UPDATE SET choice = excluded.choice, at = excluded.at";

impl Store {
    /// The newest choices, `limit` at most.
    pub async fn remembered(&self, limit: u32) -> Result<Vec<Remembered>, StoreError> {
        self.within(async {
            let mut tx = self.pools.read().await?;
            let sql = "SELECT number, line, choice, at FROM memory ORDER BY at DESC, number, line LIMIT $1";
            let mut rows = tx.rows(sql, &values![i64::from(limit)]).await?;
            rows.iter_mut().map(read).collect()
        })
        .await
    }

    /// Keeps choices, each in the place of the one before it, and forgets those of these numbers and lines.
    pub async fn remember(
        &self,
        choices: &[Remembered],
        forgotten: &[(String, Option<String>)],
    ) -> Result<(), StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            for (number, line) in forgotten {
                let sql = "DELETE FROM memory WHERE number = $1 AND line = $2";
                let place = values![number.as_str(), line.as_deref().unwrap_or_default()];
                tx.run(sql, &place).await?;
            }
            insert(&mut tx, choices).await?;
            tx.commit().await
        })
        .await
    }

    /// Keeps these choices and no other.
    pub async fn remember_only(&self, choices: &[Remembered]) -> Result<(), StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            tx.run("DELETE FROM memory", &[]).await?;
            insert(&mut tx, choices).await?;
            tx.commit().await
        })
        .await
    }
}

async fn insert(tx: &mut Tx, choices: &[Remembered]) -> Result<(), StoreError> {
    let row = |choice: &Remembered| -> Vec<Value> {
        let line = choice.line.as_deref().unwrap_or_default();
        values![
            choice.number.as_str(),
            line,
            choice.choice.as_str(),
            choice.at
        ]
        .into()
    };
    let rows: Vec<_> = choices.iter().map(row).collect();
    tx.insert("memory", &COLUMNS, &rows, REPLACES).await
}

/// Reads [`COLUMNS`].
fn read(row: &mut Row) -> Result<Remembered, StoreError> {
    Ok(Remembered {
        number: row.text()?,
        line: Some(row.text()?).filter(|line| !line.is_empty()),
        choice: row.text()?,
        at: row.int()?,
    })
}
