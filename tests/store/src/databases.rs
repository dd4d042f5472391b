//! New stores, one in a SQLite file and one in a real PostgreSQL.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use store::{Location, Store};
use testkit::Postgres;

/// Tells a story to a new store in each database.
pub fn on_both(story: impl AsyncFn(Store)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    for scratch in [Scratch::sqlite(), Scratch::postgres()] {
        runtime.block_on(async {
            let store = scratch.open().await;
            story(store.clone()).await;
            store.close().await;
        });
    }
}

/// A place for a store, gone when dropped.
pub struct Scratch {
    pub location: Location,
    folder: Option<tempfile::TempDir>,
    _server: Option<Arc<Postgres>>,
}

impl Scratch {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            location: Location::Sqlite(folder.path().join("sidetone.db")),
            folder: Some(folder),
            _server: None,
        }
    }

    pub fn postgres() -> Self {
        let server = postgres();
        let url = server.database().expect("a database");
        Self {
            location: Location::Postgres(url.into()),
            folder: None,
            _server: Some(server),
        }
    }

    pub async fn open(&self) -> Store {
        Store::open(&self.location).await.expect("a store")
    }

    /// The SQLite file.
    pub fn path(&self) -> PathBuf {
        let folder = self.folder.as_ref().expect("a SQLite store");
        folder.path().join("sidetone.db")
    }
}

/// One PostgreSQL for all tests that run at the same time; each has databases of its own.
pub fn postgres() -> Arc<Postgres> {
    static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let server = Arc::new(Postgres::start().expect("PostgreSQL"));
        *shared = Arc::downgrade(&server);
        server
    })
}
