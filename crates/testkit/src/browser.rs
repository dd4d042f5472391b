//! A real Chromium in the session, whose user clicks on links to call.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use crate::run;
use crate::session::{DesktopSession, WindowInfo};

mod link_page;

pub use link_page::{LinkPage, PageRequest};

/// Why the browser hands links over without a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// The administrator's policy `AutoLaunchProtocolsFromOrigins`, seen by this browser alone.
    Policy,
    /// The person has ticked "always allow" for this page before.
    Remembered,
    /// It does not: the browser asks.
    Ask,
}

/// A browser with one page open.
#[derive(Debug)]
pub struct Chromium<'a> {
    session: &'a DesktopSession,
    page: &'a LinkPage,
    window: WindowInfo,
    child: Child,
}

const SCHEMES: [&str; 3] = ["tel", "callto", "sip"];

impl<'a> Chromium<'a> {
    const START: Duration = Duration::from_secs(60);

    /// Opens the page in a window of its own and waits until it is painted.
    pub fn open(session: &'a DesktopSession, page: &'a LinkPage, consent: Consent) -> Result<Self> {
        let profile = session.home().join("chromium");
        write_preferences(&profile, page, consent)?;
        let mut command = match consent {
            Consent::Policy => under_policy(session, page)?,
            Consent::Remembered | Consent::Ask => session.command("chromium"),
        };
        command
            // It is killed, not asked to leave: what it puts there goes with the session.
            .env("TMPDIR", session.home())
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(format!("--app={}/", page.origin()))
            .args([
                // The sandbox needs rights that containers and root do not give; the page is our own.
                "--no-sandbox",
                "--test-type",
                // Otherwise it waits for the keychain before it shows a window.
                "--password-store=basic",
                "--no-first-run",
                "--no-default-browser-check",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-breakpad",
                "--disable-features=Translate,MediaRouter,OptimizationHints",
                "--lang=en",
                "--window-position=40,40",
                "--window-size=600,500",
            ])
            .stdout(Stdio::null());
        let pages = page.requests().mark();
        let child = session.spawn(&mut command)?;
        let painted = page
            .requests()
            .wait_after(pages, Self::START, |request| request.path == "/painted");
        painted.context("the page is not painted")?;
        let window = session.windows().wait_for(Self::START, |window| {
            window.mapped && window.title.contains("Links to call")
        })?;
        Ok(Self {
            session,
            page,
            window,
            child,
        })
    }

    /// The browser's window.
    pub fn window(&self) -> &WindowInfo {
        &self.window
    }

    /// Clicks link number `index` with the mouse and returns when the page saw the click.
    pub fn click(&self, index: usize) -> Result<Instant> {
        let rows = self.page.links().len();
        if index >= rows {
            bail!("the page has {rows} links");
        }
        let window = self
            .session
            .windows()
            .info(self.window.id)
            .context("find the browser's window")?;
        let (index_i, rows_i) = (i32::try_from(index)?, i32::try_from(rows)?);
        let (width, height) = (i32::try_from(window.width)?, i32::try_from(window.height)?);
        self.session.activate(self.window.id)?;
        let mark = self.page.requests().mark();
        self.session.click(
            window.x + width / 2,
            window.y + height * (2 * index_i + 1) / (2 * rows_i),
        )?;
        let path = format!("/clicked/{index}");
        let seen = self
            .page
            .requests()
            .wait_after(mark, Duration::from_secs(10), |request| {
                request.path == path
            });
        Ok(seen.context("the page saw no click")?.at)
    }

    /// Says yes to "Open …?", by keyboard, after a click on a page without [`Consent`].
    pub fn accept_prompt(&self) -> Result<()> {
        let requests = self.page.requests();
        let asked = requests.wait_for(Duration::from_secs(10), |request| {
            request.path == "/blurred"
        });
        asked.context("the browser does not ask")?;
        let mark = requests.mark();
        // "Cancel" has the keyboard first.
        self.session.press("Tab")?;
        // For half a second the browser takes a yes for an accident, and each early one starts that time anew.
        run::poll(Duration::from_secs(10), "end of the question", || {
            self.session.press("Return")?;
            let left = requests.wait_after(mark, Duration::from_millis(900), |request| {
                request.path == "/focused"
            });
            Ok(left.ok())
        })
        .map(drop)
    }
}

impl Drop for Chromium<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The browser's own memory of what the person allowed.
fn write_preferences(profile: &Path, page: &LinkPage, consent: Consent) -> Result<()> {
    let schemes: serde_json::Map<_, _> = SCHEMES
        .iter()
        .map(|scheme| ((*scheme).to_owned(), json!(true)))
        .collect();
    let remembered = match consent {
        Consent::Remembered => json!({ page.origin(): schemes }),
        Consent::Policy | Consent::Ask => json!({}),
    };
    let preferences =
        json!({ "protocol_handler": { "allowed_origin_protocol_pairs": remembered } });
    let folder = profile.join("Default");
    fs::create_dir_all(&folder).context("create the browser's profile")?;
    fs::write(folder.join("Preferences"), preferences.to_string())
        .context("write the browser's preferences")
}

/// Arguments: the folder to be seen as /etc/chromium, user, group, and the browser's own.
const SCRIPT: &str = r#"mount --bind "$0" /etc/chromium && user=$1 group=$2 && shift 2 &&
exec unshare --user --map-user="$user" --map-group="$group" chromium "$@""#;

/// Policies lie in `/etc`, which is not ours: the browser gets a mount namespace of its own in which
/// that folder is another one. The second namespace gives it back its own user id.
fn under_policy(session: &DesktopSession, page: &LinkPage) -> Result<Command> {
    let etc = session.home().join("etc-chromium");
    let managed = etc.join("policies/managed");
    fs::create_dir_all(&managed).context("create the policy's folder")?;
    let origin = page.origin();
    let allowed: Vec<_> = SCHEMES
        .iter()
        .map(|scheme| json!({ "protocol": scheme, "allowed_origins": [origin] }))
        .collect();
    let policy = json!({ "AutoLaunchProtocolsFromOrigins": allowed });
    fs::write(managed.join("sidetone.json"), policy.to_string()).context("write the policy")?;
    let id = |flag| run::output(Command::new("id").arg(flag)).map(|id| id.trim().to_owned());
    let probe =
        run::output(Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]));
    probe.context(
        "this machine gives programs no namespaces of their own; use Consent::Remembered",
    )?;
    let mut command = session.command("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
        .arg(SCRIPT)
        .arg(&etc)
        .arg(id("-u")?)
        .arg(id("-g")?);
    Ok(command)
}
