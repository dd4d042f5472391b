//! Contact sources as they are set up: what can be connected, what is, and how it does. The same for the settings of a
//! desktop and the administrator's page of a server.

use crate::{FormField, UnixMillis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What can be connected: a description of a CRM, or a kind of directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct ConnectorKind {
    /// `odoo`, the name of a description that comes with the program; `ldap`, `carddav`; or the path of one's own file.
    pub file: String,
    /// For people: `Odoo 19`.
    pub title: String,
    /// A sentence about it, by language: `en`, `ru`.
    #[serde(default)]
    #[cfg_attr(feature = "ts", ts(as = "Option<BTreeMap<String, String>>", optional))]
    pub about: BTreeMap<String, String>,
    /// Against which real server it was tried, and what only by its documentation; empty: nothing is said.
    #[serde(default)]
    #[cfg_attr(feature = "ts", ts(as = "Option<String>", optional))]
    pub executed: String,
    /// What must be told to connect it, with what stands there to begin with.
    pub fields: Vec<FormField>,
    /// The file is not understood: what is wrong, with file, line and column. Then there are no fields.
    pub trouble: Vec<String>,
}

/// A source as it is set up. Never holds a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(default)]
pub struct ConnectorSettings {
    /// Unique, chosen by whoever connects it; letters, digits and `-_.`: `tryton`, `odoo-2`.
    pub id: String,
    /// As in [`ConnectorKind::file`].
    pub file: String,
    pub enabled: bool,
    /// By [`FormField::name`], without secrets.
    pub values: BTreeMap<String, String>,
}

/// A source that is set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Connector {
    pub id: String,
    pub file: String,
    /// As in [`ConnectorKind::title`].
    pub title: String,
    pub enabled: bool,
    /// As they are filled in; of a secret only whether it is stored.
    pub fields: Vec<FormField>,
    pub state: ConnectorState,
    /// Why its secrets are not kept: typed for this run only.
    pub not_kept: Option<String>,
    /// Who set it, where it cannot be changed here: the configuration file of a server.
    pub set_by: Option<String>,
}

/// How a source does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ConnectorState {
    #[default]
    Off,
    /// Made ready: secrets are fetched, a directory is read.
    Starting,
    /// Not asked yet.
    Ready,
    /// It answered the last question.
    Works { took_ms: u32, at: UnixMillis },
    /// What is wrong and what to do, with the source's own words. Where it is not said at once, it is tried again.
    Trouble { words: String },
}
