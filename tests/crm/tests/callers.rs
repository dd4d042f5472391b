//! Who calls, asked of each real server: the right person however his number is written, and nobody else.
#![cfg(target_os = "linux")]

use contacts::Source;
use contacts::carddav::{CardDavConfig, CardDavSource};
use contacts::ldap::{LdapConfig, LdapSource};
use crm_tests::connect::{self, WebhookSample};
use crm_tests::{FIRM, SPELLINGS, fill, knows_its_callers, named, people, plan, question};
use std::sync::Arc;
use std::time::Duration;
use testkit::bitrix::Refusal;
use testkit::{Amagi, Bitrix, Radicale, Slapd, Tryton};

#[tokio::test]
async fn a_directory_of_openldap_knows_its_callers() {
    let slapd = Slapd::start("").expect("slapd");
    fill::slapd(&slapd).expect("people");
    let url = format!("ldap://127.0.0.1:{}", slapd.port());
    let config = LdapConfig {
        bind: Slapd::ADMIN.into(),
        password: Slapd::PASSWORD.into(),
        ..LdapConfig::new("ldap", "Directory", &url, fill::PEOPLE, plan())
    };
    let source = LdapSource::new(config).expect("a source");
    knows_its_callers(Arc::new(source)).await.expect("callers");
}

/// Radicale matches texts letter by letter: the book is read once and looked through here.
#[tokio::test]
async fn an_address_book_of_radicale_knows_its_callers() {
    let radicale = Radicale::start().expect("Radicale");
    fill::radicale(&radicale).expect("a book");
    let config = CardDavConfig {
        user: Radicale::USER.into(),
        password: Radicale::PASSWORD.into(),
        ca_file: Some(radicale.ca_certificate()),
        ..CardDavConfig::new("carddav", "Address book", &radicale.tls_url(), plan())
    };
    let source = CardDavSource::new(config).expect("a source");
    let mut state = source.state();
    let is_read = state.wait_for(|state| state.is_read);
    tokio::time::timeout(Duration::from_secs(60), is_read)
        .await
        .expect("the book within a minute")
        .expect("a state");
    knows_its_callers(Arc::new(source)).await.expect("callers");
}

#[tokio::test]
async fn tryton_knows_its_callers() {
    let tryton = Tryton::start().expect("Tryton");
    fill::tryton(&tryton).expect("parties");
    let connector = connect::tryton(&tryton).expect("a connector");
    knows_its_callers(Arc::new(connector))
        .await
        .expect("callers");
}

#[tokio::test]
async fn a_portal_of_bitrix24_knows_its_callers() {
    let portal = Bitrix::start().expect("a portal");
    fill::bitrix(&portal).expect("contacts");
    let source: Arc<dyn Source> = Arc::new(connect::bitrix(&portal).expect("a connector"));
    knows_its_callers(Arc::clone(&source))
        .await
        .expect("callers");
    let ivan = people(&source, "+79062195047").await.expect("Ivan");
    assert_eq!(ivan[0].owner.as_deref(), Some("Anna Agent"), "{ivan:?}");
    for asked in portal.asked().expect("what was asked") {
        let method = asked["method"].as_str().expect("a method");
        let reads = [".get", ".list", "findbycomm", "searchcrmentities"];
        assert!(
            reads.iter().any(|end| method.ends_with(end)),
            "a lookup only reads: {method}"
        );
    }
}

#[tokio::test]
async fn a_portal_that_wants_fewer_questions_is_asked_again_and_nobody_else_is_named() {
    let portal = Bitrix::start().expect("a portal");
    fill::bitrix(&portal).expect("contacts");
    let source: Arc<dyn Source> = Arc::new(connect::bitrix(&portal).expect("a connector"));
    portal
        .refuse(Refusal::QueryLimit, None, 1)
        .expect("refuse once");
    let names = named(&source, "+79062195047").await.expect("Ivan");
    assert_eq!(names, ["Ivan Ivanov"]);
    portal
        .refuse(Refusal::OperationTime, None, 1000)
        .expect("refuse for long");
    let refused = named(&source, "+74951234567").await.expect_err("refused");
    assert!(!refused.to_string().contains("123"), "no number: {refused}");
    assert!(!refused.to_string().contains("secret"), "{refused}");
}

/// Its search is letter by letter: whom it knows in a spelling that is asked for he is, in others he is nobody.
#[tokio::test]
async fn amagi_crm_never_names_the_wrong_caller() {
    let stored = [
        "+79062195047",
        "8 (906) 219-50-47",
        "+7 (906) 219-50-47",
        "8-906-219-5047",
    ];
    for (at, spelling) in stored.iter().enumerate() {
        let amagi = Amagi::start().expect("amagi-crm");
        for customer in FIRM.iter().filter(|customer| customer.first != "Ivan") {
            amagi
                .add(customer.first, customer.last, customer.number)
                .expect("a contact");
        }
        // Texts that a search letter by letter finds for Ivan's number.
        amagi
            .add("Olga", "Longer", "+790621950471")
            .expect("a contact");
        amagi
            .add("9062195047", "Namesake", "+74950000000")
            .expect("a contact");
        amagi.add("Ivan", "Ivanov", spelling).expect("a contact");
        let source: Arc<dyn Source> = Arc::new(connect::amagi(&amagi).expect("a connector"));
        for caller in SPELLINGS {
            let names = named(&source, caller).await.expect("an answer");
            let is_asked_for = at < 3;
            let who: &[&str] = if is_asked_for { &["Ivan Ivanov"] } else { &[] };
            assert_eq!(names, who, "{caller}, stored as {spelling}");
        }
    }
}

#[tokio::test]
async fn ones_own_program_knows_its_callers() {
    let sample = WebhookSample::start().expect("the sample");
    let connector = connect::webhook(&sample).expect("a connector");
    // Ivan is one of its two people; the others are made as a person would.
    for customer in FIRM.iter().filter(|customer| customer.first != "Ivan") {
        let name = format!("{} {}", customer.first, customer.last);
        let fields = [("name".to_owned(), name)].into();
        let number = question(customer.number).expect("a number").number;
        connector.create(&fields, &number).await.expect("a contact");
    }
    knows_its_callers(Arc::new(connector))
        .await
        .expect("callers");
}
