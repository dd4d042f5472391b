//! From the file and the environment to a configuration that can be used, or a sentence that says what is wrong.

use super::{Config, Secret};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Variables that override a key: `SIDETONE__STORE__URL`, `SIDETONE__PBX__0__SECRET`.
const PREFIX: &str = "SIDETONE__";

/// What the environment says, in any order.
pub(crate) type Environment = Vec<(String, String)>;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("the configuration {} cannot be read", file.display())]
    Unreadable {
        file: PathBuf,
        source: std::io::Error,
    },
    /// With line, column and key.
    #[error("{place}: {words}")]
    Wrong { place: String, words: String },
}

/// Reads the file, lays the environment over it, and fetches what `*_file` keys name.
///
/// # Errors
/// A sentence with file, line and key.
pub(crate) fn load(file: Option<&Path>, environment: &Environment) -> Result<Config, ConfigError> {
    let text = match file {
        Some(file) => std::fs::read_to_string(file).map_err(|source| ConfigError::Unreadable {
            file: file.to_owned(),
            source,
        })?,
        None => String::new(),
    };
    let name = file.map_or_else(
        || "the environment".into(),
        |file| file.display().to_string(),
    );
    let mut config = parse(&name, &text, environment)?;
    fetch_secrets(&mut config, file)?;
    place_beside(&mut config, file);
    Ok(config)
}

/// Reads a text; files that it names are not looked at.
///
/// # Errors
/// A sentence with line and key.
pub(super) fn parse(
    name: &str,
    text: &str,
    environment: &Environment,
) -> Result<Config, ConfigError> {
    // The text alone first: only this way an error has its line.
    let config: Config = toml::from_str(text).map_err(|error| wrong(name, text, &error))?;
    let mut overrides: Vec<_> = environment
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?, value)))
        .collect();
    overrides.sort();
    let config = if overrides.is_empty() {
        config
    } else {
        let mut table: Table = toml::from_str(text).map_err(|error| wrong(name, text, &error))?;
        for (key, value) in overrides {
            lay_over(&mut table, key, value);
        }
        Value::Table(table)
            .try_into()
            .map_err(|error: toml::de::Error| ConfigError::Wrong {
                place: format!("{name} with the environment ({PREFIX}…)"),
                words: error.message().to_owned(),
            })?
    };
    look_over(&config).map_err(|words| ConfigError::Wrong {
        place: name.to_owned(),
        words,
    })?;
    Ok(config)
}

fn wrong(name: &str, text: &str, error: &toml::de::Error) -> ConfigError {
    let place = match error.span() {
        Some(span) => {
            let before = &text[..span.start.min(text.len())];
            let line = before.matches('\n').count() + 1;
            let column = before
                .rsplit('\n')
                .next()
                .unwrap_or_default()
                .chars()
                .count()
                + 1;
            format!("{name}, line {line}, column {column}")
        }
        None => name.to_owned(),
    };
    ConfigError::Wrong {
        place,
        words: error.message().trim().replace('\n', "; "),
    }
}

/// `PBX__0__SECRET` is `pbx[0].secret`; numbers and truths are read as such.
fn lay_over(table: &mut Table, key: &str, text: &str) {
    let path: Vec<String> = key.split("__").map(str::to_ascii_lowercase).collect();
    let value = match text.parse::<i64>() {
        Ok(number) => Value::Integer(number),
        Err(_) => match text {
            "true" => Value::Boolean(true),
            "false" => Value::Boolean(false),
            text => Value::String(text.to_owned()),
        },
    };
    set(table, &path, value);
}

fn set(table: &mut Table, path: &[String], value: Value) {
    match path {
        [] => {}
        [last] => {
            table.insert(last.clone(), value);
        }
        [first, index, rest @ ..] if index.parse::<usize>().is_ok() && !rest.is_empty() => {
            let list = table
                .entry(first)
                .or_insert_with(|| Value::Array(Vec::new()));
            let index: usize = index.parse().unwrap_or_default();
            if let Value::Array(list) = list
                && index < 64
            {
                while list.len() <= index {
                    list.push(Value::Table(Table::new()));
                }
                if let Value::Table(inner) = &mut list[index] {
                    set(inner, rest, value);
                }
            }
        }
        [first, rest @ ..] => {
            let inner = table
                .entry(first)
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                set(inner, rest, value);
            }
        }
    }
}

