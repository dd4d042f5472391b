//! Why records cannot be read, said so that an administrator knows what to do.

/// Why there is no batch. The cursor of before is still good.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(
        "there is no file {path}: cdr_csv is not loaded or writes elsewhere; in Asterisk: module show like cdr_csv"
    )]
    Missing { path: String },
    #[error(
        "the file {path} may not be read by this program: add its user to the group that Asterisk's logs belong to"
    )]
    FileRight { path: String },
    #[error("the file {path} cannot be read: {why}")]
    File { path: String, why: String },
    #[error("the place to read on from is not one of this source: begin at the beginning")]
    Cursor,
    #[error(
        "the database of call records at {host}:{port} does not answer ({why}): is it running there, does it listen on that address, does a firewall let us through?"
    )]
    Away {
        host: String,
        port: u16,
        why: String,
    },
    #[error("the database of call records at {host} did not answer within {seconds} s")]
    Late { host: String, seconds: u64 },
    #[error("the database of call records refused the user {user} or the password")]
    Refused { user: String },
    #[error(
        "the database server lets {user} not in from this machine: allow it there (in MariaDB CREATE USER, in PostgreSQL pg_hba.conf)"
    )]
    HostRefused { user: String },
    #[error("the database server has no database {database}")]
    NoDatabase { database: String },
    #[error("the database {database} has no table {table}: where does Asterisk write its records?")]
    NoTable { database: String, table: String },
    #[error(
        "the user {user} may not read the table {table}; as the database's administrator run: {grant}"
    )]
    NoRight {
        user: String,
        table: String,
        grant: String,
    },
    #[error("the table {table} has neither calldate nor start, so it is none of call records")]
    NoTime { table: String },
    #[error("the line to the database of call records cannot be protected: {0}")]
    Tls(String),
    #[error("the database of call records said: {0}")]
    Other(String),
}
