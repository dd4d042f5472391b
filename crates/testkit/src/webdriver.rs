//! Drives a program's web views as a person would, by the W3C protocol that WebKitWebDriver speaks.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Value, json};

use crate::session::DesktopSession;
use crate::{ProcessGroup, run};

/// The key under which the protocol names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A program with web views, started by the driver; ends on drop.
#[derive(Debug)]
pub struct WebDriver {
    address: SocketAddr,
    session: String,
    driver: Child,
    _group: ProcessGroup,
}

/// An element of the page that was current when it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element(String);

impl WebDriver {
    const START: Duration = Duration::from_secs(30);

    /// Starts `program` in the session with its web views under control.
    ///
    /// The program must open a window, be it a hidden one, by itself: without any web view the driver waits for ever,
    /// which is reported after 30 s.
    pub fn start(
        desktop: &DesktopSession,
        program: &Path,
        arguments: &[&str],
        env: &[(&str, &str)],
    ) -> Result<Self> {
        let address = free_address()?;
        let group = ProcessGroup::new().context("start a process group")?;
        let driver = group
            .spawn(
                desktop
                    .command("WebKitWebDriver")
                    .arg(format!("--port={}", address.port()))
                    // Tauri lets itself be driven only when told so.
                    .env("TAURI_AUTOMATION", "true")
                    .env("TAURI_WEBVIEW_AUTOMATION", "true")
                    .envs(env.iter().copied())
                    .stdout(Stdio::null()),
            )
            .context("start WebKitWebDriver (Debian package webkit2gtk-driver)")?;
        let mut driver = Self {
            address,
            session: String::new(),
            driver,
            _group: group,
        };
        run::poll(Self::START, "driver", || {
            let status = request(address, "GET", "/status", None, Duration::from_secs(2))?;
            Ok((status["ready"] == json!(true)).then_some(()))
        })?;
        let options = json!({ "binary": program, "args": arguments });
        let wanted =
            json!({ "capabilities": { "alwaysMatch": { "webkitgtk:browserOptions": options } } });
        let session = request(address, "POST", "/session", Some(&wanted), Self::START)
            .context("start the program")?;
        driver.session = session["sessionId"]
            .as_str()
            .context("a session without id")?
            .to_owned();
        Ok(driver)
    }

    /// Handles and titles of the windows.
    pub fn windows(&self) -> Result<Vec<(String, String)>> {
        let handles: Vec<String> =
            serde_json::from_value(self.get("/window/handles")?).context("read the handles")?;
        let mut windows = Vec::new();
        for handle in handles {
            self.post("/window", &json!({ "handle": handle }))?;
            windows.push((handle, self.title()?));
        }
        Ok(windows)
    }

    /// Waits for a window whose title holds `title` and makes it the current one.
    pub fn switch_to(&self, title: &str, limit: Duration) -> Result<()> {
        let handle = run::poll(limit, "window with that title", || {
            Ok(self
                .windows()?
                .into_iter()
                .find(|(_, name)| name.contains(title)))
        });
        let (handle, _) = handle.with_context(|| format!("switch to {title:?}"))?;
        self.post("/window", &json!({ "handle": handle })).map(drop)
    }

    pub fn title(&self) -> Result<String> {
        text(self.get("/title")?)
    }

    /// Loads a page.
    pub fn go_to(&self, url: &str) -> Result<()> {
        self.post("/url", &json!({ "url": url })).map(drop)
    }

    /// Waits for an element that matches a CSS selector.
    pub fn find(&self, css: &str, limit: Duration) -> Result<Element> {
        let element = run::poll(limit, "element", || {
            Ok(self.find_all(css)?.into_iter().next())
        });
        element.with_context(|| format!("find {css:?}"))
    }

    /// All elements that match now.
    pub fn find_all(&self, css: &str) -> Result<Vec<Element>> {
        let found = self.post(
            "/elements",
            &json!({ "using": "css selector", "value": css }),
        )?;
        let found: Vec<HashMap<String, String>> =
            serde_json::from_value(found).context("read the elements")?;
        Ok(found
            .into_iter()
            .filter_map(|mut one| one.remove(ELEMENT))
            .map(Element)
            .collect())
    }

    /// The text that a person sees.
    pub fn text(&self, element: &Element) -> Result<String> {
        text(self.get(&format!("/element/{}/text", element.0))?)
    }

    /// Waits until the text of the first match is accepted, and returns it.
    pub fn wait_for_text(
        &self,
        css: &str,
        limit: Duration,
        accept: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let mut last = String::new();
        run::poll(limit, "such text", || {
            let Some(element) = self.find_all(css)?.into_iter().next() else {
                return Ok(None);
            };
            last = self.text(&element)?;
            Ok(accept(&last).then_some(()))
        })
        .with_context(|| format!("{css:?} says {last:?}"))?;
        Ok(last)
    }

    /// What assistive technology calls the element.
    pub fn label(&self, element: &Element) -> Result<String> {
        text(self.get(&format!("/element/{}/computedlabel", element.0))?)
    }

    pub fn click(&self, element: &Element) -> Result<()> {
        self.post(&format!("/element/{}/click", element.0), &json!({}))
            .map(drop)
    }

    /// Empties a field.
    pub fn clear(&self, element: &Element) -> Result<()> {
        self.post(&format!("/element/{}/clear", element.0), &json!({}))
            .map(drop)
    }

    /// Types into a field; keys without a character are the protocol's code points, e.g. U+E007 for Enter.
    pub fn type_into(&self, element: &Element, keys: &str) -> Result<()> {
        self.post(
            &format!("/element/{}/value", element.0),
            &json!({ "text": keys }),
        )
        .map(drop)
    }

    /// Runs a function body in the page and returns what it returns.
    pub fn script(&self, body: &str, arguments: &[Value]) -> Result<Value> {
        self.post(
            "/execute/sync",
            &json!({ "script": body, "args": arguments }),
        )
    }

    fn get(&self, path: &str) -> Result<Value> {
        request(self.address, "GET", &self.path(path), None, Self::START)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        request(
            self.address,
            "POST",
            &self.path(path),
            Some(body),
            Self::START,
        )
    }

    fn path(&self, path: &str) -> String {
        format!("/session/{}{path}", self.session)
    }
}

impl Drop for WebDriver {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ = request(
                self.address,
                "DELETE",
                &self.path(""),
                None,
                Duration::from_secs(5),
            );
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn text(value: Value) -> Result<String> {
    serde_json::from_value(value).context("read a text")
}

fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    listener.local_addr().context("find a free port")
}

/// One request on a connection of its own: the driver's error messages become ours.
fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: Option<&Value>,
    limit: Duration,
) -> Result<Value> {
    let mut stream =
        TcpStream::connect_timeout(&address, limit).context("connect to the driver")?;
    stream
        .set_read_timeout(Some(limit))
        .context("limit reads")?;
    let body = body.map(Value::to_string).unwrap_or_default();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .context("ask the driver")?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader
            .read_line(&mut line)
            .context("hear from the driver")?;
        if line.is_empty() {
            bail!("the driver closed the connection");
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value
                .trim()
                .parse()
                .context("read the length of the driver's answer")?;
        }
    }
    let mut answer = vec![0; length];
    reader
        .read_exact(&mut answer)
        .context("hear from the driver")?;
    let mut answer: Value = serde_json::from_slice(&answer).context("understand the driver")?;
    let value = answer["value"].take();
    match value["error"].as_str() {
        Some(error) => Err(anyhow!(
            "{error}: {}",
            value["message"].as_str().unwrap_or_default()
        )),
        None => Ok(value),
    }
}
