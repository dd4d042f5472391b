//! The windows in the hands of WebKitWebDriver: texts as a page shows them, buttons by their names (W3C WebDriver).

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Child;
use std::time::Duration;
use testkit::DesktopSession;
use testkit::processes::wait_for_exit;

use crate::{SOON, wait_for};

/// A window that is being opened is awaited by the driver itself.
const ANSWER: Duration = Duration::from_secs(60);
/// The key under which WebDriver hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// `sidetone-ui` under WebDriver; both end with this value.
#[derive(Debug)]
pub struct Driver {
    address: SocketAddr,
    session: String,
    child: Child,
}

impl Driver {
    /// Starts the program with its panel open.
    ///
    /// # Errors
    /// The driver is not installed, or the program does not come up.
    pub fn start(session: &DesktopSession, program: &Path) -> Result<Self> {
        let address = free_port()?;
        let log = std::fs::File::create(session.home().join("webdriver.out"))?;
        let mut command = session.command("WebKitWebDriver");
        command
            .arg(format!("--port={}", address.port()))
            .env("TAURI_AUTOMATION", "true")
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .stdout(log.try_clone()?)
            .stderr(log);
        let child = session.spawn(&mut command)?;
        let mut driver = Self {
            address,
            session: String::new(),
            child,
        };
        wait_for("WebDriver", SOON, || {
            Ok(driver.call("GET", "/status", &Value::Null).ok())
        })?;
        let options = json!({ "binary": program, "args": [] });
        let wanted =
            json!({ "capabilities": { "alwaysMatch": { "webkitgtk:browserOptions": options } } });
        let session = driver.call("POST", "/session", &wanted)?;
        let id = session["sessionId"].as_str().context("no session")?;
        driver.session = format!("/session/{id}");
        Ok(driver)
    }

    /// Turns to the window with this page: `card`, `panel`, `confirm` or `settings`.
    ///
    /// # Errors
    /// There is no such window.
    pub fn turn_to(&self, page: &str) -> Result<()> {
        let path = format!("/{page}.html");
        wait_for(&format!("page {page}"), SOON, || {
            let handles = self.ask("GET", "/window/handles", &Value::Null)?;
            for handle in handles.as_array().into_iter().flatten() {
                self.ask("POST", "/window", &json!({ "handle": handle }))?;
                if self.script("return location.pathname")? == json!(path) {
                    return Ok(Some(()));
                }
            }
            Ok(None)
        })
    }

    /// Runs a function body in the page.
    ///
    /// # Errors
    /// What it threw.
    pub fn script(&self, body: &str) -> Result<Value> {
        self.ask(
            "POST",
            "/execute/sync",
            &json!({ "script": body, "args": [] }),
        )
    }

    /// The texts of all elements that match, as a page shows them, in order.
    ///
    /// # Errors
    /// The page does not answer.
    pub fn texts(&self, css: &str) -> Result<Vec<String>> {
        let css = serde_json::to_string(css)?;
        let texts = self.script(&format!(
            "return [...document.querySelectorAll({css})].map((e) => e.innerText.trim())"
        ))?;
        serde_json::from_value(texts).context("texts of a page")
    }

    /// Waits for an element whose text is accepted; gives the text.
    ///
    /// # Errors
    /// All texts there are instead.
    pub fn wait_text(&self, css: &str, accept: impl Fn(&str) -> bool) -> Result<String> {
        wait_for(css, SOON, || {
            Ok(self.texts(css)?.into_iter().find(|text| accept(text)))
        })
        .with_context(|| format!("instead: {:?}", self.texts("body")))
    }

    /// Presses the button with this name, once it is there and can be pressed.
    ///
    /// By the page's own `click()`: the driver's waits for a mouse that a window which hides itself never sees again.
    ///
    /// # Errors
    /// The buttons there are instead.
    pub fn press(&self, name: &str) -> Result<()> {
        let press = format!(
            "const button = [...document.querySelectorAll('button:enabled:not([aria-disabled=true])')]
               .find((button) => (button.ariaLabel ?? button.innerText).trim() === {});
             if (button) setTimeout(() => button.click());
             return button !== undefined",
            serde_json::to_string(name)?
        );
        wait_for(&format!("press {name:?}"), SOON, || {
            Ok((self.script(&press)? == json!(true)).then_some(()))
        })
        .with_context(|| format!("buttons there: {:?}", self.texts("button")))
    }

    /// Replaces what stands in a field.
    ///
    /// # Errors
    /// There is no such field.
    pub fn fill(&self, css: &str, text: &str) -> Result<()> {
        let id = self.element(css)?;
        self.ask("POST", &format!("/element/{id}/clear"), &json!({}))?;
        self.ask(
            "POST",
            &format!("/element/{id}/value"),
            &json!({ "text": text }),
        )?;
        Ok(())
    }

    fn element(&self, css: &str) -> Result<String> {
        wait_for(css, SOON, || {
            let find = json!({ "using": "css selector", "value": css });
            let found = self.ask("POST", "/element", &find)?;
            Ok(found[ELEMENT].as_str().map(str::to_owned))
        })
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        self.call(method, &format!("{}{path}", self.session), body)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let mut stream = TcpStream::connect(self.address).context("reach WebDriver")?;
        stream.set_read_timeout(Some(ANSWER))?;
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )?;
        let mut answer = Vec::new();
        stream
            .read_to_end(&mut answer)
            .with_context(|| format!("WebDriver {path}"))?;
        let answer = String::from_utf8(answer).context("WebDriver's answer")?;
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .context("WebDriver's answer has no end")?;
        let value: Value = serde_json::from_str(body).context("WebDriver's answer")?;
        if !head.contains(" 200 ") {
            bail!("WebDriver {path}: {}", value["value"]["message"]);
        }
        Ok(value["value"].clone())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.ask("DELETE", "", &Value::Null);
        let _ = self.child.kill();
        let _ = wait_for_exit(&mut self.child, Duration::from_secs(5));
    }
}

fn free_port() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listen")?;
    listener.local_addr().context("own address")
}
