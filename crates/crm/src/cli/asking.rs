//! `--live`: a real CRM is asked, and what comes is told in words that help to write the file.

use super::Wanted;
use crate::{Connector, File, Options, Values, cases::live, connector::MOST_ROWS, notes::Note};
use contacts::{Person, Question, Source as _, SourceError};
use phone_number::{DialPlan, PhoneNumber};
use std::{fmt::Write as _, sync::Arc};
use tokio::time::Instant;

/// The prefix of variables that hold secrets.
const VARIABLE: &str = "SIDETONE_CONNECTOR_";
const MOST_FOUND: usize = 10;
/// Digits of the number that nobody has which are other than the caller's.
const CHANGED: usize = 7;

/// Whether all is well.
pub(super) async fn ask(file: &Arc<File>, mut wanted: Wanted, text: &mut String) -> bool {
    let open = in_the_open(file, &mut wanted.values, text);
    take_from_environment(file, &mut wanted);
    let country = wanted.country.unwrap_or(file.setup.country);
    let options = Options::new(DialPlan::new(country));
    let connector = match file.connector(&wanted.values, &wanted.secrets, options) {
        Ok(connector) if open.is_empty() => connector,
        Ok(_) => return false,
        Err(wrong) => {
            for (param, words) in wrong.iter().filter(|(param, _)| !open.contains(param)) {
                let option = match file.is_secret(param) {
                    true => format!("--secret {param}=@FILE"),
                    false => format!("--set {param}=…"),
                };
                let _ = writeln!(text, "FAIL {option}: {words}");
            }
            return false;
        }
    };
    let mut is_well = tests(&connector, text).await;
    let mut is_stranger_asked = false;
    for number in &wanted.lookups {
        match look_up(&connector, number, text).await {
            Some(number) if !is_stranger_asked => {
                is_stranger_asked = true;
                is_well &= look_up_nobody(&connector, &number, text).await;
            }
            Some(_) => {}
            None => is_well = false,
        }
    }
    for name in &wanted.finds {
        connector.0.notes.begin();
        let started = Instant::now();
        let found = connector.find(name, MOST_FOUND).await;
        let notes = connector.0.notes.take();
        is_well &= told(name, &found, &notes, started, text);
    }
    is_well
}

/// Takes out the secrets that stand in the command, where everybody on the machine can read them.
fn in_the_open(file: &File, values: &mut Values, text: &mut String) -> Vec<String> {
    let names = values.keys().filter(|name| file.is_secret(name));
    let names: Vec<String> = names.cloned().collect();
    for name in &names {
        values.remove(name);
        let _ = writeln!(
            text,
            "FAIL --set {name}=…: this is a secret; put it into a file and use --secret {name}=@FILE"
        );
    }
    names
}

fn take_from_environment(file: &File, wanted: &mut Wanted) {
    for param in file.params() {
        let variable = format!("{VARIABLE}{}", param.name.to_uppercase());
        if let (true, Ok(secret)) = (file.is_secret(&param.name), std::env::var(&variable)) {
            let entry = wanted.secrets.entry(param.name);
            entry.or_insert_with(|| secret.into());
        }
    }
}

/// The file's tests, and its cases that are marked so.
async fn tests(connector: &Connector, text: &mut String) -> bool {
    let mut is_well = true;
    for finding in connector.test().await {
        let word = if finding.passed { "ok  " } else { "FAIL" };
        let (title, words, took) = (finding.title, finding.words, finding.took_ms);
        let _ = writeln!(text, "{word} {title}: {words} ({took} ms)");
        is_well &= finding.passed;
    }
    for result in live(connector).await {
        let _ = writeln!(text, "{result}");
        is_well &= result.passed();
    }
    is_well
}

/// The number, if the CRM answered.
async fn look_up(connector: &Connector, number: &str, text: &mut String) -> Option<PhoneNumber> {
    let parsed = match connector.0.options.plan.number(number) {
        Ok(parsed) => parsed,
        Err(error) => {
            let _ = writeln!(text, "FAIL {number}: {error}");
            return None;
        }
    };
    let started = Instant::now();
    let (found, notes) = asked(connector, parsed.clone()).await;
    told(number, &found, &notes, started, text).then_some(parsed)
}

async fn asked(
    connector: &Connector,
    number: PhoneNumber,
) -> (Result<Vec<Person>, SourceError>, Vec<Note>) {
    let question = Question {
        number,
        line: None,
        extension: None,
    };
    connector.0.notes.begin();
    let found = connector.look_up(&question).await;
    (found, connector.0.notes.take())
}

