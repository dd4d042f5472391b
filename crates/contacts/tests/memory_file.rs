//! The file of the match memory: whole, or as it was; never lost.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use contacts::{
    memory::Remembering,
    memory_file::{keep, load, save, save_now},
};
use std::{fs, time::Duration};
use support::{Fake, ada, directory, link};

fn remembering(name: &str) -> Remembering {
    Remembering {
        number: "+79062195047".into(),
        line: Some("+74951234567".into()),
        record: link("crm", "ada").record,
        name: name.into(),
        company: None,
        url: None,
        source: "Tryton".into(),
        attached: true,
        by: None,
        at: 7,
    }
}

#[test]
fn what_is_saved_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.json");
    assert_eq!(load(&path), (Vec::new(), None));
    save(&path, vec![remembering("Ada")]).unwrap();
    save(&path, vec![remembering("Ада\u{0}\"")]).unwrap();
    assert_eq!(load(&path), (vec![remembering("Ада\u{0}\"")], None));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.json");
    save(&path, vec![]).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_damaged_file_is_kept_aside_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.json");
    for (text, why) in [
        ("{\"version\":1,\"remem", "line 1, column 19"),
        ("\0\0\0\0", "line 1, column 1"),
        ("{\"version\":2,\"remembered\":[]}", "it is of version 2"),
    ] {
        fs::write(&path, text).unwrap();
        let (remembered, words) = load(&path);
        let words = words.unwrap();
        assert!(
            remembered.is_empty() && words.contains(why) && words.contains("is kept as"),
            "{words}"
        );
        assert!(!path.exists());
    }
    let aside = folder.path().join("memory.json.damaged-3");
    assert_eq!(
        fs::read_to_string(aside).unwrap(),
        "{\"version\":2,\"remembered\":[]}"
    );
}

#[test]
fn what_is_said_of_a_damaged_file_quotes_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.json");
    let text = r#"{"version":1,"remembered":["Ada +79062195047"]}"#;
    fs::write(&path, text).unwrap();
    let words = load(&path).1.unwrap();
    assert!(!words.contains("Ada") && !words.contains("7906"), "{words}");
    assert!(words.contains("in line 1, column 45"), "{words}");
}

#[tokio::test]
async fn many_who_write_at_the_same_time_leave_a_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.json");
    let directory = directory(&[&Fake::new("crm").local().knows(ada())]);
    directory.link(link("crm", "ada"));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    save_now(&path, &directory).unwrap();
                    save(&path, directory.remembered()).unwrap();
                }
            });
        }
    });
    assert_eq!(load(&path), (directory.remembered(), None));
}

#[tokio::test(start_paused = true)]
async fn every_choice_comes_into_the_file_also_after_the_disk_was_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("later/memory.json");
    let directory = directory(&[&Fake::new("crm").local().knows(ada())]);
    tokio::spawn(keep(directory.clone(), path.clone()));
    directory.link(link("crm", "ada"));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(!path.exists());
    fs::create_dir(path.parent().unwrap()).unwrap();
    while !path.exists() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(load(&path).0, directory.remembered());
}
