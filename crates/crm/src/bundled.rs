//! The connector files that come with the program.

use include_dir::{Dir, include_dir};
use std::sync::LazyLock;

static FOLDER: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/connectors");

static FILES: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    let files = FOLDER.files().filter_map(|file| {
        let name = file.path().file_name()?.to_str()?.strip_suffix(".toml")?;
        Some((name, file.contents_utf8()?))
    });
    let mut files: Vec<_> = files.collect();
    files.sort_unstable();
    files
});

/// Name and text of each, by name: `odoo`.
#[must_use]
pub fn bundled() -> &'static [(&'static str, &'static str)] {
    &FILES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{File, cases};

    #[test]
    fn every_file_that_comes_with_the_program_is_good_and_its_cases_pass() {
        let mut wrong = Vec::new();
        for (name, text) in bundled() {
            let place = format!("{name}.toml");
            let file = match File::parse(text, &place) {
                Ok(file) => file,
                Err(errors) => {
                    wrong.extend(errors.iter().map(ToString::to_string));
                    continue;
                }
            };
            if file.case_count() == 0 || file.executed().is_empty() {
                wrong.push(format!(
                    "{place} has no cases, or does not say what was executed"
                ));
            }
            let failed = cases::run(&file).into_iter().filter(|case| !case.passed());
            wrong.extend(failed.map(|case| case.to_string()));
        }
        assert!(!bundled().is_empty());
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
