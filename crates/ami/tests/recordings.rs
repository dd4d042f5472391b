//! Recordings of real Asterisks are read without loss, however the network cuts them.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and reads its recordings"
)]

use std::{fs, path::Path};

use ami::{Charset, Decoder, Event, Incoming, Limits, Rights, WriteClass};
use proptest::prelude::*;

#[test]
fn every_byte_of_every_recording_comes_out_again() {
    for (name, bytes) in recordings() {
        let mut said = Vec::new();
        let decoder = decode(&bytes, bytes.len(), |incoming| said.extend(write(incoming)));
        assert!(without_extra_blank_lines(&bytes) == said, "{name} differs");
        assert_eq!(decoder.counts().oversized, 0, "{name}");
    }
}

#[test]
fn chunks_of_any_one_size_make_no_difference() {
    for (name, bytes) in recordings() {
        let whole = story(&bytes, bytes.len());
        for size in [1, 2, 3, 7, 64, 1_460] {
            assert!(whole == story(&bytes, size), "{name} in chunks of {size}");
        }
    }
}

#[test]
fn caller_names_read_as_the_phones_sent_them() {
    let names = caller_names("z_names_16.ami");
    for name in [
        r#"A \"quoted\" \\ back; semi, comma"#,
        "x: y <z> |",
        "Ünï 😀 漢字",
    ] {
        assert!(
            names.iter().any(|found| found == name),
            "{name} in {names:?}"
        );
    }
    let names = caller_names("z_bytes_16.ami");
    for name in ["Привет", "tab\tin name", "nul-ish \u{1}\u{7f}"] {
        assert!(
            names.iter().any(|found| found == name),
            "{name} in {names:?}"
        );
    }
    let cut: Vec<_> = names
        .iter()
        .filter(|name| name.ends_with('\u{fffd}'))
        .collect();
    assert_eq!(cut.len(), 2, "{cut:?}");
    assert!(
        cut.iter()
            .all(|name| name.contains("Жанна") || name.contains("漢漢")),
        "{cut:?}"
    );
}

#[test]
fn snapshot_lists_channels_and_rights() {
    let mut listed = Vec::new();
    let mut rights = None;
    let bytes = recording("q_snapshot_midcall_22.ami");
    decode(&bytes, bytes.len(), |incoming| {
        let Incoming::Message(message) = incoming else {
            return;
        };
        if message.get("ListCommands").is_some() {
            rights = Some(Rights::from_list_commands(&message));
        }
        if let Some(Event::CoreShowChannel(listing)) = message.event() {
            listed.push(format!(
                "{} {:?} {} in {}",
                listing.channel.name,
                listing.channel.state,
                listing.channel.uniqueid,
                listing.bridge
            ));
        }
    });
    let rights = rights.unwrap();
    for action in ["Originate", "Hangup", "CoreShowChannels", "Command"] {
        assert!(rights.allows(action), "{action}");
    }
    assert_eq!(
        listed,
        [
            "PJSIP/101-00000069 Up lab-1795229037.220 in f7f373c6-d541-4078-9429-acabc12b75d7",
            "PJSIP/trunk-00000068 Up lab-1795229037.219 in f7f373c6-d541-4078-9429-acabc12b75d7",
        ]
    );
}

#[test]
fn classes_of_every_action_are_those_that_asterisk_lists() {
    for version in [16, 20, 22] {
        let mut listed = Vec::new();
        let rights = list_commands(version, |name, classes| {
            listed.push((name.to_owned(), classes.to_owned()));
            true
        });
        let report = rights.report();
        assert_eq!(
            report.missing,
            [],
            "{version} lacks what every module was loaded for"
        );
        for class in [WriteClass::Call, WriteClass::Agent, WriteClass::Reporting] {
            assert!(rights.has(class), "{class} of {version}");
        }
        assert_eq!(
            report.excess,
            [WriteClass::Command, WriteClass::Config, WriteClass::System]
        );
        // Without the action in the list, what is said to be missing must be what Asterisk's own list says.
        for (name, classes) in &listed {
            let without = list_commands(version, |other, others| {
                others == "<none>"
                    || (other != name
                        && !others
                            .split(',')
                            .any(|class| class != "all" && classes.contains(class)))
            });
            let Some(missing) = without.missing(name) else {
                continue;
            };
            let mut said: Vec<_> = missing
                .classes()
                .iter()
                .map(|class| class.as_str())
                .collect();
            let mut meant: Vec<_> = classes.split(',').filter(|class| *class != "all").collect();
            said.sort_unstable();
            meant.sort_unstable();
            assert_eq!(said, meant, "{name} of {version}");
        }
    }
}

#[test]
fn a_desktop_user_is_told_what_he_lacks_and_where_to_get_it() {
    // write = call,originate,reporting on an Asterisk without parking.
    let rights = list_commands(22, |name, classes| {
        let has = ["call", "originate", "reporting", "<none>"];
        !name.contains("Park") && classes.split(',').any(|class| has.contains(&class))
    });
    let why = |action: &str| rights.missing(action).map(|missing| missing.to_string());
    assert_eq!(why("BlindTransfer"), None);
    assert_eq!(
        why("MixMonitor").unwrap(),
        "Recording needs the write class `system` in manager.conf."
    );
    assert_eq!(
        why("QueuePause").unwrap(),
        "Changing queues needs the write class `agent` in manager.conf."
    );
    assert_eq!(
        why("Park").unwrap(),
        "Parking needs the module res_parking on the phone system."
    );
    assert_eq!(rights.report().excess, []);
    assert!(rights.has(WriteClass::Reporting) && !rights.has(WriteClass::System));
    let nobody = list_commands(22, |_, classes| classes == "<none>");
    assert_eq!(
        nobody.missing("BlindTransfer").unwrap().to_string(),
        "Transfers need the write class `call` in manager.conf."
    );
    assert_eq!(
        nobody.missing("CoreShowChannels").unwrap().to_string(),
        "Finding the calls that go on needs the write class `reporting` or `system` in manager.conf."
    );
}

