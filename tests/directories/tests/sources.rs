//! Real directories among the sources: each asked once, what one lacks told by the other, news told at once.

use std::sync::Arc;
use std::time::Duration;

use contacts::carddav::{CardDavConfig, CardDavSource};
use contacts::directory::Settings;
use contacts::ldap::{LdapConfig, LdapSource};
use contacts::{Directory, Question, Source};
use phone_number::{DialPlan, Region};
use secrecy::SecretString;
use testkit::{Radicale, Slapd};
use tokio::time::{Instant, timeout};
use wire::{People, SourceState};

/// The machine may be busy.
const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_card_says_who_and_where_it_is_known_from_and_changes_with_the_address_book() {
    let mut slapd = Slapd::start("").expect("slapd");
    slapd.add(PEOPLE).expect("entries");
    let radicale = Radicale::start().expect("Radicale");
    radicale
        .put("/anna/book/", &card("eve", "Eve", "8 (495) 111-22-33"))
        .expect("stored");
    let (ldap, cards) = (ldap(&slapd), Arc::new(cards(&radicale)));
    let directory = Directory::new(Settings::new(plan()));
    directory.set_sources(vec![ldap, cards.clone()]);

    let anna = answered(&directory, "+79062195047").await;
    assert_eq!(one(&anna.people), ("Anna", "Directory"));
    assert_eq!(anna.sources.len(), 2);
    let eve = answered(&directory, "+74951112233").await;
    assert_eq!(one(&eve.people), ("Eve", "Cards"));
    assert_eq!(
        answered(&directory, "+79062195040").await.people,
        People::Nobody
    );

    // A hundred phones ring, and one question goes to the directory.
    let before = directory.counts().asked;
    for call in 0..100 {
        let _ = directory.who(&question("+74957654321"), Some(&call.to_string()));
    }
    answered(&directory, "+74957654321").await;
    assert_eq!(directory.counts().asked, before + 1);

    // Somebody writes that number into the address book while the phone rings.
    let mut news = directory.listen();
    radicale
        .put(
            "/anna/book/new.vcf",
            &card("new", "Newcomer", "+7 495 765-43-21"),
        )
        .expect("stored");
    cards.refresh();
    let known = async {
        loop {
            let who = directory.who(&question("+74957654321"), Some("1"));
            if who.people.one().is_some() {
                break who;
            }
            news.changed().await;
        }
    };
    let known = timeout(LIMIT, known).await.expect("news in time");
    assert_eq!(one(&known.people), ("Newcomer", "Cards"));

    // One of them away hides nothing of the other.
    slapd.kill();
    radicale
        .put(
            "/anna/book/last.vcf",
            &card("last", "Last", "+7 495 765-00-00"),
        )
        .expect("stored");
    let mut state = cards.state();
    let readings = state.borrow().readings;
    cards.refresh();
    let read = state.wait_for(|state| state.readings > readings);
    drop(
        timeout(LIMIT, read)
            .await
            .expect("in time")
            .expect("a state"),
    );
    let last = answered(&directory, "+74957650000").await;
    assert_eq!(one(&last.people), ("Last", "Cards"));
    let failed = last
        .sources
        .iter()
        .find(|report| report.source == "Directory");
    let state = failed.map(|report| report.state.clone());
    assert!(
        matches!(&state, Some(SourceState::Failed { words }) if words.contains("does not answer")),
        "{state:?}"
    );
}

const PEOPLE: &str = "dn: dc=firm,dc=example
objectClass: dcObject
objectClass: organization
o: Firm
dc: firm

dn: cn=Anna,dc=firm,dc=example
objectClass: inetOrgPerson
cn: Anna
sn: Anna
mobile: 8 (906) 219-50-47
";

fn plan() -> DialPlan {
    DialPlan::new(Region::RU)
}

fn ldap(slapd: &Slapd) -> Arc<dyn Source> {
    let url = format!("ldap://127.0.0.1:{}", slapd.port());
    let config = LdapConfig {
        bind: Slapd::ADMIN.into(),
        password: SecretString::from(Slapd::PASSWORD),
        deadline: LIMIT,
        ..LdapConfig::new("ldap", "Directory", &url, "dc=firm,dc=example", plan())
    };
    Arc::new(LdapSource::new(config).expect("settings"))
}

fn cards(radicale: &Radicale) -> CardDavSource {
    let config = CardDavConfig {
        user: Radicale::USER.into(),
        password: SecretString::from(Radicale::PASSWORD),
        ..CardDavConfig::new("cards", "Cards", &radicale.url(), plan())
    };
    CardDavSource::new(config).expect("settings")
}

fn card(uid: &str, name: &str, number: &str) -> String {
    format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:{name};;;;\r\nTEL:{number}\r\nEND:VCARD\r\n"
    )
}

fn question(number: &str) -> Question {
    Question {
        number: plan().number(number).expect("a number"),
        line: None,
        extension: None,
    }
}

async fn answered(directory: &Directory, number: &str) -> contacts::Who {
    let question = question(number);
    directory.who_until(&question, Instant::now() + LIMIT).await
}

fn one(people: &People) -> (&str, &str) {
    let person = people.one().unwrap_or_else(|| panic!("{people:?}"));
    (&person.name, &person.source)
}
