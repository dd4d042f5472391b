//! The log: a JSON line a record, a file a day, seven kept. Numbers and names are DEBUG at most.

use crate::folders;
use tracing_subscriber::filter::EnvFilter;

/// Writes to the log folder from now on; without one, nowhere. `SIDETONE_LOG` sets what is written.
pub(crate) fn init() {
    let filter = EnvFilter::try_from_env("SIDETONE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let Some(folder) = folders::logs() else {
        return;
    };
    // The log says when somebody called; that is for this user alone. The log's own folder is made as everybody's.
    folders::make_private(&folder);
    let file = tracing_appender::rolling::Builder::new()
        .rotation(tracing_appender::rolling::Rotation::DAILY)
        .filename_prefix("sidetone")
        .filename_suffix("log")
        .max_log_files(7)
        .build(folder);
    // No log is no reason not to make calls.
    let Ok(file) = file else { return };
    let _ = tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(file)
        .try_init();
}
