//! `cargo xtask fuzz`: looks for inputs that break a promise, beyond those that `cargo test -p fuzz` replays.

use crate::{folders, step, tools};
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const TARGETS: [&str; 4] = ["decoder", "session", "tracker", "phone_number"];
/// Longer inputs are slower and find nothing else: the decoder's limits are set low.
const LONGEST: u32 = 512;
const MINUTES: u32 = 5;
const HELP: &str = "fuzz [decoder|session|tracker|phone_number] [--minutes N]";

/// `[TARGET] [--minutes N]`: each target so long, one after the other.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let minutes_of = |minutes: &str| {
        let number = minutes
            .parse()
            .ok()
            .filter(|minutes| (1..=60 * 24).contains(minutes));
        number.with_context(|| format!("{minutes}: how many minutes? 1 to 1440"))
    };
    let (target, minutes) = match *arguments {
        [] => (None, MINUTES),
        [target] => (Some(target), MINUTES),
        ["--minutes", minutes] => (None, minutes_of(minutes)?),
        [target, "--minutes", minutes] => (Some(target), minutes_of(minutes)?),
        _ => bail!("not understood: fuzz {}; {HELP}", arguments.join(" ")),
    };
    if let Some(target) = target.filter(|target| !TARGETS.contains(target)) {
        bail!("no target {target}; {HELP}");
    }
    let program = tools::cargo_fuzz()?;
    for name in TARGETS {
        if target.is_none_or(|only| only == name) {
            fuzz(&program, name, minutes)?;
        }
    }
    Ok(())
}

fn fuzz(program: &Path, target: &str, minutes: u32) -> Result<()> {
    let tests = folders::root().join("tests/fuzz");
    let out = folders::target()?.join("fuzz");
    let (found, broken) = (out.join("found").join(target), out.join("broken"));
    for folder in [&found, &broken] {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    let mut command = Command::new(program);
    command.current_dir(folders::root());
    // No sanitizer: the code is safe, and the rest does with a stable compiler.
    command.args(["run", "--sanitizer", "none", "--fuzz-dir"]);
    command
        .arg(tests.join("fuzz"))
        .arg("--target-dir")
        .arg(&out);
    command
        .arg(target)
        .arg(&found)
        .arg(tests.join("corpus").join(target));
    command.args(["--", "-print_final_stats=1"]);
    command.arg(format!("-max_len={LONGEST}"));
    command.arg(format!("-max_total_time={}", minutes * 60));
    command.arg(format!("-artifact_prefix={}/{target}-", broken.display()));
    let known = files(&broken)?;
    let what = format!("fuzz {target} for {minutes} min");
    // The build comes first.
    let limit = Duration::from_secs(60 * (u64::from(minutes) + 30));
    let tried = step::within(limit, &what, &mut command);
    let is_new = |path: &PathBuf| !known.contains(path);
    if let Some(input) = files(&broken)?.into_iter().find(is_new) {
        bail!(
            "{target} breaks a promise: the input is {}, the panic is in {}; give the input a name in {} and it is replayed \
             by every test",
            input.display(),
            step::log(&what)?.display(),
            tests.join("corpus").join(target).display()
        );
    }
    tried?;
    let log = fs::read(step::log(&what)?).context("read the log")?;
    let log = String::from_utf8_lossy(&log);
    let inputs = log
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))
        .context("libFuzzer does not say how many inputs it tried")?;
    println!("        {} inputs, nothing found", inputs.trim());
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    Ok(read
        .collect::<Result<Vec<_>, _>>()?
        .iter()
        .map(fs::DirEntry::path)
        .collect())
}
