//! Where the programs are, what a process tree costs, and waiting for its end.

use std::collections::HashMap;
use std::fs;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::run;

/// Memory in KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// Resident, shared pages counted fully.
    pub rss: u64,
    /// Resident, each shared page divided among those who share it.
    pub pss: u64,
    /// What would be free if the process ended.
    pub uss: u64,
}

impl AddAssign for Memory {
    fn add_assign(&mut self, other: Self) {
        self.rss += other.rss;
        self.pss += other.pss;
        self.uss += other.uss;
    }
}

/// The memory of a process and of everything that it started, with the number of processes.
pub fn memory_of_tree(root: u32) -> Result<(Memory, usize)> {
    let mut total = Memory::default();
    let mut count = 0;
    for pid in tree(root)? {
        // One that ended since the listing costs nothing.
        let Ok(text) = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) else {
            continue;
        };
        total += parse_rollup(&text);
        count += 1;
    }
    if count == 0 {
        bail!("process {root} does not run");
    }
    Ok((total, count))
}

fn parse_rollup(text: &str) -> Memory {
    let mut memory = Memory::default();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(key), Some(Ok(size))) = (words.next(), words.next().map(str::parse::<u64>))
        else {
            continue;
        };
        match key {
            "Rss:" => memory.rss += size,
            "Pss:" => memory.pss += size,
            "Private_Clean:" | "Private_Dirty:" => memory.uss += size,
            _ => {}
        }
    }
    memory
}

/// A process and all its descendants.
pub fn tree(root: u32) -> Result<Vec<u32>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for (pid, parent) in parents()? {
        children.entry(parent).or_default().push(pid);
    }
    let mut all = vec![root];
    let mut next = 0;
    while let Some(pid) = all.get(next) {
        all.extend(children.remove(pid).unwrap_or_default());
        next += 1;
    }
    Ok(all)
}

fn parents() -> Result<Vec<(u32, u32)>> {
    let entries = fs::read_dir("/proc")
        .context("list the processes")?
        .flatten();
    Ok(entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // The name before the state may hold spaces and parentheses.
            let parent = stat
                .rsplit_once(')')?
                .1
                .split_whitespace()
                .nth(1)?
                .parse()
                .ok()?;
            Some((pid, parent))
        })
        .collect())
}

/// Processes that run this program file, e.g. [`binary`]`("sidetone-ui")`.
pub fn running(program: &Path) -> Result<Vec<u32>> {
    let program = program
        .canonicalize()
        .with_context(|| format!("find {}", program.display()))?;
    let entries = fs::read_dir("/proc")
        .context("list the processes")?
        .flatten();
    Ok(entries
        .filter(|entry| fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == program))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect())
}

/// The built program of that name: from `$SIDETONE_BIN_DIR`, else from the folder where cargo put this one.
pub fn binary(name: &str) -> Result<PathBuf> {
    let folder = match std::env::var_os("SIDETONE_BIN_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => target_folder()?,
    };
    let path = folder.join(name);
    if !path.is_file() {
        bail!(
            "{} is not built (set SIDETONE_BIN_DIR if it lies elsewhere)",
            path.display()
        );
    }
    Ok(path)
}

/// `target/debug`, whether a test in `deps`, an example or a program asks.
fn target_folder() -> Result<PathBuf> {
    let own = std::env::current_exe().context("find this program")?;
    let folder = own.parent().context("a program without a folder")?;
    let nested = folder.ends_with("deps") || folder.ends_with("examples");
    Ok(if nested {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    }
    .to_owned())
}

/// Waits for a child, with a deadline.
pub fn wait_for_exit(child: &mut Child, limit: Duration) -> Result<ExitStatus> {
    run::poll(limit, "end of the process", || {
        child.try_wait().context("wait for a child")
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_tree_has_the_children_of_children_and_costs_memory() {
        let mut child = Command::new("sh")
            .args(["-c", "sleep 30; :"])
            .spawn()
            .unwrap();
        let all = run::poll(Duration::from_secs(5), "tree", || {
            let all = tree(child.id())?;
            Ok((all.len() == 2).then_some(all))
        })
        .unwrap();
        let (memory, count) = memory_of_tree(child.id()).unwrap();
        assert_eq!(count, 2);
        assert!(
            memory.uss > 0 && memory.uss <= memory.pss && memory.pss <= memory.rss,
            "{memory:?}"
        );
        let mut sleep = Command::new("kill")
            .arg(all[1].to_string())
            .spawn()
            .unwrap();
        wait_for_exit(&mut sleep, Duration::from_secs(5)).unwrap();
        wait_for_exit(&mut child, Duration::from_secs(5)).unwrap();
        assert!(memory_of_tree(child.id()).is_err());
    }

    #[test]
    fn this_program_is_found_running() {
        let own = std::env::current_exe().unwrap();
        assert!(running(&own).unwrap().contains(&std::process::id()));
    }
}
