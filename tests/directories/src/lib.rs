//! What the tests on real directories and records share: a browser that fills in forms, a PostgreSQL, a web server that lies.

pub mod browser;
pub mod http;
pub mod postgres;
