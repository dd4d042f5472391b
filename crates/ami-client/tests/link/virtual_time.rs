//! Stories in virtual time.

use std::{pin::pin, task::Poll, time::Duration};

use ami::{Action, FieldValue, SessionEvent};
use ami_client::{Link, LinkError, LinkEvent, SendError};
use secrecy::SecretString;
use tokio::{join, time::Instant};

use crate::{
    config,
    fake_ami::{FakeAmi, FakeNet, Heard, Weather},
    next, originate, tell, until,
};

#[tokio::test(start_paused = true)]
async fn signs_in_and_lends_what_happens() {
    let (mut net, connector) = FakeNet::new();
    let mut link = Link::with_connector(config(5038), connector);
    let asterisk = async {
        let mut asterisk = net.accept().await;
        let login = asterisk.let_in().await;
        assert_eq!(login.header("Username"), "ctc");
        assert_eq!(login.header("Secret"), "", "the secret passed a plain link");
        asterisk.say("Event: Hangup\r\nUniqueid: 1.1\r\n\r\n").await;
        asterisk
    };
    let (happened, _asterisk) = join!(until(&mut link, "hangup"), asterisk);
    assert_eq!(happened, ["connecting 1", "up 22", "hangup 1.1"]);
    assert!(link.is_up());
}

#[tokio::test(start_paused = true)]
async fn byte_by_byte_is_as_good_as_at_once() {
    let (mut net, connector) = FakeNet::with_buffer(1);
    let mut link = Link::with_connector(config(5038), connector);
    let asterisk = async {
        let mut asterisk = net.accept().await;
        asterisk.let_in().await;
        asterisk.say("Event: Hangup\r\nUniqueid: 1.1\r\n\r\n").await;
        asterisk
    };
    let (happened, _asterisk) = join!(until(&mut link, "hangup"), asterisk);
    assert_eq!(happened, ["connecting 1", "up 22", "hangup 1.1"]);
}

#[tokio::test(start_paused = true)]
async fn next_may_be_dropped_at_any_moment() {
    let (mut net, connector) = FakeNet::with_buffer(7);
    let mut link = Link::with_connector(config(5038), connector);
    let asterisk = tokio::spawn(async move {
        let mut asterisk = net.accept().await;
        asterisk.let_in().await;
        for call in 0..50 {
            asterisk
                .say(&format!("Event: Hangup\r\nUniqueid: {call}\r\n\r\n"))
                .await;
        }
        let action = asterisk.hear().await.unwrap();
        asterisk.answer(&action, "Success", "").await;
        asterisk
    });
    let mut happened = Vec::new();
    while happened.last().is_none_or(|event| event != "hangup 49") {
        happened.extend(poll_once_and_drop(&mut link));
        tokio::task::yield_now().await;
    }
    let hangups: Vec<_> = (0..50).map(|call| format!("hangup {call}")).collect();
    assert_eq!(happened[..2], ["connecting 1", "up 22"]);
    assert_eq!(happened[2..], hangups);

    link.send(&originate()).unwrap();
    happened.clear();
    while happened.is_empty() {
        happened.extend(poll_once_and_drop(&mut link));
        tokio::task::yield_now().await;
    }
    assert_eq!(happened, ["reply Originate Success"]);
    asterisk.await.unwrap();
}

fn poll_once_and_drop(link: &mut Link) -> Option<String> {
    let next = pin!(link.next());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match next.poll(&mut context) {
        Poll::Ready(event) => Some(tell(&event)),
        Poll::Pending => None,
    }
}

