//! What is too old goes, a little at a time.

use super::Writer;
use crate::clock;
use std::time::Duration;
use tracing::{info, warn};

const EVERY: Duration = Duration::from_secs(3_600);
const DAY: i64 = 24 * 3_600 * 1_000;
/// Rows in one transaction.
const STEP: u32 = 500;
/// Between two of them, so that a year that goes at once holds up nobody.
const PAUSE: Duration = Duration::from_millis(50);

/// Deletes calls and rows of the audit, which name who was called, older than `keep_days` (0: none), expired sessions and codes, and requests of yesterday.
pub(crate) async fn keep_tidy(writer: Writer, keep_days: u32) {
    loop {
        let now = clock::store_ms();
        if let Err(error) = writer.store.forget_expired(now).await {
            warn!(%error, "expired sessions stay");
        }
        if let Err(error) = writer.store.forget_requests(now - DAY).await {
            warn!(%error, "old requests stay");
        }
        if keep_days > 0 {
            let before = now - i64::from(keep_days) * DAY;
            forget_calls(&writer, before).await;
            forget_audit(&writer, before).await;
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn forget_calls(writer: &Writer, before: i64) {
    let mut gone = 0;
    loop {
        match writer.store.forget_calls(before, STEP).await {
            Ok(0) => break,
            Ok(calls) => gone += calls,
            Err(error) => {
                warn!(%error, "old calls stay");
                break;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    if gone > 0 {
        info!(calls = gone, "old calls deleted");
    }
}

async fn forget_audit(writer: &Writer, before: i64) {
    loop {
        match writer.store.forget_audit(before, STEP).await {
            Ok(0) => return,
            Ok(_) => tokio::time::sleep(PAUSE).await,
            Err(error) => {
                warn!(%error, "old rows of the audit stay");
                return;
            }
        }
    }
}
