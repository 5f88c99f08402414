//! The light as a whole: what it shows, on a pin that may need a moment to be ours. Trouble is one warning, never a stop.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use teleinfo_proto::tic::Dataset;

use super::{
    Led,
    gpio::{self, EXPORT, EXPORT_RETRY, Gpio},
};
use crate::config::{LedMode, Settings};

enum Pin {
    None,
    Opening { next: Instant, until: Instant },
    Open(Gpio),
}

/// The light on the shield.
pub(crate) struct Light {
    led: Led,
    pin: Pin,
    root: PathBuf,
    number: u32,
    lit: bool,
}

impl Light {
    /// As the settings want it, with the GPIOs below `root`.
    pub(crate) fn new(settings: &Settings, root: &Path, now: Instant) -> Self {
        let mode = match settings.led {
            LedMode::Auto if gpio::is_pi(root) => LedMode::Delivered,
            LedMode::Auto => LedMode::Off,
            mode => mode,
        };
        let pin = if mode == LedMode::Off { Pin::None } else { Pin::Opening { next: now, until: now + EXPORT } };
        Self { led: Led::new(mode, settings.full_power), pin, root: root.into(), number: settings.gpio, lit: false }
    }

    /// A sample has left for the bridge.
    pub(crate) fn handle_delivered(&mut self, now: Instant) {
        self.led.handle_delivered(now);
    }

    /// The meter has told something.
    pub(crate) fn handle_dataset(&mut self, dataset: &Dataset<'_>, now: Instant) {
        self.led.handle_dataset(dataset, now);
    }

    /// Time has passed, or something was handled.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        match self.pin {
            Pin::None => return,
            Pin::Opening { next, until } if now >= next => self.open(until, now),
            Pin::Opening { .. } | Pin::Open(_) => {}
        }
        self.led.handle_timeout(now);
        self.show();
    }

    /// When [`Light::handle_timeout`] is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match self.pin {
            Pin::None => None,
            Pin::Opening { next, .. } => Some(next),
            Pin::Open(_) => self.led.poll_timeout(),
        }
    }

    fn open(&mut self, until: Instant, now: Instant) {
        self.pin = match Gpio::open(&self.root, self.number) {
            Ok(gpio) => Pin::Open(gpio),
            Err(error) if now < until && gpio::may_pass(&error) => Pin::Opening { next: now + EXPORT_RETRY, until },
            Err(error) => {
                log::warn!("LED: {error}; going on without it (is the user in the group gpio? [led] mode = \"off\" does without)");
                Pin::None
            }
        };
    }

    fn show(&mut self) {
        let Pin::Open(gpio) = &self.pin else { return };
        if self.lit == self.led.is_lit() {
            return;
        }
        self.lit = self.led.is_lit();
        if let Err(error) = gpio.set(self.lit) {
            log::warn!("LED: {error}; going on without it");
            self.pin = Pin::None;
        }
    }
}
