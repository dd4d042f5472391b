//! Values and their places.

use super::*;
use serde_json::json;

fn scope() -> Scope {
    Scope::default()
        .with("params", ["base_url", "key"])
        .and("row")
        .and("number")
        .and("numbers")
        .and("contact")
}

fn context() -> Context {
    let mut context = Context::default();
    context.set(
        "params",
        Value::from_pairs([
            ("base_url", address_value("https://crm.example:8069/a")),
            ("key", Value::from("k y")),
        ]),
    );
    context.set_json(
        "row",
        &json!({"name": "O'Neil & <b>", "id": 7, "none": null, "first name": "Ada"}),
    );
    context.set_json("numbers", &json!(["+7906", "8906"]));
    context.set_json("contact", &json!({"id": "12", "email": ""}));
    context.set(
        "number",
        Value::from_object(Spellings {
            alone: "+7906".into(),
            each: BTreeMap::from([("trunk".into(), "8906".into())]),
        }),
    );
    context
}

fn text(source: &str, place: Place) -> String {
    let template = Template::parse(source, place, &scope()).unwrap();
    template.text(&context()).unwrap()
}

fn plain(source: &str) -> String {
    text(source, Place::Plain)
}

fn json_of(source: &str) -> Option<Json> {
    let template = Template::parse(source, Place::Plain, &scope()).unwrap();
    template.json(&context()).unwrap()
}

#[test]
fn values_in_addresses_are_encoded_and_addresses_are_not() {
    assert_eq!(
        text(
            "{{ params.base_url }}/c/{{ row.name }}?k={{ params.key }}",
            Place::Address
        ),
        "https://crm.example:8069/a/c/O%27Neil%20%26%20%3Cb%3E?k=k%20y"
    );
    assert_eq!(
        text(
            "tryton://{{ params.base_url | host }}/{{ number }}",
            Place::Address
        ),
        "tryton://crm.example:8069/%2B7906"
    );
    assert_eq!(
        text("{{ params.base_url | origin }}/x", Place::Address),
        "https://crm.example:8069/x"
    );
}

#[test]
fn one_expression_keeps_its_type() {
    assert_eq!(json_of("{{ contact.id | int }}"), Some(json!(12)));
    assert_eq!(json_of("{{ null }}"), Some(json!(null)));
    assert_eq!(json_of("{{ numbers }}"), Some(json!(["+7906", "8906"])));
    assert_eq!(json_of("{{ number }}"), Some(json!("+7906")));
    assert_eq!(json_of("{{ number.trunk }}"), Some(json!("8906")));
    assert_eq!(json_of("n {{ row.id }}"), Some(json!("n 7")));
    assert_eq!(json_of("{{ row.id }}"), Some(json!(7)));
    assert_eq!(json_of("{{ contact.email | optional }}"), None);
    assert_eq!(json_of("{{ row.missing | int }}"), Some(json!(null)));
}

#[test]
fn what_is_missing_is_empty() {
    assert_eq!(plain("<{{ row.none }}{{ row.missing }}>"), "<>");
    assert_eq!(plain("{{ row.none | default('x') }}"), "x");
    assert_eq!(plain("{{ row['first name'] }}"), "Ada");
}

#[test]
fn filters_do_what_their_names_say() {
    for (source, expected) in [
        ("{{ 'user:pass' | b64 }}", "dXNlcjpwYXNz"),
        ("{{ 'ab' | b64 }}", "YWI="),
        ("{{ 'ab?>' | b64url }}", "YWI_Pg"),
        ("{{ 'a' | md5 }}", "0cc175b9c0f1b6a831c399e269772661"),
        (
            "{{ 'abc' | sha1 }}",
            "a9993e364706816aba3e25717850c26c9cd0d89d",
        ),
        (
            "{{ '1.{}' | hmac_sha256('secret') }}",
            "1122767b193110cfec322b6f199b599edbf608ed087f2d27afb0b97d99523908",
        ),
        ("{{ 'AZ' | hex }}", "415a"),
        ("{{ '+7 (906) 1' | digits }}", "79061"),
        ("{{ 'Anna Maria P' | first_word }}", "Anna"),
        ("{{ 'Anna Maria P' | rest_words }}", "Maria P"),
        ("{{ 1767225600 | date }}", "2026-01-01T00:00:00Z"),
        (
            "{{ 1767225600000 | date('%d.%m.%Y %H:%M', 'Europe/Moscow') }}",
            "01.01.2026 03:00",
        ),
        (
            "{{ '2026-01-01T03:00:00+03:00' | date }}",
            "2026-01-01T00:00:00Z",
        ),
        ("{{ 'soon' | date }}", ""),
        ("{{ 65 | mmss }} {{ 3665 | hhmmss }}", "01:05 01:01:05"),
        ("{{ row.name | soql }}", "O\\'Neil & <b>"),
        ("{{ row.name | odata }}", "O''Neil & <b>"),
        ("{{ row.name | e }}", "O&#39;Neil &amp; &lt;b&gt;"),
        ("{{ '*(a)' | ldap }}", "\\2a\\28a\\29"),
        ("{{ '+7-906' | sosl }}", "\\+7\\-906"),
        ("{{ row.name | json }}", "\"O'Neil & <b>\""),
        ("{{ numbers | join(',') }}", "+7906,8906"),
        ("{{ 'a b' | upper | replace(' ', '_') }}", "A_B"),
        ("{{ 'abcdef' | truncate_to(3) }}", "abc"),
    ] {
        assert_eq!(plain(source), expected, "{source}");
    }
}

#[test]
fn a_slip_is_found_before_a_call() {
    let refused = |source: &str| match Template::parse(source, Place::Plain, &scope()) {
        Ok(_) => panic!("{source} was taken"),
        Err(Failed(words)) => words,
    };
    assert_eq!(
        refused("{{ params.base_ulr }}/x"),
        "“params” has no “base_ulr”; did you mean “base_url”?"
    );
    assert_eq!(
        refused("{{ parms.key }}"),
        "there is no value “parms” here; did you mean “params”?"
    );
    assert_eq!(
        refused("{{ row.a | b46 }}"),
        "there is no filter “b46”; did you mean “b64”?"
    );
    assert_eq!(
        refused("{% if row.a | nonsense %}{% endif %}x"),
        "there is no filter “nonsense”"
    );
    assert!(!refused("{{ row.a").is_empty());
    assert!(!refused("{% if %}").is_empty());
    assert!(Template::parse("{{ 'a | b' ~ row.x }}", Place::Plain, &scope()).is_ok());
}

#[test]
fn a_template_that_never_ends_ends() {
    let source = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
    let template = Template::parse(source, Place::Plain, &scope()).unwrap();
    assert!(template.text(&context()).is_err());
}
