//! Server mode: which integration server this desktop is connected to, as whom, and the question before it is.

use serde::{Deserialize, Serialize};

/// The integration server as people see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ServerView {
    /// `pbx.example`, with its port where it is not the usual one.
    pub host: String,
    /// Name and version, as it says itself; `None`: not heard yet.
    pub server: Option<String>,
    /// The person whom this desktop belongs to there.
    pub person: Option<String>,
    pub extension: Option<String>,
}

/// "Connect this desktop to pbx.example?"
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Enrolment {
    pub id: String,
    /// Who would be asked for everything from then on.
    pub host: String,
    /// Nothing is encrypted; to this computer only.
    pub is_plain: bool,
    /// The program the link came from, if known.
    pub program: Option<String>,
    /// What it would replace: the host of another server or of a phone system.
    pub replaces: Option<String>,
    #[serde(flatten)]
    #[cfg_attr(feature = "ts", ts(flatten))]
    pub step: EnrolStep,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum EnrolStep {
    /// Waits for a yes.
    Asking,
    /// The server is asked.
    Working,
    /// It said no, or was not reached.
    Failed { words: String },
}
