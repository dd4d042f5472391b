//! A session of one's own has a screen, a keychain, a tray and notifications, and leaves nothing behind.
#![cfg(target_os = "linux")]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use testkit::record::Record;
use testkit::session::{Change, DesktopSession, Display, Keyring, Options, Pixmap, WindowInfo};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ConnectionExt as _, CreateWindowAux, WindowClass};
use x11rb::rust_connection::RustConnection;
use zbus::blocking::Proxy;
use zbus::blocking::connection::Builder;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_window_appears_gets_the_keyboard_and_can_be_photographed() {
    let session = start(Keyring::None);
    let window = TestWindow::open(&session);
    let info = session
        .windows()
        .wait_for(SOON, |window| window.mapped)
        .unwrap();
    session
        .windows()
        .changes()
        .wait_for(SOON, |c| c.window == info.id && c.change == Change::Mapped)
        .unwrap();
    session.activate(info.id).unwrap();
    assert_eq!(session.windows().active().unwrap(), Some(info.id));
    session
        .windows()
        .changes()
        .wait_for(SOON, |c| {
            c.window == info.id && c.change == Change::Activated
        })
        .unwrap();
    let picture = session.home().join("window.png");
    session.screenshot(Some(info.id), &picture).unwrap();
    assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
    session.screenshot(None, &picture).unwrap();
    assert_eq!(info.id.0, window.id);
    drop(window);
    session
        .windows()
        .changes()
        .wait_for(SOON, |c| {
            c.window == info.id && c.change == Change::Destroyed
        })
        .unwrap();
}

#[test]
fn a_keychain_keeps_a_secret_and_a_locked_one_does_not_answer() {
    let session = start(Keyring::Unlocked);
    assert!(
        stores_a_secret(&session),
        "an unlocked keychain takes a secret"
    );
    session.lock_keyring().unwrap();
    assert!(
        !stores_a_secret(&session),
        "a locked keychain waits for a password"
    );
}

#[test]
fn without_a_keychain_a_call_for_it_fails_at_once() {
    let session = start(Keyring::None);
    let owner = session
        .command("dbus-send")
        .args([
            "--session",
            "--print-reply",
            "--dest=org.freedesktop.secrets",
            "/",
            "org.freedesktop.DBus.Peer.Ping",
        ])
        .output()
        .unwrap();
    assert!(!owner.status.success());
}

#[test]
fn notifications_are_recorded() {
    let session = start(Keyring::None);
    let connection = Builder::address(session.bus()).unwrap().build().unwrap();
    let name = "org.freedesktop.Notifications";
    let service = Proxy::new(&connection, name, "/org/freedesktop/Notifications", name).unwrap();
    let hints = HashMap::from([("urgency", Value::from(2_u8))]);
    let actions = vec!["default", "Open"];
    let body = (
        "test",
        0_u32,
        "",
        "Ада Лавлейс",
        "+7 916",
        actions,
        hints,
        5000,
    );
    let id: u32 = service.call("Notify", &body).unwrap();
    assert_eq!(id, 1);
    let notifications = session.notifications().unwrap();
    let event = notifications
        .events()
        .wait_for(SOON, |event| event.shown().is_some())
        .unwrap();
    let notice = event.shown().unwrap();
    assert_eq!(
        (notice.summary.as_str(), notice.urgency),
        ("Ада Лавлейс", Some(2))
    );
}

#[test]
fn a_tray_icon_is_read_and_its_menu_clicked() {
    let mut session = start(Keyring::None);
    let clicked = Arc::new(Record::default());
    let connection = Builder::address(session.bus())
        .unwrap()
        .serve_at("/StatusNotifierItem", Icon(Arc::clone(&clicked)))
        .unwrap()
        .serve_at("/Menu", Menu(Arc::clone(&clicked)))
        .unwrap()
        .build()
        .unwrap();
    register(&connection);
    let tray = session.tray().unwrap();
    let icon = tray.wait_for_icon(SOON).unwrap();
    assert_eq!(tray.read(&icon).unwrap().tooltip.0, "101, idle");
    tray.activate(&icon).unwrap();
    clicked.wait_for(SOON, |what| what == "activated").unwrap();
    tray.click(&icon, "Quit").unwrap();
    clicked.wait_for(SOON, |what| what == "item 2").unwrap();
    let refused = tray.click(&icon, "Hang up").unwrap_err();
    assert!(
        refused.to_string().contains("cannot be clicked"),
        "{refused:?}"
    );

    session.stop_tray();
    let tray = session.start_tray().unwrap();
    assert!(
        tray.icons().unwrap().is_empty(),
        "a new panel knows no icon"
    );
    register(&connection);
    tray.wait_for_icon(SOON).unwrap();
    drop(connection);
    wait_until(SOON, || tray.icons().unwrap().is_empty());
}

#[test]
fn nothing_stays_when_the_session_ends() {
    let session = start(Keyring::Unlocked);
    let _window = TestWindow::open(&session);
    let folder = session.home().parent().unwrap().to_owned();
    let marker = folder.display().to_string();
    session
        .windows()
        .wait_for(SOON, |window: &WindowInfo| window.mapped)
        .unwrap();
    assert!(processes_with(&marker) >= 4);
    drop(session);
    assert_eq!(processes_with(&marker), 0);
    assert!(!folder.exists());
}

