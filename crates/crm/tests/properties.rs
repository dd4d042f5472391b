//! What no text and no answer may do to a connector.

use crm::{File, InboundRequest, Options, Secrets, Values, bundled, cases};
use phone_number::{DialPlan, Region};
use proptest::prelude::*;
use std::sync::Arc;

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,400}") {
        let _ = File::parse(&text, "own.toml");
    }

    /// Near to good files, where the checks are.
    #[test]
    fn a_good_file_with_a_hole_or_a_splinter_is_read_or_refused(
        which in any::<prop::sample::Index>(),
        from in any::<prop::sample::Index>(),
        length in 0_usize..60,
        splinter in prop::sample::select(vec!["", "[[", "{{", "}}", "\"", "'", "=", "[a]\n", "\u{0}", "ж", "5", "{% if %}", "/*/"]),
    ) {
        let (_, text) = which.get(bundled());
        let characters: Vec<char> = text.chars().collect();
        let start = from.index(characters.len());
        let end = (start + length).min(characters.len());
        let broken: String = characters[..start].iter().copied()
            .chain(splinter.chars())
            .chain(characters[end..].iter().copied())
            .collect();
        if let Err(errors) = File::parse(&broken, "own.toml") {
            prop_assert!(!errors.is_empty());
            let lines = broken.lines().count() + 1;
            prop_assert!(errors.iter().all(|error| (1..=lines).contains(&error.line) && !error.words.is_empty()));
        }
    }

    #[test]
    fn any_answer_is_people_or_a_sentence(answer in answer(), status in prop::sample::select(vec![200_u16, 204, 302, 401, 404, 429, 500])) {
        let json = serde_json::to_string(&answer).unwrap();
        let quoted = serde_json::to_string(&json).unwrap();
        let text = format!("{CASE}[[case]]\nname = \"any\"\ncall = \"lookup\"\nwith = {{ number = \"+79062195047\" }}\n\
            [[case.exchange]]\nrequest = {{ path = \"/people\" }}\nresponse = {{ status = {status}, json = {quoted} }}\n[case.expect]\n");
        let Ok(file) = File::parse(&text, "own.toml") else {
            // JSON escapes that TOML does not know.
            return Ok(());
        };
        prop_assert_eq!(cases::run(&file).len(), 1);
    }

    #[test]
    fn any_request_that_comes_in_is_refused_without_its_proof(query in "\\PC{0,80}", body in "\\PC{0,200}", value in "\\PC{0,40}") {
        let file = Arc::new(File::parse(INBOUND, "own.toml").unwrap());
        let secrets = Secrets::from([("hook".to_owned(), "word-1".into())]);
        let options = Options::new(DialPlan::new(Region::RU));
        let connector = file.connector(&Values::new(), &secrets, options).unwrap();
        let request = InboundRequest {
            method: "POST".into(),
            path: "/inbound/x/y".into(),
            headers: vec![("X-Token".into(), value)],
            query,
            body,
        };
        prop_assert!(connector.inbound(&request).wish.is_none());
    }
}

#[test]
fn a_request_with_its_proof_is_a_wish() {
    let file = Arc::new(File::parse(INBOUND, "own.toml").unwrap());
    let options = Options::new(DialPlan::new(Region::RU));
    let asked = |secret: &str, token: &str| {
        let secrets = Secrets::from([("hook".to_owned(), secret.to_owned().into())]);
        let connector = file
            .connector(&Values::new(), &secrets, options.clone())
            .unwrap();
        let request = InboundRequest {
            method: "POST".into(),
            path: "/inbound/x/y".into(),
            query: String::new(),
            headers: vec![("X-Token".into(), token.into())],
            body: "phone=8+906+219-50-47&ext=101".into(),
        };
        connector.inbound(&request)
    };
    let answer = asked("word-1", "word-1");
    let wish = answer.wish.unwrap();
    assert_eq!(
        (answer.status, wish.number.e164()),
        (202, Some("+79062195047"))
    );
    assert_eq!(wish.extension.as_deref(), Some("101"));
    assert_eq!(asked("word-1", "word-2").status, 401);
    assert_eq!(asked("", "").status, 401);
}

const CASE: &str = r#"
format = 1
id = "any"
name = "Any"
[http]
base = "https://crm.example"
error = "/error"
[auth]
kind = "none"
[[lookup]]
request = { path = "/people" }
each = "/items"
verify = "trust"
map = { id = "/id", name = ["/name", "{{ row.first }} {{ row.last }}"], email = "/email/*/x", phones = ["/phones/*"], url = "{{ row.url | safe }}", facts = [{ label = "F", each = "/deals", value = "{{ row.a | date }}{{ row.b | int }}{{ row.c | first_word }}", url = "https://x.example/{{ row.id }}" }] }
"#;

const INBOUND: &str = r#"
format = 1
id = "in"
name = "In"
[params]
hook = { kind = "secret" }
[http]
base = "https://crm.example"
[auth]
kind = "none"
[inbound]
path = "call"
auth = { kind = "token", at = "/headers/x-token", token = "{{ params.hook }}" }
map = { number = "/body/phone", extension = "/body/ext" }
answer = { status = 202, json = { ok = true } }
"#;

fn answer() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::{Value, json};
    let key = prop::sample::select(vec![
        "items", "id", "name", "first", "email", "phones", "url", "deals", "a", "b", "c", "error",
        "x", "*",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        "\\PC{0,20}".prop_map(Value::from),
        Just(json!("+7 906 219-50-47")),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..6).prop_map(|map| {
                Value::Object(
                    map.into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}
