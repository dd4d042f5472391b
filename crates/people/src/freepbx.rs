//! The people of a FreePBX, read from its database and never written.
//!
//! `users` has the extensions and their names, `devices` the phones that belong to them. The User
//! Manager (`userman_users`, `userman_groups`) adds logins, addresses and groups where it is
//! installed and may be read. FreePBX 15 to 17 are alike in all of this.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::mysql::{
    MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlRow, MySqlSslMode,
};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use tracing::debug;

use crate::{MOST_PEOPLE, Person, filled, tidy};

/// How the line to the database is protected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tls {
    /// Not at all, which is right on the same machine alone.
    #[default]
    Off,
    /// The server shows a certificate for its name, signed by an authority that this system believes.
    System,
    /// The same, signed by the authority of this PEM file.
    CaFile(PathBuf),
}

/// Where the database is.
#[derive(Debug, Clone)]
pub struct FreepbxConfig {
    pub host: String,
    /// Usually 3306.
    pub port: u16,
    pub user: String,
    pub password: SecretString,
    /// Usually `asterisk`.
    pub database: String,
    pub tls: Tls,
    /// For one whole reading.
    pub deadline: Duration,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum FreepbxError {
    #[error(
        "the FreePBX database at {host}:{port} does not answer ({why}): is MariaDB running there, does it listen on that address (bind-address), does a firewall let us through?"
    )]
    Away {
        host: String,
        port: u16,
        why: String,
    },
    #[error("the FreePBX database at {host}:{port} did not answer within {seconds} s")]
    Late {
        host: String,
        port: u16,
        seconds: u64,
    },
    #[error("the FreePBX database refused the user {user} or the password")]
    Refused { user: String },
    #[error(
        "the FreePBX database lets nobody in from this machine; as its administrator run: CREATE USER '{user}'@'this machine' IDENTIFIED BY '…'"
    )]
    HostRefused { user: String },
    #[error(
        "the database server has no database {database}: FreePBX names it AMPDBNAME in freepbx.conf"
    )]
    NoDatabase { database: String },
    #[error("the database {database} has no table {table}: is it the one of FreePBX?")]
    NoTable { database: String, table: String },
    #[error(
        "the user {user} may not read the table {table}; as the database's administrator run: GRANT SELECT ON {database}.{table} TO '{user}'@'…'"
    )]
    NoRight {
        user: String,
        database: String,
        table: String,
    },
    #[error("the table {table} of FreePBX has more than {MOST_PEOPLE} rows")]
    TooMany { table: String },
    #[error("the line to the FreePBX database cannot be protected: {0}")]
    Tls(String),
    #[error("the FreePBX database said: {0}")]
    Other(String),
}

/// A FreePBX whose database answered once.
#[derive(Debug, Clone)]
pub struct Freepbx {
    config: FreepbxConfig,
}

impl Freepbx {
    /// Signs in once to see that it works; nothing stays open.
    pub async fn connect(config: &FreepbxConfig) -> Result<Self, FreepbxError> {
        let freepbx = Self {
            config: config.clone(),
        };
        freepbx
            .within_deadline(async { close(freepbx.open().await?).await })
            .await?;
        Ok(freepbx)
    }

    /// Everybody who has an extension, ordered by it.
    pub async fn people(&self) -> Result<Vec<Person>, FreepbxError> {
        self.within_deadline(self.read()).await
    }

    async fn within_deadline<T>(
        &self,
        work: impl Future<Output = Result<T, FreepbxError>>,
    ) -> Result<T, FreepbxError> {
        let late = |_| FreepbxError::Late {
            host: self.config.host.clone(),
            port: self.config.port,
            seconds: self.config.deadline.as_secs(),
        };
        tokio::time::timeout(self.config.deadline, work)
            .await
            .map_err(late)?
    }

    async fn open(&self) -> Result<MySqlConnection, FreepbxError> {
        let mut connection = MySqlConnection::connect_with(&options(&self.config))
            .await
            .map_err(|failed| self.explain("", &failed))?;
        // Whatever the user may do there: we only read.
        sqlx::raw_sql("SET SESSION TRANSACTION READ ONLY")
            .execute(&mut connection)
            .await
            .map_err(|failed| self.explain("", &failed))?;
        Ok(connection)
    }

    async fn read(&self) -> Result<Vec<Person>, FreepbxError> {
        let mut connection = self.open().await?;
        let users = self
            .rows(&mut connection, "users", &["extension", "name"])
            .await?;
        let devices = self
            .rows(&mut connection, "devices", &["id", "tech", "dial", "user"])
            .await?;
        let accounts = self.accounts(&mut connection).await;
        close(connection).await?;
        Ok(people(&users, &devices, &accounts))
    }

    /// The User Manager is a module that may be missing, and whose tables hold passwords: whoever
    /// gives us no right to them has his reasons.
    async fn accounts(&self, connection: &mut MySqlConnection) -> Accounts {
        let users = self
            .optional(connection, "userman_users", USERMAN_USERS)
            .await;
        let groups = self
            .optional(connection, "userman_groups", USERMAN_GROUPS)
            .await;
        Accounts::of(&users, &groups)
    }

