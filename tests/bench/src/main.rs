//! What the call model costs, beside a bare read of the same bytes and beside other clients in the same run: a part of
//! `cargo xtask bench`. Ends with an error when a goal is missed.
#![allow(
    clippy::print_stdout,
    reason = "this program talks to the person at the terminal"
)]

#[cfg(target_os = "linux")]
mod clients;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod pbx;
#[cfg(target_os = "linux")]
mod resync;
#[cfg(target_os = "linux")]
mod rivals;
#[cfg(target_os = "linux")]
mod runs;
#[cfg(target_os = "linux")]
mod table;

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the bench needs Linux: it reads CPU time and memory of processes from /proc");
}

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    use anyhow::Context as _;

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["client", kind, port] = arguments[..] {
        let kind = clients::Kind::named(kind).context("no such client")?;
        return clients::run(kind, port.parse()?);
    }
    bench(&arguments)
}

#[cfg(target_os = "linux")]
fn bench(arguments: &[&str]) -> anyhow::Result<()> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let rivals = rivals::set_up(&root)?;
    let mut load = load::Load::read(&root.join("crates/calls/tests/traces/load.ami.zst"))?;
    println!(
        "The call model: {} events of {} calls, {} bytes; load average {}",
        load.ends.len(),
        load.calls,
        load.bytes.len(),
        measure::load_average()
    );
    let runs = arguments
        .iter()
        .find_map(|argument| argument.strip_prefix("--runs="));
    let runs = runs.map_or(Ok(runs::RUNS), str::parse)?;
    anyhow::ensure!(runs > 0, "nothing can be said of no run");
    let mut table = table::Table::begin();
    let wants = |part: &str| {
        let named: Vec<&&str> = arguments
            .iter()
            .filter(|argument| !argument.starts_with("--"))
            .collect();
        named.is_empty() || named.iter().any(|name| **name == part)
    };
    if wants("poured") {
        runs::poured(runs, &load, &rivals, &mut table)?;
    }
    if wants("paced") {
        runs::paced(runs, &load, &rivals, &mut table)?;
    }
    if wants("resync") {
        resync::run(&mut table)?;
    }
    if wants("million") {
        runs::million(&mut load, &rivals, &mut table)?;
    }
    if arguments.contains(&"--markdown") {
        table.markdown();
    }
    anyhow::ensure!(table.missed() == 0, "{} goals missed", table.missed());
    Ok(())
}
