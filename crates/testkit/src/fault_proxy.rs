//! A TCP proxy that notes what passes and when, and does to a connection what networks do.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::record::Record;

/// What happens to the bytes that pass from now on, in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    #[default]
    None,
    /// Bytes are held back and delivered when the fault ends.
    Stall,
    /// The peer has vanished: bytes are lost, and nobody is told of a close.
    HalfOpen,
    /// Each byte is a packet of its own.
    OneByte,
    /// New connections are closed at once; those that stand go on.
    Refuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    ToServer,
    ToClient,
}

/// Bytes as they were read from one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    pub at: Instant,
    /// Counted from 1 in the order of connecting.
    pub connection: u32,
    pub direction: Direction,
    pub bytes: Vec<u8>,
}

/// A proxy on a loopback port of its own.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
    passed: Record<Passed>,
}

#[derive(Debug, Default)]
struct State {
    fault: Fault,
    stopped: bool,
    /// Both ends of each connection, by its number.
    open: Vec<(u32, [TcpStream; 2])>,
    accepted: u32,
}

impl FaultProxy {
    /// Listens, and passes every connection on to `server`.
    pub fn start(server: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listen")?;
        let address = listener.local_addr().context("own address")?;
        let shared = Arc::new(Shared {
            server,
            state: Mutex::default(),
            changed: Condvar::new(),
            passed: Record::default(),
        });
        let accepting = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("fault-proxy".to_owned())
            .spawn(move || {
                for client in listener.incoming().map_while(Result::ok) {
                    if !accepting.take(client) {
                        break;
                    }
                }
            })
            .context("start a thread")?;
        Ok(Self { address, shared })
    }

    /// Where clients connect.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Changes what happens from now on.
    pub fn set_fault(&self, fault: Fault) {
        self.shared.lock().fault = fault;
        self.shared.changed.notify_all();
    }

