//! What the phones saw of a scenario, by their own log alone, and whether a story agrees with it.
//!
//! The log (`X.ua.jsonl`) has a line a SIP event of each phone, with the same clock as the `Timestamp`s of the recording.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use calls::{Leg, Role};
use serde_json::Value;

use crate::{Story, recording, story::ToldCall};

/// One phone's part in a call, as it saw it. All in seconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct PhoneLeg {
    /// An extension, or `line` for anything outside.
    pub phone: String,
    /// Placed the call, or was rung.
    pub placed: bool,
    pub began: f64,
    /// When it began to ring; of a call that it placed, when the other side did.
    pub rang: Option<f64>,
    pub up: Option<f64>,
    pub ended: f64,
    /// It said goodbye itself.
    pub hung_up: bool,
    /// It handed its call over by REFER; from then on it only waits to be let go.
    pub handed_over: Option<f64>,
}

/// A channel outlives its phone while hangup handlers run.
const HANDLER: f64 = 1.0;
/// How far apart two clocks of one event may be: a phone's and the PBX's.
const CLOSE: f64 = 0.3;

/// Whether a recording comes with its phones' log.
#[must_use]
pub fn has_log(name: &str) -> bool {
    recording::path(name, "ua.jsonl").exists()
}

/// Reads the log that belongs to one of the repository's recordings.
///
/// # Errors
/// When there is none or it is no such log.
pub fn log_of(name: &str) -> Result<Vec<PhoneLeg>> {
    let text = recording::read(&recording::path(name, "ua.jsonl"))?;
    read_log(&String::from_utf8_lossy(&text))
}

/// Reads a phones' log.
///
/// # Errors
/// When a line is no JSON.
pub fn read_log(text: &str) -> Result<Vec<PhoneLeg>> {
    let mut legs: BTreeMap<(i64, String), PhoneLeg> = BTreeMap::new();
    let mut last = 0.0;
    let mut open: BTreeSet<(i64, String)> = BTreeSet::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).context("no phones' log")?;
        let (Some(call), Some(at)) = (line["call"].as_i64(), line["t"].as_f64()) else {
            continue;
        };
        last = at;
        // Two processes of phones number their calls each for itself.
        let account = line["acc"].as_str().unwrap_or_default();
        let key = (call, account.to_owned());
        let is_first = !legs.contains_key(&key);
        let is_in = line["ev"] == "incoming";
        let is_out = line["state"] == "CALLING";
        if is_first && (is_in || is_out) {
            let leg = PhoneLeg {
                phone: phone_named(account),
                placed: is_out,
                began: at,
                rang: None,
                up: None,
                ended: at,
                hung_up: false,
                handed_over: None,
            };
            legs.insert(key.clone(), leg);
            open.insert(key.clone());
        }
        let Some(leg) = legs.get_mut(&key) else {
            continue;
        };
        let handed_over =
            line["ev"] == "did" && line["op"].as_str().is_some_and(|op| op.starts_with("xfer"));
        match line["state"].as_str() {
            Some("EARLY") => leg.rang = leg.rang.or(Some(at)),
            Some("CONFIRMED") => leg.up = leg.up.or(Some(at)),
            Some("DISCONNECTED") if open.remove(&key) => {
                leg.ended = at;
                // The answer to its own BYE; who is told goodbye logs "Normal call clearing".
                leg.hung_up = line["reason"] == "OK" || (leg.up.is_none() && leg.placed);
            }
            _ if handed_over => leg.handed_over = leg.handed_over.or(Some(at)),
            _ => {}
        }
    }
    for key in &open {
        if let Some(leg) = legs.get_mut(key) {
            leg.ended = last;
        }
    }
    Ok(legs.into_values().collect())
}

impl PhoneLeg {
    /// When its part in the talk was over.
    #[must_use]
    pub fn left(&self) -> f64 {
        self.handed_over.unwrap_or(self.ended)
    }

