//! The people of a real OpenLDAP directory, and whose password is right.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::time::Duration;

use people::ldap::{Attributes, Ldap, LdapConfig, LdapError, Security};
use secrecy::SecretString;
use testkit::Slapd;

const ENTRIES: &str = r"
dn: dc=firm,dc=example
objectClass: dcObject
objectClass: organization
o: Firm
dc: firm

dn: ou=people,dc=firm,dc=example
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=firm,dc=example
objectClass: organizationalUnit
ou: groups

dn: cn=small,dc=firm,dc=example
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: small
userPassword: small-secret

dn: uid=anna,ou=people,dc=firm,dc=example
objectClass: inetOrgPerson
uid: anna
cn: Anna Klein
sn: Klein
telephoneNumber: 101
mail: anna@firm.example
userPassword: anna-secret

dn: uid=boris,ou=people,dc=firm,dc=example
objectClass: inetOrgPerson
uid: boris
cn:: 0JHQvtGA0LjRgQ==
sn: B
userPassword: boris-secret

dn: cn=Fax,ou=people,dc=firm,dc=example
objectClass: inetOrgPerson
cn: Fax
sn: Fax

dn: cn=Sales\, East,ou=groups,dc=firm,dc=example
objectClass: groupOfNames
cn: Sales, East
member: uid=anna,ou=people,dc=firm,dc=example
";

#[tokio::test]
async fn everybody_is_read_over_ldaps_starttls_and_on_loopback() {
    let slapd = directory();
    for security in [Security::Ldaps, Security::StartTls, Security::Plain] {
        let ldap = Ldap::new(config(&slapd, security)).expect("settings");
        let people = ldap.people().await.expect("people");
        let [anna, boris] = people.as_slice() else {
            panic!("{security:?}: {people:?}");
        };
        assert_eq!(
            (anna.login.as_str(), anna.name.as_str()),
            ("anna", "Anna Klein")
        );
        assert_eq!(anna.extension.as_deref(), Some("101"));
        assert_eq!(anna.email.as_deref(), Some("anna@firm.example"));
        assert_eq!(anna.groups, ["Sales, East"]);
        assert_eq!(anna.key.len(), 36, "an entryUUID: {}", anna.key);
        assert_eq!(
            (boris.name.as_str(), boris.extension.as_ref()),
            ("Борис", None)
        );
    }
}

#[tokio::test]
async fn only_the_right_password_of_one_person_lets_in() {
    let slapd = directory();
    let ldap = Ldap::new(config(&slapd, Security::Ldaps)).expect("settings");
    let knows = async |login: &str, password: &str| {
        let said = ldap
            .authenticate(login, &SecretString::from(password))
            .await;
        said.expect("an answer").map(|person| person.login)
    };
    assert_eq!(knows("anna", "anna-secret").await.as_deref(), Some("anna"));
    assert_eq!(knows("ANNA", "anna-secret").await.as_deref(), Some("anna"));
    assert_eq!(knows("anna", "boris-secret").await, None);
    assert_eq!(knows("nobody", "anna-secret").await, None);
    // LDAP takes these two for an anonymous bind, and for a filter.
    assert_eq!(knows("anna", "").await, None);
    for login in [
        "*",
        "an*",
        "anna)(uid=*",
        "*)(uid=*))(|(uid=*",
        "anna\0",
        "",
        "uid=anna,ou=people,dc=firm,dc=example",
    ] {
        assert_eq!(knows(login, "anna-secret").await, None, "{login}");
    }
}

#[tokio::test]
async fn two_entries_of_one_login_are_nobody() {
    let slapd = directory();
    slapd
        .add("dn: uid=anna,dc=firm,dc=example\nobjectClass: inetOrgPerson\nuid: anna\ncn: Other\nsn: Other\nuserPassword: other-secret\n")
        .expect("added");
    let ldap = Ldap::new(config(&slapd, Security::Ldaps)).expect("settings");
    let password = SecretString::from("anna-secret");
    let said = ldap.authenticate("anna", &password).await;
    assert_eq!(said.expect("an answer"), None);
}

