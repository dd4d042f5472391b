//! The configuration: one TOML file, overridden by the environment.

mod secret;
mod source;

pub(crate) use secret::Secret;
pub(crate) use source::{Environment, load};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::{collections::BTreeMap, net::IpAddr, path::PathBuf};
use wire::{Role, rest::Policy};

/// Everything that can be set. Unknown keys are refused, with their line.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// What clients show as the server's name.
    pub name: String,
    /// Address and port that clients connect to. Without a certificate only this machine or a proxy should reach it.
    pub listen: String,
    /// The port that was taken is written here; for port 0.
    pub port_file: String,
    /// How people reach the server, for example `https://phone.example`: for enrolment links and as the one origin of
    /// browsers. Empty: the address of `listen`.
    pub public_url: String,
    pub tls: Tls,
    pub http: Http,
    pub store: Store,
    pub call_log: CallLog,
    pub log: Log,
    pub contacts: Contacts,
    pub people: People,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc: Option<Oidc>,
    pub pbx: Vec<Pbx>,
    pub connector: Vec<Connector>,
    pub user: Vec<User>,
}

/// Certificate and key as PEM files; both empty: plain HTTP, for this machine or behind a proxy.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tls {
    pub certificate: String,
    pub key: String,
    /// Days for which browsers shall come by TLS only (HSTS); 0: not said.
    pub hsts_days: u32,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Http {
    /// Further origins from which browsers may connect, each exactly as a browser says it: `https://crm.example`.
    pub origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Connections at the same time.
    pub connections: u32,
    /// Wrong tokens, codes and passwords from one address before it has to wait a minute.
    pub failures: u32,
    /// `/metrics` needs this as a bearer token; empty: only from this machine.
    pub metrics_token: Secret,
    pub metrics_token_file: String,
    /// Webhooks may go to private addresses.
    pub webhooks_to_private: bool,
}

/// Where everything is kept that must not be lost.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Store {
    /// `sqlite:FILE` or `postgres://USER@HOST/DATABASE`.
    pub url: Secret,
    pub url_file: String,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CallLog {
    /// Calls older than this are deleted; 0: never.
    pub keep_days: u32,
    /// Roles that see numbers outside without their middle digits.
    pub hide_digits_from: Vec<Role>,
    /// Roles that see lamps, and not with whom colleagues talk.
    pub hide_calls_from: Vec<Role>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`; `RUST_LOG` overrides it.
    pub level: String,
    /// JSON lines instead of text.
    pub json: bool,
}

/// Who calls: the contact book, and what belongs to all contact sources.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Contacts {
    /// vCard or CSV file; empty: none.
    pub file: String,
    /// Where the secrets of connectors are kept that are typed in the admin page, for this program alone; empty:
    /// `sidetone-secrets.json` beside the store's file, else in the service's own folder, else beside this file.
    pub secrets_file: String,
    /// Of what sources are called on the card: `en`, `ru`.
    pub language: String,
}

/// A contact source besides the contact book, asked in this order: a CRM, an LDAP or CardDAV directory. Those that are
/// connected in the admin page come after them.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Connector {
    /// By which it is named everywhere; never changed.
    pub id: String,
    /// `odoo`, the name of a description that comes with the program; `ldap`, `carddav`; or the path of one's own file.
    pub file: String,
    pub enabled: bool,
    /// What the description asks for, by name.
    #[serde(deserialize_with = "texts")]
    pub values: BTreeMap<String, String>,
    /// The same for secrets; under the name with `_file` behind it stands a file that holds the secret.
    pub secrets: BTreeMap<String, Secret>,
}

/// `true` and `8069` are meant as texts as well.
fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    let values = BTreeMap::<String, toml::Value>::deserialize(from)?;
    let text = |(name, value): (String, toml::Value)| match value {
        toml::Value::String(text) => Ok((name, text)),
        toml::Value::Integer(number) => Ok((name, number.to_string())),
        toml::Value::Boolean(is_so) => Ok((name, is_so.to_string())),
        toml::Value::Float(_)
        | toml::Value::Datetime(_)
        | toml::Value::Array(_)
        | toml::Value::Table(_) => Err(D::Error::custom(format!("{name} is no text"))),
    };
    values.into_iter().map(text).collect()
}

/// Where people come from besides `[[user]]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct People {
    /// Minutes between two looks at FreePBX and LDAP.
    pub every_minutes: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freepbx: Option<Freepbx>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ldap: Option<Ldap>,
}

/// FreePBX's own database, read only.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Freepbx {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: Secret,
    pub password_file: String,
    pub database: String,
    /// The `[[pbx]]` whose people these are; empty: the first.
    pub pbx: String,
    pub tls: bool,
}

