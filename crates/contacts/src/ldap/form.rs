//! The settings of a directory as a form.

use super::{LdapAttributes, LdapConfig, filter, line::Line};
use crate::form::{Filled, Wrong, field, required, with_help, with_value};
use phone_number::DialPlan;
use secrecy::SecretString;
use std::{collections::BTreeMap, time::Duration};
use wire::{FieldKind, FormField};

/// What this kind of source is called, for people.
pub const TITLE: &str = "LDAP or Active Directory";

/// What must be told to connect a directory.
#[must_use]
pub fn fields() -> Vec<FormField> {
    use FieldKind::{Bool, Secret, Text};
    let usual = LdapAttributes::default();
    vec![
        with_value(
            field("title", Text, "Name on the card", "Название на карточке"),
            "LDAP",
        ),
        with_help(
            required(field("url", Text, "Address", "Адрес")),
            "ldaps://ldap.firm.example, or ldap://… with StartTLS",
            "ldaps://ldap.firm.example или ldap://… со StartTLS",
        ),
        field("start_tls", Bool, "StartTLS", "StartTLS"),
        with_help(
            field(
                "bind",
                Text,
                "Account that reads",
                "Учётная запись для чтения",
            ),
            "cn=sidetone,ou=services,dc=firm,dc=example; in Active Directory also sidetone@firm.example",
            "cn=sidetone,ou=services,dc=firm,dc=example; в Active Directory также sidetone@firm.example",
        ),
        field("password", Secret, "Its password", "Её пароль"),
        with_help(
            required(field("base", Text, "Where to look", "Где искать")),
            "ou=people,dc=firm,dc=example",
            "ou=people,dc=firm,dc=example",
        ),
        with_value(
            field("filter", Text, "Who is a person", "Кто считается человеком"),
            super::FILTER,
        ),
        with_value(
            field(
                "numbers",
                Text,
                "Attributes with numbers",
                "Атрибуты с номерами",
            ),
            &usual.numbers.join(", "),
        ),
        with_help(
            field(
                "link",
                Text,
                "Link that opens a person",
                "Ссылка на человека",
            ),
            "https://intranet.example/people/{key}, also {mail} and {dn}",
            "https://intranet.example/people/{key}, также {mail} и {dn}",
        ),
        with_help(
            field(
                "ca_file",
                Text,
                "Authority’s file",
                "Файл удостоверяющего центра",
            ),
            "PEM, where the certificate is of your own authority",
            "PEM, если сертификат выпущен своим центром",
        ),
        with_value(
            field("seconds", Text, "Seconds to answer", "Секунд на ответ"),
            "10",
        ),
        field(
            "allow_plain",
            Bool,
            "Allow an unprotected line",
            "Разрешить незащищённую линию",
        ),
    ]
}

impl LdapConfig {
    /// Of a form that was filled in; what is empty is as it was to begin with.
    ///
    /// # Errors
    /// What is wrong with which field.
    pub fn from_values(
        id: &str,
        values: &BTreeMap<String, String>,
        secrets: &BTreeMap<String, SecretString>,
        plan: DialPlan,
    ) -> Result<Self, Wrong> {
        let mut filled = Filled::new(fields(), values, secrets);
        let config = Self {
            id: id.to_owned(),
            title: filled.text("title"),
            url: filled.text("url"),
            start_tls: filled.is_on("start_tls"),
            allow_plain: filled.is_on("allow_plain"),
            ca_file: filled.file("ca_file"),
            bind: filled.text("bind"),
            password: filled.secret("password"),
            base: filled.text("base"),
            filter: filled.text("filter"),
            attributes: LdapAttributes {
                numbers: filled.list("numbers"),
                ..LdapAttributes::default()
            },
            link: Some(filled.text("link")).filter(|link| !link.is_empty()),
            deadline: filled.pause("seconds", Duration::from_secs(1)),
            plan,
        };
        if config.lacks_password() {
            filled.wrong("password", "the account has none, and would be nobody");
        }
        if let (false, Err(error)) = (config.url.is_empty(), Line::new(&config)) {
            filled.wrong("url", &error.words);
        }
        let is_name = |name: &String| {
            name.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-;.".contains(&b))
        };
        if !config.attributes.numbers.iter().all(is_name) {
            filled.wrong(
                "numbers",
                "these are names of attributes with commas between them",
            );
        }
        if ldap3::parse_filter(filter::bracketed(&config.filter)).is_err() {
            filled.wrong("filter", "this is not an LDAP filter");
        }
        filled.end().map(|()| config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phone_number::Region;

    #[test]
    fn a_filled_form_is_a_directory() {
        let values = [
            ("url", "ldaps://ldap.firm.example"),
            ("base", " dc=firm,dc=example "),
            ("start_tls", "false"),
            ("numbers", "mobile, ipPhone"),
            ("link", ""),
        ];
        let config = made(&values).unwrap();
        assert_eq!(config.base, "dc=firm,dc=example");
        assert_eq!(config.attributes.numbers, ["mobile", "ipPhone"]);
        assert_eq!((config.title.as_str(), config.link), ("LDAP", None));
        assert_eq!(config.filter, super::super::FILTER);
    }

    #[test]
    fn what_is_wrong_is_said_by_field() {
        let wrong = made(&[
            ("url", "ldap://ldap.firm.example"),
            ("filter", "(("),
            ("numbers", "mobile)(cn=*"),
            ("seconds", "0"),
            ("bind", "cn=sidetone"),
            ("colour", "red"),
        ]);
        let wrong = wrong.unwrap_err();
        let names: Vec<&str> = wrong.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "colour", "base", "seconds", "password", "url", "numbers", "filter"
            ]
        );
        assert!(wrong[4].1.contains("in the clear"), "{wrong:?}");
    }

    fn made(values: &[(&str, &str)]) -> Result<LdapConfig, Wrong> {
        let values = values.iter();
        let values = values.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let plan = DialPlan::new(Region::RU);
        LdapConfig::from_values("ad", &values.collect(), &BTreeMap::new(), plan)
    }
}
