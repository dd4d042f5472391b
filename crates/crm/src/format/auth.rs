//! `[auth]`: how we prove who we are.

use super::{
    Reading,
    http::{self, Mark},
    node::Table,
    request::{self, Step},
};
use crate::template::{Place, Template};
use wire::FieldKind;

#[derive(Clone, Debug)]
pub(crate) enum Auth {
    None,
    Basic { user: Template, password: Template },
    Bearer { token: Template, scheme: String },
    Header { headers: Vec<(String, Template)> },
    Query { query: Vec<(String, Template)> },
    Hmac(Box<Hmac>),
    Session(Session),
    Oauth(Box<Oauth>),
}

/// Each request is signed.
#[derive(Clone, Debug)]
pub(crate) struct Hmac {
    pub(crate) header: String,
    pub(crate) signing: Signing,
    pub(crate) headers: Vec<(String, Template)>,
}

/// How a signature is made.
#[derive(Clone, Debug)]
pub(crate) struct Signing {
    pub(crate) key: Template,
    pub(crate) payload: Template,
    pub(crate) algorithm: ring::hmac::Algorithm,
    pub(crate) is_base64: bool,
    pub(crate) prefix: String,
}

/// A login whose parts go with each request.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) steps: Vec<Step>,
    pub(crate) headers: Vec<(String, Template)>,
    pub(crate) query: Vec<(String, Template)>,
    pub(crate) expired: Vec<Mark>,
}

#[derive(Clone, Debug)]
pub(crate) struct Oauth {
    pub(crate) grant: Grant,
    pub(crate) token_url: Template,
    pub(crate) client_id: Template,
    pub(crate) client_secret: Template,
    pub(crate) scopes: Vec<Template>,
    pub(crate) extra: Vec<(String, Template)>,
    pub(crate) scheme: String,
    pub(crate) client_in_header: bool,
    pub(crate) token_request_json: bool,
    pub(crate) expired: Vec<Mark>,
}

#[derive(Clone, Debug)]
pub(crate) enum Grant {
    /// The browser signs in; the tokens are kept under the name of the `oauth` parameter.
    Code {
        authorize_url: Template,
        pkce: bool,
        redirect: Option<Template>,
        param: String,
    },
    Client,
    Password {
        user: Template,
        password: Template,
    },
}

impl Oauth {
    pub(crate) fn is_by_browser(&self) -> bool {
        match self.grant {
            Grant::Code { .. } => true,
            Grant::Client | Grant::Password { .. } => false,
        }
    }
}

const KINDS: [&str; 10] = [
    "none",
    "basic",
    "bearer",
    "header",
    "query",
    "hmac",
    "session",
    "oauth2_code",
    "oauth2_client",
    "oauth2_password",
];

/// `None`: it is refused, and which keys belong to it nobody knows.
fn kind(table: &Table<'_>) -> Option<String> {
    let node = table.required("kind")?;
    let kind = node.text()?;
    if !KINDS.contains(&kind) {
        let hint = crate::near::nearest(kind, KINDS);
        node.wrong(format!("there is no kind “{kind}”{hint}"));
        return None;
    }
    Some(kind.to_owned())
}

/// `reading` learns the names that a session has.
pub(super) fn read(table: Table<'_>, reading: &mut Reading) -> Auth {
    let Some(kind) = kind(&table) else {
        return Auth::None;
    };
    let auth = match kind.as_str() {
        "basic" => Auth::Basic {
            user: setting(&table, "user", reading, true),
            password: setting(&table, "password", reading, false),
        },
        "bearer" => Auth::Bearer {
            token: setting(&table, "token", reading, true),
            scheme: table.text("scheme").unwrap_or_else(|| "Bearer".into()),
        },
        "header" => {
            table.required("headers");
            Auth::Header {
                headers: http::headers(&table, "headers", reading, &reading.signing()),
            }
        }
        "query" => {
            table.required("query");
            Auth::Query {
                query: reading.templates(&table, "query", Place::Plain, &reading.signing()),
            }
        }
        "hmac" => Auth::Hmac(Box::new(Hmac {
            header: table.required_text("header"),
            signing: signing(&table, reading),
            headers: http::headers(&table, "headers", reading, &reading.signing()),
        })),
        "session" => session(&table, reading),
        "oauth2_code" | "oauth2_client" | "oauth2_password" => {
            Auth::Oauth(Box::new(oauth(&table, &kind, reading)))
        }
        _ => Auth::None,
    };
    table.finish();
    let wanted = usize::from(kind == "oauth2_code");
    let is_oauth = |param: &&super::Param| param.kind == FieldKind::Oauth;
    if reading.params.iter().filter(is_oauth).count() != wanted {
        reading.wrong_auth("a parameter of kind oauth belongs to oauth2_code, just one");
    }
    auth
}

