//! Frames on which other clients die or lose the link, cut into pieces of every kind: what they say is right, and the
//! next event is heard.

use ami::{Action, Charset, Event, FieldValue, SessionEvent};
use ami_client::{Link, LinkEvent};
use tokio::join;

use crate::{config, fake_ami::FakeNet, next, tell, until};

/// A value that does not come from a phone comes from its bytes.
struct Frame {
    what: &'static str,
    bytes: Vec<u8>,
    charset: &'static str,
    /// `CallerIDName` of the Newchannel with the Uniqueid 1.7; nothing if there is no such event.
    name: Option<String>,
}

fn frame(what: &'static str, bytes: impl Into<Vec<u8>>) -> Frame {
    Frame {
        what,
        bytes: bytes.into(),
        charset: "windows-1252",
        name: None,
    }
}

/// A Newchannel whose caller has this name.
fn called(what: &'static str, name: &[u8], read: impl Into<String>) -> Frame {
    let mut bytes = Vec::from(b"Event: Newchannel\r\nChannel: PJSIP/trunk-1\r\nCallerIDName: ");
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(b"\r\nUniqueid: 1.7\r\nLinkedid: 1.7\r\n\r\n");
    Frame {
        name: Some(read.into()),
        ..frame(what, bytes)
    }
}

/// A Newchannel of "Anna" with more lines in it.
fn with_lines(what: &'static str, lines: &[u8]) -> Frame {
    let mut bytes = Vec::from(b"Event: Newchannel\r\n");
    bytes.extend_from_slice(lines);
    bytes.extend_from_slice(
        b"Channel: PJSIP/trunk-1\r\nCallerIDName: Anna\r\nUniqueid: 1.7\r\nLinkedid: 1.7\r\n\r\n",
    );
    Frame {
        name: Some("Anna".into()),
        ..frame(what, bytes)
    }
}

fn frames() -> Vec<Frame> {
    let cyrillic = |what, name: &[u8], read: &str| Frame {
        charset: "cp1251",
        ..called(what, name, read)
    };
    vec![
        called("a name in Latin-1", b"Jos\xe9 \x80", "José €"),
        cyrillic("a name in cp1251", b"\xc0\xed\xed\xe0", "Анна"),
        cyrillic("a name in UTF-8 all the same", "Анна".as_bytes(), "Анна"),
        called("a name in UTF-8", "Анна 😀".as_bytes(), "Анна 😀"),
        called(
            "a name cut inside a letter",
            b"\xd0\x96\xd0\xb0\xd0\xbd\xd0\xbd\xd0",
            "Жанн\u{fffd}",
        ),
        called("a NUL", b"An\0na", "An\0na"),
        called(
            "control characters",
            b"\x01\x07A\x1b[31m\x7f",
            "\u{1}\u{7}A\u{1b}[31m\u{7f}",
        ),
        called("a name that looks like a header", b"x: y <z>", "x: y <z>"),
        called(
            "what Asterisk escapes",
            br#"O\'Brien \"Bob\""#,
            r#"O'Brien "Bob""#,
        ),
        called("a lone line feed", b"An\nna", "An\nna"),
        called("1 MB of name", &[b'x'; 1_000_000], "x".repeat(1_000_000)),
        with_lines("a line without a colon", b"nothing\r\n"),
        with_lines("a line of a colon", b":\r\n"),
        with_lines("a name of a header that is not UTF-8", b"\xff\xfe: 1\r\n"),
        with_lines(
            "two ChanVariable",
            b"ChanVariable: A=1\r\nChanVariable: B=\r\n",
        ),
        with_lines("2,000 headers", &b"ChanVariable: A=1\r\n".repeat(2_000)),
        with_lines(
            "1 MB in a header that nobody reads",
            &[b"AppData: ", &[b'y'; 1_000_000][..], b"\r\n"].concat(),
        ),
        frame(
            "an event without a name",
            "Event: \r\nUniqueid: 1.7\r\n\r\n",
        ),
        frame("no event", "Uniqueid: 1.7\r\n\r\n"),
        frame("blank lines", "\r\n\r\n\n\r\n"),
        frame(
            "an answer to nobody",
            "Response: Success\r\nActionID: someone-else\r\nUniqueid: 1.7\r\n\r\n",
        ),
        frame("17 MB without an end", {
            let mut endless = b"Event: Newchannel\r\nCallerIDName: ".to_vec();
            endless.resize(17 * 1024 * 1024, b'z');
            endless.extend_from_slice(b"\r\nUniqueid: 1.7\r\n\r\n");
            endless
        }),
    ]
}

