//! The windows on the screen, who has the keyboard, and when that changed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, MapState, Window,
};
use x11rb::rust_connection::RustConnection;

use crate::record::Record;
use crate::run;

/// An X11 window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WindowId(pub u32);

/// What is known of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowInfo {
    pub id: WindowId,
    pub title: String,
    /// The program's class, e.g. `sidetone-ui`.
    pub class: String,
    pub pid: Option<u32>,
    /// On the screen, in pixels.
    pub x: i32,
    pub y: i32,
    pub width: u32,
    pub height: u32,
    /// Whether it is visible, other windows above it aside.
    pub mapped: bool,
    /// Names such as `_NET_WM_STATE_ABOVE`, sorted.
    pub states: Vec<String>,
}

/// A change and when it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowChange {
    pub at: Instant,
    pub window: WindowId,
    pub change: Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Mapped,
    Unmapped,
    Destroyed,
    /// The window manager gave it the keyboard; window 0 means nobody has it.
    Activated,
}

/// The screen of a session.
#[derive(Debug)]
pub struct Windows {
    connection: RustConnection,
    root: Window,
    atoms: HashMap<&'static str, Atom>,
    changes: Arc<Record<WindowChange>>,
}

const ATOMS: [&str; 6] = [
    "_NET_ACTIVE_WINDOW",
    "_NET_CLIENT_LIST",
    "_NET_WM_NAME",
    "_NET_WM_PID",
    "_NET_WM_STATE",
    "UTF8_STRING",
];

impl Windows {
    pub(super) fn connect(display: &str) -> Result<Self> {
        let (connection, screen) =
            RustConnection::connect(Some(display)).context("connect to the display")?;
        let root = connection.setup().roots[screen].root;
        let mut atoms = HashMap::new();
        for name in ATOMS {
            let atom = connection
                .intern_atom(false, name.as_bytes())
                .context("ask for an atom")?;
            atoms.insert(name, atom.reply().context("learn an atom")?.atom);
        }
        let changes = Arc::new(Record::default());
        watch(display, atoms["_NET_ACTIVE_WINDOW"], &changes)?;
        Ok(Self {
            connection,
            root,
            atoms,
            changes,
        })
    }

    /// Everything that changed since the session began.
    pub fn changes(&self) -> &Record<WindowChange> {
        &self.changes
    }

    /// The windows that the window manager manages, also those on other desktops.
    pub fn all(&self) -> Result<Vec<WindowInfo>> {
        let list = self.property(self.root, "_NET_CLIENT_LIST", AtomEnum::WINDOW.into())?;
        // A window may go between the list and the question about it.
        Ok(words(&list)
            .into_iter()
            .filter_map(|id| self.info(WindowId(id)).ok())
            .collect())
    }

    /// Waits for a managed window that is accepted.
    pub fn wait_for(
        &self,
        limit: Duration,
        accept: impl Fn(&WindowInfo) -> bool,
    ) -> Result<WindowInfo> {
        run::poll(limit, "such window", || {
            Ok(self.all()?.into_iter().find(|window| accept(window)))
        })
        .with_context(|| format!("windows there: {:?}", self.all().unwrap_or_default()))
    }

    /// Which window has the keyboard.
    pub fn active(&self) -> Result<Option<WindowId>> {
        let value = self.property(self.root, "_NET_ACTIVE_WINDOW", AtomEnum::WINDOW.into())?;
        Ok(words(&value)
            .first()
            .filter(|&&id| id != 0)
            .map(|&id| WindowId(id)))
    }