    /// Closes every connection that stands.
    pub fn cut(&self) {
        let mut state = self.shared.lock();
        for (_, ends) in state.open.drain(..) {
            close(&ends);
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// How many connections came so far, refused ones included.
    pub fn connections(&self) -> u32 {
        self.shared.lock().accepted
    }

    /// Everything that was read, in order.
    pub fn passed(&self) -> &Record<Passed> {
        &self.shared.passed
    }

    /// When the last byte of `text` came by for the first time after `mark` (see [`Record::mark`]),
    /// however it was cut into packets.
    pub fn wait_for_text(
        &self,
        direction: Direction,
        text: &str,
        mark: usize,
        limit: Duration,
    ) -> Result<Instant> {
        if text.is_empty() {
            bail!("an empty text is everywhere");
        }
        let mut tails: Vec<(u32, Vec<u8>)> = Vec::new();
        let found = self.passed().wait_after(mark, limit, |passed| {
            if passed.direction != direction {
                return false;
            }
            let known = tails
                .iter()
                .position(|(connection, _)| *connection == passed.connection);
            let index = known.unwrap_or_else(|| {
                tails.push((passed.connection, Vec::new()));
                tails.len() - 1
            });
            let tail = &mut tails[index].1;
            tail.extend(&passed.bytes);
            let is_there = tail
                .windows(text.len())
                .any(|window| window == text.as_bytes());
            tail.drain(..tail.len().saturating_sub(text.len() - 1));
            is_there
        });
        Ok(found
            .with_context(|| format!("{text:?} does not come by"))?
            .at)
    }

    /// How often `text` came by, each connection by itself.
    pub fn count_text(&self, direction: Direction, text: &str) -> usize {
        let passed = self.passed().all();
        let connections = 1..=self.connections();
        let streams = connections.map(|number| {
            let own = passed
                .iter()
                .filter(|p| p.connection == number && p.direction == direction);
            own.flat_map(|p| p.bytes.iter().copied())
                .collect::<Vec<u8>>()
        });
        streams
            .map(|bytes| {
                bytes
                    .windows(text.len().max(1))
                    .filter(|window| *window == text.as_bytes())
                    .count()
            })
            .sum()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.cut();
        // Wakes the thread that waits for the next connection.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the proxy goes on.
    fn take(self: &Arc<Self>, client: TcpStream) -> bool {
        let mut state = self.lock();
        if state.stopped {
            return false;
        }
        state.accepted += 1;
        let number = state.accepted;
        let refused = state.fault == Fault::Refuse;
        drop(state);
        if refused {
            return true;
        }
        // A server that is not there is, to the client, a connection that closes.
        let Ok(server) = TcpStream::connect_timeout(&self.server, Duration::from_secs(5)) else {
            return true;
        };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let Ok(ends) =
            clones(&client, &server).and_then(|one| Ok((one, clones(&client, &server)?)))
        else {
            return true;
        };
        self.lock().open.push((number, [client, server]));
        let ([client, server], [client_too, server_too]) = ends;
        let (there, back) = (Arc::clone(self), Arc::clone(self));
        std::thread::spawn(move || there.pass(client, server, number, Direction::ToServer));
        std::thread::spawn(move || back.pass(server_too, client_too, number, Direction::ToClient));
        true
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream, connection: u32, direction: Direction) {
        let mut buffer = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let bytes = &buffer[..length];
            self.passed.push(Passed {
                at: Instant::now(),
                connection,
                direction,
                bytes: bytes.to_vec(),
            });
            let written = match self.fault_after_stall(connection) {
                None => return,
                Some(Fault::HalfOpen) => Ok(()),
                Some(Fault::OneByte) => bytes.iter().try_for_each(|byte| to.write_all(&[*byte])),
                Some(Fault::None | Fault::Refuse | Fault::Stall) => to.write_all(bytes),
            };
            if written.is_err() {
                break;
            }
        }
        if !matches!(
            self.fault_after_stall(connection),
            None | Some(Fault::HalfOpen)
        ) {
            let _ = to.shutdown(Shutdown::Write);
        }
    }

    /// Waits for the end of a stall; `None` when the connection was cut meanwhile.
    fn fault_after_stall(&self, connection: u32) -> Option<Fault> {
        let mut state = self.lock();
        loop {
            if !state.open.iter().any(|(number, _)| *number == connection) {
                return None;
            }
            if state.fault != Fault::Stall {
                return Some(state.fault);
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn clones(client: &TcpStream, server: &TcpStream) -> std::io::Result<[TcpStream; 2]> {
    Ok([client.try_clone()?, server.try_clone()?])
}

fn close(ends: &[TcpStream; 2]) {
    for end in ends {
        let _ = end.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    #[test]
    fn text_is_found_across_packets_and_timed() {
        let (proxy, mut client, mut server) = connected();
        let before = Instant::now();
        client.write_all(b"Action: Orig").unwrap();
        read(&mut server, 12);
        client.write_all(b"inate\r\n").unwrap();
        let at = proxy
            .wait_for_text(Direction::ToServer, "Originate", 0, SOON)
            .unwrap();
        assert!(at >= before && at <= Instant::now());
        assert_eq!(proxy.count_text(Direction::ToServer, "Originate"), 1);
        assert_eq!(proxy.count_text(Direction::ToClient, "Originate"), 0);
    }

    #[test]
    fn a_stall_holds_bytes_back_and_loses_none() {
        let (proxy, mut client, mut server) = connected();
        proxy.set_fault(Fault::Stall);
        client.write_all(b"late").unwrap();
        proxy
            .wait_for_text(Direction::ToServer, "late", 0, SOON)
            .unwrap();
        assert!(is_silent(&mut server));
        proxy.set_fault(Fault::None);
        assert_eq!(read(&mut server, 4), b"late");
    }

    #[test]
    fn a_half_open_connection_swallows_bytes_and_the_close() {
        let (proxy, mut client, server) = connected();
        proxy.set_fault(Fault::HalfOpen);
        drop(server);
        client.write_all(b"hello?").unwrap();
        assert!(is_silent(&mut client));
    }

    #[test]
    fn a_cut_closes_both_ends_and_a_refusal_the_next_one() {
        let (proxy, mut client, mut server) = connected();
        proxy.cut();
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        assert_eq!(server.read(&mut [0]).unwrap(), 0);
        proxy.set_fault(Fault::Refuse);
        let mut next = TcpStream::connect(proxy.addr()).unwrap();
        next.set_read_timeout(Some(SOON)).unwrap();
        assert_eq!(next.read(&mut [0]).unwrap_or(0), 0);
        assert_eq!(proxy.connections(), 2);
    }

    #[test]
    fn every_byte_may_be_a_packet() {
        let (proxy, mut client, mut server) = connected();
        proxy.set_fault(Fault::OneByte);
        client.write_all(b"abc").unwrap();
        assert_eq!(read(&mut server, 3), b"abc");
    }

    fn connected() -> (FaultProxy, TcpStream, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("listens");
        let proxy = FaultProxy::start(listener.local_addr().expect("address")).expect("starts");
        let client = TcpStream::connect(proxy.addr()).expect("connects");
        let (server, _) = listener.accept().expect("accepts");
        for end in [&client, &server] {
            end.set_read_timeout(Some(SOON)).expect("limits reads");
        }
        (proxy, client, server)
    }

    fn read(stream: &mut TcpStream, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        stream.read_exact(&mut bytes).expect("reads");
        bytes
    }

    fn is_silent(stream: &mut TcpStream) -> bool {
        stream
            .set_read_timeout(Some(Duration::from_millis(200)))
            .expect("limits reads");
        let outcome = stream.read(&mut [0]).map_err(|error| error.kind());
        stream.set_read_timeout(Some(SOON)).expect("limits reads");
        matches!(outcome, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }
}
