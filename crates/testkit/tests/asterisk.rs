//! A real Asterisk starts, survives what tests do to it and leaves nothing behind.
#![cfg(target_os = "linux")]

use std::time::{Duration, Instant};

use testkit::asterisk::{Asterisk, Configuration, ONLOOKER, Options, SIDETONE, Version};

#[test]
fn starts_answers_and_leaves_nothing() {
    let asterisk = Asterisk::start(&Options::default()).unwrap();
    assert!(
        asterisk
            .cli("core show version")
            .unwrap()
            .contains("Asterisk 22")
    );
    assert!(
        asterisk
            .cli("core show hints")
            .unwrap()
            .contains("101@internal")
    );
    let (pid, folder) = (asterisk.pid().unwrap(), asterisk.folder().to_owned());
    drop(asterisk);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    assert!(!folder.exists());
}

#[test]
fn no_module_is_missing_what_it_needs() {
    let asterisk = Asterisk::start(&Options::default()).unwrap();
    let log = asterisk.log_tail(10_000);
    assert!(
        log.contains("modules will be loaded"),
        "an empty log proves nothing"
    );
    let complaints: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("ERROR") || line.contains("WARNING"))
        .collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn killed_and_restarted_it_answers_on_the_same_ports() {
    let mut asterisk = Asterisk::start(&Options::default()).unwrap();
    asterisk.cli("database put test key kept").unwrap();
    // Asterisk writes its database once a second.
    let database = asterisk.folder().join("lib/astdb.sqlite3");
    wait_until(Duration::from_secs(5), || {
        std::fs::read(&database).is_ok_and(|bytes| bytes.windows(4).any(|word| word == b"kept"))
    });
    let before = asterisk.ami_addr();
    let watch = asterisk.watch().unwrap();
    asterisk.kill().unwrap();
    let closed = watch.wait_for(Duration::from_secs(5), |event| event.is("Shutdown"));
    assert!(
        closed.unwrap_err().to_string().contains("closed"),
        "a killed Asterisk says nothing"
    );
    asterisk.restart().unwrap();
    assert_eq!(asterisk.ami_addr(), before);
    assert!(
        asterisk
            .cli("database get test key")
            .unwrap()
            .contains("kept")
    );
}

#[test]
fn users_have_the_rights_that_they_are_meant_to_have() {
    let asterisk = Asterisk::start(&Options::default()).unwrap();
    let of = |user: &str| asterisk.cli(&format!("manager show user {user}")).unwrap();
    assert!(of(SIDETONE.name).contains("originate"));
    assert!(!of(ONLOOKER.name).contains("originate"));
}

#[test]
fn two_of_them_run_side_by_side() {
    let one = Asterisk::start(&Options::default()).unwrap();
    let two = Asterisk::start(&Options::default()).unwrap();
    assert_ne!(one.ami_addr(), two.ami_addr());
    let started = |asterisk: &Asterisk| asterisk.cli("core show uptime").is_ok();
    assert!(started(&one) && started(&two));
}

fn wait_until(limit: Duration, condition: impl Fn() -> bool) {
    let until = Instant::now() + limit;
    while !condition() {
        assert!(Instant::now() < until, "not within {limit:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn every_version_starts_with_every_configuration_and_no_complaint() {
    for version in Version::ALL {
        for configuration in Configuration::ALL {
            let asterisk = Asterisk::start(&Options {
                version,
                configuration,
                ..Options::default()
            })
            .unwrap();
            let said = asterisk.cli("core show version").unwrap();
            assert!(
                said.contains(&format!("Asterisk {}.", version.major())),
                "{said}"
            );
            let hints = asterisk.cli("core show hints").unwrap();
            assert!(hints.contains("101@"), "{hints}");
            let log = asterisk.log_tail(10_000);
            let complaints: Vec<&str> = log
                .lines()
                .filter(|line| line.contains("ERROR") || line.contains("WARNING"))
                .collect();
            assert!(
                complaints.is_empty(),
                "{version:?} {configuration:?}: {complaints:#?}"
            );
        }
    }
}
