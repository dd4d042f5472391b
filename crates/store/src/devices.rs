//! Devices that are signed in, and the codes by which new ones are let in. Only hashes of secrets are kept.

use crate::db::{Row, Value, values};
use crate::people::{self, User};
use crate::{DeviceId, Store, StoreError, UserId};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// A coarse "last seen": one write in this time, in milliseconds, is enough.
const SEEN_STEP: i64 = 5 * 60 * 1000;

/// SHA-256 of a token or code of 256 random bits; one so long needs no salt and no slow hash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenHash(String);

impl TokenHash {
    /// Of the secret as it is given to the device.
    pub fn of(secret: &str) -> Self {
        use std::fmt::Write as _;
        let hash = digest(&SHA256, secret.as_bytes());
        Self(hash.as_ref().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }
}

/// What holds a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// Until it is revoked.
    Desktop,
    /// A browser's session, which expires.
    Browser,
}

/// A device to be let in.
#[derive(Debug, Clone)]
pub struct DeviceNew {
    pub user: UserId,
    pub kind: DeviceKind,
    /// As its user will know it again, e.g. the computer's name.
    pub name: String,
    pub platform: String,
    pub token_hash: TokenHash,
    pub now: i64,
    pub expires_at: Option<i64>,
}

/// A device that was let in once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    pub id: DeviceId,
    pub user: UserId,
    pub kind: DeviceKind,
    pub name: String,
    pub platform: String,
    pub created_at: i64,
    /// Within five minutes.
    pub last_seen: Option<i64>,
    pub last_address: Option<String>,
    pub expires_at: Option<i64>,
    pub revoked_at: Option<i64>,
}

/// A code by which one device may be let in.
#[derive(Debug, Clone)]
pub struct EnrolmentNew {
    pub user: UserId,
    pub code_hash: TokenHash,
    pub now: i64,
    pub expires_at: i64,
    pub made_by: Option<UserId>,
}

const COLUMNS: &str = "d.id, d.user_id, d.kind, d.name, d.platform, d.created_at, d.last_seen, d.last_address, \
                       d.expires_at, d.revoked_at";

impl Store {
    pub async fn add_device(&self, device: &DeviceNew) -> Result<DeviceId, StoreError> {
        self.within(async {
            let id = DeviceId::fresh();
            let mut tx = self.pools.write().await?;
            let sql = "INSERT INTO devices (id, user_id, kind, name, platform, token_hash, created_at, expires_at) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
            let values = values![
                id.as_str(),
                device.user.as_str(),
                device.kind.word(),
                device.name.as_str(),
                device.platform.as_str(),
                device.token_hash.0.as_str(),
                device.now,
                device.expires_at,
            ];
            tx.run(sql, &values).await?;
            tx.commit().await?;
            Ok(id)
        })
        .await
    }

    /// The device with this token and its user, who may do something now: neither revoked nor expired nor disabled.
    pub async fn device_by_token(
        &self,
        hash: &TokenHash,
        now: i64,
    ) -> Result<Option<(Device, User)>, StoreError> {
        self.within(async {
            let mut tx = self.pools.read().await?;
            let sql = format!(
                "SELECT {COLUMNS}, {} FROM devices d JOIN users u ON u.id = d.user_id \
                 WHERE d.token_hash = $1 AND d.revoked_at IS NULL AND u.disabled = 0 \
                 AND (d.expires_at IS NULL OR d.expires_at > $2)",
                people::joined_columns()
            );
            let row = tx.row(&sql, &values![hash.0.as_str(), now]).await?;
            let Some(mut row) = row else { return Ok(None) };
            Ok(Some((read(&mut row)?, people::read(&mut row)?)))
        })
        .await
    }

    /// Notes that a device was here; written once in five minutes at most.
    pub async fn touch_device(
        &self,
        id: &DeviceId,
        address: &str,
        now: i64,
    ) -> Result<(), StoreError> {
        self.within(async {
            let old = "SELECT 1 FROM devices WHERE id = $1 AND last_seen > $2";
            let mut tx = self.pools.read().await?;
            let is_fresh = tx
                .row(old, &values![id.as_str(), now - SEEN_STEP])
                .await?
                .is_some();
            drop(tx);
            if is_fresh {
                return Ok(());
            }
            let mut tx = self.pools.write().await?;
            let sql = "UPDATE devices SET last_seen = $2, last_address = $3 WHERE id = $1";
            tx.run(sql, &values![id.as_str(), now, address]).await?;
            tx.commit().await
        })
        .await
    }

