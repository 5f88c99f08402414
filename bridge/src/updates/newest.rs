//! The file that a release makes: `{"version": "1.2.3"}`. Pure.

use serde::Deserialize;

/// A longer one is none.
const VERSION_MAX: usize = 32;

/// More may stand there some day.
#[derive(Deserialize)]
struct Told {
    version: String,
}

/// The version that it names; nothing if it is not such a file.
#[must_use]
pub fn newest(bytes: &[u8]) -> Option<String> {
    let Told { version } = serde_json::from_slice(bytes).ok()?;
    is_version(&version).then_some(version)
}

/// Three numbers with dots, and perhaps the name of a release before them (`1.0.0-rc.1`).
fn is_version(text: &str) -> bool {
    let (numbers, before) = text.split_once('-').unwrap_or((text, "x"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.len() <= VERSION_MAX && numbers.split('.').count() == 3 && numbers.split('.').all(is_number) && before.split('.').all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_release_makes_is_understood_and_nothing_else() {
        assert_eq!(newest(b"{\"version\": \"1.0.0-rc.1\"}\n").as_deref(), Some("1.0.0-rc.1"));
        assert_eq!(newest(b"{\"version\": \"1.2.30\", \"notes\": []}").as_deref(), Some("1.2.30"));
        for text in ["", "1.2.3", "{}", "{\"version\": 1}", "<html>"] {
            assert_eq!(newest(text.as_bytes()), None, "{text}");
        }
        for version in ["1.2", "1.2.3.4", "v1.2.3", "1.2.3-", "1.2.3-{{", "1..3", "1.2.3-x y", &format!("1.2.{}", "3".repeat(40))] {
            assert_eq!(newest(format!("{{\"version\": \"{version}\"}}").as_bytes()), None, "{version}");
        }
    }
}
