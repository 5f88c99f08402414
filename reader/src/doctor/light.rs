//! Does the light work? It is lit three times, and whoever stands there sees it or does not.

use std::{
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use teleinfo_people::report::{Advice, Report};

use crate::{
    config::{LedMode, Settings},
    daemon::exit::ExitCode,
    language::{Sentence, Words},
    led::output::{Output, Place, RETRY, SETTLE, may_pass},
};

/// The light is lit this many times.
const TIMES: u32 = 3;
/// It is lit for this long each time, and dark as long.
const LONG: Duration = Duration::from_millis(200);

const LIGHT: Words = Words::new("light", "voyant");
const OFF: Words = Words::new("off, says the configuration", "éteint, dit la configuration");
const NONE_HERE: Words = Words::new("no Raspberry Pi GPIO here", "pas de GPIO de Raspberry Pi ici");
const LIT_LED: Words = Words::new(
    "lit {} times, the LED {}. Seen nothing? [led] name names another",
    "allumé {} fois, le voyant {}. Rien vu ? [led] name en nomme un autre",
);
const LIT_GPIO: Words = Words::new(
    "lit {} times on GPIO {}. Seen nothing? [led] gpio names the pin",
    "allumé {} fois sur le GPIO {}. Rien vu ? [led] gpio nomme la broche",
);
const LOG_IN_AGAIN: Words = Words::new("then log in again; or run this with sudo", "puis reconnectez-vous ; ou lancez ceci avec sudo");
const HELD: Words = Words::new(
    "a driver of the kernel has this pin. Is it a LED with a name?",
    "un pilote du noyau a cette broche. Est-ce un voyant qui a un nom ?",
);
const NAME_IT: Words = Words::new("then reader.toml: [led] name = \"...\"", "puis reader.toml : [led] name = \"...\"");
const WITHOUT: Words = Words::new(
    "reading goes on without it; reader.toml: [led] mode = \"off\" does without",
    "la lecture continue sans lui ; reader.toml : [led] mode = \"off\" s'en passe",
);

/// Blinks, among the devices of the kernel below `class`.
pub(super) fn check(report: &mut Report<'_>, settings: &Settings, class: &Path) {
    let place = Place::of(settings, class);
    match settings.led {
        LedMode::Off => return report.skip(LIGHT, &report.say(OFF, &[]), &[]),
        LedMode::Auto if !place.is_ours(class) => return report.skip(LIGHT, &report.say(NONE_HERE, &[]), &[]),
        LedMode::Auto | LedMode::Delivered | LedMode::Power => {}
    }
    match open(&place, class).and_then(|output| blink(&output)) {
        Ok(()) => report.good(LIGHT, &lit(report, &place)),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let advice = [Advice::Type("sudo usermod -aG gpio $USER".into()), report.advise(LOG_IN_AGAIN, &[])];
            report.wrong(LIGHT, ExitCode::Permission, &Sentence::of(error), &advice);
        }
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            let advice = [report.advise(HELD, &[]), Advice::Type("ls /sys/class/leds".into()), report.advise(NAME_IT, &[])];
            report.wrong(LIGHT, ExitCode::Unavailable, &Sentence::of(error), &advice);
        }
        Err(error) => report.wrong(LIGHT, ExitCode::Unavailable, &Sentence::of(error), &[report.advise(WITHOUT, &[])]),
    }
}

fn lit(report: &Report<'_>, place: &Place) -> Sentence {
    match place {
        Place::Named(name) => report.say(LIT_LED, &[&TIMES, name]),
        Place::Gpio(number) => report.say(LIT_GPIO, &[&TIMES, number]),
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
        teleinfo_people::report::said(|report| check(report, &settings, class))
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
