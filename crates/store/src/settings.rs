//! Settings that the admin page changes, every version of them, and the outcomes of commands that may come twice.

use crate::db::values;
use crate::{Store, StoreError, UserId};

/// A setting as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Grows by one with each change.
    pub version: i64,
    /// JSON.
    pub value: String,
    pub changed_by: Option<UserId>,
    pub changed_at: i64,
}

/// Whether a command is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Do it, then call [`Store::finish_request`].
    New,
    /// It was begun and nobody knows how it went: it is being done now, or the server died over it. Not to be
    /// done again.
    Unfinished,
    /// It was done, with this outcome (JSON).
    Known(String),
}

impl Store {
    pub async fn setting(&self, name: &str) -> Result<Option<Setting>, StoreError> {
        self.within(async {
            let mut tx = self.pools.read().await?;
            let sql = "SELECT version, value, changed_by, changed_at FROM settings WHERE name = $1 \
                       ORDER BY version DESC LIMIT 1";
            let Some(mut row) = tx.row(sql, &values![name]).await? else {
                return Ok(None);
            };
            Ok(Some(Setting {
                version: row.int()?,
                value: row.text()?,
                changed_by: row.opt_text()?.map(UserId::from),
                changed_at: row.int()?,
            }))
        })
        .await
    }

    /// Sets a setting; its new version. Older versions are kept.
    pub async fn set_setting(
        &self,
        name: &str,
        value: &str,
        by: Option<&UserId>,
        now: i64,
    ) -> Result<i64, StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            tx.lock(crate::db::Only::WriteSettings).await?;
            let sql = "INSERT INTO settings (name, version, value, changed_by, changed_at) \
                       SELECT $1, coalesce(max(version), 0) + 1, $2, $3, $4 FROM settings WHERE name = $1 \
                       RETURNING version";
            let row = tx.row(sql, &values![name, value, by.map(UserId::as_str), now]).await?;
            tx.commit().await?;
            row.ok_or_else(|| StoreError::damaged("a setting was not set"))?.int()
        })
        .await
    }

    /// Notes that a command begins, unless it did before. Of two at once one hears `New`.
    pub async fn begin_request(
        &self,
        who: &str,
        request: &str,
        now: i64,
    ) -> Result<Begun, StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            let sql = "INSERT INTO requests (who, request_id, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            if tx.run(sql, &values![who, request, now]).await? == 1 {
                tx.commit().await?;
                return Ok(Begun::New);
            }
            let sql = "SELECT outcome FROM requests WHERE who = $1 AND request_id = $2";
            let row = tx.row(sql, &values![who, request]).await?;
            tx.commit().await?;
            let outcome = row.map(|mut row| row.opt_text()).transpose()?.flatten();
            Ok(outcome.map_or(Begun::Unfinished, Begun::Known))
        })
        .await
    }

    /// Notes how a command went.
    pub async fn finish_request(
        &self,
        who: &str,
        request: &str,
        outcome: &str,
    ) -> Result<(), StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            let sql = "UPDATE requests SET outcome = $3 WHERE who = $1 AND request_id = $2";
            tx.run(sql, &values![who, request, outcome]).await?;
            tx.commit().await
        })
        .await
    }

    /// Forgets commands that began before a time (a day ago); how many.
    pub async fn forget_requests(&self, older_than: i64) -> Result<u64, StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            let count = tx
                .run("DELETE FROM requests WHERE at < $1", &values![older_than])
                .await?;
            tx.commit().await?;
            Ok(count)
        })
        .await
    }
}
