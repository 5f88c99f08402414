//! How many unknown sessions are looked at in a second.
//!
//! Each costs two X25519, some milliseconds on the slowest Pi: a price that a stranger could otherwise make us pay as often as he likes.

use core::time::Duration;

use super::Refused;

const SECOND: Duration = Duration::from_secs(1);

/// A limit for each second.
#[derive(Clone, Copy, Debug)]
pub struct Looks {
    a_second: u32,
    since: Duration,
    count: u32,
}

impl Looks {
    /// A reader hears a group of bridges, and one of them that has just restarted.
    pub const READER: Self = Self::new(4);

    /// So many a second.
    #[must_use]
    pub const fn new(a_second: u32) -> Self {
        Self { a_second, since: Duration::ZERO, count: 0 }
    }

    /// Counts one look.
    ///
    /// # Errors
    ///
    /// [`Refused::TooMany`].
    pub fn take(&mut self, now: Duration) -> Result<(), Refused> {
        if now >= self.since.saturating_add(SECOND) {
            (self.since, self.count) = (now, 0);
        }
        if self.count >= self.a_second {
            return Err(Refused::TooMany);
        }
        self.count += 1;
        Ok(())
    }
}
