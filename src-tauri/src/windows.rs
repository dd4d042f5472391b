//! The four windows in Tauri's hands. Everything runs on the event loop's thread, in the order it was asked for.

#[cfg(target_os = "linux")]
mod linux;

use crate::place::{Rect, Screen, screen_with};
use crate::relay::{Frames, Relay, Tick};
use tauri::{
    AppHandle, LogicalSize, Manager, Monitor, PhysicalPosition, WebviewUrl, WebviewWindow,
    WebviewWindowBuilder, WindowEvent,
};
use tracing::error;
use view::Window;

/// Of the card, in logical pixels; its height follows the content.
const CARD_WIDTH: f64 = 368.0;
const CONFIRM_WIDTH: f64 = 430.0;

/// The window that a page is in.
pub(crate) fn of(page: &WebviewWindow) -> Option<Window> {
    [
        Window::Card,
        Window::Panel,
        Window::Confirm,
        Window::Settings,
    ]
    .into_iter()
    .find(|window| label(*window) == page.label())
}

/// Also the name of the page and of the capability.
const fn label(window: Window) -> &'static str {
    match window {
        Window::Card => "card",
        Window::Panel => "panel",
        Window::Confirm => "confirm",
        Window::Settings => "settings",
    }
}

pub(crate) struct TauriFrames {
    app: AppHandle,
}

impl TauriFrames {
    pub(crate) fn new(app: AppHandle) -> Self {
        Self { app }
    }

    fn on_main(
        &self,
        what: &'static str,
        f: impl FnOnce(&AppHandle) -> tauri::Result<()> + Send + 'static,
    ) {
        let app = self.app.clone();
        let ran = self.app.run_on_main_thread(move || {
            if let Err(error) = f(&app) {
                error!(%error, what, "window");
            }
        });
        if let Err(error) = ran {
            error!(%error, what, "window");
        }
    }
}

impl Frames for TauriFrames {
    fn open(&self, window: Window) {
        self.on_main("open", move |app| open(app, window));
    }

    fn fit(&self, window: Window, height: u32) {
        self.on_main("fit", move |app| {
            match app.get_webview_window(label(window)) {
                Some(frame) if window == Window::Card => fit_card(&frame, f64::from(height)),
                Some(frame) if window == Window::Confirm => fit_confirm(&frame, f64::from(height)),
                // The others have the size that their person gives them.
                Some(_) | None => Ok(()),
            }
        });
    }

    fn show(&self, window: Window) {
        self.on_main("show", move |app| {
            let Some(frame) = app.get_webview_window(label(window)) else {
                return Ok(());
            };
            frame.show()?;
            if window != Window::Card {
                frame.unminimize()?;
                frame.set_focus()?;
            }
            Ok(())
        });
    }

    fn hide(&self, window: Window) {
        self.on_main("hide", move |app| {
            let Some(frame) = app.get_webview_window(label(window)) else {
                return Ok(());
            };
            frame.hide()?;
            if window == Window::Card {
                frame.set_focusable(false)?;
            }
            Ok(())
        });
    }

    fn take_keyboard(&self) {
        self.on_main("focus", |app| {
            let Some(card) = app.get_webview_window(label(Window::Card)) else {
                return Ok(());
            };
            card.set_focusable(true)?;
            card.set_focus()
        });
    }
}

