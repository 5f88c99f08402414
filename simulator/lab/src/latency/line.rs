//! A line that gives one byte at a time, as a serial port without a buffer does, to several readers at once, and notes when each dataset
//! and each frame ended.

use std::time::{Duration, Instant};
use teleinfo_simulator::failure::Outcome;
use teleinfo_simulator::line::pty::Terminal;
use teleinfo_simulator::line::source::{Burst, Source};
use teleinfo_simulator::line::speed::{Pace, Speed, line_time};
use teleinfo_simulator::line::stop::Stop;

const CR: u8 = 0x0D;

/// When the datasets of a frame ended, in their order, and when the frame did: just before the last byte of each was handed over.
pub(super) struct Ends {
    pub(super) datasets: Vec<Instant>,
    pub(super) frame: Instant,
}

/// Plays a source to its end, or until it is time to stop.
pub(super) fn play(
    source: &mut dyn Source,
    terminals: &[&Terminal],
    speed: Speed,
    stop: &Stop,
    passed: &mut dyn FnMut(&Burst, Ends),
) -> Outcome {
    let mut pace = Pace::new(speed, Instant::now());
    let mut line = Duration::ZERO;
    while let Some(burst) = source.next_burst() {
        let mut ends = Ends { datasets: Vec::new(), frame: Instant::now() };
        for (place, byte) in burst.bytes.iter().enumerate() {
            // A byte is there when its last bit is.
            let due = pace.due(line + line_time(place + 1, burst.baud), Instant::now());
            if due.is_some_and(|due| stop.wait_until(due)) {
                return Ok(());
            }
            ends.frame = Instant::now();
            if *byte == CR {
                ends.datasets.push(ends.frame);
            }
            for terminal in terminals {
                terminal.offer(&[*byte])?;
            }
        }
        line += burst.duration();
        passed(&burst, ends);
    }
    Ok(())
}