#[test]
fn output_of_commands_is_read_line_by_line() {
    let mut outputs = Vec::new();
    let bytes = recording("z_commands_16.ami");
    decode(&bytes, bytes.len(), |incoming| {
        if let Incoming::Message(message) = incoming {
            outputs.extend(message.output().map(|line| line.to_string()));
        }
    });
    assert!(outputs.iter().any(|line| line == "- 29 hints registered"));
    assert!(
        outputs
            .iter()
            .any(|line| line.starts_with("No such command"))
    );
}

proptest! {
    #[test]
    fn chunk_boundaries_do_not_matter(cuts in proptest::collection::vec(1_usize..3_000, 1..60)) {
        for name in ["z_commands_16.ami", "p_odd_bytes_22.ami", "b5_cancelled_by_us_22.ami"] {
            let bytes = recording(name);
            let mut decoder = Decoder::new(cyrillic(), Limits::default());
            let mut said = String::new();
            let mut rest = &bytes[..];
            let mut cuts = cuts.iter().copied().cycle();
            while !rest.is_empty() {
                let (chunk, later) = rest.split_at(cuts.next().unwrap_or(1).min(rest.len()));
                decoder.feed(chunk);
                while let Some(incoming) = decoder.next_message() {
                    said += &format!("{incoming:?}\n");
                }
                rest = later;
            }
            prop_assert_eq!(said, story(&bytes, bytes.len()));
        }
    }

    #[test]
    fn garbage_never_panics_and_the_next_message_is_read(
        garbage in proptest::collection::vec(any::<u8>(), 0..2_000),
        size in 1_usize..100,
    ) {
        let mut bytes = garbage;
        bytes.extend_from_slice(b"\r\n\r\n--END COMMAND--\n\n--END COMMAND--\r\n\r\nEvent: Hangup\r\nCause: 16\r\n\r\n");
        let mut last = None;
        decode(&bytes, size, |incoming| {
            last = Some(format!("{incoming:?}"));
            if let Incoming::Message(message) = incoming {
                let _ = (format!("{:?}", message.event()), message.output().count());
            }
        });
        prop_assert!(last.unwrap().contains("Hangup"));
    }

    #[test]
    fn damaged_recordings_never_panic(
        at in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..50),
    ) {
        let mut bytes = recording("e2_incoming_caller_gives_up_22.ami");
        for (index, byte) in at {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        decode(&bytes, 500, |incoming| {
            if let Incoming::Message(message) = incoming {
                let _ = format!("{:?}", message.event());
            }
        });
    }
}

/// The rights of a user for whom Asterisk would list only what `is_listed`, by name and classes.
fn list_commands(version: u32, mut is_listed: impl FnMut(&str, &str) -> bool) -> Rights {
    let recorded = String::from_utf8(recording(&format!("list_commands_{version}.ami"))).unwrap();
    let lines = recorded.lines().filter(|line| {
        let Some((name, about)) = line.split_once(": ") else {
            return true;
        };
        let Some((_, classes)) = about.rsplit_once("(Priv: ") else {
            return true;
        };
        is_listed(name, classes.trim_end_matches(')'))
    });
    let text: String = lines.map(|line| format!("{line}\r\n")).collect();
    let mut rights = None;
    decode(text.as_bytes(), text.len(), |incoming| {
        if let Incoming::Message(message) = incoming {
            rights = Some(Rights::from_list_commands(&message));
        }
    });
    rights.unwrap()
}

fn recordings() -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(&path).unwrap())
        })
        .collect();
    found.sort();
    assert!(found.len() >= 10);
    found
}

fn recording(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data"))
}

fn cyrillic() -> Charset {
    Charset::named("cp1251").unwrap()
}

fn decode(bytes: &[u8], size: usize, mut each: impl FnMut(Incoming<'_>)) -> Decoder {
    let mut decoder = Decoder::new(cyrillic(), Limits::default());
    for chunk in bytes.chunks(size.max(1)) {
        decoder.feed(chunk);
        while let Some(incoming) = decoder.next_message() {
            each(incoming);
        }
    }
    decoder
}

fn story(bytes: &[u8], size: usize) -> String {
    let mut said = String::new();
    decode(bytes, size, |incoming| said += &format!("{incoming:?}\n"));
    said
}

/// The bytes that a message was read from.
fn write(incoming: Incoming<'_>) -> Vec<u8> {
    match incoming {
        Incoming::Banner(banner) => [banner.line().bytes(), b"\r\n"].concat(),
        Incoming::Message(message) => {
            let mut bytes = Vec::new();
            for (key, value) in message.headers() {
                if !key.is_empty() {
                    bytes.extend_from_slice(key.as_bytes());
                    bytes.extend_from_slice(b": ");
                }
                bytes.extend_from_slice(value.bytes());
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"\r\n");
            bytes
        }
    }
}

fn without_extra_blank_lines(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    for byte in bytes {
        kept.push(*byte);
        if kept.ends_with(b"\r\n\r\n\r\n") {
            kept.truncate(kept.len() - 2);
        }
    }
    kept
}

fn caller_names(recording_name: &str) -> Vec<String> {
    let mut names = Vec::new();
    let bytes = recording(recording_name);
    decode(&bytes, bytes.len(), |incoming| {
        if let Incoming::Message(message) = incoming
            && let Some(Event::Newchannel(channel)) = message.event()
        {
            names.push(channel.caller.name.text().into_owned());
        }
    });
    names
}
