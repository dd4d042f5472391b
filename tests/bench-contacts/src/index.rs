//! A million numbers in memory: load, memory, lookup, beside a sorted list of integers and a map of texts.

use crate::{
    counting,
    made_up::{self, PEOPLE},
    sample::{CALLS, ROUNDS, Sample, in_turns},
    table::{Row, Table},
};
use anyhow::{Context as _, Result, ensure};
use contacts::{Book, BookSource, Directory, Match, Question, directory::Settings, watch::Watched};
use phone_number::{DialPlan, PhoneNumber, Region};
use std::{collections::HashMap, path::Path, sync::Arc, time::Instant};
use tokio::sync::watch;

const NUMBERS: usize = 1_000_000;
const WANTED_MEMORY: f64 = 100.0;
const WANTED_LOOKUP: f64 = 5.0;

/// What a program would have that wants nothing but to know who has a number.
struct Bare {
    integers: Vec<u64>,
    texts: HashMap<String, u32>,
}

/// A number in every form in which somebody is asked for it; made beforehand.
struct Asked {
    number: PhoneNumber,
    integer: u64,
    text: String,
}

pub(crate) fn run(table: &mut Table) -> Result<()> {
    let plan = DialPlan::new(Region::RU);
    // The numbering plans stay for the whole process and belong to no book.
    plan.number("+7 906 219-50-47").context("read a number")?;
    let book = load(&plan, table)?;
    let (bare, kept_by_integers, kept_by_texts) = bare();
    let everybody = (0..ROUNDS * CALLS).map(|call| call * 31 % PEOPLE);
    let (hits, misses, national) = asked(&plan, everybody)?;
    let beside = format!(
        "beside it: sorted integers {:.0} MB, map of texts {:.0} MB, without people",
        kept_by_integers as f64 / 1e6,
        kept_by_texts as f64 / 1e6
    );
    table.note(&beside);
    compare(
        "lookup of a number that somebody has",
        &book,
        &bare,
        &hits,
        true,
        table,
    )?;
    compare(
        "lookup of a number that nobody has",
        &book,
        &bare,
        &misses,
        false,
        table,
    )?;
    compare_national(&book, &national, table)?;
    card(book, &hits, table)
}

/// All that a ring costs where the book is the source: asked, verified, cleaned, with a report.
fn card(book: Book, asked: &[Asked], table: &mut Table) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let _entered = runtime.enter();
    let watched = Watched {
        book: Arc::new(book),
        is_settled: true,
        ..Watched::default()
    };
    let (_sender, watched) = watch::channel(Arc::new(watched));
    let book = BookSource::new("book".to_owned(), "people.csv".to_owned(), watched);
    let directory = Directory::new(Settings::new(DialPlan::new(Region::RU)));
    directory.set_sources(vec![Arc::new(book)]);
    let questions: Vec<Question> = asked
        .iter()
        .map(|asked| Question {
            number: asked.number.clone(),
            line: None,
            extension: None,
        })
        .collect();
    let is_known = |question: &Question| directory.who(question, None).people.one().is_some();
    ensure!(
        questions.iter().all(is_known),
        "a number of the book is not known"
    );
    let [ours] = in_turns(&questions, [&is_known]);
    table.add(Row {
        goal: "-".to_owned(),
        missed: false,
        ..row("a whole card of it, from all sources", &ours, String::new())
    });
    Ok(())
}

fn load(plan: &DialPlan, table: &mut Table) -> Result<Book> {
    let text = made_up::table();
    let start = Instant::now();
    let (parsed, kept, most) =
        counting::kept_by(|| Book::parse(text.as_bytes(), Path::new("people.csv"), plan));
    let elapsed = start.elapsed().as_secs_f64();
    let (book, report) = parsed.context("read the made-up book")?;
    ensure!(report.numbers >= NUMBERS && report.skipped == 0, "{report}");
    let (kept, most) = (kept as f64 / 1e6, most as f64 / 1e6);
    table.add(Row {
        what: format!(
            "load {} numbers of {} people",
            report.numbers, report.entries
        ),
        goal: "-".to_owned(),
        median: format!("{elapsed:.1} s"),
        spread: "one run".to_owned(),
        beside: format!(
            "a table of {:.0} MB, at most {most:.0} MB beside it",
            text.len() as f64 / 1e6
        ),
        missed: false,
    });
    table.add(Row {
        what: "memory of it, with name, company, note, e-mail".to_owned(),
        goal: format!("≤ {WANTED_MEMORY} MB"),
        median: format!("{kept:.1} MB"),
        spread: format!("{:.0} bytes a number", kept * 1e6 / report.numbers as f64),
        beside: String::new(),
        missed: kept > WANTED_MEMORY,
    });
    Ok(book)
}

