//! From a server's name to a stream that it may be behind.

use crate::{Config, LinkError, Trust, tls};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use wire::{Plain, ServerAddress};

/// What is spoken over.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// For name, connection and TLS together.
pub(crate) const WITHIN: Duration = Duration::from_secs(10);
/// For one address of several, so that a dead one does not use up the time of the others.
const ADDRESS_WITHIN: Duration = Duration::from_secs(3);

/// Who is meant and how it is known.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) server: ServerAddress,
    pub(crate) tls: Trust,
}

impl Target {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            server: config.server.clone(),
            tls: config.tls.clone(),
        }
    }

    pub(crate) fn host(&self) -> String {
        self.server.host().to_owned()
    }

    /// Host and port, as sentences name them.
    pub(crate) fn at(&self) -> String {
        self.server.authority()
    }
}

/// Connects, with TLS where the address says so.
pub(crate) async fn connect(target: &Target) -> Result<Box<dyn Io>, LinkError> {
    match timeout(WITHIN, connect_all(target)).await {
        Ok(connected) => connected,
        Err(_) => Err(timed_out(target)),
    }
}

async fn connect_all(target: &Target) -> Result<Box<dyn Io>, LinkError> {
    let addresses = addresses(target).await?;
    let stream = connect_any(target, &addresses).await?;
    // Each message is one small write that must leave at once; without it only latency is lost.
    let _ = stream.set_nodelay(true);
    if target.server.is_plain() {
        return Ok(Box::new(stream));
    }
    Ok(Box::new(tls::connect(target, stream).await?))
}

async fn addresses(target: &Target) -> Result<Vec<SocketAddr>, LinkError> {
    let unknown = |source| LinkError::UnknownHost {
        host: target.host(),
        source,
    };
    let found: Vec<_> = lookup_host((target.server.host(), target.server.port()))
        .await
        .map_err(unknown)?
        .collect();
    if found.is_empty() {
        return Err(unknown(io::ErrorKind::NotFound.into()));
    }
    let allowed = permitted(&target.server, found);
    if allowed.is_empty() {
        return Err(LinkError::PlainNotAllowed {
            host: target.host(),
        });
    }
    Ok(allowed)
}

/// A name of this machine must not lead elsewhere without encryption, whatever a resolver says. That another host was
/// allowed is known by its address having been taken at all.
fn permitted(server: &ServerAddress, mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let is_own = ServerAddress::parse(&server.to_string(), Plain::Loopback).is_ok();
    if server.is_plain() && is_own {
        addresses.retain(|address| address.ip().to_canonical().is_loopback());
    }
    addresses
}

async fn connect_any(target: &Target, addresses: &[SocketAddr]) -> Result<TcpStream, LinkError> {
    let mut failed = timed_out(target);
    for address in addresses {
        failed = match timeout(ADDRESS_WITHIN, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(source)) => not_connected(target, source),
            Err(_) => timed_out(target),
        };
    }
    Err(failed)
}

fn not_connected(target: &Target, source: io::Error) -> LinkError {
    let at = target.at();
    if source.kind() == io::ErrorKind::ConnectionRefused {
        return LinkError::Refused { at };
    }
    LinkError::Unreachable { at, source }
}

fn timed_out(target: &Target) -> LinkError {
    LinkError::ConnectTimedOut {
        at: target.at(),
        within: WITHIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_permitted(server: &str, address: &str) -> bool {
        let server = ServerAddress::parse(server, Plain::Anywhere).unwrap();
        !permitted(&server, vec![address.parse().unwrap()]).is_empty()
    }

    #[test]
    fn localhost_without_tls_is_this_machine_whatever_the_resolver_says() {
        assert!(is_permitted("http://localhost", "127.0.0.1:80"));
        assert!(is_permitted("http://localhost", "[::1]:80"));
        assert!(!is_permitted("http://localhost", "192.0.2.1:80"));
        assert!(is_permitted("https://localhost", "192.0.2.1:443"));
        assert!(is_permitted("http://pbx.example", "192.0.2.1:80"));
    }
}
