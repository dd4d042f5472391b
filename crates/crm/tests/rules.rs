//! The rules of the format, each by recorded cases.

use crm::{File, cases};

/// Top of a file, then what is put in.
fn file(http: &str, auth: &str, rest: &str) -> String {
    format!(
        "format = 1\nid = \"rules\"\nname = \"Rules\"\n[params]\nkey = {{ kind = \"secret\" }}\nuser = {{ kind = \"string\" }}\n\
        [http]\nbase = \"https://crm.example/v1\"\n{http}\n[auth]\n{auth}\n[cases]\nparams = {{ key = \"key-12345\", user = \"anna\" }}\n{rest}"
    )
}

const LOOKUP: &str = r#"
[[lookup]]
request = { path = "/people", query = { n = "{{ number }}" } }
map = { id = "/id", name = "/name", phones = ["/phone"] }
"#;

const ASKED: &str = r#"
[[case.exchange]]
request = { path = "/v1/people", query = { n = "+79062195047" } }
"#;

const CALLER: &str = "with = { number = \"8 906 219-50-47\" }\n";

fn passes(text: &str) {
    let file = File::parse(text, "rules.toml").unwrap_or_else(|errors| panic!("{errors:#?}"));
    let results = cases::run(&file);
    assert!(!results.is_empty());
    for result in results {
        assert!(result.passed(), "{result}");
    }
}

/// One lookup whose answers are these lines, and what is expected.
fn lookup(http: &str, answers: &[&str], expect: &str) {
    let mut text = format!("{LOOKUP}[[case]]\nname = \"it\"\ncall = \"lookup\"\n{CALLER}");
    for answer in answers {
        text.push_str(&format!("{ASKED}response = {{ {answer} }}\n"));
    }
    text.push_str(&format!("[case.expect]\n{expect}\n"));
    passes(&file(http, "kind = \"none\"", &text));
}

const IVAN: &str = r#"json = [{ id = 1, name = "Ivan", phone = "+79062195047" }]"#;

