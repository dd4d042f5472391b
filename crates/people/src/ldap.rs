//! The people of an LDAP directory, OpenLDAP or Active Directory, and whether a password is theirs.

use std::path::PathBuf;
use std::time::Duration;

use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{LdapConnAsync, LdapConnSettings, Scope, SearchEntry, ldap_escape};
use secrecy::{ExposeSecret as _, SecretString};
use tracing::debug;

use crate::{MOST_PEOPLE, Person, TlsError, filled, is_loopback, tidy, tls};

mod error;

pub use error::LdapError;

/// Active Directory gives at most 1000 entries at once.
const PAGE: i32 = 500;

/// How the line to the directory is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Security {
    /// TLS from the first byte, usually port 636.
    #[default]
    Ldaps,
    /// A plain line that is protected before anything is said, usually port 389.
    StartTls,
    /// Passwords in the clear: to this machine alone, see [`LdapConfig::allow_plain`].
    Plain,
}

/// Which attributes say what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    pub login: String,
    pub name: String,
    pub extension: String,
    /// What Asterisk dials, where the directory knows it.
    pub channel: Option<String>,
    pub email: String,
    pub groups: String,
    /// What stays when somebody marries.
    pub key: String,
}

impl Attributes {
    /// As OpenLDAP and `inetOrgPerson` have them.
    pub fn openldap() -> Self {
        Self::named([
            "uid",
            "cn",
            "telephoneNumber",
            "mail",
            "memberOf",
            "entryUUID",
        ])
    }

    /// As Active Directory has them.
    pub fn active_directory() -> Self {
        Self::named([
            "sAMAccountName",
            "displayName",
            "ipPhone",
            "mail",
            "memberOf",
            "objectGUID",
        ])
    }

    fn named([login, name, extension, email, groups, key]: [&str; 6]) -> Self {
        Self {
            login: login.into(),
            name: name.into(),
            extension: extension.into(),
            channel: None,
            email: email.into(),
            groups: groups.into(),
            key: key.into(),
        }
    }

    fn all(&self) -> Vec<&str> {
        let always = [
            &self.login,
            &self.name,
            &self.extension,
            &self.email,
            &self.groups,
            &self.key,
        ];
        let all = always.into_iter().chain(&self.channel);
        all.map(String::as_str)
            .filter(|attribute| !attribute.is_empty())
            .collect()
    }
}

/// Where the directory is and who is in it.
#[derive(Debug, Clone)]
pub struct LdapConfig {
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// PEM file of the authority that signed the directory's certificate; else the system's are believed.
    pub ca_file: Option<PathBuf>,
    /// Lets [`Security::Plain`] leave this machine.
    pub allow_plain: bool,
    /// The name of the account that reads, e.g. `cn=sidetone,ou=services,dc=firm,dc=example`.
    pub bind: String,
    pub password: SecretString,
    /// Where to look, e.g. `ou=people,dc=firm,dc=example`.
    pub base: String,
    /// Who is a person, e.g. `(objectClass=inetOrgPerson)`.
    pub filter: String,
    pub attributes: Attributes,
    /// For one whole reading.
    pub deadline: Duration,
}

/// A directory; holds settings and no connection.
#[derive(Debug, Clone)]
pub struct Ldap {
    config: LdapConfig,
}

impl Ldap {
    /// Refuses settings that would send passwords in the clear.
    pub fn new(config: LdapConfig) -> Result<Self, LdapError> {
        let plain = config.security == Security::Plain;
        if plain && !config.allow_plain && !is_loopback(&config.host) {
            return Err(LdapError::Plain { host: config.host });
        }
        Ok(Self { config })
    }

    /// Everybody whom the filter finds, ordered by login.
    pub async fn people(&self) -> Result<Vec<Person>, LdapError> {
        self.within_deadline(async {
            let mut line = self.bound().await?;
            let found = self
                .search(&mut line, &self.config.filter, MOST_PEOPLE)
                .await;
            let _ = line.unbind().await;
            let mut people: Vec<Person> = found?.iter().filter_map(|e| self.person(e)).collect();
            people.sort_by(|one, other| one.login.cmp(&other.login));
            Ok(people)
        })
        .await
    }

