//! The tray icon by `tray-icon`: no GTK on Linux, where a tray that comes late or again is found by itself.

#[cfg(target_os = "linux")]
#[path = "tray/linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "tray/macos.rs"]
mod system;
#[cfg(windows)]
#[path = "tray/windows.rs"]
mod system;

use desktop::{MenuItem, Tray, TrayAction};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::Sender;
use tray_icon::menu::{Menu, MenuEvent, MenuId, PredefinedMenuItem};
use tray_icon::{Icon, MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use view::Lamp;

pub(crate) use system::TrayThread;

/// What a click on a menu line means. The lines are rebuilt in the tray's thread and clicked in the system's.
type Meanings = Arc<Mutex<HashMap<MenuId, TrayAction>>>;

/// The icon as it is shown; lives in one thread.
pub(crate) struct Shown {
    icon: TrayIcon,
    meanings: Meanings,
    lamp: Lamp,
}

impl Shown {
    /// Puts the icon into the tray and sends clicks to `clicks`.
    pub(crate) fn new(tray: &Tray, clicks: Sender<TrayAction>) -> anyhow::Result<Self> {
        let meanings = Meanings::default();
        listen(&meanings, clicks);
        let icon = TrayIconBuilder::new()
            .with_id("sidetone")
            .with_title("Sidetone")
            .with_tooltip(&tray.tooltip)
            .with_icon(icon(tray.lamp)?)
            .with_menu(Box::new(menu(&tray.menu, &meanings)?))
            .with_menu_on_left_click(false)
            .build()?;
        Ok(Self {
            icon,
            meanings,
            lamp: tray.lamp,
        })
    }

    pub(crate) fn update(&mut self, tray: &Tray) -> anyhow::Result<()> {
        if self.lamp != tray.lamp {
            self.icon.set_icon(Some(icon(tray.lamp)?))?;
            self.lamp = tray.lamp;
        }
        self.icon.set_tooltip(Some(&tray.tooltip))?;
        self.icon
            .set_menu(Some(Box::new(menu(&tray.menu, &self.meanings)?)));
        Ok(())
    }
}

fn listen(meanings: &Meanings, clicks: Sender<TrayAction>) {
    let (meanings, menu_clicks) = (Arc::clone(meanings), clicks.clone());
    MenuEvent::set_event_handler(Some(move |event: MenuEvent| {
        let meaning = meanings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(event.id())
            .cloned();
        if let Some(action) = meaning {
            let _ = menu_clicks.try_send(action);
        }
    }));
    TrayIconEvent::set_event_handler(Some(move |event| {
        if let TrayIconEvent::Click {
            button: MouseButton::Left,
            button_state: MouseButtonState::Up,
            ..
        } = event
        {
            let _ = clicks.try_send(TrayAction::Activate);
        }
    }));
}

fn menu(items: &[MenuItem], meanings: &Meanings) -> anyhow::Result<Menu> {
    let menu = Menu::new();
    let mut new = HashMap::new();
    for item in items {
        match item {
            MenuItem::Words(words) => menu.append(&line(words, false))?,
            MenuItem::Separator => menu.append(&PredefinedMenuItem::separator())?,
            MenuItem::Action {
                action,
                label,
                enabled,
            } => {
                let item = line(label, *enabled);
                new.insert(item.id().clone(), action.clone());
                menu.append(&item)?;
            }
        }
    }
    *meanings.lock().unwrap_or_else(PoisonError::into_inner) = new;
    Ok(menu)
}

/// `&` would be a mnemonic, and callers' names may hold one.
fn line(label: &str, enabled: bool) -> tray_icon::menu::MenuItem {
    tray_icon::menu::MenuItem::new(label.replace('&', "&&"), enabled, None)
}

fn icon(lamp: Lamp) -> anyhow::Result<Icon> {
    let png: &[u8] = match lamp {
        Lamp::Idle => include_bytes!("../../../icons/tray/idle-on-dark-44.png"),
        Lamp::Ringing => include_bytes!("../../../icons/tray/ringing-on-dark-44.png"),
        Lamp::InCall => include_bytes!("../../../icons/tray/in_call-on-dark-44.png"),
        Lamp::Offline => include_bytes!("../../../icons/tray/offline-on-dark-44.png"),
    };
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().unwrap_or_default()];
    let frame = reader.next_frame(&mut pixels)?;
    anyhow::ensure!(
        frame.color_type == png::ColorType::Rgba && frame.bit_depth == png::BitDepth::Eight,
        "icons are 8-bit RGBA"
    );
    pixels.truncate(frame.buffer_size());
    Ok(Icon::from_rgba(pixels, frame.width, frame.height)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lamp_has_an_icon_of_its_own() {
        for lamp in [Lamp::Idle, Lamp::Ringing, Lamp::InCall, Lamp::Offline] {
            icon(lamp).expect("an icon");
        }
    }
}
