//! Plays a source on a terminal, at the pace of its line.

use crate::failure::Outcome;
use crate::line::pty::Terminal;
use crate::line::source::{Burst, Source};
use crate::line::speed::{Pace, Speed, line_time};
use crate::line::stop::Stop;
use std::time::{Duration, Instant};

/// How long to wait at the end for a reader that has not taken every byte yet.
const DRAIN: Duration = Duration::from_secs(10);

/// What became of a burst.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// Bytes that the terminal took.
    pub taken: usize,
    /// Bytes that nobody was there for, or that found no room.
    pub lost: usize,
    /// Just before its last bytes were handed over.
    pub at: Instant,
}

/// Plays a source to its end, or until it is time to stop. `observe` learns what became of each burst.
///
/// # Errors
/// When the terminal fails, or the observer.
pub fn play(
    source: &mut dyn Source,
    terminal: &Terminal,
    speed: Speed,
    stop: &Stop,
    observe: &mut dyn FnMut(&Burst, Sent) -> Outcome,
) -> Outcome {
    let mut player = Player { terminal, stop, speed, pace: Pace::new(speed, Instant::now()), line: Duration::ZERO };
    while let Some(burst) = source.next_burst() {
        let Some(sent) = player.burst(&burst)? else {
            return Ok(());
        };
        observe(&burst, sent)?;
    }
    player.wait_for(player.line);
    terminal.drain(DRAIN, stop);
    Ok(())
}

struct Player<'t> {
    terminal: &'t Terminal,
    stop: &'t Stop,
    speed: Speed,
    pace: Pace,
    line: Duration,
}

impl Player<'_> {
    /// Sends one burst; none when it was time to stop.
    fn burst(&mut self, burst: &Burst) -> Outcome<Option<Sent>> {
        let gather = self.pace.gather(burst.baud);
        let mut taken = 0;
        let mut ended = 0;
        let mut at = Instant::now();
        for bytes in burst.bytes.chunks(gather) {
            ended += bytes.len();
            // Bytes arrive when their last bit has: hence the end of the last one.
            if self.wait_for(self.line + line_time(ended, burst.baud)) {
                return Ok(None);
            }
            at = Instant::now();
            match self.send(bytes)? {
                Some(n) => taken += n,
                None => return Ok(None),
            }
        }
        self.line += burst.duration();
        let stopped = burst.bytes.is_empty() && self.wait_for(self.line);
        Ok((!stopped && !self.stop.is_set()).then_some(Sent { taken, lost: burst.bytes.len() - taken, at }))
    }

    fn send(&self, bytes: &[u8]) -> Outcome<Option<usize>> {
        match self.speed {
            Speed::Max => Ok(self.terminal.send(bytes, self.stop)?.then_some(bytes.len())),
            Speed::Times(_) => self.terminal.offer(bytes).map(Some),
        }
    }

    /// Sleeps until this point on the line; true when it is time to stop.
    fn wait_for(&mut self, line: Duration) -> bool {
        match self.pace.due(line, Instant::now()) {
            Some(due) => self.stop.wait_until(due),
            None => false,
        }
    }
}
