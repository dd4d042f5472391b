//! Sources that an administrator sets up, against a small CRM.

use super::*;
use axum::{
    Router, extract::State, http::HeaderMap, http::StatusCode, routing::get, routing::post,
};
use phone_number::Region;
use wire::Token;

const KEY: &str = "the-stored-key";

#[tokio::test]
async fn a_stored_secret_is_not_sent_to_an_address_that_was_typed_after_it() {
    let (ours, theirs) = (Crm::start().await, Crm::start().await);
    let (_folder, callers, file) = callers(KEYED).await;
    let by = UserId::from("root");
    let typed = change(&file, &ours, Some(KEY));
    callers.put("crm", typed, &by).await.expect("connected");

    let elsewhere = change(&file, &theirs, None);
    let findings = callers.test("crm", Some(elsewhere.clone())).await;
    let findings = findings.expect("findings");
    assert_eq!(findings, [failed("settings", TYPE_AGAIN)]);
    let why = callers.put("crm", elsewhere, &by).await;
    assert_eq!(why.expect_err("refused").message, TYPE_AGAIN);
    assert!(!theirs.heard().contains(KEY), "{}", theirs.heard());
    // At the same address it is still good, and typed anew it goes where one wants.
    let same = change(&file, &ours, None);
    let findings = callers.test("crm", Some(same)).await.expect("findings");
    assert!(findings.iter().all(|one| one.passed), "{findings:?}");
    assert!(ours.heard().contains(KEY));
    let moved = change(&file, &theirs, Some("another"));
    callers.put("crm", moved, &by).await.expect("moved");
    callers.test("crm", None).await.expect("findings");
    assert!(theirs.heard().contains("another"));
    assert!(!theirs.heard().contains(KEY), "{}", theirs.heard());
}

#[tokio::test]
async fn a_secret_that_need_not_be_is_forgotten_with_the_address_that_it_was_for() {
    let (ours, theirs) = (Crm::start().await, Crm::start().await);
    let (_folder, callers, file) = callers(&KEYED.replace(
        "required = true, title = { en = \"Key\" }",
        "title = { en = \"Key\" }",
    ))
    .await;
    let by = UserId::from("root");
    let typed = change(&file, &ours, Some(KEY));
    callers.put("crm", typed, &by).await.expect("connected");
    let elsewhere = change(&file, &theirs, None);
    callers
        .test("crm", Some(elsewhere.clone()))
        .await
        .expect("findings");
    callers.put("crm", elsewhere, &by).await.expect("moved");
    callers.test("crm", None).await.expect("findings");
    assert!(!theirs.heard().contains(KEY), "{}", theirs.heard());
    assert!(callers.inner.secrets.names("crm").is_empty());
}

#[tokio::test]
async fn what_could_not_be_kept_has_changed_nothing() {
    let crm = Crm::start().await;
    let (folder, callers, file) = callers(KEYED).await;
    let by = UserId::from("root");
    let typed = change(&file, &crm, Some(KEY));
    callers.put("crm", typed, &by).await.expect("connected");
    // The file of secrets cannot be written: what would be written first is a folder.
    let blocked = folder.path().join("sidetone-secrets.new");
    std::fs::create_dir(&blocked).expect("a folder");
    callers.remove("crm", &by).await.expect_err("not forgotten");
    assert_eq!(callers.stored().await.expect("settings").len(), 1);
    assert_eq!(callers.list().len(), 1);
    std::fs::remove_dir(&blocked).expect("a folder");
    // The store takes nothing any more.
    callers.inner.store.close().await;
    let another = change(&file, &crm, Some("another"));
    callers
        .put("crm", another, &by)
        .await
        .expect_err("not kept");
    callers.remove("crm", &by).await.expect_err("not kept");
    let secret = callers.inner.secrets.get("crm", "key").expect("a secret");
    assert_eq!(secrecy::ExposeSecret::expose_secret(&secret), KEY);
}

#[tokio::test]
async fn a_test_uses_up_no_token_of_the_source_that_runs() {
    let crm = Crm::start().await;
    let (_folder, callers, file) = callers(SIGNED_IN).await;
    let by = UserId::from("root");
    let mut typed = change(&file, &crm, None);
    typed
        .secrets
        .insert("account".into(), Token(EXPIRED.into()));
    callers
        .put("crm", typed.clone(), &by)
        .await
        .expect("connected");
    typed.secrets.clear();
    for round in 0..3 {
        for change in [None, Some(typed.clone())] {
            let findings = callers.test("crm", change).await.expect("findings");
            assert!(
                findings.iter().all(|one| one.passed),
                "{round}: {findings:?}"
            );
        }
        let findings = callers.check().await;
        assert!(
            findings.iter().all(|one| one.passed),
            "{round}: {findings:?}"
        );
    }
    let renewed = crm.heard().matches("grant_type=refresh_token").count();
    assert_eq!(renewed, 1, "{}", crm.heard());
}

