//! `docs/protocol.md` is what others write their clients by: what it shows is what the types say.

use serde_json::{Value, json};
use wire::{ClientMessage, Order, Request, ServerMessage};

const TEXT: &str = include_str!("../../../docs/protocol.md");

#[test]
fn the_transcript_is_made_of_messages() {
    let (client, server): (Vec<_>, Vec<_>) = messages().partition(|(who, _)| *who == "C");
    assert!(client.len() >= 4 && server.len() >= 8, "it is not read");
    for (_, message) in client.iter().filter(|(_, said)| said["type"] != "shout") {
        let read: ClientMessage = serde_json::from_value(message.clone()).expect("a message");
        let written = serde_json::to_value(read).expect("JSON");
        for (field, value) in message.as_object().into_iter().flatten() {
            assert!(written.get(field).is_some(), "{field}: {value}");
        }
    }
    for (_, message) in &server {
        let read: ServerMessage = serde_json::from_value(message.clone()).expect("a message");
        assert_eq!(&serde_json::to_value(read).expect("JSON"), message);
    }
}

#[test]
fn every_request_and_order_of_the_text_is_understood() {
    let fields = json!({
        "text": "102", "dial": "1", "call": "1", "number": "102", "item": "1", "to": "102",
        "with": "1", "member": "1", "on": true, "tones": "1", "queue": "sales", "paused": true,
        "reason": null, "order": { "order": "hold" },
        "record": { "source": "crm", "kind": "person", "id": "1" }, "remember": "number", "source": "crm",
        "fields": {},
    });
    for word in rows("| `request` | fields |") {
        assert!(fits::<Request>("request", &word, &fields), "{word}");
    }
    for word in rows("| `order` | fields |") {
        assert!(fits::<Order>("order", &word, &fields), "{word}");
    }
}

/// Complete messages of the transcript with who sends them; shortened ones are not JSON.
fn messages() -> impl Iterator<Item = (&'static str, Value)> {
    let said = TEXT.lines().filter_map(|line| {
        let (who, message) = line.split_once(' ')?;
        matches!(who, "C" | "S").then_some((who, message))
    });
    said.filter_map(|(who, message)| Some((who, serde_json::from_str(message).ok()?)))
}

/// The words in the first column of a table.
fn rows(head: &str) -> Vec<String> {
    let table = TEXT.split_once(head).expect(head).1;
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let words = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let words: Vec<String> = words.map(str::to_owned).collect();
    assert!(words.len() > 6, "{head} is not read: {words:?}");
    words
}

/// With just those of the fields that it has: what is too many is refused by name.
fn fits<T: serde::de::DeserializeOwned>(tag: &str, word: &str, fields: &Value) -> bool {
    let mut message = fields.clone();
    loop {
        message[tag] = word.into();
        let Err(error) = serde_json::from_value::<T>(message.clone()) else {
            return true;
        };
        let words = error.to_string();
        let Some(unknown) = words.strip_prefix("unknown field `") else {
            return false;
        };
        let unknown = unknown.split('`').next().unwrap_or_default();
        message.as_object_mut().expect("an object").remove(unknown);
    }
}
