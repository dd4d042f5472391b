//! The engine's feed as facts for the panel of colleagues, while somebody looks at it.

use engine::{Fact, Handle, Subject, Subscription};
use presence::{Board, Now, Sight};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use view::Settings;

/// A busy phone system has more news than a person can see.
const PAUSE: Duration = Duration::from_millis(50);
/// Things read at once, so that a large phone system does not keep the loop from a call.
const PART: usize = 1_000;

/// At most one reader of the feed.
#[derive(Debug, Default)]
pub(crate) struct Colleagues {
    following: Option<Following>,
}

#[derive(Debug)]
struct Following {
    feed: Subscription<Subject, Fact>,
    board: Board,
    /// Nothing is read before.
    not_before: Instant,
}

impl Colleagues {
    /// Reads from the beginning, or no more.
    pub(crate) fn follow(&mut self, settings: Option<&Settings>, engine: &Handle) {
        self.following = settings.map(|settings| {
            let plan = desktop::dial_plan(settings);
            Following {
                feed: engine.feed().subscribe(),
                board: Board::new(settings.pbx_host.trim(), plan, now()),
                not_before: Instant::now(),
            }
        });
    }

    /// What has changed; never anything while nobody follows. Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Vec<wire::Fact> {
        match &mut self.following {
            Some(following) => following.next().await,
            None => std::future::pending().await,
        }
    }
}

impl Following {
    async fn next(&mut self) -> Vec<wire::Fact> {
        tokio::time::sleep_until(self.not_before.into()).await;
        if !self.feed.changed().await {
            // The engine has ended, and the program with it.
            return std::future::pending().await;
        }
        self.read(now())
    }

    fn read(&mut self, now: Now) -> Vec<wire::Fact> {
        let pulled = self.feed.pull(PART);
        if pulled.from_nothing {
            self.board.clear();
        }
        for (subject, fact) in pulled.changes {
            self.board.take(subject, fact, now);
        }
        if !pulled.has_more {
            self.not_before = now.instant + PAUSE;
        }
        let mut facts = Vec::new();
        while let Some(thing) = self.board.poll() {
            facts.push(self.board.fact(&thing, Sight::All, now));
        }
        facts
    }
}

fn now() -> Now {
    let unix = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Now {
        instant: Instant::now(),
        unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX),
    }
}
