//! One connection, whichever database it leads to: statements in, texts out.

use secrecy::ExposeSecret as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use super::{DatabaseConfig, Kind, Tls};
use crate::ReadError;

/// One row, in the order in which the columns were asked for.
pub(super) type Fields = Vec<String>;

pub(super) enum Line {
    Mysql(MySqlConnection),
    Postgres(PgConnection),
}

impl Line {
    /// Whatever the user may do there: we only read.
    pub(super) async fn open(config: &DatabaseConfig) -> Result<Self, ReadError> {
        let explain = |failed| explain(config, "", &failed);
        match config.kind {
            Kind::Mysql => {
                let options = mysql_options(config);
                let mut line = MySqlConnection::connect_with(&options)
                    .await
                    .map_err(explain)?;
                sqlx::raw_sql("SET SESSION TRANSACTION READ ONLY")
                    .execute(&mut line)
                    .await
                    .map_err(explain)?;
                Ok(Self::Mysql(line))
            }
            Kind::Postgres => {
                let line = PgConnection::connect_with(&postgres_options(config)).await;
                line.map(Self::Postgres).map_err(explain)
            }
        }
    }

    /// What a statement gives; every column of it is a text. `table` is for the error's words.
    pub(super) async fn rows(
        &mut self,
        config: &DatabaseConfig,
        table: &str,
        statement: &str,
        binds: &[String],
    ) -> Result<Vec<Fields>, ReadError> {
        let rows = match self {
            Self::Mysql(line) => {
                let mut query = sqlx::query(statement);
                for bind in binds {
                    query = query.bind(bind);
                }
                let rows = query.fetch_all(line).await;
                rows.and_then(|rows| rows.iter().map(mysql_fields).collect())
            }
            Self::Postgres(line) => {
                let mut query = sqlx::query(statement);
                for bind in binds {
                    query = query.bind(bind);
                }
                let rows = query.fetch_all(line).await;
                rows.and_then(|rows| rows.iter().map(postgres_fields).collect())
            }
        };
        rows.map_err(|failed| explain(config, table, &failed))
    }

    /// Says good-bye; what that fails with changes nothing any more.
    pub(super) async fn close(self) {
        let _ = match self {
            Self::Mysql(line) => line.close().await,
            Self::Postgres(line) => line.close().await,
        };
    }
}

/// MySQL and MariaDB differ in what kind of text a cast gives: bytes are what both agree on.
fn mysql_fields(row: &sqlx::mysql::MySqlRow) -> Result<Fields, sqlx::Error> {
    let text = |column| {
        let bytes: Vec<u8> = row.try_get_unchecked(column)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    (0..row.len()).map(text).collect()
}

fn postgres_fields(row: &sqlx::postgres::PgRow) -> Result<Fields, sqlx::Error> {
    (0..row.len())
        .map(|column| row.try_get_unchecked(column))
        .collect()
}

fn mysql_options(config: &DatabaseConfig) -> MySqlConnectOptions {
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

fn postgres_options(config: &DatabaseConfig) -> PgConnectOptions {
    let options = PgConnectOptions::new_without_pgpass()
        .host(&config.host)
        .port(config.port)
        .username(&config.user)
        .password(config.password.expose_secret())
        .database(&config.database)
        .options([("default_transaction_read_only", "on")])
        .disable_statement_logging();
    match &config.tls {
        Tls::Off => options.ssl_mode(PgSslMode::Disable),
        Tls::System => options.ssl_mode(PgSslMode::VerifyFull),
        Tls::CaFile(file) => options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert(file),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a foreign enum: whatever else broke, the line is gone"
)]
fn explain(config: &DatabaseConfig, table: &str, failed: &sqlx::Error) -> ReadError {
    let away = |why: String| ReadError::Away {
        host: config.host.clone(),
        port: config.port,
        why,
    };
    match failed {
        sqlx::Error::Database(said) => {
            let code = match said.try_downcast_ref::<MySqlDatabaseError>() {
                Some(mysql) => mysql.number().to_string(),
                None => said.code().unwrap_or_default().into_owned(),
            };
            explain_code(config, table, &code).unwrap_or_else(|| ReadError::Other(said.to_string()))
        }
        sqlx::Error::Tls(why) => ReadError::Tls(why.to_string()),
        // A certificate that is not believed comes as an IO error with rustls' words in it.
        sqlx::Error::Io(why) if why.kind() == std::io::ErrorKind::InvalidData => {
            ReadError::Tls(why.to_string())
        }
        sqlx::Error::Io(why) => away(why.to_string()),
        _ => away(failed.to_string()),
    }
}

/// Error numbers of MySQL, and SQLSTATE of PostgreSQL.
fn explain_code(config: &DatabaseConfig, table: &str, code: &str) -> Option<ReadError> {
    let user = config.user.clone();
    let database = config.database.clone();
    Some(match code {
        "1045" | "1698" | "28P01" => ReadError::Refused { user },
        "1130" | "28000" => ReadError::HostRefused { user },
        "1049" | "3D000" => ReadError::NoDatabase { database },
        "1146" | "42P01" => ReadError::NoTable {
            database,
            table: table.into(),
        },
        "1044" | "1142" | "1143" | "42501" => ReadError::NoRight {
            grant: grant(config, table),
            user,
            table: table.into(),
        },
        _ => return None,
    })
}

fn grant(config: &DatabaseConfig, table: &str) -> String {
    let DatabaseConfig { user, database, .. } = config;
    let table = if table.is_empty() { "*" } else { table };
    match config.kind {
        Kind::Mysql => format!("GRANT SELECT ON {database}.{table} TO '{user}'@'…'"),
        Kind::Postgres => format!("GRANT SELECT ON {table} TO {user}"),
    }
}
