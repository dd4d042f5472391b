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
        let mut is_whole = false;
        for _ in 0..MOST_ROUNDS {
            let answer = match self.changes().await {
                Err(failed) if self.book.token.is_some() && is_forgotten(&failed) => {
                    self.book.token = None;
                    all = Some(BTreeSet::new());
                    continue;
                }
                answer => answer?,
            };
            let mut is_more = self.take(&answer.changed, &answer.deleted).await?;
            if let Some(all) = &mut all {
                // A part of the whole may hold known cards only, and others come after it.
                let told = all.len();
                all.extend(answer.changed.into_iter().map(|card| card.href));
                is_more |= all.len() > told;
            }
            // Kept only when all before it is: a reading that breaks is begun again.
            self.book.token = Some(answer.new_sync_token);
            if !is_more {
                is_whole = true;
                break;
            }
        }
        if let Some(all) = all.filter(|_| is_whole) {
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "helpers of tests")]
mod tests {
    use super::super::CardDavConfig;
    use super::*;
    use phone_number::{DialPlan, Region};
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn nobody_is_dropped_when_a_whole_book_comes_in_parts_after_an_old_token() {
        let answers = [
            (
                "403 Forbidden",
                r#"<error xmlns="DAV:"><valid-sync-token/></error>"#.to_owned(),
            ),
            ("207 Multi-Status", part(&["/book/ada.vcf"], "new-1")),
            ("207 Multi-Status", part(&["/book/bob.vcf"], "new-2")),
            ("207 Multi-Status", part(&[], "new-2")),
        ];
        let url = server(answers);
        let config = CardDavConfig::new("c", "C", &url, DialPlan::new(Region::RU));
        let http = Http::new(&config).await.unwrap();
        let mut copy = known(&["/book/ada.vcf", "/book/bob.vcf", "/book/gone.vcf"]);
        let found = FoundBook {
            path: "/book/".to_owned(),
            title: "Book".to_owned(),
            knows_sync: true,
        };
        book(&http, &mut copy, &found).await.unwrap();
        let book = &copy.books["/book/"];
        let paths: Vec<&String> = book.cards.keys().collect();
        assert_eq!(paths, ["/book/ada.vcf", "/book/bob.vcf"]);
        assert_eq!(book.token.as_deref(), Some("new-2"));
    }

    fn known(paths: &[&str]) -> Copy {
        let mut copy = Copy::default();
        let book = copy.books.entry("/book/".to_owned()).or_default();
        book.token = Some("old".to_owned());
        for path in paths {
            let card = CardCopy {
                etag: "\"1\"".to_owned(),
                text: "BEGIN:VCARD".to_owned(),
            };
            book.cards.insert((*path).to_owned(), card);
        }
        copy
    }

    fn part(paths: &[&str], token: &str) -> String {
        let card = |path: &&str| {
            format!(
                "<response><href>{path}</href><propstat><prop><getetag>\"1\"</getetag></prop>\
                 <status>HTTP/1.1 200 OK</status></propstat></response>"
            )
        };
        let cards: String = paths.iter().map(card).collect();
        format!("<multistatus xmlns=\"DAV:\">{cards}<sync-token>{token}</sync-token></multistatus>")
    }

    /// Gives these answers, one to each request, whatever is asked.
    fn server<const N: usize>(answers: [(&'static str, String); N]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for (status, body) in answers {
                let (line, _) = listener.accept().unwrap();
                answer(line, status, &body);
            }
        });
        format!("http://127.0.0.1:{port}/book/")
    }

    fn answer(mut line: TcpStream, status: &str, body: &str) {
        let mut reader = BufReader::new(line.try_clone().unwrap());
        let (mut header, mut length) = (String::new(), 0);
        while reader.read_line(&mut header).unwrap() > 2 {
            if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            header.clear();
        }
        reader.read_exact(&mut vec![0; length]).unwrap();
        let length = body.len();
        write!(
            line,
            "HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .unwrap();
    }
}
