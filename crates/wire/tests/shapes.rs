//! What is written on the wire: clients in other languages are written against these shapes.

use wire::{
    Answer, Client, ClientMessage, ErrorCode, Fact, Failure, Interest, Names, Order, Request,
    ServerMessage, Token, VERSION,
};

#[test]
fn the_hello_reads_as_the_protocol_says() {
    let text = r#"{"type":"hello","version":1,"token":"t0ken",
        "client":{"program":"sidetone","version":"0.1.0","platform":"linux"},
        "interest":{"extensions":"all","queues":{"these":["sales@main"]}}}"#;
    let hello: ClientMessage = serde_json::from_str(text).expect("a hello");
    let expected = ClientMessage::Hello {
        version: VERSION,
        token: Token("t0ken".into()),
        client: Client {
            program: "sidetone".into(),
            version: "0.1.0".into(),
            platform: "linux".into(),
        },
        interest: Interest {
            extensions: Names::All,
            queues: Names::These(["sales@main".to_owned()].into()),
            ..Interest::default()
        },
    };
    assert_eq!(hello, expected);
    assert!(!format!("{hello:?}").contains("t0ken"));
}

#[test]
fn requests_and_answers_are_flat() {
    let request = ClientMessage::Request {
        id: "7".into(),
        request: Request::Order {
            call: None,
            order: Order::BlindTransfer { to: "102".into() },
        },
    };
    let json = serde_json::to_value(&request).expect("JSON");
    assert_eq!(json["request"]["order"]["to"], "102");
    assert_eq!(
        serde_json::from_value::<ClientMessage>(json).expect("itself"),
        request
    );

    let reply = ServerMessage::Reply {
        id: "7".into(),
        answer: Answer::Failed(Failure::new(ErrorCode::PbxAway, "The line is away.")),
    };
    let json = serde_json::to_string(&reply).expect("JSON");
    let expected = r#"{"type":"reply","id":"7","answer":"failed","code":"pbx_away","message":"The line is away."}"#;
    assert_eq!(json, expected);
    assert_eq!(
        serde_json::from_str::<ServerMessage>(&json).expect("itself"),
        reply
    );
}

#[test]
fn what_is_gone_is_null() {
    let gone = Fact::Extension {
        key: "101@main".into(),
        value: None,
    };
    let json = serde_json::to_string(&gone).expect("JSON");
    assert_eq!(
        json,
        r#"{"fact":"extension","key":"101@main","value":null}"#
    );
}

#[test]
fn what_is_not_in_the_protocol_is_refused() {
    for text in [
        r#"{"type":"hello","version":1,"token":"t","client":{"program":"","version":"","platform":""},"x":1}"#,
        r#"{"type":"follow","interest":{"everything":true}}"#,
        r#"{"type":"request","id":"1","request":{"request":"dial","text":"102","as":"103"}}"#,
        r#"{"type":"shout"}"#,
        "[]",
    ] {
        assert!(
            serde_json::from_str::<ClientMessage>(text).is_err(),
            "{text}"
        );
    }
}
