//! Bad input and bad surroundings get a sentence: wrong secret, no PBX, no keychain, broken contacts.
#![cfg(target_os = "linux")]

use e2e::scene::CONTACTS;
use e2e::{Scene, Setup};
use std::time::Duration;
use testkit::session::{Keyring, Options};
use view::{Connection, Settings, Tls};

const SOON: Duration = Duration::from_secs(15);

#[test]
fn a_wrong_secret_is_said_and_not_hammered() {
    let scene = Scene::start_unconnected(&Setup {
        secret: Some("wrong".into()),
        ..Setup::default()
    })
    .expect("a scene");
    let status = scene
        .wait("refused", SOON, |status| {
            matches!(status.connection, Connection::Refused { .. })
        })
        .expect("refused");
    let words = status.connection.words();
    assert!(
        words.contains("sidetone") && words.to_lowercase().contains("secret"),
        "{words}"
    );
    let (code, _, err) = scene.sidetone(&["dial", "102"]).expect("dial");
    assert_eq!(code, 4);
    assert!(err.contains("Not called"), "{err}");
}

#[test]
fn no_pbx_at_the_address_is_said_with_the_address() {
    let settings = Settings {
        pbx_host: "127.0.0.1".into(),
        pbx_port: 1,
        ..Setup::default().settings
    };
    let scene = Scene::start_unconnected(&Setup {
        settings,
        ..Setup::default()
    })
    .expect("a scene");
    let status = scene
        .wait("away", SOON, |status| {
            matches!(status.connection, Connection::Away { .. })
        })
        .expect("away");
    assert!(
        status.connection.words().contains("127.0.0.1:1"),
        "{}",
        status.connection.words()
    );
}

#[test]
fn tls_with_the_firms_own_authority_connects_and_a_foreign_one_does_not() {
    let setup = Setup::default();
    let mut scene = Scene::start_unconnected(&setup).expect("a scene");
    let tls = |file: String, scene: &Scene| Settings {
        pbx_host: "127.0.0.1".into(),
        pbx_port: scene.asterisk.ami_tls_addr().port(),
        user: "sidetone".into(),
        tls: Tls::Ca { file },
        ..Setup::default().settings
    };
    let right = tls(
        scene
            .asterisk
            .ca_certificate()
            .to_string_lossy()
            .into_owned(),
        &scene,
    );
    scene
        .restart_agent_with(&right, Some("sidetone-secret"))
        .expect("restart");
    scene
        .wait("connected over TLS", SOON, |status| {
            status.connection.is_up()
        })
        .expect("connected");

    let pinned = Settings {
        tls: Tls::Pin {
            sha256: "00".repeat(32),
        },
        ..right
    };
    scene
        .restart_agent_with(&pinned, Some("sidetone-secret"))
        .expect("restart");
    let status = scene
        .wait("refused", SOON, |status| {
            matches!(
                status.connection,
                Connection::Refused { .. } | Connection::Away { .. }
            )
        })
        .expect("refused");
    assert!(
        status
            .connection
            .words()
            .to_lowercase()
            .contains("certificate"),
        "{}",
        status.connection.words()
    );
}

#[test]
fn without_a_keychain_it_says_so_and_asks() {
    let session = Options {
        keyring: Keyring::None,
        ..Options::default()
    };
    let scene = Scene::start_unconnected(&Setup {
        session,
        ..Setup::default()
    })
    .expect("a scene");
    let status = scene
        .wait("said", SOON, |status| {
            status
                .connection
                .words()
                .to_lowercase()
                .contains("keychain")
        })
        .expect("said");
    assert!(
        matches!(status.connection, Connection::NotSetUp { .. }),
        "{status:?}"
    );
}

#[test]
fn a_locked_keychain_does_not_hold_up_anything() {
    let mut scene = Scene::start(&Setup::default()).expect("a scene");
    let state = scene
        .wait_state("settings", SOON, |_| true)
        .expect("settings");
    // A secret that is not there is "missing" even in a locked keychain; one that is there cannot be read.
    scene.session.lock_keyring().expect("locked");
    scene
        .restart_agent_with(&state.settings.settings, None)
        .expect("it answers at once, whatever the keychain does");
    let status = scene
        .wait("said", SOON, |status| {
            status.connection.words().contains("keychain is locked")
        })
        .expect("the lock is named");
    assert!(matches!(status.connection, Connection::NotSetUp { .. }));
}

#[test]
fn a_broken_entry_does_not_cost_the_others_and_is_counted() {
    let contacts = format!("{CONTACTS}BEGIN:VCARD\nVERSION:4.0\nFN:Broken\nTEL:\u{0}\n");
    let scene = Scene::start(&Setup {
        contacts,
        ..Setup::default()
    })
    .expect("a scene");
    let call = scene
        .phones
        .customer_calls(
            &testkit::phones::Customer::new("+442079460958", ""),
            e2e::scene::DIRECT_LINE,
        )
        .expect("call");
    scene
        .wait("Ada", SOON, |status| {
            status.cards.iter().any(|card| card.people.one().is_some())
        })
        .expect("Ada is found");
    scene.phones.hang_up(call).expect("hang up");
    let state = scene
        .wait_state("the report", SOON, |state| {
            state.settings.contacts.is_some()
        })
        .expect("a report");
    let words = state.settings.contacts.unwrap_or_default();
    assert!(words.contains("1 left out"), "{words}");
}

#[test]
fn a_contacts_file_that_is_not_there_is_named_and_calls_go_on() {
    let settings = Settings {
        contacts_file: "/nowhere/contacts.vcf".into(),
        ..Setup::default().settings
    };
    let scene = Scene::start(&Setup {
        settings,
        ..Setup::default()
    })
    .expect("connected all the same");
    let state = scene
        .wait_state("the report", SOON, |state| {
            state.settings.contacts.is_some()
        })
        .expect("a report");
    let words = state.settings.contacts.unwrap_or_default();
    assert!(words.contains("/nowhere/contacts.vcf"), "{words}");
}

#[test]
fn a_second_start_shows_the_first_and_quit_ends_it() {
    let mut scene = Scene::start(&Setup::default()).expect("a scene");
    let (code, _, err) = scene.sidetone(&[]).expect("second start");
    assert_eq!(code, 0, "{err}");
    let (code, out, _) = scene.sidetone(&["--version"]).expect("version");
    assert_eq!(
        (code, out.trim()),
        (0, concat!("sidetone ", env!("CARGO_PKG_VERSION")))
    );
    let (code, _, _) = scene.sidetone(&["quit"]).expect("quit");
    assert_eq!(code, 0);
    scene.agent.wait_ended(SOON).expect("ended");
    let (code, _, err) = scene.sidetone(&["status"]).expect("status");
    assert_eq!(code, 3, "{err}");
}
