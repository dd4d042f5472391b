//! Every action as Asterisk reads it, and what must never reach it.

use super::*;
use crate::Uniqueid;
use std::time::Duration;

const ID: ActionId = ActionId {
    session: 1,
    sequence: 2,
};

fn value(text: &str) -> FieldValue {
    FieldValue::new(text).unwrap()
}

fn to(exten: &str, context: &str) -> ExtensionAddress {
    ExtensionAddress {
        exten: value(exten),
        context: value(context),
    }
}

/// The headers behind Action and ActionID, as Asterisk reads them.
fn written(action: &Action) -> Vec<String> {
    let bytes = action.encode(ID).unwrap();
    let text = std::str::from_utf8(&bytes).unwrap();
    let text = text.strip_suffix("\r\n\r\n").unwrap();
    let mut lines = text.split("\r\n").map(str::to_owned);
    assert_eq!(lines.next().unwrap(), format!("Action: {}", action.name()));
    assert_eq!(lines.next().unwrap(), "ActionID: 0000000000000001-2");
    lines.collect()
}

fn mine() -> FieldValue {
    value("PJSIP/101-0000002c")
}

/// One of each, with what is to be written.
fn all() -> Vec<(Action, &'static str, Vec<&'static str>)> {
    let room = |order| {
        Action::Confbridge(Confbridge {
            room: value("800"),
            order,
        })
    };
    let wav = RecordingFile::new("2026/11/a-1.wav").unwrap();
    let interface = || value("Local/101@from-queue/n");
    vec![
        (Action::Status { channel: None }, "Status", vec![]),
        (
            Action::Status {
                channel: Some(mine()),
            },
            "Status",
            vec!["Channel: PJSIP/101-0000002c"],
        ),
        (Action::BridgeList, "BridgeList", vec![]),
        (
            Action::BridgeInfo {
                bridge: BridgeId::from("f7f3-d541"),
            },
            "BridgeInfo",
            vec!["BridgeUniqueid: f7f3-d541"],
        ),
        (Action::QueueStatus { queue: None }, "QueueStatus", vec![]),
        (
            Action::QueueStatus {
                queue: Some(value("support")),
            },
            "QueueStatus",
            vec!["Queue: support"],
        ),
        (Action::ParkedCalls, "ParkedCalls", vec![]),
        (Action::Parkinglots, "Parkinglots", vec![]),
        (Action::ConfbridgeListRooms, "ConfbridgeListRooms", vec![]),
        (
            Action::ConfbridgeList { room: value("800") },
            "ConfbridgeList",
            vec!["Conference: 800"],
        ),
        (Action::PresenceStateList, "PresenceStateList", vec![]),
        (
            Action::PresenceState {
                provider: value("CustomPresence:101"),
            },
            "PresenceState",
            vec!["Provider: CustomPresence:101"],
        ),
        (
            Action::ExtensionState(to("101", "internal")),
            "ExtensionState",
            vec!["Exten: 101", "Context: internal"],
        ),
        (
            Action::MailboxStatus {
                mailbox: value("101@default"),
            },
            "MailboxStatus",
            vec!["Mailbox: 101@default"],
        ),
        (
            Action::Redirect(Redirect {
                channel: mine(),
                to: to("800", "internal"),
                extra_channel: Some(value("PJSIP/trunk-0000002d")),
            }),
            "Redirect",
            vec![
                "Channel: PJSIP/101-0000002c",
                "Context: internal",
                "Exten: 800",
                "Priority: 1",
                "ExtraChannel: PJSIP/trunk-0000002d",
                "ExtraContext: internal",
                "ExtraExten: 800",
                "ExtraPriority: 1",
            ],
        ),
        (
            Action::BlindTransfer {
                channel: mine(),
                to: to("103", "internal"),
            },
            "BlindTransfer",
            vec![
                "Channel: PJSIP/101-0000002c",
                "Context: internal",
                "Exten: 103",
            ],
        ),
        (
            Action::Atxfer {
                channel: mine(),
                to: to("103", "internal"),
            },
            "Atxfer",
            vec![
                "Channel: PJSIP/101-0000002c",
                "Context: internal",
                "Exten: 103",
            ],
        ),
        (
            Action::CancelAtxfer { channel: mine() },
            "CancelAtxfer",
            vec!["Channel: PJSIP/101-0000002c"],
        ),
        (
            Action::Bridge {
                first: mine(),
                second: value("PJSIP/103-0000002e"),
            },
            "Bridge",
            vec![
                "Channel1: PJSIP/101-0000002c",
                "Channel2: PJSIP/103-0000002e",
            ],
        ),
        (
            Action::Park(Park {
                channel: value("PJSIP/trunk-0000004f"),
                timeout_channel: Some(mine()),
                timeout: Some(Duration::from_secs(20)),
                parkinglot: Some(value("default")),
            }),
            "Park",
            vec![
                "Channel: PJSIP/trunk-0000004f",
                "TimeoutChannel: PJSIP/101-0000002c",
                "Timeout: 20000",
                "Parkinglot: default",
            ],
        ),
        (
            Action::PlayDtmf(PlayDtmf {
                channel: mine(),
                digit: DtmfDigit::new('#').unwrap(),
                duration: Some(Duration::from_millis(120)),
                receive: true,
            }),
            "PlayDTMF",
            vec![
                "Channel: PJSIP/101-0000002c",
                "Digit: #",
                "Duration: 120",
                "Receive: true",
            ],
        ),
        (
            Action::Recording(Recording::Start {
                channel: mine(),
                file: wav.clone(),
            }),
            "MixMonitor",
            vec!["Channel: PJSIP/101-0000002c", "File: 2026/11/a-1.wav"],
        ),
        (
            Action::Recording(Recording::Stop { channel: mine() }),
            "StopMixMonitor",
            vec!["Channel: PJSIP/101-0000002c"],
        ),
        (
            Action::Recording(Recording::Mute {
                channel: mine(),
                audio: Audio::Both,
                on: true,
            }),
            "MixMonitorMute",
            vec!["Channel: PJSIP/101-0000002c", "Direction: both", "State: 1"],
        ),
        (
            Action::MuteAudio {
                channel: mine(),
                audio: Audio::FromPhone,
                on: false,
            },
            "MuteAudio",
            vec!["Channel: PJSIP/101-0000002c", "Direction: in", "State: off"],
        ),
        (
            room(ConfbridgeOrder::Mute { channel: mine() }),
            "ConfbridgeMute",
            vec!["Conference: 800", "Channel: PJSIP/101-0000002c"],
        ),
        (
            room(ConfbridgeOrder::Unmute { channel: mine() }),
            "ConfbridgeUnmute",
            vec!["Conference: 800", "Channel: PJSIP/101-0000002c"],
        ),
        (
            room(ConfbridgeOrder::Kick { channel: mine() }),
            "ConfbridgeKick",
            vec!["Conference: 800", "Channel: PJSIP/101-0000002c"],
        ),
        (
            room(ConfbridgeOrder::Lock),
            "ConfbridgeLock",
            vec!["Conference: 800"],
        ),
        (
            room(ConfbridgeOrder::Unlock),
            "ConfbridgeUnlock",
            vec!["Conference: 800"],
        ),
        (
            room(ConfbridgeOrder::StartRecord { file: Some(wav) }),
            "ConfbridgeStartRecord",
            vec!["Conference: 800", "RecordFile: 2026/11/a-1.wav"],
        ),
        (
            room(ConfbridgeOrder::StopRecord),
            "ConfbridgeStopRecord",
            vec!["Conference: 800"],
        ),
        (
            Action::QueueMembership(QueueMembership::Add(QueueAdd {
                queue: value("support"),
                interface: interface(),
                member_name: Some(value("Ada")),
                state_interface: Some(value("hint:101@ext-local")),
                penalty: 1,
                paused: false,
            })),
            "QueueAdd",
            vec![
                "Queue: support",
                "Interface: Local/101@from-queue/n",
                "MemberName: Ada",
                "StateInterface: hint:101@ext-local",
                "Penalty: 1",
                "Paused: false",
            ],
        ),
        (
            Action::QueueMembership(QueueMembership::Remove {
                queue: value("support"),
                interface: interface(),
            }),
            "QueueRemove",
            vec!["Queue: support", "Interface: Local/101@from-queue/n"],
        ),
        (
            Action::QueueMembership(QueueMembership::Pause {
                queue: None,
                interface: interface(),
                paused: true,
                reason: Some(value("lunch, then a walk")),
            }),
            "QueuePause",
            vec![
                "Interface: Local/101@from-queue/n",
                "Paused: true",
                "Reason: lunch, then a walk",
            ],
        ),
        (
            Action::QueueMembership(QueueMembership::Penalty {
                queue: Some(value("support")),
                interface: interface(),
                penalty: 3,
            }),
            "QueuePenalty",
            vec![
                "Queue: support",
                "Interface: Local/101@from-queue/n",
                "Penalty: 3",
            ],
        ),
        (
            Action::Setvar(Setvar::DeviceState {
                custom: value("DND101"),
                state: CustomState::Busy,
            }),
            "Setvar",
            vec!["Variable: DEVICE_STATE(Custom:DND101)", "Value: BUSY"],
        ),
        (
            Action::Setvar(Setvar::PresenceState {
                custom: value("101"),
                status: PresenceStatus::DoNotDisturb,
                message: value("until 3"),
            }),
            "Setvar",
            vec![
                "Variable: PRESENCE_STATE(CustomPresence:101)",
                "Value: dnd,,until 3",
            ],
        ),
        (
            Action::Setvar(Setvar::Channel {
                channel: mine(),
                variable: Variable::new("CRM_ID", "deal, 42").unwrap(),
            }),
            "Setvar",
            vec![
                "Channel: PJSIP/101-0000002c",
                "Variable: CRM_ID",
                "Value: deal, 42",
            ],
        ),
        (
            Action::Database(Database::Put {
                family: value("DND"),
                key: value("101"),
                value: value("YES"),
            }),
            "DBPut",
            vec!["Family: DND", "Key: 101", "Val: YES"],
        ),
        (
            Action::Database(Database::Del {
                family: value("DND"),
                key: value("101"),
            }),
            "DBDel",
            vec!["Family: DND", "Key: 101"],
        ),
        (
            Action::Database(Database::Get {
                family: value("DND"),
                key: value("101"),
            }),
            "DBGet",
            vec!["Family: DND", "Key: 101"],
        ),
        (
            Action::Filter(EventFilter::without(&["VarSet", "RTCPSent"]).unwrap()),
            "Filter",
            vec![
                "Operation: Add",
                "Filter: !^Event: (VarSet|RTCPSent)[^a-zA-Z0-9]",
            ],
        ),
        (
            Action::Events { mask: "call,agent" },
            "Events",
            vec!["EventMask: call,agent"],
        ),
        (
            Action::Hangup {
                channel: mine(),
                cause: Some(16),
            },
            "Hangup",
            vec!["Channel: PJSIP/101-0000002c", "Cause: 16"],
        ),
    ]
}