/// A CRM that does not know a parameter often answers as if it were not there: with everybody.
async fn look_up_nobody(connector: &Connector, like: &PhoneNumber, text: &mut String) -> bool {
    let Some(number) = nobodys(connector, like) else {
        return true;
    };
    let what = format!("{number}, which nobody has");
    let (found, notes) = asked(connector, number).await;
    let rows = notes.iter().map(|note| note.rows).max().unwrap_or_default();
    let (word, words) = met(&found, rows);
    let _ = writeln!(text, "{word} {what}: {words}");
    word != "FAIL"
}

/// What came for a number that nobody has: how bad that is, and what to do.
fn met(found: &Result<Vec<Person>, SourceError>, rows: usize) -> (&'static str, String) {
    match found {
        Ok(people) if !people.is_empty() => (
            "FAIL",
            format!(
                "{} found; the CRM answers whatever is asked, and “verify” lets it through: see the names in “request”",
                people.len()
            ),
        ),
        Ok(_) if rows == 0 => ("ok  ", "0 found".into()),
        Ok(_) => (
            "WARN",
            format!(
                "{} came, and all were dropped; perhaps the CRM does not know the parameter and answers with everybody: see the names in “request”",
                if rows == 1 {
                    "1 row".into()
                } else {
                    format!("{rows} rows")
                }
            ),
        ),
        Err(error) if rows == 0 => (
            "WARN",
            format!(
                "{error}; if the CRM says so that there is nobody, write its status into the request, as empty = [404]"
            ),
        ),
        Err(error) => ("WARN", format!("{error}: see the names in “request”")),
    }
}

/// One of the same country and kind, so that it is asked in the same spellings.
fn nobodys(connector: &Connector, like: &PhoneNumber) -> Option<PhoneNumber> {
    let known = like.e164()?;
    let kept = known.len().checked_sub(CHANGED)?;
    let (start, end) = known.split_at_checked(kept)?;
    let other = |digit: char| match digit.to_digit(10) {
        Some(digit) => char::from_digit((digit + 5) % 10, 10).unwrap_or('5'),
        None => digit,
    };
    let text = format!("{start}{}", end.chars().map(other).collect::<String>());
    connector.0.options.plan.number(&text).ok()
}

/// Whether the CRM answered.
fn told(
    asked: &str,
    found: &Result<Vec<Person>, SourceError>,
    notes: &[Note],
    started: Instant,
    text: &mut String,
) -> bool {
    let took = started.elapsed().as_millis();
    let people = match found {
        Ok(people) => people.as_slice(),
        Err(error) => {
            let _ = writeln!(text, "FAIL {asked}: {error}");
            why_nobody(notes, text);
            return false;
        }
    };
    let _ = writeln!(text, "ok   {asked}: {} found ({took} ms)", people.len());
    if people.is_empty() {
        why_nobody(notes, text);
        hint(notes, text);
    }
    let most = notes.iter().map(|note| note.rows).max();
    if let Some(rows) = most.filter(|rows| *rows > MOST_ROWS) {
        let _ = writeln!(
            text,
            "       {rows} rows came; only the first {MOST_ROWS} are looked at"
        );
    }
    for person in people {
        show(person, text);
    }
    true
}

/// Each spelling that was asked, and what became of it.
fn why_nobody(notes: &[Note], text: &mut String) {
    for note in notes {
        let Note { spelling, why, .. } = note;
        let why = why.as_deref().unwrap_or("somebody was found");
        let _ = writeln!(text, "       {spelling}: {why}");
    }
}

fn hint(notes: &[Note], text: &mut String) {
    let words = match (notes.is_empty(), notes.iter().all(Note::is_silence)) {
        (true, _) => {
            "nothing was asked: there is no [[lookup]] or [[find]], its “when” is not true, or the number has none of the spellings in “numbers”"
        }
        (false, true) => "if somebody is there, try another spelling in “numbers”",
        (false, false) => return,
    };
    let _ = writeln!(text, "       {words}");
}

fn show(person: &Person, text: &mut String) {
    let company = person.company.iter().map(|company| format!(", {company}"));
    let company: String = company.collect();
    let _ = writeln!(text, "       {}{company}", person.name);
    let owner = person.owner.iter().map(|owner| format!("owner: {owner}"));
    let facts = person.facts.iter();
    let facts = facts.map(|fact| format!("{}: {}", fact.label, fact.value));
    let lines = owner.chain(person.email.clone()).chain(facts);
    for line in lines.chain(person.url.clone()) {
        let _ = writeln!(text, "         {line}");
    }
}