/// What no type can say.
fn look_over(config: &Config) -> Result<(), String> {
    let mut names: Vec<&str> = config.pbx.iter().map(|pbx| pbx.name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("two [[pbx]] have the name “{}”", pair[0]));
    }
    let is_plain = |name: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !name.is_empty() && name.chars().all(allowed)
    };
    if let Some(wrong) = names.iter().find(|name| !is_plain(name)) {
        return Err(format!(
            "the name “{wrong}” of a [[pbx]] may have letters, digits, dots and dashes only"
        ));
    }
    connectors(config)?;
    for pbx in &config.pbx {
        if pbx
            .dial_plan
            .country
            .parse::<phone_number::Region>()
            .is_err()
        {
            return Err(format!(
                "“{}” of [[pbx]] {} is no country code such as GB or DE",
                pbx.dial_plan.country, pbx.name
            ));
        }
    }
    for user in &config.user {
        if user.login.trim().is_empty() {
            return Err("a [[user]] has no login".into());
        }
        if !user.pbx.is_empty() && !names.contains(&user.pbx.as_str()) {
            return Err(format!(
                "[[user]] {} names the pbx “{}”, which there is not",
                user.login, user.pbx
            ));
        }
        crate::policy::Hours::parse(&user.policy.hours)
            .map_err(|words| format!("[[user]] {}: {words}", user.login))?;
    }
    if config.tls.certificate.is_empty() != config.tls.key.is_empty() {
        return Err("[tls] needs both certificate and key, or neither".into());
    }
    if config.listen.parse::<std::net::SocketAddr>().is_err() {
        return Err(format!(
            "listen = \"{}\" is no address and port such as 0.0.0.0:7460",
            config.listen
        ));
    }
    Ok(())
}

fn connectors(config: &Config) -> Result<(), String> {
    let mut ids: Vec<&str> = config.connector.iter().map(|one| one.id.as_str()).collect();
    ids.sort_unstable();
    if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("two [[connector]] have the id “{}”", pair[0]));
    }
    match ids.iter().find(|id| !crate::callers::is_id(id)) {
        Some(wrong) => Err(format!(
            "the id “{wrong}” of a [[connector]] may have letters, digits, dots and dashes only, and not be “{}”",
            crate::callers::BOOK
        )),
        None => Ok(()),
    }
}

/// Relative paths are meant from the folder of the file, wherever the program is started.
fn place_beside(config: &mut Config, file: Option<&Path>) {
    let place = |path: &mut String| {
        if !path.is_empty() {
            *path = super::beside(file, path).display().to_string();
        }
    };
    place(&mut config.port_file);
    place(&mut config.tls.certificate);
    place(&mut config.tls.key);
    place(&mut config.contacts.file);
    place(&mut config.contacts.secrets_file);
    for connector in &mut config.connector {
        if sources::is_own(&connector.file) {
            place(&mut connector.file);
        }
    }
    for pbx in &mut config.pbx {
        place(&mut pbx.ca_file);
        place(&mut pbx.records.csv);
    }
    if let Some(ldap) = &mut config.people.ldap {
        place(&mut ldap.ca_file);
    }
    if let Some(oidc) = &mut config.oidc {
        place(&mut oidc.ca_file);
    }
    if let Some(path) = config.store.url.expose().strip_prefix("sqlite:") {
        let path = super::beside(file, path);
        config.store.url = Secret::new(&format!("sqlite:{}", path.display()));
    }
}

fn fetch_secrets(config: &mut Config, file: Option<&Path>) -> Result<(), ConfigError> {
    let fetch = |secret: &mut Secret, path: &str| fetch(secret, path, file);
    fetch(&mut config.store.url, &config.store.url_file)?;
    fetch(
        &mut config.http.metrics_token,
        &config.http.metrics_token_file,
    )?;
    for pbx in &mut config.pbx {
        fetch(&mut pbx.secret, &pbx.secret_file)?;
        fetch(&mut pbx.records.url, &pbx.records.url_file)?;
    }
    for connector in &mut config.connector {
        fetch_of_connector(connector, file)?;
    }
    if let Some(freepbx) = &mut config.people.freepbx {
        fetch(&mut freepbx.password, &freepbx.password_file)?;
    }
    if let Some(ldap) = &mut config.people.ldap {
        fetch(&mut ldap.password, &ldap.password_file)?;
    }
    if let Some(oidc) = &mut config.oidc {
        fetch(&mut oidc.client_secret, &oidc.client_secret_file)?;
    }
    Ok(())
}

fn fetch_of_connector(
    connector: &mut super::Connector,
    file: Option<&Path>,
) -> Result<(), ConfigError> {
    for (name, path) in std::mem::take(&mut connector.secrets) {
        let Some(name) = name.strip_suffix("_file").map(str::to_owned) else {
            connector.secrets.insert(name, path);
            continue;
        };
        let mut secret = Secret::default();
        fetch(&mut secret, path.expose(), file)?;
        connector.secrets.insert(name, secret);
    }
    Ok(())
}

