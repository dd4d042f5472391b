//! The simulated portal of Bitrix24 is one that both official SDKs take for real.
#![cfg(target_os = "linux")]

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use testkit::bitrix::Refusal;
use testkit::{Bitrix, npm, python};

const NUMBER: &str = "+79062195047";

#[test]
fn the_official_sdk_for_node_works_with_the_portal() {
    let portal = portal();
    let folder = npm::install("bitrix-sdk", &sources(), "sdk.mjs").expect("the SDK");
    let mut node = Command::new("node");
    node.arg(folder.join("sdk.mjs"))
        .env("NODE_EXTRA_CA_CERTS", portal.ca_certificate());
    assert_eq!(
        told(&mut node, &portal),
        json!({
            "search": ["Иван Иванов"],
            "duplicates": 1,
            "all": 130,
            "pages": [50, 50, 30],
            "batch": "Иван",
            "added": "number",
            "forbidden": "WRONG_AUTH_TYPE",
            "unknown": "ERROR_METHOD_NOT_FOUND",
            "incomplete": "ERROR_ARGUMENT",
        })
    );
}

#[test]
fn the_official_sdk_for_python_works_with_the_portal() {
    let portal = portal();
    let requirements = include_str!("../bitrix/requirements.txt");
    let venv = python::venv("bitrix-sdk", requirements).expect("the SDK");
    let mut python = Command::new(venv.python());
    python
        .arg(sources().join("sdk.py"))
        .env("PYTHONUTF8", "1")
        .env("REQUESTS_CA_BUNDLE", portal.ca_certificate());
    assert_eq!(
        told(&mut python, &portal),
        json!({
            "search": ["Иван Иванов"],
            "duplicates": 1,
            "all": 130,
            "fast": 130,
            "batch": "Иван",
            "users": "101",
            "added": "int",
            "forbidden": "WRONG_AUTH_TYPE",
            "missing": "",
        })
    );
}

#[test]
fn an_sdk_asks_again_when_the_portal_is_asked_too_much() {
    let portal = portal();
    for refusal in [Refusal::QueryLimit, Refusal::OperationTime] {
        let method = "telephony.externalCall.searchCrmEntities";
        portal.refuse(refusal, Some(method), 1).expect("refuse");
        portal.asked().expect("what was asked before");
        let folder = npm::install("bitrix-sdk", &sources(), "sdk.mjs").expect("the SDK");
        let mut node = Command::new("node");
        node.arg(folder.join("sdk.mjs"))
            .env("NODE_EXTRA_CA_CERTS", portal.ca_certificate());
        assert_eq!(told(&mut node, &portal)["search"], json!(["Иван Иванов"]));
        let asked = portal.asked().expect("what was asked");
        let searches = asked
            .iter()
            .filter(|asked| asked["method"] == method.to_lowercase())
            .count();
        assert_eq!(searches, 2, "{refusal:?}");
    }
}

/// 130 contacts, one of them with the number, and a colleague at 101.
fn portal() -> Bitrix {
    let portal = Bitrix::start().expect("a portal");
    let user = json!({ "NAME": "Anna", "LAST_NAME": "Klein", "UF_PHONE_INNER": "101" });
    portal.add_user(&user).expect("a user");
    portal
        .add_contact("Иван", "Иванов", &[NUMBER])
        .expect("a contact");
    for number in 0..129 {
        let phone = format!("+7495000{number:04}");
        portal
            .add_contact("Customer", &number.to_string(), &[&phone])
            .expect("a contact");
    }
    portal
}

fn told(program: &mut Command, portal: &Bitrix) -> Value {
    let output = program
        .arg(portal.webhook())
        .arg(NUMBER)
        .output()
        .expect("run the SDK");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bitrix")
}
