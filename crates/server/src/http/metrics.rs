//! What watches the server.

use crate::{
    app::App,
    http::{Peer, Refused, bearer},
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::{
    fmt::Write as _,
    sync::{Arc, atomic::Ordering::Relaxed},
};
use wire::ErrorCode;

/// The process lives and its loop turns.
pub(crate) async fn healthz(State(app): State<Arc<App>>) -> Response {
    match app.hub.health().await {
        Ok(_) => (StatusCode::OK, "ok\n").into_response(),
        Err(failure) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{}\n", failure.message),
        )
            .into_response(),
    }
}

/// Clients get what they come for: the store takes writes and a phone system is connected.
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Response {
    let mut troubles: Vec<String> = app.trouble.borrow().iter().cloned().collect();
    match app.hub.health().await {
        Ok(health) => {
            for pbx in health.pbxs {
                if !matches!(pbx.line, wire::PbxLine::Up { .. }) {
                    troubles.push(format!("phone system {} is not connected", pbx.name));
                }
            }
        }
        Err(failure) => troubles.push(failure.message),
    }
    if troubles.is_empty() {
        return (StatusCode::OK, "ready\n").into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, troubles.join("\n") + "\n").into_response()
}

/// Prometheus text (exposition format 0.0.4), for this machine or who has the token.
pub(crate) async fn metrics(
    State(app): State<Arc<App>>,
    Peer(address): Peer,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let token = &app.config.http.metrics_token;
    let is_known = match token.is_empty() {
        true => address.is_loopback(),
        false => bearer(&headers).is_some_and(|given| same(given, token.expose())),
    };
    if !is_known {
        return Err(Refused::new(
            ErrorCode::Forbidden,
            "The metrics need their token.",
        ));
    }
    let health = app.hub.health().await?;
    let mut text = String::new();
    let counters = &app.counters;
    for (name, help, value) in [
        (
            "facts_total",
            "Changes that phone systems told.",
            &counters.facts_told,
        ),
        (
            "messages_sent_total",
            "Messages sent to clients.",
            &counters.messages_sent,
        ),
        (
            "bytes_sent_total",
            "Bytes sent to clients.",
            &counters.bytes_sent,
        ),
        (
            "resyncs_total",
            "Snapshots that clients asked for again.",
            &counters.resynced,
        ),
        (
            "dropped_total",
            "Clients dropped because they did not read.",
            &counters.dropped,
        ),
        (
            "sign_ins_total",
            "Clients that signed in.",
            &counters.sign_ins,
        ),
        (
            "sign_ins_refused_total",
            "Wrong tokens, codes and passwords.",
            &counters.sign_ins_refused,
        ),
        (
            "calls_logged_total",
            "Finished calls written down.",
            &counters.calls_logged,
        ),
        (
            "store_failures_total",
            "Writes that the store did not take.",
            &counters.store_failures,
        ),
        (
            "webhooks_sent_total",
            "Deliveries that were taken.",
            &counters.webhooks_sent,
        ),
        (
            "webhooks_failed_total",
            "Deliveries that were not.",
            &counters.webhooks_failed,
        ),
    ] {
        let _ = write!(
            text,
            "# HELP sidetone_{name} {help}\n# TYPE sidetone_{name} counter\nsidetone_{name} {}\n",
            value.load(Relaxed)
        );
    }
    gauge(
        &mut text,
        "clients",
        "Clients that are connected.",
        &[(String::new(), health.clients.into())],
    );
    gauge(
        &mut text,
        "call_log_waiting",
        "Entries of the call log that are being written.",
        &[(String::new(), counters.log_waiting.load(Relaxed))],
    );
    let label = |pbx: &wire::rest::PbxHealth| format!("{{pbx=\"{}\"}}", pbx.name);
    let pbxs = &health.pbxs;
    let up = |pbx: &wire::rest::PbxHealth| u64::from(matches!(pbx.line, wire::PbxLine::Up { .. }));
    let values: Vec<_> = pbxs.iter().map(|pbx| (label(pbx), up(pbx))).collect();
    gauge(
        &mut text,
        "pbx_up",
        "The phone system is connected.",
        &values,
    );
    let values: Vec<_> = pbxs
        .iter()
        .map(|pbx| (label(pbx), pbx.calls.into()))
        .collect();
    gauge(&mut text, "calls", "Calls that go on.", &values);
    let lag = |pbx: &wire::rest::PbxHealth| match &pbx.line {
        wire::PbxLine::Up { lag_ms, .. } => lag_ms.unwrap_or_default().into(),
        wire::PbxLine::Connecting { .. }
        | wire::PbxLine::Away { .. }
        | wire::PbxLine::Refused { .. } => 0,
    };
    let values: Vec<_> = pbxs.iter().map(|pbx| (label(pbx), lag(pbx))).collect();
    gauge(
        &mut text,
        "pbx_lag_ms",
        "Round trip to the phone system.",
        &values,
    );
    if let Some(bytes) = resident() {
        gauge(
            &mut text,
            "resident_bytes",
            "Memory of the process.",
            &[(String::new(), bytes)],
        );
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((kind, text).into_response())
}

fn gauge(text: &mut String, name: &str, help: &str, values: &[(String, u64)]) {
    let _ = write!(
        text,
        "# HELP sidetone_{name} {help}\n# TYPE sidetone_{name} gauge\n"
    );
    for (label, value) in values {
        let _ = writeln!(text, "sidetone_{name}{label} {value}");
    }
}

/// In a time that does not tell how much of it is right.
fn same(given: &str, wanted: &str) -> bool {
    store::TokenHash::of(given) == store::TokenHash::of(wanted)
}

/// Resident memory, where the system tells.
pub(crate) fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
