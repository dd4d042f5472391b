//! The phone system's own records of calls, read from its CSV file or its database.
#![forbid(unsafe_code)]
