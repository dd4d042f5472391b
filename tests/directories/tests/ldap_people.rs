//! Who calls, asked of a real OpenLDAP directory: every spelling, and never the wrong person.

use std::fmt::Write as _;
use std::time::Duration;

use contacts::ldap::{LdapConfig, LdapSource};
use contacts::{Person, Question, Source, SourceErrorKind};
use phone_number::{DialPlan, Region};
use secrecy::SecretString;
use testkit::Slapd;

/// The same number, as five people have written it; the fifth has an extension.
const SPELLINGS: [(&str, &str); 5] = [
    ("Plus", "+79062195047"),
    ("Eight", "89062195047"),
    ("Brackets", "(906) 219-50-47"),
    ("Spaces", "906 219 50 47"),
    ("Extension", "+7 906 219-50-47 ext. 12"),
];

#[tokio::test]
async fn every_spelling_is_found_by_every_spelling() {
    let slapd = directory();
    let ldap = source(&slapd);
    for (name, number) in SPELLINGS {
        slapd.add(&person(name, number, "")).expect("added");
    }
    // A part of it, and one that holds it.
    slapd.add(&person("Part", "219-50-47", "")).expect("added");
    slapd
        .add(&person("Longer", "+7 906 219-50-471", ""))
        .expect("added");
    slapd
        .add(&person("Between", "+7 2199 5047 111", ""))
        .expect("added");
    for asked in [
        "+79062195047",
        "89062195047",
        "(906) 219-50-47",
        "9062195047",
    ] {
        assert_eq!(
            names(&who(&ldap, asked).await),
            ["Brackets", "Eight", "Extension", "Plus", "Spaces"],
            "{asked}"
        );
    }
    // Another extension of that line is another person.
    let twelve = names(&who(&ldap, "+79062195047 ext. 12").await);
    assert!(twelve.contains(&"Extension".to_owned()), "{twelve:?}");
    let thirteen = names(&who(&ldap, "+79062195047 ext. 13").await);
    assert!(!thirteen.contains(&"Extension".to_owned()), "{thirteen:?}");
}

#[tokio::test]
async fn nobody_one_and_two_are_told_as_they_are() {
    let slapd = directory();
    let ldap = source(&slapd);
    let more = "o: Roofs & Sons\ntitle: Buyer\nmail: anna@roofs.example\n";
    slapd
        .add(&person("Anna", "+44 20 7946 0958", more))
        .expect("added");
    slapd
        .add(&person("Reception", "+44 20 7946 0000", ""))
        .expect("added");
    slapd
        .add(&person("Night desk", "+442079460000", ""))
        .expect("added");
    slapd.add(&person("Inside", "101", "")).expect("added");

    let found = who(&ldap, "+442079460958").await;
    let [anna] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(anna.company.as_deref(), Some("Roofs & Sons"));
    assert_eq!(anna.email.as_deref(), Some("anna@roofs.example"));
    assert_eq!(anna.facts[0].value, "Buyer");
    assert_eq!(
        (anna.record.source.as_str(), anna.record.id.len()),
        ("ldap", 36)
    );
    let asked = ldap.by_record(&anna.record).expect("can be asked").await;
    assert_eq!(asked.as_ref(), Ok(&Some(anna.clone())));
    let gone = wire::Record {
        id: anna.record.id.replace('0', "1").replace('a', "b"),
        ..anna.record.clone()
    };
    let asked = ldap.by_record(&gone).expect("can be asked").await;
    assert_eq!(asked, Ok(None));
    assert_eq!(
        names(&who(&ldap, "+442079460000").await),
        ["Night desk", "Reception"]
    );
    assert_eq!(names(&who(&ldap, "+442079461111").await), [""; 0]);
    assert_eq!(names(&who(&ldap, "101").await), ["Inside"]);
    assert_eq!(names(&who(&ldap, "10").await), [""; 0]);
    assert_eq!(names(&who(&ldap, "*").await), [""; 0]);
}

#[tokio::test]
async fn people_are_found_by_name_company_mail_and_number() {
    let slapd = directory();
    let ldap = source(&slapd);
    let more = "o: Roofs (East)*\nmail: anna@roofs.example\n";
    slapd
        .add(&person("Klein, Anna", "8 906 219-50-47", more))
        .expect("added");
    slapd
        .add(&person("Annabel Gross", "+7 916 000-00-00", ""))
        .expect("added");
    for (text, expected) in [
        ("ann", vec!["Annabel Gross", "Klein, Anna"]),
        ("anna klein", vec!["Klein, Anna"]),
        ("roofs (e", vec!["Klein, Anna"]),
        ("(East)*", vec!["Klein, Anna"]),
        ("anna@roofs", vec!["Klein, Anna"]),
        ("+7 (906) 2195047", vec!["Klein, Anna"]),
        ("219-50", vec!["Klein, Anna"]),
        ("*", vec![]),
        ("**", vec![]),
        (")(cn=*", vec![]),
        ("a", vec![]),
    ] {
        let found = ldap.find(text, 10).await.expect("an answer");
        let found: Vec<&str> = found.iter().map(|person| person.name.as_str()).collect();
        assert_eq!(found, expected, "{text}");
    }
    assert_eq!(ldap.find("ann", 1).await.expect("an answer").len(), 1);
}

