//! Click-to-call from the CRM: a request to us, checked before anything is read.

use super::{Connector, Inner};
use crate::{
    format::{
        people::Field,
        sections::{Inbound as Section, InboundAuth},
    },
    login::signature,
    pointer, render,
};
use minijinja::Value;
use phone_number::PhoneNumber;
use ring::{
    hmac,
    rand::{SecureRandom as _, SystemRandom},
};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// A request that came to us; at most 64 KiB, which the caller sees to.
#[derive(Clone, Debug, Default)]
pub struct InboundRequest {
    pub method: String,
    /// Without the query.
    pub path: String,
    /// As it came, still encoded.
    pub query: String,
    /// Any case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// What somebody wants who clicked in the CRM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    pub number: PhoneNumber,
    /// Who clicked: by his extension, or as the CRM's user.
    pub extension: Option<String>,
    pub user: Option<String>,
    /// Whom it is about.
    pub record: Option<String>,
    pub kind: Option<String>,
}

/// What is answered, and what is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundAnswer {
    pub status: u16,
    pub json: Option<Json>,
    /// `None`: refused.
    pub wish: Option<Inbound>,
}

impl Connector {
    /// Where click-to-call comes in, behind the connector's id; `None`: it has none.
    #[must_use]
    pub fn inbound_path(&self) -> Option<&str> {
        Some(self.0.file.inbound.as_ref()?.path.as_str())
    }

    /// Reads a request of the CRM. Who cannot prove himself learns nothing.
    #[must_use]
    pub fn inbound(&self, request: &InboundRequest) -> InboundAnswer {
        let refused = |status| InboundAnswer {
            status,
            json: None,
            wish: None,
        };
        let Some(section) = &self.0.file.inbound else {
            return refused(404);
        };
        let document = document(request);
        if !self.0.proves_itself(section, request, &document) {
            return refused(401);
        }
        let Some(wish) = self.0.wish(section, &document) else {
            return refused(400);
        };
        let context = super::with_answer(&self.0.context(), &document);
        let json = section.answer.as_ref();
        let json = json.and_then(|answer| answer.json(&context).ok().flatten());
        InboundAnswer {
            status: section.status,
            json,
            wish: Some(wish),
        }
    }

    /// The same, with the extension of the user where only he is told.
    pub async fn inbound_with_user(&self, request: &InboundRequest) -> InboundAnswer {
        let mut answer = self.inbound(request);
        let Some(wish) = &mut answer.wish else {
            return answer;
        };
        if let (None, Some(user)) = (&wish.extension, &wish.user) {
            let users = self.users().await.unwrap_or_default();
            let known = users.iter().find(|known| known.id == *user);
            wish.extension = known.map(|known| known.extension.clone());
        }
        answer
    }
}

impl Inner {
    fn proves_itself(&self, section: &Section, request: &InboundRequest, document: &Json) -> bool {
        let context = self.context();
        match &section.auth {
            InboundAuth::Token { at, token } => {
                let wanted = token.text(&context).unwrap_or_default();
                let given = at.first(document).and_then(pointer::text);
                let given = given.unwrap_or_default();
                // Some put a word before it.
                let bare = given.strip_prefix("Bearer ").unwrap_or(&given);
                !wanted.is_empty() && is_same(&wanted, bare)
            }
            InboundAuth::Hmac { header, signing } => {
                let key = signing.key.text(&context).unwrap_or_default();
                let context = context.with("request", seen(request));
                let wanted = signature(signing, &context).unwrap_or_default();
                let mut headers = request.headers.iter();
                let given = headers.find(|(name, _)| name.eq_ignore_ascii_case(header));
                let given = given.map_or("", |(_, value)| value.trim());
                // One that cannot be made is as empty as one that is not given.
                !key.is_empty() && !wanted.is_empty() && is_same(&wanted, given)
            }
        }
    }

    fn wish(&self, section: &Section, document: &Json) -> Option<Inbound> {
        let context = super::with_answer(&self.context(), document);
        let part = |field: &Option<Field>| {
            let text = field.as_ref()?.text(document, &context).ok()??;
            Some(contacts::clean::line(&text, 200)).filter(|text| !text.is_empty())
        };
        let number = section.number.text(document, &context).ok()??;
        Some(Inbound {
            number: self.options.plan.number(&number).ok()?,
            extension: part(&section.extension),
            user: part(&section.user),
            record: part(&section.record),
            kind: part(&section.kind),
        })
    }
}

/// Takes as long whatever is different: what is compared are sums under a key of the moment.
fn is_same(wanted: &str, given: &str) -> bool {
    let mut key = [0_u8; 32];
    if SystemRandom::new().fill(&mut key).is_err() {
        return false;
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let tag = hmac::sign(&key, wanted.as_bytes());
    hmac::verify(&key, given.as_bytes(), tag.as_ref()).is_ok()
}

fn document(request: &InboundRequest) -> Json {
    let table = |pairs: Vec<(String, String)>| {
        let pairs = pairs
            .into_iter()
            .map(|(name, value)| (name, Json::from(value)));
        Json::Object(pairs.collect::<Map<_, _>>())
    };
    let body = serde_json::from_str(&request.body)
        .unwrap_or_else(|_| table(render::parse_form(&request.body)));
    let headers = request.headers.iter();
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.clone()));
    let document = Map::from_iter([
        (
            "query".to_owned(),
            table(render::parse_form(&request.query)),
        ),
        ("headers".to_owned(), table(headers.collect())),
        ("body".to_owned(), body),
    ]);
    Json::Object(document)
}

fn seen(request: &InboundRequest) -> Value {
    let parts = [
        ("method", &request.method),
        ("path", &request.path),
        ("query", &request.query),
        ("body", &request.body),
    ];
    let parts: BTreeMap<&str, Value> = parts
        .into_iter()
        .map(|(name, text)| (name, Value::from(text.clone())))
        .collect();
    Value::from(parts)
}
