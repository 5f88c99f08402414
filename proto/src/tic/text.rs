//! A field of a dataset as text. It is kept as bytes, because nobody asks for most of them as text.

use core::str;

/// The walk over its bytes let only printable characters pass, so nothing is lost.
pub(super) fn text(field: &[u8]) -> &str {
    str::from_utf8(field).unwrap_or_default()
}
