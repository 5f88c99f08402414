//! Which light it is: a LED that the kernel knows by name, or a GPIO of the Pi's pin header; and how it is taken, lit and given back.

use std::{io, path::Path, time::Duration};

use super::{
    gpio::{self, Gpio},
    lamp::{self, Lamp},
};
use crate::config::Settings;

/// Where the kernel shows its devices by class.
pub(crate) const CLASS: &str = "/sys/class";
/// The LED that is taken without a word in the configuration, if it is there. Our udev rule gives it to the group gpio.
pub(crate) const USUAL_NAME: &str = "TIC";

/// Within this time udev gives a fresh pin or LED to its group.
pub(crate) const SETTLE: Duration = Duration::from_secs(3);
/// After this time a light that could not be taken is tried again.
pub(crate) const RETRY: Duration = Duration::from_millis(100);

/// Where the light is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A LED of the kernel, by name.
    Named(String),
    /// A GPIO, as the Pi counts.
    Gpio(u32),
}

impl Place {
    /// The named LED if one is configured, or if the usual one is there; else the GPIO.
    pub(crate) fn of(settings: &Settings, class: &Path) -> Self {
        let usual = || lamp::exists(class, USUAL_NAME).then(|| USUAL_NAME.to_owned());
        settings.led_name.clone().or_else(usual).map_or(Self::Gpio(settings.gpio), Self::Named)
    }

    /// Is it certainly a light for us? The GPIOs of a PC are not.
    pub(crate) fn is_ours(&self, class: &Path) -> bool {
        match self {
            Self::Named(_) => true,
            Self::Gpio(_) => gpio::is_pi(class),
        }
    }

    /// Takes the light, and puts it out.
    ///
    /// # Errors
    /// With the path that is the trouble; see [`may_pass`].
    pub(crate) fn open(&self, class: &Path) -> io::Result<Output> {
        match self {
            Self::Named(name) => Lamp::open(class, name).map(Output::Lamp),
            Self::Gpio(number) => Gpio::open(class, *number).map(Output::Gpio),
        }
    }
}

/// Whether an error of [`Place::open`] may pass within [`SETTLE`].
pub(crate) fn may_pass(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound)
}

/// A light that is ours.
#[derive(Debug)]
pub(crate) enum Output {
    /// A LED of the kernel.
    Lamp(Lamp),
    /// A GPIO.
    Gpio(Gpio),
}

impl Output {
    /// Lit or dark.
    ///
    /// # Errors
    /// The light has been taken away.
    pub(crate) fn set(&self, lit: bool) -> io::Result<()> {
        match self {
            Self::Lamp(lamp) => lamp.set(lit),
            Self::Gpio(gpio) => gpio.set(lit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Flags, led::lamp::tests::class};

    fn settings(config: &str) -> Settings {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), config).unwrap();
        Settings::load(&Flags { config: Some(file.path().into()), ..Flags::default() }).unwrap()
    }

    #[test]
    fn a_name_wins_then_the_usual_led_then_the_gpio() {
        let (usual, none) = (class("TIC", "[none]"), class("other", "[none]"));
        assert_eq!(Place::of(&settings(""), usual.path()), Place::Named("TIC".into()));
        assert_eq!(Place::of(&settings("[led]\ngpio = 17"), none.path()), Place::Gpio(17));
        let named = settings("[led]\nname = \"mine\"");
        for class in [usual.path(), none.path()] {
            assert_eq!(
                Place::of(&named, class),
                Place::Named("mine".into()),
                "a name that is not there is an error, not a reason to guess"
            );
        }
        assert!(Place::Named("x".into()).is_ours(none.path()) && !Place::Gpio(4).is_ours(none.path()));
    }
}
