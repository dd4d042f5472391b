//! An event that changes nothing costs no memory: nearly all of a busy PBX's events are such.

// The edge of the pure crate: a recording is a file, time has to begin somewhere, and an allocator cannot be counted
// without being one.
#![allow(clippy::disallowed_methods, unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    io::Read,
    path::Path,
    time::Instant,
};

use ami::{Charset, Decoder, Event, Incoming, Limits};
use calls::{CallEvent, CallTracker, Seed, States};

#[test]
fn events_that_change_nothing_allocate_nothing() {
    let mut slice = Slice::read();
    let mut heard = 0;
    slice.play(|tracker, event, now| {
        // What stands already: told a second time it is no news.
        tracker.handle(event, now);
        while tracker.poll_event().is_some() {}
        let is_birth_or_death = matches!(event, Event::Newchannel(_) | Event::Hangup { .. });
        if is_birth_or_death {
            return;
        }
        heard += 1;
        let before = allocations();
        tracker.handle(event, now);
        assert_eq!(allocations() - before, 0, "{event:?}");
    });
    assert!(heard > 10_000, "{heard}");
}

#[test]
fn states_that_stand_already_allocate_nothing() {
    let mut slice = Slice::read();
    let mut states = States::default();
    let mut heard = 0;
    slice.play(|_, event, _| {
        states.handle(event);
        while states.poll_change().is_some() {}
        heard += 1;
        let before = allocations();
        states.handle(event);
        assert_eq!(allocations() - before, 0, "{event:?}");
        assert!(!states.has_changes(), "{event:?}");
    });
    assert!(heard > 10_000 && states.devices().count() > 1, "{heard}");
}

/// Of the 2,500 calls of the whole recording the slice holds the first, from birth to end.
#[test]
fn busy_hour_is_followed_call_by_call_and_forgotten() {
    let mut slice = Slice::read();
    let (mut started, mut answered, mut ended) = (0, 0, 0);
    slice.play(|tracker, event, now| {
        tracker.handle(event, now);
        while let Some(event) = tracker.poll_event() {
            match event {
                CallEvent::Started(_) => started += 1,
                CallEvent::Ended(call) => {
                    ended += 1;
                    answered += u32::from(call.answered.is_some() && call.legs.len() == 2);
                }
                CallEvent::Changed(_) | CallEvent::Originate { .. } | CallEvent::Room(_) => {}
            }
        }
    });
    let left = slice.tracker.calls().count();
    assert!(ended > 100, "{ended}");
    assert_eq!((started, ended), (ended + left, answered as usize));
    assert_eq!(slice.tracker.oddities(), calls::Oddities::default());
}

struct Slice {
    bytes: Vec<u8>,
    tracker: CallTracker,
    now: Instant,
}

impl Slice {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/load-slice.ami.gz");
        let packed = std::fs::read(path).expect("the slice of the load recording");
        let mut bytes = Vec::new();
        flate2::read::MultiGzDecoder::new(&*packed)
            .read_to_end(&mut bytes)
            .expect("gzip");
        let now = Instant::now();
        Self {
            bytes,
            tracker: CallTracker::new(Seed {
                unix_ms: 0,
                at: now,
                random: 0,
            }),
            now,
        }
    }

    fn play(&mut self, mut with: impl FnMut(&mut CallTracker, &Event<'_>, Instant)) {
        let mut decoder = Decoder::new(Charset::default(), Limits::default());
        decoder.feed(&self.bytes);
        while let Some(incoming) = decoder.next_message() {
            if let Incoming::Message(message) = incoming
                && let Some(event) = message.event()
            {
                with(&mut self.tracker, &event, self.now);
            }
        }
    }
}

/// Counts what this thread allocates.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn allocations() -> u64 {
    ALLOCATIONS.get()
}

// SAFETY: hands everything to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;
