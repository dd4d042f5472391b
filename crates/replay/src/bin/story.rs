//! Tells the story of a recording: the program behind `cargo xtask story`.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::{io::Write, path::PathBuf, process::ExitCode};

use ami::Charset;
use anyhow::{Context, Result, bail, ensure};
use replay::{
    Recording, Story, phones, recording,
    story::{Options, ToldCall},
};

/// On the terminal, unless its reader has seen enough.
macro_rules! remark {
    ($($words:tt)*) => {{
        let _ = writeln!(std::io::stderr(), $($words)*);
    }};
}

const HELP: &str = "\
cargo xtask story FILE [--phones LOG] [--click PHONE] [--cut N] [--charset NAME] [--json]
    FILE is every byte that the manager interface sent (X.ami, or packed X.ami.gz); `tcpdump` or `socat -r` take one
    --phones LOG    what the phones saw (X.ua.jsonl): says where the story disagrees with them
    --click PHONE   the Originate in it was ours and rings PHONE (PJSIP/101) first
    --cut N         the link breaks after N messages and is back at once
    --charset NAME  of names that are not UTF-8 (windows-1251)
    --json          for a machine: the steps, and every call with its legs and talks";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.is_empty()
        || arguments
            .iter()
            .any(|word| word == "--help" || word == "-h")
    {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match tell(arguments) {
        Ok(agrees) if agrees => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            remark!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn tell(arguments: Vec<String>) -> Result<bool> {
    let mut options = Options::default();
    let (mut file, mut log, mut json, mut charset) = (None, None, false, Charset::default());
    let mut words = arguments.into_iter();
    while let Some(word) = words.next() {
        let mut value = || {
            let value = words.next();
            value.with_context(|| format!("{word} needs a value; see --help"))
        };
        match word.as_str() {
            "--json" => json = true,
            "--cut" => {
                options.cut = Some(
                    value()?
                        .parse()
                        .context("--cut takes a number of messages")?,
                )
            }
            "--click" => options.click = Some(value()?.into()),
            "--phones" => log = Some(PathBuf::from(value()?)),
            "--charset" => {
                let name = value()?;
                charset = Charset::named(&name)
                    .with_context(|| format!("{name} is no single-byte charset"))?;
            }
            other if other.starts_with('-') => bail!("not understood: {other}; see --help"),
            other if file.is_none() => file = Some(PathBuf::from(other)),
            other => bail!("one recording at a time: what is {other}? see --help"),
        }
    }
    let mut recording = Recording::open(&file.context("which file? see --help")?)?;
    recording.charset = charset;
    let (mut messages, mut known) = (0_usize, 0_usize);
    recording.for_each(|message| {
        messages += 1;
        known += usize::from(message.event_name().is_some() || message.response().is_some());
    });
    ensure!(
        known > 0,
        "there is no message of a manager interface in it: it should begin with “Asterisk Call Manager/” or “Event: ”"
    );
    if let Some(cut) = options.cut {
        ensure!(cut < messages, "--cut {cut}: it has {messages} messages");
    }
    let seen = match &log {
        Some(log) => Some(phones::read_log(&String::from_utf8_lossy(
            &recording::read(log)?,
        ))?),
        None => None,
    };
    let story = Story::with(&recording, &options);
    let mut out = std::io::stdout().lock();
    // A reader such as `head` may have seen enough.
    let _ = if json {
        writeln!(out, "{:#}", story.to_json())
    } else {
        write!(out, "{story}")
    };
    for ToldCall { number, .. } in &story.open {
        remark!("call #{number} goes on when the recording ends");
    }
    if story.calls.is_empty() && story.open.is_empty() {
        remark!("no call in {messages} messages");
    }
    let Some(seen) = seen else {
        return Ok(true);
    };
    let found = phones::disagreements(&story, &seen);
    for sentence in &found {
        remark!("the phones disagree: {sentence}");
    }
    if found.is_empty() {
        remark!("the phones agree ({} legs)", seen.len());
    }
    Ok(found.is_empty())
}
