//! Every input that was ever worth keeping, once more.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

#[test]
fn every_input_of_every_corpus_is_survived() {
    for (name, target) in fuzz::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(name);
        let mut files: Vec<_> = std::fs::read_dir(&folder)
            .unwrap_or_else(|why| panic!("{}: {why}", folder.display()))
            .map(|file| file.unwrap().path())
            .collect();
        files.sort();
        assert!(!files.is_empty(), "no corpus of {name}");
        for file in files {
            // Shown when the target panics.
            println!("{}", file.display());
            target(&std::fs::read(&file).unwrap());
        }
    }
}
