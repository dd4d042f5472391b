//! Entries of a directory as people.

use super::LdapConfig;
use crate::{Person, clean};
use ldap3::SearchEntry;
use phone_number::{CallLink, DialPlan, PhoneNumber, numbers_in};
use wire::{PersonFact, Record};

/// More numbers than this belong to nobody.
const MOST_NUMBERS: usize = 32;
/// Longer texts are no numbers.
const LONGEST: usize = 200;

/// `None` for an entry with neither name nor number.
pub(super) fn person(config: &LdapConfig, entry: &SearchEntry) -> Option<Person> {
    let attributes = &config.attributes;
    let numbers = numbers(config, entry);
    let company = first(entry, &attributes.company);
    let number = || numbers.first().map(ToString::to_string);
    let name = first(entry, &attributes.name)
        .or_else(|| company.clone())
        .or_else(number)?;
    let facts = [
        ("Job title", &attributes.job_title),
        ("Department", &attributes.department),
    ];
    let fact = |(label, names): (&str, &Vec<String>)| {
        let value = first(entry, names)?;
        Some(PersonFact {
            label: label.to_owned(),
            value,
            url: None,
        })
    };
    let key = key(entry, &attributes.key);
    let email = first(entry, &attributes.mail);
    Some(Person {
        name,
        company,
        note: None,
        url: link(config, entry, &key, email.as_deref()),
        numbers,
        record: Record {
            source: config.id.clone(),
            kind: "person".to_owned(),
            id: key,
        },
        email,
        owner: None,
        facts: facts.into_iter().filter_map(fact).collect(),
    })
}

fn numbers(config: &LdapConfig, entry: &SearchEntry) -> Vec<PhoneNumber> {
    let names = config.attributes.numbers.iter();
    let texts = names.flat_map(|name| values(entry, name));
    let mut numbers: Vec<PhoneNumber> = Vec::new();
    for number in texts.flat_map(|text| numbers_of(&config.plan, text)) {
        let is_known = numbers.iter().any(|other| other.is_same(&number));
        if !is_known && numbers.len() < MOST_NUMBERS {
            numbers.push(number);
        }
    }
    numbers
}

/// Numbers as people write them, links (`tel:+79062195047;ext=12`), and no addresses of mail that have digits.
fn numbers_of(plan: &DialPlan, text: &str) -> Vec<PhoneNumber> {
    let text = text.trim();
    if text.len() > LONGEST {
        return Vec::new();
    }
    if CallLink::looks_like(text) {
        let Ok(link) = CallLink::parse(text) else {
            return Vec::new();
        };
        let extension = link.extension().map(|extension| format!("x{extension}"));
        let text = link.digits().to_owned() + &extension.unwrap_or_default();
        return plan.number(&text).into_iter().collect();
    }
    if text.contains('@') {
        return Vec::new();
    }
    let numbers = numbers_in(text).into_iter();
    numbers.filter_map(|text| plan.number(text).ok()).collect()
}

/// The first value of the first of these attributes that has one.
fn first(entry: &SearchEntry, names: &[String]) -> Option<String> {
    let texts = names.iter().flat_map(|name| values(entry, name));
    texts
        .map(|text| clean::line(text, clean::MAX_NAME))
        .find(|text| !text.is_empty())
}

/// What the directory calls the entry for ever, else its name (DN).
fn key(entry: &SearchEntry, names: &[String]) -> String {
    let found = names.iter().find_map(|name| match is_binary(name) {
        true => bytes(entry, name),
        false => first(entry, std::slice::from_ref(name)),
    });
    found.unwrap_or_else(|| clean::line(&entry.dn, clean::MAX_NOTE))
}

/// Active Directory's key is 16 bytes, which may happen to be a text.
fn is_binary(name: &str) -> bool {
    name.eq_ignore_ascii_case("objectGUID")
}

