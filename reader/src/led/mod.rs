//! The light on the shield. This file says when it is on, `output` takes a light and puts it on and off (`gpio` by its number, `lamp` by the
//! name that the kernel has for it), `light` joins the two. What is sent is not decided here.
//!
//! *Delivered*: a flash for each receipt of the bridge, so a light that blinks means that the values are in MQTT, and one that stays dark or
//! lit means that no data flows.
//! *Power*: from slow and long at nothing drawn to a flicker at full power.

mod gpio;
pub(crate) mod lamp;
pub(crate) mod light;
pub(crate) mod output;

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use teleinfo_proto::tic::{Dataset, Role, Value, spec::FAULT_AFTER_S};

use crate::config::LedMode;

/// A flash: long enough to be seen.
const FLASH: Duration = Duration::from_millis(10);
/// While nothing is drawn, the light is lit for this long.
const IDLE_ON: Duration = Duration::from_millis(200);
/// While nothing is drawn, the light is lit once in this time.
const IDLE_PERIOD: Duration = Duration::from_millis(2000);
/// At full power, the light flashes once in this time.
const FULL_PERIOD: Duration = Duration::from_millis(100);
/// Power that has not been heard of for so long is not shown: a receiver reports a fault then.
const STALE: Duration = Duration::from_secs(FAULT_AFTER_S);

/// When the light is on.
#[derive(Debug)]
pub(crate) struct Led {
    /// What it shows, once `Auto` is resolved.
    mode: LedMode,
    /// VA at which it blinks fastest.
    full_power: u32,
    lit: bool,
    /// When the light changes next.
    change: Option<Instant>,
    /// VA drawn, and when that was heard.
    power: Option<(u32, Instant)>,
}

impl Led {
    /// Dark at first.
    pub(crate) fn new(mode: LedMode, full_power: u32) -> Self {
        Self { mode, full_power, lit: false, change: None, power: None }
    }

    /// The bridge says that the broker has what was sent.
    pub(crate) fn handle_delivered(&mut self, now: Instant) {
        if self.mode == LedMode::Delivered {
            (self.lit, self.change) = (true, Some(now + FLASH));
        }
    }

    /// The meter has told something: what counts is the apparent power drawn.
    pub(crate) fn handle_dataset(&mut self, dataset: &Dataset<'_>, now: Instant) {
        if let Value::ApparentPower(power) = dataset.value()
            && dataset.role() == Some(Role::PowerWithdrawn)
        {
            self.handle_power(power.get(), now);
        }
    }

    fn handle_power(&mut self, power: u32, now: Instant) {
        if self.mode == LedMode::Power {
            self.power = Some((power, now));
            self.change.get_or_insert(now);
        }
    }

    /// Time has passed.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.change.is_none_or(|at| now < at) {
            return;
        }
        let rhythm = self.rhythm(now);
        self.change = rhythm.map(|(on, period)| now + if self.lit { period - on } else { on });
        self.lit = !self.lit && rhythm.is_some();
    }

    /// When [`Led::handle_timeout`] is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.change
    }

    /// Is the light on?
    pub(crate) fn is_lit(&self) -> bool {
        self.lit
    }

    /// Time on and period, in proportion to power.
    fn rhythm(&self, now: Instant) -> Option<(Duration, Duration)> {
        let (power, _) = self.power.filter(|(_, heard)| self.mode == LedMode::Power && now - *heard < STALE)?;
        let full = self.full_power;
        let between = |idle: Duration, fast: Duration| idle - (idle - fast) * power.min(full) / full;
        Some((between(IDLE_ON, FLASH), between(IDLE_PERIOD, FULL_PERIOD)))
    }
}

/// An error with the file that it is about.
fn named(path: &Path, error: impl Into<io::Error>) -> io::Error {
    let error = error.into();
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::{Decoder, Event, Parity};

    use super::*;

    /// The moments, in milliseconds, at which the light changes.
    fn changes(led: &mut Led, start: Instant, until: Duration) -> Vec<(u128, bool)> {
        let mut changes = Vec::new();
        while let Some(at) = led.poll_timeout().filter(|at| *at < start + until) {
            led.handle_timeout(at);
            changes.push(((at - start).as_millis(), led.is_lit()));
        }
        changes
    }

    #[test]
    fn a_delivered_sample_flashes_for_ten_milliseconds() {
        let now = Instant::now();
        let mut led = Led::new(LedMode::Delivered, 6000);
        assert_eq!(led.poll_timeout(), None);
        led.handle_delivered(now);
        assert!(led.is_lit());
        assert_eq!(changes(&mut led, now, Duration::from_secs(60)), [(10, false)]);
        led.handle_power(6000, now);
        assert_eq!(led.poll_timeout(), None);
    }

    #[test]
    fn power_sets_the_rhythm() {
        for (power, on, period) in [(0, 200, 2000), (3000, 105, 1050), (6000, 10, 100), (9000, 10, 100)] {
            let now = Instant::now();
            let mut led = Led::new(LedMode::Power, 6000);
            led.handle_power(power, now);
            let changes = changes(&mut led, now, Duration::from_secs(4));
            assert_eq!(changes[..4], [(0, true), (on, false), (period, true), (period + on, false)], "{power} VA");
        }
    }

    #[test]
    fn power_is_shown_under_whatever_label_a_meter_tells_it() {
        let file = include_bytes!("../../../proto/tests/frames/syn-std-g1-pilot-labels.tic");
        let (mut decoder, mut bytes, now) = (Decoder::new(Parity::Stripped), file.as_slice(), Instant::now());
        let mut led = Led::new(LedMode::Power, 6000);
        while let Some(event) = decoder.next_event(&mut bytes) {
            if let Event::Dataset(dataset) = event {
                led.handle_dataset(&dataset, now);
            }
        }
        assert_eq!(led.power, Some((640, now)), "a pilot meter says SINST1");
    }

    #[test]
    fn power_that_is_no_longer_heard_of_leaves_the_light_dark() {
        let now = Instant::now();
        let mut led = Led::new(LedMode::Power, 6000);
        led.handle_power(1000, now);
        let changes = changes(&mut led, now, Duration::from_secs(3600));
        let (last, lit) = *changes.last().unwrap();
        assert!((10_000..13_000).contains(&last) && !lit, "{last} {lit}");
        led.handle_power(1000, now + Duration::from_secs(3600));
        assert!(led.poll_timeout().is_some());
    }
}
