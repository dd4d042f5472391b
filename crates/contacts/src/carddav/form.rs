//! The settings of a CardDAV server as a form.

use super::{CardDavConfig, http};
use crate::form::{Filled, Wrong, field, required, with_help, with_value};
use phone_number::DialPlan;
use secrecy::SecretString;
use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use wire::{FieldKind, FormField};

/// What this kind of source is called, for people.
pub const TITLE: &str = "CardDAV address book";

/// What must be told to connect address books.
#[must_use]
pub fn fields() -> Vec<FormField> {
    use FieldKind::{Bool, Secret, Text, Url};
    vec![
        with_value(
            field("title", Text, "Name on the card", "Название на карточке"),
            "CardDAV",
        ),
        with_help(
            required(field("url", Url, "Address", "Адрес")),
            "Of the server, or of one address book as its settings show it",
            "Сервера или одной адресной книги, как показано в её настройках",
        ),
        field("user", Text, "Login", "Имя пользователя"),
        with_help(
            field("password", Secret, "Password", "Пароль"),
            "Some servers want a password made for programs",
            "Некоторым серверам нужен пароль приложения",
        ),
        with_value(
            field(
                "minutes",
                Text,
                "Minutes between two looks",
                "Минут между проверками",
            ),
            "5",
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
        field(
            "allow_plain",
            Bool,
            "Allow plain http",
            "Разрешить http без защиты",
        ),
    ]
}

impl CardDavConfig {
    /// Of a form that was filled in; what is empty is as it was to begin with. `cache` as in [`Self::cache`].
    ///
    /// # Errors
    /// What is wrong with which field.
    pub fn from_values(
        id: &str,
        values: &BTreeMap<String, String>,
        secrets: &BTreeMap<String, SecretString>,
        cache: Option<PathBuf>,
        plan: DialPlan,
    ) -> Result<Self, Wrong> {
        let mut filled = Filled::new(fields(), values, secrets);
        let (title, url) = (filled.text("title"), filled.text("url"));
        let config = Self {
            user: filled.text("user"),
            password: filled.secret("password"),
            allow_plain: filled.is_on("allow_plain"),
            ca_file: filled.file("ca_file"),
            interval: filled.pause("minutes", Duration::from_secs(60)),
            cache,
            ..Self::new(id, &title, &url, plan)
        };
        if let (false, Err(error)) = (config.url.is_empty(), http::check(&config)) {
            filled.wrong("url", &error.words);
        }
        filled.end().map(|()| config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phone_number::Region;

    #[test]
    fn a_filled_form_is_a_server_and_an_empty_one_is_told() {
        let plan = || DialPlan::new(Region::RU);
        let none = BTreeMap::new();
        let wrong = CardDavConfig::from_values("c", &none, &BTreeMap::new(), None, plan());
        assert_eq!(wrong.unwrap_err().len(), 1);
        let values = [("url", "https://cloud.firm.example"), ("minutes", "15")];
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config =
            CardDavConfig::from_values("c", &values.into(), &BTreeMap::new(), None, plan());
        assert_eq!(config.unwrap().interval, Duration::from_secs(900));
    }
}
