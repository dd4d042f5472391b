//! Signing in at a real OpenID provider, in a browser and by a code, and every way to cheat.

use std::path::Path;
use std::time::Duration;

use directories::browser::Browser;
use people::oidc::{Callback, ClaimNames, Oidc, OidcConfig, OidcError, Pending, SignedIn};
use reqwest::Url;
use secrecy::SecretString;
use serde_json::{Value, json};
use testkit::OidcProvider;

const HOME: &str = "http://127.0.0.1:9/came-back";
const NOW: i64 = 1_700_000_000_000;

#[tokio::test]
async fn a_browser_signs_in_and_comes_back_once() {
    let provider = provider(false);
    let oidc = Oidc::discover(sidetone(&provider)).await.expect("found");
    let (pending, callback) = browse(&oidc, "anna").await;
    let who = oidc.finish(pending.clone(), &callback, NOW).await;
    assert_eq!(who.expect("signed in"), anna());
    // The code was for one use.
    let again = oidc.finish(pending, &callback, NOW).await;
    assert!(matches!(again, Err(OidcError::CodeRefused)), "{again:?}");
}

#[tokio::test]
async fn what_the_token_does_not_tell_is_asked_with_it() {
    let provider = provider(true);
    let oidc = Oidc::discover(sidetone(&provider)).await.expect("found");
    let (pending, callback) = browse(&oidc, "anna").await;
    let who = oidc.finish(pending, &callback, NOW).await;
    assert_eq!(who.expect("signed in"), anna());
}

