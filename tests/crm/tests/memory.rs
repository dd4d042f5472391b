//! What the servers of every run cost together. Alone in its program, so that everything below it is theirs.
#![cfg(target_os = "linux")]

use testkit::processes::memory_of_tree;
use testkit::{Radicale, Slapd, Tryton};

#[test]
fn the_servers_of_every_run_fit_into_150_mb() {
    let tryton = Tryton::start().expect("Tryton");
    let alone = tryton.memory().expect("what Tryton costs");
    let _radicale = Radicale::start().expect("Radicale");
    let _slapd = Slapd::start("").expect("slapd");
    let (all, _) = memory_of_tree(std::process::id()).expect("what all cost");
    let own = rss_of_this_program();
    let servers = (all.rss - own) / 1024;
    assert!(alone.rss / 1024 < servers, "more than one runs");
    assert!(servers < 150, "{servers} MiB, {all:?}, own {own} KiB");
}

/// In KiB.
fn rss_of_this_program() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let size = line.and_then(|line| line.split_whitespace().next());
    size.and_then(|size| size.parse().ok()).expect("a size")
}
