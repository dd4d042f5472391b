//! The hub's loop.

use super::{Ask, Hub, HubHandle, Pbx, PeopleWish, Snapshot, rights::Site};
use crate::{clock, counters::Counters, journal::Audit, pbx};
use contacts::Directory;
use engine::{DeskId, Fact, Subject, Update, Updates};
use presence::Now;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use wire::rest::PbxHealth;

/// Questions that may wait: more than all clients of a large firm ask at once when they come back.
const ASKS: usize = 16_384;
/// Parts of what phone systems tell that may wait; behind them the engines lay changes over each other.
const TOLD: usize = 256;
/// Facts in one part.
const PART: usize = 512;
/// Taken at once before anything is drawn, so that a storm is drawn once.
const AT_ONCE: usize = 128;

/// What a phone system tells.
#[derive(Debug)]
pub(crate) enum Told {
    Update(DeskId, Box<Update>),
    Facts {
        from_nothing: bool,
        changes: Vec<(Subject, Option<Fact>)>,
    },
}

enum Tick {
    Ask(Option<Ask>),
    Told(usize, Told),
    Second,
}

/// A phone system that the hub is to follow.
pub(crate) struct Start {
    pub(crate) site: pbx::Site,
    pub(crate) engine: engine::Handle,
    pub(crate) updates: Updates,
}

/// Starts the hub on the current runtime.
pub(crate) fn start(
    pbxs: Vec<Start>,
    policies: Site,
    audit: mpsc::Sender<Audit>,
    counters: Arc<Counters>,
    (directory, people_wishes): (Directory, mpsc::Sender<PeopleWish>),
) -> HubHandle {
    let (asks, inbox) = mpsc::channel(ASKS);
    let (tell, told) = mpsc::channel(TOLD);
    let now = clock::now();
    let mut hub = Hub {
        pbxs: Vec::new(),
        people: BTreeMap::new(),
        desks: HashMap::new(),
        next_desk: 0,
        own: BTreeMap::new(),
        clients: Default::default(),
        slots: Default::default(),
        wishes: Default::default(),
        missed: BTreeMap::new(),
        audit,
        directory,
        people_wishes,
        counters,
        policies,
        started: Instant::now(),
    };
    for (index, pbx) in pbxs.into_iter().enumerate() {
        let name: Arc<str> = pbx.site.name.as_str().into();
        tokio::spawn(listen(
            index,
            pbx.engine.feed().subscribe(),
            pbx.updates,
            tell.clone(),
        ));
        hub.pbxs.push(Pbx {
            board: presence::Board::new(&name, pbx.site.dial_plan.clone(), now),
            name,
            config: pbx.site,
            engine: pbx.engine,
            lacking: Vec::new(),
            excess: Vec::new(),
        });
    }
    tokio::spawn(hub.run(inbox, told));
    HubHandle::new(asks)
}

/// Brings what one engine tells to the hub; waits for the hub, never the engine for us.
async fn listen(
    index: usize,
    mut feed: engine::Subscription<Subject, Fact>,
    mut updates: Updates,
    tell: mpsc::Sender<(usize, Told)>,
) {
    loop {
        let told = tokio::select! {
            biased;
            update = updates.next() => match update {
                Some((desk, update)) => Told::Update(desk, Box::new(update)),
                None => return,
            },
            there = feed.changed() => {
                if !there {
                    return;
                }
                let pulled = feed.pull(PART);
                Told::Facts { from_nothing: pulled.from_nothing, changes: pulled.changes }
            }
        };
        if tell.send((index, told)).await.is_err() {
            return;
        }
    }
}