fn fetch(secret: &mut Secret, path: &str, file: Option<&Path>) -> Result<(), ConfigError> {
    if path.is_empty() {
        return Ok(());
    }
    let path = super::beside(file, path);
    let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::Unreadable {
        file: path.clone(),
        source,
    })?;
    *secret = Secret::new(text.trim_end_matches(['\r', '\n']));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        parse("server.toml", text, &Vec::new())
            .expect_err("wrong")
            .to_string()
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let unknown = words("name = \"x\"\n[[pbx]]\nname = \"main\"\nhots = \"pbx\"\n");
        assert!(
            unknown.starts_with("server.toml, line 4, column 1"),
            "{unknown}"
        );
        assert!(unknown.contains("hots"), "{unknown}");
        let broken = words("name = \"x\nlisten = 1");
        assert!(broken.starts_with("server.toml, line 1"), "{broken}");
        let twice = words("[[pbx]]\n[[pbx]]\n");
        assert!(twice.contains("main"), "{twice}");
        assert!(words("listen = \"here\"").contains("0.0.0.0:7460"));
        assert!(words("[tls]\nkey = \"k\"").contains("both"));
        assert!(words("[[user]]\nlogin = \"a\"\npbx = \"x\"").contains("“x”"));
    }

    #[test]
    fn a_connector_has_texts_and_secrets_of_its_own_names() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("key"), "hush\n").expect("write");
        let file = folder.path().join("server.toml");
        let text = "[[connector]]\nid = \"crm\"\nfile = \"./own.toml\"\nvalues.base_url = \"https://crm.example\"\n\
                    values.port = 8069\nvalues.all = true\nsecrets.api_key_file = \"key\"\nsecrets.pin = \"1234\"\n";
        std::fs::write(&file, text).expect("write");
        let config = load(Some(&file), &Vec::new()).expect("config");
        let connector = &config.connector[0];
        assert_eq!(connector.values["port"], "8069");
        assert_eq!(connector.values["all"], "true");
        assert_eq!(connector.secrets["api_key"].expose(), "hush");
        assert_eq!(connector.secrets["pin"].expose(), "1234");
        assert!(
            Path::new(&connector.file).is_absolute(),
            "{}",
            connector.file
        );
        let printed = toml::to_string(&config).expect("TOML");
        assert!(!printed.contains("hush") && !printed.contains("1234"));
        assert!(words("[[connector]]\n[[connector]]\n").contains("“crm”"));
        assert!(words("[[connector]]\nid = \"contacts\"\n").contains("“contacts”"));
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let environment = vec![
            ("SIDETONE__NAME".into(), "Firm".into()),
            ("SIDETONE__PBX__0__SECRET".into(), "hush".into()),
            ("SIDETONE__HTTP__CONNECTIONS".into(), "7".into()),
            ("PATH".into(), "/bin".into()),
        ];
        let config = parse("t", "[[pbx]]\nhost = \"pbx\"", &environment).expect("config");
        assert_eq!((config.name.as_str(), config.http.connections), ("Firm", 7));
        assert_eq!(config.pbx[0].secret.expose(), "hush");
        assert_eq!(config.pbx[0].host, "pbx");
        let wrong = vec![("SIDETONE__HTTP__CONECTIONS".into(), "7".into())];
        let words = parse("t", "", &wrong).expect_err("wrong").to_string();
        assert!(words.contains("conections"), "{words}");
    }

    #[test]
    fn the_printed_example_is_a_configuration_and_names_every_key() {
        let text = toml::to_string(&Config::example()).expect("TOML");
        let text = text.replace("login = \"\"", "login = \"anna\"");
        parse("example", &text, &Vec::new()).expect("itself");
        for key in [
            "metrics_token",
            "missed_lines",
            "login_claim",
            "csv_utc",
            "secrets_file",
            "per_minute",
        ] {
            assert!(text.contains(key), "{key}");
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        let environment = vec![("SIDETONE__PBX__0__SECRET".into(), "hush".into())];
        let config = parse("t", "[[pbx]]", &environment).expect("config");
        assert!(!toml::to_string(&config).expect("TOML").contains("hush"));
        assert!(!format!("{config:?}").contains("hush"));
    }

    #[test]
    fn a_secret_comes_from_its_file_without_its_last_line_end() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("ami"), "hush\n").expect("write");
        let file = folder.path().join("server.toml");
        std::fs::write(&file, "[[pbx]]\nsecret_file = \"ami\"").expect("write");
        let config = load(Some(&file), &Vec::new()).expect("config");
        assert_eq!(config.pbx[0].secret.expose(), "hush");
        std::fs::remove_file(folder.path().join("ami")).expect("remove");
        let words = load(Some(&file), &Vec::new())
            .expect_err("gone")
            .to_string();
        assert!(words.contains("ami"), "{words}");
    }
}