    /// The person if login and password are right, `None` if not.
    pub async fn authenticate(
        &self,
        login: &str,
        password: &SecretString,
    ) -> Result<Option<Person>, LdapError> {
        // A bind with a name and no password is anonymous to LDAP, and succeeds (RFC 4513, 5.1.2).
        if login.trim().is_empty() || password.expose_secret().is_empty() {
            return Ok(None);
        }
        self.within_deadline(self.prove(login, password)).await
    }

    async fn prove(
        &self,
        login: &str,
        password: &SecretString,
    ) -> Result<Option<Person>, LdapError> {
        let mut line = self.bound().await?;
        let filter = login_filter(&self.config, login);
        let found = self.search(&mut line, &filter, 2).await;
        let _ = line.unbind().await;
        let found = match found {
            Ok(found) => found,
            // Three of that name: whose password would it be?
            Err(LdapError::TooMany { .. }) => Vec::new(),
            Err(failed) => return Err(failed),
        };
        let [entry] = found.as_slice() else {
            debug!(found = found.len(), "not one person of that login");
            return Ok(None);
        };
        if entry.dn.is_empty() {
            return Ok(None);
        }
        let mut line = self.open().await?;
        let said = line.simple_bind(&entry.dn, password.expose_secret()).await;
        let _ = line.unbind().await;
        let code = said.map_err(|failed| self.explain(failed))?.rc;
        match code {
            SUCCESS => Ok(self.person(entry)),
            // Wrong, or no password at all, or the account may not sign in.
            INVALID_CREDENTIALS
            | INAPPROPRIATE_AUTHENTICATION
            | INSUFFICIENT_RIGHTS
            | NO_SUCH_OBJECT
            | UNWILLING => Ok(None),
            other => Err(LdapError::Said {
                code: other,
                text: String::new(),
            }),
        }
    }

    async fn within_deadline<T>(
        &self,
        work: impl Future<Output = Result<T, LdapError>>,
    ) -> Result<T, LdapError> {
        let late = |_| LdapError::Late {
            host: self.config.host.clone(),
            seconds: self.config.deadline.as_secs(),
        };
        tokio::time::timeout(self.config.deadline, work)
            .await
            .map_err(late)?
    }

    async fn open(&self) -> Result<ldap3::Ldap, LdapError> {
        let config = &self.config;
        let mut settings = LdapConnSettings::new()
            .set_conn_timeout(config.deadline)
            .set_starttls(config.security == Security::StartTls);
        if config.security != Security::Plain {
            settings = settings.set_config(tls::client_config(config.ca_file.as_deref()).await?);
        }
        let (connection, mut line) = LdapConnAsync::with_settings(settings, &self.url())
            .await
            .map_err(|failed| self.explain(failed))?;
        line.with_timeout(config.deadline);
        // Ends with the last handle of the line, and at the latest with this process.
        tokio::spawn(async move {
            if let Err(error) = connection.drive().await {
                debug!(%error, "the line to the directory broke");
            }
        });
        Ok(line)
    }

    fn url(&self) -> String {
        let LdapConfig {
            host,
            port,
            security,
            ..
        } = &self.config;
        let scheme = match security {
            Security::Ldaps => "ldaps",
            Security::StartTls | Security::Plain => "ldap",
        };
        match host.contains(':') && !host.starts_with('[') {
            true => format!("{scheme}://[{host}]:{port}"),
            false => format!("{scheme}://{host}:{port}"),
        }
    }

