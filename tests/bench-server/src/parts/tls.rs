//! What a connection with TLS keeps in the server's memory.

use super::THOUSAND;
use crate::{
    firm::{Firm, following},
    measure::{Sample, memory},
    servers::Server,
    source::Source,
    table::{Row, Table},
};
use anyhow::{Context as _, Result, ensure};
use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    sync::Arc,
    time::Duration,
};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::ring, pki_types::ServerName,
};

/// An answer comes within this.
const SOON: Duration = Duration::from_secs(30);
/// Those who are there before anything is counted.
const FIRST: usize = 50;

type Line = StreamOwned<ClientConnection, TcpStream>;

pub(super) fn run(runs: usize, firm: &Firm, table: &mut Table) -> Result<()> {
    let figures = (0..runs).map(|_| one(firm)).collect::<Result<_>>()?;
    table.add(Row {
        goal: Some(20.0),
        ..Row::new(
            format!("memory of one of {THOUSAND} connections, TLS"),
            "KiB",
            &Sample::new(figures),
        )
    });
    Ok(())
}

fn one(firm: &Firm) -> Result<f64> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let folder = tempfile::tempdir()?;
    let (certificate, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&certificate, made.cert.pem())?;
    std::fs::write(&key, made.signing_key.serialize_pem())?;
    let head = format!(
        "tls = {{ certificate = \"{}\", key = \"{}\" }}\n",
        certificate.display(),
        key.display()
    );
    let source = Source::start()?;
    let server = Server::ours(firm, &firm.of_source(&source), &head)?;
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone())?;
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    let hellos = server.hellos(THOUSAND + FIRST, |_| following([0]))?;
    let connect = |hellos: &[String]| -> Result<Vec<Line>> {
        hellos
            .iter()
            .map(|hello| client(server.port, &config, hello))
            .collect()
    };
    let first = connect(&hellos[..FIRST])?;
    let before = memory(server.pid(), "VmRSS")?;
    let rest = connect(&hellos[FIRST..])?;
    // What a connection needed to begin is given back when it rests.
    std::thread::sleep(Duration::from_secs(1));
    let after = memory(server.pid(), "VmRSS")?;
    ensure!(
        first.len() + rest.len() == THOUSAND + FIRST,
        "not all are in"
    );
    Ok((after - before) / THOUSAND as f64)
}

/// In, with its first snapshot.
fn client(port: u16, config: &Arc<ClientConfig>, hello: &str) -> Result<Line> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("connect")?;
    stream.set_read_timeout(Some(SOON))?;
    let connection = ClientConnection::new(config.clone(), ServerName::try_from("localhost")?)?;
    let mut line = StreamOwned::new(connection, stream);
    let request = format!(
        "GET /api/v1/socket HTTP/1.1\r\nHost: localhost\r\n{}",
        crate::loader::UPGRADE
    );
    line.write_all(request.as_bytes())?;
    until(&mut line, b"\r\n\r\n")?;
    line.write_all(&crate::loader::text(hello))?;
    until(&mut line, b"\"type\":\"snapshot\"")?;
    Ok(line)
}

fn until(line: &mut Line, wanted: &[u8]) -> Result<()> {
    let (mut heard, mut chunk) = (Vec::new(), [0; 4096]);
    while memchr::memmem::find(&heard, wanted).is_none() {
        let got = line.read(&mut chunk).context("read")?;
        ensure!(got > 0, "the server let go");
        heard.extend_from_slice(&chunk[..got]);
    }
    Ok(())
}
