//! Starts Tauri with the four windows and their relay.

use crate::commands;
use crate::relay::{Loop, Tick};
use crate::windows::{self, TauriFrames};
use anyhow::Context as _;
use tauri::{Manager as _, RunEvent};
use tokio::sync::mpsc;
use view::{AgentMessage, Request, Window};

/// The line to the agent: requests out, messages in. Bounded; the windows end when the agent closes it.
pub(crate) struct Link {
    /// Taken in this order and numbered from 1; a reply carries the number.
    pub(crate) to_agent: mpsc::Sender<Request>,
    pub(crate) from_agent: mpsc::Receiver<AgentMessage>,
}

/// Runs the windows until the agent ends them or goes away.
pub(crate) fn run(link: Link) -> anyhow::Result<()> {
    let Link {
        to_agent,
        from_agent,
    } = link;
    let app = tauri::Builder::default()
        .invoke_handler(tauri::generate_handler![
            commands::subscribe,
            commands::request,
            commands::laid_out,
            commands::painted,
            commands::take_keyboard,
        ])
        .setup(move |app| {
            let handle = app.handle().clone();
            let frames = TauriFrames::new(handle.clone());
            let (relay, reach) = Loop::new(frames, to_agent, from_agent);
            if is_automated() {
                let window = Window::Panel;
                reach.send_now(Tick::Agent(Box::new(AgentMessage::Show { window })));
            }
            app.manage(reach);
            windows::open(&handle, Window::Card)?;
            tauri::async_runtime::spawn(async move {
                relay.run().await;
                handle.exit(0);
            });
            Ok(())
        })
        .build(tauri::generate_context!())
        .context("start the windows")?;
    app.run(|_, event| {
        // Only the agent ends the program; that no window is open is the usual state.
        if let RunEvent::ExitRequested {
            code: None, api, ..
        } = event
        {
            api.prevent_exit();
        }
    });
    Ok(())
}

/// WebDriver wants a window to talk to at once.
fn is_automated() -> bool {
    ["TAURI_AUTOMATION", "TAURI_WEBVIEW_AUTOMATION"]
        .iter()
        .any(|name| std::env::var_os(name).is_some())
}