/// Makes the window, hidden: it is shown when its page has been laid out, so that nobody sees it blank.
pub(crate) fn open(app: &AppHandle, window: Window) -> tauri::Result<()> {
    let label = label(window);
    if app.get_webview_window(label).is_some() {
        return Ok(());
    }
    let page = WebviewUrl::App(format!("{label}.html").into());
    let builder = WebviewWindowBuilder::new(app, label, page)
        .visible(false)
        .disable_drag_drop_handler()
        .on_navigation(|url| url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost"));
    let builder = match window {
        Window::Card => card(builder),
        Window::Panel => builder
            .title("Sidetone")
            .inner_size(388.0, 640.0)
            .min_inner_size(340.0, 360.0)
            .center(),
        Window::Confirm => builder
            .title("Sidetone: call a number?")
            .inner_size(CONFIRM_WIDTH, 240.0)
            .maximizable(false)
            .always_on_top(true),
        Window::Settings => builder
            .title("Sidetone: settings")
            .inner_size(580.0, 760.0)
            .min_inner_size(460.0, 400.0)
            .center(),
    };
    #[cfg(target_os = "linux")]
    let builder = linux::share_process(builder, app);
    let frame = builder.build()?;
    #[cfg(target_os = "linux")]
    linux::draw_without_gpu(&frame)?;
    let relay = app.state::<Relay>().inner().clone();
    frame.on_window_event(move |event| {
        if let WindowEvent::CloseRequested { api, .. } = event {
            api.prevent_close();
            relay.send_now(Tick::CloseButton { window });
        }
    });
    Ok(())
}

type Builder<'a> = WebviewWindowBuilder<'a, tauri::Wry, AppHandle>;

/// Never takes the focus and is in no list of windows. Not `resizable(false)`: GTK then makes it 200 px high at
/// least; equal smallest and greatest sizes do the same without that.
fn card(builder: Builder<'_>) -> Builder<'_> {
    builder
        .title("Sidetone: calls")
        .inner_size(CARD_WIDTH, 120.0)
        .min_inner_size(CARD_WIDTH, 120.0)
        .max_inner_size(CARD_WIDTH, 120.0)
        .decorations(false)
        .focused(false)
        .focusable(false)
        .always_on_top(true)
        .skip_taskbar(true)
        .visible_on_all_workspaces(true)
        .accept_first_mouse(true)
}

/// Sizes the question to its content; a new one comes up in the middle of the screen with the pointer.
fn fit_confirm(frame: &WebviewWindow, height: f64) -> tauri::Result<()> {
    let Some(screen) = screen_with_pointer(frame)? else {
        return frame.set_size(LogicalSize::new(CONFIRM_WIDTH, height));
    };
    let size = LogicalSize::new(CONFIRM_WIDTH, height.min(screen.room()));
    frame.set_size(size)?;
    if frame.is_visible()? {
        return Ok(());
    }
    let pixels = size.to_physical::<i32>(screen.scale);
    let (x, y) = screen.middle(pixels.width, pixels.height);
    frame.set_position(PhysicalPosition::new(x, y))
}

/// Sizes the card to its content and moves it so that its lower right corner stays where it is.
fn fit_card(frame: &WebviewWindow, height: f64) -> tauri::Result<()> {
    let Some(screen) = screen_with_pointer(frame)? else {
        return frame.set_size(LogicalSize::new(CARD_WIDTH, height));
    };
    let height = height.min(screen.room()).max(1.0);
    let size = LogicalSize::new(CARD_WIDTH, height);
    frame.set_min_size(Some(size))?;
    frame.set_max_size(Some(size))?;
    frame.set_size(size)?;
    let pixels = size.to_physical::<i32>(screen.scale);
    let (x, y) = screen.bottom_right(pixels.width, pixels.height);
    frame.set_position(PhysicalPosition::new(x, y))
}

fn screen_with_pointer(frame: &WebviewWindow) -> tauri::Result<Option<Screen>> {
    let monitors = frame.available_monitors()?;
    let screens: Vec<Screen> = monitors.iter().map(screen).collect();
    // Wayland tells nobody where the pointer is and places windows by itself.
    let pointer = frame.cursor_position().ok().map(|at| (at.x, at.y));
    Ok(screen_with(&screens, pointer))
}

fn screen(monitor: &Monitor) -> Screen {
    let rect = |at: &PhysicalPosition<i32>, size: &tauri::PhysicalSize<u32>| Rect {
        x: at.x,
        y: at.y,
        width: size.width as i32,
        height: size.height as i32,
    };
    let work = monitor.work_area();
    Screen {
        whole: rect(monitor.position(), monitor.size()),
        work: rect(&work.position, &work.size),
        scale: monitor.scale_factor(),
    }
}
