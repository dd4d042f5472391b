//! A scripted phone system at a loopback port: it lets everybody in, lists its lamps, and changes them when told to.

use crate::lamps::Lamps;
use anyhow::{Context as _, Result, ensure};
use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A reader that takes nothing for so long is given up.
const WRITE: Duration = Duration::from_secs(60);

/// What the user of a firm's server may do.
const COMMANDS: [&str; 25] = [
    "Atxfer",
    "BlindTransfer",
    "Bridge",
    "CancelAtxfer",
    "ConfbridgeKick",
    "ConfbridgeListRooms",
    "ConfbridgeMute",
    "CoreShowChannels",
    "DBDel",
    "DBPut",
    "ExtensionStateList",
    "Hangup",
    "MixMonitor",
    "MuteAudio",
    "Originate",
    "Park",
    "ParkedCalls",
    "PlayDTMF",
    "QueueAdd",
    "QueuePause",
    "QueueRemove",
    "QueueStatus",
    "Redirect",
    "Setvar",
    "StopMixMonitor",
];

/// Events go to everybody who has logged in.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) lamps: Arc<Lamps>,
    pub(crate) port: u16,
    readers: Arc<Mutex<Vec<TcpStream>>>,
}

impl Source {
    /// Opens a port; its threads live as long as the bench.
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("open a port")?;
        let source = Self {
            lamps: Arc::default(),
            port: listener.local_addr()?.port(),
            readers: Arc::default(),
        };
        let serving = source.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(stream));
            }
        });
        Ok(source)
    }

    /// Changes these lamps, all in one write.
    ///
    /// # Errors
    /// Nobody has logged in, or who has does not read.
    pub(crate) fn change(&self, lamps: impl IntoIterator<Item = usize>) -> Result<()> {
        let events: String = lamps
            .into_iter()
            .map(|lamp| self.lamps.change(lamp))
            .collect();
        let mut readers = self.lock();
        readers.retain_mut(|reader| reader.write_all(events.as_bytes()).is_ok());
        ensure!(!readers.is_empty(), "nobody reads from the phone system");
        Ok(())
    }

    /// Changes lamps `times` times, one step of them each `every`, whatever the readers do meanwhile.
    pub(crate) fn pace<I: IntoIterator<Item = usize>>(
        &self,
        times: usize,
        every: Duration,
        mut step: impl FnMut(usize) -> I,
    ) -> Result<()> {
        let start = Instant::now();
        for time in 0..times {
            let due = start + every * u32::try_from(time)?;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            self.change(step(time))?;
        }
        Ok(())
    }

    fn serve(&self, mut stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let _ = stream.set_write_timeout(Some(WRITE));
        if stream
            .write_all(b"Asterisk Call Manager/11.0.0\r\n")
            .is_err()
        {
            return;
        }
        let (mut heard, mut chunk) = (Vec::new(), [0; 4096]);
        while let Ok(got @ 1..) = stream.read(&mut chunk) {
            heard.extend_from_slice(&chunk[..got]);
            while let Some(end) = memchr::memmem::find(&heard, b"\r\n\r\n") {
                let action: Vec<u8> = heard.drain(..end + 4).collect();
                if self
                    .answer(&mut stream, &String::from_utf8_lossy(&action))
                    .is_err()
                {
                    return;
                }
            }
        }
    }

    /// Under the lock of the readers, so that no event gets between the lines of an answer.
    fn answer(&self, stream: &mut TcpStream, action: &str) -> std::io::Result<()> {
        let id = header(action, "ActionID");
        let name = header(action, "Action");
        let mut readers = self.lock();
        let commands: String = COMMANDS
            .iter()
            .map(|name| format!("{name}: x\r\n"))
            .collect();
        let more = match name {
            "Challenge" => "Challenge: 1\r\n",
            "ListCommands" => &commands,
            "Ping" => "Ping: Pong\r\n",
            "Login" => "Message: Authentication accepted\r\n",
            _ => "EventList: start\r\n",
        };
        let mut text = format!("Response: Success\r\nActionID: {id}\r\n{more}\r\n");
        if more.starts_with("EventList") {
            if name == "ExtensionStateList" {
                text += &self.lamps.list(id);
            }
            text += &format!(
                "Event: {name}Complete\r\nActionID: {id}\r\nEventList: Complete\r\nListItems: 0\r\n\r\n"
            );
        }
        stream.write_all(text.as_bytes())?;
        if name == "Login" {
            readers.push(stream.try_clone()?);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn header<'a>(action: &'a str, name: &str) -> &'a str {
    let find = |line: &'a str| line.split_once(": ").filter(|(key, _)| *key == name);
    action.lines().find_map(find).map_or("", |(_, value)| value)
}
