//! WebKitGTK: one web process for all windows, drawn without the graphics card.

use super::{Builder, label};
use std::cell::RefCell;
use tauri::{AppHandle, Manager as _, WebviewWindow};
use view::Window;
use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt as _, WebView, WebViewExt as _};

thread_local! {
    /// Lives on the event loop's thread, like all of GTK.
    static CARD: RefCell<Option<WebView>> = const { RefCell::new(None) };
}

/// Draws this window in the card's web process: some 40 MB less for each more window. All pages are ours and of one origin.
pub(super) fn share_process<'a>(builder: Builder<'a>, app: &AppHandle) -> Builder<'a> {
    let Some(card) = app.get_webview_window(label(Window::Card)) else {
        return builder;
    };
    // Runs at once: this is the event loop's thread.
    let kept = card.with_webview(|view| CARD.set(Some(view.inner())));
    match (kept, CARD.take()) {
        (Ok(()), Some(view)) => builder.with_related_view(view),
        (Ok(()) | Err(_), _) => builder,
    }
}

/// Small windows of text gain nothing from the graphics card, and setting it up costs 40 MB a window and 100 ms of
/// the first card.
pub(super) fn draw_without_gpu(frame: &WebviewWindow) -> tauri::Result<()> {
    frame.with_webview(|view| {
        if let Some(settings) = view.inner().settings() {
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    })
}
