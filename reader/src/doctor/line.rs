//! Does the line carry bytes, how have they to be read, how many are good, and if not: what is wrong, in words for the screwdriver.

use std::time::Duration;

use teleinfo_proto::tic::Mode;

use super::{
    hearing::{self, Hearing},
    report::Report,
};
use crate::{
    config::Settings,
    daemon::exit::ExitCode,
    line::{Fault, Source},
    reading::{
        Check, FaultKind, ParityChoice,
        bits::{self, Damage},
    },
};

/// Of a line that needs nothing, at least this share of the frames is good, in %.
const FINE: u32 = 95;
/// Of a line that works at all, at least this share of the frames is good, in %.
const USABLE: u32 = 50;

/// A modem that hears too little loses bits from this one on: they come last of a character.
const WEAK_BITS: usize = 4;
const WEAK: &[&str] = &[
    "the modem hears the meter too weakly: a wrong resistor at its input (standard mode wants a smaller one), or a bad contact at I1/I2",
    "the speed is right, the Pi too: do not look there",
];
const FAULTY: &[&str] = &[
    "the modem or the UART is at fault: try another modem, or another line",
    "a mini-UART (/dev/ttyS0) needs enable_uart=1 in /boot/firmware/config.txt",
];
const NOISE: &[&str] = &["keep the wires away from mains cables, use a twisted pair, shorten them", "screw the contacts at I1/I2 tight"];
const STRANGE: &[&str] = &[
    "do the wires come from I1 and I2 of the meter? not from I1 and A",
    "is it another device's line? a modem, a GPS? see ls -l /dev/serial*",
    "another speed: some industrial meters have 2400 or 19200 baud, which this program does not read",
    "does another program change the speed? see above",
];

/// What is listened to.
pub(super) struct Subject {
    pub(super) source: Source,
    /// Who decides at which speed it runs.
    pub(super) speed: SpeedBy,
    /// Another program takes bytes away.
    pub(super) is_shared: bool,
}

/// Who decides at which speed a line runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SpeedBy {
    /// This program.
    Us,
    /// Whoever has set up the far side.
    FarSide,
    /// Nobody: a pseudo-terminal has none.
    Nobody,
}

/// Listens and says what was heard; nothing if nothing could be.
pub(super) fn check(report: &mut Report<'_>, settings: &Settings, subject: &Subject) -> Option<Hearing> {
    let shared = subject.is_shared;
    let hearing = match hearing::listen(&subject.source) {
        Ok(hearing) => hearing,
        Err(fault) => {
            refused(report, &fault);
            return None;
        }
    };
    let count: usize = hearing.bytes.iter().map(Vec::len).sum();
    if count == 0 {
        silent(report);
        return None;
    }
    report.good("bytes", &format!("{count} in {}", seconds(hearing.time)));
    match hearing.found {
        Some((trial, mode)) => {
            let parity = match trial.check {
                Check::Uart => "even parity, checked by the UART",
                Check::Software => "even parity, checked by this program",
                Check::Gone => "parity already taken off",
            };
            let speed = match subject.speed {
                SpeedBy::Nobody => "none, as of every pseudo-terminal".into(),
                SpeedBy::FarSide => "as the far side is set".into(),
                SpeedBy::Us => format!("{} baud", trial.speed.baud()),
            };
            report.good("speed", &format!("{speed}; {parity}; {mode} mode"));
            compare(report, settings, mode, trial.check);
            frames(report, &hearing, shared);
            Some(hearing)
        }
        None => {
            unread(report, &hearing, shared);
            None
        }
    }
}

fn refused(report: &mut Report<'_>, fault: &Fault) {
    match fault.kind {
        // Who it is was said before.
        FaultKind::Busy => report.untested("bytes", "not tested: the line is held by another program", &[]),
        FaultKind::Denied => report.wrong("bytes", ExitCode::Permission, &fault.to_string(), &[]),
        FaultKind::Unreachable | FaultKind::Ended | FaultKind::NotSpoken => {
            report.wrong("device", ExitCode::Unavailable, &fault.to_string(), &[]);
        }
        FaultKind::Absent | FaultKind::NotSerial | FaultKind::Vanished | FaultKind::Other => {
            report.wrong("bytes", ExitCode::Unavailable, &fault.to_string(), &[]);
        }
    }
}