/// A directory that speaks LDAP.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Ldap {
    /// `ldaps://directory.example`, or `ldap://` with StartTLS.
    pub url: String,
    pub start_tls: bool,
    pub ca_file: String,
    pub bind_dn: String,
    pub password: Secret,
    pub password_file: String,
    pub base: String,
    pub filter: String,
    pub login: String,
    pub name: String,
    pub extension: String,
    pub mail: String,
    /// The `[[pbx]]` on which their extensions are; empty: the first.
    pub pbx: String,
    /// People may sign in with the directory's password.
    pub sign_in: bool,
}

/// Sign-in by an OpenID provider.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Oidc {
    /// What its button says.
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Secret,
    pub client_secret_file: String,
    pub ca_file: String,
    /// The claim that is the login of a person here.
    pub login_claim: String,
    pub scopes: Vec<String>,
}

/// A phone system.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Pbx {
    /// By which it is named everywhere.
    pub name: String,
    pub host: String,
    pub port: u16,
    /// `off` (this machine only), `plain_allowed`, `system`, `ca` or `pin`.
    pub tls: String,
    pub ca_file: String,
    pub pin_sha256: String,
    /// The user of manager.conf.
    pub user: String,
    pub secret: Secret,
    pub secret_file: String,
    /// Single-byte charset of texts that are no UTF-8; empty: none.
    pub charset: String,
    /// The dialplan context that calls start in.
    pub context: String,
    /// The phone of an extension where a user names none.
    pub channel: String,
    pub dial_plan: DialPlan,
    pub placing: Placing,
    pub handling: Handling,
    pub records: Records,
}

/// What is dialled for what at this site; see the desktop's settings.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DialPlan {
    pub country: String,
    pub area_code: String,
    pub outside_prefix: String,
    pub international_prefix: String,
    pub national_prefix: String,
    pub internal_min: u8,
    pub internal_max: u8,
    /// `e164`, `e164_digits`, `national` or `as_dialled`.
    pub send_as: phone_number::SendAs,
    pub rules: Vec<phone_number::Rule>,
}

/// How calls are placed.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Placing {
    /// `Local/{extension}@sidetone-phone/n`; empty: the phone itself.
    pub through: String,
    pub show_callee: bool,
    pub caller_id: String,
    /// `off`, or the model of the phones.
    pub auto_answer: String,
    pub account: String,
    pub early_media: bool,
    pub ring_seconds: u8,
    pub variables: Vec<String>,
}

/// What is set up on the PBX for passing calls on.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Handling {
    /// The conference room for calls of three; empty: there is none.
    pub conference: String,
    pub conference_context: String,
    pub parking_lot: String,
    pub queue_interface: String,
    pub queue_state_interface: String,
    /// `off`, `device_state`, `database` or `both`.
    pub do_not_disturb: String,
    pub recordings: String,
    /// Numbers whose missed calls belong on the board besides those of queues: groups, DIDs.
    pub missed_lines: Vec<String>,
}

/// The PBX's own records of calls, by which the log is completed.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Records {
    /// Master.csv of cdr_csv.
    pub csv: String,
    /// Its times are UTC (`usegmtime=yes`).
    pub csv_utc: bool,
    /// `mysql://…` or `postgres://…` of a database with a table of records.
    pub url: Secret,
    pub url_file: String,
    pub table: String,
}

/// Somebody who works here.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct User {
    pub login: String,
    pub name: String,
    pub role: Role,
    /// Empty: the first `[[pbx]]`.
    pub pbx: String,
    pub extension: String,
    /// Empty: as the PBX has it.
    pub channel: String,
    pub groups: Vec<String>,
    pub policy: Policy,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "Sidetone".into(),
            listen: "127.0.0.1:7460".into(),
            port_file: String::new(),
            public_url: String::new(),
            tls: Tls::default(),
            http: Http::default(),
            store: Store::default(),
            call_log: CallLog::default(),
            log: Log::default(),
            contacts: Contacts::default(),
            people: People::default(),
            oidc: None,
            pbx: Vec::new(),
            connector: Vec::new(),
            user: Vec::new(),
        }
    }
}

impl Config {
    /// Every key with its default, with one of each table.
    #[must_use]
    pub(crate) fn example() -> Self {
        Self {
            people: People {
                freepbx: Some(Freepbx::default()),
                ldap: Some(Ldap::default()),
                ..People::default()
            },
            oidc: Some(Oidc::default()),
            pbx: vec![Pbx::default()],
            connector: vec![Connector::default()],
            user: vec![User::default()],
            ..Self::default()
        }
    }

