//! How many unknown sessions are looked at in a second.
//!
//! Each costs two X25519, some milliseconds on the slowest Pi: a price that a stranger could otherwise make us pay as often as he likes.

use core::time::Duration;

use super::Refused;

const SECOND: Duration = Duration::from_secs(1);

/// So many in a second on average, and those of a second at once, or of more.
#[derive(Clone, Copy, Debug)]
pub struct Looks {
    every: Duration,
    at_once: Duration,
    /// When all that were taken have had their time.
    paid: Duration,
}

impl Looks {
    /// A reader hears a group of bridges, and one of them that has just restarted.
    pub const READER: Self = Self::new(4);

    /// So many a second, at least one.
    #[must_use]
    pub const fn new(a_second: u32) -> Self {
        let every = match SECOND.checked_div(a_second) {
            Some(every) => every,
            None => SECOND,
        };
        Self { every, at_once: SECOND, paid: Duration::ZERO }
    }

    /// Those of this time may come at once, if none came before.
    #[must_use]
    pub const fn at_once(self, at_once: Duration) -> Self {
        Self { at_once, ..self }
    }

    /// Counts one look.
    ///
    /// # Errors
    ///
    /// [`Refused::TooMany`].
    pub fn take(&mut self, now: Duration) -> Result<(), Refused> {
        let paid = self.paid.max(now) + self.every;
        if paid > now + self.at_once {
            return Err(Refused::TooMany);
        }
        self.paid = paid;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(looks: &mut Looks, tries: u32, now: Duration) -> usize {
        (0..tries).filter(|_| looks.take(now).is_ok()).count()
    }

    #[test]
    fn a_second_has_its_number_and_a_pause_earns_no_more_than_what_may_come_at_once() {
        let (mut looks, start) = (Looks::new(200), Duration::from_secs(100));
        assert_eq!(taken(&mut looks, 1_000, start), 200);
        assert_eq!(taken(&mut looks, 1_000, start + Duration::from_millis(500)), 100);
        assert_eq!(taken(&mut looks, 10_000, start + Duration::from_secs(60)), 200);
        let mut patient = Looks::new(100).at_once(5 * SECOND);
        assert_eq!(taken(&mut patient, 1_000, start), 500);
        assert_eq!(taken(&mut patient, 1_000, start + SECOND), 100);
        assert_eq!(taken(&mut patient, 1_000, start + 3_600 * SECOND), 500);
    }

    #[test]
    fn over_a_long_time_the_average_holds_whenever_they_come() {
        let mut looks = Looks::new(100).at_once(5 * SECOND);
        let all: usize = (0..6_000).map(|tick| taken(&mut looks, 7, Duration::from_millis(10 * tick))).sum();
        assert_eq!(all, 100 * 60 + 500 - 1);
    }
}
