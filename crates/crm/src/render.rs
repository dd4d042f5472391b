//! A request of the file with its values in place.

use crate::{
    format::request::{Body, Request},
    template::{Context, Failed, Template, percent_encoded},
    world::Outgoing,
};
use reqwest::Url;

/// Headers, and parameters of the address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Additions {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
}

/// The request below `base`, which has its values already.
pub(crate) fn request(
    request: &Request,
    base: &Url,
    common: &Additions,
    context: &Context,
) -> Result<Outgoing, Failed> {
    let mut query = common.query.clone();
    for (name, templates) in &request.query {
        for template in templates {
            let texts = template.texts(context)?.into_iter();
            query.extend(
                texts
                    .filter(|text| !text.is_empty())
                    .map(|text| (name.clone(), text)),
            );
        }
    }
    let (content_type, body) = body(&request.body, context)?;
    let mut headers = common.headers.clone();
    set_all(&mut headers, pairs(&request.headers, context)?);
    check(&headers)?;
    Ok(Outgoing {
        method: request.method,
        url: url(base, &request.path.text(context)?, &query)?,
        headers,
        content_type,
        body,
    })
}

/// Rendered pairs; those that came out empty are left out.
pub(crate) fn pairs(
    templates: &[(String, Template)],
    context: &Context,
) -> Result<Vec<(String, String)>, Failed> {
    let mut pairs = Vec::new();
    for (name, template) in templates {
        let text = template.text(context)?;
        if !text.is_empty() {
            pairs.push((name.clone(), text));
        }
    }
    Ok(pairs)
}

/// Later ones replace those of the same name.
pub(crate) fn set_all(headers: &mut Vec<(String, String)>, more: Vec<(String, String)>) {
    for (name, value) in more {
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        headers.push((name, value));
    }
}

/// No value may end a header and begin another.
pub(crate) fn check(headers: &[(String, String)]) -> Result<(), Failed> {
    for (name, value) in headers {
        if value.chars().any(char::is_control) {
            let words =
                format!("the value of the header {name} has a line break or control character");
            return Err(Failed(words));
        }
    }
    Ok(())
}

fn url(base: &Url, path: &str, query: &[(String, String)]) -> Result<Url, Failed> {
    let (path, own_query) = path.split_once('?').unwrap_or((path, ""));
    // An address would resolve them, and a value may be one.
    if path.split('/').any(|part| matches!(part, "." | "..")) {
        return Err(Failed("a path has a part “.” or “..”".into()));
    }
    let mut url = base.clone();
    let whole = format!("{}{path}", base.path().trim_end_matches('/'));
    url.set_path(&whole);
    let mut parts: Vec<String> = [base.query().unwrap_or_default(), own_query]
        .iter()
        .filter(|part| !part.is_empty())
        .map(ToString::to_string)
        .collect();
    parts.extend(
        query
            .iter()
            .map(|(name, value)| format!("{}={}", percent_encoded(name), percent_encoded(value))),
    );
    url.set_query(
        Some(parts.join("&"))
            .as_deref()
            .filter(|query| !query.is_empty()),
    );
    Ok(url)
}

/// With more parameters behind its own.
pub(crate) fn add_query(url: &mut Url, query: &[(String, String)]) {
    let mut parts: Vec<String> = url.query().map(str::to_owned).into_iter().collect();
    parts.extend(
        query
            .iter()
            .map(|(name, value)| format!("{}={}", percent_encoded(name), percent_encoded(value))),
    );
    if !parts.is_empty() {
        url.set_query(Some(&parts.join("&")));
    }
}

fn body(body: &Body, context: &Context) -> Result<(Option<String>, Option<String>), Failed> {
    Ok(match body {
        Body::None => (None, None),
        Body::Json(template) => {
            let json = template.json(context)?.unwrap_or_default();
            (Some("application/json".into()), Some(json.to_string()))
        }
        Body::Form(fields) => {
            let mut pairs = Vec::new();
            for (name, template) in fields {
                let texts = template.texts(context)?;
                pairs.extend(texts.into_iter().map(|text| (name.clone(), text)));
            }
            (Some(FORM.into()), Some(form(&pairs)))
        }
        Body::Text { text, content_type } => {
            (Some(content_type.clone()), Some(text.text(context)?))
        }
    })
}

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) fn form(pairs: &[(String, String)]) -> String {
    let parts = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", percent_encoded(name), percent_encoded(value)));
    parts.collect::<Vec<_>>().join("&")
}

/// The pairs of a query or a form.
pub(crate) fn parse_form(text: &str) -> Vec<(String, String)> {
    let decoded = |part: &str| {
        let mut bytes = Vec::with_capacity(part.len());
        let mut rest = part.bytes();
        while let Some(byte) = rest.next() {
            let mut ahead = rest.clone();
            let code = (byte == b'%').then(|| [ahead.next(), ahead.next()]);
            let code = code.and_then(|[high, low]| {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                u8::try_from(digit(high)? * 16 + digit(low)?).ok()
            });
            match (byte, code) {
                (_, Some(code)) => {
                    bytes.push(code);
                    rest = ahead;
                }
                (b'+', None) => bytes.push(b' '),
                (other, None) => bytes.push(other),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    text.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_its_base() {
        let base = Url::parse("https://crm.example/api/").unwrap();
        let made = |path: &str| url(&base, path, &[("q".into(), "a b&c".into())]);
        assert_eq!(
            made("/x?y=1").unwrap().as_str(),
            "https://crm.example/api/x?y=1&q=a%20b%26c"
        );
        assert_eq!(
            made("").unwrap().as_str(),
            "https://crm.example/api?q=a%20b%26c"
        );
        assert!(made("/../secret").is_err());
        assert!(made("/a/./b").is_err());
        assert_eq!(
            made("//evil.example/x").unwrap().host_str(),
            Some("crm.example")
        );
        assert_eq!(
            made("/@evil.example").unwrap().host_str(),
            Some("crm.example")
        );
    }

    #[test]
    fn forms_are_read_back_as_they_were_written() {
        let pairs = vec![
            ("a b".to_owned(), "ü&=+%".to_owned()),
            ("x".into(), String::new()),
        ];
        assert_eq!(parse_form(&form(&pairs)), pairs);
        assert_eq!(
            parse_form("a+b=%zz%4"),
            [("a b".to_owned(), "%zz%4".to_owned())]
        );
    }

    #[test]
    fn no_value_begins_a_header_of_its_own() {
        assert!(check(&[("X".into(), "a\r\nEvil: 1".into())]).is_err());
        assert!(check(&[("X".into(), "a ü".into())]).is_ok());
    }
}
