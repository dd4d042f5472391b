//! Connectors and contact sources on real CRMs and directories: what the tests share.
#![cfg(target_os = "linux")]
