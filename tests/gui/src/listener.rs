//! An address that nobody should ever call, and who did.

use anyhow::{Context as _, Result};
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Listens on loopback until the process ends.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    /// # Errors
    /// There is no free port.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listen")?;
        let address = listener.local_addr().context("own address")?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let line = first_bytes(stream);
                record
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line);
            }
        });
        Ok(Self { address, heard })
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Calls itself, so that a silence can be believed; gives what others have said until then.
    ///
    /// # Errors
    /// It does not hear itself.
    pub fn heard(&self) -> Result<Vec<String>> {
        drop(TcpStream::connect(self.address).context("call the listener")?);
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let heard = self
                .heard
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            if heard.iter().any(String::is_empty) {
                return Ok(heard.into_iter().filter(|line| !line.is_empty()).collect());
            }
            anyhow::ensure!(Instant::now() < until, "the listener hears nothing");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn first_bytes(mut stream: TcpStream) -> String {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let mut buffer = [0; 200];
    match stream.read(&mut buffer) {
        Ok(0) => String::new(),
        Ok(length) => String::from_utf8_lossy(&buffer[..length]).into_owned(),
        Err(error) => format!("connected and said nothing: {error}"),
    }
}