#[test]
fn each_action_is_written_as_asterisk_reads_it() {
    for (action, name, headers) in all() {
        assert_eq!(action.name(), name);
        assert_eq!(written(&action), headers, "{name}");
    }
}

#[test]
fn every_action_that_may_be_withheld_is_in_the_table_of_rights() {
    let open = [
        "Login",
        "Challenge",
        "Logoff",
        "Ping",
        "ListCommands",
        "Events",
    ];
    for (action, name, _) in all() {
        assert!(
            open.contains(&name) || crate::rights::need(action.name()).is_some(),
            "{name}"
        );
    }
}

#[test]
fn secret_cannot_add_a_header_and_is_not_printed() {
    let login = |secret: &str| Action::Login {
        username: value("ctc"),
        secret: LoginSecret::Plain(SecretString::from(secret)),
        events: "on",
    };
    assert!(matches!(
        login("x\nAction: Command").encode(ID),
        Err(EncodeError::Field {
            field: "Secret",
            ..
        })
    ));
    assert!(!format!("{:?}", login("hunter2")).contains("hunter2"));
}

#[test]
fn a_pattern_or_a_list_of_channels_is_refused_everywhere() {
    for hostile in ["/^PJSIP.*/", " /x/", "PJSIP/1&PJSIP/2", "PJSIP/1,x", "a|b"] {
        let channel = || value(hostile);
        let redirect = |channel, extra_channel| {
            Action::Redirect(Redirect {
                channel,
                to: to("103", "internal"),
                extra_channel,
            })
        };
        for action in [
            Action::Hangup {
                channel: channel(),
                cause: None,
            },
            Action::Status {
                channel: Some(channel()),
            },
            redirect(channel(), None),
            redirect(mine(), Some(channel())),
            Action::BlindTransfer {
                channel: channel(),
                to: to("103", "internal"),
            },
            Action::Atxfer {
                channel: channel(),
                to: to("103", "internal"),
            },
            Action::CancelAtxfer { channel: channel() },
            Action::Bridge {
                first: mine(),
                second: channel(),
            },
            Action::Park(Park {
                channel: mine(),
                timeout_channel: Some(channel()),
                timeout: None,
                parkinglot: None,
            }),
            Action::PlayDtmf(PlayDtmf {
                channel: channel(),
                digit: DtmfDigit::new('1').unwrap(),
                duration: None,
                receive: false,
            }),
            Action::Recording(Recording::Stop { channel: channel() }),
            Action::MuteAudio {
                channel: channel(),
                audio: Audio::Both,
                on: true,
            },
            Action::Confbridge(Confbridge {
                room: value("800"),
                order: ConfbridgeOrder::Kick { channel: channel() },
            }),
            Action::Setvar(Setvar::Channel {
                channel: channel(),
                variable: Variable::new("A", "b").unwrap(),
            }),
        ] {
            let refused = action.encode(ID);
            assert!(
                matches!(
                    refused,
                    Err(EncodeError::Reserved { .. } | EncodeError::NotAChannel { .. })
                ),
                "{} of {hostile:?}: {refused:?}",
                action.name()
            );
        }
    }
}

