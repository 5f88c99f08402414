//! Any text as `reader.toml`: it is right, or one line names the file, the line and what is wrong; and nothing is read otherwise than TOML
//! means it.
#![no_main]

use std::{collections::BTreeMap, fs, path::PathBuf, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use teleinfo_reader::fuzzing;

/// A file of this process alone.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| std::env::temp_dir().join(format!("reader-{}.toml", std::process::id())));

/// The same by the `toml` crate; `None` if it refuses the text.
fn by_toml(text: &str) -> Option<BTreeMap<(String, String), String>> {
    let mut entries = BTreeMap::new();
    for (key, value) in toml::from_str::<toml::Table>(text).ok()? {
        match value {
            toml::Value::Table(table) => entries.extend(table.into_iter().map(|(name, value)| ((key.clone(), name), written(&value)))),
            value => _ = entries.insert((String::new(), key), written(&value)),
        }
    }
    Some(entries)
}

fn written(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => format!("{text:?}"),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Array(list) => format!("{:?}", list.iter().map(|value| value.as_str().unwrap_or("no text")).collect::<Vec<_>>()),
        other => format!("{other:?}"),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Some(entries) = fuzzing::toml(text) {
        assert_eq!(Some(entries), by_toml(text));
    }
    fs::write(&*FILE, text).expect("a file can be written");
    if let Err(complaint) = fuzzing::check_config(&FILE) {
        assert!(!complaint.contains('\n') && complaint.len() < text.len() * 6 + 500, "{complaint}");
        let (file, rest) = complaint.split_once(", line ").expect("a line is named");
        assert_eq!(file, FILE.to_str().expect("a plain name"));
        let line: usize = rest.split([',', ':']).next().and_then(|line| line.parse().ok()).expect("a number");
        assert!((1..=text.matches('\n').count() + 1).contains(&line), "{complaint}");
    }
});
