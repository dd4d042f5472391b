//! What really happened in the calls that the little PBX played, written down by who played them and not read off events.

use std::collections::{BTreeMap, BTreeSet};

use calls::{Direction, End, Taken, TransferKind};

/// A channel of a phone or line, by its Uniqueid.
pub(crate) type Who = String;

/// Everything about the calls of one script.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    /// The calls, in the order in which they began.
    pub(crate) calls: Vec<CallTruth>,
    /// When calls became one: at, which, and in which it goes on.
    pub(crate) merges: Vec<(u64, usize, usize)>,
    pub(crate) channels: Vec<Life>,
    pub(crate) rings: Vec<(Who, Span)>,
    pub(crate) talks: Vec<Talk>,
}

#[derive(Debug)]
pub(crate) struct CallTruth {
    pub(crate) direction: Direction,
    /// `None` for a withheld number.
    pub(crate) caller: Option<String>,
    pub(crate) answered_by: Option<String>,
    pub(crate) is_answered: bool,
    pub(crate) end: End,
    /// Whose phone ended it.
    pub(crate) ended_by: Option<Who>,
    pub(crate) transfers: Vec<Passed>,
    pub(crate) queues: Vec<Visit>,
    pub(crate) parkings: usize,
    /// The steps of a click end with this one.
    pub(crate) clicked: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) kind: TransferKind,
    pub(crate) by: String,
    /// Who took it; `None` when nobody did.
    pub(crate) to: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Visit {
    pub(crate) offered: BTreeSet<String>,
    pub(crate) outcome: Option<Taken>,
}

#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) who: Who,
    pub(crate) call: usize,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct Talk {
    pub(crate) who: BTreeSet<Who>,
    pub(crate) span: Span,
}

/// Milliseconds since the beginning; without an end while it goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) from: u64,
    pub(crate) until: Option<u64>,
}

/// A call as it is at one moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) channels: BTreeSet<Who>,
    pub(crate) ringing: BTreeSet<Who>,
    pub(crate) talks: BTreeSet<BTreeSet<Who>>,
}

impl Span {
    pub(crate) fn since(from: u64) -> Self {
        Self { from, until: None }
    }

    fn covers(&self, at: u64) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

impl Truth {
    pub(crate) fn is_born(&mut self, who: &str, call: usize, at: u64) {
        self.channels.push(Life {
            who: who.to_owned(),
            call,
            span: Span::since(at),
        });
    }

    pub(crate) fn dies(&mut self, who: &str, at: u64) {
        self.rings_no_more(who, at);
        let mut lives = self.channels.iter_mut();
        if let Some(life) = lives.find(|life| life.who == who) {
            life.span.until = Some(at);
        }
    }

    pub(crate) fn rings(&mut self, who: &str, at: u64) {
        self.rings.push((who.to_owned(), Span::since(at)));
    }

    pub(crate) fn rings_no_more(&mut self, who: &str, at: u64) {
        let open = |(ringing, span): &&mut (Who, Span)| ringing == who && span.until.is_none();
        if let Some((_, span)) = self.rings.iter_mut().find(open) {
            span.until = Some(at);
        }
    }

    pub(crate) fn talks(&mut self, one: &str, two: &str, at: u64) {
        self.talks.push(Talk {
            who: BTreeSet::from([one.to_owned(), two.to_owned()]),
            span: Span::since(at),
        });
    }

    pub(crate) fn talks_no_more(&mut self, who: &str, at: u64) {
        let open = |talk: &&mut Talk| talk.who.contains(who) && talk.span.until.is_none();
        for talk in self.talks.iter_mut().filter(open) {
            talk.span.until = Some(at);
        }
    }

    /// In which call one goes on in the end, or by a moment.
    pub(crate) fn becomes(&self, call: usize, by: u64) -> usize {
        let happened = self.merges.iter().filter(|(at, ..)| *at <= by);
        happened.fold(
            call,
            |call, (_, from, into)| {
                if call == *from { *into } else { call }
            },
        )
    }

    pub(crate) fn is_joined(&self, call: usize) -> bool {
        self.merges.iter().any(|(_, from, _)| *from == call)
    }

    /// The talks of a call in the end, in their order.
    pub(crate) fn talks_of(&self, call: usize) -> Vec<&Talk> {
        let mut talks: Vec<_> = self
            .talks
            .iter()
            .filter(|talk| {
                talk.who
                    .iter()
                    .any(|who| self.call_of(who, u64::MAX) == Some(call))
            })
            .collect();
        talks.sort_by_key(|talk| talk.span.from);
        talks
    }

    pub(crate) fn call_of(&self, who: &str, by: u64) -> Option<usize> {
        let life = self.channels.iter().find(|life| life.who == who)?;
        Some(self.becomes(life.call, by))
    }

    /// The calls that go on at a moment.
    pub(crate) fn at(&self, at: u64) -> Vec<View> {
        let mut views: BTreeMap<usize, View> = BTreeMap::new();
        for life in self.channels.iter().filter(|life| life.span.covers(at)) {
            let view = views.entry(self.becomes(life.call, at)).or_default();
            view.channels.insert(life.who.clone());
        }
        for view in views.values_mut() {
            let ringing = self.rings.iter().filter(|(_, span)| span.covers(at));
            let ringing = ringing.map(|(who, _)| who.clone());
            view.ringing = ringing.filter(|who| view.channels.contains(who)).collect();
            let talks = self.talks.iter().filter(|talk| talk.span.covers(at));
            let talks = talks.map(|talk| talk.who.clone());
            view.talks = talks.filter(|who| who.is_subset(&view.channels)).collect();
        }
        views.into_values().collect()
    }
}
