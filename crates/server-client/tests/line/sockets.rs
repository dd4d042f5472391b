//! Over real sockets: half frames, resets, restarts, gaps, too much, and goodbyes.

use crate::{
    server::{Server, down, in_step, next, until},
    support::{changes, interest, lamp, me, snapshot, welcome},
};
use secrecy::SecretString;
use server_client::{Config, Fingerprint, Link, LinkEvent, NotSent, Trust};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    join,
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring::default_provider,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};
use tokio_tungstenite::{accept_async, tungstenite::Message};
use wire::{
    Answer, ClientMessage, ErrorCode, Failure, Interest, Plain, Request, ServerAddress,
    ServerMessage,
};

#[tokio::test]
async fn it_signs_in_and_is_told_everything() {
    let server = Server::start().await;
    let mut link = server.link();
    let served = async {
        let mut line = server.in_step().await;
        line.say(&changes(2, vec![lamp(101, Some(1))])).await;
        line
    };
    let followed = async {
        assert!(matches!(
            next(&mut link).await,
            LinkEvent::Connecting { attempt: 1 }
        ));
        let LinkEvent::Up {
            server, me: who, ..
        } = next(&mut link).await
        else {
            panic!("no welcome")
        };
        assert_eq!((server.as_str(), *who), ("Sidetone server 1", me()));
        assert!(matches!(next(&mut link).await, LinkEvent::Snapshot(facts) if facts.is_empty()));
        assert!(matches!(next(&mut link).await, LinkEvent::Changes(facts) if facts.len() == 1));
    };
    join!(served, followed);
}

#[tokio::test]
async fn a_request_is_answered_over_the_line_it_left_by() {
    let server = Server::start().await;
    let mut link = server.link();
    let request = Request::Dial { text: "102".into() };
    assert_eq!(link.send("d1", request.clone()), Err(NotSent::NotConnected));
    let (mut line, ()) = join!(server.in_step(), in_step(&mut link));
    link.send("d1", request.clone()).expect("sent");
    let served = async {
        let expected = ClientMessage::Request {
            id: "d1".into(),
            request,
        };
        assert_eq!(line.hear().await, expected);
        line.say(&ServerMessage::Reply {
            id: "d1".into(),
            answer: Answer::Done,
        })
        .await;
    };
    let ((), event) = join!(served, next(&mut link));
    assert!(matches!(event, LinkEvent::Reply { id, answer: Answer::Done } if id == "d1"));
}

#[tokio::test]
async fn a_request_whose_line_breaks_is_unknown_and_never_sent_again() {
    let server = Server::start().await;
    let mut link = server.link();
    let (mut line, ()) = join!(server.in_step(), in_step(&mut link));
    let request = Request::Dial { text: "102".into() };
    link.send("d1", request).expect("sent");
    let served = async {
        line.hear().await;
        drop(line);
        // The hello of the next line is all that comes.
        let mut line = server.in_step().await;
        let more = timeout(Duration::from_millis(300), line.hear()).await;
        assert!(more.is_err(), "{more:?}");
    };
    let followed = async {
        let answer = until(&mut link, |event| match event {
            LinkEvent::Reply { id, answer } => Some((id.clone(), answer.clone())),
            LinkEvent::Connecting { .. }
            | LinkEvent::Up { .. }
            | LinkEvent::Snapshot(_)
            | LinkEvent::Changes(_)
            | LinkEvent::Lag(_)
            | LinkEvent::Down { .. }
            | LinkEvent::Refused(_) => None,
        })
        .await;
        let (id, Answer::Failed(failure)) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!((id.as_str(), failure.code), ("d1", ErrorCode::Unknown));
        in_step(&mut link).await;
        let _ = timeout(Duration::from_millis(300), link.next()).await;
    };
    join!(served, followed);
}

#[tokio::test]
async fn a_restarted_server_is_found_again_and_asked_for_what_is_followed_by_then() {
    let server = Server::start().await;
    let mut link = server.link();
    let (line, ()) = join!(server.in_step(), in_step(&mut link));
    link.follow(interest());
    drop(line);
    let (words, retry_in) = down(&mut link).await;
    assert!(
        words.contains("closed") || words.contains("broke"),
        "{words}"
    );
    assert!(retry_in <= Duration::from_millis(250), "{retry_in:?}");
    join!(server.in_step(), in_step(&mut link));
}

