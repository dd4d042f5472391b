//! Prints how long a book takes to load, what it keeps in memory and how long a lookup takes:
//! `load_book [FILE [COUNTRY]]`, or a made-up book of 100,000 people.

#![allow(clippy::print_stdout, unsafe_code, reason = "measures and prints")]

#[path = "../tests/budget/counting.rs"]
mod counting;
#[path = "../tests/budget/made_up.rs"]
mod made_up;

use contacts::Book;
use phone_number::{DialPlan, PhoneNumber, Region};
use std::{error::Error, fs, path::PathBuf, time::Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().map(PathBuf::from);
    let country = arguments
        .next()
        .map_or(Ok(Region::RU), |code| code.parse())?;
    let plan = DialPlan::new(country);
    match file {
        Some(file) => measure(&fs::read(&file)?, &file, &plan),
        None => {
            measure(
                made_up::vcards(100_000).as_bytes(),
                "made-up.vcf".as_ref(),
                &plan,
            )?;
            measure(
                made_up::csv(100_000).as_bytes(),
                "made-up.csv".as_ref(),
                &plan,
            )
        }
    }
}

fn measure(bytes: &[u8], name: &std::path::Path, plan: &DialPlan) -> Result<(), Box<dyn Error>> {
    // The numbering plans stay for the whole process and belong to no book.
    PhoneNumber::parse("112 2", plan.country).ok();
    let before = counting::live_bytes();
    let start = Instant::now();
    let (book, report) = Book::parse(bytes, name, plan)?;
    let elapsed = start.elapsed();
    println!("{}: {report}", name.display());
    println!(
        "  loaded in {elapsed:?} from {:.1} MB",
        bytes.len() as f64 / 1e6
    );
    println!(
        "  keeps {:.1} MB",
        counting::live_bytes().saturating_sub(before) as f64 / 1e6
    );
    let number = PhoneNumber::parse("+79060050000", plan.country)?;
    let start = Instant::now();
    for _ in 0..10_000 {
        std::hint::black_box(book.find(&number));
    }
    println!("  lookup in {:?}", start.elapsed() / 10_000);
    let start = Instant::now();
    let found = book.search("ов 999", 20).len();
    println!("  search in {:?} ({found} found)", start.elapsed());
    Ok(())
}