#[tokio::test]
async fn hostile_entries_are_text() {
    let slapd = directory();
    let ldap = source(&slapd);
    // <img src=x onerror=alert(1)>, a bell, and a mark that turns the writing round.
    let name = "PGltZyBzcmM9eCBvbmVycm9yPWFsZXJ0KDEpPgfigK4=";
    slapd
        .add(&format!(
            "dn: uid=eve,ou=people,dc=firm,dc=example\nobjectClass: inetOrgPerson\nuid: eve\nsn: E\ncn:: {name}\n\
             mobile: +79062195047\no: {}\n",
            "x".repeat(100_000)
        ))
        .expect("added");
    let found = who(&ldap, "+79062195047").await;
    let [eve] = found.as_slice() else {
        panic!("{}", found.len());
    };
    assert_eq!(eve.name, "<img src=x onerror=alert(1)>");
    assert!(
        eve.company
            .as_ref()
            .is_some_and(|company| company.len() <= 120)
    );
    assert_eq!(eve.url, None);
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do() {
    let slapd = directory();
    let good = config(&slapd);
    let said = async |config: LdapConfig| {
        let ldap = LdapSource::new(config).expect("settings");
        let tested = ldap.test().await.expect_err("an error");
        let asked = ldap.look_up(&question("+79062195047")).await;
        (tested, asked)
    };
    let (wrong, asked) = said(LdapConfig {
        password: SecretString::from("wrong"),
        ..good.clone()
    })
    .await;
    assert_eq!(wrong.kind, SourceErrorKind::Login);
    assert_eq!(
        wrong.words,
        "the directory refused the account cn=admin,dc=firm,dc=example or its password"
    );
    assert_eq!(asked, Err(wrong));

    let stranger = directory();
    let ca_file = Some(stranger.ca_certificate());
    let by_start_tls = LdapConfig {
        url: format!("ldap://localhost:{}", slapd.port()),
        start_tls: true,
        ..good.clone()
    };
    let ldap = LdapSource::new(by_start_tls.clone()).expect("settings");
    assert_eq!(
        ldap.test().await.map_err(|nobody| nobody.kind),
        Err(SourceErrorKind::Broken)
    );
    slapd.add(&person("Anna", "101", "")).expect("added");
    ldap.test().await.expect("somebody, by StartTLS");
    for config in [good.clone(), by_start_tls] {
        let ca_file = ca_file.clone();
        let (foreign, _) = said(LdapConfig { ca_file, ..config }).await;
        assert_eq!(foreign.kind, SourceErrorKind::Broken);
        assert!(foreign.words.contains("cannot be protected"), "{foreign}");
    }
    let (system, _) = said(LdapConfig {
        ca_file: None,
        ..good.clone()
    })
    .await;
    assert!(system.words.contains("cannot be protected"), "{system}");

    let (nowhere, _) = said(LdapConfig {
        base: "ou=nowhere,dc=firm,dc=example".into(),
        ..good.clone()
    })
    .await;
    assert!(nowhere.words.contains("has no ou=nowhere"), "{nowhere}");
    let (filter, _) = said(LdapConfig {
        filter: "((".into(),
        ..good.clone()
    })
    .await;
    assert!(filter.words.contains("not an LDAP filter"), "{filter}");
    let (empty, asked) = said(LdapConfig {
        filter: "(uid=nobody)".into(),
        ..good.clone()
    })
    .await;
    assert!(empty.words.contains("finds nobody"), "{empty}");
    assert_eq!(asked, Ok(Vec::new()));
}

#[tokio::test]
async fn a_line_that_broke_is_opened_again_by_the_next_question() {
    let mut slapd = directory();
    slapd
        .add(&person("Anna", "+79062195047", ""))
        .expect("added");
    let mut config = config(&slapd);
    for url in [
        format!("ldap://127.0.0.1:{}", slapd.port()),
        format!("ldaps://localhost:{}", slapd.tls_port()),
    ] {
        config.url = url;
        let ldap = LdapSource::new(config.clone()).expect("settings");
        assert_eq!(names(&who(&ldap, "+79062195047").await), ["Anna"]);
        slapd.kill();
        let away = ldap.look_up(&question("+79062195047")).await;
        let away = away.expect_err("an error");
        assert_eq!(away.kind, SourceErrorKind::Away, "{away}");
        assert!(away.words.contains("does not answer"), "{away}");
        slapd.start_again().expect("started");
        assert_eq!(names(&who(&ldap, "+79062195047").await), ["Anna"]);
        // Restarted between two questions, which nobody noticed.
        slapd.start_again().expect("started");
        assert_eq!(names(&who(&ldap, "+79062195047").await), ["Anna"]);
    }
}

#[tokio::test]
async fn many_questions_at_once_are_all_answered() {
    let slapd = directory();
    slapd
        .add(&person("Anna", "+79062195047", ""))
        .expect("added");
    let ldap = source(&slapd);
    let question = question("+79062195047");
    let asked = (0..50).map(|_| ldap.look_up(&question));
    for found in futures_util::future::join_all(asked).await {
        assert_eq!(names(&found.expect("an answer")), ["Anna"]);
    }
}

#[tokio::test]
async fn a_directory_that_says_nothing_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("its address").port();
    let slapd = directory();
    let ldap = LdapSource::new(LdapConfig {
        url: format!("ldap://127.0.0.1:{port}"),
        deadline: Duration::from_millis(300),
        ..config(&slapd)
    });
    let ldap = ldap.expect("settings");
    let late = ldap.look_up(&question("+79062195047")).await;
    let late = late.expect_err("an error");
    assert_eq!(late.kind, SourceErrorKind::TooSlow, "{late}");
}

