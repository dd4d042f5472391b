//! Decodes and tracks a recording again and again and says what an event costs in CPU time, beside the least that any
//! program must do with the same bytes: find where each message ends.
//!
//! `cargo run --release -p calls --example replay_load -- FILE.ami[.gz] [TIMES]`
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::{
    error::Error,
    io::Read,
    time::{Duration, Instant},
};

use ami::{Charset, Decoder, Incoming, Limits};
use calls::{CallEvent, CallTracker, Seed};

/// As much as one read from the socket gives.
const CHUNK: usize = 64 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments
        .next()
        .ok_or("say which recording: FILE.ami or FILE.ami.gz")?;
    let times: usize = arguments.next().map_or(Ok(5), |times| times.parse())?;
    let bytes = read(&file)?;
    let (mut framing, mut tracking) = (Vec::new(), Vec::new());
    let mut seen = Seen::default();
    for _ in 0..times.max(1) {
        // Side by side, so that whatever else the machine does falls on both.
        framing.push(cpu_of(|| frames(&bytes))?.0);
        let (cpu, saw) = cpu_of(|| track(&bytes))?;
        tracking.push(cpu);
        seen = saw;
    }
    println!(
        "{file}: {} bytes, {} messages, {times} runs",
        bytes.len(),
        seen.messages
    );
    println!("decode + track   {}", each(tracking, seen.messages));
    println!("framing alone    {}", each(framing, seen.messages));
    println!(
        "calls            {} seen, {} answered, {} left over",
        seen.started, seen.answered, seen.left
    );
    Ok(())
}

/// Median and 95th percentile of the runs, by message.
fn each(mut runs: Vec<Duration>, messages: u64) -> String {
    runs.sort();
    let us = |at: usize| runs[at.min(runs.len() - 1)].as_secs_f64() * 1e6 / messages.max(1) as f64;
    format!(
        "{:.3} us CPU an event (p95 {:.3})",
        us(runs.len() / 2),
        us(runs.len() * 95 / 100)
    )
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    messages: u64,
    started: u64,
    answered: u64,
    left: usize,
}

fn track(bytes: &[u8]) -> Seen {
    let now = Instant::now();
    let mut decoder = Decoder::new(Charset::default(), Limits::default());
    let mut tracker = CallTracker::new(Seed {
        unix_ms: 0,
        at: now,
        random: 0,
    });
    let mut seen = Seen::default();
    for chunk in bytes.chunks(CHUNK) {
        decoder.feed(chunk);
        while let Some(incoming) = decoder.next_message() {
            let Incoming::Message(message) = incoming else {
                continue;
            };
            if let Some(event) = message.event() {
                tracker.handle(&event, now);
            }
            while let Some(event) = tracker.poll_event() {
                count(event, &mut seen);
            }
        }
    }
    seen.messages = decoder.counts().messages + decoder.counts().skipped;
    seen.left = tracker.calls().count();
    seen
}

fn count(event: CallEvent, seen: &mut Seen) {
    match event {
        CallEvent::Started(_) => seen.started += 1,
        CallEvent::Ended(call) => seen.answered += u64::from(call.answered.is_some()),
        CallEvent::Changed(_) | CallEvent::Originate { .. } | CallEvent::Room(_) => {}
    }
}

fn frames(bytes: &[u8]) -> usize {
    memchr::memmem::find_iter(bytes, b"\r\n\r\n").count()
}

fn read(file: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let raw = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    if !file.ends_with(".gz") {
        return Ok(raw);
    }
    let mut bytes = Vec::new();
    flate2::read::MultiGzDecoder::new(&*raw).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn cpu_of<T>(work: impl FnOnce() -> T) -> Result<(Duration, T), Box<dyn Error>> {
    let before = process_cpu()?;
    let result = std::hint::black_box(work());
    Ok((process_cpu()?.saturating_sub(before), result))
}

/// CPU time of this process, user and system.
#[cfg(unix)]
fn process_cpu() -> Result<Duration, Box<dyn Error>> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Ok(Duration::new(
        time.tv_sec.try_into()?,
        time.tv_nsec.try_into()?,
    ))
}

/// Wall time, where the other is not to be had without unsafe code.
#[cfg(not(unix))]
fn process_cpu() -> Result<Duration, Box<dyn Error>> {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    Ok(START.get_or_init(Instant::now).elapsed())
}
