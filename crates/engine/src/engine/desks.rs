//! Who sits where: the desks of one PBX, found by extension, by phone and by call, so that an event costs only those
//! whom it concerns.

use crate::{
    CallId, CallUpdate, Desk, DeskId,
    phone::Phone,
    shown::{Origin, Shown, Surroundings},
};
use calls::Call;
use contacts::Directory;
use std::{
    borrow::Borrow,
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::Hash,
    time::Instant,
};
use tracing::debug;

/// A desk with what is shown there.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) desk: Desk,
    pub(super) phone: Phone,
    pub(super) shown: BTreeMap<CallId, Shown>,
}

#[derive(Debug, Default)]
pub(super) struct Desks {
    seats: BTreeMap<DeskId, Seat>,
    /// Hot-desking: two may share an extension or a phone.
    by_extension: HashMap<Box<str>, Vec<DeskId>>,
    by_channel: HashMap<Box<str>, Vec<DeskId>>,
    /// Who was told of a call; its legs may have been forgotten since.
    told: HashMap<CallId, Vec<DeskId>>,
    /// What is shown of each number, in its normal form.
    by_number: HashMap<Box<str>, BTreeSet<(DeskId, CallId)>>,
    /// How many seats were looked at.
    #[cfg(test)]
    pub(super) visits: std::cell::Cell<usize>,
}

impl Desks {
    pub(super) fn len(&self) -> usize {
        self.seats.len()
    }

    pub(super) fn ids(&self) -> Vec<DeskId> {
        self.seats.keys().copied().collect()
    }

    pub(super) fn seat(&self, id: DeskId) -> Option<&Seat> {
        self.visit();
        self.seats.get(&id)
    }

    pub(super) fn seat_mut(&mut self, id: DeskId) -> Option<&mut Seat> {
        self.visit();
        self.seats.get_mut(&id)
    }