#[test]
fn an_extension_cannot_become_another_target() {
    for exten in [
        "500&PJSIP/itsp/1900",
        "500@other",
        "500,1",
        "500|1",
        "a/b",
        " ",
    ] {
        for action in [
            Action::BlindTransfer {
                channel: mine(),
                to: to(exten, "internal"),
            },
            Action::BlindTransfer {
                channel: mine(),
                to: to("500", exten),
            },
            Action::Atxfer {
                channel: mine(),
                to: to(exten, "internal"),
            },
            Action::Redirect(Redirect {
                channel: mine(),
                to: to(exten, "internal"),
                extra_channel: None,
            }),
        ] {
            assert!(action.encode(ID).is_err(), "{action:?}");
        }
    }
    // Asterisk presses keys for it: a letter that no phone has would be lost on the way.
    let letters = Action::Atxfer {
        channel: mine(),
        to: to("10x", "internal"),
    };
    assert!(letters.encode(ID).is_err());
}

#[test]
fn nobody_is_kicked_by_a_word_that_means_everybody() {
    for word in ["all", "participants", "ALL", "1"] {
        let kick = Action::Confbridge(Confbridge {
            room: value("800"),
            order: ConfbridgeOrder::Kick {
                channel: value(word),
            },
        });
        let refused = kick.encode(ID).unwrap_err();
        assert_eq!(refused, EncodeError::NotAChannel { field: "Channel" });
    }
}

