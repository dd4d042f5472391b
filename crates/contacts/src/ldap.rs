//! People of an LDAP directory, OpenLDAP or Active Directory, asked by number and by name.
//!
//! A directory matches numbers as text, or nearly so: it is asked for the last digits with anything between them, and what
//! it answers is read and compared here. One line is kept and opened again when it broke.

mod entry;
mod error;
mod filter;
mod form;
mod line;

pub use form::{TITLE, fields};

use crate::{Answering, Likeness, Person, Question, Source, SourceError, clean, likeness};
use ldap3::SearchEntry;
use line::{Answer, Line};
use phone_number::DialPlan;
use secrecy::{ExposeSecret as _, SecretString};
use std::{path::PathBuf, time::Duration};
use wire::Record;

/// Nobody shares a number with so many people; a directory that finds more matches something else.
const MOST_WITH_NUMBER: usize = 100;
/// For a list that a person reads.
const MOST_FOUND: usize = 200;
/// Active Directory's contacts are no persons.
const FILTER: &str = "(|(objectClass=person)(objectClass=contact))";
/// A card that appears later than this is of no use; the answer may still be added late.
const SOON: Duration = Duration::from_secs(3);

/// Where the directory is and how its people are read.
#[derive(Clone, Debug)]
pub struct LdapConfig {
    /// Unique in the configuration.
    pub id: String,
    /// For people: `Active Directory`.
    pub title: String,
    /// `ldaps://ldap.firm.example`, with a port where it is not 636 (ldaps) or 389 (ldap).
    pub url: String,
    /// Protects a line of `ldap://` before anything is said.
    pub start_tls: bool,
    /// Lets an unprotected line leave this machine.
    pub allow_plain: bool,
    /// PEM file of the authority that signed the directory's certificate; else the system's are believed.
    pub ca_file: Option<PathBuf>,
    /// The account that reads, e.g. `cn=sidetone,ou=services,dc=firm,dc=example`; empty: nobody in particular.
    pub bind: String,
    pub password: SecretString,
    /// Where to look, e.g. `ou=people,dc=firm,dc=example`.
    pub base: String,
    /// Who is a person, e.g. `(objectClass=person)`.
    pub filter: String,
    pub attributes: LdapAttributes,
    /// Opens a person: `https://intranet.example/people/{key}`, with `{key}`, `{mail}` or `{dn}` in it.
    pub link: Option<String>,
    /// For one whole question.
    pub deadline: Duration,
    /// How numbers without a country are meant there.
    pub plan: DialPlan,
}

impl LdapConfig {
    /// With what suits most directories in all that is not named here.
    #[must_use]
    pub fn new(id: &str, title: &str, url: &str, base: &str, plan: DialPlan) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            url: url.to_owned(),
            start_tls: false,
            allow_plain: false,
            ca_file: None,
            bind: String::new(),
            password: SecretString::from(""),
            base: base.to_owned(),
            filter: FILTER.to_owned(),
            attributes: LdapAttributes::default(),
            link: None,
            deadline: Duration::from_secs(10),
            plan,
        }
    }
}

impl LdapConfig {
    /// A bind with a name and no password is anonymous to LDAP, and succeeds (RFC 4513, 5.1.2): it would seem right and
    /// find nobody.
    fn lacks_password(&self) -> bool {
        !self.bind.is_empty() && self.password.expose_secret().is_empty()
    }
}

/// Which attributes say what; of several the first that is there counts, of numbers all. What a directory does not know
/// does not harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapAttributes {
    pub numbers: Vec<String>,
    pub name: Vec<String>,
    pub company: Vec<String>,
    pub mail: Vec<String>,
    pub job_title: Vec<String>,
    pub department: Vec<String>,
    /// What stays when somebody marries or moves.
    pub key: Vec<String>,
}

impl Default for LdapAttributes {
    /// As `inetOrgPerson` and Active Directory have them.
    fn default() -> Self {
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            numbers: named(&[
                "telephoneNumber",
                "mobile",
                "homePhone",
                "ipPhone",
                "otherTelephone",
                "otherMobile",
                "otherHomePhone",
                "otherIpPhone",
                "msRTCSIP-Line",
                "proxyAddresses",
            ]),
            name: named(&["displayName", "cn"]),
            company: named(&["company", "o"]),
            mail: named(&["mail"]),
            job_title: named(&["title"]),
            department: named(&["department", "ou"]),
            key: named(&["entryUUID", "objectGUID"]),
        }
    }
}