#[tokio::test(start_paused = true)]
async fn hostile_frames_say_what_they_say_and_the_next_event_is_heard() {
    for piece in [1, 2, 7, 1_460, 64 * 1024] {
        for Frame {
            what,
            bytes,
            charset,
            name,
        } in frames()
        {
            if piece < 1_000 && bytes.len() > 100_000 {
                continue;
            }
            let (mut net, connector) = FakeNet::with_buffer(piece);
            let mut config = config(5038);
            config.charset = Charset::named(charset).unwrap();
            let mut link = Link::with_connector(config, connector);
            let asterisk = async {
                let mut asterisk = net.accept().await;
                asterisk.let_in().await;
                asterisk.say_bytes(&bytes).await;
                asterisk.say("Event: Hangup\r\nUniqueid: 1.1\r\n\r\n").await;
                asterisk
            };
            let heard = async {
                until(&mut link, "up").await;
                let mut names = Vec::new();
                loop {
                    let event = link.next().await;
                    if let LinkEvent::Session(SessionEvent::Event(Event::Newchannel(channel))) =
                        &event
                    {
                        assert_eq!(channel.uniqueid, "1.7", "{what}");
                        names.push(channel.caller.name.text().into_owned());
                        continue;
                    }
                    match tell(&event).as_str() {
                        "hangup 1.1" => break names,
                        "lag" => {}
                        told if told.starts_with("Event(Other") => {}
                        told => panic!("{what} in pieces of {piece}: {told}"),
                    }
                }
            };
            let (names, _asterisk) = join!(heard, asterisk);
            let read: Vec<_> = name.into_iter().collect();
            assert!(names == read, "{what} in pieces of {piece}");
            assert!(link.is_up());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn sixteen_megabytes_of_a_commands_output_come_whole() {
    let (mut net, connector) = FakeNet::new();
    let mut link = Link::with_connector(config(5038), connector);
    let (_, mut asterisk) = join!(until(&mut link, "up"), async {
        let mut asterisk = net.accept().await;
        asterisk.let_in().await;
        asterisk
    });
    // What the action is does not matter to who reads the answer.
    let channel = FieldValue::new("PJSIP/101-1").unwrap();
    let cause = None;
    link.send(&Action::Hangup { channel, cause }).unwrap();
    let lines = 16_000_000 / LINE.len();
    let answer = async {
        let action = asterisk.hear().await.unwrap();
        let headers = format!("Message: Command output follows\r\n{}", LINE.repeat(lines));
        asterisk.answer(&action, "Success", &headers).await;
        asterisk.say("Event: Hangup\r\nUniqueid: 1.1\r\n\r\n").await;
    };
    let heard = async {
        let event = link.next().await;
        let LinkEvent::Session(SessionEvent::Reply { message, .. }) = event else {
            panic!("{}", tell(&event));
        };
        let output = message.output();
        assert_eq!(output.filter(|line| *line == TEXT).count(), lines);
        next(&mut link).await
    };
    let (event, ()) = join!(heard, answer);
    assert_eq!(event, "hangup 1.1");
}

const TEXT: &str = "PJSIP/101-00000001!internal!101!1!Up!Dial!PJSIP/102!101";
const LINE: &str = "Output: PJSIP/101-00000001!internal!101!1!Up!Dial!PJSIP/102!101\r\n";
