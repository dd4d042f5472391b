//! What the tests share: small facts and messages.

use wire::{
    Client, ClientMessage, Extension, Fact, Interest, Lamp, Me, Names, Rights, Role, ServerMessage,
    Token, VERSION,
};

pub(crate) fn me() -> Me {
    Me {
        user: "u1".into(),
        login: "anna".into(),
        name: "Anna".into(),
        role: Role::Agent,
        pbx: Some("main".into()),
        extension: Some("101".into()),
        rights: Rights::default(),
        dial_plan: None,
    }
}

pub(crate) fn client() -> Client {
    Client {
        program: "sidetone".into(),
        version: "1".into(),
        platform: "linux".into(),
    }
}

pub(crate) fn hello() -> ClientMessage {
    ClientMessage::Hello {
        version: VERSION,
        token: Token("t0ken".into()),
        client: client(),
        interest: interest(),
    }
}

pub(crate) fn interest() -> Interest {
    Interest {
        extensions: Names::All,
        ..Interest::default()
    }
}

pub(crate) fn welcome() -> ServerMessage {
    ServerMessage::Welcome {
        version: VERSION,
        server: "Sidetone server 1".into(),
        me: me(),
        now: 1_800_000_000_000,
    }
}

/// The lamp of an extension since `since`; `None`: gone.
pub(crate) fn lamp(extension: u16, since: Option<u64>) -> Fact {
    let value = since.map(|since| Extension {
        extension: extension.to_string(),
        pbx: "main".into(),
        name: String::new(),
        groups: Vec::new(),
        lamp: Lamp::Idle,
        since,
        do_not_disturb: None,
        presence: None,
        calls: Vec::new(),
        certain: true,
    });
    Fact::Extension {
        key: format!("{extension}@main"),
        value,
    }
}

pub(crate) fn snapshot(seq: u64, facts: Vec<Fact>) -> ServerMessage {
    ServerMessage::Snapshot { seq, facts }
}

pub(crate) fn changes(seq: u64, facts: Vec<Fact>) -> ServerMessage {
    ServerMessage::Changes { seq, facts }
}