    async fn bound(&self) -> Result<ldap3::Ldap, LdapError> {
        let config = &self.config;
        let mut line = self.open().await?;
        let said = line
            .simple_bind(&config.bind, config.password.expose_secret())
            .await
            .map_err(|failed| self.explain(failed))?;
        match said.rc {
            SUCCESS => Ok(line),
            INVALID_CREDENTIALS | INAPPROPRIATE_AUTHENTICATION | NO_SUCH_OBJECT => {
                Err(LdapError::Refused {
                    bind: config.bind.clone(),
                })
            }
            CONFIDENTIALITY_REQUIRED | STRONGER_AUTHENTICATION => Err(LdapError::WantsTls {
                host: config.host.clone(),
            }),
            code => Err(LdapError::Said {
                code,
                text: said.text,
            }),
        }
    }

    /// What the filter finds; an error where that is more than `most`.
    async fn search(
        &self,
        line: &mut ldap3::Ldap,
        filter: &str,
        most: usize,
    ) -> Result<Vec<SearchEntry>, LdapError> {
        // A directory may answer with hints to other directories, which is no entry.
        let adapters: Vec<Box<dyn Adapter<'_, _, _>>> = vec![
            Box::new(EntriesOnly::new()),
            Box::new(PagedResults::new(PAGE)),
        ];
        let attributes = self.config.attributes.all();
        let mut stream = line
            .streaming_search_with(
                adapters,
                &self.config.base,
                Scope::Subtree,
                filter,
                attributes,
            )
            .await
            .map_err(|failed| self.explain(failed))?;
        let mut found = Vec::new();
        while let Some(entry) = stream.next().await.map_err(|failed| self.explain(failed))? {
            if found.len() == most {
                return Err(LdapError::TooMany { most });
            }
            found.push(SearchEntry::construct(entry));
        }
        let said = stream.finish().await;
        match said.rc {
            SUCCESS => Ok(found),
            NO_SUCH_OBJECT => Err(LdapError::NoBase {
                base: self.config.base.clone(),
                bind: self.config.bind.clone(),
            }),
            SIZE_LIMIT => Err(LdapError::ServerLimit {
                got: found.len(),
                bind: self.config.bind.clone(),
            }),
            code => Err(LdapError::Said {
                code,
                text: said.text,
            }),
        }
    }

    fn explain(&self, failed: ldap3::LdapError) -> LdapError {
        LdapError::of_line(&self.config, failed)
    }

    /// `None` for an entry without a login: a room, a printer.
    fn person(&self, entry: &SearchEntry) -> Option<Person> {
        let attributes = &self.config.attributes;
        let login = first(entry, &attributes.login)?;
        let groups = entry_values(entry, &attributes.groups);
        Some(Person {
            key: first(entry, &attributes.key)
                .or_else(|| binary(entry, &attributes.key))
                .unwrap_or_else(|| entry.dn.clone()),
            name: first(entry, &attributes.name).unwrap_or_else(|| login.clone()),
            extension: first(entry, &attributes.extension),
            channel: attributes
                .channel
                .as_deref()
                .and_then(|channel| first(entry, channel)),
            email: first(entry, &attributes.email),
            groups: tidy(groups.iter().map(|group| short_name(group)).collect()),
            login,
        })
    }
}

// Result codes of RFC 4511.
const SUCCESS: u32 = 0;
const SIZE_LIMIT: u32 = 4;
const STRONGER_AUTHENTICATION: u32 = 8;
const CONFIDENTIALITY_REQUIRED: u32 = 13;
const NO_SUCH_OBJECT: u32 = 32;
const INAPPROPRIATE_AUTHENTICATION: u32 = 48;
const INVALID_CREDENTIALS: u32 = 49;
const INSUFFICIENT_RIGHTS: u32 = 50;
const UNWILLING: u32 = 53;

/// People of that very login: what the person typed is text and nothing else.
fn login_filter(config: &LdapConfig, login: &str) -> String {
    format!(
        "(&{}({}={}))",
        bracketed(&config.filter),
        config.attributes.login,
        ldap_escape(login)
    )
}

/// Filters are often written without the outer brackets.
fn bracketed(filter: &str) -> String {
    match filter.starts_with('(') {
        true => filter.to_owned(),
        false => format!("({filter})"),
    }
}

