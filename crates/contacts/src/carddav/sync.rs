//! One address book read: what changed since the last token, or all that has another mark (etag) than before.

use super::copy::{BookCopy, CardCopy, Copy, MOST_BYTES, slim};
use super::discover::FoundBook;
use super::error;
use super::http::{Failed, Http};
use crate::SourceError;
use ::http::StatusCode;
use libdav::carddav::GetAddressBookResources;
use libdav::dav::{
    GetProperty, ListResources, ListedResource, SyncCollection, SyncCollectionResponse,
};
use libdav::{FetchedResource, PropertyName, encoding};
use std::collections::{BTreeMap, BTreeSet};

/// Cards asked for in one request.
const AT_ONCE: usize = 50;
/// A card with a picture of this size is no business card.
const MOST_IN_CARD: usize = 1_000_000;
/// A server may tell a large change in parts.
const MOST_ROUNDS: usize = 200;

/// Not among libdav's names; older servers have nothing else.
const CTAG: PropertyName<'static, 'static> =
    PropertyName::new("http://calendarserver.org/ns/", "getctag");

/// Brings the copy of this address book to what the server has.
pub(super) async fn book(
    http: &Http,
    copy: &mut Copy,
    found: &FoundBook,
) -> Result<(), SourceError> {
    let mut reading = Reading::of(http, copy, found);
    let read = reading.read(found.knows_sync).await;
    let is_changed = reading.is_changed;
    copy.revision += u64::from(is_changed);
    read.map_err(|failed| error::of_failed(http.host(), &http.user, failed))
}

struct Reading<'a> {
    http: &'a Http,
    path: &'a str,
    book: &'a mut BookCopy,
    /// For texts of cards, in bytes.
    room: usize,
    is_changed: bool,
}

impl<'a> Reading<'a> {
    fn of(http: &'a Http, copy: &'a mut Copy, found: &'a FoundBook) -> Self {
        let taken = copy.bytes();
        let book = copy.books.entry(found.path.clone()).or_default();
        let is_changed = book.title != found.title;
        book.title.clone_from(&found.title);
        Self {
            http,
            path: &found.path,
            book,
            room: MOST_BYTES.saturating_sub(taken),
            is_changed,
        }
    }

    async fn read(&mut self, knows_sync: bool) -> Result<(), Failed> {
        if !knows_sync && self.book.token.is_none() {
            return self.by_marks().await;
        }
        match self.by_token().await {
            Ok(()) => Ok(()),
            // Says that it knows the question, and does not.
            Err(Failed::Status(_) | Failed::OldToken | Failed::Unreadable(_)) => {
                self.book.token = None;
                self.by_marks().await
            }
            Err(failed) => Err(failed),
        }
    }

    async fn by_token(&mut self) -> Result<(), Failed> {
        // Without a token the server tells all that there is; the rest is there no more.
        let mut all = self.book.token.is_none().then(BTreeSet::new);
        for _ in 0..MOST_ROUNDS {
            let answer = match self.changes().await {
                Err(failed) if self.book.token.is_some() && is_forgotten(&failed) => {
                    self.book.token = None;
                    all = Some(BTreeSet::new());
                    continue;
                }
                answer => answer?,
            };
            if let Some(all) = &mut all {
                all.extend(answer.changed.iter().map(|card| card.href.clone()));
            }
            let is_news = self.take(&answer.changed, &answer.deleted).await?;
            // Kept only when all before it is: a reading that breaks is begun again.
            self.book.token = Some(answer.new_sync_token);
            if !is_news {
                break;
            }
        }
        if let Some(all) = all {
            self.retain(&all);
        }
        Ok(())
    }

    async fn changes(&self) -> Result<SyncCollectionResponse, Failed> {
        let request = SyncCollection::new(self.path);
        let since = match &self.book.token {
            Some(token) => request.with_sync_token(token),
            None => request,
        };
        self.http.ask(since).await
    }

    /// Asks for every card's mark, and for those cards whose mark is another.
    async fn by_marks(&mut self) -> Result<(), Failed> {
        let ctag = self.http.ask(GetProperty::new(self.path, &CTAG)).await;
        let ctag = ctag.ok().and_then(|answer| answer.value);
        if ctag.is_some() && ctag == self.book.ctag {
            return Ok(());
        }
        let listed = self
            .http
            .ask(ListResources::new(self.path))
            .await?
            .resources;
        let cards: Vec<ListedResource> = listed
            .into_iter()
            .filter(|listed| !listed.resource_type.is_collection)
            .collect();
        self.take(&cards, &[]).await?;
        self.retain(&cards.into_iter().map(|card| card.href).collect());
        self.book.ctag = ctag;
        Ok(())
    }