    async fn optional(
        &self,
        connection: &mut MySqlConnection,
        table: &str,
        columns: &[&str],
    ) -> Vec<Fields> {
        match self.rows(connection, table, columns).await {
            Ok(rows) => rows,
            Err(why) => {
                debug!(table, error = %why, "people are read without the User Manager");
                Vec::new()
            }
        }
    }

    /// All rows of a table; the columns as text, empty where NULL. Table and columns are our own words.
    async fn rows(
        &self,
        connection: &mut MySqlConnection,
        table: &str,
        columns: &[&str],
    ) -> Result<Vec<Fields>, FreepbxError> {
        let wanted: Vec<String> = columns
            .iter()
            .map(|column| format!("COALESCE(CAST(`{column}` AS CHAR), '') AS `{column}`"))
            .collect();
        let statement = format!(
            "SELECT {} FROM `{table}` ORDER BY 1 LIMIT {}",
            wanted.join(", "),
            MOST_PEOPLE + 1
        );
        let rows = sqlx::query(&statement)
            .fetch_all(connection)
            .await
            .map_err(|failed| self.explain(table, &failed))?;
        if rows.len() > MOST_PEOPLE {
            return Err(FreepbxError::TooMany {
                table: table.into(),
            });
        }
        rows.iter()
            .map(|row| fields(row, columns.len()))
            .collect::<Result<_, _>>()
            .map_err(|failed| self.explain(table, &failed))
    }

    fn explain(&self, table: &str, failed: &sqlx::Error) -> FreepbxError {
        let FreepbxConfig {
            user,
            database,
            host,
            port,
            ..
        } = &self.config;
        let code = failed
            .as_database_error()
            .and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>())
            .map(MySqlDatabaseError::number);
        if let Some(why) = broken_handshake(failed) {
            return FreepbxError::Tls(why);
        }
        match code {
            Some(1045 | 1698) => FreepbxError::Refused { user: user.clone() },
            Some(1130) => FreepbxError::HostRefused { user: user.clone() },
            Some(1049) => FreepbxError::NoDatabase {
                database: database.clone(),
            },
            Some(1146) => FreepbxError::NoTable {
                database: database.clone(),
                table: table.to_owned(),
            },
            Some(1044 | 1142 | 1143) => FreepbxError::NoRight {
                user: user.clone(),
                database: database.clone(),
                table: if table.is_empty() { "*" } else { table }.to_owned(),
            },
            Some(_) => FreepbxError::Other(failed.to_string()),
            None => FreepbxError::Away {
                host: host.clone(),
                port: *port,
                why: failed.to_string(),
            },
        }
    }
}

const USERMAN_USERS: &[&str] = &[
    "id",
    "username",
    "default_extension",
    "displayname",
    "fname",
    "lname",
    "email",
];
const USERMAN_GROUPS: &[&str] = &["groupname", "users"];

fn options(config: &FreepbxConfig) -> MySqlConnectOptions {
    let options = MySqlConnectOptions::new()
        .host(&config.host)
        .port(config.port)
        .username(&config.user)
        .password(config.password.expose_secret())
        .database(&config.database)
        .disable_statement_logging();
    match &config.tls {
        Tls::Off => options.ssl_mode(MySqlSslMode::Disabled),
        Tls::System => options.ssl_mode(MySqlSslMode::VerifyIdentity),
        Tls::CaFile(file) => options.ssl_mode(MySqlSslMode::VerifyIdentity).ssl_ca(file),
    }
}

async fn close(connection: MySqlConnection) -> Result<(), FreepbxError> {
    connection
        .close()
        .await
        .map_err(|failed| FreepbxError::Other(failed.to_string()))
}

/// A certificate that is not believed comes as an IO error with rustls' words in it.
fn broken_handshake(failed: &sqlx::Error) -> Option<String> {
    if let sqlx::Error::Tls(why) = failed {
        return Some(why.to_string());
    }
    let sqlx::Error::Io(why) = failed else {
        return None;
    };
    (why.kind() == std::io::ErrorKind::InvalidData).then(|| why.to_string())
}

/// One row, in the order in which the columns were asked for.
type Fields = Vec<String>;

fn fields(row: &MySqlRow, columns: usize) -> Result<Fields, sqlx::Error> {
    (0..columns).map(|column| text(row, column)).collect()
}

