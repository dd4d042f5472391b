//! The connectors that come with the product, put to work on the servers of the tests.

use crate::plan;
use anyhow::{Context as _, Result, bail};
use crm::{Connector, File, Options, Secrets, Values};
use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::{Amagi, Bitrix, Odoo, ProcessGroup, Tryton};

/// # Errors
/// The file or a setting is wrong.
pub fn tryton(tryton: &Tryton) -> Result<Connector> {
    let values = [
        ("base_url", tryton.url()),
        ("db", Tryton::DATABASE.to_owned()),
        ("user", Tryton::USER.to_owned()),
    ];
    connector("tryton", &values, ("password", Tryton::PASSWORD))
}

/// # Errors
/// The file or a setting is wrong.
pub fn odoo(odoo: &Odoo) -> Result<Connector> {
    let values = [("base_url", odoo.url()), ("db", odoo.database().to_owned())];
    connector("odoo", &values, ("api_key", odoo.key()))
}

/// # Errors
/// The file or a setting is wrong.
pub fn amagi(amagi: &Amagi) -> Result<Connector> {
    let values = [("base_url", amagi.url())];
    connector("amagi-crm", &values, ("token", amagi.token()))
}

/// # Errors
/// The file or a setting is wrong.
pub fn bitrix(portal: &Bitrix) -> Result<Connector> {
    let authority = portal.ca_certificate().to_string_lossy().into_owned();
    let values = [("tls_ca", authority)];
    connector("bitrix24", &values, ("webhook", &portal.webhook()))
}

/// # Errors
/// The file or a setting is wrong.
pub fn webhook(sample: &WebhookSample) -> Result<Connector> {
    let values = [("base_url", sample.url())];
    connector("webhook", &values, ("secret", WebhookSample::SECRET))
}

fn connector(name: &str, values: &[(&str, String)], secret: (&str, &str)) -> Result<Connector> {
    let bundled = crm::bundled().iter().find(|(file, _)| *file == name);
    let (_, text) = bundled.with_context(|| format!("no connector {name}"))?;
    let file = match File::parse(text, name) {
        Ok(file) => Arc::new(file),
        Err(errors) => bail!("{errors:?}"),
    };
    let values = values.iter().cloned();
    let values: Values = values
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let secrets: Secrets = BTreeMap::from([(secret.0.to_owned(), secret.1.into())]);
    file.connector(&values, &secrets, Options::new(plan()))
        .map_err(|wrong| anyhow::anyhow!("{wrong:?}"))
}

/// The program of two people that the documentation gives to whoever writes his own.
#[derive(Debug)]
pub struct WebhookSample {
    child: Child,
    _group: ProcessGroup,
    port: u16,
}

impl WebhookSample {
    const SECRET: &str = "a long word";
    const START: Duration = Duration::from_secs(30);

    /// # Errors
    /// It does not listen.
    pub fn start() -> Result<Self> {
        let program =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/crm/webhook-sample.py");
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let group = ProcessGroup::new()?;
        let mut command = Command::new("python3");
        command
            .arg(program)
            .args([&port.to_string(), Self::SECRET])
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        let sample = Self {
            child: group.spawn(&mut command).context("start the sample")?,
            _group: group,
            port,
        };
        let until = Instant::now() + Self::START;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > until {
                bail!("the sample does not listen");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(sample)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/sidetone", self.port)
    }
}

impl Drop for WebhookSample {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