#[tokio::test]
async fn who_did_not_begin_here_does_not_end_here() {
    let provider = provider(false);
    let oidc = Oidc::discover(sidetone(&provider)).await.expect("found");
    let (pending, callback) = browse(&oidc, "anna").await;

    let other_state = Callback {
        state: "other".into(),
        ..callback.clone()
    };
    let refused = oidc.finish(pending.clone(), &other_state, NOW).await;
    assert!(matches!(refused, Err(OidcError::State)), "{refused:?}");

    let other_issuer = Callback {
        iss: Some("https://evil.example".into()),
        ..callback.clone()
    };
    let refused = oidc.finish(pending.clone(), &other_issuer, NOW).await;
    assert!(
        matches!(refused, Err(OidcError::WrongIssuer { .. })),
        "{refused:?}"
    );

    let late = NOW + 16 * 60 * 1000;
    let refused = oidc.finish(pending.clone(), &callback, late).await;
    assert!(matches!(refused, Err(OidcError::TooSlow)), "{refused:?}");

    let said_no = Callback {
        error: Some("access_denied".into()),
        code: None,
        ..callback.clone()
    };
    let refused = oidc.finish(pending.clone(), &said_no, NOW).await;
    assert!(
        matches!(refused, Err(OidcError::RefusedByPerson)),
        "{refused:?}"
    );

    // A stolen code without the verifier of whoever began.
    let verifier = SecretString::from("v".repeat(64));
    let thief = Pending {
        verifier,
        ..pending.clone()
    };
    let refused = oidc.finish(thief, &callback, NOW).await;
    assert!(
        matches!(refused, Err(OidcError::CodeRefused)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_token_of_another_sign_in_client_or_provider_is_refused() {
    let provider = provider(false);
    let oidc = Oidc::discover(sidetone(&provider)).await.expect("found");
    let levers = Levers::new(&provider);

    let (pending, callback) = browse(&oidc, "anna").await;
    oidc.finish(pending, &callback, NOW)
        .await
        .expect("signed in");
    let earlier = levers.last_token().await;
    let refused = with_token(&oidc, &levers, &earlier).await;
    assert!(matches!(refused, OidcError::Nonce), "{refused:?}");

    let other = Oidc::discover(other_client(&provider))
        .await
        .expect("found");
    let (pending, callback) = browse(&other, "anna").await;
    other
        .finish(pending, &callback, NOW)
        .await
        .expect("signed in");
    let for_other = levers.last_token().await;
    let refused = with_token(&oidc, &levers, &for_other).await;
    assert!(matches!(refused, OidcError::Audience { .. }), "{refused:?}");

    let foreign = self::provider(false);
    let there = Oidc::discover(sidetone(&foreign)).await.expect("found");
    let (pending, callback) = browse(&there, "anna").await;
    there
        .finish(pending, &callback, NOW)
        .await
        .expect("signed in");
    let foreign_token = Levers::new(&foreign).last_token().await;
    let refused = with_token(&oidc, &levers, &foreign_token).await;
    assert!(
        matches!(refused, OidcError::WrongIssuer { .. }),
        "{refused:?}"
    );

    // The signature of one token under the words of another.
    let words: Vec<&str> = earlier.split('.').collect();
    let signature = for_other.split('.').next_back().unwrap_or_default();
    let forged = format!("{}.{}.{signature}", words[0], words[1]);
    let refused = with_token(&oidc, &levers, &forged).await;
    assert!(matches!(refused, OidcError::Proof(_)), "{refused:?}");

    // {"alg":"none"}, which anybody can write.
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", words[1]);
    let refused = with_token(&oidc, &levers, &unsigned).await;
    assert!(
        matches!(
            refused,
            OidcError::Proof(_) | OidcError::NotAProvider { .. }
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_token_past_its_time_is_refused_and_the_clocks_are_named() {
    // Its clock is two hours behind ours, and its tokens are good for one.
    let provider = provider_with(json!({"clock_behind_s": 7200}));
    let oidc = Oidc::discover(sidetone(&provider)).await.expect("found");
    let (pending, callback) = browse(&oidc, "anna").await;
    let refused = oidc.finish(pending, &callback, NOW).await;
    assert!(matches!(refused, Err(OidcError::Clock(_))), "{refused:?}");
}

#[tokio::test]
async fn a_provider_may_change_its_keys_between_two_sign_ins() {
    let provider = provider(false);
    let oidc = Oidc::discover(sidetone(&provider)).await.expect("found");
    Levers::new(&provider).pull("new-key", "").await;
    let (pending, callback) = browse(&oidc, "anna").await;
    let who = oidc.finish(pending, &callback, NOW).await;
    assert_eq!(who.expect("signed in"), anna());
}

#[tokio::test]
async fn somebody_without_a_browser_here_types_a_code_elsewhere() {
    let provider = provider(false);
    let oidc = Oidc::discover(sidetone(&provider)).await.expect("found");
    assert!(oidc.has_device_flow());
    let login = oidc.begin_on_device().await.expect("a code");
    assert!(!login.user_code.is_empty());
    assert!(login.verification_uri.starts_with(&provider.issuer()));
    let address = login.verification_uri_complete.clone().expect("an address");
    let typed = async {
        let mut browser = Browser::new(HOME).expect("a browser");
        // The page with the code sends itself; the next one asks whether it is the right device.
        let page = browser.open(&address).await.expect("a page");
        let page = browser.submit(&page, &[]).await.expect("confirm");
        let confirm = [("confirm", "yes")];
        let page = browser.submit(&page, &confirm).await.expect("login");
        let page = browser
            .submit(&page, &password("anna"))
            .await
            .expect("consent");
        let page = browser.submit(&page, &[]).await.expect("the end");
        assert!(page.text.contains("Sign-in Success"), "{}", page.text);
    };
    // It asks while the person still types, and is told once to ask less often.
    Levers::new(&provider).pull("slow-down", "").await;
    let (who, ()) = tokio::join!(oidc.finish_on_device(&login), typed);
    assert_eq!(who.expect("signed in"), anna());
    let again = oidc.finish_on_device(&login).await;
    assert!(
        matches!(again, Err(OidcError::Refused(_) | OidcError::CodeRefused)),
        "{again:?}"
    );
}

#[tokio::test]
async fn a_code_that_was_refused_elsewhere_lets_nobody_in() {
    let provider = provider(false);
    let oidc = Oidc::discover(sidetone(&provider)).await.expect("found");
    let login = oidc.begin_on_device().await.expect("a code");
    let address = login.verification_uri_complete.clone().expect("an address");
    let mut browser = Browser::new(HOME).expect("a browser");
    let page = browser.open(&address).await.expect("a page");
    let page = browser.submit(&page, &[]).await.expect("confirm");
    let abort = [("abort", "yes")];
    browser.submit(&page, &abort).await.expect("the end");
    let refused = oidc.finish_on_device(&login).await;
    assert!(
        matches!(refused, Err(OidcError::RefusedByPerson)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_is_wrong_with_the_settings_is_said() {
    let provider = provider(false);
    let good = sidetone(&provider);
    let said = async |config: OidcConfig| {
        let failed = Oidc::discover(config).await;
        failed.map(|_| ()).expect_err("an error").to_string()
    };
    let issuer = format!("{}/", provider.issuer());
    let slash = said(OidcConfig {
        issuer,
        ..good.clone()
    })
    .await;
    assert!(slash.contains("calls itself otherwise"), "{slash}");
    let issuer = format!("{}/elsewhere", provider.issuer());
    let none = said(OidcConfig {
        issuer,
        ..good.clone()
    })
    .await;
    assert!(none.contains("is no OpenID provider"), "{none}");
    let issuer = "http://login.firm.example".to_owned();
    let plain = said(OidcConfig {
        issuer,
        ..good.clone()
    })
    .await;
    assert!(plain.contains("not protected by https"), "{plain}");

    let client_secret = Some(SecretString::from("wrong"));
    let config = OidcConfig {
        client_secret,
        ..good.clone()
    };
    let oidc = Oidc::discover(config).await.expect("found");
    let (pending, callback) = browse(&oidc, "anna").await;
    let refused = oidc.finish(pending, &callback, NOW).await;
    assert!(matches!(refused, Err(OidcError::Client(_))), "{refused:?}");
    drop(provider);
    let away = said(good).await;
    assert!(away.contains("does not answer"), "{away}");
}

fn anna() -> SignedIn {
    SignedIn {
        subject: "anna".into(),
        login: "anna".into(),
        name: "Anna of the firm".into(),
        email: Some("anna@firm.example".into()),
        groups: vec!["all".into(), "sales".into()],
    }
}

/// Sends a browser, which signs in, agrees and is sent back.
async fn browse(oidc: &Oidc, login: &str) -> (Pending, Callback) {
    let (address, pending) = oidc.begin(NOW).expect("begun");
    let mut browser = Browser::new(HOME).expect("a browser");
    let page = browser.open(&address).await.expect("login");
    let page = browser
        .submit(&page, &password(login))
        .await
        .expect("consent");
    let page = browser.submit(&page, &[]).await.expect("came back");
    (pending, callback(&page.address))
}

fn password(login: &str) -> [(&str, &str); 2] {
    [("login", login), ("password", "anything")]
}

fn callback(address: &Url) -> Callback {
    let value = |name: &str| {
        let mut pairs = address.query_pairs();
        let found = pairs.find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned())
    };
    Callback {
        state: value("state").expect("a state"),
        code: value("code"),
        error: value("error"),
        error_description: value("error_description"),
        iss: value("iss"),
    }
}

/// Why a sign-in fails at which the provider hands out that token in the place of its own.
async fn with_token(oidc: &Oidc, levers: &Levers, token: &str) -> OidcError {
    let (pending, callback) = browse(oidc, "anna").await;
    levers.pull("next-token", token).await;
    let refused = oidc.finish(pending, &callback, NOW).await;
    refused.expect_err("a refusal")
}

/// What the tests may do to the provider, see `oidc/provider.mjs`.
struct Levers {
    issuer: String,
}

impl Levers {
    fn new(provider: &OidcProvider) -> Self {
        Self {
            issuer: provider.issuer(),
        }
    }

    async fn last_token(&self) -> String {
        self.pull("last-token", "").await
    }

    async fn pull(&self, lever: &str, text: &str) -> String {
        let address = format!("{}/levers/{lever}", self.issuer);
        let browser = Browser::new(HOME).expect("a browser");
        browser.post(&address, text).await.expect("a lever")
    }
}

fn provider(claims_by_userinfo: bool) -> OidcProvider {
    provider_with(json!({"claims_by_userinfo": claims_by_userinfo}))
}

fn provider_with(mut settings: Value) -> OidcProvider {
    let client = |id: &str, secret: &str| {
        json!({
            "client_id": id,
            "client_secret": secret,
            "redirect_uris": [HOME],
            "response_types": ["code"],
            "grant_types": [
                "authorization_code",
                "urn:ietf:params:oauth:grant-type:device_code"
            ],
        })
    };
    settings["clients"] = json!([
        client("sidetone", "sidetone-secret"),
        client("other", "other-secret"),
    ]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("oidc");
    OidcProvider::start(&folder, settings).expect("a provider")
}

fn sidetone(provider: &OidcProvider) -> OidcConfig {
    OidcConfig {
        issuer: provider.issuer(),
        client_id: "sidetone".into(),
        client_secret: Some(SecretString::from("sidetone-secret")),
        redirect: Some(HOME.into()),
        scopes: ["profile", "email", "groups"].map(String::from).to_vec(),
        claims: ClaimNames::default(),
        ca_file: None,
        deadline: Duration::from_secs(60),
    }
}

fn other_client(provider: &OidcProvider) -> OidcConfig {
    OidcConfig {
        client_id: "other".into(),
        client_secret: Some(SecretString::from("other-secret")),
        ..sidetone(provider)
    }
}
