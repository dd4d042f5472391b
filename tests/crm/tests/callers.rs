//! Who calls, asked of each real server: the right person however his number is written, and nobody else.
#![cfg(target_os = "linux")]

use contacts::carddav::{CardDavConfig, CardDavSource};
use contacts::ldap::{LdapConfig, LdapSource};
use crm_tests::{fill, knows_its_callers, plan};
use std::sync::Arc;
use std::time::Duration;
use testkit::{Radicale, Slapd};

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
