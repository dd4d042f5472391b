//! LDAP directories and Active Directory as a form.

use crate::form::{Complaint, Filled, field, helped, preset, required};
use contacts::ldap::{LdapAttributes, LdapConfig, LdapSource};
use phone_number::DialPlan;
use wire::{ConnectorKind, FieldKind, FormField};

pub(crate) const FILE: &str = "ldap";

pub(crate) fn kind() -> ConnectorKind {
    ConnectorKind {
        file: FILE.to_owned(),
        title: "LDAP, Active Directory".to_owned(),
        fields: fields(),
        ..ConnectorKind::default()
    }
}

fn fields() -> Vec<FormField> {
    use FieldKind::{Bool, Secret, Text, Url};
    let usual = LdapConfig::new("", "", "", "", DialPlan::new(phone_number::Region::GB));
    let numbers = LdapAttributes::default().numbers.join(", ");
    vec![
        preset(field("title", Text, "Name", "Название"), "LDAP"),
        helped(
            required(field("url", Url, "Address", "Адрес")),
            "ldaps://ldap.firm.example; ldap:// goes unprotected, or with StartTLS",
            "ldaps://ldap.firm.example; ldap:// — без защиты или со StartTLS",
        ),
        helped(
            required(field("base", Text, "Where to look", "Где искать")),
            "ou=people,dc=firm,dc=example",
            "ou=people,dc=firm,dc=example",
        ),
        helped(
            field("bind", Text, "Account", "Учётная запись"),
            "It needs to read only. Empty: as nobody in particular",
            "Достаточно права на чтение. Пусто: анонимно",
        ),
        field("password", Secret, "Password", "Пароль"),
        field("start_tls", Bool, "StartTLS", "StartTLS"),
        field(
            "allow_plain",
            Bool,
            "Allow an unprotected line",
            "Разрешить соединение без защиты",
        ),
        helped(
            field(
                "ca_file",
                Text,
                "Certificate authority",
                "Центр сертификации",
            ),
            "PEM file; empty: those that the system trusts",
            "Файл PEM; пусто: те, которым доверяет система",
        ),
        preset(
            field("filter", Text, "Who is a person", "Кто является человеком"),
            &usual.filter,
        ),
        preset(
            field(
                "numbers",
                Text,
                "Attributes with numbers",
                "Атрибуты с номерами",
            ),
            &numbers,
        ),
        helped(
            field("link", Text, "Link to a person", "Ссылка на человека"),
            "https://intranet.example/people/{key}, with {key}, {mail} or {dn}",
            "https://intranet.example/people/{key}, где {key}, {mail} или {dn}",
        ),
    ]
}

/// # Errors
/// What is not filled in right.
pub(crate) fn source(form: &Filled<'_>, plan: DialPlan) -> Result<LdapSource, Vec<Complaint>> {
    let id = &form.settings.id;
    let mut config = LdapConfig::new(
        id,
        &form.text("title"),
        &form.text("url"),
        &form.text("base"),
        plan,
    );
    config.start_tls = form.is_on("start_tls");
    config.allow_plain = form.is_on("allow_plain");
    config.ca_file = form.optional("ca_file").map(Into::into);
    config.bind = form.text("bind");
    config.password = form.secret("password");
    config.filter = form.text("filter");
    config.attributes.numbers = form.list("numbers");
    config.link = form.optional("link");
    LdapSource::new(config).map_err(|error| vec![Complaint::new("", error.words)])
}
