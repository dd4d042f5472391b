//! Whatever stands in a field, one action in is one message out, with the headers that were meant.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use ami::{
    Action, ActionId, CallerId, Charset, Decoder, FieldValue, Incoming, Limits, Originate,
    Uniqueid, Variable,
};
use proptest::prelude::*;

const MEANT: [&str; 14] = [
    "Action",
    "ActionID",
    "Channel",
    "ChannelId",
    "Context",
    "Exten",
    "Priority",
    "Timeout",
    "Variable",
    "Variable",
    "Variable",
    "Variable",
    "Variable",
    "Async",
];

proptest! {
    #[test]
    fn originate_stays_one_originate(
        channel in hostile(), id in hostile(), exten in hostile(), context in hostile(),
        name in hostile(), number in hostile(), variable in hostile(), value in hostile(),
    ) {
        let Some(action) = originate(&channel, &id, &exten, &context, &name, &number, &variable, &value)
        else {
            return Ok(());
        };
        let action_id = ActionId::parse("000000000000feed-7").unwrap();
        let Ok(bytes) = action.encode(action_id) else {
            return Ok(());
        };
        // Asterisk ends a line at any LF, so read as it does.
        prop_assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), MEANT.len() + 1);
        let mut decoder = Decoder::without_banner(Charset::default(), Limits::default());
        decoder.feed(&bytes);
        let Some(Incoming::Message(message)) = decoder.next_message() else {
            return Err(TestCaseError::fail("no message"));
        };
        let headers: Vec<_> = message.headers().collect();
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        prop_assert_eq!(names, MEANT);
        for (header, meant) in [
            ("Action", "Originate"), ("Channel", channel.as_str()), ("ChannelId", id.as_str()),
            ("Context", context.as_str()), ("Exten", exten.as_str()), ("Async", "true"),
        ] {
            prop_assert_eq!(message.get(header).unwrap().bytes(), meant.as_bytes());
        }
        let set: Vec<_> = headers
            .iter()
            .filter(|(name, _)| *name == "Variable")
            .flat_map(|(_, value)| as_asterisk_splits(&value.text()))
            .collect();
        prop_assert_eq!(set, [
            format!("CONNECTEDLINE(num,i)={number}"),
            format!("CONNECTEDLINE(name,i)={name}"),
            format!("CALLERID(num)={number}"),
            format!("CALLERID(name)={name}"),
            format!("{variable}={value}"),
        ]);
        prop_assert!(decoder.next_message().is_none());
        for target in [&exten, &context] {
            prop_assert!(!target.contains(['&', ',', '|', '@', '/']));
        }
    }
}

/// The variables of one header, by the rules of `__ast_app_separate_args` (main/app.c, alike from 13 to 23).
fn as_asterisk_splits(header: &str) -> Vec<String> {
    let mut variables = vec![String::new()];
    let (mut parentheses, mut brackets, mut quoted) = (0_u32, 0_u32, false);
    let mut characters = header.chars();
    while let Some(character) = characters.next() {
        let kept = match character {
            '\\' => characters.next(),
            '"' => {
                quoted = !quoted;
                None
            }
            ',' if parentheses == 0 && brackets == 0 && !quoted => {
                variables.push(String::new());
                None
            }
            _ => {
                match character {
                    '(' => parentheses += 1,
                    ')' => parentheses = parentheses.saturating_sub(1),
                    '[' => brackets += 1,
                    ']' => brackets = brackets.saturating_sub(1),
                    _ => {}
                }
                Some(character)
            }
        };
        if let (Some(kept), Some(variable)) = (kept, variables.last_mut()) {
            variable.push(kept);
        }
    }
    variables
}

/// Text that wants to be more than text, and often enough nearly harmless.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9_*#+]{1,8}",
        1 => Just("\r\n\r\nAction: Command\r\nCommand: core stop now\r\n\r\n".to_owned()),
        1 => Just("\nExten: 1900".to_owned()),
        1 => Just("&PJSIP/itsp/1900".to_owned()),
        1 => Just(",B=2".to_owned()),
        1 => Just("\" <1900>".to_owned()),
        1 => any::<char>().prop_map(String::from),
    ];
    prop_oneof![
        14 => "[a-zA-Z0-9_]{1,12}",
        2 => proptest::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat()),
    ]
}

#[expect(clippy::too_many_arguments, reason = "one for each field under attack")]
fn originate(
    channel: &str,
    id: &str,
    exten: &str,
    context: &str,
    name: &str,
    number: &str,
    variable: &str,
    value: &str,
) -> Option<Action> {
    let party = CallerId {
        name: FieldValue::new(name).ok()?,
        number: FieldValue::new(number).ok()?,
    };
    Some(Action::Originate(Originate {
        channel: FieldValue::new(channel).ok()?,
        channel_id: Uniqueid::from(id),
        exten: FieldValue::new(exten).ok()?,
        context: FieldValue::new(context).ok()?,
        priority: 1,
        timeout: Duration::from_secs(30),
        connected_line: Some(party.clone()),
        caller_id: Some(party),
        early_media: false,
        account: None,
        variables: vec![Variable::new(variable, value).ok()?],
    }))
}
