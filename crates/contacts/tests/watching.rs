//! A watched file: missing, written, replaced, broken, gone. The clock is virtual.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use contacts::watch::{Watched, watch};
use phone_number::{DialPlan, Region};
use std::{fs, path::Path, sync::Arc, time::Duration};
use tokio::{sync::watch::Receiver, time::timeout};

fn card(name: &str) -> String {
    format!("BEGIN:VCARD\nFN:{name}\nTEL:+79062195047\nEND:VCARD\n")
}

fn start(path: &Path) -> Receiver<Arc<Watched>> {
    watch(path.to_owned(), DialPlan::new(Region::RU))
}

/// The first state that fits, within a minute of virtual time.
async fn until(
    receiver: &mut Receiver<Arc<Watched>>,
    fits: impl Fn(&Watched) -> bool,
) -> Arc<Watched> {
    let fitting = receiver.wait_for(|watched| fits(watched));
    timeout(Duration::from_secs(60), fitting)
        .await
        .unwrap()
        .unwrap()
        .clone()
}

fn knows(name: &'static str) -> impl Fn(&Watched) -> bool {
    move |watched| watched.trouble.is_none() && !watched.book.search(name, 1).is_empty()
}

#[tokio::test(start_paused = true)]
async fn a_missing_file_is_told_and_read_when_it_appears() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("later/book.vcf");
    let mut book = start(&path);
    let missing = until(&mut book, |watched| watched.trouble.is_some()).await;
    assert_eq!(
        missing.trouble.as_deref(),
        Some(format!("there is no file {}", path.display()).as_str())
    );
    fs::create_dir(folder.path().join("later")).unwrap();
    fs::write(&path, card("Ada")).unwrap();
    assert_eq!(until(&mut book, knows("Ada")).await.report.entries, 1);
}

#[tokio::test(start_paused = true)]
async fn a_file_replaced_by_renaming_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.vcf");
    fs::write(&path, card("Ada")).unwrap();
    let mut book = start(&path);
    until(&mut book, knows("Ada")).await;
    fs::write(folder.path().join("new"), card("Grace")).unwrap();
    fs::rename(folder.path().join("new"), &path).unwrap();
    until(&mut book, knows("Grace")).await;
}

#[tokio::test(start_paused = true)]
async fn the_last_good_book_stays_while_the_file_is_gone_or_broken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.vcf");
    fs::write(&path, card("Ada")).unwrap();
    let mut book = start(&path);
    until(&mut book, knows("Ada")).await;
    fs::remove_file(&path).unwrap();
    let gone = until(&mut book, |watched| watched.trouble.is_some()).await;
    assert_eq!((gone.book.len(), gone.report.entries), (1, 1));
    fs::write(&path, "\0\0\0").unwrap();
    let broken = until(&mut book, |watched| {
        watched
            .trouble
            .as_ref()
            .is_some_and(|t| t.contains("neither"))
    })
    .await;
    assert_eq!(broken.book.len(), 1);
    fs::write(&path, card("Grace")).unwrap();
    until(&mut book, knows("Grace")).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_still_being_written_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.vcf");
    let mut book = start(&path);
    until(&mut book, |watched| watched.trouble.is_some()).await;
    let text = card("Ada");
    let (half, _) = text.split_at(text.len() / 2);
    // Longer at every look: no look may take it for finished.
    for length in 1..half.len() {
        fs::write(&path, &half[..length]).unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(
            book.borrow()
                .trouble
                .as_ref()
                .is_some_and(|t| t.contains("there is no file")),
            "{length}"
        );
    }
    fs::write(&path, &text).unwrap();
    let read = until(&mut book, knows("Ada")).await;
    assert_eq!(read.report.skipped, 0);
}

#[tokio::test(start_paused = true)]
async fn watching_ends_with_the_last_receiver() {
    let folder = tempfile::tempdir().unwrap();
    let book = start(&folder.path().join("book.vcf"));
    let metrics = tokio::runtime::Handle::current().metrics();
    assert_eq!(metrics.num_alive_tasks(), 1);
    drop(book);
    let ended = async {
        while metrics.num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), ended).await.unwrap();
}
