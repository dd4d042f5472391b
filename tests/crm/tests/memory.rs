//! What the servers of every run cost together. Alone in its program, so that everything below it is theirs.
#![cfg(target_os = "linux")]

use testkit::processes::memory_of_tree;
use testkit::{Radicale, Slapd, Tryton};

/// Pages that several of them share count once (PSS): three are the same Python, and Radicale runs twice, for its line
/// without TLS and for the one with it. Counted fully for each process they are a fifth more, above 150 MB.
#[test]
fn the_servers_of_every_run_fit_into_150_mb() {
    let tryton = Tryton::start().expect("Tryton");
    let alone = tryton.memory().expect("what Tryton costs");
    let _radicale = Radicale::start().expect("Radicale");
    let _slapd = Slapd::start("").expect("slapd");
    let (all, _) = memory_of_tree(std::process::id()).expect("what all cost");
    assert!(alone.pss < all.pss, "more than one runs");
    assert!(all.pss * 1024 < 150_000_000, "{all:?}");
}
