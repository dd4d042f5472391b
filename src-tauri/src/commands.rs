//! What pages can call. Each call becomes a [`Tick`](crate::relay::Tick) of the relay, which owns everything.

use crate::relay::{LaidOut, News, Painted, Relay, Tick};
use std::time::Duration;
use tauri::ipc::Channel;
use tauri::{State, WebviewWindow};
use tokio::sync::oneshot;
use tokio::time::timeout;
use view::{Refusal, RefusalCode, Reply, Request};

/// The agent answers in milliseconds; the longest wait of its own, for a locked keychain, is five seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);

#[tauri::command]
pub(crate) async fn subscribe(
    page: WebviewWindow,
    relay: State<'_, Relay>,
    channel: Channel<News>,
) -> Result<(), String> {
    let window = crate::windows::of(&page).ok_or("unknown window")?;
    relay.send(Tick::Subscribe { window, channel }).await
}

#[tauri::command]
pub(crate) async fn request(
    page: WebviewWindow,
    relay: State<'_, Relay>,
    request: Request,
) -> Result<Reply, String> {
    let window = crate::windows::of(&page).ok_or("unknown window")?;
    let (answer, answered) = oneshot::channel();
    let tick = Tick::Request {
        window,
        request,
        answer,
    };
    relay.send(tick).await?;
    Ok(match timeout(ANSWER_WITHIN, answered).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(_)) | Err(_) => Reply::Refused(Refusal {
            code: RefusalCode::NotConnected,
            words: "The Sidetone agent did not answer. Try again.".into(),
        }),
    })
}

#[tauri::command]
pub(crate) async fn laid_out(
    page: WebviewWindow,
    relay: State<'_, Relay>,
    what: LaidOut,
) -> Result<(), String> {
    let window = crate::windows::of(&page).ok_or("unknown window")?;
    relay.send(Tick::LaidOut { window, what }).await
}

/// Only the card has the right to call it.
#[tauri::command]
pub(crate) async fn painted(relay: State<'_, Relay>, what: Painted) -> Result<(), String> {
    relay.send(Tick::Painted(what)).await
}

/// Only the card has the right to call it.
#[tauri::command]
pub(crate) async fn take_keyboard(relay: State<'_, Relay>) -> Result<(), String> {
    relay.send(Tick::TakeKeyboard).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// The names between `open` and `close`, as identifiers.
    fn names(text: &str, open: &str, close: &str) -> BTreeSet<String> {
        let (_, rest) = text.split_once(open).expect("begins");
        let (list, _) = rest.split_once(close).expect("ends");
        list.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':')
            .map(|word| word.trim_start_matches("commands::"))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn permissions(capability: &str) -> BTreeSet<String> {
        let value: serde_json::Value = serde_json::from_str(capability).expect("is JSON");
        value["permissions"]
            .as_array()
            .expect("has permissions")
            .iter()
            .map(|name| {
                let name = name.as_str().expect("is a name");
                let command = name.strip_prefix("allow-").expect("allows one command");
                command.replace('-', "_")
            })
            .collect()
    }

    #[test]
    fn commands_are_the_same_in_code_build_script_capabilities_and_pages() {
        let handled = names(include_str!("app.rs"), "generate_handler![", "]");
        let built = names(include_str!("../build.rs"), "COMMANDS: &[&str] = &[", "]");
        assert_eq!(handled, built);

        let card = permissions(include_str!("../capabilities/card.json"));
        assert_eq!(handled, card, "the card uses every command");
        let others: BTreeSet<String> =
            &handled - &BTreeSet::from(["painted".to_owned(), "take_keyboard".to_owned()]);
        for capability in [
            include_str!("../capabilities/panel.json"),
            include_str!("../capabilities/confirm.json"),
            include_str!("../capabilities/settings.json"),
        ] {
            assert_eq!(permissions(capability), others);
        }

        let page = include_str!("../../ui/src/backend/tauri.ts");
        let invoked: BTreeSet<String> = page
            .split("invoke")
            .filter_map(|rest| rest.split_once("(\"")?.1.split_once('"'))
            .map(|(name, _)| name.to_owned())
            .collect();
        assert_eq!(handled, invoked);
    }

    #[test]
    fn each_capability_is_for_one_window_and_grants_nothing_of_tauri_itself() {
        for (window, capability) in [
            ("card", include_str!("../capabilities/card.json")),
            ("panel", include_str!("../capabilities/panel.json")),
            ("confirm", include_str!("../capabilities/confirm.json")),
            ("settings", include_str!("../capabilities/settings.json")),
        ] {
            let value: serde_json::Value = serde_json::from_str(capability).expect("is JSON");
            assert_eq!(value["windows"], serde_json::json!([window]));
            assert!(value.get("remote").is_none());
            assert!(!capability.contains("core:"));
        }
    }

    #[test]
    fn pages_may_load_nothing_from_outside_and_run_nothing_inline() {
        let conf: serde_json::Value =
            serde_json::from_str(include_str!("../tauri.conf.json")).expect("is JSON");
        let csp = conf["app"]["security"]["csp"].as_str().expect("has a CSP");
        assert!(csp.starts_with("default-src 'self';"));
        for word in ["unsafe", "data:", "blob:", "*", "https:"] {
            assert!(!csp.contains(word), "{word}");
        }
    }
}