    fn is_up(&self, from: f64, until: f64) -> bool {
        self.up.is_some_and(|up| up <= from + CLOSE) && until <= self.ended + CLOSE
    }
}

/// Everything in which a story and the phones disagree, a sentence each.
#[must_use]
pub fn disagreements(story: &Story, phones: &[PhoneLeg]) -> Vec<String> {
    let mut check = Check {
        story,
        phones,
        matched: BTreeMap::new(),
        found: Vec::new(),
    };
    check.match_legs();
    check.rings();
    check.talks();
    check.ends();
    check.pairs();
    check.found
}

struct Check<'a> {
    story: &'a Story,
    phones: &'a [PhoneLeg],
    /// By channel: the phone's own leg.
    matched: BTreeMap<&'a str, usize>,
    found: Vec<String>,
}

impl<'a> Check<'a> {
    fn legs(&self) -> Vec<(&'a ToldCall, &'a Leg)> {
        let told = self.story.lasting().chain(&self.story.open);
        told.flat_map(|told| told.call.legs.iter().map(move |leg| (told, leg)))
            .collect()
    }

    fn time(&self, told: &ToldCall, at: std::time::Instant) -> f64 {
        self.story.began + told.seconds(at)
    }

    /// Which leg of the story is which of the phones'.
    fn match_legs(&mut self) {
        let mut free: Vec<_> = (0..self.phones.len()).collect();
        let mut legs = self.legs();
        // Those that talked choose first: two phones of one extension ring at once.
        legs.sort_by_key(|(_, leg)| leg.answered.is_none());
        for (told, leg) in legs {
            let was_rung = leg.ringing.is_some();
            let (began, gone) = (
                leg.ringing.map(|at| self.time(told, at)),
                leg.gone.map(|at| self.time(told, at)),
            );
            let distance = |phone: &PhoneLeg| {
                let began = match (began, phone.rang) {
                    (Some(told), Some(seen)) if was_rung => (told - seen).abs(),
                    _ => 0.0,
                };
                let ended = gone.map_or(0.0, |gone| {
                    (gone - phone.ended).abs().min((gone - phone.left()).abs())
                });
                let answered = f64::from(u8::from(
                    leg.answered.is_some() != phone.up.is_some() && was_rung,
                ));
                began + ended + answered
            };
            let candidates = free.iter().copied().filter(|at| {
                let phone = &self.phones[*at];
                phone.phone == phone_of(leg) && phone.placed != was_rung
            });
            let best = candidates
                .min_by(|a, b| distance(&self.phones[*a]).total_cmp(&distance(&self.phones[*b])));
            if let Some(best) = best
                && distance(&self.phones[best]) < 3.0
            {
                free.retain(|at| *at != best);
                self.matched.insert(leg.uniqueid.as_str(), best);
            } else if was_rung {
                self.found.push(format!(
                    "{} rings in the story and not at the phones",
                    leg.channel
                ));
            }
        }
        for at in free {
            let phone = &self.phones[at];
            if !phone.placed && phone.rang.is_some() {
                self.found
                    .push(format!("{} rang, and the story does not know", phone.phone));
            }
        }
    }

