//! Signing in to a CRM by the browser, which comes back to this computer (RFC 8252, loopback redirection).

use crate::opener;
use contacts::SourceError;
use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// A person reads, finds his password, takes out his phone.
const PATIENCE: Duration = Duration::from_secs(300);
/// A browser sends its request at once.
const REQUEST: Duration = Duration::from_secs(5);
const LONGEST: usize = 16 * 1024;
const LATE: &str = "Nobody signed in within five minutes.";

/// Opens the browser and waits until it comes back.
///
/// # Errors
/// A sentence.
pub(super) async fn sign_in(connector: crm::Connector) -> Result<(), String> {
    let listener = listen(0).await?;
    let redirect = format!("http://127.0.0.1:{}/", port(&listener)?);
    let Some(sign_in) = connector.sign_in(&redirect) else {
        return Err("This contact source is not signed in to by a browser.".to_owned());
    };
    let listener = match redirect_port(&sign_in.url)? {
        own if own == port(&listener)? => listener,
        own => listen(own).await?,
    };
    if !sign_in.url.starts_with("https://") && !sign_in.url.starts_with("http://") {
        return Err("The address where to sign in is no web page.".to_owned());
    }
    let url = sign_in.url.clone();
    tokio::task::spawn_blocking(move || opener::open(&url));
    let code = timeout(PATIENCE, come_back(&listener, &sign_in.state)).await;
    let code = code.map_err(|_| LATE.to_owned())??;
    let signed_in = connector.signed_in(&sign_in, &code).await;
    signed_in.map_err(|SourceError { words, .. }| words)
}

async fn listen(port: u16) -> Result<TcpListener, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    listener.map_err(|error| format!("The browser could not come back: port {port}: {error}."))
}

fn port(listener: &TcpListener) -> Result<u16, String> {
    let address = listener.local_addr();
    let address = address.map_err(|error| format!("The browser could not come back: {error}."))?;
    Ok(address.port())
}

/// Where the browser really comes back to: a description may name an address that is registered at the CRM.
fn redirect_port(url: &str) -> Result<u16, String> {
    let redirect = query_of(url).remove("redirect_uri").unwrap_or_default();
    let port = ["http://127.0.0.1:", "http://localhost:"]
        .iter()
        .find_map(|host| redirect.strip_prefix(host))
        .map(|rest| rest.split('/').next().unwrap_or_default());
    port.and_then(|port| port.parse().ok()).ok_or_else(|| {
        format!("After signing in this CRM sends the browser to {redirect}, which is not this computer. Connect it at the integration server.")
    })
}

/// The code that the browser brings; whatever else comes to this port is turned away.
async fn come_back(listener: &TcpListener, state: &str) -> Result<String, String> {
    loop {
        let accepted = listener.accept().await;
        let (mut stream, _) =
            accepted.map_err(|error| format!("The browser could not come back: {error}."))?;
        let Ok(Ok(query)) = timeout(REQUEST, read(&mut stream)).await else {
            continue;
        };
        if query.get("state").map(String::as_str) != Some(state) {
            answer(&mut stream, "404 Not Found", "There is nothing here.").await;
            continue;
        }
        if let Some(code) = query.get("code") {
            answer(&mut stream, "200 OK", "Signed in. You may close this page.").await;
            return Ok(code.clone());
        }
        let why = query.get("error_description").or(query.get("error"));
        let why = why.map_or("it gave no reason", String::as_str);
        let why: String = why
            .chars()
            .filter(|letter| !letter.is_control())
            .take(300)
            .collect();
        answer(
            &mut stream,
            "200 OK",
            "Not signed in. You may close this page.",
        )
        .await;
        return Err(format!("The CRM did not let you in: {why}."));
    }
}

async fn read(stream: &mut TcpStream) -> io::Result<BTreeMap<String, String>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < LONGEST {
        if stream.read_buf(&mut head).await? == 0 {
            break;
        }
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    match (words.next(), words.next()) {
        (Some("GET"), Some(target)) => Ok(query_of(target)),
        (_, _) => Err(io::ErrorKind::InvalidData.into()),
    }
}

async fn answer(stream: &mut TcpStream, status: &str, words: &str) {
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{words}",
        words.len()
    );
    let _ = timeout(REQUEST, stream.write_all(text.as_bytes())).await;
    let _ = timeout(REQUEST, stream.shutdown()).await;
}

fn query_of(url: &str) -> BTreeMap<String, String> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

/// Percent-encoding and the plus of forms.
fn decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || {
                    let digit = char::from(bytes.next().unwrap_or(b'0')).to_digit(16);
                    u8::try_from(digit.unwrap_or_default()).unwrap_or_default()
                };
                digit() * 16 + digit()
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_browser_that_was_sent_brings_a_code() {
        let listener = listen(0).await.unwrap();
        let port = port(&listener).unwrap();
        let coming = tokio::spawn(async move { come_back(&listener, "s1").await });
        assert!(
            get(port, "/?code=stolen&state=other")
                .await
                .starts_with("HTTP/1.1 404")
        );
        assert!(get(port, "/favicon.ico").await.starts_with("HTTP/1.1 404"));
        let welcome = get(port, "/?state=s1&code=a%2Fb+c").await;
        assert!(welcome.contains("Signed in"), "{welcome}");
        assert_eq!(coming.await.unwrap().unwrap(), "a/b c");
    }

    #[tokio::test]
    async fn a_refusal_is_told_in_the_words_of_the_crm() {
        let listener = listen(0).await.unwrap();
        let port = port(&listener).unwrap();
        let coming = tokio::spawn(async move { come_back(&listener, "s1").await });
        get(
            port,
            "/?state=s1&error=access_denied&error_description=No%20rights",
        )
        .await;
        let words = coming.await.unwrap().unwrap_err();
        assert_eq!(words, "The CRM did not let you in: No rights.");
    }

    #[test]
    fn the_browser_comes_back_to_this_computer_alone() {
        let url = |redirect: &str| {
            format!("https://crm.example/authorize?redirect_uri={redirect}&state=s")
        };
        assert_eq!(
            redirect_port(&url("http%3A%2F%2F127.0.0.1%3A4711%2F")),
            Ok(4711)
        );
        assert_eq!(
            redirect_port(&url("http%3A%2F%2Flocalhost%3A8080%2Fback")),
            Ok(8080)
        );
        let words = redirect_port(&url("https%3A%2F%2Fevil.example%2F")).unwrap_err();
        assert!(words.contains("evil.example"), "{words}");
    }

    async fn get(port: u16, target: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}
