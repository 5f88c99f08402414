//! One GPIO as an output, through `/sys/class/gpio` (Linux `Documentation/admin-guide/gpio/sysfs.rst`), by the crate `sysfs_gpio`.
//!
//! The numbers there are not the Pi's: each chip begins at a `base`, 0 on older kernels and 458, 512 or 569 on newer ones, so the chip is
//! looked up by its label. That look-up is what this file adds. After the export udev needs a moment to give the new files to the group
//! gpio, so opening may have to be tried again.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sysfs_gpio::{Direction, Pin};

use super::named;

/// Below the folder of the kernel's classes. The crate knows one such folder only: `/sys/class`.
const GPIO: &str = "gpio";

/// The chips behind the Pi's pin header: Pi 5, Pi 4, all before.
const LABELS: [&str; 3] = ["pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835"];

/// An output pin.
#[derive(Debug)]
pub(crate) struct Gpio {
    pin: Pin,
    path: PathBuf,
    /// It was not there before, so it is given back at the end.
    is_ours: bool,
}

impl Gpio {
    /// Takes pin `number` (as the Pi counts), and puts the light out.
    ///
    /// # Errors
    /// With the path that is the trouble. [`io::ErrorKind::PermissionDenied`] or `NotFound` just after the export may pass.
    pub(super) fn open(class: &Path, number: u32) -> io::Result<Self> {
        let root = class.join(GPIO);
        let kernel = base(&root, number)? + number;
        let pin = Pin::new(kernel.into());
        let path = root.join(format!("gpio{kernel}"));
        let is_ours = !pin.is_exported();
        pin.export().map_err(|error| named(&root.join("export"), error))?;
        let gpio = Self { pin, path, is_ours };
        let low = pin.set_direction(Direction::Low).or_else(|_| pin.set_direction(Direction::Out));
        low.map_err(|error| named(&gpio.path.join("direction"), error))?;
        gpio.set(false)?;
        Ok(gpio)
    }

    /// Lit or dark.
    ///
    /// # Errors
    /// The pin has been taken away.
    pub(super) fn set(&self, lit: bool) -> io::Result<()> {
        self.pin.set_value(lit.into()).map_err(|error| named(&self.path.join("value"), error))
    }
}

impl Drop for Gpio {
    fn drop(&mut self) {
        let _ = self.set(false);
        if self.is_ours {
            let _ = self.pin.unexport();
        }
    }
}

/// Are these the GPIOs of a Raspberry Pi? A PC has some too, and they are not for us.
pub(super) fn is_pi(class: &Path) -> bool {
    chips(&class.join(GPIO)).is_ok_and(|chips| chips.iter().any(|chip| LABELS.contains(&chip.label.as_str())))
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
    let entries = fs::read_dir(root).map_err(|error| named(root, error))?;
    let chips = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("gpiochip"));
    Ok(chips.filter_map(|entry| chip(&entry.path())).collect())
}

fn chip(directory: &Path) -> Option<Chip> {
    let read = |name| fs::read_to_string(directory.join(name)).ok().map(|text| text.trim().to_owned());
    Some(Chip { label: read("label")?, base: read("base")?.parse().ok()?, count: read("ngpio")?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a kernel shows: the pin header's chip at `base`, and an expander that must not be taken for it.
    fn kernel(base: u32, label: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (base, label, count) in [(base, label, 54), (base + 54, "raspberrypi-exp-gpio", 8)] {
            let chip = root.path().join(format!("gpiochip{base}"));
            fs::create_dir(&chip).unwrap();
            fs::write(chip.join("label"), format!("{label}\n")).unwrap();
            fs::write(chip.join("base"), format!("{base}\n")).unwrap();
            fs::write(chip.join("ngpio"), format!("{count}\n")).unwrap();
        }
        root
    }

    #[test]
    fn the_base_is_that_of_the_chip_with_the_pi_s_label() {
        for (first, label) in
            [(0, "pinctrl-bcm2835"), (458, "pinctrl-bcm2835"), (512, "pinctrl-bcm2711"), (569, "pinctrl-rp1"), (512, "gpio-mockup-A")]
        {
            let root = kernel(first, label);
            assert_eq!(base(root.path(), 4).unwrap(), first, "{label}");
        }
    }

    #[test]
    fn trouble_is_named() {
        let class = tempfile::tempdir().unwrap();
        assert!(base(class.path(), 4).unwrap_err().to_string().contains("no GPIO chip"));
        assert!(Gpio::open(Path::new("/nowhere"), 4).unwrap_err().to_string().contains("/nowhere/gpio"));
        assert!(base(kernel(0, "pinctrl-bcm2835").path(), 60).unwrap_err().to_string().contains("has 54 only"));
        assert!(!is_pi(Path::new("/nowhere")));
    }
}