#[test]
fn an_error_in_a_good_answer_is_an_error() {
    lookup(
        "error = [\"/error\", \"/status=failed\"]",
        &[r#"json = { error = { message = "no such base" } }"#],
        "error = \"Rules answered 200 OK: “no such base”\"\nkind = \"broken\"",
    );
    lookup(
        "error = \"/status=failed\"",
        &[r#"json = { status = "failed", message = "shut" }"#],
        "error = \"“shut”\"",
    );
    lookup(
        "error = \"/error\"",
        &[r#"json = '{"error": null}'"#],
        "people = []",
    );
}

#[test]
fn what_the_file_calls_nothing_is_nobody() {
    lookup("", &["status = 204"], "people = []");
    let text = LOOKUP.replace("query =", "empty = [404], query =");
    let rest = format!(
        "{text}[[case]]\nname = \"it\"\ncall = \"lookup\"\n{CALLER}{ASKED}response = {{ status = 404, json = {{}} }}\n[case.expect]\npeople = []\n"
    );
    passes(&file("", "kind = \"none\"", &rest));
}

#[test]
fn it_is_asked_again_by_the_rules_of_the_file_alone() {
    let rule = "retry = [{ status = 503, error = \"/error=QUERY_LIMIT_EXCEEDED\", max = 2 }]";
    let limited = r#"status = 503, json = { error = "QUERY_LIMIT_EXCEEDED" }"#;
    lookup(rule, &[limited, limited, IVAN], "people = [{ id = \"1\" }]");
    lookup(rule, &[limited, limited, limited], "error = \"503\"");
    lookup(
        rule,
        &[r#"status = 503, json = { error = "OVERLOAD" }"#],
        "error = \"“OVERLOAD”\"\nkind = \"away\"",
    );
    lookup(rule, &["status = 429, json = {}"], "kind = \"limited\"");
}

#[test]
fn until_when_is_told_by_the_answer() {
    let rule = "retry = [{ status = 429, until = \"/reset\" }]";
    lookup(
        rule,
        &["status = 429, json = { reset = 1767225605 }", IVAN],
        "people = [{ id = \"1\" }]",
    );
    lookup(
        rule,
        &["status = 429, json = { reset = 1767229200 }"],
        "kind = \"limited\"\nretry_after = 3600\nerror = \"it wants to be left alone for 3600 s\"",
    );
    lookup(
        rule,
        &["status = 429, json = { reset = \"2026-01-01T01:00:00+00:00\" }"],
        "retry_after = 3600\nkind = \"limited\"",
    );
}

#[test]
fn every_way_to_prove_oneself_is_sent() {
    for (auth, headers, query) in [
        (
            "kind = \"basic\"\nuser = \"{{ params.user }}\"\npassword = \"{{ params.key }}\"",
            "Authorization = \"Basic YW5uYTprZXktMTIzNDU=\"",
            "",
        ),
        (
            "kind = \"bearer\"\ntoken = \"{{ params.key }}\"\nscheme = \"Zoho-oauthtoken\"",
            "Authorization = \"Zoho-oauthtoken key-12345\"",
            "",
        ),
        (
            "kind = \"header\"\nheaders = { X-Key = \"{{ params.key }}\", X-Path = \"{{ request.method }} {{ request.path }}\" }",
            "X-Key = \"key-12345\", X-Path = \"GET /v1/people\"",
            "",
        ),
        (
            "kind = \"query\"\nquery = { token = \"{{ params.key }}\" }",
            "",
            ", token = \"key-12345\"",
        ),
        (
            "kind = \"hmac\"\nkey = \"{{ params.key }}\"\nheader = \"X-Sign\"\npayload = \"{{ request.path }}\"\nprefix = \"v1=\"",
            "X-Sign = \"v1=SIGNATURE\"",
            "",
        ),
    ] {
        let headers = headers.replace("SIGNATURE", &signature());
        let rest = format!(
            "{LOOKUP}[[case]]\nname = \"it\"\ncall = \"lookup\"\n{CALLER}[[case.exchange]]\n\
            request = {{ path = \"/v1/people\", headers = {{ {headers} }}, query = {{ n = \"+79062195047\"{query} }} }}\nresponse = {{ {IVAN} }}\n[case.expect]\npeople = [{{ id = \"1\" }}]\n"
        );
        passes(&file("", auth, &rest));
    }
}

/// By the library that the product uses, of the fixed text.
fn signature() -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"key-12345");
    let tag = ring::hmac::sign(&key, b"/v1/people");
    tag.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn tokens_are_asked_for_as_each_grant_wants_it() {
    let common = "token_url = \"https://login.example/token\"\nclient_id = \"id-1\"\nclient_secret = \"{{ params.key }}\"";
    for (auth, form, headers) in [
        (
            format!("kind = \"oauth2_client\"\n{common}\nscopes = [\"a\", \"b\"]"),
            "grant_type = \"client_credentials\", client_id = \"id-1\", client_secret = \"key-12345\", scope = \"a b\"",
            "",
        ),
        (
            format!("kind = \"oauth2_client\"\n{common}\nclient_in = \"basic\""),
            "grant_type = \"client_credentials\"",
            ", headers = { Authorization = \"Basic aWQtMTprZXktMTIzNDU=\" }",
        ),
        (
            format!(
                "kind = \"oauth2_password\"\n{common}\nuser = \"{{{{ params.user }}}}\"\npassword = \"pw\""
            ),
            "grant_type = \"password\", username = \"anna\", password = \"pw\", client_id = \"id-1\", client_secret = \"key-12345\"",
            "",
        ),
    ] {
        let rest = format!(
            "{LOOKUP}[[case]]\nname = \"it\"\ncall = \"lookup\"\nfresh = true\n{CALLER}[[case.exchange]]\n\
            request = {{ url = \"https://login.example/token\", form = {{ {form} }}{headers} }}\nresponse = {{ json = {{ access_token = \"t-1\", expires_in = 3600 }} }}\n\
            [[case.exchange]]\nrequest = {{ path = \"/v1/people\", headers = {{ Authorization = \"Bearer t-1\" }}, query = {{ n = \"+79062195047\" }} }}\nresponse = {{ {IVAN} }}\n\
            [case.expect]\npeople = [{{ id = \"1\" }}]\n"
        );
        passes(&file("", &auth, &rest));
    }
}

#[test]
fn variants_are_asked_in_order_and_lookups_until_one_finds_somebody() {
    let rest = r#"
[[lookup]]
numbers = ["e164", "digits", "mask:(###) ###-####", "e164"]
request = { path = "/a", query = { n = "{{ number }}" } }
map = { id = "/id", name = "/name", phones = ["/phone"] }
[[lookup]]
numbers = ["e164", "national_significant"]
at_once = true
merge = "all"
request = { path = "/b", json = { any = "{{ numbers }}", first = "{{ numbers[0] }}", line = "{{ line | optional }}" } }
verify = "trust"
map = { id = "/id", kind = "=lead", name = ["/name", "/title"] }
[[lookup]]
when = "not params.nobody"
request = { path = "/c" }
map = { id = "/id", name = "/name", phones = ["/phone"] }
[[case]]
name = "the third finds"
call = "lookup"
with = { number = "+79062195047" }
[[case.exchange]]
request = { path = "/v1/a", query = { n = "+79062195047" } }
response = { json = [] }
[[case.exchange]]
request = { path = "/v1/a", query = { n = "79062195047" } }
response = { json = [] }
[[case.exchange]]
request = { path = "/v1/a", query = { n = "(906) 219-5047" } }
response = { json = [{ id = 9, name = "Other", phone = "+7 906 219-50-48" }] }
[[case.exchange]]
request = { path = "/v1/b", json = { any = ["+79062195047", "9062195047"], first = "+79062195047" } }
response = { json = [{ id = 2, title = "Petr" }] }
[[case.exchange]]
request = { path = "/v1/c" }
response = { json = [{ id = 3, name = "Anna", phone = "8 906 219 50 47" }] }
[case.expect]
people = [{ id = "2", kind = "lead", name = "Petr", phones = ["+79062195047"] }, { id = "3", kind = "contact", name = "Anna" }]
"#;
    let text = file("", "kind = \"none\"", rest).replace(
        "user = { kind",
        "nobody = { kind = \"bool\" }\nuser = { kind",
    );
    passes(&text);
}

#[test]
fn a_lookup_that_fails_does_not_hide_what_another_finds() {
    let rest = |second: &str, expect: &str| {
        format!(
            "{LOOKUP}{}[[case]]\nname = \"it\"\ncall = \"lookup\"\n{CALLER}{ASKED}response = {{ status = 400, json = {{ message = \"no such list\" }} }}\n\
            [[case.exchange]]\nrequest = {{ path = \"/v1/leads\", query = {{ n = \"+79062195047\" }} }}\nresponse = {{ {second} }}\n[case.expect]\n{expect}\n",
            LOOKUP.replace("/people", "/leads")
        )
    };
    passes(&file(
        "",
        "kind = \"none\"",
        &rest(IVAN, "people = [{ id = \"1\" }]"),
    ));
    passes(&file(
        "",
        "kind = \"none\"",
        &rest("json = []", "error = \"“no such list”\""),
    ));
}

#[test]
fn a_step_that_fails_takes_nothing_from_the_card() {
    let rest = r#"
[[lookup]]
request = { path = "/people", query = { n = "{{ number }}" } }
map = { id = "/id", name = "/name", phones = ["/phone"] }
then = [
  { request = { path = "/deals/{{ contact.id }}" }, map = { facts = [{ label = { en = "Deal", ru = "Сделка" }, each = "/items", value = "{{ row.title }}, {{ row.sum }}", url = "https://crm.example/d/{{ row.id }}", max = 2 }] } },
  { when = "row.company_id", request = { path = "/companies/{{ row.company_id }}" }, map = { company = "/title" } },
]
[[case]]
name = "deals fail, the company is there"
call = "lookup"
with = { number = "+79062195047" }
[[case.exchange]]
request = { path = "/v1/people", query = { n = "+79062195047" } }
response = { json = [{ id = "a/b", name = "Ivan", phone = "+79062195047", company_id = 5 }] }
[[case.exchange]]
request = { path = "/v1/deals/a%2Fb" }
response = { status = 500, json = {} }
[[case.exchange]]
request = { path = "/v1/companies/5" }
response = { json = { title = "Vektor" } }
[case.expect]
people = [{ id = "a/b", company = "Vektor", facts = [] }]
[[case]]
name = "deals are on the card, two at most"
call = "lookup"
with = { number = "+79062195047" }
[[case.exchange]]
request = { path = "/v1/people", query = { n = "+79062195047" } }
response = { json = [{ id = 1, name = "Ivan", phone = "+79062195047" }] }
[[case.exchange]]
request = { path = "/v1/deals/1" }
response = { json = { items = [{ id = 1, title = "Roof", sum = 5 }, { id = 2, title = "Door", sum = 6 }, { id = 3, title = "C", sum = 7 }] } }
[case.expect]
people = [{ facts = [{ label = "Deal", value = "Roof, 5", url = "https://crm.example/d/1" }, { label = "Deal", value = "Door, 6", url = "https://crm.example/d/2" }] }]
"#;
    passes(&file("", "kind = \"none\"", rest));
}

#[test]
fn calls_are_written_down_with_their_user() {
    let rest = r#"
[users]
request = { path = "/users" }
each = "/users"
map = { id = "/id", extension = "/phones", name = "/name" }
[log_call]
when = "contact.id"
request = { path = "/calls", json = { person = "{{ contact.id | int }}", user = "{{ user.id }}", at = "{{ call.started | date }}", length = "{{ call.duration | mmss }}", incoming = "{{ call.direction == 'in' }}", missed = "{{ call.outcome != 'answered' }}" } }
map = { id = "/call/id" }
then = [{ request = { method = "PUT", path = "/people/{{ contact.id }}/calls/{{ result.id }}" } }]
[note]
request = { path = "/calls/{{ log.id }}/notes", form = { text = "{{ note.text }}" } }
[[case]]
name = "a call of a known person"
call = "log"
with = { number = "+79062195047", contact = { id = "7" }, extension = "102" }
[[case.exchange]]
request = { path = "/v1/users" }
response = { json = { users = [{ id = 31, phones = "101, 102", name = "Anna" }] } }
[[case.exchange]]
request = { path = "/v1/calls", json = { person = 7, user = "31", at = "2026-01-01T00:00:00Z", length = "01:05", incoming = true, missed = false } }
response = { json = { call = { id = 99 } } }
[[case.exchange]]
request = { method = "PUT", path = "/v1/people/7/calls/99" }
response = { status = 204 }
[case.expect]
id = "99"
[[case]]
name = "a call of a stranger is not written down"
call = "log"
with = { number = "+79062195047" }
[case.expect]
id = ""
[[case]]
name = "a note is as it was written"
call = "note"
with = { number = "+79062195047", log = "99", note = "a & b = \"c\"\nd" }
[[case.exchange]]
request = { path = "/v1/calls/99/notes", form = { text = "a & b = \"c\"\nd" } }
response = { json = {} }
[case.expect]
"#;
    passes(&file("", "kind = \"none\"", rest));
}