/// A server's sources beside nothing else, and a description that its page may connect.
async fn callers(description: &str) -> (tempfile::TempDir, Callers, String) {
    let folder = tempfile::tempdir().expect("folder");
    let own = folder.path().join(OWN);
    std::fs::create_dir(&own).expect("a folder");
    let file = own.join("own.toml");
    std::fs::write(&file, description).expect("a file");
    let database = folder.path().join("sidetone.db");
    let store = Store::open(&store::Location::Sqlite(database)).await;
    let mut config = Config::default();
    let secrets = folder.path().join("sidetone-secrets.json");
    config.contacts.secrets_file = secrets.display().to_string();
    let place = folder.path().join("sidetone.toml");
    let plan = DialPlan::new(Region::GB);
    let callers = Callers::open(&config, Some(&place), plan, store.expect("a store"));
    (
        folder,
        callers.await.expect("sources"),
        file.display().to_string(),
    )
}

fn change(file: &str, crm: &Crm, key: Option<&str>) -> ConnectorChange {
    let base = (
        "base_url".to_owned(),
        format!("http://127.0.0.1:{}", crm.port),
    );
    let key = key.map(|key| ("key".to_owned(), Token(key.to_owned())));
    ConnectorChange {
        file: file.to_owned(),
        enabled: true,
        values: BTreeMap::from([base]),
        secrets: key.into_iter().collect(),
        place: None,
    }
}

/// Takes any key, and each refresh token once.
struct Crm {
    port: u16,
    heard: Arc<Mutex<String>>,
}

impl Crm {
    async fn start() -> Self {
        let heard = Arc::<Mutex<String>>::default();
        let router = Router::new()
            .route("/", get(hear))
            .route("/token", post(renew))
            .with_state(heard.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { port, heard }
    }

    fn heard(&self) -> String {
        self.heard.lock().expect("a lock").clone()
    }
}

async fn hear(State(heard): State<Arc<Mutex<String>>>, headers: HeaderMap) -> &'static str {
    heard
        .lock()
        .expect("a lock")
        .push_str(&format!("{headers:?}\n"));
    "{\"ok\": true}"
}

async fn renew(State(heard): State<Arc<Mutex<String>>>, body: String) -> (StatusCode, String) {
    let mut heard = heard.lock().expect("a lock");
    if !body.contains("refresh-0") || heard.contains("refresh_token") {
        return (
            StatusCode::BAD_REQUEST,
            "{\"error\": \"invalid_grant\"}".into(),
        );
    }
    heard.push_str(&body);
    let tokens = serde_json::json!({ "access_token": "a", "refresh_token": "refresh-1", "expires_in": 3600 });
    (StatusCode::OK, tokens.to_string())
}

const KEYED: &str = r#"
format = 1
id = "small"
name = "Small CRM"
executed = "in a test"

[params]
base_url = { kind = "url", required = true, title = { en = "Address" } }
key = { kind = "secret", required = true, title = { en = "Key" } }

[http]
base = "{{ params.base_url }}"

[auth]
kind = "header"
headers = { X-Key = "{{ params.key }}" }

[[test]]
title = { en = "It answers" }
request = { path = "/" }

[[lookup]]
numbers = ["e164"]
request = { path = "/", query = { phone = "{{ number }}" } }
each = "/people"
map = { id = "/id", name = "/name", phones = ["/phone"] }
"#;

/// As it is stored after signing in, an hour later.
const EXPIRED: &str = r#"{"access":"old","refresh":"refresh-0","until":1}"#;

const SIGNED_IN: &str = r#"
format = 1
id = "hub"
name = "Hub"
executed = "in a test"

[params]
base_url = { kind = "url", required = true, title = { en = "Address" } }
account = { kind = "oauth", title = { en = "Account" } }

[http]
base = "{{ params.base_url }}"

[auth]
kind = "oauth2_code"
authorize_url = "{{ params.base_url }}/authorize"
token_url = "{{ params.base_url }}/token"
client_id = "sidetone"

[[test]]
title = { en = "It answers" }
request = { path = "/" }

[[lookup]]
numbers = ["e164"]
request = { path = "/", query = { phone = "{{ number }}" } }
each = "/people"
map = { id = "/id", name = "/name", phones = ["/phone"] }
"#;
