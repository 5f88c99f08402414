//! The Zenoh keys, all in one place.
//!
//! | key | what |
//! |---|---|
//! | `tic/v2/<meter>/sample` | a [`Sample`](super::Sample) for each frame, a [`Goodbye`](super::Goodbye) at the end |
//! | `tic/v2/<meter>/history` | queryable: the samples still held |
//! | `tic/v2/<meter>/alive` | liveliness token while the meter is read: a hint, since anybody can declare one |
//! | `tic/v2/reader/<id>/status` | a [`Status`](super::Status); `<id>` is the id of the reader's key |
//! | `tic/v2/reader/<id>/hello`, `.../pair`, `.../inbox` | first contact, questions whether a reader lives, receipts |
//! | `tic/v2/bridge/<group>/<name>@<run>` | liveliness token of a bridge; a new process has a new run |
//! | `tic/v2/bridge/<group>/<name>` | what a bridge tells the others of its group |

use core::{
    fmt::{self, Write},
    ops::Deref,
    str,
};

use crate::tic::MeterId;

/// Every sample of every meter.
pub const SAMPLES: &str = "tic/v2/*/sample";
/// The liveliness token of every meter.
pub const ALIVES: &str = "tic/v2/*/alive";
/// The status of every reader.
pub const STATUSES: &str = "tic/v2/reader/*/status";
/// What readers say to whoever may be a bridge, whatever version they are of: the first byte says which.
pub const HELLOS: &str = "tic/*/reader/*/hello";
/// Which bridge readers trust.
pub const PAIRS: &str = "tic/v2/reader/*/pair";
/// All of it.
pub const ALL: &str = "tic/v2/**";

/// The token of every bridge, whatever its group.
pub const BRIDGES: &str = "tic/v2/bridge/*/*";
/// In the place of a group: a bridge that belongs to none.
pub const NO_GROUP: &str = "-";

/// The tokens of all bridges of a group, and what they tell each other; `None` for a name that cannot be part of a key.
#[must_use]
pub fn bridges(group: &str) -> Option<Key> {
    is_name(group).then(|| Key::of(format_args!("{PREFIX}bridge/{group}/*")))
}

const PREFIX: &str = "tic/v2/";
/// The longest key is the token of a bridge: `tic/v2/bridge/`, two names, a slash, and the run.
const KEY_BYTES_MAX: usize = 2 * NAME_BYTES_MAX + 16 + 17;

/// The longest name of a reader, a bridge or a group.
pub const NAME_BYTES_MAX: usize = 64;

/// A key; derefs to its text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key {
    bytes: [u8; KEY_BYTES_MAX],
    length: usize,
}

/// Where a meter's samples are put.
#[must_use]
pub fn sample(meter: &MeterId) -> Key {
    Key::of(format_args!("{PREFIX}{meter}/sample"))
}

/// Where a meter's history is asked for.
#[must_use]
pub fn history(meter: &MeterId) -> Key {
    Key::of(format_args!("{PREFIX}{meter}/history"))
}

/// The token of a meter that is being read.
#[must_use]
pub fn alive(meter: &MeterId) -> Key {
    Key::of(format_args!("{PREFIX}{meter}/alive"))
}

/// Where a reader reports; `None` for a name that cannot be part of a key.
#[must_use]
pub fn reader_status(name: &str) -> Option<Key> {
    reader(name, "status")
}

/// Where a reader that knows no bridge yet makes itself known.
#[must_use]
pub fn reader_hello(name: &str) -> Option<Key> {
    reader(name, "hello")
}

/// Where a reader tells which bridge it trusts.
#[must_use]
pub fn reader_pair(name: &str) -> Option<Key> {
    reader(name, "pair")
}

/// Where a reader gets offers and receipts.
#[must_use]
pub fn reader_inbox(name: &str) -> Option<Key> {
    reader(name, "inbox")
}

fn reader(name: &str, what: &str) -> Option<Key> {
    is_name(name).then(|| Key::of(format_args!("{PREFIX}reader/{name}/{what}")))
}

/// What a bridge tells the others of its group.
#[must_use]
pub fn bridge(group: &str, name: &str) -> Option<Key> {
    (is_name(group) && is_name(name)).then(|| Key::of(format_args!("{PREFIX}bridge/{group}/{name}")))
}