#[tokio::test]
async fn messages_in_pieces_are_put_together() {
    let server = Server::start().await;
    let mut link = server.link();
    let served = async {
        let mut line = server.line().await;
        line.say(&welcome()).await;
        let text = serde_json::to_string(&snapshot(1, vec![lamp(101, Some(1))])).expect("JSON");
        let mut bytes = vec![0x81, 126];
        bytes.extend_from_slice(&u16::try_from(text.len()).expect("short").to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
        let tcp = line.socket.get_mut();
        tcp.set_nodelay(true).expect("no delay");
        for piece in bytes.chunks(7) {
            tcp.write_all(piece).await.expect("written");
            tcp.flush().await.expect("flushed");
            tokio::task::yield_now().await;
        }
        line
    };
    join!(served, in_step(&mut link));
}

#[tokio::test]
async fn a_gap_on_the_wire_is_closed_by_a_snapshot() {
    let server = Server::start().await;
    let mut link = server.link();
    let (mut line, ()) = join!(server.in_step(), in_step(&mut link));
    let served = async {
        line.say(&changes(3, vec![])).await;
        assert_eq!(line.hear().await, ClientMessage::Resync);
        line.say(&snapshot(3, vec![lamp(101, Some(1))])).await;
    };
    join!(served, in_step(&mut link));
}

#[tokio::test]
async fn what_is_no_message_of_ours_ends_the_line_with_words() {
    for hostile in [
        Message::text("nonsense"),
        Message::text(r#"{"type":"shout"}"#),
        Message::binary(vec![0, 159, 146, 150]),
        Message::text("x".repeat(4 * 1024 * 1024 + 1)),
    ] {
        let server = Server::start().await;
        let mut link = server.link();
        let served = async {
            let mut line = server.line().await;
            // The client may be gone before all of it is written.
            let _ = futures_util::SinkExt::send(&mut line.socket, hostile.clone()).await;
            line
        };
        let (_line, (words, _)) = join!(served, down(&mut link));
        assert!(words.contains("not understood"), "{words}");
    }
}

#[tokio::test]
async fn a_reset_in_the_middle_of_a_frame_is_a_broken_line_and_no_more() {
    let server = Server::start().await;
    let mut link = server.link();
    let served = async {
        let mut line = server.line().await;
        let tcp = line.socket.get_mut();
        tcp.write_all(&[0x81, 126, 4]).await.expect("written");
        tcp.set_zero_linger().expect("a reset");
    };
    let ((), (words, _)) = join!(served, down(&mut link));
    assert!(
        words.contains("broke") || words.contains("closed"),
        "{words}"
    );
    join!(server.in_step(), in_step(&mut link));
}

#[tokio::test]
async fn a_server_that_hangs_is_left_when_the_network_has_changed() {
    let server = Server::start().await;
    let mut link = server.link();
    let (line, ()) = join!(server.in_step(), in_step(&mut link));
    // It is asked and does not even read.
    link.retry_now();
    let (words, _) = down(&mut link).await;
    assert!(words.contains("nothing heard"), "{words}");
    drop(line);
    join!(server.in_step(), in_step(&mut link));
}

#[tokio::test]
async fn a_void_token_is_refused_and_not_tried_again_until_somebody_says_so() {
    for code in [
        ErrorCode::Unauthenticated,
        ErrorCode::Version,
        ErrorCode::Forbidden,
    ] {
        let server = Server::start().await;
        let mut link = server.link();
        let served = async {
            let mut line = server.line().await;
            let failure = Failure::new(code, "No.");
            line.say(&ServerMessage::Goodbye(failure)).await;
            line
        };
        let refused = until(&mut link, |event| match event {
            LinkEvent::Refused(failure) => Some(failure.code),
            LinkEvent::Connecting { .. } => None,
            LinkEvent::Up { .. }
            | LinkEvent::Snapshot(_)
            | LinkEvent::Changes(_)
            | LinkEvent::Reply { .. }
            | LinkEvent::Lag(_)
            | LinkEvent::Down { .. } => panic!("{event:?}"),
        });
        let (_line, refused) = join!(served, refused);
        assert_eq!(refused, code);
        let more = timeout(Duration::from_millis(600), link.next()).await;
        assert!(more.is_err(), "{more:?}");
        link.retry_now();
        join!(server.in_step(), in_step(&mut link));
    }
}

#[tokio::test]
async fn a_busy_server_says_how_long_to_wait() {
    for code in [ErrorCode::Busy, ErrorCode::TooSlow] {
        let server = Server::start().await;
        let mut link = server.link();
        let served = async {
            let mut line = server.line().await;
            line.say(&ServerMessage::Goodbye(Failure {
                retry_after_ms: Some(7_000),
                ..Failure::new(code, "Later.")
            }))
            .await;
            line
        };
        let (_line, (words, retry_in)) = join!(served, down(&mut link));
        assert_eq!(words, "Later");
        assert!(
            (Duration::from_secs(7)..Duration::from_secs(9)).contains(&retry_in),
            "{retry_in:?}"
        );
    }
}

#[tokio::test]
async fn whoever_is_no_sidetone_server_is_named_so() {
    for (answer, words) in [
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            "not a Sidetone server",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nhi!\n",
            "not a Sidetone server",
        ),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "not a Sidetone server"),
        (
            "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
            "in trouble",
        ),
    ] {
        let server = Server::start().await;
        let mut link = server.link();
        let served = async {
            let mut tcp = server.tcp().await;
            let mut asked = [0; 1024];
            let _ = tcp.read(&mut asked).await.expect("a question");
            tcp.write_all(answer.as_bytes()).await.expect("written");
            tcp
        };
        let (_tcp, (told, _)) = join!(served, down(&mut link));
        assert!(told.contains(words), "{told}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again_by_itself() {
    let server = Server::start().await;
    let mut link = server.link();
    let address = server.address.authority();
    drop(server);
    let (words, _) = down(&mut link).await;
    assert!(
        words.starts_with("nothing listens at 127.0.0.1:"),
        "{words}"
    );
    let server = Server::at(&address).await;
    join!(server.in_step(), in_step(&mut link));
}

#[tokio::test]
async fn a_pinned_certificate_is_the_only_one_that_is_trusted() {
    let (server, acceptor, pin) = tls_server().await;
    let address = format!("https://localhost:{}", server.address.port());
    let config = |tls| Config {
        server: ServerAddress::parse(&address, Plain::Loopback).expect("an address"),
        tls,
        token: SecretString::from("t0ken"),
        client: crate::support::client(),
        interest: Interest::default(),
    };
    for (tls, words) in [
        (Trust::System, "trust"),
        (
            Trust::Pin {
                sha256: Fingerprint::of(b"another"),
            },
            "not the pinned one",
        ),
    ] {
        let mut link = Link::new(config(tls));
        let served = async { acceptor.accept(server.tcp().await).await.is_err() };
        let (_, (told, _)) = join!(served, down(&mut link));
        assert!(told.contains(words), "{told}");
    }
    let mut link = Link::new(config(Trust::Pin { sha256: pin }));
    let served = async {
        let stream = acceptor.accept(server.tcp().await).await.expect("TLS");
        let mut socket = accept_async(stream).await.expect("a WebSocket");
        let text = serde_json::to_string(&welcome()).expect("JSON");
        let said = futures_util::SinkExt::send(&mut socket, Message::text(text)).await;
        said.expect("said");
        socket
    };
    let up = until(&mut link, |event| {
        matches!(event, LinkEvent::Up { .. }).then_some(())
    });
    join!(served, up);
}

async fn tls_server() -> (Server, TlsAcceptor, Fingerprint) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let pin = Fingerprint::of(made.cert.der());
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::Pkcs8(key))
        .expect("a configuration");
    (
        Server::start().await,
        TlsAcceptor::from(Arc::new(config)),
        pin,
    )
}
