//! Loopback ports that two test processes never get at the same time.

use std::net::{TcpListener, UdpSocket};

use anyhow::{Context as _, Result, bail};

use crate::cache::{self, Lock};

/// Blocks lie below the range from which the kernel takes ports for outgoing connections, so that
/// a port which is free now is still free after a restart.
const FIRST: u16 = 20_000;
const SIZE: u16 = 200;
const BLOCKS: u16 = 60;

/// A block of 200 ports, ours until dropped.
#[derive(Debug)]
pub(crate) struct PortBlock {
    base: u16,
    _lock: Lock,
}

impl PortBlock {
    pub(crate) fn reserve() -> Result<Self> {
        let folder = cache::folder()?.join("ports");
        std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        for block in 0..BLOCKS {
            let base = FIRST + block * SIZE;
            let Some(lock) = Lock::try_acquire(&folder.join(base.to_string())) else {
                continue;
            };
            if (0..4).all(|offset| is_free(base + offset)) {
                return Ok(Self { base, _lock: lock });
            }
        }
        bail!(
            "no free block of ports between {FIRST} and {}",
            FIRST + BLOCKS * SIZE
        )
    }

    /// Port number `offset` of the block.
    pub(crate) fn port(&self, offset: u16) -> u16 {
        debug_assert!(offset < SIZE, "a port of another block");
        self.base + offset
    }
}

/// Nobody listens there: an Asterisk that finds its port taken ends, and the test would talk to a stranger.
fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
        && UdpSocket::bind(("127.0.0.1", port)).is_ok()
        && UdpSocket::bind(("127.0.0.2", port)).is_ok()
}
