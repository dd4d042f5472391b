//! A web server that says what a test wants it to, also what no server should.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

const LIMIT: Duration = Duration::from_secs(60);

/// Listens on loopback until the process ends; `answer` makes of each whole request a whole answer.
pub fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("listen")?;
    let address = listener.local_addr().context("find the port")?;
    let answer = std::sync::Arc::new(answer);
    thread::spawn(move || {
        for line in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            thread::spawn(move || {
                let mut line = line;
                if let Ok(request) = request(&mut line) {
                    // Who has heard enough hangs up.
                    let _ = line.write_all(&answer(&request));
                }
            });
        }
    });
    Ok(address)
}

/// An answer of HTTP with these further headers, each on a line of its own.
#[must_use]
pub fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n");
    format!("{head}{headers}\r\n{body}").into_bytes()
}

/// What the server there says to this request.
pub fn forward(request: &str, to: SocketAddr) -> Result<String> {
    let mut line = TcpStream::connect(to).context("connect")?;
    line.set_read_timeout(Some(LIMIT)).context("set a limit")?;
    // So that the end of the answer is the end of the line.
    let request = request.replacen(" HTTP/1.1\r\n", " HTTP/1.0\r\n", 1);
    line.write_all(request.as_bytes()).context("ask")?;
    let mut answer = String::new();
    line.read_to_string(&mut answer).context("read")?;
    Ok(answer)
}

fn request(line: &mut TcpStream) -> Result<String> {
    line.set_read_timeout(Some(LIMIT)).context("set a limit")?;
    let mut request = Vec::new();
    let mut some = [0; 65_536];
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.trim().parse().unwrap_or(0))
            });
            if body.len() >= length.unwrap_or(0) {
                return Ok(text.into_owned());
            }
        }
        let read = line.read(&mut some).context("read a request")?;
        anyhow::ensure!(read > 0, "half a request");
        request.extend_from_slice(&some[..read]);
    }
}
