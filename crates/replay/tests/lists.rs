//! The model of the PBX against the PBX: where a recording holds the answer to a list action, the model must have given the
//! same at that moment, in every field that it gives at all.
//!
//! Differences that are allowed: `Priority` is always 1; durations may be short, since the model's clock is the last event;
//! bridges without anybody in them (a parking lot that was once used) are not listed; the channels of a room's
//! own announcer and recorder are told by no event and counted by none.

use std::collections::BTreeMap;

use ami::Message;
use replay::{
    Recording,
    pbx::{Pbx, Rights},
    recording,
};

type Entry = BTreeMap<String, String>;

/// The entries of lists, and what tells one from the others.
const LISTS: [(&str, &str); 6] = [
    ("CoreShowChannel", "Uniqueid"),
    ("Status", "Uniqueid"),
    ("BridgeListItem", "BridgeUniqueid"),
    ("ConfbridgeListRooms", "Conference"),
    ("ConfbridgeList", "Uniqueid"),
    ("ParkedCall", "ParkeeUniqueid"),
];

#[test]
fn model_lists_what_the_pbx_listed() {
    let mut compared: BTreeMap<&str, usize> = BTreeMap::new();
    for name in recording::names().expect("recordings") {
        let mut pbx = Pbx::default();
        let mut open: Option<Open> = None;
        let recording = Recording::named(&name).expect("a recording");
        recording.for_each(|message| {
            if let Some(entry) = listed(message) {
                let list = open.get_or_insert_with(|| Open::begin(entry.list, &pbx));
                if list.list != entry.list {
                    *list = Open::begin(entry.list, &pbx);
                }
                list.take(&name, message, entry.key);
                *compared.entry(entry.list).or_default() += 1;
            } else if let Some(list) = open.take_if(|_| is_complete(message)) {
                list.is_complete(&name);
            }
            pbx.apply(message);
        });
    }
    for (list, at_least) in [
        ("CoreShowChannel", 10),
        ("Status", 10),
        ("BridgeListItem", 3),
        ("ConfbridgeListRooms", 3),
        ("ConfbridgeList", 9),
        ("ParkedCall", 3),
    ] {
        let seen = compared.get(list).copied().unwrap_or_default();
        assert!(seen >= at_least, "{list}: {seen}");
    }
}

struct Listed {
    list: &'static str,
    key: &'static str,
}

fn listed(message: &Message<'_>) -> Option<Listed> {
    message.get("ActionID")?;
    let event = message.get("Event")?;
    let (list, key) = LISTS.into_iter().find(|(list, _)| event.text() == *list)?;
    Some(Listed { list, key })
}

fn is_complete(message: &Message<'_>) -> bool {
    message
        .get("EventList")
        .is_some_and(|state| state.text().eq_ignore_ascii_case("complete"))
}

/// A list of which not all entries have come.
struct Open {
    list: &'static str,
    /// What the model lists and the recording has not named.
    expected: Vec<Entry>,
}

impl Open {
    fn begin(list: &'static str, pbx: &Pbx) -> Self {
        let rights = if list == "Status" {
            Rights::Call
        } else {
            Rights::All
        };
        let answers = pbx.answers(rights);
        let entries = answers.split("\r\n\r\n").map(|entry| {
            let fields = entry.lines().filter_map(|line| line.split_once(": "));
            let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
            fields.collect::<Entry>()
        });
        Self {
            list,
            expected: entries
                .filter(|entry| entry.get("Event").is_some_and(|event| event == list))
                .collect(),
        }
    }

    fn take(&mut self, recording: &str, message: &Message<'_>, key: &str) {
        let id = message.get(key).unwrap_or_default().text().into_owned();
        let is_empty_bridge = message
            .get("BridgeNumChannels")
            .is_some_and(|number| number.text() == "0");
        if is_empty_bridge {
            return;
        }
        let at = self.expected.iter().position(|entry| entry[key] == id);
        let at = at.unwrap_or_else(|| panic!("{recording}: {} {id} is not known", self.list));
        for (field, value) in self.expected.swap_remove(at) {
            let real = message.get(&field);
            let real = real.map(|real| real.text().into_owned());
            let real = real.unwrap_or_else(|| panic!("{recording}: {} has no {field}", self.list));
            let is_same = match field.as_str() {
                "ActionID" | "Priority" | "ParkeePriority" => true,
                "Duration" | "Seconds" => seconds(&value) <= seconds(&real) + 1,
                _ => real == value,
            };
            assert!(
                is_same,
                "{recording}: {} {id} {field}: {real:?}, not {value:?}",
                self.list
            );
        }
    }

    fn is_complete(&self, recording: &str) {
        assert!(
            self.expected.is_empty(),
            "{recording}: {} does not name {:#?}",
            self.list,
            self.expected
        );
    }
}

/// `HH:MM:SS` or seconds.
fn seconds(text: &str) -> u64 {
    text.split(':')
        .map(|part| part.parse::<u64>().expect("a number"))
        .fold(0, |sum, part| sum * 60 + part)
}
