//! What the connector writes into a real Tryton, read back by Tryton's own means; and its test on the command line.
#![cfg(target_os = "linux")]

use crm::{CallFacts, CallPerson, Direction, Outcome, Target};
use crm_tests::{connect, fill, named, plan};
use serde_json::{Value, json};
use std::sync::Arc;
use testkit::Tryton;

const NUMBER: &str = "+7 906 219-50-47";

#[tokio::test]
async fn a_person_is_made_only_when_asked_for_and_then_known() {
    let tryton = Tryton::start().expect("Tryton");
    let connector = connect::tryton(&tryton).expect("a connector");
    let source = Arc::new(connector.clone()) as Arc<dyn contacts::Source>;
    assert_eq!(named(&source, NUMBER).await.expect("nobody"), [""; 0]);
    assert_eq!(parties(&tryton), json!([]), "a lookup makes nobody");
    let number = plan().number(NUMBER).expect("a number");
    let fields = [
        ("name".to_owned(), "Ivan Ivanov".to_owned()),
        ("email".to_owned(), "ivan@vektor.example".to_owned()),
    ];
    let made = connector.create(&fields.into(), &number).await;
    let made = made.expect("a party");
    assert_eq!(parties(&tryton)[0]["id"].to_string(), made.record.id);
    assert_eq!(parties(&tryton)[0]["email"], "ivan@vektor.example");
    assert_eq!(named(&source, NUMBER).await.expect("him"), ["Ivan Ivanov"]);
}

#[tokio::test]
async fn a_call_and_a_note_stand_at_the_party_and_are_never_changed() {
    let tryton = Tryton::start().expect("Tryton");
    fill::tryton(&tryton).expect("parties");
    let connector = connect::tryton(&tryton).expect("a connector");
    let number = plan().number(NUMBER).expect("a number");
    let ivan = contacts::Source::look_up(
        &connector,
        &crm_tests::question(NUMBER).expect("a question"),
    )
    .await
    .expect("an answer")
    .remove(0);
    let about = Target {
        person: Some(CallPerson::of(&ivan)),
        user: None,
    };
    let call = |summary: &str| CallFacts {
        id: "call-1".into(),
        direction: Direction::In,
        outcome: Outcome::Answered,
        number: number.clone(),
        line: None,
        extension: Some("101".into()),
        agent: Some("Anna".into()),
        started: 1_767_225_600,
        answered: Some(1_767_225_610),
        ended: Some(1_767_225_675),
        summary: summary.into(),
        note: None,
        record_url: None,
    };
    let log = connector.log_call(&call("Incoming call"), &about).await;
    let log = log.expect("logged").expect("an entry");
    let done = call("Incoming call, 1:05");
    // Tryton lets nobody change a note.
    let changed = connector.update_call(&log, &done, &about).await;
    assert_eq!(changed.expect("no trouble"), None);
    connector
        .note("wants <b>an offer</b>", Some(&log), &done, &about)
        .await
        .expect("a note");
    let party = format!("party.party,{}", ivan.record.id);
    let notes = notes(&tryton, &party);
    assert_eq!(notes, ["Incoming call", "wants <b>an offer</b>"]);
}

#[tokio::test]
async fn the_command_line_tests_the_connector_on_the_real_server() {
    let tryton = Tryton::start().expect("Tryton");
    fill::tryton(&tryton).expect("parties");
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("password");
    let url = format!("base_url={}", tryton.url());
    let with = |password: &str| {
        std::fs::write(&secret, password).expect("a password");
        let secret = format!("password=@{}", secret.display());
        let db = format!("db={}", Tryton::DATABASE);
        let user = format!("user={}", Tryton::USER);
        let words = [
            "test",
            "tryton",
            "--live",
            "--set",
            &url,
            "--set",
            &db,
            "--set",
            &user,
            "--secret",
            &secret,
            "--lookup",
            NUMBER,
            "--country",
            "RU",
        ];
        words.map(str::to_owned).to_vec()
    };
    let report = crm::cli::run(&with(Tryton::PASSWORD)).await;
    assert_eq!(report.code, 0, "{}", report.text);
    assert!(report.text.contains("Ivan Ivanov"), "{}", report.text);
    let report = crm::cli::run(&with("a wrong one")).await;
    assert_eq!(report.code, 1, "{}", report.text);
    assert!(!report.text.contains("a wrong one"), "{}", report.text);
}

fn parties(tryton: &Tryton) -> Value {
    let parameters = json!([[], 0, 100, null, ["rec_name", "email"], {}]);
    tryton
        .call("model.party.party.search_read", &parameters)
        .expect("parties")
}

fn notes(tryton: &Tryton, resource: &str) -> Vec<String> {
    let of_it = json!([["resource", "=", resource]]);
    let parameters = json!([of_it, 0, 100, [["id", "ASC"]], ["message"], {}]);
    let notes = tryton
        .call("model.ir.note.search_read", &parameters)
        .expect("notes");
    let notes = notes.as_array().expect("a list").iter();
    let message = |note: &Value| note["message"].as_str().unwrap_or_default().to_owned();
    notes.map(message).collect()
}
