//! The Zenoh keys, all in one place.
//!
//! | key | what |
//! |---|---|
//! | `tic/v1/<meter>/sample` | a [`Sample`](super::Sample) for each frame |
//! | `tic/v1/<meter>/history` | queryable: the samples still held |
//! | `tic/v1/<meter>/alive` | liveliness token while the meter is read |
//! | `tic/v1/reader/<name>/status` | a [`Status`](super::Status) |

use core::{
    fmt::{self, Write},
    ops::Deref,
    str,
};

use crate::tic::MeterId;

/// Every sample of every meter.
pub const SAMPLES: &str = "tic/v1/*/sample";
/// The history of every meter.
pub const HISTORIES: &str = "tic/v1/*/history";
/// The liveliness token of every meter.
pub const ALIVES: &str = "tic/v1/*/alive";
/// The status of every reader.
pub const STATUSES: &str = "tic/v1/reader/*/status";
/// All of it.
pub const ALL: &str = "tic/v1/**";

const PREFIX: &str = "tic/v1/";
const KEY_BYTES_MAX: usize = 96;

/// The longest name of a reader.
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
    is_name(name).then(|| Key::of(format_args!("{PREFIX}reader/{name}/status")))
}

/// Whether a reader may have this name: 1 to 64 characters, none of which mean something in a key.
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

impl Key {
    fn of(text: fmt::Arguments<'_>) -> Self {
        let mut key = Self { bytes: [0; KEY_BYTES_MAX], length: 0 };
        // The longest key has 7 + 7 + 64 + 7 bytes, so this cannot fail.
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
    use super::{alive, history, is_name, meter_of, reader_status, sample};

    #[test]
    fn keys() {
        let meter = "012345678912".parse().unwrap();
        assert_eq!(&*sample(&meter), "tic/v1/012345678912/sample");
        assert_eq!(&*history(&meter), "tic/v1/012345678912/history");
        assert_eq!(&*alive(&meter), "tic/v1/012345678912/alive");
        assert_eq!(meter_of("tic/v1/012345678912/sample"), Some(meter));
        assert_eq!(meter_of("tic/v1/reader/pi/status"), None);
    }

    #[test]
    fn names() {
        let long = "n".repeat(64);
        assert_eq!(&*reader_status(&long).unwrap(), std::format!("tic/v1/reader/{long}/status"));
        for name in ["", "a/b", "*", "é", &"n".repeat(65)] {
            assert!(!is_name(name) && reader_status(name).is_none(), "{name}");
        }
    }

    extern crate std;
}