    /// What is known of one window.
    pub fn info(&self, id: WindowId) -> Result<WindowInfo> {
        let attributes = self
            .connection
            .get_window_attributes(id.0)?
            .reply()
            .context("ask for a window")?;
        let geometry = self
            .connection
            .get_geometry(id.0)?
            .reply()
            .context("ask for a window's size")?;
        let place = self
            .connection
            .translate_coordinates(id.0, self.root, 0, 0)?
            .reply()
            .context("ask for a window's place")?;
        let title = self.property(id.0, "_NET_WM_NAME", self.atoms["UTF8_STRING"])?;
        let class = self.connection.get_property(
            false,
            id.0,
            AtomEnum::WM_CLASS,
            AtomEnum::STRING,
            0,
            256,
        )?;
        let class = class.reply().context("ask for a window's class")?.value;
        let pid = words(&self.property(id.0, "_NET_WM_PID", AtomEnum::CARDINAL.into())?)
            .first()
            .copied();
        let mut states = Vec::new();
        for atom in words(&self.property(id.0, "_NET_WM_STATE", AtomEnum::ATOM.into())?) {
            let name = self
                .connection
                .get_atom_name(atom)?
                .reply()
                .context("ask for an atom's name")?;
            states.push(String::from_utf8_lossy(&name.name).into_owned());
        }
        states.sort();
        Ok(WindowInfo {
            id,
            title: String::from_utf8_lossy(&title).into_owned(),
            class: class
                .split(|&byte| byte == 0)
                .nth(1)
                .map(|c| String::from_utf8_lossy(c).into_owned())
                .unwrap_or_default(),
            pid,
            x: place.dst_x.into(),
            y: place.dst_y.into(),
            width: geometry.width.into(),
            height: geometry.height.into(),
            mapped: attributes.map_state == MapState::VIEWABLE,
            states,
        })
    }

    fn property(&self, window: Window, name: &str, kind: Atom) -> Result<Vec<u8>> {
        let cookie =
            self.connection
                .get_property(false, window, self.atoms[name], kind, 0, 4096)?;
        Ok(cookie
            .reply()
            .with_context(|| format!("ask for {name}"))?
            .value)
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks_exact(4)
        .filter_map(|word| word.try_into().ok())
        .map(u32::from_ne_bytes)
        .collect()
}

/// Watches on a connection of its own until the display goes.
fn watch(display: &str, active: Atom, changes: &Arc<Record<WindowChange>>) -> Result<()> {
    let (connection, screen) =
        RustConnection::connect(Some(display)).context("connect to the display")?;
    let root = connection.setup().roots[screen].root;
    let mask = EventMask::SUBSTRUCTURE_NOTIFY | EventMask::PROPERTY_CHANGE;
    connection
        .change_window_attributes(root, &ChangeWindowAttributesAux::new().event_mask(mask))?
        .check()
        .context("watch the screen")?;
    for window in connection
        .query_tree(root)?
        .reply()
        .context("list the windows")?
        .children
    {
        follow(&connection, window);
    }
    connection.flush().context("watch the windows")?;
    let changes = Arc::clone(changes);
    std::thread::Builder::new()
        .name("windows".to_owned())
        .spawn(move || {
            while let Ok(event) = connection.wait_for_event() {
                note(&connection, root, active, &event, &changes);
            }
        })
        .context("start a thread")?;
    Ok(())
}

fn note(
    connection: &RustConnection,
    root: Window,
    active: Atom,
    event: &Event,
    changes: &Record<WindowChange>,
) {
    let at = Instant::now();
    let push = |window, change| {
        changes.push(WindowChange {
            at,
            window: WindowId(window),
            change,
        })
    };
    if let Event::CreateNotify(created) = event {
        // A window manager puts it into a frame later; from then on only the window itself tells.
        follow(connection, created.window);
        let _ = connection.flush();
    } else if let Event::MapNotify(event) = event
        && event.event == event.window
    {
        push(event.window, Change::Mapped);
    } else if let Event::UnmapNotify(event) = event
        && event.event == event.window
    {
        push(event.window, Change::Unmapped);
    } else if let Event::DestroyNotify(event) = event
        && event.event == event.window
    {
        push(event.window, Change::Destroyed);
    } else if let Event::PropertyNotify(event) = event
        && event.window == root
        && event.atom == active
    {
        let value = connection
            .get_property(false, root, active, AtomEnum::WINDOW, 0, 1)
            .map(|cookie| cookie.reply());
        if let Ok(Ok(reply)) = value {
            push(
                words(&reply.value).first().copied().unwrap_or_default(),
                Change::Activated,
            );
        }
    }
}

/// Fails for a window that has gone already, which is what its next event would have said.
fn follow(connection: &RustConnection, window: Window) {
    let mask = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
    if let Ok(cookie) = connection.change_window_attributes(window, &mask) {
        cookie.ignore_error();
    }
}
