//! The speed of the line: ten bits a byte at 1200 or 9600 baud, times what the user asks for.
//!
//! Every byte has its own time on an absolute schedule, so that neither sleeping too long nor the work between
//! two bytes adds up to a drift.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// Start bit, seven data bits, parity, stop bit (Enedis-NOI-CPT_54E §5.3.5).
pub const BITS_PER_BYTE: u64 = 10;

/// How long the bytes of one write may take on the line: what a UART's FIFO or a USB adapter gathers.
const GATHER: Duration = Duration::from_millis(10);

/// Later than this, the schedule moves instead of catching up: a meter never sends faster than its line.
const TOO_LATE: Duration = Duration::from_secs(1);

/// The time that this many bytes take on the line.
#[must_use]
pub fn line_time(bytes: usize, baud: u32) -> Duration {
    Duration::from_nanos(bytes as u64 * BITS_PER_BYTE * 1_000_000_000 / u64::from(baud))
}

/// How fast a simulated line runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// This many times a real one.
    Times(f64),
    /// As fast as the reader takes it.
    Max,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse() {
            Ok(times) if (0.01..=100_000.0).contains(&times) => Ok(Self::Times(times)),
            _ => Err("a number between 0.01 and 100000, or max".into()),
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Times(times) => write!(f, "{times}"),
            Self::Max => f.write_str("max"),
        }
    }
}

/// Turns time on the line into time on the wall.
#[derive(Debug)]
pub struct Pace {
    speed: Speed,
    start: Instant,
}

impl Pace {
    /// A line whose first bit starts now.
    #[must_use]
    pub fn new(speed: Speed, now: Instant) -> Self {
        Self { speed, start: now }
    }

    /// When this point of the line's time is due; none when there is nothing to wait for.
    pub fn due(&mut self, line: Duration, now: Instant) -> Option<Instant> {
        let Speed::Times(times) = self.speed else {
            return None;
        };
        let due = self.start + line.div_f64(times);
        let late = now.saturating_duration_since(due);
        if late > TOO_LATE {
            self.start += late;
        }
        Some(due)
    }

    /// How many bytes to write at a time.
    #[must_use]
    pub fn gather(&self, baud: u32) -> usize {
        let Speed::Times(times) = self.speed else {
            return usize::MAX;
        };
        let bytes = f64::from(baud) * times * GATHER.as_secs_f64() / BITS_PER_BYTE as f64;
        (bytes as usize).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_ten_bits() {
        assert_eq!(line_time(120, 1200), Duration::from_secs(1));
        assert_eq!(line_time(960, 9600), Duration::from_secs(1));
    }

    #[test]
    fn speeds_parse_and_print() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("2.5".parse(), Ok(Speed::Times(2.5)));
        assert_eq!(Speed::Times(2.5).to_string(), "2.5");
        for bad in ["0", "-1", "fast", "nan", "inf"] {
            assert!(bad.parse::<Speed>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_hour_of_bytes_does_not_drift() {
        let start = Instant::now();
        let mut pace = Pace::new(Speed::Times(2.0), start);
        let hour = Duration::from_secs(3600);
        // However late each wake-up was, the due time of a byte depends on its place alone.
        let due = pace.due(hour, start + hour / 2 + Duration::from_millis(900));
        assert_eq!(due, Some(start + hour / 2));
    }

    #[test]
    fn a_long_stop_moves_the_schedule() {
        let start = Instant::now();
        let mut pace = Pace::new(Speed::Times(1.0), start);
        let woken = start + Duration::from_secs(100);
        assert!(pace.due(Duration::from_secs(1), woken).is_some());
        let next = pace.due(Duration::from_secs(2), woken);
        assert_eq!(next, Some(woken + Duration::from_secs(1)));
    }

    #[test]
    fn writes_gather_ten_milliseconds() {
        let now = Instant::now();
        assert_eq!(Pace::new(Speed::Times(1.0), now).gather(1200), 1);
        assert_eq!(Pace::new(Speed::Times(1.0), now).gather(9600), 9);
        assert_eq!(Pace::new(Speed::Times(100.0), now).gather(9600), 960);
    }
}
