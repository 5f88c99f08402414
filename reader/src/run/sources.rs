//! What can wake the loop, by number. The deadline is the fourth; it needs none.

use mio::Token;

pub(super) const LINE: Token = Token(0);
pub(super) const SIGNALS: Token = Token(1);
pub(super) const CLIENT: Token = Token(2);
