//! A tray without pixels: icons register with it, and it reads and uses them as a panel would.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use zbus::blocking::fdo::DBusProxy;
use zbus::blocking::{Connection, Proxy};
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use super::bus;
use crate::record::Record;

const NAME: &str = "org.kde.StatusNotifierWatcher";
const PATH: &str = "/StatusNotifierWatcher";
const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

/// An icon that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    pub at: Instant,
    /// Unique bus name of the program and path of its icon.
    name: String,
    path: String,
}

/// (width, height, ARGB32 in network byte order)
pub type Pixmap = (i32, i32, Vec<u8>);

/// What an icon shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrayIcon {
    pub id: String,
    pub title: String,
    /// `Passive`, `Active` or `NeedsAttention`.
    pub status: String,
    pub icon_name: String,
    pub pixmaps: Vec<Pixmap>,
    /// First and second line.
    pub tooltip: (String, String),
    /// Whether a left click opens the menu instead of activating.
    pub item_is_menu: bool,
}

/// One line of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuItem {
    pub id: i32,
    pub label: String,
    pub enabled: bool,
    pub visible: bool,
    pub separator: bool,
    /// For check and radio items.
    pub checked: Option<bool>,
    pub children: Vec<Self>,
}

impl MenuItem {
    /// This item and all below it.
    pub fn flatten(&self) -> Vec<&Self> {
        std::iter::once(self)
            .chain(self.children.iter().flat_map(Self::flatten))
            .collect()
    }
}

/// The session's tray.
#[derive(Debug)]
pub struct TrayHost {
    connection: Connection,
    registrations: Arc<Record<Registration>>,
}

impl TrayHost {
    pub(super) fn connect(address: &str) -> Result<Self> {
        let registrations = Arc::new(Record::default());
        let watcher = Watcher {
            registrations: Arc::clone(&registrations),
        };
        let connection = bus::builder(address)?
            .serve_at(PATH, watcher)
            .context("serve the tray")?
            .name(NAME)
            .context("name the tray")?
            .build()
            .context("own the tray's name")?;
        Ok(Self {
            connection,
            registrations,
        })
    }

    /// Every registration, also of icons that have gone since.
    pub fn registrations(&self) -> &Record<Registration> {
        &self.registrations
    }

    /// Waits for an icon whose program lives.
    pub fn wait_for_icon(&self, limit: Duration) -> Result<Registration> {
        if let Some(icon) = self.icons()?.pop() {
            return Ok(icon);
        }
        self.registrations
            .wait_after(self.registrations.mark(), limit, |_| true)
            .or_else(|error| {
                // One that came between the two looks.
                self.icons()?.pop().ok_or(error.context("no tray icon"))
            })
    }

    /// The icons whose programs live.
    pub fn icons(&self) -> Result<Vec<Registration>> {
        let bus = DBusProxy::new(&self.connection).context("reach the bus")?;
        let mut icons = self.registrations.all();
        icons.retain(|icon| {
            let name = icon.name.as_str().try_into();
            name.is_ok_and(|name| bus.name_has_owner(name).unwrap_or(false))
        });
        icons.dedup_by(|b, a| a.name == b.name && a.path == b.path);
        Ok(icons)
    }

    /// What the icon shows now.
    pub fn read(&self, icon: &Registration) -> Result<TrayIcon> {
        let mut properties = bus::properties(&self.connection, &icon.name, &icon.path, ITEM)?;
        let (_, _, first, second): (String, Vec<Pixmap>, String, String) =
            take(&mut properties, "ToolTip").unwrap_or_default();
        Ok(TrayIcon {
            id: take(&mut properties, "Id").unwrap_or_default(),
            title: take(&mut properties, "Title").unwrap_or_default(),
            status: take(&mut properties, "Status").unwrap_or_default(),
            icon_name: take(&mut properties, "IconName").unwrap_or_default(),
            pixmaps: take(&mut properties, "IconPixmap").unwrap_or_default(),
            tooltip: (first, second),
            item_is_menu: take(&mut properties, "ItemIsMenu").unwrap_or_default(),
        })
    }

