//! Files that are taken and files that are refused.

use super::*;
use insta_free::errors;

const SMALL: &str = r#"
format = 1
id = "small"
name = "Small"
[params]
base_url = { kind = "url", required = true }
key = { kind = "secret" }
[http]
base = "{{ params.base_url }}/api"
[auth]
kind = "bearer"
token = "{{ params.key }}"
[[lookup]]
numbers = ["e164", "mask:(###) ###-####"]
request = { path = "/people", query = { phone = "{{ number }}" } }
each = "/items"
map = { id = "/id", name = ["/name", "/title"], phones = ["/phones/*"] }
"#;

mod insta_free {
    //! Errors as lines.
    use super::File;

    pub(super) fn errors(text: &str) -> Vec<String> {
        match File::parse(text, "own.toml") {
            Ok(_) => Vec::new(),
            Err(errors) => errors.iter().map(ToString::to_string).collect(),
        }
    }
}

#[test]
fn a_small_file_is_taken() {
    assert_eq!(errors(SMALL), [""; 0]);
    let file = File::parse(SMALL, "own.toml").unwrap();
    assert_eq!((file.id(), file.name()), ("small", "Small"));
    let params = file.params();
    assert_eq!(params[0].name, "base_url");
    assert!(file.is_secret("key") && !file.is_secret("base_url"));
}

#[test]
fn each_slip_is_refused_with_its_place_and_a_sentence() {
    for (from, to, expected) in [
        (
            "base = ",
            "bsae = ",
            "own.toml:9:1: there is no key “bsae” here; did you mean “base”?",
        ),
        (
            "params.key",
            "params.kye",
            "own.toml:12:9: this template does not work: “params” has no “kye”; did you mean “key”?",
        ),
        (
            "{{ number }}",
            "{{ number.e146 }}",
            "own.toml:15:49: this template does not work: “number” has no “e146”; did you mean “e164”?",
        ),
        (
            "\"/items\"",
            "\"items\"",
            "own.toml:16:8: “items” is no pointer: those begin with /, constants with =, templates have {{ }}",
        ),
        (
            "kind = \"bearer\"",
            "kind = \"baerer\"",
            "own.toml:11:8: there is no kind “baerer”; did you mean “bearer”?",
        ),
        (
            "format = 1",
            "format = 2",
            "own.toml:2:10: this program reads format 1",
        ),
        (
            "id = \"small\"",
            "id = 5",
            "own.toml:3:6: a text is wanted here, and this is an integer",
        ),
        (
            ", phones = [\"/phones/*\"]",
            "",
            "own.toml:13:1: without map.phones, verify says where a row's numbers are",
        ),
        (
            "\"e164\", ",
            "\"E164\", ",
            "own.toml:14:12: “E164” is no spelling of a number: e164, digits, trunk, national_significant, national, international, suffix7, suffix9, suffix10, ext, raw, mask:(###) ###-####",
        ),
    ] {
        let text = SMALL.replacen(from, to, 1);
        assert_ne!(text, SMALL, "{from}");
        let found = errors(&text);
        assert!(found.contains(&expected.to_owned()), "{found:#?}");
    }
}

#[test]
fn a_misspelt_section_is_told_as_that_alone() {
    for (from, to, expected) in [
        (
            "[http]",
            "[htpp]",
            "own.toml:8:2: there is no section “htpp” here; did you mean “http”?",
        ),
        (
            "[[lookup]]",
            "[[lokup]]",
            "own.toml:13:3: there is no section “lokup” here; did you mean “lookup”?",
        ),
        (
            "name = \"Small\"",
            "nmae = \"Small\"",
            "own.toml:4:1: there is no key “nmae” here; did you mean “name”?",
        ),
        (
            "kind = \"bearer\"",
            "kind = \"jwt\"",
            "own.toml:11:8: there is no kind “jwt”",
        ),
        (
            "\"/phones/*\"",
            "\"/phones/* /mobile\"",
            "own.toml:17:59: a pointer is one place and has no space: two are joined as {{ row.first_name }} {{ row.last_name }}, a key with a space is {{ row[\"first name\"] }}",
        ),
    ] {
        let text = SMALL.replacen(from, to, 1);
        assert_eq!(errors(&text), [expected]);
    }
    let without = SMALL.replacen("[http]\nbase = \"{{ params.base_url }}/api\"\n", "", 1);
    assert_eq!(errors(&without), ["own.toml:1:1: “http” is missing"]);
}

#[test]
fn broken_toml_is_refused_with_its_place() {
    let found = errors("format = 1\nid = \"x\nname = 1\n");
    assert!(found[0].starts_with("own.toml:2:"), "{found:?}");
    assert!(!errors("").is_empty());
}

#[test]
fn dangerous_schemes_cannot_be_named() {
    let text = SMALL.replacen("[params]", "schemes = [\"javascript\"]\n[params]", 1);
    assert!(errors(&text)[0].ends_with("links of the scheme javascript are never opened"));
}