    /// Whether any of it was news.
    async fn take(
        &mut self,
        changed: &[ListedResource],
        deleted: &[String],
    ) -> Result<bool, Failed> {
        let mut is_news = false;
        for path in deleted {
            is_news |= self.remove(path);
        }
        let is_known = |card: &&ListedResource| {
            let known = self.book.cards.get(&card.href);
            card.etag.is_some() && known.map(|known| &known.etag) == card.etag.as_ref()
        };
        let wanted: Vec<&ListedResource> = changed.iter().filter(|card| !is_known(card)).collect();
        is_news |= !wanted.is_empty();
        self.is_changed |= is_news;
        for some in wanted.chunks(AT_ONCE) {
            self.fetch(some).await?;
        }
        Ok(is_news)
    }

    /// Too much at once is asked for one by one.
    async fn fetch(&mut self, wanted: &[&ListedResource]) -> Result<(), Failed> {
        match self.ask_for(wanted).await {
            Ok(cards) => self.store(wanted, cards),
            Err(Failed::TooLarge(_)) if wanted.len() > 1 => {
                for one in wanted.chunks(1) {
                    Box::pin(self.fetch(one)).await?;
                }
            }
            Err(Failed::TooLarge(_)) => self.store(wanted, Vec::new()),
            Err(failed) => return Err(failed),
        }
        Ok(())
    }

    async fn ask_for(&self, wanted: &[&ListedResource]) -> Result<Vec<FetchedResource>, Failed> {
        let links = wanted
            .iter()
            .map(|card| encoding::strict_percent_encoded(&card.href));
        let request = GetAddressBookResources::new(self.path).with_hrefs(links);
        Ok(self.http.ask(request).await?.resources)
    }

    /// Only what was asked for: an answer cannot put cards in other places. What was not given is left out, and remembered
    /// by its mark as well, or it would be asked for again and again.
    fn store(&mut self, wanted: &[&ListedResource], cards: Vec<FetchedResource>) {
        let mut given: BTreeMap<String, _> = cards
            .into_iter()
            .map(|card| (card.href, card.content))
            .collect();
        for card in wanted {
            let listed = card.etag.clone();
            let (etag, text) = match given.remove(&card.href) {
                // Gone since it was listed.
                Some(Err(StatusCode::NOT_FOUND)) => {
                    self.remove(&card.href);
                    continue;
                }
                Some(Ok(got)) if got.data.len() <= MOST_IN_CARD => (got.etag, slim(&got.data)),
                Some(Ok(got)) => (got.etag, String::new()),
                Some(Err(_)) | None => (String::new(), String::new()),
            };
            // A server may write the mark in two ways.
            self.put(&card.href, listed.unwrap_or(etag), text);
        }
    }

    fn put(&mut self, path: &str, etag: String, text: String) {
        self.remove(path);
        let text = match text.len() <= self.room {
            true => text,
            false => String::new(),
        };
        self.room -= text.len();
        let card = CardCopy { etag, text };
        self.book.cards.insert(path.to_owned(), card);
    }

    fn remove(&mut self, path: &str) -> bool {
        let removed = self.book.cards.remove(path);
        self.room += removed.as_ref().map_or(0, |card| card.text.len());
        removed.is_some()
    }

    fn retain(&mut self, all: &BTreeSet<String>) {
        let known = self.book.cards.keys();
        let gone: Vec<String> = known.filter(|path| !all.contains(*path)).cloned().collect();
        for path in gone {
            self.is_changed |= self.remove(&path);
        }
    }
}

/// How servers say that they do not know a token.
fn is_forgotten(failed: &Failed) -> bool {
    const FORGOTTEN: [StatusCode; 5] = [
        StatusCode::BAD_REQUEST,
        StatusCode::FORBIDDEN,
        StatusCode::CONFLICT,
        StatusCode::GONE,
        StatusCode::PRECONDITION_FAILED,
    ];
    match failed {
        Failed::OldToken => true,
        Failed::Status(status) => FORGOTTEN.contains(status),
        Failed::Source(_) | Failed::TooLarge(_) | Failed::Page | Failed::Unreadable(_) => false,
    }
}
