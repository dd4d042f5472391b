//! The log for a spreadsheet, and forgetting what is old.

use super::search::{CallFilter, MOST};
use super::{CallRecord, Direction};
use crate::db::values;
use crate::{Store, StoreError};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// Why a file was not written to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the file cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

const HEADER: &str = "id,pbx,direction,started_ms,answered_ms,ended_ms,caller_number,caller_name,callee_number,\
                      callee_name,dialled,line,did,queues,outcome,outcome_words,answered_by,ended_by,cause,ring_ms,\
                      wait_ms,talk_ms,way,recording,source,person,company\r\n";

impl Store {
    /// Writes all calls of the filter, whatever its limit, as CSV (RFC 4180) in UTF-8; how many.
    pub async fn export_calls(
        &self,
        filter: &CallFilter,
        out: &mut (impl AsyncWrite + Unpin),
    ) -> Result<u64, ExportError> {
        let mut filter = CallFilter {
            limit: MOST,
            ..filter.clone()
        };
        let mut count = 0;
        out.write_all(HEADER.as_bytes()).await?;
        loop {
            let page = self.calls(&filter).await?;
            for call in &page.calls {
                out.write_all(line(call).as_bytes()).await?;
                count += 1;
            }
            match page.next {
                Some(next) => filter.before = Some(next),
                None => break,
            }
        }
        out.flush().await?;
        Ok(count)
    }

    /// Deletes calls that began before a time, the oldest first and `limit` at most; how many. Call it again until it
    /// says 0: each time is one short transaction.
    pub async fn forget_calls(&self, older_than: i64, limit: u32) -> Result<u64, StoreError> {
        self.within(async {
            let mut tx = self.pools.write().await?;
            tx.lock(crate::db::Only::WriteCalls).await?;
            let oldest = "SELECT id FROM calls WHERE started < $1 ORDER BY started, id LIMIT $2";
            let values = values![older_than, i64::from(limit)];
            let sql = format!(
                "SELECT DISTINCT word FROM call_keys WHERE kind = 'number' AND call_id IN ({oldest})"
            );
            let numbers = tx.rows(&sql, &values).await?;
            let count = tx.run(&format!("DELETE FROM calls WHERE id IN ({oldest})"), &values).await?;
            for mut number in numbers {
                let sql = "DELETE FROM number_parts WHERE number = $1 AND NOT EXISTS \
                           (SELECT 1 FROM call_keys WHERE kind = 'number' AND word = $1)";
                tx.run(sql, &values![number.text()?.as_str()]).await?;
            }
            let sql = "DELETE FROM missed_items WHERE last_at < $1 AND NOT EXISTS \
                       (SELECT 1 FROM misses WHERE item = missed_items.id)";
            tx.run(sql, &values![older_than]).await?;
            tx.commit().await?;
            Ok(count)
        })
        .await
    }
}

fn line(call: &CallRecord) -> String {
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let person = call.person.as_ref();
    let cells = [
        call.id.to_string(),
        call.pbx.clone(),
        Direction::word(call.direction).to_owned(),
        number(Some(call.started)),
        number(call.answered),
        number(call.ended),
        text(&call.caller.number),
        text(&call.caller.name),
        text(&call.callee.number),
        text(&call.callee.name),
        text(&call.dialled),
        text(&call.line),
        text(&call.did),
        call.queues.join(" "),
        call.outcome.word().to_owned(),
        call.outcome_words.clone(),
        text(&call.answered_by),
        text(&call.ended_by),
        number(call.cause.map(i64::from)),
        number(Some(call.ring_ms)),
        number(Some(call.wait_ms)),
        number(Some(call.talk_ms)),
        call.way.join(" "),
        text(&call.recording),
        call.source.word().to_owned(),
        person.map(|person| person.name.clone()).unwrap_or_default(),
        person
            .and_then(|person| person.company.clone())
            .unwrap_or_default(),
    ];
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    cells.join(",") + "\r\n"
}

/// A cell that a spreadsheet takes for text or number and never for a formula: a caller chooses his own name.
fn cell(text: &str) -> String {
    let first = text.trim_start().chars().next();
    let is_number = text
        .strip_prefix(['+', '-'])
        .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|digit| digit.is_ascii_digit()));
    let is_formula = matches!(first, Some('=' | '+' | '-' | '@')) && !is_number
        || text.starts_with(['\t', '\r', '\n']);
    let guard = if is_formula { "'" } else { "" };
    if text.contains([',', ';', '"', '\r', '\n', '\t']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{guard}{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_becomes_text_and_a_number_stays() {
        assert_eq!(cell("+74951234567"), "+74951234567");
        assert_eq!(cell("-5"), "-5");
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("+cmd|' /C calc'!A0"), "'+cmd|' /C calc'!A0");
        assert_eq!(cell(" @SUM(1)"), "' @SUM(1)");
        assert_eq!(cell("-1+2"), "'-1+2");
    }

    #[test]
    fn signs_of_the_format_are_quoted() {
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("say \"hi\"\nthere"), "\"say \"\"hi\"\"\nthere\"");
        assert_eq!(cell("=HYPERLINK(\"x\",1)"), "\"'=HYPERLINK(\"\"x\"\",1)\"");
    }
}
