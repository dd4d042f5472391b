//! The link against an Asterisk that is played: in virtual time over memory, and over real sockets with TLS.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic"
)]

mod fake_ami;
mod hostile;
mod originate_once;
mod sockets;
mod tls;
mod virtual_time;

use std::time::Duration;

use ami::{Action, Charset, FieldValue, Originate, SessionEvent, Uniqueid};
use ami_client::{Link, LinkConfig, LinkEvent, Transport};
use secrecy::SecretString;
use tokio::time::timeout;

/// What happened, in words that a test can compare.
fn tell(event: &LinkEvent<'_>) -> String {
    match event {
        LinkEvent::Connecting { attempt } => format!("connecting {attempt}"),
        LinkEvent::Up { asterisk } => format!("up {asterisk}"),
        LinkEvent::Lag(_) => "lag".into(),
        LinkEvent::Down { why, .. } => format!("down: {why}"),
        LinkEvent::Session(SessionEvent::Event(ami::Event::Hangup { channel, .. })) => {
            format!("hangup {}", channel.uniqueid)
        }
        LinkEvent::Session(SessionEvent::Reply {
            action, response, ..
        }) => {
            format!("reply {action} {response:?}")
        }
        LinkEvent::Session(SessionEvent::Unanswered { action, sent, .. }) => {
            let sent = if *sent { "sent" } else { "not sent" };
            format!("unanswered {action} {sent}")
        }
        LinkEvent::Session(other) => format!("{other:?}"),
    }
}

async fn next(link: &mut Link) -> String {
    tell(&within(DEADLINE, link.next()).await)
}

/// For stories in virtual time, where a refused login waits minutes.
const DEADLINE: Duration = Duration::from_secs(900);

async fn within<T>(deadline: Duration, future: impl Future<Output = T>) -> T {
    let done = timeout(deadline, future).await;
    done.expect("it is done within the deadline")
}

/// For real sockets.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    within(Duration::from_secs(20), future).await
}

/// Drives the link until something that begins with `what` happens; gives all that happened.
async fn until(link: &mut Link, what: &str) -> Vec<String> {
    let mut happened = Vec::new();
    loop {
        let event = next(link).await;
        let is_it = event.starts_with(what);
        happened.push(event);
        assert!(happened.len() < 10_000, "no {what:?}");
        if is_it {
            return happened;
        }
    }
}

fn config(port: u16) -> LinkConfig {
    LinkConfig {
        host: "localhost".into(),
        port,
        transport: Transport::Plain {
            allow_plain_to: None,
        },
        username: FieldValue::new("ctc").unwrap(),
        secret: SecretString::from("hunter2"),
        charset: Charset::default(),
    }
}

fn originate() -> Action {
    Action::Originate(Originate {
        channel: FieldValue::new("PJSIP/101").unwrap(),
        channel_id: Uniqueid::from("st-1"),
        exten: FieldValue::new("979161112233").unwrap(),
        context: FieldValue::new("internal").unwrap(),
        priority: 1,
        timeout: Duration::from_secs(30),
        connected_line: None,
        caller_id: None,
        early_media: false,
        account: None,
        variables: Vec::new(),
    })
}
