//! The bench in its short form, so that it does not rot: counts, no times.
#![cfg(target_os = "linux")]

use std::process::Command;

#[test]
fn followers_are_told_of_every_change_and_nobody_else_is() {
    let output = Command::new(env!("CARGO_BIN_EXE_bench-server"))
        .arg("--quick")
        .output();
    let output = output.expect("the bench");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(said.matches("none lost").count(), 3, "{said}");
}