fn setting(table: &Table<'_>, key: &'static str, reading: &Reading, required: bool) -> Template {
    let node = match required {
        true => table.required(key),
        false => table.node(key),
    };
    match node {
        Some(node) => reading.template(&node, Place::Plain, &reading.settings()),
        None => reading.literal(""),
    }
}

pub(super) fn signing(table: &Table<'_>, reading: &Reading) -> Signing {
    let payload = table.node("payload");
    let algorithm = match table.text("algorithm").as_deref() {
        None | Some("sha256") => ring::hmac::HMAC_SHA256,
        Some("sha1") => ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Some("sha512") => ring::hmac::HMAC_SHA512,
        Some(_) => {
            table.wrong("algorithm is sha256, sha1 or sha512");
            ring::hmac::HMAC_SHA256
        }
    };
    let is_base64 = match table.text("encoding").as_deref() {
        None | Some("hex") => false,
        Some("b64") => true,
        Some(_) => {
            table.wrong("encoding is hex or b64");
            false
        }
    };
    let scope = reading.signing();
    Signing {
        key: setting(table, "key", reading, true),
        payload: match payload {
            Some(node) => reading.template(&node, Place::Plain, &scope),
            None => reading.trusted("{{ request.body }}", &scope),
        },
        algorithm,
        is_base64,
        prefix: table.text("prefix").unwrap_or_default(),
    }
}

fn session(table: &Table<'_>, reading: &mut Reading) -> Auth {
    if table.required("steps").is_none() {
        return Auth::None;
    }
    let scope = reading.settings();
    let (steps, _) = request::steps(table, "steps", "session", reading, scope);
    reading.session = steps
        .iter()
        .flat_map(|step| step.map.iter().map(|(name, _)| name.clone()))
        .collect();
    let scope = reading.signing();
    Auth::Session(Session {
        headers: http::headers(table, "headers", reading, &scope),
        query: reading.templates(table, "query", Place::Plain, &scope),
        expired: http::marks(table, "expired"),
        steps,
    })
}

fn oauth(table: &Table<'_>, kind: &str, reading: &Reading) -> Oauth {
    let settings = reading.settings();
    let address = |key| reading.required_template(table, key, Place::Plain, &settings);
    let param = reading
        .params
        .iter()
        .find(|param| param.kind == FieldKind::Oauth);
    let grant = match kind {
        "oauth2_code" => Grant::Code {
            authorize_url: address("authorize_url"),
            pkce: table.bool("pkce").unwrap_or(true),
            redirect: table
                .node("redirect")
                .map(|node| reading.template(&node, Place::Address, &settings)),
            param: param.map(|param| param.name.clone()).unwrap_or_default(),
        },
        "oauth2_password" => Grant::Password {
            user: setting(table, "user", reading, true),
            password: setting(table, "password", reading, true),
        },
        _ => Grant::Client,
    };
    Oauth {
        grant,
        token_url: address("token_url"),
        client_id: setting(table, "client_id", reading, true),
        client_secret: setting(table, "client_secret", reading, kind == "oauth2_client"),
        scopes: scopes(table, reading),
        extra: reading.templates(table, "extra", Place::Plain, &settings),
        scheme: table.text("scheme").unwrap_or_else(|| "Bearer".into()),
        client_in_header: one_of(table, "client_in", "body", "basic"),
        token_request_json: one_of(table, "token_request", "form", "json"),
        expired: http::marks(table, "expired"),
    }
}

fn scopes(table: &Table<'_>, reading: &Reading) -> Vec<Template> {
    let nodes = table.node("scopes").map(|node| node.one_or_many());
    let scope = |node| reading.template(node, Place::Plain, &reading.settings());
    nodes.unwrap_or_default().iter().map(scope).collect()
}

/// Whether it is the other one.
fn one_of(table: &Table<'_>, key: &'static str, usual: &str, other: &str) -> bool {
    let Some(node) = table.node(key) else {
        return false;
    };
    let text = node.text().unwrap_or(usual);
    if text != usual && text != other {
        node.wrong(format!("this is {usual} or {other}"));
    }
    text == other
}
