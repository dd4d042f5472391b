//! Which address books there are: the one of the address, those below it, or those of the login.

use super::error;
use super::http::{Failed, Http};
use crate::{SourceError, clean};
use ::http::StatusCode;
use libdav::carddav::FindAddressBooks;
use libdav::dav::{FindPropertyHrefs, FoundCollection};
use libdav::{PropertyName, encoding, names};

/// Where every server has a hint (RFC 6764).
const WELL_KNOWN: &str = "/.well-known/carddav";
/// More than this are a mistake.
const MOST_BOOKS: usize = 100;

/// An address book of the server.
#[derive(Debug)]
pub(super) struct FoundBook {
    pub(super) path: String,
    pub(super) title: String,
    pub(super) knows_sync: bool,
}

/// All that this login may read, at least one.
pub(super) async fn books(http: &Http) -> Result<Vec<FoundBook>, SourceError> {
    let found = search(http).await;
    found.map_err(|failed| error::of_failed(http.host(), &http.user, failed))
}

async fn search(http: &Http) -> Result<Vec<FoundBook>, Failed> {
    let mut missing = Missing::default();
    let path = decoded(http.path());
    let here = missing.unless(below(http, &path).await)?;
    let here = here.unwrap_or_default();
    if !here.is_empty() {
        return Ok(only_itself(here, &path));
    }
    for start in [path.as_str(), "/", WELL_KNOWN] {
        let principal = link(http, start, &names::CURRENT_USER_PRINCIPAL).await;
        let Some(principal) = missing.unless(principal)?.flatten() else {
            continue;
        };
        let home = link(http, &principal, &names::ADDRESSBOOK_HOME_SET).await;
        let Some(home) = missing.unless(home)?.flatten() else {
            continue;
        };
        let found = below(http, &home).await?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Err(missing.failed(http))
}

/// Address books at this path and right below it.
async fn below(http: &Http, path: &str) -> Result<Vec<FoundBook>, Failed> {
    let found = http.ask(FindAddressBooks::new(path)).await?.addressbooks;
    let found = found.into_iter().take(MOST_BOOKS);
    found.map(|found| book(http, found)).collect()
}

fn book(http: &Http, found: FoundCollection) -> Result<FoundBook, Failed> {
    let path = http.path_of(&found.href).map_err(Failed::Source)?;
    let mut properties = found.properties.into_iter();
    let title = properties.find(|(name, _)| **name == names::DISPLAY_NAME);
    let title = title.and_then(|(_, title)| title).unwrap_or_default();
    let title = clean::line(&title, clean::MAX_NAME);
    let last = path.trim_end_matches('/').rsplit('/').next();
    Ok(FoundBook {
        title: match title.is_empty() {
            true => clean::line(last.unwrap_or_default(), clean::MAX_NAME),
            false => title,
        },
        knows_sync: found.supports_sync,
        path,
    })
}

/// Whoever gave the address of an address book wants that one.
fn only_itself(mut found: Vec<FoundBook>, path: &str) -> Vec<FoundBook> {
    let is_itself =
        |book: &FoundBook| book.path.trim_end_matches('/') == path.trim_end_matches('/');
    if found.iter().any(is_itself) {
        found.retain(is_itself);
    }
    found
}

/// The first link in a property, if there is one.
async fn link(
    http: &Http,
    path: &str,
    property: &'static PropertyName<'static, 'static>,
) -> Result<Option<String>, Failed> {
    let found = http.ask(FindPropertyHrefs::new(path, property)).await?;
    let link = found.hrefs.into_iter().next();
    let path = link.map(|link| http.path_of(&link.to_string()));
    path.transpose().map_err(Failed::Source)
}

/// What is not there, or is no place of CardDAV, is no failure yet: there are other places to look.
#[derive(Default)]
struct Missing {
    was_page: bool,
}

impl Missing {
    fn unless<T>(&mut self, asked: Result<T, Failed>) -> Result<Option<T>, Failed> {
        const ELSEWHERE: [StatusCode; 4] = [
            StatusCode::NOT_FOUND,
            StatusCode::FORBIDDEN,
            StatusCode::METHOD_NOT_ALLOWED,
            StatusCode::NOT_IMPLEMENTED,
        ];
        match asked {
            Ok(found) => Ok(Some(found)),
            Err(Failed::Status(status)) if ELSEWHERE.contains(&status) => Ok(None),
            Err(Failed::Page) => {
                self.was_page = true;
                Ok(None)
            }
            Err(failed) => Err(failed),
        }
    }

    fn failed(&self, http: &Http) -> Failed {
        match self.was_page {
            true => Failed::Page,
            false => Failed::Source(error::no_book(http.host(), &http.user)),
        }
    }
}

/// As libdav writes paths.
fn decoded(path: &str) -> String {
    let decoded = encoding::normalise_percent_encoded(path);
    decoded.map_or_else(|_| path.to_owned(), |path| path.into_owned())
}