/// The token of a process of a bridge, in the group that it belongs to.
#[must_use]
pub fn bridge_token(group: &str, name: &str, run: u64) -> Option<Key> {
    (is_name(group) && is_name(name)).then(|| Key::of(format_args!("{PREFIX}bridge/{group}/{name}@{run:016x}")))
}

/// The group, the name and the run of a bridge whose token this is.
#[must_use]
pub fn bridge_of(token: &str) -> Option<(&str, &str, u64)> {
    let (group, rest) = token.strip_prefix(PREFIX)?.strip_prefix("bridge/")?.split_once('/')?;
    let (name, run) = rest.split_once('@')?;
    let is_run = run.len() == 16 && run.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (is_name(group) && is_name(name) && is_run).then(|| u64::from_str_radix(run, 16).ok().map(|run| (group, name, run)))?
}

/// Whether a reader, a bridge or a group may have this name: 1 to 64 characters, none of which mean something in a key.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// The meter whose key this is.
#[must_use]
pub fn meter_of(key: &str) -> Option<MeterId> {
    key.strip_prefix(PREFIX)?.split_once('/')?.0.parse().ok()
}

/// The reader whose key this is.
#[must_use]
pub fn reader_of(key: &str) -> Option<&str> {
    key.strip_prefix(PREFIX)?.strip_prefix("reader/")?.split_once('/').map(|(name, _)| name)
}

impl Key {
    fn of(text: fmt::Arguments<'_>) -> Self {
        let mut key = Self { bytes: [0; KEY_BYTES_MAX], length: 0 };
        // There is room for the longest key, so this cannot fail.
        let _ = key.write_fmt(text);
        key
    }
}

impl Write for Key {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

impl Deref for Key {
    type Target = str;

    fn deref(&self) -> &str {
        str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let meter = "012345678912".parse().unwrap();
        assert_eq!(&*sample(&meter), "tic/v2/012345678912/sample");
        assert_eq!(&*history(&meter), "tic/v2/012345678912/history");
        assert_eq!(&*alive(&meter), "tic/v2/012345678912/alive");
        assert_eq!(meter_of("tic/v2/012345678912/sample"), Some(meter));
        for key in ["tic/v2/reader/pi/status", "tic/v1/012345678912/sample", "tic/v2/012345678912", "tic/v2/01234567891/sample"] {
            assert_eq!(meter_of(key), None, "{key}");
        }
    }

    #[test]
    fn keys_of_readers_and_bridges() {
        let keys = [reader_status("pi"), reader_hello("pi"), reader_pair("pi"), reader_inbox("pi"), bridge("home", "a"), bridges("home")];
        let expected = ["reader/pi/status", "reader/pi/hello", "reader/pi/pair", "reader/pi/inbox", "bridge/home/a", "bridge/home/*"];
        for (key, expected) in keys.into_iter().zip(expected) {
            assert_eq!(&*key.unwrap(), std::format!("tic/v2/{expected}"));
        }
        assert_eq!((reader_of("tic/v2/reader/pi/status"), reader_of("tic/v2/012345678912/sample")), (Some("pi"), None));
        assert!(bridge("a/b", "c").is_none() && bridge("a", "*").is_none() && bridges("**").is_none());
        let long = "n".repeat(64);
        assert!(bridge(&long, &long).unwrap().ends_with(&std::format!("/{long}/{long}")));
        let token = bridge_token(&long, &long, u64::MAX).unwrap();
        assert!(token.ends_with("@ffffffffffffffff"));
        assert_eq!(bridge_of(&token), Some((long.as_str(), long.as_str(), u64::MAX)));
        assert_eq!(&*bridge_token("home", "a", 7).unwrap(), "tic/v2/bridge/home/a@0000000000000007");
        for wrong in [
            "bridge/home/a",
            "bridge/home/a@7",
            "bridge/home/a@000000000000000G",
            "bridge/home/@0000000000000007",
            "reader/a/b@0000000000000007",
        ] {
            assert_eq!(bridge_of(&std::format!("tic/v2/{wrong}")), None, "{wrong}");
        }
    }

    #[test]
    fn names() {
        let long = "n".repeat(64);
        assert_eq!(&*reader_status(&long).unwrap(), std::format!("tic/v2/reader/{long}/status"));
        for name in ["", "a/b", "*", "é", &"n".repeat(65)] {
            assert!(!is_name(name) && reader_status(name).is_none(), "{name}");
        }
    }

    extern crate std;
}