#[test]
fn a_recording_stays_in_its_folder_and_runs_nothing() {
    for name in [
        "../etc/passwd.wav",
        "a/../../b.wav",
        "/etc/asterisk/x.wav",
        ".hidden.wav",
        "a//b.wav",
        "-rf.wav",
        "a.wav,b,touch x",
        "a|b.wav",
        "`id`.wav",
        "${CHANNEL}.wav",
        "^{CHANNEL}.wav",
        "a b.wav",
        "a\\b.wav",
        "no-format",
        "a.wav/b",
        "a.",
        "",
    ] {
        assert!(RecordingFile::new(name).is_err(), "{name:?}");
    }
    assert!(RecordingFile::new("sidetone/101-2026.11.21.wav").is_ok());
}

#[test]
fn only_keys_of_a_phone_are_played() {
    for key in ['0', '9', '*', '#', 'A', 'D'] {
        assert!(DtmfDigit::new(key).is_ok(), "{key}");
    }
    for key in ['E', 'a', 'w', ' ', '+', '٣', '\n'] {
        assert!(DtmfDigit::new(key).is_err(), "{key:?}");
    }
}

#[test]
fn no_function_but_the_meant_one_is_set() {
    for name in ["x)=1,SHELL(touch x", "${SHELL(x)}", "a b", "a)", ""] {
        for wanted in [
            Setvar::DeviceState {
                custom: value(name),
                state: CustomState::Busy,
            },
            Setvar::PresenceState {
                custom: value(name),
                status: PresenceStatus::Away,
                message: value(""),
            },
        ] {
            assert!(Action::Setvar(wanted).encode(ID).is_err(), "{name:?}");
        }
    }
    let message = Setvar::PresenceState {
        custom: value("101"),
        status: PresenceStatus::Away,
        message: value("back,e"),
    };
    assert!(Action::Setvar(message).encode(ID).is_err());
}