impl LdapAttributes {
    fn all(&self) -> Vec<&str> {
        let groups = [
            &self.numbers,
            &self.name,
            &self.company,
            &self.mail,
            &self.job_title,
            &self.department,
            &self.key,
        ];
        groups.into_iter().flatten().map(String::as_str).collect()
    }
}

/// A directory as a source of people.
#[derive(Debug)]
pub struct LdapSource {
    config: LdapConfig,
    line: Line,
}

impl LdapSource {
    /// Opens no line yet.
    ///
    /// # Errors
    /// Settings that cannot work, or would send a password in the clear.
    pub fn new(config: LdapConfig) -> Result<Self, SourceError> {
        let line = Line::new(&config)?;
        if config.lacks_password() {
            return Err(error::no_password(&config.bind));
        }
        Ok(Self { config, line })
    }

    /// Asks the directory for nothing much: whether it is there, takes the account, and has people where we look.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub async fn test(&self) -> Result<(), SourceError> {
        let anybody = filter::bracketed(&self.config.filter);
        let answer = self.line.search(&anybody, 1).await?;
        if answer.entries.is_empty() {
            return Err(error::nobody(&self.config));
        }
        Ok(())
    }

    async fn with_number(&self, question: &Question) -> Result<Vec<Person>, SourceError> {
        let filter = filter::by_number(&self.config, &question.number);
        let answer = self.line.search(&filter, MOST_WITH_NUMBER).await?;
        let likely = |person: &Person| {
            let mut numbers = person.numbers.iter();
            numbers.any(|number| likeness(number, &question.number) != Likeness::Different)
        };
        let found: Vec<Person> = self.people(&answer).filter(likely).collect();
        if found.is_empty() && answer.is_cut {
            return Err(error::cut(&self.config, answer.entries.len()));
        }
        Ok(found)
    }

    async fn called(&self, text: &str, limit: usize) -> Result<Vec<Person>, SourceError> {
        let Some(filter) = filter::by_text(&self.config, text) else {
            return Ok(Vec::new());
        };
        // Some more than are wanted, because the directory does not know which are the best.
        let most = limit.saturating_mul(2).clamp(1, MOST_FOUND);
        let answer = self.line.search(&filter, most).await?;
        let mut people: Vec<Person> = self.people(&answer).collect();
        people.sort_by_key(|person| rank(&person.name, text));
        people.truncate(limit);
        Ok(people)
    }

    async fn of_record(&self, id: &str) -> Result<Option<Person>, SourceError> {
        let filter = filter::by_key(&self.config, id);
        let answer = self.line.search(&filter, 2).await?;
        let mut people = self.people(&answer);
        Ok(people.find(|person| person.record.id == id))
    }

    fn people<'a>(&'a self, answer: &'a Answer) -> impl Iterator<Item = Person> + 'a {
        let person = |entry: &SearchEntry| entry::person(&self.config, entry);
        answer.entries.iter().filter_map(person)
    }
}

impl Source for LdapSource {
    fn id(&self) -> &str {
        &self.config.id
    }

    fn title(&self) -> &str {
        &self.config.title
    }

    fn look_up<'a>(&'a self, question: &'a Question) -> Answering<'a, Vec<Person>> {
        Box::pin(self.with_number(question))
    }

    fn find<'a>(&'a self, text: &'a str, limit: usize) -> Answering<'a, Vec<Person>> {
        Box::pin(self.called(text, limit))
    }

    fn by_record<'a>(&'a self, record: &'a Record) -> Option<Answering<'a, Option<Person>>> {
        Some(Box::pin(self.of_record(&record.id)))
    }

    fn deadline(&self) -> Duration {
        self.config.deadline.min(SOON)
    }
}

/// Names that start so come first, then those where a word does.
fn rank(name: &str, text: &str) -> u8 {
    let folded = |text: &str| {
        let mut folded = String::new();
        clean::fold_into(&mut folded, text.trim());
        folded
    };
    let (name, text) = (folded(name), folded(text));
    let first = text.split_whitespace().next().unwrap_or_default();
    match name.find(first) {
        Some(0) => 0,
        Some(at) if !name[..at].ends_with(char::is_alphanumeric) => 1,
        Some(_) | None => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_start_so_come_first() {
        assert_eq!(rank("Anna Klein", "ann"), 0);
        assert_eq!(rank("Klein, Anna", "ANN kl"), 1);
        assert_eq!(rank("Johanna", "ann"), 2);
        assert_eq!(rank("Klein", "mail@firm"), 2);
    }
}