    /// All devices, or those of one user; newest first, the revoked as well.
    pub async fn devices(&self, user: Option<&UserId>) -> Result<Vec<Device>, StoreError> {
        self.within(async {
            let mut tx = self.pools.read().await?;
            let (condition, values): (_, Vec<Value>) = match user {
                Some(user) => ("WHERE d.user_id = $1", values![user.as_str()].into()),
                None => ("", Vec::new()),
            };
            let sql = format!(
                "SELECT {COLUMNS} FROM devices d {condition} ORDER BY d.created_at DESC, d.id"
            );
            tx.rows(&sql, &values).await?.iter_mut().map(read).collect()
        })
        .await
    }

    /// From now on its token opens nothing; whether it opened anything before.
    pub async fn revoke_device(&self, id: &DeviceId, now: i64) -> Result<bool, StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            let sql = "UPDATE devices SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
            let touched = tx.run(sql, &values![id.as_str(), now]).await?;
            tx.commit().await?;
            Ok(touched == 1)
        })
        .await
    }

    /// Devices that were revoked after a time, by whom ever, with the time.
    pub async fn revoked_since(&self, since: i64) -> Result<Vec<(DeviceId, i64)>, StoreError> {
        self.within(async {
            let mut tx = self.pools.read().await?;
            let sql =
                "SELECT id, revoked_at FROM devices WHERE revoked_at > $1 ORDER BY revoked_at";
            let rows = tx.rows(sql, &values![since]).await?;
            let read = |mut row: Row| Ok((DeviceId::from(row.text()?), row.int()?));
            rows.into_iter().map(read).collect()
        })
        .await
    }

    /// Forgets browsers whose session is over and codes nobody can use any more; how many.
    pub async fn forget_expired(&self, now: i64) -> Result<u64, StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            let sql = "DELETE FROM devices WHERE expires_at IS NOT NULL AND expires_at <= $1";
            let devices = tx.run(sql, &values![now]).await?;
            let codes = tx
                .run(
                    "DELETE FROM enrolments WHERE expires_at <= $1",
                    &values![now],
                )
                .await?;
            tx.commit().await?;
            Ok(devices + codes)
        })
        .await
    }

    pub async fn add_enrolment(&self, code: &EnrolmentNew) -> Result<(), StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            let sql = "INSERT INTO enrolments (code_hash, user_id, created_at, expires_at, made_by) \
                       VALUES ($1, $2, $3, $4, $5)";
            let values = values![
                code.code_hash.0.as_str(),
                code.user.as_str(),
                code.now,
                code.expires_at,
                code.made_by.as_ref().map(UserId::as_str),
            ];
            tx.run(sql, &values).await?;
            tx.commit().await
        })
        .await
    }

    /// Uses a code up. Of any number who try it at once, one gets the user.
    pub async fn take_enrolment(
        &self,
        code: &TokenHash,
        now: i64,
    ) -> Result<Option<User>, StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            let sql = "UPDATE enrolments SET taken_at = $2 \
                       WHERE code_hash = $1 AND taken_at IS NULL AND expires_at > $2 RETURNING user_id";
            let Some(mut row) = tx.row(sql, &values![code.0.as_str(), now]).await? else {
                tx.commit().await?;
                return Ok(None);
            };
            let sql = format!(
                "SELECT {} FROM users u WHERE u.id = $1 AND u.disabled = 0",
                people::joined_columns()
            );
            let user = tx.row(&sql, &values![row.text()?.as_str()]).await?;
            tx.commit().await?;
            user.map(|mut row| people::read(&mut row)).transpose()
        })
        .await
    }
}

/// Reads [`COLUMNS`].
fn read(row: &mut Row) -> Result<Device, StoreError> {
    Ok(Device {
        id: row.text()?.into(),
        user: row.text()?.into(),
        kind: DeviceKind::read(&row.text()?)?,
        name: row.text()?,
        platform: row.text()?,
        created_at: row.int()?,
        last_seen: row.opt_int()?,
        last_address: row.opt_text()?,
        expires_at: row.opt_int()?,
        revoked_at: row.opt_int()?,
    })
}

crate::words::words!(DeviceKind { Desktop = "desktop", Browser = "browser" });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_not_the_secret() {
        let hash = TokenHash::of("abc");
        assert!(hash.0.starts_with("ba7816bf"));
    }
}
