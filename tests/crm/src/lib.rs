//! Connectors and contact sources on real CRMs and directories: the firm whose customers each of them knows, and what
//! everybody must answer.
#![cfg(target_os = "linux")]

pub mod connect;
pub mod fill;

use anyhow::{Context as _, Result, ensure};
use contacts::directory::{Directory, Settings};
use contacts::{Question, Source};
use phone_number::{DialPlan, Region};
use std::sync::Arc;
use std::time::Duration;
use wire::{People, Person, SourceState};

/// A customer as a CRM stores him.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Customer {
    pub first: &'static str,
    pub last: &'static str,
    /// As somebody typed it.
    pub number: &'static str,
}

const fn customer(first: &'static str, last: &'static str, number: &'static str) -> Customer {
    Customer {
        first,
        last,
        number,
    }
}

/// Ivan is the one who calls; the others are who a careless search would take him for.
pub const FIRM: [Customer; 6] = [
    customer("Ivan", "Ivanov", "+7 (906) 219-50-47"),
    // Two people at one desk.
    customer("Ada", "Lovelace", "+7 495 123-45-67"),
    customer("Grace", "Hopper", "+7 (495) 123 45 67"),
    // The last seven digits are Ivan's.
    customer("Semyon", "Suffix", "+7 495 219-50-47"),
    // The national digits are Ivan's, in another country.
    customer("Karl", "Weiss", "+49 906 2195047"),
    // One digit is another.
    customer("Nina", "Near", "+7 906 219-50-48"),
];

/// Ivan's number as trunks write it.
pub const SPELLINGS: [&str; 5] = [
    "+79062195047",
    "89062195047",
    "(906) 219-50-47",
    "9062195047",
    "+7 906 219-50-47 ext. 12",
];

/// Who calls, and who that is: nobody else may ever be named.
pub const ASKED: [(&str, &[&str]); 9] = [
    ("+74951234567", &["Ada Lovelace", "Grace Hopper"]),
    ("84951234567", &["Ada Lovelace", "Grace Hopper"]),
    ("+74952195047", &["Semyon Suffix"]),
    ("+499062195047", &["Karl Weiss"]),
    // Parts of numbers that are there, and numbers that have them as a part.
    ("2195047", &[]),
    ("+7906219504", &[]),
    ("+790621950471", &[]),
    ("+19062195047", &[]),
    ("+79990001122", &[]),
];

/// How the firm means numbers without a country.
#[must_use]
pub fn plan() -> DialPlan {
    DialPlan::new(Region::RU)
}

/// Everybody whom the source names for this caller, as the card would; sorted.
///
/// # Errors
/// The words that the card would have instead.
pub async fn named(source: &Arc<dyn Source>, caller: &str) -> Result<Vec<String>> {
    let mut names: Vec<String> = people(source, caller)
        .await?
        .into_iter()
        .map(|person| person.name)
        .collect();
    names.sort();
    Ok(names)
}

/// As [`named`], with all that is known of them.
///
/// # Errors
/// The words that the card would have instead.
pub async fn people(source: &Arc<dyn Source>, caller: &str) -> Result<Vec<Person>> {
    let question = question(caller)?;
    // A new directory has asked nobody before.
    let directory = Directory::new(Settings::new(plan()));
    directory.set_sources(vec![Arc::clone(source)]);
    let until = tokio::time::Instant::now() + Duration::from_secs(60);
    let who = directory.who_until(&question, until).await;
    for report in &who.sources {
        if let SourceState::Failed { words } = &report.state {
            anyhow::bail!("{words}");
        }
        ensure!(report.state != SourceState::Asking, "no answer in a minute");
    }
    Ok(match who.people {
        People::One { person } => vec![person],
        People::Several { people } => people,
        People::Nobody | People::Asking => Vec::new(),
    })
}

/// # Errors
/// The caller has no number.
pub fn question(caller: &str) -> Result<Question> {
    Ok(Question {
        number: plan().number(caller).context("a caller's number")?,
        line: None,
        extension: None,
    })
}

/// The right person for every spelling, several where there are several, and never the wrong one.
///
/// # Errors
/// The first caller of whom the source tells something else.
pub async fn knows_its_callers(source: Arc<dyn Source>) -> Result<()> {
    let ivan: &[&str] = &["Ivan Ivanov"];
    let spellings = SPELLINGS.map(|spelling| (spelling, ivan));
    for (caller, who) in spellings.into_iter().chain(ASKED) {
        let names = named(&source, caller).await?;
        ensure!(names == who, "{caller} is {names:?} and not {who:?}");
    }
    Ok(())
}
