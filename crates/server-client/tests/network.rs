//! The network goes and comes back: a client in a network namespace of its own, joined to the server by a cable that is
//! pulled. Needs the rights to make one; without them it says so and is left out. A program of its own: the cable is a
//! change of the network for everybody on this machine.
#![cfg(target_os = "linux")]

#[allow(dead_code)] // some is for the other tests
#[path = "line/server.rs"]
mod server;
#[allow(dead_code)]
#[path = "line/support.rs"]
mod support;

use futures_util::StreamExt as _;
use server::{SOON, Server};
use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};
use wire::{Plain, ServerAddress};

const SERVER: &str = "SIDETONE_TEST_SERVER";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pulled_cable_that_is_plugged_in_again_brings_everything_back() {
    let Some(cable) = Cable::lay() else {
        eprintln!("left out: no right to make a network namespace");
        return;
    };
    let server = Server::at(&format!("{}:0", cable.server)).await;
    let mut client = Client::start(&cable, &server.address.to_string());
    let mut line = server.in_step().await;
    client.wait("snapshot");

    // Down and up at once: the line is half open, nobody has told either end, and the client asks by itself.
    cable.pull();
    cable.plug();
    // The server goes on talking, so that it is not silence that makes the client ask.
    let mut chatter = tokio::time::interval(Duration::from_millis(200));
    let mut numbers = 2..1_000;
    let asked = tokio::time::timeout(SOON, async {
        loop {
            tokio::select! {
                heard = line.socket.next() => return heard,
                _ = chatter.tick() => {
                    let seq = numbers.next().expect("a number");
                    line.say(&support::changes(seq, vec![])).await;
                }
            }
        }
    });
    let heard = asked.await.expect("asked");
    let heard = heard.expect("a message").expect("whole").to_string();
    assert!(heard.contains("ping"), "{heard}");
    // That line stays mute: another one is made at once.
    let line = server.in_step().await;
    client.wait("snapshot");

    cable.pull();
    drop(line);
    client.wait("down");
    cable.plug();
    let _line = server.in_step().await;
    client.wait("snapshot");
}

/// The client's part, which runs inside the namespace.
#[tokio::test]
#[ignore = "started by the test above"]
async fn client_inside() {
    let Ok(server) = std::env::var(SERVER) else {
        return;
    };
    let outside = Server::start().await;
    let mut config = outside.config();
    config.server = ServerAddress::parse(&server, Plain::Anywhere).expect("an address");
    let mut link = server_client::Link::new(config);
    loop {
        let word = match link.next().await {
            server_client::LinkEvent::Snapshot(_) => "snapshot",
            server_client::LinkEvent::Down { .. } => "down",
            server_client::LinkEvent::Connecting { .. } => "connecting",
            server_client::LinkEvent::Up { .. } => "up",
            server_client::LinkEvent::Changes(_)
            | server_client::LinkEvent::Reply { .. }
            | server_client::LinkEvent::Lag(_)
            | server_client::LinkEvent::Refused(_) => "other",
        };
        println!("told {word}");
    }
}

/// Two ends of a cable, the far one in a namespace of its own.
struct Cable {
    name: String,
    server: String,
    client: String,
}

impl Cable {
    /// `None`: not allowed here.
    fn lay() -> Option<Self> {
        let id = std::process::id();
        let net = format!("10.{}.{}", 200 + id % 50, id / 50 % 250);
        let cable = Self {
            name: format!("st{id}"),
            server: format!("{net}.1"),
            client: format!("{net}.2"),
        };
        let name = &cable.name;
        if !run(&["netns", "add", name]) {
            std::mem::forget(cable);
            return None;
        }
        let (near, far) = (format!("{name}a"), format!("{name}b"));
        let laid = run(&[
            "link", "add", &near, "type", "veth", "peer", &far, "netns", name,
        ]) && run(&["addr", "add", &format!("{}/24", cable.server), "dev", &near])
            && run(&["link", "set", &near, "up"])
            && run(&[
                "-n",
                name,
                "addr",
                "add",
                &format!("{}/24", cable.client),
                "dev",
                &far,
            ])
            && run(&["-n", name, "link", "set", "lo", "up"])
            && run(&["-n", name, "link", "set", &far, "up"]);
        laid.then_some(cable)
    }

    fn pull(&self) {
        assert!(run(&[
            "-n",
            &self.name,
            "link",
            "set",
            &format!("{}b", self.name),
            "down"
        ]));
    }

    fn plug(&self) {
        assert!(run(&[
            "-n",
            &self.name,
            "link",
            "set",
            &format!("{}b", self.name),
            "up"
        ]));
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        run(&["link", "del", &format!("{}a", self.name)]);
        run(&["netns", "del", &self.name]);
    }
}

fn run(arguments: &[&str]) -> bool {
    let mut command = Command::new("ip");
    command.args(arguments).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// This test program again, inside.
struct Client {
    child: Child,
    words: Receiver<String>,
}

impl Client {
    fn start(cable: &Cable, server: &str) -> Self {
        let program = std::env::current_exe().expect("ourselves");
        let mut child = Command::new("ip")
            .args(["netns", "exec", &cable.name])
            .arg(program)
            .args(["--exact", "client_inside", "--ignored", "--nocapture"])
            .env(SERVER, server)
            .stdout(Stdio::piped())
            .spawn()
            .expect("ip starts it");
        let out = BufReader::new(child.stdout.take().expect("its words"));
        let (say, words) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if let Some(word) = line.strip_prefix("told ") {
                    let _ = say.send(word.to_owned());
                }
            }
        });
        Self { child, words }
    }

    fn wait(&mut self, wanted: &str) {
        loop {
            let word = self.words.recv_timeout(SOON).expect(wanted);
            if word == wanted {
                return;
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
