//! `connector test FILE` without either program: for people who write connectors in this repository.

use std::{io::Write as _, process::ExitCode};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let report = crm::cli::run(&arguments).await;
    let _ = std::io::stdout().write_all(report.text.as_bytes());
    ExitCode::from(report.code)
}
