//! What an administrator typed: where it sends secrets to, and which files it names.

use sources::Complaint;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
    path::Path,
};
use wire::{ConnectorSettings, FieldKind, FormField, Token};

/// What is said where secrets that are stored may not go.
pub(super) const TYPE_AGAIN: &str = "Type the secrets again: the address has changed.";
/// A description; see [`sources::Description::read`].
const LONGEST: u64 = 512 * 1024;
/// Certificates that one trusts.
const LONGEST_CA: u64 = 1_000_000;
/// Fields of forms that are built in, and the usual names elsewhere, which say by what line secrets go.
const LINES: [&str; 6] = [
    "ca_file",
    "tls_ca",
    "allow_plain",
    "allow_http",
    "start_tls",
    "proxy",
];
/// Those of them that name a file.
const FILES: [&str; 2] = ["ca_file", "tls_ca"];

/// What the fields of a form are for.
#[derive(Debug, Default)]
pub(super) struct Meaning {
    fields: Vec<FormField>,
    /// What the description says of its line; empty for those that are built in.
    line: String,
    /// … and of certificates.
    ca: String,
}

impl Meaning {
    /// Of this kind of source. Reads a file.
    pub(super) fn of(file: &str) -> Self {
        let table = text(file).and_then(|text| text.parse::<toml::Table>().ok());
        let table = table.unwrap_or_default();
        let part = |name: &str| table.get(name).map(ToString::to_string);
        let ca = table.get("http").and_then(|http| http.get("tls_ca"));
        Self {
            fields: sources::kind(file).fields,
            line: [part("http"), part("auth")].into_iter().flatten().collect(),
            ca: ca.map(ToString::to_string).unwrap_or_default(),
        }
    }

    /// Whether secrets that belong to `old` would go by another line, or to another place, than they did.
    pub(super) fn is_elsewhere(
        &self,
        old: Option<&ConnectorSettings>,
        new: &ConnectorSettings,
        secrets: &BTreeMap<String, Token>,
    ) -> bool {
        let Some(old) = old.filter(|old| old.file == new.file) else {
            return true;
        };
        let is_typed = |field: &&FormField| {
            let secret = secrets.get(&field.name);
            field.kind == FieldKind::SecretUrl && secret.is_some_and(|secret| !secret.0.is_empty())
        };
        let names: BTreeSet<&String> = old.values.keys().chain(new.values.keys()).collect();
        let mut names = names.into_iter();
        names.any(|name| self.is_of_the_line(name) && self.text(old, name) != self.text(new, name))
            || self.fields.iter().any(|field| is_typed(&field))
    }

    /// What must be typed and is not; what is signed in to comes later.
    pub(super) fn lacks(&self, secrets: &BTreeMap<String, Token>) -> bool {
        let mut fields = self.fields.iter().filter(|field| {
            field.required && sources::is_secret(field.kind) && field.kind != FieldKind::Oauth
        });
        let is_there = |name: &str| secrets.get(name).is_some_and(|one| !one.0.is_empty());
        fields.any(|field| !is_there(&field.name))
    }

    /// Writes files that are named out, where they lie in `folder`. Looks at them.
    ///
    /// # Errors
    /// The field, and a sentence.
    pub(super) fn place_files(
        &self,
        settings: &mut ConnectorSettings,
        folder: &Path,
    ) -> Result<(), Complaint> {
        let values = settings.values.iter_mut();
        let files = values.filter(|(name, _)| self.is_file(name));
        for (name, value) in files.filter(|(_, value)| !value.trim().is_empty()) {
            let placed = place(value.trim(), folder);
            *value = placed.map_err(|words| Complaint::new(name, words))?;
        }
        Ok(())
    }

    /// A complaint with the title of its field.
    pub(super) fn sentence(&self, complaint: Complaint) -> String {
        sources::sentences(&[complaint], &self.fields).join(" ")
    }

    fn is_of_the_line(&self, name: &str) -> bool {
        // A form that cannot be read tells nothing of its fields: each may be the address.
        let Some(field) = self.fields.iter().find(|field| field.name == name) else {
            return self.fields.is_empty();
        };
        field.kind == FieldKind::Url || LINES.contains(&name) || self.line.contains(name)
    }

    fn is_file(&self, name: &str) -> bool {
        FILES.contains(&name) || self.ca.contains(name)
    }

    /// As it counts: what stands there to begin with, where nothing is typed.
    fn text<'a>(&'a self, settings: &'a ConnectorSettings, name: &str) -> &'a str {
        let typed = settings.values.get(name).map(|value| value.trim());
        let typed = typed.filter(|value| !value.is_empty());
        let field = || self.fields.iter().find(|field| field.name == name);
        let first = || field().map(|field| field.value.as_str());
        typed.or_else(first).unwrap_or_default()
    }
}

