//! How a three-phase meter in historic mode warns of an overload (Enedis-NOI-CPT_02E §2.4.3): the long frame stops after the current
//! group, then 20 short frames alternate with a long one, while the overload lasts and for one minute after.

const SHORT_IN_A_ROW: u8 = 20;
/// Seconds after the overload.
const LINGER: i64 = 60;

/// Decides which frames are short.
#[derive(Debug, Default)]
pub(crate) struct ShortFrames {
    last_overload: Option<i64>,
    left: u8,
    begun: bool,
}

impl ShortFrames {
    /// One second with or without an overload.
    pub(crate) fn second(&mut self, overload: bool, now: i64) {
        if overload {
            if self.last_overload.is_none() {
                self.left = SHORT_IN_A_ROW;
                self.begun = true;
            }
            self.last_overload = Some(now);
        } else if self.last_overload.is_some_and(|last| now - last > LINGER) {
            self.last_overload = None;
        }
    }

    /// Whether an overload has begun since this was last asked.
    pub(crate) fn take_begun(&mut self) -> bool {
        std::mem::take(&mut self.begun)
    }

    /// Whether the frame that begins now is a short one.
    pub(crate) fn next_is_short(&mut self) -> bool {
        self.begun = false;
        if self.last_overload.is_none() {
            return false;
        }
        let short = self.left > 0;
        self.left = if short { self.left - 1 } else { SHORT_IN_A_ROW };
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_short_ones_then_a_long_one() {
        let mut frames = ShortFrames::default();
        assert!(!frames.next_is_short());
        frames.second(true, 0);
        assert!(frames.take_begun() && !frames.take_begun());
        let kinds: Vec<bool> = (0..42).map(|_| frames.next_is_short()).collect();
        let expected: Vec<bool> = (0..42).map(|at| at % 21 != 20).collect();
        assert_eq!(kinds, expected);
    }

    #[test]
    fn a_minute_after_it_is_over() {
        let mut frames = ShortFrames::default();
        frames.second(true, 0);
        (1..=60).for_each(|now| frames.second(false, now));
        assert!(frames.next_is_short());
        frames.second(false, 61);
        assert!(!frames.next_is_short());
    }
}