    fn seen(&self, leg: &Leg) -> Option<&'a PhoneLeg> {
        self.matched
            .get(leg.uniqueid.as_str())
            .map(|at| &self.phones[*at])
    }

    /// Who rang, how long, who answered, how long he was there.
    fn rings(&mut self) {
        for (told, leg) in self.legs() {
            let (Some(seen), Some(ringing)) = (self.seen(leg), leg.ringing) else {
                continue;
            };
            let Some(gone) = leg.gone else {
                continue;
            };
            let rang = (leg.answered.unwrap_or(gone) - ringing).as_secs_f64();
            let seen_rang = seen.up.unwrap_or(seen.ended) - seen.rang.unwrap_or(seen.began);
            self.compare(leg, "rang", rang, seen_rang);
            match (leg.answered, seen.up) {
                (Some(answered), Some(up)) => {
                    let stayed = self.time(told, gone) - self.time(told, answered);
                    let left = if stayed + CLOSE < seen.ended - up {
                        seen.left()
                    } else {
                        seen.ended
                    };
                    self.compare(leg, "stayed", stayed, left - up);
                }
                (None, None) => {}
                (Some(_), None) => self.found.push(format!("{} did not pick up", leg.channel)),
                (None, Some(_)) => self.found.push(format!("{} picked up", leg.channel)),
            }
        }
    }

    fn compare(&mut self, leg: &Leg, what: &str, told: f64, seen: f64) {
        if (told - seen).abs() > CLOSE {
            self.found.push(format!(
                "{} {what} {seen:.1} s, the story says {told:.1} s",
                leg.channel
            ));
        }
    }

    /// Nobody talks in the story whose phone was not up.
    fn talks(&mut self) {
        for told in self.story.lasting() {
            for talk in &told.call.talks {
                let from = self.time(told, talk.from);
                let until = self.time(told, talk.until.unwrap_or(talk.from));
                for leg in talk.legs.iter().filter_map(|id| told.call.leg(*id)) {
                    match self.seen(leg) {
                        Some(seen) if !seen.is_up(from, until) => self.found.push(format!(
                            "{} talks in the story and its phone was not up",
                            leg.channel
                        )),
                        Some(_) => {}
                        None => self
                            .found
                            .push(format!("{} talks in the story, no phone did", leg.channel)),
                    }
                }
            }
        }
    }

    /// Who hung up, and whether the call was missed.
    fn ends(&mut self) {
        for told in self.story.lasting() {
            let call = &told.call;
            let by = call.ended_by.and_then(|id| call.leg(id));
            if let Some(talk) = call.talks.last()
                && let Some(until) = talk.until
            {
                let over = self.time(told, until);
                let legs = talk.legs.iter().filter_map(|id| call.leg(*id));
                let hung_up: Vec<_> = legs
                    .filter(|leg| {
                        self.seen(leg).is_some_and(|seen| {
                            seen.hung_up
                                && seen.handed_over.is_none()
                                && (seen.ended - over).abs() <= CLOSE
                        })
                    })
                    .map(|leg| leg.id)
                    .collect();
                let agrees = match (&by, hung_up.as_slice()) {
                    (None, []) => true,
                    // They went on in a room, or he did alone: to a mailbox, a queue, music.
                    (Some(leg), []) => self.hung_up_as_told(told, leg, over),
                    (Some(leg), some) => some.contains(&leg.id),
                    (None, [_, ..]) => false,
                };
                if !agrees {
                    let named = by.map_or("nobody", |leg| leg.channel.as_str());
                    self.found.push(format!(
                        "{named} hung up in the story; at the phones it was {} of them",
                        hung_up.len()
                    ));
                }
            }
            let called = call.legs.iter().filter(|leg| leg.role == Role::Callee);
            let picked_up = called
                .filter_map(|leg| self.seen(leg))
                .any(|seen| seen.up.is_some());
            let is_room = call.answered.is_some() && call.talks.is_empty();
            if call.is_missed() && picked_up && call.talks.is_empty() {
                // Somebody who picks up and declines has not answered; such a leg never talks.
                let declined = call.legs.iter().all(|leg| !leg.talking);
                if !declined {
                    self.found
                        .push("missed in the story, and somebody picked up".into());
                }
            }
            if !call.is_missed()
                && call.direction == calls::Direction::Incoming
                && call.answered.is_some()
                && !picked_up
                && !is_room
            {
                self.found
                    .push("answered in the story, and nobody picked up".into());
            }
        }
    }

    fn hung_up_as_told(&self, told: &ToldCall, leg: &Leg, talk_over: f64) -> bool {
        let (Some(seen), Some(gone)) = (self.seen(leg), leg.gone) else {
            return false;
        };
        let gone = self.time(told, gone);
        (self.was_in_a_room(told) || gone > talk_over + CLOSE)
            && seen.hung_up
            && (-HANDLER..=CLOSE).contains(&(seen.ended - gone))
    }

    /// A call leaves no mark of a room that it has left, but its story does.
    fn was_in_a_room(&self, told: &ToldCall) -> bool {
        self.story
            .steps
            .iter()
            .any(|step| step.call == Some(told.number) && step.text.contains(" enters room "))
    }

    /// As long as exactly two phones of all are up, and for a second or more, they talk with each other: who else could
    /// they talk with. (With the PBX itself, which the story then has to say.)
    fn pairs(&mut self) {
        let mut edges: Vec<f64> = self
            .phones
            .iter()
            .filter_map(|phone| Some([phone.up?, phone.left()]))
            .flatten()
            .collect();
        edges.sort_by(f64::total_cmp);
        for span in edges.windows(2) {
            let (from, until) = (span[0], span[1]);
            if until - from < 1.0 {
                continue;
            }
            let middle = f64::midpoint(from, until);
            let up: Vec<usize> = (0..self.phones.len())
                .filter(|at| {
                    let phone = &self.phones[*at];
                    phone.up.is_some_and(|up| up < middle) && middle < phone.left()
                })
                .collect();
            let [one, two] = up.as_slice() else {
                continue;
            };
            if !self.is_told(*one, *two, from, until) {
                self.found.push(format!(
                    "{} and {} were alone for {:.1} s, and the story has them neither talk nor be with the PBX",
                    self.phones[*one].phone,
                    self.phones[*two].phone,
                    until - from
                ));
            }
        }
    }

    fn is_told(&self, one: usize, two: usize, from: f64, until: f64) -> bool {
        let legs = self.legs();
        let leg_of = |at: usize| {
            let uniqueid = self.matched.iter().find(|(_, matched)| **matched == at)?.0;
            legs.iter()
                .find(|(_, leg)| leg.uniqueid.as_str() == *uniqueid)
                .copied()
        };
        let (Some((told, a)), Some((other, b))) = (leg_of(one), leg_of(two)) else {
            return false;
        };
        let together: f64 = told
            .call
            .talks
            .iter()
            .filter(|talk| talk.legs.contains(&a.id) && talk.legs.contains(&b.id))
            .map(|talk| {
                let end = talk.until.map_or(until, |at| self.time(told, at));
                (end.min(until) - self.time(told, talk.from).max(from)).max(0.0)
            })
            .sum();
        if together + 2.0 * CLOSE >= until - from {
            return true;
        }
        // One of them is with the PBX: a queue, an IVR, a mailbox, a parking lot, a room, a spy's ear.
        let with_pbx = |told: &ToldCall, leg: &Leg| {
            let call = &told.call;
            let is_caller = leg.role == Role::Caller;
            let waits = is_caller
                && call
                    .talks
                    .first()
                    .is_none_or(|talk| self.time(told, talk.from) + CLOSE >= until);
            let had_steps =
                !call.transfers.is_empty() || !call.queues.is_empty() || !call.parkings.is_empty();
            waits || had_steps || call.spying || self.was_in_a_room(told)
        };
        with_pbx(told, a) || with_pbx(other, b)
    }
}

fn phone_named(account: &str) -> String {
    // `103#2` is the phone's second leg, `101b` the second phone of extension 101.
    let name = account.split('#').next().unwrap_or_default();
    let name = name.strip_suffix('b').unwrap_or(name);
    let is_extension = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    if is_extension {
        name.into()
    } else {
        "line".into()
    }
}

fn phone_of(leg: &Leg) -> String {
    leg.extension.as_ref().map_or_else(
        || "line".to_owned(),
        |extension| extension.as_str().to_owned(),
    )
}
