//! `cargo xtask test`: every check, one after the other; a failed one does not stop the rest.

use crate::{debian, folders, programs, step, tools, ui, windows};
use anyhow::{Result, bail};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// What a check needs besides a compiler.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// Asterisk, a database, a display or another toolchain: left out by `--quick`.
    Much,
    /// Asterisk and minutes: only with `--full` or by name.
    Patience,
}

/// Which checks are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent<'a> {
    Quick,
    Usual,
    Full,
    Only(&'a str),
}

impl Extent<'_> {
    /// Why a check is left out, if it is.
    fn leaves_out(self, check: &Check) -> Option<&'static str> {
        match (self, check.needs) {
            (Self::Quick, Needs::Much | Needs::Patience) => Some("--quick"),
            (Self::Usual, Needs::Patience) => Some("only with --full"),
            (Self::Quick | Self::Usual, _) | (Self::Full | Self::Only(_), _) => None,
        }
    }
}

/// What became of a check.
pub(crate) enum Outcome {
    Passed,
    /// It cannot be had here; says why.
    Skipped(String),
}

struct Check {
    name: &'static str,
    needs: Needs,
    run: fn() -> Result<Outcome>,
}

const CHECKS: &[Check] = &[
    Check {
        name: "format",
        needs: Needs::Nothing,
        run: format,
    },
    Check {
        name: "pages",
        needs: Needs::Nothing,
        run: pages,
    },
    Check {
        name: "types",
        needs: Needs::Nothing,
        run: types,
    },
    Check {
        name: "lints",
        needs: Needs::Nothing,
        run: lints,
    },
    Check {
        name: "unit",
        needs: Needs::Nothing,
        run: unit,
    },
    Check {
        name: "tidy",
        needs: Needs::Nothing,
        run: tidy,
    },
    Check {
        name: "licences",
        needs: Needs::Much,
        run: licences,
    },
    Check {
        name: "windows",
        needs: Needs::Much,
        run: windows::type_check,
    },
    Check {
        name: "testkit",
        needs: Needs::Much,
        run: testkit,
    },
    Check {
        name: "engine",
        needs: Needs::Much,
        run: engine,
    },
    Check {
        name: "server",
        needs: Needs::Much,
        run: server,
    },
    Check {
        name: "store",
        needs: Needs::Much,
        run: store,
    },
    Check {
        name: "directories",
        needs: Needs::Much,
        run: directories,
    },
    Check {
        name: "crm",
        needs: Needs::Much,
        run: crm,
    },
    Check {
        name: "crm-odoo",
        needs: Needs::Patience,
        run: crm_odoo,
    },
    Check {
        name: "fan-out",
        needs: Needs::Much,
        run: fan_out,
    },
    Check {
        name: "live",
        needs: Needs::Much,
        run: live,
    },
    Check {
        name: "live-all",
        needs: Needs::Patience,
        run: live_all,
    },
    Check {
        name: "e2e",
        needs: Needs::Much,
        run: e2e,
    },
    Check {
        name: "e2e-server",
        needs: Needs::Much,
        run: e2e_server,
    },
    Check {
        name: "gui",
        needs: Needs::Much,
        run: gui,
    },
];

/// Folders of types that are generated.
const GENERATED: [&str; 2] = ["ui/src/types", "ui/src/wire"];

/// Tests of these packages start Asterisk, another server or a display.
const ON_REAL_THINGS: [&str; 8] = [
    "bench-server",
    "crm-tests",
    "directories",
    "e2e",
    "gui",
    "live",
    "store-tests",
    "testkit",
];

pub(crate) fn run(arguments: &[&str]) -> ExitCode {
    let extent = match arguments {
        [] => Extent::Usual,
        ["--quick"] => Extent::Quick,
        ["--full"] => Extent::Full,
        ["--only", name] if CHECKS.iter().any(|check| check.name == *name) => Extent::Only(name),
        other => {
            let names: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
            eprintln!(
                "not understood: test {}\ntest [--quick|--full] [--only {}]",
                other.join(" "),
                names.join("|")
            );
            return ExitCode::from(2);
        }
    };
    let start = Instant::now();
    let mut results = vec![("setup", timed(setup))];
    // Without the packages and the pages nothing else can say anything.
    if !matches!(results[0].1.0, Ok(Outcome::Passed)) {
        return report(&results, start);
    }
    for check in CHECKS {
        if matches!(extent, Extent::Only(only) if only != check.name) {
            continue;
        }
        let result = match extent.leaves_out(check) {
            Some(why) => (Ok(Outcome::Skipped(why.into())), Duration::ZERO),
            None => timed(check.run),
        };
        if let Ok(Outcome::Skipped(why)) = &result.0
            && extent != Extent::Quick
        {
            println!("  skip  {}: {why}", check.name);
        }
        results.push((check.name, result));
    }
    report(&results, start)
}