#[test]
fn a_key_of_the_database_stays_in_its_family() {
    for (family, key) in [
        ("DND", "../AMPUSER/101"),
        ("AMPUSER/101", "x"),
        ("", "x"),
        ("DND", " "),
    ] {
        let wanted = Database::Put {
            family: value(family),
            key: value(key),
            value: value("YES"),
        };
        assert!(
            Action::Database(wanted).encode(ID).is_err(),
            "{family}/{key}"
        );
    }
}

#[test]
fn a_filter_is_made_of_names_of_events_only() {
    for events in [&["VarSet|.*"][..], &[".*"], &[""], &[], &["A)(B"]] {
        assert!(EventFilter::without(events).is_err(), "{events:?}");
    }
}

#[test]
fn a_line_that_asterisk_would_not_read_is_refused_by_its_field() {
    let pause = |bytes: usize| {
        Action::QueueMembership(QueueMembership::Pause {
            queue: None,
            interface: value("PJSIP/101"),
            paused: true,
            reason: Some(value(&"x".repeat(bytes - "Reason: ".len()))),
        })
    };
    assert!(pause(1_022).encode(ID).is_ok());
    assert_eq!(
        pause(1_023).encode(ID).unwrap_err(),
        EncodeError::LineTooLong {
            field: "Reason",
            length: 1_023
        }
    );
}

#[test]
fn an_id_from_outside_cannot_end_a_line() {
    let info = Action::BridgeInfo {
        bridge: BridgeId::from("x\r\nAction: Logoff"),
    };
    assert!(info.encode(ID).is_err());
    // Only ids come unchecked; everything else is a FieldValue.
    assert!(FieldValue::new(Uniqueid::from("x\ny").as_str()).is_err());
}
