//! A battery that wants the grid at 0 W: each second it asks for the newest value, and adds a share of it to what it gives. What it is told
//! shows after a dead time, and then gradually, as batteries do that are sold.

use std::collections::VecDeque;

/// Between two questions, in s.
const POLL: f64 = 1.0;
/// From a command to the first effect, in s.
const DEAD: f64 = 0.3;
/// From there, 63 % are reached after so many s.
const RESPONSE: f64 = 1.0;

/// One battery.
#[derive(Debug, Clone)]
pub(super) struct Battery {
    limit: f64,
    gain: f64,
    command: f64,
    asks_at: f64,
    /// Commands on their way, with the time at which they show.
    coming: VecDeque<(f64, f64)>,
    target: f64,
    output: f64,
}

impl Battery {
    /// A battery that rests, and gives or takes at most so many W.
    pub(super) fn new(limit: f64, gain: f64) -> Self {
        Self { limit, gain, command: 0.0, asks_at: 0.0, coming: VecDeque::new(), target: 0.0, output: 0.0 }
    }

    /// The same battery, at rest.
    pub(super) fn rested(&self) -> Self {
        Self::new(self.limit, self.gain)
    }

    /// Whether it asks now, which begins its next second.
    pub(super) fn asks(&mut self, now: f64) -> bool {
        let asks = now >= self.asks_at;
        if asks {
            self.asks_at += POLL;
        }
        asks
    }

    /// The answer to a question: W, positive when drawn from the grid. The same value said twice is added twice.
    pub(super) fn handle_answer(&mut self, watts: f64, now: f64) {
        self.command = (self.command + self.gain * watts).clamp(-self.limit, self.limit);
        self.coming.push_back((now + DEAD, self.command));
    }

    /// What it gives after so many seconds more, in W; negative while it takes.
    pub(super) fn step(&mut self, seconds: f64, now: f64) -> f64 {
        while self.coming.front().is_some_and(|(at, _)| *at <= now) {
            self.target = self.coming.pop_front().map_or(self.target, |(_, command)| command);
        }
        self.output += (self.target - self.output) * (1.0 - (-seconds / RESPONSE).exp());
        self.output
    }
}
