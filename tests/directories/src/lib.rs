//! What the tests on real directories share: a browser that fills in forms, by plain HTTP.

pub mod browser;
