//! A contact book among the sources of a directory.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use contacts::{BookSource, Changed, Directory, directory::Settings};
use std::{fs, path::Path, sync::Arc, time::Duration};
use support::{asked, link, plan, told};
use tokio::time::timeout;

fn start(path: &Path) -> Directory {
    let directory = Directory::new(Settings::new(plan()));
    let book = BookSource::follow("book".into(), path.to_owned(), plan());
    directory.set_sources(vec![Arc::new(book)]);
    directory
}

/// What is told of the number, once it is this.
async fn until(directory: &Directory, wanted: &str) {
    let mut news = directory.listen();
    let reached = async {
        loop {
            let told = told(&directory.who(&asked("+79062195047"), None));
            if told.split(" in ").next() == Some(wanted) {
                return;
            }
            assert_eq!(news.changed().await, Changed::All);
        }
    };
    timeout(Duration::from_secs(60), reached).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_book_is_called_as_its_file_and_is_followed_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("contacts.csv");
    let directory = start(&path);
    let missing = format!(
        "nobody; contacts.csv failed: there is no file {}",
        path.display()
    );
    until(&directory, &missing).await;
    fs::write(
        &path,
        "name,phone,e-mail\nAda,89062195047,ada@example.com\n",
    )
    .unwrap();
    until(&directory, "Ada; contacts.csv 1").await;
    let who = directory.who(&asked("+79062195047"), None);
    let before = who.people.one().unwrap().clone();
    assert_eq!(before.email.as_deref(), Some("ada@example.com"));
    fs::write(&path, "name,phone,note\nGrace,101,\nADA,89062195047,new\n").unwrap();
    until(&directory, "ADA; contacts.csv 1").await;
    let who = directory.who(&asked("+79062195047"), None);
    // The same record, wherever it stands and whatever else is said of her.
    assert_eq!(who.people.one().unwrap().record, before.record);
}

#[tokio::test(start_paused = true)]
async fn somebody_of_a_book_is_found_by_name_attached_and_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("contacts.csv");
    fs::write(&path, "name,phone\nGrace,101\n").unwrap();
    let directory = start(&path);
    until(&directory, "nobody; contacts.csv nobody").await;
    let minute = Duration::from_secs(60);
    let found = directory.find("gra", 5, minute).await;
    let record = found.people[0].record.clone();
    directory.link(contacts::Link {
        record,
        ..link("book", "")
    });
    until(&directory, "Grace (remembered); contacts.csv nobody").await;
    fs::write(&path, "name,phone\nGrace,102\n").unwrap();
    let mut news = directory.listen();
    timeout(minute, news.changed()).await.unwrap();
    until(&directory, "Grace (remembered); contacts.csv nobody").await;
    fs::write(&path, "name,phone\nAda,102\n").unwrap();
    until(&directory, "nobody; contacts.csv nobody").await;
}
