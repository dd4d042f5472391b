//! Who did what: rows that are only added.

use crate::db::{Row, Value, values};
use crate::{DeviceId, Store, StoreError, UserId};
use serde::{Deserialize, Serialize};

/// Something that somebody did or tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditNew {
    pub at: i64,
    pub user: Option<UserId>,
    pub device: Option<DeviceId>,
    pub address: Option<String>,
    /// A word of the server's, e.g. `sign_in`.
    pub action: String,
    pub target: Option<String>,
    /// A word of the server's, e.g. `done`, `refused`.
    pub outcome: String,
    /// JSON.
    pub details: String,
}

/// A row of the audit; ids grow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub id: i64,
    #[serde(flatten)]
    pub what: AuditNew,
}

/// Which rows are wanted, newest first.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub user: Option<UserId>,
    pub action: Option<String>,
    pub from: Option<i64>,
    pub until: Option<i64>,
    /// The last id of the page before.
    pub before: Option<i64>,
    /// 500 at most.
    pub limit: u32,
}

const COLUMNS: &str = "id, at, actor_user, actor_device, address, action, target, outcome, details";
const MOST: u32 = 500;

impl Store {
    /// Adds a row; its id.
    pub async fn audit(&self, what: &AuditNew) -> Result<i64, StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            let id = tx.count("audit").await?;
            let sql = format!(
                "INSERT INTO audit ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
            );
            let values = values![
                id,
                what.at,
                what.user.as_ref().map(UserId::as_str),
                what.device.as_ref().map(DeviceId::as_str),
                what.address.as_deref(),
                what.action.as_str(),
                what.target.as_deref(),
                what.outcome.as_str(),
                what.details.as_str(),
            ];
            tx.run(&sql, &values).await?;
            tx.commit().await?;
            Ok(id)
        })
        .await
    }

    /// A page of the audit.
    pub async fn audit_entries(&self, filter: &AuditFilter) -> Result<Vec<AuditEntry>, StoreError> {
        let wishes = [
            (
                "actor_user =",
                filter.user.as_ref().map(|user| Value::from(user.as_str())),
            ),
            ("action =", filter.action.as_deref().map(Value::from)),
            ("at >=", filter.from.map(Value::from)),
            ("at <", filter.until.map(Value::from)),
            ("id <", filter.before.map(Value::from)),
        ];
        let mut values = Vec::from(values![i64::from(filter.limit.min(MOST))]);
        let mut conditions = String::from("1 = 1");
        for (words, value) in wishes {
            if let Some(value) = value {
                values.push(value);
                conditions += &format!(" AND {words} ${}", values.len());
            }
        }
        let sql =
            format!("SELECT {COLUMNS} FROM audit WHERE {conditions} ORDER BY id DESC LIMIT $1");
        self.within(async {
            let mut tx = self.pools.read().await?;
            tx.rows(&sql, &values).await?.iter_mut().map(read).collect()
        })
        .await
    }

    /// Deletes rows before a time, `limit` at most; how many.
    pub async fn forget_audit(&self, older_than: i64, limit: u32) -> Result<u64, StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            let sql = "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < $1 ORDER BY id LIMIT $2)";
            let count = tx.run(sql, &values![older_than, i64::from(limit)]).await?;
            tx.commit().await?;
            Ok(count)
        })
        .await
    }
}

/// Reads [`COLUMNS`].
fn read(row: &mut Row) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        id: row.int()?,
        what: AuditNew {
            at: row.int()?,
            user: row.opt_text()?.map(UserId::from),
            device: row.opt_text()?.map(DeviceId::from),
            address: row.opt_text()?,
            action: row.text()?,
            target: row.opt_text()?,
            outcome: row.text()?,
            details: row.text()?,
        },
    })
}
