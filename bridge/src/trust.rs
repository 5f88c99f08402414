//! `accept METER [WORDS]`, `refuse METER WORDS`, `accept --list` and `code`, for a person who has a second reader, or another one: its card died, it was
//! exchanged, sold or stolen.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use teleinfo_proto::{seal::Fingerprint, tic::MeterId};

use crate::{
    daemon::exit::{ExitCode, Failure},
    seal::{
        code,
        decisions::{Decision, leave},
        pins::{self, Pin, Pins},
    },
    store::positions,
    words::{journal, language::Words},
};

/// The state directory of the unit, where systemd has not named one.
pub const STATE_DIRECTORY: &str = "/var/lib/teleinfo-bridge";

const SOON: Words = Words::new(
    "within some seconds if the bridge runs; a running reader asks within a minute",
    "d'ici quelques secondes si la passerelle tourne ; un lecteur en service demande dans la minute",
);
const NEXT: Words = Words::new(
    "meter {}: the next reader that comes is believed, too, {}",
    "compteur {} : le prochain lecteur qui vient est cru aussi, {}",
);
const EXPECTED: Words = Words::new("meter {}: the reader {} is believed, too, {}", "compteur {} : le lecteur {} est cru aussi, {}");
const REFUSED: Words = Words::new(
    "meter {}: the reader {} is refused, within some seconds if the bridge runs",
    "compteur {} : le lecteur {} est refusé, d'ici quelques secondes si la passerelle tourne",
);
const NOT_THERE: Words = Words::new(
    "meter {} has no reader {}; all of them: sudo teleinfo-bridge accept --list",
    "le compteur {} n'a pas de lecteur {} ; tous les voir : sudo teleinfo-bridge accept --list",
);
const NO_CODE: Words = Words::new(
    "there is no code yet: set pairing = \"code\" in [zenoh] of bridge.toml, and start the bridge",
    "il n'y a pas encore de code : réglez pairing = \"code\" dans [zenoh] de bridge.toml, et démarrez la passerelle",
);
const NONE_YET: Words = Words::new("no reader has come yet", "aucun lecteur n'est encore venu");

/// The state directory: that of the unit, unless systemd says otherwise.
#[must_use]
pub fn directory() -> PathBuf {
    positions::directory("STATE_DIRECTORY").unwrap_or_else(|| PathBuf::from(STATE_DIRECTORY))
}

/// Leaves word for the bridge, and says on standard output what happens next.
///
/// # Errors
/// The state directory cannot be written.
pub fn accept(meter: MeterId, words: Option<Fingerprint>) -> Result<(), Failure> {
    decide(Decision::Accept(meter, words))?;
    let soon = journal::say(SOON, &[]);
    say(&match words {
        Some(words) => journal::say(EXPECTED, &[&meter, &words, &soon]),
        None => journal::say(NEXT, &[&meter, &soon]),
    });
    Ok(())
}

/// As [`accept`], for a reader that is believed.
///
/// # Errors
/// There is no such reader, or the state directory cannot be read or written.
pub fn refuse(meter: MeterId, words: Fingerprint) -> Result<(), Failure> {
    if !known()?.refuse(meter, words) {
        return Err(Failure::new(ExitCode::Usage, journal::say(NOT_THERE, &[&meter, &words]).to_string()));
    }
    decide(Decision::Refuse(meter, words))?;
    say(&journal::say(REFUSED, &[&meter, &words]));
    Ok(())
}

/// Says on standard output which readers are believed: a line for each, `METER WORDS`.
///
/// # Errors
/// The state directory cannot be read.
pub fn list() -> Result<(), Failure> {
    let pins = known()?;
    let lines = listed(&pins);
    lines.iter().for_each(|line| say(line));
    if lines.is_empty() {
        say(&journal::say(NONE_YET, &[]));
    }
    Ok(())
}

/// Shows the code that a person types at a reader: seven words.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn code() -> Result<(), Failure> {
    let directory = directory();
    let failure = |error: io::Error| Failure::new(ExitCode::Permission, format!("{}: {error}", directory.join(code::FILE).display()));
    match code::read(&directory).map_err(failure)? {
        Some(code) => say(&code),
        None => return Err(Failure::new(ExitCode::Config, journal::say(NO_CODE, &[]).to_string())),
    }
    Ok(())
}

/// A line for each reader: its meter, or `-` before it has found one, and its words.
fn listed(pins: &Pins) -> Vec<String> {
    let of_meters = pins.iter().flat_map(|(meter, pins)| pins.iter().map(move |pin| format!("{meter} {}", words_of(pin))));
    of_meters.chain(pins.without_meter().iter().map(|key| format!("- {}", key.fingerprint()))).collect()
}

/// How a person knows a reader: by its words, or as the next one that comes.
#[must_use]
pub fn words_of(pin: &Pin) -> String {
    pin.words().map_or_else(|| pin.to_string(), |words| words.to_string())
}

fn known() -> Result<Pins, Failure> {
    pins::load(Some(&directory())).map_err(|text| Failure::new(ExitCode::Permission, text))
}

fn decide(decision: Decision) -> Result<(), Failure> {
    let directory = directory();
    leave(&directory, decision).map_err(|error| {
        let text = format!("{}: {error}; as root: sudo teleinfo-bridge {decision}", directory.display());
        Failure::new(ExitCode::Permission, text)
    })
}

fn say(line: &dyn std::fmt::Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::seal::Identity;

    use super::*;

    #[test]
    fn each_reader_is_a_line() {
        let (mut pins, meter) = (Pins::default(), "012345678912".parse().unwrap());
        let [one, two] = [1, 2].map(|number| *Identity::from_seed(&[number; 32]).key());
        pins.claim(Some(meter), &one);
        pins.accept(meter, None, |_| false);
        pins.claim(None, &two);
        let lines = [format!("{meter} {}", one.fingerprint()), format!("{meter} next"), format!("- {}", two.fingerprint())];
        assert_eq!(listed(&pins), lines);
    }
}
