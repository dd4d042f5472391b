//! A window of another program that keeps every character typed into it.

use anyhow::{Context as _, Result};
use std::collections::HashMap;
use std::ffi::OsStr;
use testkit::DesktopSession;
use testkit::session::WindowId;
use x11rb::COPY_DEPTH_FROM_PARENT;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt as _, CreateWindowAux, EventMask, PropMode, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// The window; it goes with the value.
#[derive(Debug)]
pub struct TextWindow {
    connection: RustConnection,
    window: u32,
    /// What each key gives without Shift.
    letters: HashMap<u8, char>,
    text: String,
}

impl TextWindow {
    /// Opens the window and gives it the keyboard.
    ///
    /// # Errors
    /// There is no display, or the window does not become active.
    pub fn open(session: &DesktopSession) -> Result<Self> {
        let display = session
            .env()
            .iter()
            .find(|(name, _)| name == OsStr::new("DISPLAY"));
        let display = display.and_then(|(_, value)| value.to_str());
        let (connection, screen) = RustConnection::connect(display).context("connect")?;
        let setup = connection.setup();
        let root = &setup.roots[screen];
        let window = connection.generate_id().context("name the window")?;
        let look = CreateWindowAux::new()
            .background_pixel(root.white_pixel)
            .event_mask(EventMask::KEY_PRESS);
        connection.create_window(
            COPY_DEPTH_FROM_PARENT,
            window,
            root.root,
            60,
            60,
            700,
            600,
            0,
            WindowClass::INPUT_OUTPUT,
            root.root_visual,
            &look,
        )?;
        connection.change_property8(
            PropMode::REPLACE,
            window,
            AtomEnum::WM_NAME,
            AtomEnum::STRING,
            b"A letter",
        )?;
        connection.map_window(window)?;
        connection.flush()?;
        let letters = letters(&connection, setup.min_keycode, setup.max_keycode)?;
        let opened = Self {
            connection,
            window,
            letters,
            text: String::new(),
        };
        session
            .windows()
            .wait_for(crate::SOON, |info| info.id == opened.id() && info.mapped)?;
        session.activate(opened.id())?;
        Ok(opened)
    }

    #[must_use]
    pub fn id(&self) -> WindowId {
        WindowId(self.window)
    }

    /// Everything typed so far.
    ///
    /// # Errors
    /// The display is gone.
    pub fn text(&mut self) -> Result<&str> {
        while let Some(event) = self.connection.poll_for_event()? {
            if let Event::KeyPress(key) = event {
                self.text
                    .push(*self.letters.get(&key.detail).unwrap_or(&'?'));
            }
        }
        Ok(&self.text)
    }
}

/// For keys whose first symbol is an ASCII character: its number is that of the character (keysymdef.h).
fn letters(connection: &RustConnection, first: u8, last: u8) -> Result<HashMap<u8, char>> {
    let mapping = connection
        .get_keyboard_mapping(first, last - first + 1)?
        .reply()
        .context("learn the keyboard")?;
    let per_key = usize::from(mapping.keysyms_per_keycode);
    Ok((first..=last)
        .zip(mapping.keysyms.chunks(per_key))
        .filter_map(|(key, symbols)| {
            let symbol = u8::try_from(*symbols.first()?).ok()?;
            symbol
                .is_ascii()
                .then_some((key, char::from(symbol)))
                .filter(|(_, letter)| !letter.is_ascii_control())
        })
        .collect())
}
