//! Work on a thread of its own.

use tokio::{runtime::Handle, task::spawn_blocking};

/// Runs what may read a large file or wait for a foreign database, apart from the threads that serve clients; `None` if
/// it broke off. The compiler cannot prove that such a future may move between threads, and here it need not.
pub(crate) async fn apart<T, F>(work: impl FnOnce() -> F + Send + 'static) -> Option<T>
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let runtime = Handle::current();
    spawn_blocking(move || runtime.block_on(work())).await.ok()
}