type Timed = (Result<Outcome>, Duration);

/// Runs a check and shows at once why it failed.
fn timed(check: fn() -> Result<Outcome>) -> Timed {
    let start = Instant::now();
    let outcome = check();
    if let Err(error) = &outcome {
        eprintln!("\n{error:#}\n");
    }
    (outcome, start.elapsed())
}

fn report(results: &[(&str, Timed)], start: Instant) -> ExitCode {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    println!();
    for (name, (outcome, took)) in results {
        let took = format!("{:.1} s", took.as_secs_f64());
        match outcome {
            Ok(Outcome::Passed) => {
                passed += 1;
                println!("  {name:<11} passed   {took:>9}");
            }
            Ok(Outcome::Skipped(why)) => {
                skipped += 1;
                println!("  {name:<11} skipped  {why}");
            }
            Err(_) => {
                failed += 1;
                println!("  {name:<11} FAILED   {took:>9}");
            }
        }
    }
    println!("  all in {:.0} s", start.elapsed().as_secs_f64());
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn setup() -> Result<Outcome> {
    debian::install_missing()?;
    prune()?;
    ui::build()?;
    Ok(Outcome::Passed)
}

/// Under CI what is compiled is kept from run to run and would grow for ever.
fn prune() -> Result<()> {
    const LIMIT_MIB: u64 = 15 * 1024;
    if !folders::is_ci() {
        return Ok(());
    }
    let cache = folders::cache()?;
    for kept in [folders::target()?, cache.join("windows")] {
        if !kept.starts_with(&cache) || !kept.exists() {
            continue;
        }
        let output = Command::new("du").arg("-sm").arg(&kept).output()?;
        let size = String::from_utf8_lossy(&output.stdout)
            .split_whitespace()
            .next()
            .and_then(|size| size.parse().ok());
        if size.unwrap_or(0_u64) > LIMIT_MIB {
            step::done("empty a kept folder, it has grown too large", || {
                Ok(std::fs::remove_dir_all(&kept)?)
            })?;
        }
    }
    Ok(())
}

fn cargo(what: &str, arguments: &[&str]) -> Result<Outcome> {
    step::command(what, &mut tools::cargo(arguments)?)?;
    Ok(Outcome::Passed)
}

fn format() -> Result<Outcome> {
    cargo("formatting", &["fmt", "--all", "--", "--check"])
}

fn pages() -> Result<Outcome> {
    step::command(
        "the windows' pages: types and accessibility",
        &mut ui::npm(&["run", "--silent", "check"]),
    )?;
    step::command(
        "the windows' pages: tests",
        &mut ui::npm(&["test", "--silent"]),
    )?;
    step::command(
        "the windows' pages: size",
        &mut ui::npm(&["run", "--silent", "size"]),
    )?;
    Ok(Outcome::Passed)
}

/// The pages' types are generated from Rust; what is committed must be what comes out.
fn types() -> Result<Outcome> {
    cargo(
        "generate the pages' types",
        &[
            "test",
            "-p",
            "view",
            "-p",
            "wire",
            "--features",
            "view/ts,wire/ts",
        ],
    )?;
    let mut git = Command::new("git");
    git.args(["diff", "--exit-code", "--"])
        .args(GENERATED)
        .current_dir(folders::root());
    step::command("the committed types are these", &mut git)?;
    let untracked = Command::new("git")
        .args(["ls-files", "--others", "--exclude-standard"])
        .args(GENERATED)
        .current_dir(folders::root())
        .output()?;
    if !untracked.stdout.is_empty() {
        bail!(
            "generated and not committed: {}",
            String::from_utf8_lossy(&untracked.stdout).trim()
        );
    }
    Ok(Outcome::Passed)
}

fn lints() -> Result<Outcome> {
    cargo(
        "lints",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
    )
}

fn unit() -> Result<Outcome> {
    let mut arguments = vec![
        "test",
        "--workspace",
        "--exclude",
        "tidy",
        "--exclude",
        "engine",
        "--exclude",
        "server",
    ];
    for package in ON_REAL_THINGS {
        arguments.extend(["--exclude", package]);
    }
    cargo("unit and property tests", &arguments)?;
    // The others need a real Asterisk and are a check of their own.
    let engine = ["test", "-p", "engine", "--lib", "--test", "fake_ami"];
    cargo("the engine's tests without Asterisk", &engine)?;
    cargo(
        "the server's tests without Asterisk",
        &["test", "-p", "server", "--lib"],
    )
}

fn tidy() -> Result<Outcome> {
    cargo("rules of the house", &["test", "-p", "tidy"])
}

fn licences() -> Result<Outcome> {
    let deny = tools::cargo_deny()?;
    let mut command = Command::new(deny);
    command
        .args(["check", "bans", "licenses", "sources"])
        .current_dir(folders::root());
    step::command("licences, bans and sources of dependencies", &mut command)?;
    Ok(Outcome::Passed)
}

fn testkit() -> Result<Outcome> {
    cargo(
        "the test tools themselves, on a real Asterisk",
        &["test", "-p", "testkit", "--", "--test-threads=1"],
    )
}

fn engine() -> Result<Outcome> {
    cargo(
        "the engine on a real Asterisk",
        &["test", "-p", "engine", "--tests", "--", "--test-threads=1"],
    )
}

fn server() -> Result<Outcome> {
    cargo(
        "the server on real Asterisks and databases, with real phones",
        &["test", "-p", "server", "--", "--test-threads=2"],
    )
}

fn store() -> Result<Outcome> {
    cargo(
        "what the server keeps, in SQLite and in a real PostgreSQL",
        &["test", "-p", "store-tests"],
    )
}

fn directories() -> Result<Outcome> {
    cargo(
        "people and call records on real servers",
        &["test", "-p", "directories"],
    )
}

fn crm() -> Result<Outcome> {
    cargo(
        "who is calling, asked of real CRMs and directories",
        &["test", "-p", "crm-tests", "--", "--test-threads=2"],
    )
}

/// Half a gigabyte of a package that Debian may not have any more.
fn crm_odoo() -> Result<Outcome> {
    let build = ["build", "-p", "crm-tests", "--bin", "odoo-ready"];
    cargo("build what fetches Odoo", &build)?;
    let ready = Command::new(folders::target()?.join("debug/odoo-ready")).output()?;
    if !ready.status.success() {
        let why = String::from_utf8_lossy(&ready.stderr);
        return Ok(Outcome::Skipped(format!("no Odoo here: {}", why.trim())));
    }
    let test = ["test", "-p", "crm-tests", "--test", "odoo"];
    let arguments: Vec<&str> = test.into_iter().chain(["--", "--ignored"]).collect();
    cargo("who is calling, asked of a real Odoo", &arguments)
}

fn fan_out() -> Result<Outcome> {
    cargo("build the server", &["build", "-p", "server"])?;
    cargo(
        "who follows is told, nobody else is, and nothing is lost",
        &["test", "-p", "bench-server"],
    )
}

fn live() -> Result<Outcome> {
    cargo(
        "telephone scenarios on real Asterisks: the daily ones",
        &["test", "-p", "live", "--", "--test-threads=1"],
    )
}

fn live_all() -> Result<Outcome> {
    cargo(
        "telephone scenarios on real Asterisks: all of them",
        &["test", "-p", "live", "--", "--test-threads=1", "--ignored"],
    )
}

fn e2e() -> Result<Outcome> {
    programs::product(&[])?;
    cargo(
        "end to end, on a real Asterisk",
        &["test", "-p", "e2e", "--", "--test-threads=1"],
    )
}

/// The same scenes with the integration server between the desktop and the phone system.
fn e2e_server() -> Result<Outcome> {
    programs::product(&[])?;
    let tests = ["--test", "crm", "--test", "dialling", "--test", "incoming"];
    let arguments = ["test", "-p", "e2e"].iter().chain(&tests);
    let arguments: Vec<&str> = arguments
        .copied()
        .chain(["--", "--test-threads=1"])
        .collect();
    let mut cargo = tools::cargo(&arguments)?;
    cargo.env("SIDETONE_THROUGH", "server");
    step::command("end to end, through the server", &mut cargo)?;
    Ok(Outcome::Passed)
}

fn gui() -> Result<Outcome> {
    programs::product(&[])?;
    if !folders::root().join("tests/gui/tests").exists() {
        bail!("tests/gui has no tests");
    }
    cargo(
        "the real windows, on a real Asterisk",
        &["test", "-p", "gui", "--", "--test-threads=1"],
    )
}
