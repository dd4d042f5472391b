//! Address books on a CardDAV server as a form.

use crate::Around;
use crate::form::{Complaint, Filled, field, helped, preset, required};
use contacts::carddav::{CardDavConfig, CardDavSource};
use std::path::{Path, PathBuf};
use std::{fs, io};
use wire::{ConnectorKind, FieldKind, FormField, rest::Finding};

pub(crate) const FILE: &str = "carddav";

pub(crate) fn kind() -> ConnectorKind {
    ConnectorKind {
        file: FILE.to_owned(),
        title: "CardDAV: Nextcloud, Baïkal, Radicale, iCloud".to_owned(),
        fields: fields(),
        ..ConnectorKind::default()
    }
}

fn fields() -> Vec<FormField> {
    use FieldKind::{Bool, Secret, Text, Url};
    vec![
        preset(field("title", Text, "Name", "Название"), "CardDAV"),
        helped(
            required(field("url", Url, "Address", "Адрес")),
            "Of the server or of an address book: https://cloud.firm.example/remote.php/dav/",
            "Сервера или адресной книги: https://cloud.firm.example/remote.php/dav/",
        ),
        field("user", Text, "Login", "Логин"),
        helped(
            field("password", Secret, "Password", "Пароль"),
            "With two-factor sign-in: an app password",
            "При двухфакторном входе — пароль приложения",
        ),
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
    ]
}

pub(crate) fn config(form: &Filled<'_>, around: &Around) -> CardDavConfig {
    let id = &form.settings.id;
    let (title, url) = (form.text("title"), form.text("url"));
    let mut config = CardDavConfig::new(id, &title, &url, around.plan.clone());
    config.user = form.text("user");
    config.password = form.secret("password");
    config.allow_plain = form.is_on("allow_plain");
    config.ca_file = form.optional("ca_file").map(Into::into);
    let copies = around.copies.as_ref();
    config.cache = copies.map(|folder| copy(folder, id));
    config
}

fn copy(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.carddav"))
}

/// Removes the copy of the address books of a source that is no more; it holds people's data. A source that never had
/// one is no trouble. Blocks on the disk.
///
/// # Errors
/// What the disk says.
pub fn forget_copy(folder: &Path, id: &str) -> io::Result<()> {
    let copy = copy(folder, id);
    // One that was being written when the program ended.
    let half = copy.with_extension("carddav.new");
    for file in [copy, half] {
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// # Errors
/// What is not filled in right.
pub(crate) fn source(config: CardDavConfig) -> Result<CardDavSource, Vec<Complaint>> {
    CardDavSource::new(config).map_err(|error| vec![Complaint::new("", error.words)])
}

pub(crate) async fn test(config: &CardDavConfig) -> Finding {
    let what = "address books".to_owned();
    match CardDavSource::test(config).await {
        Ok(books) => Finding {
            passed: true,
            what,
            words: format!("The login is taken. Address books: {}.", books.join(", ")),
        },
        Err(error) => Finding {
            passed: false,
            what,
            words: error.words,
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "helpers of tests")]
mod tests {
    use super::*;

    #[test]
    fn the_copy_of_a_source_that_is_removed_goes_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["cloud.carddav", "cloud.carddav.new", "cloud2.carddav"] {
            fs::write(folder.path().join(name), "people").unwrap();
        }
        forget_copy(folder.path(), "cloud").unwrap();
        forget_copy(folder.path(), "never").unwrap();
        let left = fs::read_dir(folder.path()).unwrap();
        let left: Vec<_> = left.map(|file| file.unwrap().file_name()).collect();
        assert_eq!(left, ["cloud2.carddav"]);
    }
}
