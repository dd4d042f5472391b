//! A firm with an Asterisk, four phones and the server.

use crate::client::Client;
use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use testkit::{Asterisk, Phones, asterisk};
use wire::rest::Enrolled;

pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Everything running.
pub(crate) struct Firm {
    pub(crate) server: Server,
    pub(crate) phones: Phones,
    pub(crate) asterisk: Asterisk,
}

/// What a test may want differently.
#[derive(Default)]
pub(crate) struct Setup {
    /// Lines before the tables.
    pub(crate) head: String,
    /// Lines of [[pbx]]; `@asterisk@` is the folder of the Asterisk.
    pub(crate) pbx: String,
    /// Tables at the end.
    pub(crate) tables: String,
    /// What the server writes to its log; everything where nothing is said.
    pub(crate) log: Option<String>,
    /// Instead of a SQLite file in the server's folder.
    pub(crate) store: Option<String>,
    /// Lines of configuration files of Asterisk.
    pub(crate) asterisk: Vec<(&'static str, String)>,
}

impl Firm {
    pub(crate) fn start(setup: &Setup) -> Self {
        let asterisk = Asterisk::start(&asterisk::Options {
            extra: setup.asterisk.clone(),
            ..asterisk::Options::default()
        });
        let asterisk = asterisk.expect("Asterisk");
        let phones = Phones::start(&asterisk).expect("phones");
        let mut server = Server::prepare(&asterisk, setup);
        server.start();
        Self {
            server,
            phones,
            asterisk,
        }
    }
}

/// The program with its folder.
pub(crate) struct Server {
    child: Option<Child>,
    pub(crate) folder: TempDir,
    /// What it writes to its log.
    pub(crate) log_filter: String,
    /// Variables that it gets besides ours.
    pub(crate) environment: Vec<(String, String)>,
}

impl Server {
    pub(crate) fn prepare(asterisk: &Asterisk, setup: &Setup) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let address = asterisk.ami_addr();
        let url = setup.store.clone();
        let url =
            url.unwrap_or_else(|| format!("sqlite:{}", folder.path().join("calls.db").display()));
        let text = format!(
            r#"listen = "127.0.0.1:0"
port_file = "{port_file}"
{head}
[store]
url = "{url}"

[[pbx]]
name = "main"
host = "{host}"
port = {port}
user = "sidetone"
secret = "sidetone-secret"
context = "direct"
dial_plan = {{ country = "RU", internal_min = 3, internal_max = 3 }}
{pbx}
{users}
{tables}"#,
            port_file = folder.path().join("port").display(),
            head = setup.head,
            host = address.ip(),
            port = address.port(),
            pbx = setup
                .pbx
                .replace("@asterisk@", &asterisk.folder().display().to_string()),
            users = USERS,
            tables = setup.tables,
        );
        let file = folder.path().join("server.toml");
        fs::write(file, text).expect("configuration");
        Self {
            child: None,
            folder,
            log_filter: setup
                .log
                .clone()
                .unwrap_or_else(|| "debug,sqlx=warn,hyper=info".into()),
            environment: Vec::new(),
        }
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("server.toml")
    }

    /// Starts it and waits until it has a port.
    pub(crate) fn start(&mut self) {
        self.launch();
        self.wait_for_port();
    }

    /// Starts it and waits for nothing.
    pub(crate) fn launch(&mut self) {
        let _ = fs::remove_file(self.folder.path().join("port"));
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .expect("log");
        let child = Command::new(env!("CARGO_BIN_EXE_sidetone-server"))
            .arg("--config")
            .arg(self.config())
            .env("RUST_LOG", &self.log_filter)
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the server");
        self.child = Some(child);
    }

    fn wait_for_port(&mut self) {
        let until = Instant::now() + SOON;
        while !self.folder.path().join("port").exists() {
            assert!(Instant::now() < until, "no port:\n{}", self.log());
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok()?);
            assert!(ended.is_none(), "ended: {ended:?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// As a power cut does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// As an administrator does; its exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        let mut child = self.child.take()?;
        let pid = child.id().to_string();
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .expect("kill");
        let until = Instant::now() + SOON;
        loop {
            if let Some(status) = child.try_wait().expect("the server") {
                return status.code();
            }
            assert!(Instant::now() < until, "it does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn port(&self) -> u16 {
        let text = fs::read_to_string(self.folder.path().join("port")).expect("a port");
        text.trim().parse().expect("a port")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port())
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// `sidetone-server` with these words.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        command(&self.config(), words)
            .envs(self.environment.iter().cloned())
            .output()
            .expect("the server")
    }

    /// A token for a device of somebody.
    pub(crate) async fn enrol(&self, login: &str) -> Enrolled {
        let output = self.run(&["enrol", login]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let code = text.lines().find_map(|line| line.strip_prefix("code "));
        let code = code.unwrap_or_else(|| panic!("no code: {output:?}"));
        let answer = self.post("/api/v1/enrol", None, &enrol(code)).await;
        assert!(answer.status().is_success(), "{answer:?}");
        answer.json().await.expect("an enrolment")
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        token: Option<&str>,
        body: &serde_json::Value,
    ) -> reqwest::Response {
        let mut request = http().post(self.url(path)).json(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.expect("an answer")
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> reqwest::Response {
        let request = http().get(self.url(path)).bearer_auth(token);
        request.send().await.expect("an answer")
    }

    /// Signed in and with its first snapshot.
    pub(crate) async fn client(&self, login: &str, interest: wire::Interest) -> Client {
        let enrolled = self.enrol(login).await;
        Client::connect(self.port(), &enrolled.token.0, interest).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let last: Vec<&str> = log.lines().rev().take(60).collect();
            let last: Vec<&str> = last.into_iter().rev().collect();
            let _ = writeln!(std::io::stderr(), "the server's log:\n{}", last.join("\n"));
        }
        self.kill();
    }
}

pub(crate) fn run(config: &Path, words: &[&str]) -> Output {
    command(config, words).output().expect("the server")
}

fn command(config: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidetone-server"));
    command.arg("--config").arg(config).args(words);
    command
}

pub(crate) fn http() -> reqwest::Client {
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .timeout(SOON)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client")
}

pub(crate) fn enrol(code: &str) -> serde_json::Value {
    serde_json::json!({
        "code": code,
        "device": "a test",
        "client": { "program": "test", "version": "1", "platform": "linux" },
    })
}

const USERS: &str = r#"
[[user]]
login = "anna"
name = "Anna Agent"
extension = "101"
groups = ["Sales"]

[[user]]
login = "bert"
name = "Bert Berg"
extension = "102"
groups = ["Sales"]

[[user]]
login = "chief"
name = "The Chief"
role = "supervisor"
extension = "103"

[[user]]
login = "root"
name = "The Administrator"
role = "admin"
"#;
