//! What reader and bridge write for people at `info` and above is made of words in both languages: no sentence stands in a call of the log.
//!
//! `debug` and `trace` are for maintainers, and stay English.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Calls that people read the result of.
const CALLS: [&str; 3] = ["info!(", "warn!(", "error!("];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The texts that these calls begin with.
fn texts<'a>(source: &'a str, call: &'a str) -> impl Iterator<Item = &'a str> {
    source.split(call).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
}

/// One name or nothing between braces: what is said was made elsewhere.
fn is_filled_in(text: &str) -> bool {
    text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).is_some_and(|name| name.chars().all(|c| c.is_alphabetic() || c == '_'))
}

#[test]
fn no_sentence_of_the_journal_is_in_one_language_only() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    ["reader/src", "bridge/src"].iter().for_each(|folder| sources(&workspace.join(folder), &mut files));
    let mut calls = 0;
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        for text in CALLS.iter().flat_map(|call| texts(&source, call)) {
            calls += 1;
            assert!(is_filled_in(text), "{}: {text:?} is in one language only: make it Words", file.display());
        }
    }
    assert!(calls > 30, "only {calls} calls were found");
}