fn bytes(entry: &SearchEntry, name: &str) -> Option<String> {
    let mut attributes = entry.bin_attrs.iter();
    let found = attributes.find(|(attribute, _)| attribute.eq_ignore_ascii_case(name));
    let found = found.and_then(|(_, values)| values.first());
    let found = found.map(Vec::as_slice);
    let bytes = found.or_else(|| values(entry, name).next().map(str::as_bytes))?;
    let bytes = Some(bytes).filter(|bytes| bytes.len() <= 64)?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Values of an attribute, whose name may come back in another case than it was asked for.
fn values<'a>(entry: &'a SearchEntry, name: &str) -> impl Iterator<Item = &'a str> {
    let mut attributes = entry.attrs.iter();
    let found = attributes.find(|(attribute, _)| attribute.eq_ignore_ascii_case(name));
    found
        .into_iter()
        .flat_map(|(_, values)| values)
        .map(String::as_str)
}

fn link(config: &LdapConfig, entry: &SearchEntry, key: &str, mail: Option<&str>) -> Option<String> {
    let template = config.link.as_deref()?;
    if template.contains("{mail}") && mail.is_none() {
        return None;
    }
    let link = template
        .replace("{key}", &encoded(key))
        .replace("{mail}", &encoded(mail.unwrap_or_default()))
        .replace("{dn}", &encoded(&entry.dn));
    clean::url(&link)
}

/// As one part of an address, whatever is in it.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            other => encoded += &format!("%{other:02X}"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use phone_number::Region;
    use std::collections::HashMap;

    #[test]
    fn active_directory_writes_numbers_in_many_places() {
        let entry = entry(&[
            ("DisplayName", "Anna Klein"),
            ("telephonenumber", "+7 (495) 123-00-00 ext. 12"),
            ("msRTCSIP-Line", "tel:+74951230000;ext=12"),
            ("ipPhone", "101"),
            ("otherTelephone", "8 906 219-50-47"),
            ("proxyAddresses", "SMTP:79161234567@firm.example"),
        ]);
        let anna = person(&config(), &entry).unwrap();
        let numbers: Vec<String> = anna.numbers.iter().map(ToString::to_string).collect();
        assert_eq!(
            numbers,
            ["+7 495 123-00-00 ext. 12", "101", "+7 906 219-50-47"]
        );
        assert_eq!(anna.name, "Anna Klein");
        assert_eq!(anna.record.id, "cn=x,dc=firm");
    }

    #[test]
    fn a_key_of_bytes_is_one_even_where_it_could_be_read() {
        let mut readable = entry(&[("cn", "Anna"), ("objectGUID", "0123456789abcdef")]);
        let key = "30313233343536373839616263646566";
        assert_eq!(person(&config(), &readable).unwrap().record.id, key);
        readable.attrs.remove("objectGUID");
        let bytes = b"0123456789abcdef".to_vec();
        readable.bin_attrs.insert("objectguid".into(), vec![bytes]);
        assert_eq!(person(&config(), &readable).unwrap().record.id, key);
    }

    #[test]
    fn hostile_values_are_short_lines_and_no_links() {
        let long = "я".repeat(1_000_000);
        let mut config = config();
        config.link = Some("https://people.example/{dn}?m={mail}".into());
        let mut entry = entry(&[
            ("cn", "\u{202e}<b>Eve\r\n\0</b>"),
            ("company", &long),
            ("mobile", &long),
            ("mail", "e&x=1#@firm.example"),
        ]);
        entry.dn = "cn=\"/../#,dc=firm".into();
        let eve = person(&config, &entry).unwrap();
        assert_eq!(eve.name, "<b>Eve </b>");
        assert_eq!(eve.company.unwrap().chars().count(), clean::MAX_NAME);
        assert_eq!(
            eve.url.unwrap(),
            "https://people.example/cn%3D%22%2F..%2F%23%2Cdc%3Dfirm?m=e%26x%3D1%23%40firm.example"
        );
        config.link = Some("javascript:alert('{dn}')".into());
        assert_eq!(person(&config, &entry).unwrap().url, None);
    }

    fn entry(attributes: &[(&str, &str)]) -> SearchEntry {
        let attributes = attributes.iter();
        SearchEntry {
            dn: "cn=x,dc=firm".into(),
            attrs: attributes
                .map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()]))
                .collect(),
            bin_attrs: HashMap::new(),
        }
    }

    fn config() -> LdapConfig {
        let plan = DialPlan::new(Region::RU);
        LdapConfig::new("ad", "AD", "ldaps://localhost", "dc=firm", plan)
    }
}
