//! The pages of the panel and of the administrators, which are part of the program.

use crate::http::Refused;
use axum::{
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use include_dir::{Dir, include_dir};
use wire::ErrorCode;

/// What `npm run build` in `ui` makes.
static PAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../ui/dist-web");
/// The interface for programs.
static OPENAPI: &str = include_str!("../../openapi.json");

pub(crate) async fn page(method: Method, uri: Uri) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return Refused::new(ErrorCode::NotFound, "There is nothing here.").into_response();
    }
    let path = uri.path().trim_start_matches('/');
    let path = match path {
        "" => "index.html",
        "admin" | "admin/" => "admin.html",
        path => path,
    };
    // Only what was compiled in is found: no path leads to a file of the machine.
    let Some(file) = PAGES.get_file(path) else {
        return Refused::new(ErrorCode::NotFound, "There is no such page.").into_response();
    };
    let kind = match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("json" | "webmanifest") => "application/json",
        Some(_) | None => "application/octet-stream",
    };
    // The names of all but the pages themselves change with what is in them.
    let keep = match kind.starts_with("text/html") {
        true => "no-cache",
        false => "public, max-age=31536000, immutable",
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static(keep)),
    ];
    (StatusCode::OK, headers, file.contents()).into_response()
}

pub(crate) async fn openapi() -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], OPENAPI).into_response()
}
