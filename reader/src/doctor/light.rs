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
    led::output::{Output, Place, RETRY, SETTLE, may_pass},
};

/// The light is lit this many times.
const TIMES: u32 = 3;
/// It is lit for this long each time, and dark as long.
const LONG: Duration = Duration::from_millis(200);

/// Blinks, among the devices of the kernel below `class`.
pub(super) fn check(report: &mut Report<'_>, settings: &Settings, class: &Path) {
    let place = Place::of(settings, class);
    match settings.led {
        LedMode::Off => return report.skip("light", "off, says the configuration"),
        LedMode::Auto if !place.is_ours(class) => return report.skip("light", "no Raspberry Pi GPIO here"),
        LedMode::Auto | LedMode::Delivered | LedMode::Power => {}
    }
    match open(&place, class).and_then(|output| blink(&output)) {
        Ok(()) => report.good("light", &lit(&place)),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let advice = ["$ sudo usermod -aG gpio $USER", "then log in again; or run this with sudo"];
            report.wrong("light", ExitCode::Permission, &error.to_string(), &advice);
        }
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            let advice = [
                "a driver of the kernel has this pin. Is it a LED with a name?",
                "$ ls /sys/class/leds",
                "then reader.toml: [led] name = \"...\"",
            ];
            report.wrong("light", ExitCode::Unavailable, &error.to_string(), &advice);
        }
        Err(error) => {
            let advice = ["reading goes on without it; reader.toml: [led] mode = \"off\" does without"];
            report.wrong("light", ExitCode::Unavailable, &error.to_string(), &advice);
        }
    }
}

fn lit(place: &Place) -> String {
    match place {
        Place::Named(name) => format!("lit {TIMES} times, the LED {name}. Seen nothing? [led] name names another"),
        Place::Gpio(number) => format!("lit {TIMES} times on GPIO {number}. Seen nothing? [led] gpio names the pin"),
    }
}

fn open(place: &Place, class: &Path) -> io::Result<Output> {
    let start = Instant::now();
    loop {
        match place.open(class) {
            Err(error) if may_pass(&error) && start.elapsed() < SETTLE => thread::sleep(RETRY),
            result => return result,
        }
    }
}

fn blink(output: &Output) -> io::Result<()> {
    for _ in 0..TIMES {
        for lit in [true, false] {
            output.set(lit)?;
            thread::sleep(LONG);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::*;
    use crate::{
        config::Flags,
        led::lamp::tests::{class, written},
    };

    fn said(config: &str, class: &Path) -> (String, Option<ExitCode>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), config).unwrap();
        let settings = Settings::load(&Flags { config: Some(PathBuf::from(file.path())), ..Flags::default() }).unwrap();
        let mut out = Vec::new();
        let mut report = Report::new(&mut out, false);
        check(&mut report, &settings, class);
        let code = report.verdict();
        (String::from_utf8(out).unwrap(), code)
    }

    #[test]
    fn a_light_is_lit_three_times_and_left_dark() {
        let class = class("TIC", "[none]");
        let start = Instant::now();
        let (text, code) = said("", class.path());
        assert!(text.starts_with("ok light: lit 3 times, the LED TIC.") && code.is_none(), "{text}");
        assert!(start.elapsed() >= TIMES * 2 * LONG);
        assert_eq!(written(class.path(), "TIC", "brightness", 1), "0");
    }

    #[test]
    fn a_light_that_is_not_there_is_a_fault_only_if_it_is_wanted() {
        let nowhere = Path::new("/nowhere");
        assert!(said("", nowhere).0.starts_with("-- light"));
        assert!(said("[led]\nmode = \"off\"", class("TIC", "[none]").path()).0.starts_with("-- light: off"));
        for wanted in ["mode = \"power\"", "name = \"TIC\""] {
            let (text, code) = said(&format!("[led]\n{wanted}"), nowhere);
            assert!(text.starts_with("!! light: /nowhere") && code == Some(ExitCode::Unavailable), "{text}");
        }
    }
}
