//! macOS and Windows: from which of our addresses the server is reached, asked each second. No packet is sent for it.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket},
    task::{Context, Poll},
};
use wire::ServerAddress;

/// A public address (of those reserved for documentation) that stands for the server where its own is not known
/// without asking a name server.
const ANYWHERE: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

/// Remembers the routes.
#[derive(Debug)]
pub(super) struct Changes {
    far: Vec<IpAddr>,
    routes: Vec<Option<IpAddr>>,
}

impl Changes {
    pub(super) fn new(server: &ServerAddress) -> Self {
        let far: Vec<IpAddr> = match server.host().parse() {
            Ok(address) => vec![address],
            Err(_) => ANYWHERE.to_vec(),
        };
        let routes = routes(&far);
        Self { far, routes }
    }

    /// Nothing is told: it is looked for.
    #[cfg_attr(
        all(test, target_os = "linux"),
        expect(dead_code, reason = "tried on Linux for what it finds")
    )]
    pub(super) fn poll(&mut self, _context: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }

    /// True if a route is another one, or is there again.
    pub(super) fn look(&mut self) -> bool {
        let routes = routes(&self.far);
        let is_new = routes != self.routes;
        self.routes = routes;
        is_new
    }
}

fn routes(far: &[IpAddr]) -> Vec<Option<IpAddr>> {
    far.iter().map(|far| route_to(*far)).collect()
}

/// The address from which the system would send there: connecting a datagram socket asks the routing table only.
fn route_to(far: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match far {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((far, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Plain;

    #[test]
    fn a_route_that_stays_is_no_change_and_one_that_comes_back_is() {
        let server = ServerAddress::parse("http://127.0.0.1", Plain::Loopback).unwrap();
        let mut changes = Changes::new(&server);
        assert_eq!(changes.routes, [Some(IpAddr::V4(Ipv4Addr::LOCALHOST))]);
        assert!(!changes.look());
        changes.routes = vec![None];
        assert!(changes.look());
        assert!(!changes.look());
    }
}
