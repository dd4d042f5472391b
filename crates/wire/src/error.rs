//! Why something was not done.

use serde::{Deserialize, Serialize};

/// What a client can do about a failure; it never reads the words to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The token is unknown, expired or was revoked: enrol again, and forget it.
    Unauthenticated,
    /// The server speaks another version: update.
    Version,
    /// This person may not do that; asking again does not help.
    Forbidden,
    /// Too often; after `retry_after_ms` it may be asked again.
    RateLimited,
    /// It was not done; show the words.
    Refused,
    /// Nobody knows whether it was done. Never ask again by yourself.
    Unknown,
    /// The server has no line to the phone system just now.
    PbxAway,
    /// There is no such call, dial, item, user … any more.
    NotFound,
    /// The message was not understood: a fault of the client.
    BadRequest,
    /// Longer than is taken.
    TooLarge,
    /// The server is busy or ends; connect again after `retry_after_ms`.
    Busy,
    /// Did not read for too long; connect again and read faster.
    TooSlow,
    /// The server's own fault; it is in its log.
    Internal,
}

/// A failure with a sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Failure {
    pub code: ErrorCode,
    /// What happened and what to do.
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub retry_after_ms: Option<u32>,
}

impl Failure {
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after_ms: None,
        }
    }
}
