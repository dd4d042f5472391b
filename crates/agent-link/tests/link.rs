//! Both ends over a real socket.
#![cfg(unix)]

use agent_link::{AskError, BindError, Client, Place, Server, ServerEvent, connect};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::time::Duration;
use view::{AgentMessage, Change, Refusal, Reply, Request, Role, Snapshot, State};

const LIMIT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_script_asks_and_is_answered() {
    let (folder, place) = place();
    let mut server = Server::bind(&place).expect("the agent");
    let asking = ask(&place, Request::Status);
    let client = connected(&mut server, Role::CommandLine).await;
    let (id, request) = request(&mut server).await;
    assert_eq!(request, Request::Status);
    server.send(
        client,
        &AgentMessage::Reply {
            id,
            reply: Reply::Done,
        },
    );
    assert_eq!(
        asking.await.expect("the thread").expect("an answer"),
        Reply::Done
    );
    drop(folder);
}

#[tokio::test]
async fn the_last_answer_is_written_before_the_agent_ends() {
    let (_folder, place) = place();
    let mut server = Server::bind(&place).expect("the agent");
    let asking = ask(&place, Request::Quit);
    let client = connected(&mut server, Role::CommandLine).await;
    let (id, _) = request(&mut server).await;
    server.send(
        client,
        &AgentMessage::Reply {
            id,
            reply: Reply::Done,
        },
    );
    server.close().await;
    assert_eq!(
        asking.await.expect("the thread").expect("an answer"),
        Reply::Done
    );
}

#[tokio::test]
async fn windows_get_a_snapshot_and_every_change_in_order() {
    let (_folder, place) = place();
    let mut server = Server::bind(&place).expect("the agent");
    let (mut sender, mut receiver) = connect(&place).await.expect("windows");
    let client = connected(&mut server, Role::Windows).await;
    let snapshot = Box::new(Snapshot {
        seq: 1,
        state: State::default(),
    });
    server.send(client, &AgentMessage::Snapshot { snapshot });
    for seq in 2..200 {
        server.send(
            client,
            &AgentMessage::Change {
                seq,
                change: Change::Dials(Vec::new()),
            },
        );
    }
    assert!(matches!(
        receiver.next().await.expect("read"),
        Some(AgentMessage::Snapshot { .. })
    ));
    for expected in 2..200 {
        let Some(AgentMessage::Change { seq, .. }) = receiver.next().await.expect("read") else {
            panic!("a change")
        };
        assert_eq!(seq, expected);
    }
    let id = sender.send(Request::Snapshot).await.expect("sent");
    assert_eq!(request(&mut server).await, (id, Request::Snapshot));
    drop(server);
    assert_eq!(receiver.next().await.expect("read"), None);
}

#[tokio::test]
async fn windows_that_do_not_read_are_cut_off_and_cost_the_agent_nothing() {
    let (_folder, place) = place();
    let mut server = Server::bind(&place).expect("the agent");
    let (_sender, _receiver) = connect(&place).await.expect("windows");
    let client = connected(&mut server, Role::Windows).await;
    let state = State {
        recent: Vec::new(),
        ..State::default()
    };
    for seq in 0..5000 {
        let snapshot = Box::new(Snapshot {
            seq,
            state: state.clone(),
        });
        server.send(client, &AgentMessage::Snapshot { snapshot });
    }
    let event = tokio::time::timeout(Duration::from_secs(20), server.next())
        .await
        .expect("in time");
    assert!(
        matches!(event, Some(ServerEvent::Gone { client: gone }) if gone == client),
        "{event:?}"
    );
}

