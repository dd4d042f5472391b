//! Records a scenario on a real Asterisk: the program behind `cargo xtask record-trace`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("recordings need Linux: Asterisk is fetched from Debian");
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match linux::run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use anyhow::{Context as _, Result, bail};
    use live::{SCENARIOS, Scenario, Stage};
    use std::path::PathBuf;
    use testkit::asterisk::{Configuration, Version};

    const HELP: &str = "\
cargo xtask record-trace --list
cargo xtask record-trace NAME|all [--asterisk 22|16] [--config plain|freepbx] [--out DIR]
    writes NAME.ami (every byte of the manager interface), NAME.sent (what was sent to it)
    and NAME.ua.jsonl (what the phones saw); DIR is target/traces otherwise";

    struct Order {
        name: String,
        version: Version,
        configuration: Configuration,
        folder: PathBuf,
    }

    pub(super) fn run(arguments: &[&str]) -> Result<()> {
        match arguments {
            words if words.contains(&"--list") => {
                list();
                Ok(())
            }
            words if words.is_empty() || words.contains(&"--help") || words.contains(&"-h") => {
                println!("{HELP}");
                Ok(())
            }
            arguments => record(&Order::read(arguments)?),
        }
    }

    impl Order {
        fn read(arguments: &[&str]) -> Result<Self> {
            let mut order = Self {
                name: String::new(),
                version: Version::default(),
                configuration: Configuration::default(),
                folder: PathBuf::from("target/traces"),
            };
            let mut rest = arguments.iter();
            while let Some(word) = rest.next() {
                let mut value = || {
                    rest.next()
                        .copied()
                        .with_context(|| format!("{word} what?"))
                };
                match *word {
                    "--asterisk" => {
                        order.version = match value()? {
                            "22" => Version::V22,
                            "16" => Version::V16,
                            other => bail!("no Asterisk {other} here: 22 or 16"),
                        }
                    }
                    "--config" => {
                        order.configuration = match value()? {
                            "plain" => Configuration::Plain,
                            "freepbx" => Configuration::Freepbx,
                            other => bail!("no configuration {other}: plain or freepbx"),
                        }
                    }
                    "--out" => order.folder = PathBuf::from(value()?),
                    name if !name.starts_with('-') && order.name.is_empty() => {
                        order.name = name.to_owned();
                    }
                    other => bail!("not understood: {other}\n\n{HELP}"),
                }
            }
            Ok(order)
        }

        fn scenarios(&self) -> Result<Vec<&'static Scenario>> {
            let found: Vec<_> = SCENARIOS
                .iter()
                .filter(|scenario| self.name == "all" || scenario.name == self.name)
                .filter(|scenario| scenario.is_for(self.configuration))
                .collect();
            if found.is_empty() {
                match live::find(&self.name) {
                    Some(_) => bail!("{} needs --config freepbx", self.name),
                    None => bail!("no scenario {}, see --list", self.name),
                }
            }
            Ok(found)
        }
    }

    fn list() {
        for scenario in SCENARIOS {
            let only = if scenario.is_for(Configuration::Plain) {
                ""
            } else {
                " (--config freepbx)"
            };
            println!("{:<32} {}{only}", scenario.name, scenario.about);
        }
    }

    fn record(order: &Order) -> Result<()> {
        let scenarios = order.scenarios()?;
        testkit::asterisk::install_version(order.version, |sentence| println!("{sentence}"))?;
        testkit::phones::install(|sentence| println!("{sentence}"))?;
        let stage = Stage::start(order.version, order.configuration)?;
        let mut failed = Vec::new();
        for scenario in scenarios {
            let (played, recording) = stage.attempt(scenario)?;
            for path in recording.write(&order.folder, scenario.name)? {
                println!("{}", path.display());
            }
            if let Err(error) = played {
                eprintln!("{error:#}");
                failed.push(scenario.name);
            }
        }
        if !failed.is_empty() {
            bail!("not played to the end: {}", failed.join(", "));
        }
        Ok(())
    }
}
