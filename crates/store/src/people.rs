//! People: who may sign in, and where they came from.

use crate::db::{Row, Value, values};
use crate::{Store, StoreError, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Agent,
    Supervisor,
    Admin,
}

/// Who told of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Config,
    Pbx,
    Freepbx,
    Ldap,
    Oidc,
    Admin,
}

/// Somebody who works here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub id: UserId,
    /// Unique among all, whatever the case of its letters.
    pub login: String,
    pub name: String,
    pub role: Role,
    pub pbx: String,
    pub extension: Option<String>,
    /// What is dialled for his phone, e.g. `PJSIP/100`.
    pub channel: Option<String>,
    pub groups: Vec<String>,
    pub source: Origin,
    pub disabled: bool,
    /// JSON that the server understands.
    pub policy: String,
    /// OpenID Connect's `sub`, unique.
    pub subject: Option<String>,
}

/// What became of a source's list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Synced {
    pub added: Vec<UserId>,
    pub changed: Vec<UserId>,
    /// No longer in the list: kept, and may not sign in.
    pub disabled: Vec<UserId>,
    /// Logins (or subjects) that belong to somebody from another source, left alone.
    pub taken: Vec<String>,
}

const COLUMNS: &str =
    "id, login, name, role, pbx, extension, channel, teams, source, disabled, policy, subject";

impl Store {
    /// Adds somebody or changes the one with this id. A login or subject that another one has is an error.
    pub async fn put_user(&self, user: &User) -> Result<(), StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            put(&mut tx, user).await?;
            tx.commit().await
        })
        .await
    }

    /// Makes the list of one source true: the ids of those who are known already (by login) are kept, those who
    /// are gone are disabled, and nobody of another source is touched.
    pub async fn sync_users(&self, source: Origin, users: &[User]) -> Result<Synced, StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            tx.lock(crate::db::Only::WritePeople).await?;
            let known = list(&mut tx).await?;
            let mut synced = Synced::default();
            let mut present = BTreeSet::new();
            for user in users {
                let key = key(&user.login);
                let old = known.iter().find(|old| self::key(&old.login) == key);
                let subject_is_taken = known.iter().any(|other| {
                    user.subject.is_some()
                        && other.subject == user.subject
                        && self::key(&other.login) != key
                });
                if old.is_some_and(|old| old.source != source) || subject_is_taken {
                    synced.taken.push(user.login.clone());
                    continue;
                }
                if !present.insert(key) {
                    continue;
                }
                let new = User {
                    id: old.map_or_else(|| user.id.clone(), |old| old.id.clone()),
                    source,
                    ..user.clone()
                };
                match old {
                    Some(old) if *old == new => continue,
                    Some(_) => synced.changed.push(new.id.clone()),
                    None => synced.added.push(new.id.clone()),
                }
                put(&mut tx, &new).await?;
            }
            let gone = known.iter().filter(|old| {
                old.source == source && !old.disabled && !present.contains(&key(&old.login))
            });
            for old in gone {
                let sql = "UPDATE users SET disabled = 1 WHERE id = $1";
                tx.run(sql, &values![old.id.as_str()]).await?;
                synced.disabled.push(old.id.clone());
            }
            tx.commit().await?;
            Ok(synced)
        })
        .await
    }

    pub async fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.one_user("id = $1", &values![id.as_str()]).await
    }

    /// Whatever the case of the letters.
    pub async fn user_by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        self.one_user("login_key = $1", &values![key(login).as_str()])
            .await
    }

    /// Of several with one extension the one who may sign in.
    pub async fn user_by_extension(
        &self,
        pbx: &str,
        extension: &str,
    ) -> Result<Option<User>, StoreError> {
        self.one_user(
            "pbx = $1 AND extension = $2 ORDER BY disabled, login_key",
            &values![pbx, extension],
        )
        .await
    }

    /// By OpenID Connect's `sub`.
    pub async fn user_by_subject(&self, subject: &str) -> Result<Option<User>, StoreError> {
        self.one_user("subject = $1", &values![subject]).await
    }

    /// All of them, by login; the disabled as well.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        self.within(async { list(&mut self.pools.read().await?).await })
            .await
    }

    async fn one_user(
        &self,
        condition: &str,
        values: &[Value],
    ) -> Result<Option<User>, StoreError> {
        self.within(async {
            let mut tx = self.pools.read().await?;
            let sql = format!("SELECT {COLUMNS} FROM users WHERE {condition} LIMIT 1");
            tx.row(&sql, values).await?.as_mut().map(read).transpose()
        })
        .await
    }
}

async fn list(tx: &mut crate::db::Tx) -> Result<Vec<User>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM users ORDER BY login_key");
    let mut rows = tx.rows(&sql, &[]).await?;
    rows.iter_mut().map(read).collect()
}

async fn put(tx: &mut crate::db::Tx, user: &User) -> Result<(), StoreError> {
    let sql = "INSERT INTO users (id, login, login_key, name, role, pbx, extension, channel, teams, source, disabled, \
               policy, subject) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
               ON CONFLICT (id) DO UPDATE SET login = excluded.login, login_key = excluded.login_key, \
               name = excluded.name, role = excluded.role, pbx = excluded.pbx, extension = excluded.extension, \
               channel = excluded.channel, teams = excluded.teams, source = excluded.source, \
               disabled = excluded.disabled, policy = excluded.policy, subject = excluded.subject";
    let values = values![
        user.id.as_str(),
        user.login.as_str(),
        key(&user.login).as_str(),
        user.name.as_str(),
        user.role.word(),
        user.pbx.as_str(),
        user.extension.as_deref(),
        user.channel.as_deref(),
        serde_json::to_string(&user.groups)?.as_str(),
        user.source.word(),
        user.disabled,
        user.policy.as_str(),
        user.subject.as_deref(),
    ];
    tx.run(sql, &values).await.map(drop)
}

/// Reads [`COLUMNS`].
pub(crate) fn read(row: &mut Row) -> Result<User, StoreError> {
    Ok(User {
        id: row.text()?.into(),
        login: row.text()?,
        name: row.text()?,
        role: Role::read(&row.text()?)?,
        pbx: row.text()?,
        extension: row.opt_text()?,
        channel: row.opt_text()?,
        groups: row.json()?,
        source: Origin::read(&row.text()?)?,
        disabled: row.flag()?,
        policy: row.text()?,
        subject: row.opt_text()?,
    })
}

/// The columns of a user that is joined to something as `u`.
pub(crate) fn joined_columns() -> String {
    let columns: Vec<String> = COLUMNS
        .split(", ")
        .map(|name| format!("u.{name}"))
        .collect();
    columns.join(", ")
}

fn key(login: &str) -> String {
    login.trim().to_lowercase()
}

crate::words::words!(Role { Agent = "agent", Supervisor = "supervisor", Admin = "admin" });
crate::words::words!(Origin {
    Config = "config",
    Pbx = "pbx",
    Freepbx = "freepbx",
    Ldap = "ldap",
    Oidc = "oidc",
    Admin = "admin",
});
