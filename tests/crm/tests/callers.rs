//! Who calls, asked of each real server: the right person however his number is written, and nobody else.
#![cfg(target_os = "linux")]

use contacts::ldap::{LdapConfig, LdapSource};
use crm_tests::{fill, knows_its_callers, plan};
use std::sync::Arc;
use testkit::Slapd;

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