    /// The origins of browsers that are let in.
    #[must_use]
    pub(crate) fn origins(&self, port: u16) -> Vec<String> {
        let mut origins = self.http.origins.clone();
        let scheme = if self.tls.certificate.is_empty() {
            "http"
        } else {
            "https"
        };
        match self.public_url.trim_end_matches('/') {
            "" => {
                let host = self
                    .listen
                    .rsplit_once(':')
                    .map_or("127.0.0.1", |(host, _)| host);
                let names = [host, "127.0.0.1", "localhost"];
                origins.extend(names.map(|name| format!("{scheme}://{name}:{port}")));
            }
            url => origins.push(url.to_owned()),
        }
        origins
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            trusted_proxies: Vec::new(),
            connections: 20_000,
            failures: 10,
            metrics_token: Secret::default(),
            metrics_token_file: String::new(),
            webhooks_to_private: false,
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self {
            url: Secret::new("sqlite:sidetone.db"),
            url_file: String::new(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: "info".into(),
            json: false,
        }
    }
}

impl Default for People {
    fn default() -> Self {
        Self {
            every_minutes: 10,
            freepbx: None,
            ldap: None,
        }
    }
}

impl Default for Freepbx {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: 3306,
            user: "sidetone".into(),
            password: Secret::default(),
            password_file: String::new(),
            database: "asterisk".into(),
            pbx: String::new(),
            tls: false,
        }
    }
}

impl Default for Ldap {
    fn default() -> Self {
        Self {
            url: String::new(),
            start_tls: false,
            ca_file: String::new(),
            bind_dn: String::new(),
            password: Secret::default(),
            password_file: String::new(),
            base: String::new(),
            filter: "(objectClass=person)".into(),
            login: "uid".into(),
            name: "cn".into(),
            extension: "telephoneNumber".into(),
            mail: "mail".into(),
            pbx: String::new(),
            sign_in: false,
        }
    }
}

impl Default for Oidc {
    fn default() -> Self {
        Self {
            name: "Single sign-on".into(),
            issuer: String::new(),
            client_id: "sidetone".into(),
            client_secret: Secret::default(),
            client_secret_file: String::new(),
            ca_file: String::new(),
            login_claim: "preferred_username".into(),
            scopes: vec!["openid".into(), "profile".into(), "email".into()],
        }
    }
}

impl Default for Pbx {
    fn default() -> Self {
        Self {
            name: "main".into(),
            host: "127.0.0.1".into(),
            port: 5038,
            tls: "off".into(),
            ca_file: String::new(),
            pin_sha256: String::new(),
            user: "sidetone".into(),
            secret: Secret::default(),
            secret_file: String::new(),
            charset: String::new(),
            context: "from-internal".into(),
            channel: "PJSIP/{extension}".into(),
            dial_plan: DialPlan::default(),
            placing: Placing::default(),
            handling: Handling::default(),
            records: Records::default(),
        }
    }
}

impl Default for Contacts {
    fn default() -> Self {
        Self {
            file: String::new(),
            secrets_file: String::new(),
            language: "en".into(),
        }
    }
}

impl Default for Connector {
    fn default() -> Self {
        Self {
            id: "crm".into(),
            file: String::new(),
            enabled: true,
            values: BTreeMap::new(),
            secrets: BTreeMap::new(),
        }
    }
}

impl Default for DialPlan {
    fn default() -> Self {
        Self {
            country: "GB".into(),
            area_code: String::new(),
            outside_prefix: String::new(),
            international_prefix: String::new(),
            national_prefix: String::new(),
            internal_min: 2,
            internal_max: 4,
            send_as: phone_number::SendAs::E164,
            rules: Vec::new(),
        }
    }
}

impl Default for Placing {
    fn default() -> Self {
        Self {
            through: String::new(),
            show_callee: true,
            caller_id: String::new(),
            auto_answer: "off".into(),
            account: String::new(),
            early_media: false,
            ring_seconds: 40,
            variables: Vec::new(),
        }
    }
}

impl Default for User {
    fn default() -> Self {
        Self {
            login: String::new(),
            name: String::new(),
            role: Role::Agent,
            pbx: String::new(),
            extension: String::new(),
            channel: String::new(),
            groups: Vec::new(),
            policy: Policy::default(),
        }
    }
}

/// The folder that relative paths of the file are meant from.
pub(crate) fn beside(file: Option<&std::path::Path>, path: &str) -> PathBuf {
    let base = file.and_then(std::path::Path::parent);
    base.map_or_else(|| PathBuf::from(path), |base| base.join(path))
}
