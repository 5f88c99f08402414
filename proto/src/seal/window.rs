//! The message numbers that were seen: a window of 64 behind the highest one, for the live messages of one session. Answers are bound to
//! their question instead.

/// Numbers behind the highest one that are still told apart.
const WIDTH: u64 = 64;

/// Which numbers were seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    highest: u64,
    /// Bit `i`: the number `highest - i` was seen.
    seen: u64,
}

impl Window {
    /// Everything up to `number` counts as seen.
    #[must_use]
    pub const fn after(number: u64) -> Self {
        Self { highest: number, seen: u64::MAX }
    }

    /// Whether a message of this number may come. It is asked before the message is opened, because opening costs more.
    #[must_use]
    pub const fn allows(&self, number: u64) -> bool {
        match self.highest.checked_sub(number) {
            None => true,
            Some(back) => number != 0 && back < WIDTH && self.seen & (1 << back) == 0,
        }
    }

    /// Notes a number, after its message has been opened: a forged one must not move the window.
    pub fn note(&mut self, number: u64) {
        match number.checked_sub(self.highest) {
            Some(ahead) => {
                self.seen = if ahead < WIDTH { self.seen << ahead | 1 } else { 1 };
                self.highest = number;
            }
            None => self.seen |= 1 << (self.highest - number).min(WIDTH - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    #[test]
    fn each_number_comes_once_in_any_order_within_64() {
        let mut window = Window::default();
        assert!(!window.allows(0));
        for number in [1, 3, 2, 70, 7, 69] {
            assert!(window.allows(number), "{number}");
            window.note(number);
            assert!(!window.allows(number), "{number}");
        }
        assert!(!window.allows(6) && window.allows(8) && window.allows(u64::MAX));
        window.note(u64::MAX);
        assert!(!window.allows(8) && !window.allows(u64::MAX));
        assert!(!Window::after(5).allows(5) && Window::after(5).allows(6));
    }
}
