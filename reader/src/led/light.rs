//! The light as a whole: what it shows, on a light that may need a moment to be ours. Trouble is one warning, never a stop.

use std::{
    io,
    path::{Path, PathBuf},
    time::Instant,
};

use teleinfo_proto::tic::Dataset;

use super::{
    Led,
    output::{Output, Place, RETRY, SETTLE, may_pass},
};
use crate::{
    config::{LedMode, Settings},
    journal,
    language::Words,
};

const FAILED: Words = Words::new("LED: {}; going on without it", "LED : {} ; on s'en passe");
const FORBIDDEN: Words = Words::new(
    "LED: {}; going on without it (is the user in the group gpio? [led] mode = \"off\" does without)",
    "LED : {} ; on s'en passe (l'utilisateur est-il dans le groupe gpio ? sinon [led] mode = \"off\")",
);
const TAKEN: Words = Words::new(
    "LED: {}; going on without it (a driver of the kernel has this pin: [led] name takes a LED of /sys/class/leds)",
    "LED : {} ; on s'en passe (un pilote du noyau tient cette broche : [led] name prend une LED de /sys/class/leds)",
);
const NOT_HAD: Words = Words::new(
    "LED: {}; going on without it ([led] mode = \"off\" does without)",
    "LED : {} ; on s'en passe ([led] mode = \"off\" pour ne plus l'essayer)",
);

enum State {
    None,
    Opening { next: Instant, until: Instant },
    Open(Output),
}

/// The light on the shield.
pub(crate) struct Light {
    led: Led,
    state: State,
    class: PathBuf,
    place: Place,
    lit: bool,
}

impl Light {
    /// As the settings want it, among the devices of the kernel below `class`.
    pub(crate) fn new(settings: &Settings, class: &Path, now: Instant) -> Self {
        let place = Place::of(settings, class);
        let mode = match settings.led {
            LedMode::Auto if place.is_ours(class) => LedMode::Delivered,
            LedMode::Auto => LedMode::Off,
            mode => mode,
        };
        let state = if mode == LedMode::Off { State::None } else { State::Opening { next: now, until: now + SETTLE } };
        Self { led: Led::new(mode, settings.full_power), state, class: class.into(), place, lit: false }
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
        match self.state {
            State::None => return,
            State::Opening { next, until } if now >= next => self.open(until, now),
            State::Opening { .. } | State::Open(_) => {}
        }
        self.led.handle_timeout(now);
        self.show();
    }

    /// When [`Light::handle_timeout`] is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::None => None,
            State::Opening { next, .. } => Some(next),
            State::Open(_) => self.led.poll_timeout(),
        }
    }

    fn open(&mut self, until: Instant, now: Instant) {
        self.state = match self.place.open(&self.class) {
            Ok(output) => State::Open(output),
            Err(error) if now < until && may_pass(&error) => State::Opening { next: now + RETRY, until },
            Err(error) => {
                log::warn!("{}", journal::say(advice(error.kind()), &[&error]));
                State::None
            }
        };
    }

    fn show(&mut self) {
        let State::Open(output) = &self.state else { return };
        if self.lit == self.led.is_lit() {
            return;
        }
        self.lit = self.led.is_lit();
        if let Err(error) = output.set(self.lit) {
            log::warn!("{}", journal::say(FAILED, &[&error]));
            self.state = State::None;
        }
    }
}

/// What can be done about a light that could not be taken.
fn advice(kind: io::ErrorKind) -> Words {
    match kind {
        io::ErrorKind::PermissionDenied => FORBIDDEN,
        io::ErrorKind::ResourceBusy => TAKEN,
        _ => NOT_HAD,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        config::Flags,
        led::lamp::tests::{class, written},
    };

    fn light(class: &Path, now: Instant) -> Light {
        let file = tempfile::NamedTempFile::new().unwrap();
        let settings = Settings::load(&Flags { config: Some(file.path().into()), ..Flags::default() }).unwrap();
        Light::new(&settings, class, now)
    }

    #[test]
    fn the_usual_led_flashes_when_a_sample_is_delivered() {
        let (class, now) = (class("TIC", "[none]"), Instant::now());
        let mut light = light(class.path(), now);
        light.handle_timeout(now);
        light.handle_delivered(now);
        light.handle_timeout(now);
        assert_eq!(written(class.path(), "TIC", "brightness", 3), "255");
        let due = light.poll_timeout().expect("the end of the flash");
        assert!(due < now + Duration::from_millis(100));
        light.handle_timeout(due);
        assert_eq!(written(class.path(), "TIC", "brightness", 1), "0");
    }

    #[test]
    fn a_machine_without_a_light_has_none_and_says_nothing() {
        let (class, now) = (class("other", "[none]"), Instant::now());
        assert_eq!(light(class.path(), now).poll_timeout(), None);
    }

    #[test]
    fn what_can_be_done_depends_on_the_trouble() {
        let busy = advice(io::Error::from_raw_os_error(16).kind());
        let forbidden = advice(io::ErrorKind::PermissionDenied);
        assert!(busy.english.contains("/sys/class/leds") && forbidden.english.contains("group gpio"), "{busy:?}");
    }
}
