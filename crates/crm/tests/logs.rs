//! What a connector writes into the log. Alone in its program: what is logged is decided for all threads of one.
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    reason = "helpers of tests"
)]

mod server;

use contacts::{Question, Source as _};
use crm::{Connector, File, Options, Secrets, Values};
use phone_number::{DialPlan, Region};
use server::{Answer, Server};
use std::sync::{Arc, Mutex};

const NUMBER: &str = "+79062195047";
const KEY: &str = "key-nobody-may-see";

#[tokio::test]
async fn neither_secret_nor_answer_nor_number_reaches_the_log() {
    let logs = Logs::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer({
            let logs = logs.clone();
            move || logs.clone()
        })
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let rows = r#"[{"id": 7, "name": "Ivan Secretive", "phone": "+79062195047"}]"#;
    let server = Server::start(move |request| match request.index {
        0 => Answer::json(rows),
        _ => Answer::json(r#"{"message": "Ivan Secretive"}"#).status(500),
    })
    .await;
    let connector = connector(&small(""), &server.base());
    assert!(look_up(&connector).await.is_ok());
    assert!(look_up(&connector).await.is_err());
    drop(guard);
    let text = String::from_utf8(logs.0.lock().unwrap().clone()).unwrap();
    let ours: Vec<&str> = text.lines().filter(|line| line.contains("crm::")).collect();
    assert!(ours.len() >= 2, "{text}");
    for secret in [KEY, "9062195047", "Secretive"] {
        assert!(!ours.iter().any(|line| line.contains(secret)), "{ours:?}");
    }
}

async fn look_up(connector: &Connector) -> Result<Vec<contacts::Person>, contacts::SourceError> {
    let question = Question {
        number: DialPlan::new(Region::RU).number(NUMBER).unwrap(),
        line: None,
        extension: None,
    };
    connector.look_up(&question).await
}

fn small(http: &str) -> String {
    format!(
        r#"
format = 1
id = "small"
name = "Small"
[params]
base_url = {{ kind = "url", required = true }}
key = {{ kind = "secret" }}
[http]
base = "{{{{ params.base_url }}}}/api"
timeout_ms = 10000
{http}
[auth]
kind = "bearer"
token = "{{{{ params.key }}}}"
[[lookup]]
request = {{ path = "/people", query = {{ phone = "{{{{ number }}}}" }} }}
map = {{ id = "/id", name = "/name", company = "/company", email = "/email", phones = ["/phone"], url = "{{{{ row.url | safe }}}}" }}
"#
    )
}

fn settings(base: &str) -> (Values, Secrets) {
    let values = Values::from([("base_url".to_owned(), base.to_owned())]);
    (values, Secrets::from([("key".to_owned(), KEY.into())]))
}

fn connector(text: &str, base: &str) -> Connector {
    let file = Arc::new(File::parse(text, "small.toml").unwrap());
    let (values, secrets) = settings(base);
    file.connector(&values, &secrets, Options::new(DialPlan::new(Region::RU)))
        .unwrap()
}

#[derive(Clone, Default)]
struct Logs(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
