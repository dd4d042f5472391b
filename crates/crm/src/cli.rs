//! `connector test FILE`, for both programs: reads a file, replays its cases, and asks a real CRM with `--live`.

mod asking;

use crate::{File, Secrets, Values, bundled, cases};
use phone_number::Region;
use secrecy::SecretString;
use std::{fmt::Write as _, path::Path, sync::Arc};

/// What the programs say of it.
pub const HELP: &str = "\
connector list                 the connectors that come with the program
connector show NAME            the text of one of them
connector test FILE            read FILE (or one of those) and replay its recorded cases, without a network
  --live                       ask a real CRM: the file's tests, and its cases that are marked so
  --set NAME=VALUE             a setting of the connector
  --secret NAME=@FILE          a secret one, from a file; or from $SIDETONE_CONNECTOR_NAME
  --lookup NUMBER              who calls; with --live
  --find TEXT                  people by name; with --live
  --country GB                 whose national numbers are meant, else the cases' country, else RU
";

/// What is to be printed, and how the program ends: 0 all is well, 1 something is not, 2 the command is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub text: String,
    pub code: u8,
}

#[derive(Default)]
struct Wanted {
    file: String,
    is_live: bool,
    values: Values,
    secrets: Secrets,
    lookups: Vec<String>,
    finds: Vec<String>,
    country: Option<Region>,
}

/// `arguments` are those behind the word `connector`. Needs a tokio runtime; asks nobody without `--live`.
pub async fn run(arguments: &[String]) -> Report {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["list"] => Report {
            text: list(),
            code: 0,
        },
        ["show", name] => match text_of(name) {
            Ok((_, text)) => Report { text, code: 0 },
            Err(text) => Report { text, code: 1 },
        },
        ["test", rest @ ..] => match parse(rest) {
            Ok(wanted) => test(wanted).await,
            Err(words) => Report {
                text: format!("{words}\n\n{HELP}"),
                code: 2,
            },
        },
        _ => Report {
            text: HELP.to_owned(),
            code: 2,
        },
    }
}

fn list() -> String {
    let mut text = String::new();
    for (name, file) in bundled() {
        if let Ok(file) = File::parse(file, name) {
            let _ = writeln!(text, "{name}\t{}\t{}", file.name(), file.executed());
        }
    }
    text
}

fn parse(words: &[&str]) -> Result<Wanted, String> {
    let mut wanted = Wanted::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || {
            let value = words.next().map(ToString::to_string);
            value.ok_or_else(|| format!("{word} wants something behind it"))
        };
        match *word {
            "--live" => wanted.is_live = true,
            "--set" => {
                let (name, value) = pair(&value()?)?;
                wanted.values.insert(name, value);
            }
            "--secret" => {
                let (name, value) = pair(&value()?)?;
                wanted.secrets.insert(name, from_file(&value)?);
            }
            "--lookup" => wanted.lookups.push(value()?),
            "--find" => wanted.finds.push(value()?),
            "--country" => {
                let country = value()?.parse::<Region>();
                wanted.country = Some(country.map_err(|error| error.to_string())?);
            }
            option if option.starts_with('-') => {
                return Err(format!("there is no option {option}"));
            }
            file if wanted.file.is_empty() => wanted.file = file.to_owned(),
            more => return Err(format!("one file at a time, and not {more} too")),
        }
    }
    let asks = !wanted.lookups.is_empty() || !wanted.finds.is_empty();
    match (wanted.file.is_empty(), asks && !wanted.is_live) {
        (true, _) => Err("which file?".into()),
        (false, true) => Err("--lookup and --find ask a real CRM: they go with --live only".into()),
        (false, false) => Ok(wanted),
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("a setting is written NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// What stands in a command can be read by everybody on the machine.
fn from_file(value: &str) -> Result<SecretString, String> {
    let path = value
        .strip_prefix('@')
        .ok_or("a secret is given as NAME=@FILE, not in the command itself")?;
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(crate::values::trimmed(&text).to_owned().into())
}

/// A path, or the name of a connector that comes with the program.
fn text_of(file: &str) -> Result<(String, String), String> {
    let name = file.strip_suffix(".toml").unwrap_or(file);
    let known = bundled().iter().find(|(known, _)| *known == name);
    match (Path::new(file).exists(), known) {
        (false, Some((name, text))) => Ok((format!("{name}.toml"), (*text).to_owned())),
        (_, _) => {
            let text = std::fs::read_to_string(file);
            let text = text.map_err(|error| format!("{file}: {error}\n"))?;
            Ok((file.to_owned(), text))
        }
    }
}

async fn test(wanted: Wanted) -> Report {
    let (name, text) = match text_of(&wanted.file) {
        Ok(found) => found,
        Err(text) => return Report { text, code: 1 },
    };
    let file = match File::parse(&text, &name) {
        Ok(file) => Arc::new(file),
        Err(errors) => {
            let lines = errors.iter().map(|error| format!("{error}\n"));
            return Report {
                text: lines.collect(),
                code: 1,
            };
        }
    };
    let mut text = format!("{}: {}\n", file.id(), file.name());
    let is_well = match wanted.is_live {
        false => replay(&file, &mut text),
        true => asking::ask(&file, wanted, &mut text).await,
    };
    Report {
        text,
        code: u8::from(!is_well),
    }
}

fn replay(file: &File, text: &mut String) -> bool {
    let results = cases::run(file);
    for result in &results {
        let _ = writeln!(text, "{result}");
    }
    let failed = results.iter().filter(|result| !result.passed()).count();
    let _ = match (results.len(), failed) {
        (0, _) => writeln!(text, "the file is good; it has no [[case]] to replay"),
        (1, 0) => writeln!(text, "1 case passed"),
        (all, 0) => writeln!(text, "{all} cases passed"),
        (all, failed) => writeln!(text, "{failed} of {all} cases failed"),
    };
    failed == 0
}
