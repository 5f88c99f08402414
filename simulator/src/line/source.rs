//! What comes down a line: bursts of bytes with a silence after each. Meters and captures are sources; faults
//! and parity are sources around sources.

use crate::line::frame::Frame;
use crate::line::speed::line_time;
use std::rc::Rc;
use std::time::Duration;

/// Some bytes at one speed, then silence. Mostly one frame.
#[derive(Debug, Clone)]
pub struct Burst {
    /// What is sent.
    pub bytes: Vec<u8>,
    /// At this rate.
    pub baud: u32,
    /// The silence that follows.
    pub silence: Duration,
    /// What the meter meant, before any fault; none for a capture.
    pub frame: Option<Rc<Frame>>,
    /// Which faults have touched it, in order.
    pub faults: Vec<&'static str>,
}

impl Burst {
    /// Bytes that nothing is known about.
    #[must_use]
    pub fn new(bytes: Vec<u8>, baud: u32, silence: Duration) -> Self {
        Self { bytes, baud, silence, frame: None, faults: Vec::new() }
    }

    /// The time that it takes on the line, silence included.
    #[must_use]
    pub fn duration(&self) -> Duration {
        line_time(self.bytes.len(), self.baud) + self.silence
    }
}

/// Anything that sends.
pub trait Source {
    /// The next burst; none when there is no more.
    fn next_burst(&mut self) -> Option<Burst>;
}

impl Source for Box<dyn Source> {
    fn next_burst(&mut self) -> Option<Burst> {
        self.as_mut().next_burst()
    }
}

/// Puts even parity into bit 7, as a UART opened 8N1 delivers it. A byte that comes with bit 7 set was wrong
/// already: it gets the wrong parity.
#[derive(Debug)]
pub struct EvenParity<S>(pub S);

impl<S: Source> Source for EvenParity<S> {
    fn next_burst(&mut self) -> Option<Burst> {
        let mut burst = self.0.next_burst()?;
        for byte in &mut burst.bytes {
            *byte ^= ((byte.count_ones() as u8 ^ (*byte >> 7)) & 1) << 7;
        }
        Some(burst)
    }
}

/// Takes bit 7 away without looking at it, as a receiver does that ignores parity.
#[derive(Debug)]
pub struct StripParity<S>(pub S);

impl<S: Source> Source for StripParity<S> {
    fn next_burst(&mut self) -> Option<Burst> {
        let mut burst = self.0.next_burst()?;
        for byte in &mut burst.bytes {
            *byte &= 0x7F;
        }
        Some(burst)
    }
}

/// A source that ends after so many bursts.
#[derive(Debug)]
pub struct AtMost<S> {
    /// What is played.
    pub source: S,
    /// How many bursts are left; none when it goes on for ever.
    pub left: Option<u64>,
}

impl<S: Source> Source for AtMost<S> {
    fn next_burst(&mut self) -> Option<Burst> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(1)?;
        }
        self.source.next_burst()
    }
}

/// One burst, and then another source.
#[derive(Debug)]
pub struct Chained<S> {
    /// What comes first, if anything does.
    pub first: Option<Burst>,
    /// What follows.
    pub then: S,
}

impl<S: Source> Source for Chained<S> {
    fn next_burst(&mut self) -> Option<Burst> {
        self.first.take().or_else(|| self.then.next_burst())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Once(Option<Vec<u8>>);

    impl Source for Once {
        fn next_burst(&mut self) -> Option<Burst> {
            Some(Burst::new(self.0.take()?, 1200, Duration::ZERO))
        }
    }

    fn with_parity(bytes: &[u8]) -> Vec<u8> {
        EvenParity(Once(Some(bytes.to_vec()))).next_burst().unwrap().bytes
    }

    #[test]
    fn parity_is_even_and_can_be_taken_off() {
        assert_eq!(with_parity(b"\x02A1"), [0x82, 0x41, 0xB1]);
        let all: Vec<u8> = (0..128).collect();
        let sent = with_parity(&all);
        assert!(sent.iter().all(|byte| byte.count_ones() % 2 == 0));
        let back = StripParity(Once(Some(sent))).next_burst().unwrap().bytes;
        assert_eq!(back, all);
    }

    #[test]
    fn a_byte_that_was_wrong_stays_wrong() {
        let sent = with_parity(&(128..=255).collect::<Vec<u8>>());
        assert!(sent.iter().all(|byte| byte.count_ones() % 2 == 1));
    }

    #[test]
    fn a_burst_lasts_bytes_and_silence() {
        let burst = Burst::new(vec![0; 120], 1200, Duration::from_millis(20));
        assert_eq!(burst.duration(), Duration::from_millis(1020));
    }
}