fn bare() -> (Bare, usize, usize) {
    let texts = || {
        let mobiles = (0..PEOPLE).map(made_up::mobile);
        let works = (0..PEOPLE / 2).map(|person| format!("+7495{person:07}"));
        mobiles.chain(works)
    };
    let (integers, kept_by_integers, _) = counting::kept_by(|| {
        let mut integers: Vec<u64> = texts().filter_map(|text| integer(&text)).collect();
        integers.sort_unstable();
        integers
    });
    let (texts, kept_by_texts, _) =
        counting::kept_by(|| texts().zip(0..).collect::<HashMap<String, u32>>());
    (Bare { integers, texts }, kept_by_integers, kept_by_texts)
}

fn integer(e164: &str) -> Option<u64> {
    e164.trim_start_matches('+').parse().ok()
}

/// Numbers that somebody has, that nobody has, and that somebody has in a country that is not told.
fn asked(
    plan: &DialPlan,
    people: impl Iterator<Item = usize>,
) -> Result<(Vec<Asked>, Vec<Asked>, Vec<PhoneNumber>)> {
    // Russia's numbers mean nothing there.
    let abroad = DialPlan::new("IT".parse().context("know Italy")?);
    let (mut hits, mut misses, mut national) = (Vec::new(), Vec::new(), Vec::new());
    for person in people.step_by(10) {
        hits.push(asked_as(plan, &made_up::mobile(person))?);
        misses.push(asked_as(plan, &made_up::nobodys(person))?);
        let number = abroad.number(&made_up::mobile(person)[2..])?;
        national.extend(number.e164().is_none().then_some(number));
    }
    ensure!(!national.is_empty(), "Italy has all these numbers");
    Ok((hits, misses, national))
}

fn asked_as(plan: &DialPlan, text: &str) -> Result<Asked> {
    let number = plan.number(text)?;
    let text = number.normal_form().to_owned();
    let integer = integer(&text).context("a number that is none")?;
    Ok(Asked {
        number,
        integer,
        text,
    })
}

fn compare(
    what: &str,
    book: &Book,
    bare: &Bare,
    asked: &[Asked],
    is_there: bool,
    table: &mut Table,
) -> Result<()> {
    let in_book = |asked: &Asked| book.find(&asked.number) != Match::Nobody;
    let in_integers = |asked: &Asked| bare.integers.binary_search(&asked.integer).is_ok();
    let in_texts = |asked: &Asked| bare.texts.contains_key(&asked.text);
    for asked in asked {
        let told = [in_book(asked), in_integers(asked), in_texts(asked)];
        ensure!(told == [is_there; 3], "they do not agree: {told:?}");
    }
    let [ours, integers, texts] = in_turns(asked, [&in_book, &in_integers, &in_texts]);
    let beside = format!(
        "sorted integers {:.2} µs, map of texts {:.2} µs, neither with a person",
        integers.median(),
        texts.median()
    );
    table.add(row(what, &ours, beside));
    Ok(())
}

fn compare_national(book: &Book, asked: &[PhoneNumber], table: &mut Table) -> Result<()> {
    let in_book = |number: &PhoneNumber| book.find(number) != Match::Nobody;
    ensure!(
        asked.iter().all(in_book),
        "a number is not found without its country"
    );
    let [ours] = in_turns(asked, [&in_book]);
    let what = "lookup of a number without its country";
    table.add(row(what, &ours, String::new()));
    Ok(())
}

fn row(what: &str, ours: &Sample, beside: String) -> Row {
    Row {
        what: what.to_owned(),
        goal: format!("≤ {WANTED_LOOKUP} µs"),
        median: format!("{:.2} µs", ours.median()),
        spread: ours.spread(),
        beside,
        missed: ours.median() > WANTED_LOOKUP,
    }
}