/// MySQL and MariaDB differ in what kind of text a cast gives: bytes are what both agree on.
fn text(row: &MySqlRow, column: usize) -> Result<String, sqlx::Error> {
    let bytes: Vec<u8> = row.try_get_unchecked(column)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What the User Manager adds, by extension.
#[derive(Default)]
struct Accounts(HashMap<String, Account>);

struct Account {
    login: String,
    name: Option<String>,
    email: Option<String>,
    groups: Vec<String>,
}

impl Accounts {
    fn of(users: &[Fields], groups: &[Fields]) -> Self {
        let mut groups = members(groups);
        let account = |row: &Fields| {
            let [id, login, extension, shown, first, last, email] = row.as_slice() else {
                return None;
            };
            let account = Account {
                login: filled(login)?,
                name: filled(shown).or_else(|| filled(&format!("{first} {last}"))),
                email: filled(email),
                groups: groups.remove(id).unwrap_or_default(),
            };
            // "none" is how the User Manager says that somebody has no phone.
            Some((filled(extension).filter(|e| e != "none")?, account))
        };
        Self(users.iter().filter_map(account).collect())
    }
}

/// Names of groups by the id of a member. Members are a JSON list of numbers or of texts, by version.
fn members(groups: &[Fields]) -> HashMap<String, Vec<String>> {
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    for row in groups {
        let [group, users] = row.as_slice() else {
            continue;
        };
        let users: Vec<serde_json::Value> = serde_json::from_str(users).unwrap_or_default();
        for user in users {
            let id = user
                .as_str()
                .map_or_else(|| user.to_string(), str::to_owned);
            found.entry(id).or_default().push(group.clone());
        }
    }
    found
}

fn people(users: &[Fields], devices: &[Fields], accounts: &Accounts) -> Vec<Person> {
    let mut phones: HashMap<&str, Vec<&Fields>> = HashMap::new();
    for device in devices {
        if let [_, _, _, user] = device.as_slice() {
            phones.entry(user).or_default().push(device);
        }
    }
    let person = |row: &Fields| {
        let [extension, name] = row.as_slice() else {
            return None;
        };
        let extension = filled(extension)?;
        let channel = channel(&extension, phones.get(extension.as_str()));
        Some(describe(extension, filled(name), channel, accounts))
    };
    users.iter().filter_map(person).collect()
}

fn describe(
    extension: String,
    name: Option<String>,
    channel: Option<String>,
    accounts: &Accounts,
) -> Person {
    let account = accounts.0.get(&extension);
    let login = account.map_or_else(|| extension.clone(), |account| account.login.clone());
    let name = name.or_else(|| account.and_then(|account| account.name.clone()));
    Person {
        key: extension.clone(),
        name: name.unwrap_or_else(|| login.clone()),
        login,
        channel,
        email: account.and_then(|account| account.email.clone()),
        groups: tidy(
            account
                .map(|account| account.groups.clone())
                .unwrap_or_default(),
        ),
        extension: Some(extension),
    }
}

/// The phone that has the extension's own number, else the first: in "device and user" mode there are several.
fn channel(extension: &str, phones: Option<&Vec<&Fields>>) -> Option<String> {
    let phones = phones?;
    let own = phones.iter().find(|phone| phone[0] == extension);
    let phone = own.or_else(|| phones.first())?;
    let [id, tech, dial, _] = phone.as_slice() else {
        return None;
    };
    filled(dial).or_else(|| match tech.to_ascii_lowercase().as_str() {
        "pjsip" => Some(format!("PJSIP/{id}")),
        "sip" => Some(format!("SIP/{id}")),
        "iax2" => Some(format!("IAX2/{id}")),
        // A virtual extension has no phone, and a custom one without a dial string neither.
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: &[&str]) -> Fields {
        fields.iter().map(|field| (*field).to_owned()).collect()
    }

    #[test]
    fn an_extension_has_the_phone_of_its_own_number_before_others() {
        let devices = [
            row(&["1001", "pjsip", "PJSIP/1001", "100"]),
            row(&["100", "pjsip", "", "100"]),
            row(&["90101", "pjsip", "PJSIP/90101", "101"]),
            row(&["102", "virtual", "", "102"]),
        ];
        let users = [
            row(&["100", "Anna"]),
            row(&["101", ""]),
            row(&["102", "Fax"]),
        ];
        let people = people(&users, &devices, &Accounts::default());
        let channels: Vec<_> = people
            .iter()
            .map(|person| person.channel.as_deref())
            .collect();
        assert_eq!(channels, [Some("PJSIP/100"), Some("PJSIP/90101"), None]);
        assert_eq!(people[1].name, "101");
    }

    #[test]
    fn the_user_manager_gives_login_address_and_groups() {
        let users = [
            row(&["1", "anna", "100", "", "Anna", "Klein", "anna@firm.example"]),
            row(&["2", "guest", "none", "", "", "", ""]),
        ];
        let groups = [
            row(&["Sales", "[\"1\",\"2\"]"]),
            row(&["All", "[1]"]),
            row(&["Broken", "{"]),
        ];
        let accounts = Accounts::of(&users, &groups);
        let people = people(&[row(&["100", "Anna K."])], &[], &accounts);
        assert_eq!(people[0].login, "anna");
        assert_eq!(people[0].name, "Anna K.");
        assert_eq!(people[0].email.as_deref(), Some("anna@firm.example"));
        assert_eq!(people[0].groups, ["All", "Sales"]);
    }
}
