//! Prints what the numbering plans cost in memory as numbers of more countries are read (Linux).

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "measures and prints"
)]

use phone_number::{PhoneNumber, Region};

fn main() {
    let before = pss_kib();
    println!("start: {before} KiB");
    for text in [
        "8 (906) 219-50-47",
        "+7 495 123-45-67 доб. 12",
        "+44 20 7183 8750",
        "+39 (02) 1234 567",
        "+1 202 555 0173",
        "+49 30 123456",
        "810 33 1 42 68 53 00",
    ] {
        match PhoneNumber::parse(text, Region::RU) {
            Ok(number) => println!("{number}: +{} KiB", pss_kib().saturating_sub(before)),
            Err(error) => println!("{text}: {error}"),
        }
    }
    let start = std::time::Instant::now();
    for last in 0..100_000 {
        std::hint::black_box(PhoneNumber::parse(&format!("8 (906) 2{last:06}"), Region::RU).ok());
    }
    println!(
        "100,000 numbers in {:?}, +{} KiB",
        start.elapsed(),
        pss_kib().saturating_sub(before)
    );
}

fn pss_kib() -> u64 {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    pss.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}
