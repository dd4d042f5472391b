//! From a host's name to a stream that Asterisk may be behind.

use std::{fmt, io, net::SocketAddr, pin::Pin, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};

use crate::{LinkConfig, LinkError, Transport, tls};

/// What a session runs over.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A stream that is being made.
pub type Connecting = Pin<Box<dyn Future<Output = Result<Box<dyn Io>, LinkError>> + Send>>;

/// Makes the stream of each connection.
pub trait Connector: Send {
    /// Begins a connection; dropping the future gives it up.
    fn connect(&mut self, config: &LinkConfig) -> Connecting;
}

/// TCP, and TLS over it.
#[derive(Debug, Default)]
pub(crate) struct Tcp;

/// For name, connection and TLS together.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// For one address of several, so that a dead one does not use up the time of the others.
const ADDRESS_WITHIN: Duration = Duration::from_secs(3);

impl Connector for Tcp {
    fn connect(&mut self, config: &LinkConfig) -> Connecting {
        let config = config.clone();
        Box::pin(async move {
            match timeout(CONNECT_WITHIN, connect(&config)).await {
                Ok(connected) => connected,
                Err(_) => Err(timed_out(&config)),
            }
        })
    }
}

async fn connect(config: &LinkConfig) -> Result<Box<dyn Io>, LinkError> {
    let addresses = addresses(config).await?;
    let stream = connect_any(config, &addresses).await?;
    // Each action is one small write that must leave at once; without it only latency is lost.
    let _ = stream.set_nodelay(true);
    match &config.transport {
        Transport::Plain { .. } => Ok(Box::new(stream)),
        Transport::Tls(trust) => Ok(Box::new(tls::connect(config, trust, stream).await?)),
    }
}

async fn addresses(config: &LinkConfig) -> Result<Vec<SocketAddr>, LinkError> {
    let unknown = |source| LinkError::UnknownHost {
        host: config.host.clone(),
        source,
    };
    let found: Vec<_> = lookup_host((config.host.as_str(), config.port))
        .await
        .map_err(unknown)?
        .collect();
    if found.is_empty() {
        return Err(unknown(io::ErrorKind::NotFound.into()));
    }
    let allowed = permitted(config, found);
    if allowed.is_empty() {
        return Err(LinkError::PlainNotAllowed {
            host: config.host.clone(),
        });
    }
    Ok(allowed)
}

/// Unencrypted goes to this machine itself and to the host that was allowed by name, nowhere else.
fn permitted(config: &LinkConfig, mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Transport::Plain { allow_plain_to } = &config.transport else {
        return addresses;
    };
    let is_allowed = |host: &String| host.eq_ignore_ascii_case(&config.host);
    if !allow_plain_to.as_ref().is_some_and(is_allowed) {
        addresses.retain(|address| address.ip().to_canonical().is_loopback());
    }
    addresses
}

async fn connect_any(
    config: &LinkConfig,
    addresses: &[SocketAddr],
) -> Result<TcpStream, LinkError> {
    let mut failed = timed_out(config);
    for address in addresses {
        failed = match timeout(ADDRESS_WITHIN, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(source)) => not_connected(config, source),
            Err(_) => timed_out(config),
        };
    }
    Err(failed)
}

fn not_connected(config: &LinkConfig, source: io::Error) -> LinkError {
    let (host, port) = (config.host.clone(), config.port);
    if source.kind() == io::ErrorKind::ConnectionRefused {
        return LinkError::Refused { host, port };
    }
    LinkError::Unreachable { host, port, source }
}

fn timed_out(config: &LinkConfig) -> LinkError {
    LinkError::ConnectTimedOut {
        host: config.host.clone(),
        port: config.port,
        within: CONNECT_WITHIN,
    }
}

impl fmt::Debug for dyn Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

#[cfg(test)]
mod tests {
    use ami::{Charset, FieldValue};
    use secrecy::SecretString;

    use super::*;

    fn config(host: &str, transport: Transport) -> LinkConfig {
        LinkConfig {
            host: host.into(),
            port: 5038,
            transport,
            username: FieldValue::new("ctc").unwrap(),
            secret: SecretString::from("x"),
            charset: Charset::default(),
        }
    }

    fn is_permitted(host: &str, allow: Option<&str>, address: &str) -> bool {
        let transport = Transport::Plain {
            allow_plain_to: allow.map(str::to_owned),
        };
        !permitted(&config(host, transport), vec![address.parse().unwrap()]).is_empty()
    }

    #[test]
    fn plain_goes_to_loopback_or_to_the_host_allowed_by_name() {
        for loopback in [
            "127.0.0.1:1",
            "127.8.9.1:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert!(is_permitted("localhost", None, loopback), "{loopback}");
        }
        assert!(!is_permitted("localhost", None, "192.0.2.1:1"));
        assert!(!is_permitted("pbx.example", None, "192.0.2.1:1"));
        assert!(!is_permitted(
            "pbx.example",
            Some("other.example"),
            "192.0.2.1:1"
        ));
        assert!(is_permitted(
            "PBX.example",
            Some("pbx.example"),
            "192.0.2.1:1"
        ));
    }

    #[test]
    fn tls_goes_anywhere() {
        let config = config("pbx.example", Transport::Tls(crate::Trust::System));
        let far = vec!["192.0.2.1:5039".parse().unwrap()];
        assert_eq!(permitted(&config, far.clone()), far);
    }
}