/// A description that is no built-in form.
fn text(file: &str) -> Option<String> {
    if !sources::is_own(file) {
        let mut bundled = crm::bundled().iter();
        let known = bundled.find(|(name, _)| *name == file);
        return known.map(|(_, text)| (*text).to_owned());
    }
    let mut text = String::new();
    let file = std::fs::File::open(file).ok()?;
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

fn place(typed: &str, folder: &Path) -> Result<String, String> {
    let path = Path::new(typed);
    let (name, parent) = (path.file_name(), path.parent());
    let is_here = parent.is_some_and(|parent| parent.as_os_str().is_empty() || parent == folder);
    let name = name.filter(|_| is_here).ok_or_else(|| {
        format!(
            "this is the name of a file in {}; others are named in the configuration file.",
            folder.display()
        )
    })?;
    let path = folder.join(name);
    let metadata = std::fs::metadata(&path);
    match metadata {
        Ok(file) if file.is_file() && file.len() <= LONGEST_CA => Ok(path.display().to_string()),
        Ok(file) if file.is_file() => Err("this file is longer than 1 MB.".to_owned()),
        Ok(_) | Err(_) => Err(format!("there is no such file in {}.", folder.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_where_they_went_only() {
        let odoo = bundled("odoo");
        let meaning = Meaning::of(&odoo);
        let url = meaning
            .fields
            .iter()
            .find(|field| field.kind == FieldKind::Url);
        let url = url.expect("an address").name.clone();
        let old = settings(&odoo, &[(&url, "https://odoo.example"), ("tls_ca", "")]);
        let none = BTreeMap::new();
        let goes = |file: &str, values: &[(&str, &str)]| {
            meaning.is_elsewhere(Some(&old), &settings(file, values), &none)
        };
        assert!(!goes(&odoo, &[(&url, " https://odoo.example ")]));
        assert!(goes(&odoo, &[(&url, "https://evil.example")]));
        assert!(goes(&odoo, &[]));
        assert!(goes(
            &odoo,
            &[(&url, "https://odoo.example"), ("tls_ca", "own.pem")]
        ));
        assert!(goes("ldap", &[(&url, "https://odoo.example")]));
        assert!(
            meaning.is_elsewhere(None, &old, &none),
            "nobody typed them for it"
        );
    }

    #[test]
    fn whatever_is_not_of_the_line_changes_without_the_secrets() {
        let meaning = Meaning::of("ldap");
        let url = ("url", "ldaps://ldap.example");
        let old = settings("ldap", &[url, ("filter", "(a=b)"), ("title", "Staff")]);
        let none = BTreeMap::new();
        let goes = |values: &[(&str, &str)]| {
            meaning.is_elsewhere(Some(&old), &settings("ldap", values), &none)
        };
        assert!(!goes(&[url, ("filter", "(c=d)"), ("title", "People")]));
        for line in ["start_tls", "allow_plain", "ca_file"] {
            assert!(goes(&[url, ("filter", "(a=b)"), (line, "true")]), "{line}");
        }
    }

    #[test]
    fn an_address_that_is_a_secret_is_an_address() {
        let webhook = crm::bundled().iter().find_map(|(name, _)| {
            let meaning = Meaning::of(name);
            let mut fields = meaning.fields.iter();
            let field = fields.find(|field| field.kind == FieldKind::SecretUrl)?;
            Some((*name, field.name.clone()))
        });
        let (file, field) = webhook.expect("a webhook");
        let old = settings(file, &[]);
        let typed = BTreeMap::from([(field, Token("https://evil.example/1/".into()))]);
        let meaning = Meaning::of(file);
        assert!(meaning.is_elsewhere(Some(&old), &old, &typed));
        assert!(!meaning.is_elsewhere(Some(&old), &old, &BTreeMap::new()));
    }

    #[test]
    fn the_page_names_files_of_its_folder_only() {
        let root = tempfile::tempdir().expect("folder");
        let folder = root.path().join("connectors");
        std::fs::create_dir_all(folder.join("inner")).expect("folders");
        let write = |path: &str, length: usize| {
            std::fs::write(folder.join(path), "x".repeat(length)).expect("a file");
        };
        write("own.pem", 10);
        write("long.pem", 1_000_001);
        write("../secrets.json", 10);
        let outside = root.path().join("secrets.json").display().to_string();
        for (file, field) in [("ldap", "ca_file"), (&bundled("odoo"), "tls_ca")] {
            let meaning = Meaning::of(file);
            for wrong in [
                outside.as_str(),
                "../secrets.json",
                "/dev/zero",
                "..",
                "inner",
                "none.pem",
                "long.pem",
            ] {
                let mut typed = settings(file, &[(field, wrong)]);
                let why = meaning.place_files(&mut typed, &folder);
                assert_eq!(why.expect_err(wrong).field, field);
            }
            let mut typed = settings(file, &[(field, "own.pem")]);
            meaning.place_files(&mut typed, &folder).expect("its own");
            let placed = folder.join("own.pem").display().to_string();
            assert_eq!(typed.values[field], placed);
            meaning
                .place_files(&mut typed, &folder)
                .expect("as it is shown");
            assert_eq!(typed.values[field], placed);
        }
    }

    fn bundled(part: &str) -> String {
        let mut names = crm::bundled().iter().map(|(name, _)| *name);
        names
            .find(|name| name.contains(part))
            .expect("one")
            .to_owned()
    }

    fn settings(file: &str, values: &[(&str, &str)]) -> ConnectorSettings {
        let values = values.iter();
        ConnectorSettings {
            id: "crm".into(),
            file: file.into(),
            enabled: true,
            values: values
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        }
    }
}
