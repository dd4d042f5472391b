//! A web page with links to call, served on loopback, that tells when it was painted and clicked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::record::Record;

/// A request that the page's browser made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    pub at: Instant,
    /// `/` for the page, `/painted`, `/clicked/N`, `/blurred` and `/focused`; anything else was not asked for by us.
    pub path: String,
}

/// The page; each link fills a row of the window from edge to edge.
#[derive(Debug)]
pub struct LinkPage {
    address: SocketAddr,
    links: Vec<String>,
    requests: Arc<Record<PageRequest>>,
    stopped: Arc<AtomicBool>,
}

impl LinkPage {
    /// Serves a page with these links, e.g. `tel:+79161234567`.
    pub fn serve(links: &[&str]) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listen")?;
        let address = listener.local_addr().context("own address")?;
        let links: Vec<String> = links.iter().map(|&link| link.to_owned()).collect();
        let html = html(&links);
        let requests = Arc::new(Record::default());
        let stopped = Arc::new(AtomicBool::new(false));
        let (record, stop) = (Arc::clone(&requests), Arc::clone(&stopped));
        std::thread::Builder::new()
            .name("link-page".to_owned())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    if stop.load(Ordering::Acquire) {
                        break;
                    }
                    // A browser opens connections in advance and says nothing on them.
                    let (record, html) = (Arc::clone(&record), html.clone());
                    std::thread::spawn(move || answer(stream, &html, &record));
                }
            })
            .context("start a thread")?;
        Ok(Self {
            address,
            links,
            requests,
            stopped,
        })
    }

    /// Scheme, host and port, as a browser's policy wants them.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The links from top to bottom.
    pub fn links(&self) -> &[String] {
        &self.links
    }

    /// What the browser asked for.
    pub fn requests(&self) -> &Record<PageRequest> {
        &self.requests
    }
}

impl Drop for LinkPage {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        // Wakes the thread that waits for the next connection.
        let _ = TcpStream::connect(self.address);
    }
}

fn answer(stream: TcpStream, html: &str, record: &Record<PageRequest>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(30)));
    let Ok(mut writer) = stream.try_clone() else {
        return;
    };
    let mut lines = BufReader::new(stream.take(64 * 1024))
        .lines()
        .map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    let at = Instant::now();
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let body = if path == "/" { html } else { "" };
    let status = if path == "/" {
        "200 OK"
    } else {
        "204 No Content"
    };
    record.push(PageRequest { at, path });
    let _ = write!(
        writer,
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

fn html(links: &[String]) -> String {
    let mut rows = String::new();
    for (index, link) in links.iter().enumerate() {
        let link = link
            .replace('&', "&amp;")
            .replace('"', "&quot;")
            .replace('<', "&lt;");
        rows.push_str(&format!(
            "<a href=\"{link}\" onclick=\"navigator.sendBeacon('/clicked/{index}')\">{link}</a>\n"
        ));
    }
    format!(
        "<!doctype html><html lang=\"en\"><title>Links to call</title>
<style>html,body{{margin:0;height:100%}}body{{display:grid;grid-auto-rows:1fr}}
a{{display:grid;place-items:center;font:24px sans-serif;border:1px solid}}</style>
<body>{rows}<script>requestAnimationFrame(() => requestAnimationFrame(() => fetch('/painted')))
for (const [event, path] of [['blur', '/blurred'], ['focus', '/focused']]) addEventListener(event, () => navigator.sendBeacon(path))</script></body></html>"
    )
}