#[tokio::test(start_paused = true)]
async fn half_open_link_is_found_within_fifteen_seconds_and_made_again() {
    let (mut net, connector) = FakeNet::new();
    let mut link = Link::with_connector(config(5038), connector);
    let (_, silent) = join!(until(&mut link, "up"), async {
        let mut asterisk = net.accept().await;
        asterisk.let_in().await;
        asterisk
    });
    let since = Instant::now();
    let happened = until(&mut link, "down").await;
    assert!(
        since.elapsed() <= Duration::from_secs(15),
        "{:?}",
        since.elapsed()
    );
    assert_eq!(
        happened.last().unwrap(),
        "down: nothing heard from Asterisk for 14 s"
    );
    let again = async { net.accept().await.let_in().await };
    let (happened, _) = join!(until(&mut link, "up"), again);
    assert_eq!(happened, ["connecting 1", "up 22"]);
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn answered_pings_keep_the_link_and_tell_the_lag() {
    let (mut net, connector) = FakeNet::new();
    let mut link = Link::with_connector(config(5038), connector);
    tokio::spawn(async move {
        let mut asterisk = net.accept().await;
        asterisk.let_in().await;
        asterisk.serve().await
    });
    until(&mut link, "up").await;
    let since = Instant::now();
    for _ in 0..12 {
        assert_eq!(next(&mut link).await, "lag");
    }
    assert_eq!(since.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn end_of_the_link_tells_what_is_unknown_before_it_tells_the_end() {
    let (mut net, connector) = FakeNet::new();
    let mut link = Link::with_connector(config(5038), connector);
    let (_, mut asterisk) = join!(until(&mut link, "up"), let_in(&mut net));
    link.send(&originate()).unwrap();
    let asterisk = async {
        assert_eq!(asterisk.hear().await.unwrap().name(), "Originate");
        asterisk
            .say("Event: Hangup\r\nUniqueid: 1.1\r\n\r\nEvent: Hang")
            .await;
        drop(asterisk);
    };
    let (happened, ()) = join!(until(&mut link, "down"), asterisk);
    assert_eq!(
        happened,
        [
            "hangup 1.1",
            "unanswered Originate sent",
            "down: Asterisk closed the connection"
        ]
    );
    assert!(matches!(
        link.send(&originate()),
        Err(SendError::NotConnected)
    ));
    let (_, asterisk) = join!(until(&mut link, "up"), let_in(&mut net));
    link.send(&Action::CoreShowChannels).unwrap();
    let asterisk = tokio::spawn(asterisk.serve());
    until(&mut link, "lag").await;
    drop(link);
    let heard = asterisk.await.unwrap();
    let heard: Vec<_> = heard.iter().map(Heard::name).collect();
    assert_eq!(
        heard,
        ["CoreShowChannels", "Ping"],
        "the Originate was kept"
    );
}

#[tokio::test(start_paused = true)]
async fn restart_of_asterisk_is_followed_by_soon_and_spread_attempts() {
    let (mut net, connector) = FakeNet::new();
    let mut link = Link::with_connector(config(5038), connector);
    let (_, asterisk) = join!(until(&mut link, "up"), let_in(&mut net));
    net.set(Weather::Refusing);
    drop(asterisk);
    let mut most = 250;
    for attempt in 1..=12 {
        let event = link.next().await;
        let LinkEvent::Down { retry_in, .. } = event else {
            panic!("{event:?}");
        };
        assert!(
            retry_in <= Duration::from_millis(most),
            "{attempt}: {retry_in:?}"
        );
        most = (most * 2).min(30_000);
        let since = Instant::now();
        assert_eq!(next(&mut link).await, format!("connecting {attempt}"));
        assert!(since.elapsed() <= retry_in + Duration::from_millis(2));
    }
    assert!(
        next(&mut link)
            .await
            .starts_with("down: nothing listens at localhost:5038")
    );
    net.set(Weather::Fine);
    link.retry_now();
    let since = Instant::now();
    let (_, _asterisk) = join!(until(&mut link, "up"), let_in(&mut net));
    assert!(since.elapsed() < Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn link_that_stood_long_comes_back_within_a_quarter_second() {
    let (mut net, connector) = FakeNet::new();
    let mut link = Link::with_connector(config(5038), connector);
    for _ in 0..5 {
        let (_, asterisk) = join!(until(&mut link, "up"), let_in(&mut net));
        let asterisk = tokio::spawn(asterisk.serve());
        for _ in 0..3 {
            until(&mut link, "lag").await;
        }
        asterisk.abort();
        assert!(asterisk.await.unwrap_err().is_cancelled());
        let LinkEvent::Down { retry_in, .. } = link.next().await else {
            panic!("still up");
        };
        assert!(retry_in <= Duration::from_millis(250), "{retry_in:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_password_is_said_and_not_hammered() {
    let (mut net, connector) = FakeNet::new();
    let mut link = Link::with_connector(config(5038), connector);
    let mut waits = Vec::new();
    for _ in 0..3 {
        let refuse = async {
            let mut asterisk = net.accept().await;
            refuse(&mut asterisk).await;
        };
        join!(until(&mut link, "connecting"), async {});
        let (event, ()) = join!(link.next(), refuse);
        let LinkEvent::Down { why, retry_in } = event else {
            panic!("{event:?}");
        };
        assert_eq!(
            why.to_string(),
            "Asterisk refuses user ctc: Authentication failed; check name and secret in manager.conf"
        );
        assert!(matches!(why, LinkError::LoginRefused { .. }));
        waits.push(retry_in.as_secs());
    }
    assert_eq!(waits, [60, 120, 240]);
}

#[tokio::test(start_paused = true)]
async fn fresh_secret_is_tried_at_once() {
    let (mut net, connector) = FakeNet::new();
    let mut link = Link::with_connector(config(5038), connector);
    let (_, ()) = join!(until(&mut link, "down"), async {
        refuse(&mut net.accept().await).await;
    });
    let mut fresh = config(5038);
    fresh.secret = SecretString::from("right");
    link.reconfigure(fresh);
    let since = Instant::now();
    let (happened, _asterisk) = join!(until(&mut link, "up"), let_in(&mut net));
    assert_eq!(happened, ["connecting 1", "up 22"]);
    assert!(since.elapsed() < Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn new_settings_end_the_connection_and_tell_what_is_unknown() {
    let (mut net, connector) = FakeNet::new();
    let mut link = Link::with_connector(config(5038), connector);
    let (_, _asterisk) = join!(until(&mut link, "up"), let_in(&mut net));
    link.send(&originate()).unwrap();
    link.reconfigure(config(5040));
    assert!(!link.is_up());
    let happened = until(&mut link, "down").await;
    assert_eq!(
        happened,
        [
            "unanswered Originate not sent",
            "down: the settings changed"
        ]
    );
    let (happened, _asterisk) = join!(until(&mut link, "up"), let_in(&mut net));
    assert_eq!(happened, ["connecting 1", "up 22"]);
}

#[tokio::test(start_paused = true)]
async fn wake_finds_a_dead_connection_within_a_second() {
    let (mut net, connector) = FakeNet::new();
    let mut link = Link::with_connector(config(5038), connector);
    let (_, _silent) = join!(until(&mut link, "up"), let_in(&mut net));
    link.retry_now();
    let since = Instant::now();
    until(&mut link, "down").await;
    assert!(
        since.elapsed() <= Duration::from_millis(1_001),
        "{:?}",
        since.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn wake_gives_up_an_attempt_over_the_network_of_before() {
    let (mut net, connector) = FakeNet::new();
    net.set(Weather::Hanging);
    let mut link = Link::with_connector(config(5038), connector);
    assert_eq!(next(&mut link).await, "connecting 1");
    assert!(
        tokio::time::timeout(Duration::from_secs(5), link.next())
            .await
            .is_err()
    );
    net.set(Weather::Fine);
    link.retry_now();
    let (happened, _asterisk) = join!(until(&mut link, "up"), let_in(&mut net));
    assert_eq!(happened, ["connecting 2", "up 22"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_asterisk_hears_nothing_from_us() {
    for (greeting, sentence) in [
        (
            "SSH-2.0-OpenSSH_9.2\r\n",
            "down: localhost:5038 is not an Asterisk manager interface: it begins with \"SSH-2.0-OpenSSH_9.2\"",
        ),
        (
            "Asterisk Call Manager/1.3\r\n",
            "down: localhost runs Asterisk 11 or older, which tells too little about calls: 13 or newer is needed",
        ),
    ] {
        let (mut net, connector) = FakeNet::new();
        let mut link = Link::with_connector(config(5038), connector);
        let other = async {
            let mut other = net.accept().await;
            other.say(greeting).await;
            other
        };
        let (happened, mut other) = join!(until(&mut link, "down"), other);
        assert_eq!(happened[1..], [sentence]);
        drop(link);
        assert!(other.hear().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn port_that_says_nothing_is_given_up_after_ten_seconds() {
    let (mut net, connector) = FakeNet::new();
    let mut link = Link::with_connector(config(5038), connector);
    let since = Instant::now();
    let (happened, _mute) = join!(until(&mut link, "down"), net.accept());
    assert!(
        happened[1].contains("does not answer like an Asterisk within 10 s"),
        "{happened:?}"
    );
    assert_eq!(since.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn login_that_cannot_be_written_is_said_at_once() {
    let (_net, connector) = FakeNet::new();
    let mut bad = config(5038);
    bad.secret = SecretString::from("two\nlines");
    let mut link = Link::with_connector(bad, connector);
    let happened = until(&mut link, "down").await;
    assert!(
        happened[1].contains("`Secret` cannot be sent"),
        "{happened:?}"
    );
    assert!(!happened[1].contains("two"));
}

#[tokio::test(start_paused = true)]
async fn asterisk_that_does_not_read_blocks_nobody() {
    let (mut net, connector) = FakeNet::with_buffer(512);
    let mut link = Link::with_connector(config(5038), connector);
    let (_, mut asterisk) = join!(until(&mut link, "up"), let_in(&mut net));
    for _ in 0..20 {
        link.send(&originate()).unwrap();
    }
    let hangup = async {
        asterisk.say("Event: Hangup\r\nUniqueid: 1.1\r\n\r\n").await;
    };
    let (event, ()) = join!(next(&mut link), hangup);
    assert_eq!(event, "hangup 1.1");
    let happened = until(&mut link, "down").await;
    let sent = happened
        .iter()
        .filter(|event| *event == "unanswered Originate sent")
        .count();
    let unsent = happened
        .iter()
        .filter(|event| *event == "unanswered Originate not sent")
        .count();
    // The replies' deadline of 10 s comes before the link's of 14 s.
    let timed_out = happened
        .iter()
        .filter(|event| event.starts_with("TimedOut"))
        .count();
    assert_eq!((sent, unsent, timed_out), (0, 0, 20), "{happened:?}");
}

#[tokio::test(start_paused = true)]
async fn secret_is_in_no_debug_output() {
    let (_net, connector) = FakeNet::new();
    let link = Link::with_connector(config(5038), connector);
    let printed = format!("{link:?} {:?}", config(5038));
    assert!(!printed.contains("hunter2"), "{printed}");
}

#[tokio::test(start_paused = true)]
async fn reply_tells_a_missing_right() {
    let (mut net, connector) = FakeNet::new();
    let mut link = Link::with_connector(config(5038), connector);
    let (_, mut asterisk) = join!(until(&mut link, "up"), let_in(&mut net));
    let channel = FieldValue::new("PJSIP/101-1").unwrap();
    let id = link
        .send(&Action::Hangup {
            channel,
            cause: None,
        })
        .unwrap();
    let deny = async {
        let action = asterisk.hear().await.unwrap();
        asterisk
            .answer(&action, "Error", "Message: Permission denied\r\n")
            .await;
    };
    let (event, ()) = join!(link.next(), deny);
    let LinkEvent::Session(SessionEvent::Reply {
        action_id, message, ..
    }) = event
    else {
        panic!("{event:?}");
    };
    assert_eq!(action_id, id);
    assert_eq!(message.get("Message").unwrap(), "Permission denied");
}

async fn let_in(net: &mut FakeNet) -> FakeAmi<tokio::io::DuplexStream> {
    let mut asterisk = net.accept().await;
    asterisk.let_in().await;
    asterisk
}

async fn refuse(asterisk: &mut FakeAmi<tokio::io::DuplexStream>) {
    asterisk.say(crate::fake_ami::BANNER).await;
    let challenge = asterisk.hear().await.unwrap();
    asterisk
        .answer(&challenge, "Success", "Challenge: 1\r\n")
        .await;
    let login = asterisk.hear().await.unwrap();
    asterisk
        .answer(&login, "Error", "Message: Authentication failed\r\n")
        .await;
}
