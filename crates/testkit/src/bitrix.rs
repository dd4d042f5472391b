//! A portal of Bitrix24 as an incoming webhook sees it: simulated, as there is none to be had.
//!
//! It is written after the official specifications of the methods, and both official SDKs work with it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::asterisk::certificate;
use crate::service::Site;
use crate::{ProcessGroup, processes};

/// User and secret of the webhook.
const WEBHOOK: &str = "1/webhook-secret-of-the-tests";

/// A running portal with an empty CRM; gone with it when dropped.
#[derive(Debug)]
pub struct Bitrix {
    child: Child,
    _group: ProcessGroup,
    line: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    site: Site,
}

/// How the portal refuses work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 503: too many requests at once.
    QueryLimit,
    /// 429: the method has worked too long in the last ten minutes.
    OperationTime,
}

impl Bitrix {
    /// Starts a portal.
    ///
    /// # Errors
    /// What it said instead.
    pub fn start() -> Result<Self> {
        let site = Site::new("bitrix")?;
        certificate::write(site.folder())?;
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("bitrix");
        let group = ProcessGroup::new().context("start a process group")?;
        let mut command = Command::new("python3");
        command
            .arg(sources.join("portal.py"))
            .arg(&sources)
            .arg(site.folder().join("manager.pem"))
            .arg(WEBHOOK)
            .args([site.port(0), site.port(1)].map(|port| port.to_string()))
            .env("PYTHONUTF8", "1")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = group.spawn(&mut command).context("start the portal")?;
        let input = child.stdin.take().context("no stdin")?;
        let mut output = BufReader::new(child.stdout.take().context("no stdout")?);
        // It says an empty line when it listens.
        read(&mut output)?;
        Ok(Self {
            child,
            _group: group,
            line: Mutex::new((input, output)),
            site,
        })
    }

    /// The address of the webhook, a secret: `https://127.0.0.1:20000/rest/1/secret/`.
    #[must_use]
    pub fn webhook(&self) -> String {
        format!("https://{}/rest/{WEBHOOK}/", self.site.address())
    }

    /// The same without TLS, which the portal refuses.
    #[must_use]
    pub fn plain_webhook(&self) -> String {
        format!("http://127.0.0.1:{}/rest/{WEBHOOK}/", self.site.port(1))
    }

    /// PEM file of the authority that signed its certificate.
    #[must_use]
    pub fn ca_certificate(&self) -> PathBuf {
        self.site.folder().join("ca.pem")
    }

    /// Calls a method of the portal past its webhook, which counts as nobody's request.
    ///
    /// # Errors
    /// The portal's own words.
    pub fn call(&self, method: &str, parameters: &Value) -> Result<Value> {
        self.tell(&json!({ "do": "call", "method": method, "params": parameters }))
    }

    /// Adds a contact; gives its id.
    ///
    /// # Errors
    /// The portal's own words.
    pub fn add_contact(&self, name: &str, last_name: &str, phones: &[&str]) -> Result<u64> {
        let phones: Vec<Value> = phones
            .iter()
            .map(|phone| json!({ "VALUE": phone, "VALUE_TYPE": "WORK" }))
            .collect();
        let fields = json!({ "NAME": name, "LAST_NAME": last_name, "PHONE": phones });
        self.call("crm.contact.add", &json!({ "fields": fields }))?
            .as_u64()
            .context("the id of the new contact")
    }

    /// Adds one of the firm's people, e.g. with `NAME`, `LAST_NAME`, `UF_PHONE_INNER`.
    ///
    /// # Errors
    /// The portal does not answer.
    pub fn add_user(&self, fields: &Value) -> Result<u64> {
        self.tell(&json!({ "do": "add_user", "fields": fields }))?
            .as_u64()
            .context("the id of the new user")
    }

    /// Refuses the next `times` requests, of this method only or of all.
    ///
    /// # Errors
    /// The portal does not answer.
    pub fn refuse(&self, refusal: Refusal, method: Option<&str>, times: u32) -> Result<()> {
        let (status, code, words) = match refusal {
            Refusal::QueryLimit => (503, "QUERY_LIMIT_EXCEEDED", "Too many requests"),
            Refusal::OperationTime => (
                429,
                "OPERATION_TIME_LIMIT",
                "Method is blocked due to operation time limit.",
            ),
        };
        let method = method.map(str::to_lowercase);
        self.tell(&json!({
            "do": "trouble", "status": status, "code": code, "words": words, "method": method, "times": times,
        }))
        .map(drop)
    }

    /// What the webhook was asked since this was called last: `{"method": …, "params": …}` each, methods in small letters.
    ///
    /// # Errors
    /// The portal does not answer.
    pub fn asked(&self) -> Result<Vec<Value>> {
        let asked = self.tell(&json!({ "do": "asked" }))?;
        Ok(asked.as_array().cloned().unwrap_or_default())
    }

    /// What it costs.
    ///
    /// # Errors
    /// It has ended.
    pub fn memory(&self) -> Result<processes::Memory> {
        Ok(processes::memory_of_tree(self.child.id())?.0)
    }

    fn tell(&self, order: &Value) -> Result<Value> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(line.0, "{order}").context("tell the portal")?;
        let mut told = read(&mut line.1)?;
        match told.get("error_description") {
            Some(words) => bail!("{words}"),
            None => Ok(told["result"].take()),
        }
    }
}

fn read(output: &mut BufReader<ChildStdout>) -> Result<Value> {
    let mut line = String::new();
    output.read_line(&mut line).context("hear the portal")?;
    serde_json::from_str(&line).context("the portal has ended")
}

impl Drop for Bitrix {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_found_by_its_number_and_not_by_a_part_of_it() {
        let portal = Bitrix::start().unwrap();
        let id = portal
            .add_contact("Иван", "Иванов", &["+7 (906) 219-50-47"])
            .unwrap();
        let found = |number: &str| {
            let parameters = json!({ "PHONE_NUMBER": number });
            let method = "telephony.externalCall.searchCrmEntities";
            portal.call(method, &parameters).unwrap()
        };
        let one = found("89062195047");
        assert_eq!(one[0]["CRM_ENTITY_ID"], json!(id), "{one}");
        assert_eq!(one[0]["NAME"], "Иван Иванов");
        assert_eq!(found("2195047"), json!([]));
    }

    #[test]
    fn what_a_specification_asks_for_must_be_there() {
        let portal = Bitrix::start().unwrap();
        let refused = portal
            .call("crm.duplicate.findbycomm", &json!({ "type": "PHONE" }))
            .unwrap_err();
        assert!(refused.to_string().contains("values"), "{refused}");
    }
}
