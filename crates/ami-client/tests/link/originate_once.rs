//! A click never dials twice, wherever the connection is cut.

use std::time::Duration;

use ami_client::{Link, LinkEvent};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    join,
};

use crate::{
    config,
    fake_ami::{FakeAmi, FakeNet},
    originate, tell, until,
};

/// How many bytes pass before the cut.
#[derive(Clone, Copy, Debug)]
enum Cut {
    FromClient(usize),
    ToClient(usize),
}

#[tokio::test(start_paused = true)]
async fn cut_at_every_byte_from_us() {
    let whole = originate_bytes().await;
    for passed in 0..=whole {
        // The network took all of it, so nobody here knows what arrived.
        let (dialled, told) = click_with(Cut::FromClient(passed), 64 * 1024).await;
        assert_eq!(
            dialled,
            usize::from(passed == whole),
            "after {passed} bytes"
        );
        assert_eq!(told, "unanswered Originate sent", "after {passed} bytes");
    }
}

#[tokio::test(start_paused = true)]
async fn what_did_not_leave_whole_is_told_so() {
    let whole = originate_bytes().await;
    for passed in 0..=whole {
        let (dialled, told) = click_with(Cut::FromClient(passed), 1).await;
        assert_eq!(
            dialled,
            usize::from(passed == whole),
            "after {passed} bytes"
        );
        // The network holds one byte, so before the last one it is certain.
        let expected = match whole - passed {
            0 => ["unanswered Originate sent"; 2],
            1 => ["unanswered Originate sent", "unanswered Originate not sent"],
            _ => ["unanswered Originate not sent"; 2],
        };
        assert!(
            expected.contains(&told.as_str()),
            "{told:?} after {passed} bytes"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn cut_at_every_byte_to_us() {
    for passed in 0..120 {
        let (dialled, told) = click_with(Cut::ToClient(passed), 64 * 1024).await;
        assert_eq!(dialled, 1, "after {passed} bytes: {told}");
        assert!(
            ["unanswered Originate sent", "reply Originate Success"].contains(&told.as_str()),
            "{told:?} after {passed} bytes"
        );
    }
}

/// Signs in, clicks, has the connection cut, lets the link come back and stand for a minute; gives how many Originates
/// Asterisk got whole and what was told of the one.
async fn click_with(cut: Cut, buffer: usize) -> (usize, String) {
    let (mut net, connector) = FakeNet::with_buffer(buffer);
    let mut link = Link::with_connector(config(5038), connector);
    let (_, asterisk) = join!(until(&mut link, "up"), let_in(&mut net));
    link.send(&originate()).unwrap();
    let mut told = String::new();
    let mut dialled = 0;
    let first = cut_off(asterisk, cut);
    let (happened, heard) = join!(until(&mut link, "down"), first);
    dialled += usize::from(heard.contains("Action: Originate") && heard.ends_with("\r\n\r\n"));
    told.extend(
        happened
            .into_iter()
            .filter(|event| event.contains("Originate")),
    );

    let (_, asterisk) = join!(until(&mut link, "up"), let_in(&mut net));
    let asterisk = tokio::spawn(asterisk.serve());
    let stood = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let event = link.next().await;
            assert!(matches!(event, LinkEvent::Lag(_)), "{}", tell(&event));
        }
    });
    assert!(stood.await.is_err());
    drop(link);
    let heard = asterisk.await.unwrap();
    dialled += heard
        .iter()
        .filter(|action| action.name() == "Originate")
        .count();
    (dialled, told)
}

/// Plays Asterisk up to the cut; gives what it heard.
async fn cut_off(asterisk: FakeAmi<DuplexStream>, cut: Cut) -> String {
    let mut stream = asterisk.into_stream();
    let mut heard = Vec::new();
    match cut {
        Cut::FromClient(passed) => {
            heard.resize(passed, 0);
            stream.read_exact(&mut heard).await.unwrap();
        }
        Cut::ToClient(passed) => {
            while !heard.ends_with(b"\r\n\r\n") {
                heard.push(stream.read_u8().await.unwrap());
            }
            let text = String::from_utf8(heard.clone()).unwrap();
            let id = text
                .lines()
                .find_map(|line| line.strip_prefix("ActionID: "))
                .unwrap();
            let answer = format!(
                "Response: Success\r\nActionID: {id}\r\nMessage: Originate successfully queued\r\n\r\n"
            );
            let passed = passed.min(answer.len());
            stream
                .write_all(&answer.as_bytes()[..passed])
                .await
                .unwrap();
        }
    }
    drop(stream);
    String::from_utf8(heard).unwrap()
}

async fn originate_bytes() -> usize {
    let (mut net, connector) = FakeNet::new();
    let mut link = Link::with_connector(config(5038), connector);
    let (_, asterisk) = join!(until(&mut link, "up"), let_in(&mut net));
    link.send(&originate()).unwrap();
    let heard = async {
        let mut stream = asterisk.into_stream();
        let mut heard = Vec::new();
        while !heard.ends_with(b"\r\n\r\n") {
            heard.push(stream.read_u8().await.unwrap());
        }
        heard.len()
    };
    let (_, count) = join!(until(&mut link, "down"), heard);
    count
}

async fn let_in(net: &mut FakeNet) -> FakeAmi<DuplexStream> {
    let mut asterisk = net.accept().await;
    asterisk.let_in().await;
    asterisk
}