    pub(super) fn desk(&self, id: DeskId) -> Option<&Desk> {
        self.seat(id).map(|seat| &seat.desk)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (DeskId, &Seat)> {
        let seats = self.seats.iter();
        seats.map(|(id, seat)| {
            self.visit();
            (*id, seat)
        })
    }

    /// Seats a desk anew, or gives it other settings; what is shown there stays.
    pub(super) fn set(&mut self, id: DeskId, desk: Desk) {
        let old = self.seats.get(&id).map(|seat| seat.desk.clone());
        if let Some(old) = old {
            leave(&mut self.by_extension, &*old.extension, id);
            leave(&mut self.by_channel, &*old.channel, id);
        }
        join(&mut self.by_extension, &*desk.extension, id);
        join(&mut self.by_channel, &*desk.channel, id);
        match self.seats.get_mut(&id) {
            Some(seat) => seat.desk = desk,
            None => {
                let (phone, shown) = (Phone::default(), BTreeMap::new());
                self.seats.insert(id, Seat { desk, phone, shown });
            }
        }
    }

    pub(super) fn remove(&mut self, id: DeskId) -> Option<Seat> {
        let seat = self.seats.remove(&id)?;
        leave(&mut self.by_extension, &*seat.desk.extension, id);
        leave(&mut self.by_channel, &*seat.desk.channel, id);
        for (call, shown) in &seat.shown {
            leave(&mut self.told, call, id);
            unlist(&mut self.by_number, shown.number(), &(id, *call));
        }
        Some(seat)
    }

    /// Everything that is shown at a desk, which nobody will hear of again.
    pub(super) fn clear(&mut self, id: DeskId) -> BTreeMap<CallId, Shown> {
        let seat = self.seats.get_mut(&id);
        let shown = seat.map(|seat| std::mem::take(&mut seat.shown));
        let shown = shown.unwrap_or_default();
        for (call, shown) in &shown {
            leave(&mut self.told, call, id);
            unlist(&mut self.by_number, shown.number(), &(id, *call));
        }
        shown
    }

    pub(super) fn of_extension(&self, extension: &str) -> Vec<DeskId> {
        self.by_extension
            .get(extension)
            .cloned()
            .unwrap_or_default()
    }

    pub(super) fn of_channel(&self, channel: &str) -> Vec<DeskId> {
        self.by_channel.get(channel).cloned().unwrap_or_default()
    }

    /// The desks whose phones are or were in a call, each once.
    pub(super) fn reached_by(&self, call: &Call) -> Vec<DeskId> {
        let extensions = call.legs.iter().filter_map(|leg| leg.extension.as_ref());
        let desks = extensions.filter_map(|extension| self.by_extension.get(extension.as_str()));
        let mut desks: Vec<_> = desks.flatten().copied().collect();
        desks.sort_unstable();
        desks.dedup();
        desks
    }

    /// Takes the newest state of a call at a desk; what there is to tell of it.
    pub(super) fn show(
        &mut self,
        id: DeskId,
        call: &Call,
        origin: Option<Origin>,
        directory: &Directory,
        read: Instant,
    ) -> Option<CallUpdate> {
        self.visit();
        let Seat { desk, shown, .. } = self.seats.get_mut(&id)?;
        let around = Surroundings {
            desk,
            directory,
            read,
        };
        let place = (id, call.id);
        if let Some(shown) = shown.get_mut(&call.id) {
            let before = shown.number().map(Box::from);
            let is_news = shown.refresh(call, origin, around);
            if before.as_deref() != shown.number() {
                unlist(&mut self.by_number, before.as_deref(), &place);
                list(&mut self.by_number, shown.number(), place);
            }
            return is_news.then(|| shown.update.clone());
        }
        let new = Shown::new(call, origin, around)?;
        list(&mut self.by_number, new.number(), place);
        let update = new.update.clone();
        debug!(call = %call.id, desk = %id, direction = ?update.direction, "call reached a phone");
        shown.insert(call.id, new);
        self.told.entry(call.id).or_default().push(id);
        Some(update)
    }

    /// Every desk that hears of a call's end.
    pub(super) fn followers(&self, call: &Call) -> Vec<DeskId> {
        let mut desks = self.reached_by(call);
        desks.extend(self.told.get(&call.id).into_iter().flatten());
        desks.sort_unstable();
        desks.dedup();
        desks
    }

    /// The call is over for everybody.
    pub(super) fn forget_call(&mut self, call: CallId) {
        for id in self.told.remove(&call).unwrap_or_default() {
            if let Some(seat) = self.seats.get_mut(&id)
                && let Some(shown) = seat.shown.remove(&call)
            {
                unlist(&mut self.by_number, shown.number(), &(id, call));
            }
        }
    }

    /// Where a number is shown; `None`: everything that is shown.
    pub(super) fn shown_of(&self, number: Option<&str>) -> Vec<(DeskId, CallId)> {
        match number {
            Some(number) => {
                let shown = self.by_number.get(number).into_iter();
                shown.flatten().copied().collect()
            }
            None => self.by_number.values().flatten().copied().collect(),
        }
    }

    /// Asks the directory again who is shown there; what there is to tell of it.
    pub(super) fn look_up(
        &mut self,
        id: DeskId,
        call: CallId,
        directory: &Directory,
    ) -> Option<CallUpdate> {
        self.visit();
        let shown = self.seats.get_mut(&id)?.shown.get_mut(&call)?;
        shown.look_up(directory).then(|| shown.update.clone())
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "counts in tests")]
    fn visit(&self) {}

    #[cfg(test)]
    fn visit(&self) {
        self.visits.set(self.visits.get() + 1);
    }
}

fn list<V: Ord>(places: &mut HashMap<Box<str>, BTreeSet<V>>, number: Option<&str>, place: V) {
    if let Some(number) = number {
        places.entry(number.into()).or_default().insert(place);
    }
}

fn unlist<V: Ord>(places: &mut HashMap<Box<str>, BTreeSet<V>>, number: Option<&str>, place: &V) {
    let Some(number) = number else { return };
    let Some(listed) = places.get_mut(number) else {
        return;
    };
    listed.remove(place);
    if listed.is_empty() {
        places.remove(number);
    }
}

fn join<K, Q>(map: &mut HashMap<K, Vec<DeskId>>, key: &Q, id: DeskId)
where
    K: Borrow<Q> + Eq + Hash + for<'a> From<&'a Q>,
    Q: Eq + Hash + ?Sized,
{
    match map.get_mut(key) {
        Some(desks) => {
            if let Err(at) = desks.binary_search(&id) {
                desks.insert(at, id);
            }
        }
        None => {
            map.insert(K::from(key), vec![id]);
        }
    }
}

fn leave<K, Q>(map: &mut HashMap<K, Vec<DeskId>>, key: &Q, id: DeskId)
where
    K: Borrow<Q> + Eq + Hash,
    Q: Eq + Hash + ?Sized,
{
    let Some(desks) = map.get_mut(key) else {
        return;
    };
    desks.retain(|desk| *desk != id);
    if desks.is_empty() {
        map.remove(key);
    }
}
