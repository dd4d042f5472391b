//! The program in server mode, against a small real server: enrolment, the line, signing out.
//!
//! There is no keychain here, so the token lives for one run.
#![cfg(unix)]

mod home;
mod small_server;

use home::{Home, LIMIT, pause, text};
use small_server::{CODE, Server, TOKEN};
use std::time::Instant;

#[test]
fn a_code_connects_the_desktop_and_signing_out_forgets_it() {
    let server = Server::start();
    let home = Home::new();
    let mut agent = home.start();

    let wrong = home.run(&["enrol", "WRONG", "--server", &server.url()]);
    assert_eq!(wrong.status.code(), Some(4), "{wrong:?}");
    assert!(
        text(&wrong.stderr).contains("unknown or was used"),
        "{wrong:?}"
    );
    assert_eq!(home.status()["server"], serde_json::Value::Null);

    let enrolled = home.run(&["enrol", CODE, "--server", &server.url()]);
    assert_eq!(enrolled.status.code(), Some(0), "{enrolled:?}");
    let said = text(&enrolled.stdout);
    assert!(
        said.contains("127.0.0.1") && said.contains("Anna, extension 101"),
        "{said}"
    );

    wait(&home, |status| status["connection"]["state"] == "connected");
    let status = home.status();
    assert_eq!(status["me"]["extension"], "101");
    assert_eq!(status["server"]["server"], "Small server 1");
    assert!(text(&home.run(&["status"]).stdout).contains("Server: 127.0.0.1"));

    let dialled = home.run(&["dial", "8 916 123-45-67"]);
    assert_eq!(dialled.status.code(), Some(0), "{dialled:?}");
    assert_eq!(server.asked(), "+79161234567");

    assert_eq!(home.run(&["sign-out"]).status.code(), Some(0));
    let status = home.status();
    assert_eq!(status["server"], serde_json::Value::Null);
    assert_eq!(status["connection"]["state"], "not_set_up");
    assert_eq!(home.run(&["sign-out"]).status.code(), Some(4));

    assert_eq!(home.run(&["quit"]).status.code(), Some(0));
    assert!(home.wait(&mut agent).success());
    nothing_secret_is_written(&home);
}

#[test]
fn a_link_of_a_page_asks_and_does_nothing_by_itself() {
    let server = Server::start();
    let home = Home::new();
    let mut agent = home.start();
    let link = format!("sidetone://enrol/{}/{CODE}?http", server.at);
    let asked = home.run(&[&link]);
    assert_eq!(asked.status.code(), Some(0), "{asked:?}");
    assert!(text(&asked.stdout).contains("asks first"), "{asked:?}");
    assert_eq!(home.status()["server"], serde_json::Value::Null);
    for hostile in [
        "sidetone://enrol/evil.example/abcd?http",
        "sidetone://enrol/good.example@evil.example/abcd",
        "sidetone://enrol/pbx.example/../abcd",
        "sidetone:quit",
    ] {
        let refused = home.run(&[hostile]);
        assert_eq!(refused.status.code(), Some(4), "{hostile} {refused:?}");
    }
    assert_eq!(home.run(&["quit"]).status.code(), Some(0));
    assert!(home.wait(&mut agent).success());
}

#[test]
fn a_revoked_desktop_says_so_and_can_be_connected_again() {
    let server = Server::start();
    let home = Home::new();
    let mut agent = home.start();
    let enrol = || home.run(&["enrol", CODE, "--server", &server.url()]);
    assert_eq!(enrol().status.code(), Some(0));
    wait(&home, |status| status["connection"]["state"] == "connected");
    server.revoke();
    wait(&home, |status| {
        status["connection"]["state"] == "not_set_up"
    });
    let words = home.status()["connection"]["words"].to_string();
    assert!(
        words.contains("does not take this desktop any more"),
        "{words}"
    );
    assert_eq!(enrol().status.code(), Some(0));
    wait(&home, |status| status["connection"]["state"] == "connected");
    assert_eq!(home.run(&["quit"]).status.code(), Some(0));
    assert!(home.wait(&mut agent).success());
}

#[test]
fn whoever_is_no_server_is_named() {
    let home = Home::new();
    let mut agent = home.start();
    let nobody = home.run(&["enrol", CODE, "--server", "http://127.0.0.1:9"]);
    assert_eq!(nobody.status.code(), Some(4), "{nobody:?}");
    assert!(
        text(&nobody.stderr).contains("Nothing listens at 127.0.0.1:9"),
        "{nobody:?}"
    );
    assert_eq!(home.run(&["quit"]).status.code(), Some(0));
    assert!(home.wait(&mut agent).success());
}

fn wait(home: &Home, accept: impl Fn(&serde_json::Value) -> bool) {
    let until = Instant::now() + LIMIT;
    loop {
        let status = home.status();
        if accept(&status) {
            return;
        }
        assert!(Instant::now() < until, "{status}");
        pause();
    }
}

/// Neither in the settings nor in the log nor anywhere else.
fn nothing_secret_is_written(home: &Home) {
    let mut folders = vec![home.path().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                files += 1;
                let text = String::from_utf8_lossy(&bytes);
                for secret in [TOKEN, CODE, "9161234567"] {
                    assert!(!text.contains(secret), "{} holds {secret}", path.display());
                }
            }
        }
    }
    assert!(files >= 2, "settings and a log");
}
