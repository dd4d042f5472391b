//! The token of a device in a real keychain: it outlives the program, and signing out removes it.
#![cfg(target_os = "linux")]

#[path = "../../../crates/agent/tests/small_server/mod.rs"]
mod small_server;

use e2e::Sidetone;
use e2e::sidetone::output;
use small_server::{CODE, Server, TOKEN};
use std::process::Stdio;
use std::time::Duration;
use testkit::session::{DesktopSession, Keyring, Options};
use view::Status;

const SOON: Duration = Duration::from_secs(10);

#[test]
fn the_token_outlives_the_program_and_goes_when_signed_out() {
    let server = Server::start();
    let session = DesktopSession::start(&Options::default()).expect("a desktop");
    let mut agent = start(&session);
    enrol(&agent, &session, &server);
    agent.wait(&session, "connected", SOON, is_up).expect("up");
    assert_eq!(in_keychain(&session, &server), TOKEN);

    quit(&mut agent, &session);
    let mut agent = start(&session);
    let status = agent.wait(&session, "again", SOON, is_up).expect("up");
    let person = status.server.expect("server mode").person;
    assert_eq!(person.as_deref(), Some("Anna"));

    run(&agent, &session, &["sign-out"]);
    agent
        .wait(&session, "signed out", SOON, |status| {
            status.server.is_none()
        })
        .expect("signed out");
    quit(&mut agent, &session);
    assert_eq!(in_keychain(&session, &server), "");
}

#[test]
fn a_revoked_token_is_removed_from_the_keychain() {
    let server = Server::start();
    let session = DesktopSession::start(&Options::default()).expect("a desktop");
    let mut agent = start(&session);
    enrol(&agent, &session, &server);
    agent.wait(&session, "connected", SOON, is_up).expect("up");
    server.revoke();
    agent
        .wait(&session, "refused", SOON, |status| !is_up(status))
        .expect("refused");
    quit(&mut agent, &session);
    assert_eq!(in_keychain(&session, &server), "");
}

#[test]
fn without_a_keychain_the_token_works_for_this_run_only() {
    let server = Server::start();
    let options = Options {
        keyring: Keyring::None,
        ..Options::default()
    };
    let session = DesktopSession::start(&options).expect("a desktop");
    let mut agent = start(&session);
    enrol(&agent, &session, &server);
    agent.wait(&session, "connected", SOON, is_up).expect("up");
    quit(&mut agent, &session);
    let agent = start(&session);
    let words = |status: &Status| status.connection.words();
    agent
        .wait(&session, "no keychain", SOON, |status| {
            words(status).contains("There is no keychain here, and the token")
        })
        .expect("said");
}

fn is_up(status: &Status) -> bool {
    status.connection.is_up()
}

fn start(session: &DesktopSession) -> Sidetone {
    // No window is needed here.
    Sidetone::start(session, &[("SIDETONE_UI", String::new())]).expect("sidetone")
}

fn enrol(agent: &Sidetone, session: &DesktopSession, server: &Server) {
    run(agent, session, &["enrol", CODE, "--server", &server.url()]);
}

fn run(agent: &Sidetone, session: &DesktopSession, arguments: &[&str]) {
    let told = agent.run(session, arguments).expect("it ends");
    assert!(told.status.success(), "{arguments:?} {told:?}");
}

fn quit(agent: &mut Sidetone, session: &DesktopSession) {
    run(agent, session, &["quit"]);
    agent.wait_ended(SOON).expect("ended");
}

/// What the system's own tool finds under the token's name.
fn in_keychain(session: &DesktopSession, server: &Server) -> String {
    let mut command = session.command("secret-tool");
    let name = format!("token@{}", server.url());
    command
        .args(["lookup", "service", "sidetone", "username", &name])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let told = output(&mut command, SOON).expect("secret-tool");
    String::from_utf8_lossy(&told.stdout).into_owned()
}