    /// Clicks with the left button.
    pub fn activate(&self, icon: &Registration) -> Result<()> {
        self.item(icon)?
            .call::<_, _, ()>("Activate", &(0, 0))
            .context("click the tray icon")
    }

    /// The menu as it would open now; the root itself has no label.
    pub fn menu(&self, icon: &Registration) -> Result<MenuItem> {
        let proxy = self.menu_of(icon)?;
        // Not every program implements this question, and none depends on it.
        let _ = proxy.call::<_, _, bool>("AboutToShow", &(0,));
        let (_, root): (u32, Layout) = proxy
            .call("GetLayout", &(0, -1, Vec::<&str>::new()))
            .context("read the menu")?;
        Ok(menu_item(root))
    }

    /// Clicks the item with this label, accelerator underscores aside.
    pub fn click(&self, icon: &Registration, label: &str) -> Result<()> {
        let menu = self.menu(icon)?;
        let items = menu.flatten();
        let Some(item) = items
            .iter()
            .find(|item| item.label.replace('_', "") == label)
        else {
            bail!(
                "no menu item {label:?} among {:?}",
                items.iter().map(|item| &item.label).collect::<Vec<_>>()
            );
        };
        if !item.enabled || !item.visible {
            bail!("the menu item {label:?} cannot be clicked");
        }
        let clicked: zbus::Result<()> = self
            .menu_of(icon)?
            .call("Event", &(item.id, "clicked", Value::from(0), 0_u32));
        match clicked {
            // A program that quits on the click takes its answer with it.
            Ok(()) | Err(zbus::Error::MethodError(..) | zbus::Error::InputOutput(_)) => Ok(()),
            Err(error) => Err(error).context("click a menu item"),
        }
    }

    fn item(&self, icon: &Registration) -> Result<Proxy<'_>> {
        Proxy::new(&self.connection, icon.name.clone(), icon.path.clone(), ITEM)
            .context("reach the tray icon")
    }

    fn menu_of(&self, icon: &Registration) -> Result<Proxy<'_>> {
        let path: OwnedObjectPath = self
            .item(icon)?
            .get_property("Menu")
            .context("find the menu")?;
        Proxy::new(&self.connection, icon.name.clone(), path, MENU).context("reach the menu")
    }
}

type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

fn menu_item((id, mut properties, children): Layout) -> MenuItem {
    let checkable =
        take::<String>(&mut properties, "toggle-type").is_some_and(|kind| !kind.is_empty());
    let state: Option<i32> = take(&mut properties, "toggle-state");
    MenuItem {
        id,
        label: take(&mut properties, "label").unwrap_or_default(),
        enabled: take(&mut properties, "enabled").unwrap_or(true),
        visible: take(&mut properties, "visible").unwrap_or(true),
        separator: take::<String>(&mut properties, "type").is_some_and(|kind| kind == "separator"),
        checked: checkable.then_some(state == Some(1)),
        children: children
            .into_iter()
            .filter_map(|child| Layout::try_from(child).ok())
            .map(menu_item)
            .collect(),
    }
}

fn take<T: TryFrom<OwnedValue>>(
    properties: &mut HashMap<String, OwnedValue>,
    name: &str,
) -> Option<T> {
    T::try_from(properties.remove(name)?).ok()
}

/// The side that programs see.
struct Watcher {
    registrations: Arc<Record<Registration>>,
}

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    /// Programs give a bus name, or the path of the icon on their own connection.
    async fn register_status_notifier_item(
        &self,
        service: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> zbus::fdo::Result<()> {
        let at = Instant::now();
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        let (name, path) = if service.starts_with('/') {
            (sender, service.to_owned())
        } else {
            (service.to_owned(), "/StatusNotifierItem".to_owned())
        };
        let full = format!("{name}{path}");
        self.registrations.push(Registration { at, name, path });
        Ok(Self::status_notifier_item_registered(&emitter, &full).await?)
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        self.registrations
            .all()
            .iter()
            .map(|icon| format!("{}{}", icon.name, icon.path))
            .collect()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(signal)]
    async fn status_notifier_item_registered(
        emitter: &SignalEmitter<'_>,
        service: &str,
    ) -> zbus::Result<()>;
}
