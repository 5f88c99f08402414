//! What can wake the loop, by number. The deadline is the fourth; it needs none.

use mio::Token;

use crate::line::LINE_TOKENS;

/// The line's, and those behind it.
pub(super) const LINE: Token = Token(0);
pub(super) const SIGNALS: Token = Token(LINE_TOKENS);
/// The client's, and those behind it.
pub(super) const CLIENT: Token = Token(LINE_TOKENS + 1);
