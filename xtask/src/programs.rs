//! Demo, bench and pictures: builds what they need and runs them.

use crate::{debian, folders, step, tools, ui};
use anyhow::{Context as _, Result};
use std::path::Path;
use std::process::Command;

pub(crate) fn demo(arguments: &[&str]) -> Result<()> {
    println!(
        "Sidetone demo. The first run installs and compiles for 10 to 15 minutes, later ones start at once.\n"
    );
    let folder = build(&[], "debug")?;
    run(&folder, "demo", arguments)
}

/// The call model first, which needs no Asterisk; `bench calls` is that part alone. A goal missed in one part does not
/// keep the other from being measured.
pub(crate) fn bench(arguments: &[&str]) -> Result<()> {
    if let ["server", rest @ ..] = arguments {
        return bench_server(rest);
    }
    if let ["contacts", rest @ ..] = arguments {
        return bench_contacts(rest);
    }
    let (only_calls, arguments) = match arguments {
        ["calls", rest @ ..] => (true, rest),
        all => (false, all),
    };
    let mut build_calls = tools::cargo(&["build", "--release", "-p", "bench"])?;
    step::command("build the call model's bench", &mut build_calls)?;
    let calls = folders::target()?.join("release/bench-calls");
    println!();
    let status = Command::new(&calls)
        .args(arguments)
        .current_dir(folders::root())
        .status()
        .with_context(|| format!("start {}", calls.display()))?;
    if !only_calls {
        let folder = build(&["--release"], "release")?;
        println!();
        let desktop = Command::new(folder.join("bench"))
            .args(arguments)
            .current_dir(folders::root())
            .env("SIDETONE_BIN_DIR", &folder)
            .status()
            .context("start the desktop's bench")?;
        anyhow::ensure!(
            desktop.success(),
            "the desktop misses a goal, or could not be measured"
        );
    }
    anyhow::ensure!(
        status.success(),
        "the call model misses a goal, or could not be measured"
    );
    Ok(())
}

/// What it costs to know who calls: index and rings without a network, then cards of a live CRM. A goal missed in one part
/// does not keep the other from being measured.
fn bench_contacts(arguments: &[&str]) -> Result<()> {
    let (only_live, arguments) = match arguments {
        ["live", rest @ ..] => (true, rest),
        all => (false, all),
    };
    let is_part = arguments.iter().any(|argument| !argument.starts_with("--"));
    let inside = match only_live {
        true => Ok(()),
        false => bench_index(arguments),
    };
    if only_live || !is_part {
        let folder = build(&["--release"], "release")?;
        println!();
        let live = Command::new(folder.join("bench-crm"))
            .args(arguments)
            .current_dir(folders::root())
            .env("SIDETONE_BIN_DIR", &folder)
            .status()
            .context("start the bench of a live CRM")?;
        anyhow::ensure!(
            live.success(),
            "a card of a live CRM misses its goal, or could not be measured"
        );
    }
    inside
}

fn bench_index(arguments: &[&str]) -> Result<()> {
    let mut build = tools::cargo(&["build", "--release", "-p", "bench-contacts"])?;
    step::command("build the contacts' bench", &mut build)?;
    println!();
    let program = folders::target()?.join("release/bench-contacts");
    let status = Command::new(&program)
        .args(arguments.iter().filter(|argument| **argument != "--full"))
        .current_dir(folders::root())
        .status()
        .with_context(|| format!("start {}", program.display()))?;
    anyhow::ensure!(
        status.success(),
        "the contacts miss a goal, or could not be measured"
    );
    Ok(())
}

/// The integration server with thousands of clients, beside servers of Node.
fn bench_server(arguments: &[&str]) -> Result<()> {
    ui::check_node()?;
    debian::install_missing()?;
    ui::build()?;
    let mut build = tools::cargo(&["build", "--release", "-p", "server", "-p", "bench-server"])?;
    step::command("build the server and its bench", &mut build)?;
    run(
        &folders::target()?.join("release"),
        "bench-server",
        arguments,
    )
}

pub(crate) fn pictures(arguments: &[&str]) -> Result<()> {
    let folder = build(&[], "debug")?;
    run(&folder, "pictures", arguments)
}

/// As the test of every day, which kills 52 times; both databases at once.
pub(crate) fn kills(arguments: &[&str]) -> Result<()> {
    let kills: u32 = match *arguments {
        [] => 1_000,
        [kills] => kills
            .parse()
            .with_context(|| format!("{kills} is no number of kills"))?,
        _ => anyhow::bail!("not understood: kills {}", arguments.join(" ")),
    };
    debian::install_missing()?;
    ui::build()?;
    let arguments = ["test", "-p", "server", "--test", "real", "lasting"];
    let mut command = tools::cargo(&arguments)?;
    let status = command
        .args(["--", "--nocapture", "--test-threads=2"])
        .env("SIDETONE_KILLS", kills.to_string())
        .status()
        .context("start cargo")?;
    anyhow::ensure!(status.success(), "a call is lost, doubled or wrong");
    Ok(())
}

/// Needs neither the product nor its windows.
pub(crate) fn record_trace(arguments: &[&str]) -> Result<()> {
    let mut command = tools::cargo(&["build", "-p", "live", "--bin", "record-trace"])?;
    step::command("build the recorder", &mut command)?;
    run(&folders::target()?.join("debug"), "record-trace", arguments)
}

/// Needs nothing but the recording, which is named as seen from where the command was given.
pub(crate) fn story(arguments: &[&str]) -> Result<()> {
    let mut build = tools::cargo(&["build", "--quiet", "-p", "replay", "--bin", "story"])?;
    let status = build.status().context("start cargo")?;
    anyhow::ensure!(status.success(), "the story teller does not compile");
    let program = folders::target()?.join("debug/story");
    let status = Command::new(&program)
        .args(arguments)
        .status()
        .with_context(|| format!("start {}", program.display()))?;
    // It has said why.
    std::process::exit(status.code().unwrap_or(1))
}

/// Installs what is missing and builds both programs of the product and those of the tests.
fn build(options: &[&str], profile: &str) -> Result<std::path::PathBuf> {
    ui::check_node()?;
    debian::install_missing()?;
    ui::build()?;
    product(options)?;
    let mut arguments = vec!["build", "-p", "e2e", "--bins"];
    arguments.extend(options);
    step::command(
        "build Asterisk's and the phones' helpers",
        &mut tools::cargo(&arguments)?,
    )?;
    Ok(folders::target()?.join(profile))
}

/// `sidetone` and `sidetone-ui`.
pub(crate) fn product(options: &[&str]) -> Result<()> {
    let mut arguments = vec!["build", "-p", "agent", "-p", "server", "-p", "sidetone-ui"];
    arguments.extend(options);
    step::command("build Sidetone", &mut tools::cargo(&arguments)?)
}

/// Becomes the program, so that Ctrl-C and its exit code need nobody in between.
fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    println!();
    let mut command = Command::new(folder.join(program));
    command
        .args(arguments)
        .current_dir(folders::root())
        .env("SIDETONE_BIN_DIR", folder);
    #[cfg(unix)]
    {
        let error = std::os::unix::process::CommandExt::exec(&mut command);
        Err(error).with_context(|| format!("start {}", folder.join(program).display()))
    }
    #[cfg(not(unix))]
    {
        let status = command
            .status()
            .with_context(|| format!("start {program}"))?;
        std::process::exit(status.code().unwrap_or(1))
    }
}
