//! What the tests on real directories and records share: a browser that fills in forms, and a PostgreSQL.

pub mod browser;
pub mod postgres;