#[tokio::test]
async fn a_large_directory_comes_in_pages() {
    let slapd = directory();
    let mut ldif = String::new();
    for number in 0..1200 {
        writeln!(
            ldif,
            "dn: uid=p{number},ou=people,dc=firm,dc=example\nobjectClass: inetOrgPerson\nuid: p{number}\ncn: P\nsn: P\n"
        )
        .expect("text");
    }
    slapd.add(&ldif).expect("added");
    let ldap = Ldap::new(config(&slapd, Security::Ldaps)).expect("settings");
    assert_eq!(ldap.people().await.expect("people").len(), 1202);

    let narrow = LdapConfig {
        bind: "cn=small,dc=firm,dc=example".into(),
        password: SecretString::from("small-secret"),
        ..config(&slapd, Security::Ldaps)
    };
    let cut = Ldap::new(narrow).expect("settings").people().await;
    assert!(matches!(cut, Err(LdapError::ServerLimit { .. })), "{cut:?}");
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do() {
    let slapd = directory();
    let good = config(&slapd, Security::Ldaps);
    let said = async |config: LdapConfig| {
        let failed = Ldap::new(config).expect("settings").people().await;
        failed.expect_err("an error").to_string()
    };
    let stranger = said(LdapConfig {
        ca_file: None,
        ..good.clone()
    })
    .await;
    assert!(stranger.contains("cannot be protected"), "{stranger}");
    let password = SecretString::from("wrong");
    let wrong = said(LdapConfig {
        password,
        ..good.clone()
    })
    .await;
    assert_eq!(
        wrong,
        "the directory refused the account cn=admin,dc=firm,dc=example or its password"
    );
    let base = "ou=nowhere,dc=firm,dc=example".to_owned();
    let nowhere = said(LdapConfig {
        base,
        ..good.clone()
    })
    .await;
    assert!(nowhere.contains("has no ou=nowhere"), "{nowhere}");
    let filter = "((".to_owned();
    let filter = said(LdapConfig {
        filter,
        ..good.clone()
    })
    .await;
    assert!(filter.contains("not an LDAP filter"), "{filter}");
    let port = free_port();
    let away = said(LdapConfig {
        port,
        ..good.clone()
    })
    .await;
    assert!(away.contains("does not answer"), "{away}");
    let plain = config(&slapd, Security::Plain);
    drop(slapd);
    let gone = said(plain).await;
    assert!(gone.contains("does not answer"), "{gone}");
}

#[tokio::test]
async fn a_directory_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let slapd = directory();
    let config = LdapConfig {
        port: silent.local_addr().expect("its address").port(),
        deadline: Duration::from_millis(300),
        ..config(&slapd, Security::Plain)
    };
    let late = Ldap::new(config).expect("settings").people().await;
    assert!(matches!(late, Err(LdapError::Late { .. })), "{late:?}");
}

fn directory() -> Slapd {
    let slapd = Slapd::start(
        "limits dn.exact=\"cn=small,dc=firm,dc=example\" size.soft=600 size.hard=600 size.prtotal=600\n\
         access to attrs=userPassword by anonymous auth\naccess to * by * read",
    );
    let slapd = slapd.expect("slapd");
    slapd.add(ENTRIES).expect("entries");
    slapd
}

fn config(slapd: &Slapd, security: Security) -> LdapConfig {
    LdapConfig {
        host: "localhost".into(),
        port: match security {
            Security::Ldaps => slapd.tls_port(),
            Security::StartTls | Security::Plain => slapd.port(),
        },
        security,
        ca_file: Some(slapd.ca_certificate()),
        allow_plain: false,
        bind: Slapd::ADMIN.into(),
        password: SecretString::from(Slapd::PASSWORD),
        base: "dc=firm,dc=example".into(),
        filter: "(objectClass=inetOrgPerson)".into(),
        attributes: Attributes::openldap(),
        deadline: Duration::from_secs(60),
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}
