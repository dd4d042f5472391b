//! What the integration server keeps: call log, missed calls, people, devices, audit, deliveries; in SQLite or PostgreSQL.
#![forbid(unsafe_code)]
