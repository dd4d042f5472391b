//! What the phones themselves logged of a recording, and the same by the tracker.

use std::collections::BTreeMap;

use calls::Leg;
use serde_json::Value;

use crate::story::{folder, path, replay};

/// One phone's part in a call: it rang, and maybe talked. All in seconds.
#[derive(Debug, Clone)]
pub(crate) struct PhoneLeg {
    /// An extension, or `line` for anything outside.
    phone: String,
    start: f64,
    rang: f64,
    /// From the answer to the end.
    talked: Option<f64>,
}

impl PhoneLeg {
    pub(crate) fn agrees_with(&self, seen: &Self) -> bool {
        let close = |a: f64, b: f64| (a - b).abs() <= 0.3;
        let talked = match (self.talked, seen.talked) {
            (Some(told), Some(seen)) => close(told, seen),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        self.phone == seen.phone && close(self.rang, seen.rang) && talked
    }
}

/// The recordings that come with their phones' log and were not cut by the end of Asterisk.
pub(crate) fn with_phone_logs() -> Vec<String> {
    let mut names = Vec::new();
    for version in ["16", "20", "22", "freepbx"] {
        for entry in std::fs::read_dir(folder().join(version)).expect("recordings") {
            let file = entry
                .expect("a file")
                .file_name()
                .into_string()
                .expect("a plain name");
            let name = file
                .strip_suffix(".ua.jsonl")
                .or_else(|| file.strip_suffix(".truth.json"));
            if let Some(name) = name.filter(|name| !name.starts_with("p_")) {
                names.push(format!("{version}/{name}"));
            }
        }
    }
    names.sort();
    names
}

/// By the tracker: the legs that rang, phone by phone.
pub(crate) fn legs_told(name: &str) -> Vec<PhoneLeg> {
    let story = replay(name);
    let first = story.ended.iter().map(|call| call.started).min();
    let lasting = |call: &&calls::Call| !matches!(call.end, Some(calls::End::JoinedTo(_)));
    let legs = story
        .ended
        .iter()
        .filter(lasting)
        .flat_map(|call| &call.legs);
    let rang = legs.filter_map(|leg| {
        let (ringing, gone) = (
            leg.ringing?,
            leg.gone.expect("an ended call has no live leg"),
        );
        Some(PhoneLeg {
            phone: phone_of(leg),
            start: (ringing - first?).as_secs_f64(),
            rang: (leg.answered.unwrap_or(gone) - ringing).as_secs_f64(),
            talked: leg.answered.map(|answered| (gone - answered).as_secs_f64()),
        })
    });
    in_order(rang.collect())
}

/// By the phones: each incoming leg that rang, phone by phone.
pub(crate) fn legs_seen(name: &str) -> Vec<PhoneLeg> {
    match std::fs::read_to_string(path(name, "truth.json")) {
        Ok(table) => legs_of_table(&table),
        Err(_) => legs_of_log(&std::fs::read_to_string(path(name, "ua.jsonl")).expect("a log")),
    }
}

fn legs_of_table(table: &str) -> Vec<PhoneLeg> {
    let table: Value = serde_json::from_str(table).expect("JSON");
    let legs = table["legs"].as_array().expect("legs").iter();
    let rang = legs.filter(|leg| leg["dir"] == "in").filter_map(|leg| {
        let rang = leg["ring_s"].as_f64().filter(|rang| *rang > 0.0)?;
        // `103#2` is the phone's second leg, `101b` the second phone of extension 101.
        let name = leg["leg"].as_str()?.split('#').next()?;
        Some(PhoneLeg {
            phone: phone_named(name.strip_suffix('b').unwrap_or(name)),
            start: leg["start"].as_f64()?,
            rang,
            talked: leg["up_s"].as_f64(),
        })
    });
    in_order(rang.collect())
}

/// When a phone's leg rang, was answered and ended, in Unix time.
#[derive(Default)]
struct Log {
    phone: String,
    rang: Option<f64>,
    answered: Option<f64>,
    ended: Option<f64>,
}

fn legs_of_log(text: &str) -> Vec<PhoneLeg> {
    let mut logs: BTreeMap<i64, Log> = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let (Some(call), Some(at)) = (line["call"].as_i64(), line["t"].as_f64()) else {
            continue;
        };
        if line["ev"] == "incoming" {
            let phone = phone_named(line["acc"].as_str().unwrap_or_default());
            logs.insert(
                call,
                Log {
                    phone,
                    ..Log::default()
                },
            );
        }
        let Some(log) = logs.get_mut(&call) else {
            continue;
        };
        // A phone that transfers by REFER keeps its own leg until it is told that the target answered.
        let transferred = line["op"].as_str().is_some_and(|op| op.starts_with("xfer"));
        match line["state"].as_str() {
            Some("EARLY") => log.rang = log.rang.or(Some(at)),
            Some("CONFIRMED") => log.answered = Some(at),
            Some("DISCONNECTED") => log.ended = log.ended.or(Some(at)),
            _ if transferred && line["ev"] == "did" => log.ended = Some(at),
            _ => {}
        }
    }
    let rang = logs.into_values().filter_map(|log| {
        let (rang, ended) = (log.rang?, log.ended.expect("every leg ends"));
        Some(PhoneLeg {
            phone: log.phone,
            start: rang,
            rang: log.answered.unwrap_or(ended) - rang,
            talked: log.answered.map(|answered| ended - answered),
        })
    });
    in_order(rang.collect())
}

/// By phone and time; two phones of one extension ring at once, then the one that was not answered comes first.
fn in_order(mut legs: Vec<PhoneLeg>) -> Vec<PhoneLeg> {
    let tenths = |leg: &PhoneLeg| (leg.start * 10.0).round();
    legs.sort_by(|a, b| {
        let key = |leg: &PhoneLeg| (leg.phone.clone(), tenths(leg), leg.talked);
        key(a).partial_cmp(&key(b)).expect("numbers")
    });
    legs
}

fn phone_named(account: &str) -> String {
    let is_extension = account.bytes().all(|byte| byte.is_ascii_digit());
    if is_extension {
        account.to_owned()
    } else {
        "line".into()
    }
}

fn phone_of(leg: &Leg) -> String {
    let line = || "line".to_owned();
    leg.extension
        .as_ref()
        .map_or_else(line, |extension| extension.as_str().to_owned())
}
