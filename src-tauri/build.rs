//! Tells Tauri the commands of the windows, so that each window may call only what its capability names.

use std::path::Path;
use std::{env, fs};

const COMMANDS: &[&str] = &[
    "subscribe",
    "request",
    "laid_out",
    "painted",
    "take_keyboard",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    make_room_for_pages()?;
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest))?;
    Ok(())
}

/// The pages are embedded at compile time. Without them (`npm run build` in `ui/` makes them) the crate still
/// type-checks, and every window says what is missing.
fn make_room_for_pages() -> Result<(), Box<dyn std::error::Error>> {
    let dist = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../ui/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    for name in ["card", "panel", "confirm", "settings"] {
        let page = dist.join(name).with_extension("html");
        if page.exists() {
            continue;
        }
        println!("cargo::warning=the windows are not built: run `npm ci && npm run build` in ui/");
        fs::create_dir_all(&dist)?;
        fs::write(
            page,
            "<!doctype html><title>Sidetone</title><p>The windows are not built.</p>\n",
        )?;
    }
    Ok(())
}
