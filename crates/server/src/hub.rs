//! The owner of everything that is live: who is connected, what each may see, and what the phone systems tell.
//!
//! One task, one tick at a time, none of which waits. Facts of the phone systems are drawn once for each kind of reader
//! and laid into the mailboxes of those who follow them; wishes are checked here and nowhere else.

mod ask;
mod clients;
mod desks;
mod drawing;
mod people;
mod rights;
mod running;
mod wishes;

pub(crate) use ask::{Ask, Asker, ClientId, HubHandle, Joined, Newcomer, Person, Snapshot};
pub(crate) use people::{CallAtHand, LiveCall, PeopleWish, What, may_create};
pub(crate) use rights::{Site as Policies, sight};
pub(crate) use running::{Start, start};

use self::{clients::Clients, desks::Own, drawing::Slots, wishes::Wishes};
use crate::{counters::Counters, journal::Audit};
use contacts::Directory;
use presence::Board;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Instant,
};
use tokio::sync::mpsc;

/// What the hub knows of one phone system.
pub(crate) struct Pbx {
    pub(crate) name: Arc<str>,
    pub(crate) config: crate::pbx::Site,
    pub(crate) engine: engine::Handle,
    pub(crate) board: Board,
    /// What the AMI user may not do, by the name of the ability.
    pub(crate) lacking: Vec<(String, String)>,
    pub(crate) excess: Vec<String>,
}

/// All live state.
pub(crate) struct Hub {
    pbxs: Vec<Pbx>,
    people: BTreeMap<Arc<str>, Arc<Person>>,
    /// Who sits at which desk of which phone system; the id is never given to another.
    desks: HashMap<(usize, engine::DeskId), Arc<str>>,
    next_desk: u32,
    own: BTreeMap<Arc<str>, Own>,
    clients: Clients,
    slots: Slots,
    wishes: Wishes,
    missed: BTreeMap<String, wire::MissedCall>,
    audit: mpsc::Sender<Audit>,
    /// Who calls, as far as it is known at once.
    directory: Directory,
    /// What has to be asked of contact sources, done beside the hub.
    people_wishes: mpsc::Sender<PeopleWish>,
    counters: Arc<Counters>,
    policies: rights::Site,
    started: Instant,
}
