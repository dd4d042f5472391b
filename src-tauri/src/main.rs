//! The program `sidetone-ui`: card, panel, confirm and settings. They own no state and decide nothing; the agent, which
//! starts this program, does. Without a running agent it says so and ends.
// No console window beside the windows.
#![cfg_attr(windows, windows_subsystem = "windows")]

mod app;
mod commands;
mod place;
mod relay;
mod rights;
mod windows;

use agent_link::{Place, Receiver, Sender};
use anyhow::Context as _;
use app::Link;
use std::process::ExitCode;
use tauri::async_runtime;
use tokio::sync::mpsc;
use tracing::{debug, error, warn};
use tracing_subscriber::EnvFilter;
use view::{AgentMessage, Request};

/// No agent runs. Scripts and the agent's own tests tell it from a crash.
const NO_AGENT: u8 = 3;
/// This machine has no webview to draw windows with.
const NO_WEBVIEW: u8 = 4;

/// Messages on their way in either direction. The agent is never kept waiting: the relay reads at once.
const LETTERS: usize = 64;

fn main() -> ExitCode {
    log_to_stderr();
    let (sender, receiver) = match async_runtime::block_on(connect()) {
        Ok(halves) => halves,
        Err(reason) => {
            say(&format!("{reason}; start it with `sidetone`"));
            debug!(reason = format!("{reason:#}"), "no agent");
            return NO_AGENT.into();
        }
    };
    // On Windows a missing WebView2 would otherwise show a box that nobody answers.
    if let Err(reason) = tauri::webview_version() {
        say(&format!("no webview to draw windows with: {reason}"));
        return NO_WEBVIEW.into();
    }
    match app::run(link(sender, receiver)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            error!(error = format!("{reason:#}"), "windows ended");
            ExitCode::FAILURE
        }
    }
}

async fn connect() -> anyhow::Result<(Sender, Receiver)> {
    let place = Place::of_this_user().context("find the agent's socket")?;
    Ok(agent_link::connect(&place).await?)
}

/// Pumps between the socket and the relay; either end closes both.
fn link(mut sender: Sender, mut receiver: Receiver) -> Link {
    let (to_agent, mut requests) = mpsc::channel::<Request>(LETTERS);
    let (messages, from_agent) = mpsc::channel::<AgentMessage>(LETTERS);
    async_runtime::spawn(async move {
        while let Some(request) = requests.recv().await {
            if let Err(error) = sender.send(request).await {
                warn!(%error, "request not sent");
                return;
            }
        }
    });
    async_runtime::spawn(async move {
        loop {
            let message = match receiver.next().await {
                Ok(Some(message)) => message,
                Ok(None) => return,
                Err(error) => return warn!(%error, "the agent is not understood"),
            };
            if messages.send(message).await.is_err() {
                return;
            }
        }
    });
    Link {
        to_agent,
        from_agent,
    }
}

/// A panic anywhere ends the program: the agent starts it again, whereas a half dead window would stay.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("SIDETONE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    std::panic::set_hook(Box::new(|panic| {
        error!(%panic, "panicked");
        std::process::exit(101);
    }));
}

#[expect(
    clippy::print_stderr,
    reason = "the one sentence for who starts it by hand"
)]
fn say(words: &str) {
    eprintln!("sidetone-ui: {words}");
}
