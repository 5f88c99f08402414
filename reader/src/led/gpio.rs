//! One GPIO as an output, through `/sys/class/gpio` (Linux `Documentation/admin-guide/gpio/sysfs.rst`).
//!
//! The numbers there are not the Pi's: each chip begins at a `base`, 0 on older kernels and 512 on newer ones, so the chip is looked up by
//! its label. After `export` udev needs a moment to give the new files to the group gpio, so opening may have to be tried again.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where the kernel shows its GPIOs.
pub(crate) const ROOT: &str = "/sys/class/gpio";

/// The chips behind the Pi's pin header: Pi 5, Pi 4, all before.
const LABELS: [&str; 3] = ["pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835"];

/// Within this time udev gives a freshly exported pin to its group.
pub(crate) const EXPORT: Duration = Duration::from_secs(3);
/// After this time a pin that could not be opened is tried again.
pub(crate) const EXPORT_RETRY: Duration = Duration::from_millis(100);

/// Whether an error of [`Gpio::open`] may pass within [`EXPORT`].
pub(crate) fn may_pass(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound)
}

/// An output pin.
#[derive(Debug)]
pub(crate) struct Gpio {
    value: File,
    /// Where to give the pin back, and its number there.
    unexport: Option<(PathBuf, u32)>,
}

impl Gpio {
    /// Takes pin `number` (as the Pi counts) below `root`, and puts the light out.
    ///
    /// # Errors
    /// With the path that is the trouble. [`io::ErrorKind::PermissionDenied`] or `NotFound` just after the export may pass.
    pub(crate) fn open(root: &Path, number: u32) -> io::Result<Self> {
        let kernel = base(root, number)? + number;
        let directory = root.join(format!("gpio{kernel}"));
        let mine = !directory.exists();
        if mine {
            write(&root.join("export"), &kernel.to_string())?;
        }
        write(&directory.join("direction"), "low").or_else(|_| write(&directory.join("direction"), "out"))?;
        let path = directory.join("value");
        let value = OpenOptions::new().write(true).open(&path).map_err(|error| named(&path, &error))?;
        let gpio = Self { value, unexport: mine.then(|| (root.join("unexport"), kernel)) };
        gpio.set(false)?;
        Ok(gpio)
    }

    /// Lit or dark.
    ///
    /// # Errors
    /// The pin has been taken away.
    pub(crate) fn set(&self, lit: bool) -> io::Result<()> {
        self.value.write_all_at(if lit { b"1" } else { b"0" }, 0)
    }
}

impl Drop for Gpio {
    fn drop(&mut self) {
        let _ = self.set(false);
        if let Some((path, kernel)) = &self.unexport {
            let _ = write(path, &kernel.to_string());
        }
    }
}

/// Are these the GPIOs of a Raspberry Pi? A PC has some too, and they are not for us.
pub(crate) fn is_pi(root: &Path) -> bool {
    chips(root).is_ok_and(|chips| chips.iter().any(|chip| LABELS.contains(&chip.label.as_str())))
}

/// The first number of the chip that pin `number` is on.
fn base(root: &Path, number: u32) -> io::Result<u32> {
    let chips = chips(root)?;
    let labelled = LABELS.iter().find_map(|label| chips.iter().find(|chip| chip.label == *label));
    let chip = labelled.or_else(|| chips.iter().min_by_key(|chip| chip.base));
    match chip {
        Some(chip) if number < chip.count => Ok(chip.base),
        Some(chip) => Err(io::Error::other(format!("GPIO {number}: the chip {} has {} only", chip.label, chip.count))),
        None => Err(io::Error::new(io::ErrorKind::Unsupported, format!("{}: no GPIO chip there", root.display()))),
    }
}

struct Chip {
    label: String,
    base: u32,
    count: u32,
}

fn chips(root: &Path) -> io::Result<Vec<Chip>> {
    let entries = fs::read_dir(root).map_err(|error| named(root, &error))?;
    let chips = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("gpiochip"));
    Ok(chips.filter_map(|entry| chip(&entry.path())).collect())
}

fn chip(directory: &Path) -> Option<Chip> {
    let read = |name| fs::read_to_string(directory.join(name)).ok().map(|text| text.trim().to_owned());
    Some(Chip { label: read("label")?, base: read("base")?.parse().ok()?, count: read("ngpio")?.parse().ok()? })
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path);
    file.and_then(|file| file.write_all_at(text.as_bytes(), 0)).map_err(|error| named(path, &error))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a kernel shows: the pin header's chip at `base`, and an expander that must not be taken for it.
    fn kernel(base: u32, label: &str, exported: u32) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (base, label, count) in [(base, label, 54), (base + 54, "raspberrypi-exp-gpio", 8)] {
            let chip = root.path().join(format!("gpiochip{base}"));
            fs::create_dir(&chip).unwrap();
            fs::write(chip.join("label"), format!("{label}\n")).unwrap();
            fs::write(chip.join("base"), format!("{base}\n")).unwrap();
            fs::write(chip.join("ngpio"), format!("{count}\n")).unwrap();
        }
        let pin = root.path().join(format!("gpio{exported}"));
        fs::create_dir(&pin).unwrap();
        for file in ["direction", "value"] {
            fs::write(pin.join(file), "").unwrap();
        }
        fs::write(root.path().join("export"), "").unwrap();
        root
    }

    fn value(root: &Path, pin: u32) -> String {
        fs::read_to_string(root.join(format!("gpio{pin}/value"))).unwrap()
    }

    #[test]
    fn the_base_of_the_chip_is_added() {
        for (base, label) in [(0, "pinctrl-bcm2835"), (512, "pinctrl-bcm2711"), (569, "pinctrl-rp1"), (512, "gpio-mockup-A")] {
            let root = kernel(base, label, base + 4);
            let gpio = Gpio::open(root.path(), 4).unwrap();
            assert_eq!(value(root.path(), base + 4), "0");
            gpio.set(true).unwrap();
            assert_eq!(value(root.path(), base + 4), "1", "{label}");
            drop(gpio);
            assert_eq!(value(root.path(), base + 4), "0", "dark at the end");
        }
    }

    #[test]
    fn a_pin_that_is_not_there_is_exported() {
        let root = kernel(512, "pinctrl-bcm2711", 530);
        let error = Gpio::open(root.path(), 4).unwrap_err();
        assert_eq!(fs::read_to_string(root.path().join("export")).unwrap(), "516");
        assert_eq!(error.kind(), io::ErrorKind::NotFound, "udev has not made it yet: {error}");
    }

    #[test]
    fn trouble_is_named() {
        let root = tempfile::tempdir().unwrap();
        assert!(Gpio::open(root.path(), 4).unwrap_err().to_string().contains("no GPIO chip"));
        assert!(Gpio::open(Path::new("/nowhere/gpio"), 4).unwrap_err().to_string().contains("/nowhere/gpio"));
        let root = kernel(0, "pinctrl-bcm2835", 60);
        assert!(Gpio::open(root.path(), 60).unwrap_err().to_string().contains("has 54 only"));
    }
}
