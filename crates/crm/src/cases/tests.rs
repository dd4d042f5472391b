//! A changed file is noticed.

use super::*;

/// The one of the page for beginners.
fn own() -> String {
    let page = include_str!("../../../../docs/crm/own.md");
    let blocks = page.split("```toml\n").skip(1).take(2);
    blocks.filter_map(|rest| rest.split("```").next()).collect()
}

fn wrong(text: &str) -> Vec<String> {
    let file = File::parse(text, "own.toml").unwrap();
    run(&file).into_iter().flat_map(|case| case.wrong).collect()
}

#[test]
fn what_is_sent_otherwise_than_recorded_is_told_with_its_place() {
    let text = own().replacen("\"{{ number }}\"", "\"{{ number.digits }}\"", 1);
    let found = wrong(&text);
    let expected = "the query is phone=79062195047, recorded is phone=+79062195047";
    assert!(found[0].ends_with(expected), "{found:?}");
}

#[test]
fn what_comes_otherwise_than_expected_is_told() {
    let text = own().replacen(
        "name = \"Ivan Ivanov\", company",
        "name = \"Petr\", company",
        1,
    );
    let found = wrong(&text);
    assert!(
        found[0].ends_with("people/0/name is \"Ivan Ivanov\", expected is \"Petr\""),
        "{found:?}"
    );
}

#[test]
fn a_missing_and_a_superfluous_exchange_are_told() {
    let whole = own();
    let last = whole.rfind("[[case.exchange]]").unwrap();
    let end = whole[last..].find("[case.expect]").unwrap() + last;
    let without = format!("{}{}", &whole[..last], &whole[end..]);
    let found = wrong(&without);
    assert!(found[0].contains("is sent and not recorded"), "{found:?}");
    let twice = format!("{}{}{}", &whole[..end], &whole[last..end], &whole[end..]);
    let found = wrong(&twice);
    assert!(
        found[0].ends_with("is recorded and was not sent"),
        "{found:?}"
    );
}
