//! The program's log: to standard error, and the last lines for the administrators' page.

use crate::{clock, config};
use std::{
    collections::VecDeque,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};
use tracing::{Event, Subscriber, field::Visit};
use tracing_subscriber::{EnvFilter, Layer, layer::Context, prelude::*};
use wire::rest::LogLine;

/// Lines that the page can look back.
const LINES: usize = 2_000;
/// Characters of one.
const LONGEST: usize = 1_000;

/// The last lines; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recent {
    lines: Arc<Mutex<VecDeque<LogLine>>>,
}

impl Recent {
    /// The newest last.
    pub(crate) fn lines(&self) -> Vec<LogLine> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}

impl<S: Subscriber> Layer<S> for Recent {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // What is written for a search of faults may hold numbers; the page shows what an administrator reads.
        if *event.metadata().level() > tracing::Level::INFO {
            return;
        }
        let mut words = Words(String::new());
        event.record(&mut words);
        words.0 = words.0.chars().take(LONGEST).collect();
        let line = LogLine {
            at: clock::unix_ms(),
            level: event.metadata().level().to_string(),
            words: words.0,
        };
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        let _ = match field.name() {
            "message" => write!(self.0, "{value:?}"),
            name => write!(self.0, "{name}={value:?}"),
        };
    }
}

/// Starts to log; what comes out of it stays for the page.
pub(crate) fn init(config: &config::Log) -> Recent {
    let recent = Recent::default();
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| config.level.clone());
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let text = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false);
    let registry = tracing_subscriber::registry().with(recent.clone());
    // A second start in one process keeps the first log.
    let _ = if config.json {
        registry.with(text.json().with_filter(filter)).try_init()
    } else {
        registry
            .with(text.with_ansi(false).with_filter(filter))
            .try_init()
    };
    recent
}