fn start(keyring: Keyring) -> DesktopSession {
    let options = Options {
        display: Display::Own,
        keyring,
        ..Options::default()
    };
    DesktopSession::start(&options).expect("the session starts")
}

/// A window of the test itself; gone when dropped.
struct TestWindow {
    _connection: RustConnection,
    id: u32,
}

impl TestWindow {
    fn open(session: &DesktopSession) -> Self {
        let display = session
            .env()
            .iter()
            .find(|(name, _)| name == "DISPLAY")
            .expect("a display");
        let (connection, screen) = RustConnection::connect(display.1.to_str()).expect("connects");
        let id = connection.generate_id().expect("an id");
        let screen = &connection.setup().roots[screen];
        let aux = CreateWindowAux::new().background_pixel(screen.white_pixel);
        let class = WindowClass::INPUT_OUTPUT;
        connection
            .create_window(0, id, screen.root, 10, 10, 300, 200, 0, class, 0, &aux)
            .expect("creates");
        connection.map_window(id).expect("maps");
        connection.flush().expect("sends");
        Self {
            _connection: connection,
            id,
        }
    }
}

/// Whether the keychain takes a secret; a locked one answers with the path of a question to the person.
fn stores_a_secret(session: &DesktopSession) -> bool {
    let connection = Builder::address(session.bus())
        .expect("address")
        .build()
        .expect("connects");
    let service = "org.freedesktop.secrets";
    let secrets = Proxy::new(
        &connection,
        service,
        "/org/freedesktop/secrets",
        "org.freedesktop.Secret.Service",
    );
    let none = Value::from("");
    let (_, talk): (OwnedValue, OwnedObjectPath) = secrets
        .expect("a keychain")
        .call("OpenSession", &("plain", none))
        .expect("a session");
    let collection = "/org/freedesktop/secrets/collection/login";
    let login = Proxy::new(
        &connection,
        service,
        collection,
        "org.freedesktop.Secret.Collection",
    );
    let properties = HashMap::from([("org.freedesktop.Secret.Item.Label", Value::from("test"))]);
    let secret = (&talk, Vec::<u8>::new(), b"x".to_vec(), "text/plain");
    let stored: zbus::Result<(OwnedObjectPath, OwnedObjectPath)> = login
        .expect("a collection")
        .call("CreateItem", &(properties, secret, true));
    stored.is_ok_and(|(item, _)| item.as_str() != "/")
}

/// A tray icon as the specification describes it, as far as the tray asks.
struct Icon(Arc<Record<String>>);

#[zbus::interface(name = "org.kde.StatusNotifierItem")]
impl Icon {
    fn activate(&self, _x: i32, _y: i32) {
        self.0.push("activated".to_owned());
    }

    #[zbus(property)]
    fn menu(&self) -> ObjectPath<'static> {
        ObjectPath::from_static_str_unchecked("/Menu")
    }

    #[zbus(property)]
    fn tool_tip(&self) -> (String, Vec<Pixmap>, String, String) {
        (
            String::new(),
            Vec::new(),
            "101, idle".to_owned(),
            String::new(),
        )
    }
}

struct Menu(Arc<Record<String>>);

#[zbus::interface(name = "com.canonical.dbusmenu")]
impl Menu {
    #[expect(clippy::type_complexity, reason = "the specification's signature")]
    fn get_layout(
        &self,
        _parent: i32,
        _depth: i32,
        _properties: Vec<String>,
    ) -> (
        u32,
        (i32, HashMap<String, Value<'static>>, Vec<Value<'static>>),
    ) {
        let item = |id: i32, label: &'static str, enabled: bool| {
            let properties = HashMap::from([
                ("label", Value::from(label)),
                ("enabled", Value::from(enabled)),
            ]);
            Value::from((id, properties, Vec::<Value<'_>>::new()))
        };
        (
            1,
            (
                0,
                HashMap::new(),
                vec![item(1, "_Hang up", false), item(2, "_Quit", true)],
            ),
        )
    }

    fn event(&self, id: i32, kind: &str, _value: Value<'_>, _time: u32) {
        assert_eq!(kind, "clicked");
        self.0.push(format!("item {id}"));
    }
}

fn register(connection: &zbus::blocking::Connection) {
    let name = "org.kde.StatusNotifierWatcher";
    let watcher = Proxy::new(connection, name, "/StatusNotifierWatcher", name).expect("a tray");
    let _: () = watcher
        .call("RegisterStatusNotifierItem", &("/StatusNotifierItem",))
        .expect("registers");
}

fn wait_until(limit: Duration, condition: impl Fn() -> bool) {
    let until = Instant::now() + limit;
    while !condition() {
        assert!(Instant::now() < until, "not within {limit:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How many processes have this session's folder in their environment.
fn processes_with(marker: &str) -> usize {
    let entries = std::fs::read_dir("/proc").expect("/proc");
    let environments = entries
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("environ")).ok());
    environments
        .filter(|bytes| String::from_utf8_lossy(bytes).contains(marker))
        .count()
}