#[tokio::test]
async fn there_is_one_agent_and_a_dead_ones_socket_is_no_obstacle() {
    let (_folder, place) = place();
    let first = Server::bind(&place).expect("the agent");
    assert!(matches!(Server::bind(&place), Err(BindError::Running)));
    drop(first);
    let path = place_socket(&place);
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket left behind"));
    let _second = Server::bind(&place).expect("the place is free");
    let mode = std::fs::metadata(&path)
        .expect("the socket")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn without_an_agent_it_is_said_at_once() {
    let (_folder, place) = place();
    assert!(matches!(
        Client::connect(&place, LIMIT),
        Err(AskError::NotRunning)
    ));
}

#[tokio::test]
async fn an_agent_that_does_not_answer_does_not_hold_up_a_script() {
    let (_folder, place) = place();
    let _server = Server::bind(&place).expect("the agent");
    let client = Client::connect(&place, Duration::from_millis(100)).expect("connected");
    let answer = tokio::task::spawn_blocking(move || client.ask(Request::Status))
        .await
        .expect("the thread");
    assert!(matches!(answer, Err(AskError::Late(_))), "{answer:?}");
}

/// Even where the folder and the socket were open to all, which they are not.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn another_user_is_turned_away() {
    if !rustix::process::getuid().is_root() {
        return; // only root can become somebody else
    }
    let (folder, place) = place();
    let mut server = Server::bind(&place).expect("the agent");
    let path = place_socket(&place);
    for (path, mode) in [
        (folder.path(), 0o755),
        (path.parent().expect("the folder"), 0o755),
        (&path, 0o666),
    ] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("opened");
    }
    let said = tokio::task::spawn_blocking(move || {
        // The system call changes this one thread.
        let somebody = std::thread::spawn(move || {
            let nobody = rustix::process::Uid::from_raw(65534);
            rustix::thread::set_thread_uid(nobody).expect("another user");
            let mut stream = UnixStream::connect(path).expect("the socket is open to all");
            stream.set_read_timeout(Some(LIMIT)).expect("limit");
            let _ = stream.write_all(b"{\"version\":1,\"role\":\"windows\",\"pid\":1}\n");
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            answer
        });
        somebody.join().expect("the thread")
    });
    tokio::select! {
        said = said => assert!(said.expect("the thread").is_empty()),
        event = server.next() => panic!("{event:?}"),
    }
}

#[tokio::test]
async fn nonsense_is_refused_and_the_agent_lives_on() {
    let (_folder, place) = place();
    let mut server = Server::bind(&place).expect("the agent");
    let path = place_socket(&place);
    let hello = r#"{"version":1,"role":"command_line","pid":1}"#;
    for nonsense in [
        "\u{0}\u{1}\u{2}\n".to_owned(),
        "[]\n".to_owned(),
        r#"{"version":99,"role":"windows","pid":1}"#.to_owned() + "\n",
        format!("{hello}\nnonsense\n"),
        format!("{hello}\n{}\n", r#"{"id":1,"request":"no_such_request"}"#),
        format!(
            "{hello}\n{{\"id\":1,\"request\":\"explain\",\"text\":\"{}\"}}\n",
            "9".repeat(100_000)
        ),
    ] {
        let path = path.clone();
        let said = tokio::task::spawn_blocking(move || {
            let mut stream = UnixStream::connect(path).expect("connect");
            stream.set_read_timeout(Some(LIMIT)).expect("limit");
            // The agent may hang up in the middle of a message that is too long.
            let _ = stream.write_all(nonsense.as_bytes());
            let mut answer = String::new();
            let _ = stream.read_to_string(&mut answer);
            answer
        });
        // The agent's loop goes on meanwhile, as it does in the program.
        let mut said = said;
        let answer = loop {
            tokio::select! {
                answer = &mut said => break answer.expect("the thread"),
                event = server.next() => assert!(!matches!(event, Some(ServerEvent::Request { .. })), "{event:?}"),
            }
        };
        assert!(answer.contains("bad_request"), "{answer}");
    }
    let asking = ask(&place, Request::Status);
    let client = loop {
        match server.next().await {
            Some(ServerEvent::Request { client, message }) => {
                let refusal = Refusal {
                    code: view::RefusalCode::NotSetUp,
                    words: "not yet".into(),
                };
                server.send(
                    client,
                    &AgentMessage::Reply {
                        id: message.id,
                        reply: Reply::Refused(refusal),
                    },
                );
                break client;
            }
            Some(ServerEvent::Connected { .. } | ServerEvent::Gone { .. }) => {}
            None => panic!("the agent ended"),
        }
    };
    assert!(client > 0);
    assert!(matches!(
        asking.await.expect("the thread"),
        Ok(Reply::Refused(_))
    ));
}

fn place() -> (tempfile::TempDir, Place) {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::at(folder.path().join("sidetone")).expect("a place");
    (folder, place)
}

fn place_socket(place: &Place) -> std::path::PathBuf {
    place.socket_path()
}

fn ask(place: &Place, request: Request) -> tokio::task::JoinHandle<Result<Reply, AskError>> {
    let place = place.clone();
    tokio::task::spawn_blocking(move || Client::connect(&place, LIMIT)?.ask(request))
}

async fn connected(server: &mut Server, expected: Role) -> agent_link::ClientId {
    match tokio::time::timeout(LIMIT, server.next())
        .await
        .expect("in time")
    {
        Some(ServerEvent::Connected { client, role }) if role == expected => client,
        other => panic!("{other:?}"),
    }
}

async fn request(server: &mut Server) -> (u64, Request) {
    match tokio::time::timeout(LIMIT, server.next())
        .await
        .expect("in time")
    {
        Some(ServerEvent::Request { message, .. }) => (message.id, message.request),
        other => panic!("{other:?}"),
    }
}
