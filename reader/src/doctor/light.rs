//! Does the light work? It is lit three times, and whoever stands there sees it or does not.

use std::{
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::report::Report;
use crate::{
    config::{LedMode, Settings},
    daemon::exit::ExitCode,
    led::gpio::{self, EXPORT, EXPORT_RETRY, Gpio},
};

/// The light is lit this many times.
const TIMES: u32 = 3;
/// It is lit for this long each time, and dark as long.
const LONG: Duration = Duration::from_millis(200);

/// Blinks, with the GPIOs below `root`.
pub(super) fn check(report: &mut Report<'_>, settings: &Settings, root: &Path) {
    match settings.led {
        LedMode::Off => return report.skip("light", "off, says the configuration"),
        LedMode::Auto if !gpio::is_pi(root) => return report.skip("light", "no Raspberry Pi GPIO here"),
        LedMode::Auto | LedMode::Delivered | LedMode::Power => {}
    }
    let number = settings.gpio;
    match open(root, number).and_then(|gpio| blink(&gpio)) {
        Ok(()) => report.good("light", &format!("lit {TIMES} times on GPIO {number}. Seen nothing? [led] gpio names the pin")),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let advice = ["$ sudo usermod -aG gpio $USER", "then log in again; or run this with sudo"];
            report.wrong("light", ExitCode::Permission, &error.to_string(), &advice);
        }
        Err(error) => {
            let advice = ["reading goes on without it; reader.toml: [led] mode = \"off\" does without"];
            report.wrong("light", ExitCode::Unavailable, &error.to_string(), &advice);
        }
    }
}

fn open(root: &Path, number: u32) -> io::Result<Gpio> {
    let start = Instant::now();
    loop {
        match Gpio::open(root, number) {
            Err(error) if gpio::may_pass(&error) && start.elapsed() < EXPORT => thread::sleep(EXPORT_RETRY),
            result => return result,
        }
    }
}

fn blink(gpio: &Gpio) -> io::Result<()> {
    for _ in 0..TIMES {
        for lit in [true, false] {
            gpio.set(lit)?;
            thread::sleep(LONG);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::*;
    use crate::config::Flags;

    fn said(config: &str, root: &Path) -> (String, Option<ExitCode>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), config).unwrap();
        let settings = Settings::load(&Flags { config: Some(PathBuf::from(file.path())), ..Flags::default() }).unwrap();
        let mut out = Vec::new();
        let mut report = Report::new(&mut out, false);
        check(&mut report, &settings, root);
        let code = report.verdict();
        (String::from_utf8(out).unwrap(), code)
    }

    /// A kernel of today: the pin header begins at 512.
    fn kernel() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("gpiochip512/label", "pinctrl-bcm2711\n"),
            ("gpiochip512/base", "512\n"),
            ("gpiochip512/ngpio", "58\n"),
            ("gpio516/direction", ""),
            ("gpio516/value", ""),
            ("export", ""),
        ] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn a_light_is_lit_three_times_and_left_dark() {
        let root = kernel();
        let start = Instant::now();
        let (text, code) = said("", root.path());
        assert!(text.starts_with("ok light: lit 3 times on GPIO 4.") && code.is_none(), "{text}");
        assert!(start.elapsed() >= TIMES * 2 * LONG);
        assert_eq!(fs::read_to_string(root.path().join("gpio516/value")).unwrap(), "0");
    }

    #[test]
    fn a_light_that_is_not_there_is_a_fault_only_if_it_is_wanted() {
        let nowhere = Path::new("/nowhere");
        assert!(said("", nowhere).0.starts_with("-- light"));
        assert!(said("[led]\nmode = \"off\"", kernel().path()).0.starts_with("-- light: off"));
        let (text, code) = said("[led]\nmode = \"power\"", nowhere);
        assert!(text.starts_with("!! light: /nowhere") && code == Some(ExitCode::Unavailable), "{text}");
    }
}
