//! A LED that the kernel drives by itself, through `/sys/class/leds/<name>` (Linux `Documentation/leds/leds-class.rst`).
//!
//! It is the way where a kernel has no `/sys/class/gpio` any more, or where a driver holds the pin already: `dtoverlay=gpio-led` on a Pi
//! gives a pin a name. The kernel may have put the LED to a use of its own, its *trigger*; that is put back at the end.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::named;

/// Below the folder of the kernel's classes.
const LEDS: &str = "leds";

/// A LED by its name.
#[derive(Debug)]
pub(crate) struct Lamp {
    path: PathBuf,
    brightness: File,
    /// What lights it fully.
    bright: String,
    /// What the kernel used it for before.
    trigger: Option<String>,
}

impl Lamp {
    /// Takes the LED of this name, and puts it out.
    ///
    /// # Errors
    /// With the path that is the trouble. [`io::ErrorKind::PermissionDenied`] may pass while udev gives the files to the group gpio.
    pub(super) fn open(class: &Path, name: &str) -> io::Result<Self> {
        let path = class.join(LEDS).join(name);
        let file = path.join("brightness");
        let brightness = OpenOptions::new().write(true).open(&file).map_err(|error| named(&file, error))?;
        let bright = fs::read_to_string(path.join("max_brightness")).map_or_else(|_| "1".into(), |text| text.trim().into());
        let trigger = fs::read_to_string(path.join("trigger")).ok().and_then(|text| chosen(&text));
        let lamp = Self { path, brightness, bright, trigger };
        if lamp.trigger.is_some() {
            lamp.set_trigger("none")?;
        }
        lamp.set(false)?;
        Ok(lamp)
    }

    /// Lit or dark.
    ///
    /// # Errors
    /// The LED has been taken away.
    pub(super) fn set(&self, lit: bool) -> io::Result<()> {
        let text = if lit { self.bright.as_bytes() } else { b"0" };
        self.brightness.write_all_at(text, 0).map_err(|error| named(&self.path.join("brightness"), error))
    }

    fn set_trigger(&self, trigger: &str) -> io::Result<()> {
        let path = self.path.join("trigger");
        let file = OpenOptions::new().write(true).open(&path);
        file.and_then(|file| file.write_all_at(trigger.as_bytes(), 0)).map_err(|error| named(&path, error))
    }
}

impl Drop for Lamp {
    fn drop(&mut self) {
        let _ = self.set(false);
        if let Some(trigger) = &self.trigger {
            let _ = self.set_trigger(trigger);
        }
    }
}

/// Is there a LED of this name?
pub(super) fn exists(class: &Path, name: &str) -> bool {
    class.join(LEDS).join(name).is_dir()
}

/// The trigger in brackets, unless it is none: `none [heartbeat] cpu`.
fn chosen(triggers: &str) -> Option<String> {
    let chosen = triggers.split_whitespace().find_map(|word| word.strip_prefix('[')?.strip_suffix(']'));
    chosen.filter(|trigger| *trigger != "none").map(str::to_owned)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The folder of the kernel's classes, with one LED in it.
    pub(crate) fn class(name: &str, triggers: &str) -> tempfile::TempDir {
        let class = tempfile::tempdir().unwrap();
        let led = class.path().join(LEDS).join(name);
        fs::create_dir_all(&led).unwrap();
        for (file, text) in [("brightness", "0\n"), ("max_brightness", "255\n"), ("trigger", triggers)] {
            fs::write(led.join(file), text).unwrap();
        }
        class
    }

    /// What was written last to a file of the LED. A real one has no length, so what stood behind it does not count.
    pub(crate) fn written(class: &Path, name: &str, file: &str, length: usize) -> String {
        fs::read_to_string(class.join(LEDS).join(name).join(file)).unwrap()[..length].to_owned()
    }

    #[test]
    fn it_is_lit_fully_left_dark_and_given_back_to_its_trigger() {
        let class = class("TIC", "none cpu [heartbeat] panic\n");
        let lamp = Lamp::open(class.path(), "TIC").unwrap();
        assert_eq!(written(class.path(), "TIC", "trigger", 4), "none");
        lamp.set(true).unwrap();
        assert_eq!(written(class.path(), "TIC", "brightness", 3), "255");
        drop(lamp);
        assert_eq!(written(class.path(), "TIC", "brightness", 1), "0");
        assert_eq!(written(class.path(), "TIC", "trigger", 9), "heartbeat");
    }

    #[test]
    fn a_led_without_a_trigger_is_left_without_one() {
        let class = class("TIC", "[none] cpu\n");
        drop(Lamp::open(class.path(), "TIC").unwrap());
        assert_eq!(written(class.path(), "TIC", "trigger", 6), "[none]", "nothing was written");
        let error = Lamp::open(class.path(), "other").unwrap_err();
        assert!(error.to_string().contains("leds/other/brightness") && error.kind() == io::ErrorKind::NotFound, "{error}");
        assert!(exists(class.path(), "TIC") && !exists(class.path(), "other"));
    }
}