fn silent(report: &mut Report<'_>) {
    let advice = [
        "are both wires at I1 and I2 of the meter? (either way round)",
        "has the modem power? a PiTInfo sits on all its pins",
        "is this the right line? see ls -l /dev/serial*",
        "Raspberry Pi: enable_uart=1 in /boot/firmware/config.txt",
    ];
    report.wrong("bytes", ExitCode::Unavailable, "not one from the meter: it never pauses, so the line is dead", &advice);
}

/// What is configured against what is there.
fn compare(report: &mut Report<'_>, settings: &Settings, mode: Mode, check: Check) {
    if let Some(configured) = settings.mode.filter(|configured| *configured != mode) {
        let text = format!("the configuration says {configured} mode, the meter speaks {mode} mode");
        report.wrong("mode", ExitCode::Config, &text, &["reader.toml: [serial] mode = \"auto\" finds it by itself"]);
    }
    let software = matches!(check, Check::Software | Check::Gone);
    if settings.parity == ParityChoice::Hardware && software {
        let text = "the configuration wants the UART to check it, but this line cannot";
        report.wrong("parity", ExitCode::Config, text, &["reader.toml: [serial] parity = \"auto\""]);
    }
}

fn frames(report: &mut Report<'_>, hearing: &Hearing, shared: bool) {
    let Hearing { frames_good, frames_bad, good, refused, .. } = *hearing;
    let datasets = Hearing::share(good, refused).unwrap_or_default();
    let Some(share) = Hearing::share(frames_good, frames_bad) else {
        let text = format!("no whole one yet; {datasets} % of the datasets are good");
        return report.doubt("frames", &text, &["try again in a minute"]);
    };
    let text = format!("{frames_good} of {} good; {datasets} % of the datasets", frames_good + frames_bad);
    if share >= FINE {
        return report.good("frames", &text);
    }
    let Judgement { reason, advice, .. } = judge(hearing, shared);
    let text = format!("{text}; {reason}");
    if share >= USABLE { report.doubt("frames", &text, advice) } else { report.wrong("frames", ExitCode::Unavailable, &text, advice) }
}

/// Bytes, but nothing verifies.
fn unread(report: &mut Report<'_>, hearing: &Hearing, shared: bool) {
    let Judgement { topic, reason, advice } = judge(hearing, shared);
    report.wrong(topic, ExitCode::Unavailable, &reason, advice);
}

struct Judgement {
    topic: &'static str,
    reason: String,
    advice: &'static [&'static str],
}

/// What is wrong, and what to do about it.
fn judge(hearing: &Hearing, shared: bool) -> Judgement {
    let of_characters = |reason, advice| Judgement { topic: "characters", reason, advice };
    match damage(hearing) {
        _ if shared => of_characters("the other program takes the rest (see above)".into(), &[]),
        Damage::Lost(bits, share) => {
            let reason = format!("{} of the characters arrive as 0 ({share} %)", names(&bits));
            of_characters(reason, if bits.iter().all(|bit| *bit >= WEAK_BITS) { WEAK } else { FAULTY })
        }
        Damage::Gained(bits, share) => of_characters(format!("{} of the characters arrive as 1 ({share} %)", names(&bits)), FAULTY),
        Damage::None => of_characters("single bits are wrong here and there: noise on the wires".into(), NOISE),
        Damage::NoLabels => {
            Judgement { topic: "speed", reason: "all bits are wrong: no TIC at 1200 or at 9600 baud".into(), advice: STRANGE }
        }
    }
}

/// At the speed that makes more sense.
fn damage(hearing: &Hearing) -> Damage {
    let [historic, standard] = hearing.bytes.each_ref().map(|bytes| bits::examine(bytes).damage());
    if standard == Damage::NoLabels { historic } else { standard }
}

fn names(bits: &[usize]) -> String {
    let numbers: Vec<_> = bits.iter().map(usize::to_string).collect();
    match numbers.as_slice() {
        [one] => format!("bit {one}"),
        [all @ .., last] => format!("bits {} and {last}", all.join(", ")),
        [] => String::new(),
    }
}

fn seconds(time: Duration) -> String {
    format!("{}.{} s", time.as_secs(), time.subsec_millis() / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_named_in_words() {
        assert_eq!(names(&[4]), "bit 4");
        assert_eq!(names(&[4, 5, 6]), "bits 4, 5 and 6");
    }
}