/// Values of an attribute, whose name may come back in another case than it was asked for.
fn entry_values<'a>(entry: &'a SearchEntry, name: &str) -> &'a [String] {
    entry
        .attrs
        .iter()
        .find(|(attribute, _)| attribute.eq_ignore_ascii_case(name))
        .map_or(&[], |(_, values)| values.as_slice())
}

fn first(entry: &SearchEntry, name: &str) -> Option<String> {
    entry_values(entry, name)
        .iter()
        .find_map(|value| filled(value))
}

/// Active Directory's objectGUID is 16 bytes.
fn binary(entry: &SearchEntry, name: &str) -> Option<String> {
    let (_, values) = entry
        .bin_attrs
        .iter()
        .find(|(attribute, _)| attribute.eq_ignore_ascii_case(name))?;
    let bytes = values.first()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// `cn=Sales,ou=groups,dc=firm` is "Sales"; what is no such name stays as it is.
fn short_name(group: &str) -> String {
    let Some((kind, rest)) = group.split_once('=') else {
        return group.trim().to_owned();
    };
    if !kind.trim().chars().all(|c| c.is_ascii_alphanumeric()) {
        return group.trim().to_owned();
    }
    let mut name: Vec<u8> = Vec::new();
    let mut bytes = rest.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b',' | b'+' => break,
            b'\\' => name.extend(escaped(&mut bytes)),
            other => name.push(other),
        }
    }
    String::from_utf8_lossy(&name).trim().to_owned()
}

/// What a backslash stands before: a byte as two hex digits, else the character itself (RFC 4514).
fn escaped(bytes: &mut std::iter::Peekable<std::str::Bytes<'_>>) -> Option<u8> {
    let first = bytes.next()?;
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let high = digit(first);
    let low = bytes.peek().and_then(|second| digit(*second));
    let (Some(high), Some(low)) = (high, low) else {
        return Some(first);
    };
    bytes.next();
    u8::try_from(high * 16 + low).ok()
}

impl From<TlsError> for LdapError {
    fn from(failed: TlsError) -> Self {
        Self::Tls(failed.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn groups_are_called_by_their_short_names() {
        assert_eq!(short_name("cn=Sales,ou=groups,dc=firm"), "Sales");
        assert_eq!(
            short_name(r"CN=Smith\, Jones \26 Co,DC=firm"),
            "Smith, Jones & Co"
        );
        assert_eq!(
            short_name(r"cn=\D0\9E\D1\82\D0\B4\D0\B5\D0\BB,dc=firm"),
            "Отдел"
        );
        assert_eq!(short_name("plain"), "plain");
    }

    #[test]
    fn passwords_do_not_leave_this_machine_in_the_clear() {
        let refused = Ldap::new(plain("ldap.firm.example", false));
        assert!(matches!(refused, Err(LdapError::Plain { .. })));
        assert!(Ldap::new(plain("ldap.firm.example", true)).is_ok());
        for here in ["127.0.0.1", "localhost", "::1", "[::1]"] {
            assert!(Ldap::new(plain(here, false)).is_ok(), "{here}");
        }
        assert!(Ldap::new(plain("localhost.evil.example", false)).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_typed_as_login_is_one_value_of_the_filter(login in any::<String>()) {
            let filter = login_filter(&plain("127.0.0.1", false), &login);
            let value = filter
                .strip_prefix("(&(objectClass=*)(uid=")
                .and_then(|rest| rest.strip_suffix("))"))
                .expect("the shape of the filter");
            prop_assert!(!value.contains(['(', ')', '*', '\0']), "{}", value);
        }
    }

    fn plain(host: &str, allow_plain: bool) -> LdapConfig {
        LdapConfig {
            host: host.into(),
            port: 389,
            security: Security::Plain,
            ca_file: None,
            allow_plain,
            bind: String::new(),
            password: SecretString::from(""),
            base: String::new(),
            filter: "objectClass=*".into(),
            attributes: Attributes::openldap(),
            deadline: Duration::from_secs(1),
        }
    }
}
