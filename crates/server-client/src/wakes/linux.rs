//! Linux: the kernel tells of links, addresses and routes by netlink (rtnetlink(7)).

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketFlags, SocketType, bind, netlink::SocketAddrNetlink, socket_with},
};
use std::{
    io,
    os::unix::net::UnixDatagram as Socket,
    task::{Context, Poll, ready},
};
use tokio::{io::ReadBuf, net::UnixDatagram};
use wire::ServerAddress;

/// `RTMGRP_LINK`, `RTMGRP_IPV4_IFADDR`, `RTMGRP_IPV4_ROUTE`, `RTMGRP_IPV6_IFADDR`, `RTMGRP_IPV6_ROUTE`.
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

/// Hears of every change; what has changed does not matter.
#[derive(Debug)]
pub(super) struct Changes {
    /// `None` in a sandbox without netlink: then the pings must do.
    socket: Option<UnixDatagram>,
}

impl Changes {
    pub(super) fn new(_server: &ServerAddress) -> Self {
        let socket = open().inspect_err(|error| tracing::debug!(%error, "no netlink"));
        Self {
            socket: socket.ok(),
        }
    }

    /// Ready once for what has changed since the last time.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(socket) = &self.socket else {
            return Poll::Pending;
        };
        let mut message = [0; 1024];
        match ready!(socket.poll_recv(context, &mut ReadBuf::new(&mut message))) {
            Ok(()) => Poll::Ready(()),
            // More than the kernel keeps for us tells as much as a message.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::NOBUFS) => Poll::Ready(()),
            Err(error) => {
                tracing::debug!(%error, "netlink");
                self.socket = None;
                Poll::Pending
            }
        }
    }

    /// Nothing is looked for: it is told.
    pub(super) fn look(&mut self) -> bool {
        false
    }
}

fn open() -> io::Result<UnixDatagram> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    // Protocol 0 of netlink is NETLINK_ROUTE.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
    // A datagram socket is a datagram socket to tokio, whatever its family: it is only read.
    UnixDatagram::from_std(Socket::from(socket))
}