#[tokio::test]
async fn what_came_before_the_size_limit_counts() {
    let slapd = directory();
    slapd
        .add(&person("Anna", "+79062195047", ""))
        .expect("added");
    // All end alike, and none is the number that is asked for.
    let mut others = String::new();
    for other in 0..30 {
        others += &person(
            &format!("P{other:02}"),
            &format!("+4930{other:02}2195047"),
            "",
        );
    }
    slapd.add(&others).expect("added");
    let ldap = LdapSource::new(LdapConfig {
        bind: "cn=small,dc=firm,dc=example".into(),
        password: SecretString::from("small-secret"),
        ..config(&slapd)
    });
    let ldap = ldap.expect("settings");
    assert_eq!(names(&who(&ldap, "+79062195047").await), ["Anna"]);
    let cut = ldap.look_up(&question("+4930992195047")).await;
    let cut = cut.expect_err("an error");
    assert!(cut.words.contains("20 entries and no more"), "{cut}");
    assert_eq!(ldap.find("p0", 10).await.expect("an answer").len(), 10);
}

fn directory() -> Slapd {
    let slapd = Slapd::start(
        "limits dn.exact=\"cn=small,dc=firm,dc=example\" size.soft=20 size.hard=20\n\
         access to attrs=userPassword by anonymous auth\naccess to * by * read",
    );
    let slapd = slapd.expect("slapd");
    slapd
        .add(
            "dn: dc=firm,dc=example\nobjectClass: dcObject\nobjectClass: organization\no: Firm\ndc: firm\n\n\
             dn: ou=people,dc=firm,dc=example\nobjectClass: organizationalUnit\nou: people\n\n\
             dn: cn=small,dc=firm,dc=example\nobjectClass: organizationalRole\n\
             objectClass: simpleSecurityObject\ncn: small\nuserPassword: small-secret\n",
        )
        .expect("entries");
    slapd
}

fn person(name: &str, number: &str, more: &str) -> String {
    let mut ldif = String::new();
    let dn = name.replace(',', "\\,");
    writeln!(
        ldif,
        "dn: cn={dn},ou=people,dc=firm,dc=example\nobjectClass: inetOrgPerson\ncn: {name}\nsn: {name}\n\
         telephoneNumber: {number}\n{more}"
    )
    .expect("text");
    ldif
}

fn config(slapd: &Slapd) -> LdapConfig {
    let url = format!("ldaps://localhost:{}", slapd.tls_port());
    let plan = DialPlan::new(Region::RU);
    LdapConfig {
        ca_file: Some(slapd.ca_certificate()),
        bind: Slapd::ADMIN.into(),
        password: SecretString::from(Slapd::PASSWORD),
        // The machine may be busy.
        deadline: Duration::from_secs(60),
        ..LdapConfig::new("ldap", "Directory", &url, "dc=firm,dc=example", plan)
    }
}

fn source(slapd: &Slapd) -> LdapSource {
    LdapSource::new(config(slapd)).expect("settings")
}

fn question(number: &str) -> Question {
    Question {
        number: DialPlan::new(Region::RU).number(number).expect("a number"),
        line: None,
        extension: None,
    }
}

async fn who(ldap: &LdapSource, number: &str) -> Vec<Person> {
    ldap.look_up(&question(number)).await.expect("an answer")
}

fn names(people: &[Person]) -> Vec<String> {
    let mut names: Vec<String> = people.iter().map(|person| person.name.clone()).collect();
    names.sort();
    names
}