impl Hub {
    async fn run(mut self, mut asks: mpsc::Receiver<Ask>, mut told: mpsc::Receiver<(usize, Told)>) {
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let tick = tokio::select! {
                biased;
                ask = asks.recv() => Tick::Ask(ask),
                Some((pbx, told)) = told.recv() => Tick::Told(pbx, told),
                _ = seconds.tick() => Tick::Second,
            };
            let now = clock::now();
            if !self.take(tick, now) {
                return;
            }
            for _ in 0..AT_ONCE {
                let Ok((pbx, told)) = told.try_recv() else {
                    break;
                };
                self.take(Tick::Told(pbx, told), now);
            }
            self.draw(now);
        }
    }

    /// False when all is over.
    fn take(&mut self, tick: Tick, now: Now) -> bool {
        match tick {
            Tick::Ask(None) => return false,
            Tick::Ask(Some(ask)) => self.ask(ask, now),
            Tick::Told(pbx, Told::Update(desk, update)) => {
                self.desk_update(pbx, desk, *update, now);
            }
            Tick::Told(
                pbx,
                Told::Facts {
                    from_nothing,
                    changes,
                },
            ) => {
                self.facts(pbx, from_nothing, changes, now);
            }
            Tick::Second => {
                self.leave_behind();
                self.forget_own(now);
                self.forget_wishes(now);
            }
        }
        true
    }

    fn facts(
        &mut self,
        pbx: usize,
        from_nothing: bool,
        changes: Vec<(Subject, Option<Fact>)>,
        now: Now,
    ) {
        let board = &mut self.pbxs[pbx].board;
        if from_nothing {
            board.clear();
        }
        self.counters.told(changes.len());
        for (subject, fact) in changes {
            board.take(subject, fact, now);
        }
    }

    fn ask(&mut self, ask: Ask, now: Now) {
        match ask {
            Ask::Wish {
                asker,
                person,
                address,
                id,
                request,
            } => self.wish(asker, &person, &address, &id, *request, now),
            Ask::Me(person, answer) => {
                let me = self.people.get(&person).map(|person| self.me(person));
                drop(answer.send(me));
            }
            Ask::Facts(person, interest, answer) => {
                let facts = match self.people.get(&person).cloned() {
                    Some(person) => self.facts_for(&person, &interest, now),
                    None => Vec::new(),
                };
                drop(answer.send(facts));
            }
            Ask::Health(answer) => drop(answer.send(self.health(now))),
            Ask::People(people) => self.take_people(people, now),
            Ask::Done(asker, answer) => self.answer(asker, *answer),
            Ask::Board(items) => self.board_changed(items),
            Ask::End => self.end(),
            other @ (Ask::Join(..)
            | Ask::Follow(..)
            | Ask::Resync(_)
            | Ask::Leave(_)
            | Ask::Cut { .. }) => self.ask_client(other, now),
        }
    }

    fn facts_for(
        &mut self,
        person: &super::Person,
        interest: &wire::Interest,
        now: Now,
    ) -> Vec<crate::mailbox::Text> {
        let rights = self.rights_of(person);
        let facts = self.followed(
            interest,
            |hub, pbx, thing| {
                let colleague = match thing {
                    presence::Thing::Extension(name) => hub.pbxs[pbx].board.colleague(name),
                    presence::Thing::Pbx
                    | presence::Thing::Queue(_)
                    | presence::Thing::Parked(..) => None,
                };
                super::sight(&rights, person, colleague)
            },
            now,
        );
        facts.into_iter().map(|(_, text)| text).collect()
    }

    fn health(&self, now: Now) -> Snapshot {
        let pbx = |pbx: &Pbx| {
            let line = pbx.board.line(now);
            let extensions = pbx.board.things();
            let extensions =
                extensions.filter(|thing| matches!(thing, presence::Thing::Extension(_)));
            let lacking = pbx.lacking.iter().map(|(_, words)| words.clone());
            PbxHealth {
                name: pbx.name.to_string(),
                line,
                events_per_s: self.counters.events_per_s(),
                calls: u32::try_from(pbx.board.calls()).unwrap_or(u32::MAX),
                extensions: u32::try_from(extensions.count()).unwrap_or(u32::MAX),
                records: pbx.config.records.clone(),
                findings: lacking.chain(pbx.excess.iter().cloned()).collect(),
            }
        };
        Snapshot {
            pbxs: self.pbxs.iter().map(pbx).collect(),
            clients: u32::try_from(self.clients.len()).unwrap_or(u32::MAX),
            uptime_s: self.started.elapsed().as_secs(),
            online: self.online(),
        }
    }
}
