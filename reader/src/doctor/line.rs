//! Does the line carry bytes, how have they to be read, how many are good, and if not: what is wrong, in words for the screwdriver.

use teleinfo_people::report::Report;
use teleinfo_proto::{tic::Mode, wire::Cause};

use super::hearing::{self, Hearing};
use crate::{
    advice::advice_on,
    config::Settings,
    daemon::exit::ExitCode,
    language::{Language, Sentence, Words},
    line::{Fault, Source},
    reading::{
        Check, FaultKind, ParityChoice, Trial,
        bits::{self, Damage},
    },
};

/// Of a line that needs nothing, at least this share of the frames is good, in %.
const FINE: u32 = 95;
/// Of a line that works at all, at least this share of the frames is good, in %.
const USABLE: u32 = 50;

/// A modem that hears too little loses bits from this one on: they come last of a character.
const WEAK_BITS: usize = 4;

const WEAK: &[Words] = &[
    Words::new(
        "the modem hears the meter too weakly: a wrong resistor at its input (standard mode wants a smaller one), or a bad contact at I1/I2",
        "le modem entend trop mal le compteur : mauvaise résistance à son entrée (le mode standard en veut une plus petite), ou mauvais contact sur I1/I2",
    ),
    Words::new("the speed is right, the Pi too: do not look there", "la vitesse est bonne, le Pi aussi : ne cherchez pas là"),
];
const FAULTY: &[Words] = &[
    Words::new(
        "the modem or the UART is at fault: try another modem, or another line",
        "le modem ou l'UART est en cause : essayez un autre modem, ou un autre port",
    ),
    Words::new(
        "a mini-UART (/dev/ttyS0) needs enable_uart=1 in /boot/firmware/config.txt",
        "un mini-UART (/dev/ttyS0) veut enable_uart=1 dans /boot/firmware/config.txt",
    ),
];
const NOISE: &[Words] = &[
    Words::new(
        "keep the wires away from mains cables, use a twisted pair, shorten them",
        "éloignez les fils des câbles secteur, prenez une paire torsadée, raccourcissez-les",
    ),
    Words::new("screw the contacts at I1/I2 tight", "serrez les contacts sur I1/I2"),
];
const STRANGE: &[Words] = &[
    Words::new(
        "do the wires come from I1 and I2 of the meter? not from I1 and A",
        "les fils viennent-ils bien de I1 et I2 du compteur ? pas de I1 et A",
    ),
    Words::new(
        "is it another device's line? a modem, a GPS? see ls -l /dev/serial*",
        "est-ce le port d'un autre appareil ? un modem, un GPS ? voyez ls -l /dev/serial*",
    ),
    Words::new(
        "another speed: some industrial meters have 2400 or 19200 baud, which this program does not read",
        "une autre vitesse : certains compteurs industriels ont 2400 ou 19200 bauds, que ce programme ne lit pas",
    ),
    Words::new("does another program change the speed? see above", "un autre programme change-t-il la vitesse ? voyez ci-dessus"),
];
/// Of a far line that is set up there.
const STRANGE_FAR: &[Words] = &[Words::new(
    "is the far side set to the meter's speed, 1200 or 9600 baud, and to 8N1 or 7E1?",
    "l'autre côté est-il réglé à la vitesse du compteur, 1200 ou 9600 bauds, et en 8N1 ou 7E1 ?",
)];
const DEAD: [Words; 4] = [
    Words::new(
        "are both wires at I1 and I2 of the meter? (either way round)",
        "les deux fils sont-ils sur I1 et I2 du compteur ? (dans un sens ou l'autre)",
    ),
    Words::new(
        "has the modem power? a PiTInfo sits on all its pins",
        "le modem est-il alimenté ? une PiTInfo est enfichée sur toutes ses broches",
    ),
    Words::new("is this the right line? see ls -l /dev/serial*", "est-ce le bon port ? voyez ls -l /dev/serial*"),
    Words::new("Raspberry Pi: enable_uart=1 in /boot/firmware/config.txt", "Raspberry Pi : enable_uart=1 dans /boot/firmware/config.txt"),
];

const DEVICE: Words = Words::new("device", "port");
const BYTES: Words = Words::new("bytes", "octets");
const SPEED: Words = Words::new("speed", "vitesse");
const MODE: Words = Words::alike("mode");
const PARITY: Words = Words::new("parity", "parité");
const FRAMES: Words = Words::new("frames", "trames");
const CAUSE: Words = Words::alike("cause");
const CHARACTERS: Words = Words::new("characters", "caractères");

const FAR_ANSWERS: Words = Words::new("{} answers", "{} répond");
const SO_MANY: Words = Words::new("{} in {}.{} s", "{} en {},{} s");
const BY_UART: Words = Words::new("even parity, checked by the UART", "parité paire, vérifiée par l'UART");
const BY_US: Words = Words::new("even parity, checked by this program", "parité paire, vérifiée par ce programme");
const TAKEN_OFF: Words = Words::new("parity already taken off", "parité déjà ôtée");
const NO_SPEED: Words = Words::new("none, as of every pseudo-terminal", "aucune, comme tout pseudo-terminal");
const FAR_SPEED: Words = Words::new("as the far side is set", "celle que l'autre côté a");
const BAUD: Words = Words::new("{} baud", "{} bauds");
const FOUND: Words = Words::new("{}; {}; {} mode", "{} ; {} ; mode {}");
const HISTORIC: Words = Words::new("historic", "historique");
const STANDARD: Words = Words::alike("standard");
const HELD: Words = Words::new("not tested: the line is held by another program", "pas essayé : un autre programme occupe le port");
const SILENCE: Words = Words::new(
    "not one from the meter: it never pauses, so the line is dead",
    "aucun du compteur : il ne s'arrête jamais, la ligne est donc morte",
);
const ALL_TAKEN: Words = Words::new(
    "not one reaches us: the other program takes them all (see above); stop it first, the wires may be good",
    "aucun ne nous parvient : l'autre programme les prend tous (voyez ci-dessus) ; arrêtez-le d'abord, les fils sont peut-être bons",
);
const OTHER_MODE: Words =
    Words::new("the configuration says {} mode, the meter speaks {} mode", "la configuration dit mode {}, le compteur parle en mode {}");
const MODE_AUTO: Words =
    Words::new("reader.toml: [serial] mode = \"auto\" finds it by itself", "reader.toml : [serial] mode = \"auto\" le trouve de lui-même");
const NO_PARITY: Words = Words::new(
    "the configuration wants the UART to check it, but this line cannot",
    "la configuration la fait vérifier par l'UART, mais ce port ne le peut pas",
);
const PARITY_AUTO: Words = Words::alike("reader.toml: [serial] parity = \"auto\"");
const NO_WHOLE_FRAME: Words =
    Words::new("no whole one yet; {} % of the datasets are good", "aucune entière encore ; {} % des groupes sont bons");
const TRY_AGAIN: Words = Words::new("try again in a minute", "réessayez dans une minute");
const SHARE: Words = Words::new("{} of {} good; {} % of the datasets", "{} sur {} bonnes ; {} % des groupes");
const SHARE_AND_WHY: Words = Words::new("{}; {}", "{} ; {}");
const OTHER_TAKES: Words = Words::new("the other program takes the rest (see above)", "l'autre programme prend le reste (voyez ci-dessus)");
const LOST: Words = Words::new("{} of the characters arrive as 0 ({} %)", "{} des caractères arrivent à 0 ({} %)");
const GAINED: Words = Words::new("{} of the characters arrive as 1 ({} %)", "{} des caractères arrivent à 1 ({} %)");
const HERE_AND_THERE: Words =
    Words::new("single bits are wrong here and there: noise on the wires", "des bits isolés sont faux çà et là : du bruit sur les fils");
const ALL_WRONG: Words =
    Words::new("all bits are wrong: no TIC at 1200 or at 9600 baud", "tous les bits sont faux : pas de TIC à 1200 ni à 9600 bauds");
const ONE_BIT: Words = Words::alike("bit {}");
const BITS: Words = Words::new("bits {} and {}", "bits {} et {}");

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
    if let Source::Remote(remote) = &subject.source {
        report.good(DEVICE, &report.say(FAR_ANSWERS, &[&remote.name.display()]));
    }
    let count: usize = hearing.bytes.iter().map(Vec::len).sum();
    if count == 0 && shared {
        report.wrong(BYTES, ExitCode::Unavailable, &report.say(ALL_TAKEN, &[]), &[]);
        return None;
    }
    if count == 0 {
        let advice = report.advise_all(&DEAD);
        report.wrong(BYTES, ExitCode::Unavailable, &report.say(SILENCE, &[]), &advice);
        return None;
    }
    let time = hearing.time;
    report.good(BYTES, &report.say(SO_MANY, &[&count, &time.as_secs(), &(time.subsec_millis() / 100)]));
    match hearing.found {
        Some((trial, mode)) => {
            read(report, subject.speed, trial, mode);
            compare(report, settings, mode, trial.check);
            frames(report, &hearing, shared);
            Some(hearing)
        }
        None => {
            unread(report, &hearing, subject);
            None
        }
    }
}

/// How it has to be read.
fn read(report: &mut Report<'_>, by: SpeedBy, trial: Trial, mode: Mode) {
    let parity = match trial.check {
        Check::Uart => BY_UART,
        Check::Software => BY_US,
        Check::Gone => TAKEN_OFF,
    };
    let speed = match by {
        SpeedBy::Nobody => report.say(NO_SPEED, &[]),
        SpeedBy::FarSide => report.say(FAR_SPEED, &[]),
        SpeedBy::Us => report.say(BAUD, &[&trial.speed.baud()]),
    };
    report.good(SPEED, &report.say(FOUND, &[&speed, &report.say(parity, &[]), &name(mode, report.language())]));
}

pub(super) fn name(mode: Mode, language: Language) -> &'static str {
    match mode {
        Mode::Historic => HISTORIC.get(language),
        Mode::Standard => STANDARD.get(language),
    }
}

fn refused(report: &mut Report<'_>, fault: &Fault) {
    let said = Sentence::of(fault.words(report.language()));
    match fault.kind {
        // Who it is was said before.
        FaultKind::Busy => report.untested(BYTES, &report.say(HELD, &[]), &[]),
        FaultKind::Denied => report.wrong(BYTES, ExitCode::Permission, &said, &[]),
        FaultKind::Unreachable | FaultKind::Ended | FaultKind::NotSpoken => report.wrong(DEVICE, ExitCode::Unavailable, &said, &[]),
        FaultKind::Absent | FaultKind::NotSerial | FaultKind::Vanished | FaultKind::Other => {
            report.wrong(BYTES, ExitCode::Unavailable, &said, &[]);
        }
    }
}

/// What is configured against what is there.
fn compare(report: &mut Report<'_>, settings: &Settings, mode: Mode, check: Check) {
    if let Some(configured) = settings.mode.filter(|configured| *configured != mode) {
        let language = report.language();
        let text = report.say(OTHER_MODE, &[&name(configured, language), &name(mode, language)]);
        report.wrong(MODE, ExitCode::Config, &text, &[report.advise(MODE_AUTO, &[])]);
    }
    let software = matches!(check, Check::Software | Check::Gone);
    if settings.parity == ParityChoice::Hardware && software {
        report.wrong(PARITY, ExitCode::Config, &report.say(NO_PARITY, &[]), &[report.advise(PARITY_AUTO, &[])]);
    }
}

fn frames(report: &mut Report<'_>, hearing: &Hearing, shared: bool) {
    let Hearing { frames_good, frames_bad, good, refused, .. } = *hearing;
    let datasets = Hearing::share(good, refused).unwrap_or_default();
    let Some(share) = Hearing::share(frames_good, frames_bad) else {
        return report.doubt(FRAMES, &report.say(NO_WHOLE_FRAME, &[&datasets]), &[report.advise(TRY_AGAIN, &[])]);
    };
    let text = report.say(SHARE, &[&frames_good, &(frames_good + frames_bad), &datasets]);
    if share >= FINE {
        report.good(FRAMES, &text);
        // A meter that sleeps, a label that never passes: the frames are whole all the same.
        if let Some(state) = &hearing.trouble {
            let words = Sentence::of(advice_on(state, report.language()));
            report.doubt(CAUSE, &words, &[]);
        }
        return;
    }
    let Judgement { reason, advice, .. } = judge(report, hearing, shared);
    let text = report.say(SHARE_AND_WHY, &[&text, &reason]);
    let advice = report.advise_all(advice);
    if share >= USABLE { report.doubt(FRAMES, &text, &advice) } else { report.wrong(FRAMES, ExitCode::Unavailable, &text, &advice) }
}

/// Bytes, but nothing verifies.
fn unread(report: &mut Report<'_>, hearing: &Hearing, subject: &Subject) {
    let Judgement { topic, reason, advice } = judge(report, hearing, subject.is_shared);
    let mut advice = report.advise_all(advice);
    if subject.speed == SpeedBy::FarSide {
        advice.splice(..0, report.advise_all(STRANGE_FAR));
    }
    report.wrong(topic, ExitCode::Unavailable, &reason, &advice);
}

struct Judgement {
    topic: Words,
    reason: Sentence,
    advice: &'static [Words],
}

/// What is wrong, and what to do about it.
fn judge(report: &Report<'_>, hearing: &Hearing, shared: bool) -> Judgement {
    let of_characters = |reason, advice| Judgement { topic: CHARACTERS, reason, advice };
    // Noise and lost bits are told by the bits themselves.
    let named = hearing.trouble.filter(|state| !matches!(state.cause, Cause::Noise | Cause::WeakSignal));
    match (damage(hearing), named) {
        _ if shared => of_characters(report.say(OTHER_TAKES, &[]), &[]),
        (Damage::None, Some(state)) => of_characters(Sentence::of(advice_on(&state, report.language())), &[]),
        (Damage::Lost(bits, share), _) => {
            let advice = if bits.iter().all(|bit| *bit >= WEAK_BITS) { WEAK } else { FAULTY };
            of_characters(report.say(LOST, &[&names(&bits, report.language()), &share]), advice)
        }
        (Damage::Gained(bits, share), _) => of_characters(report.say(GAINED, &[&names(&bits, report.language()), &share]), FAULTY),
        (Damage::None, None) => of_characters(report.say(HERE_AND_THERE, &[]), NOISE),
        (Damage::NoLabels, _) => Judgement { topic: SPEED, reason: report.say(ALL_WRONG, &[]), advice: STRANGE },
    }
}

/// At the speed that makes more sense.
fn damage(hearing: &Hearing) -> Damage {
    let [historic, standard] = hearing.bytes.each_ref().map(|bytes| bits::examine(bytes).damage());
    if standard == Damage::NoLabels { historic } else { standard }
}

fn names(bits: &[usize], language: Language) -> Sentence {
    let numbers: Vec<_> = bits.iter().map(usize::to_string).collect();
    match numbers.as_slice() {
        [one] => ONE_BIT.say(language, &[one]),
        [all @ .., last] => BITS.say(language, &[&all.join(", "), last]),
        [] => Sentence::of(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_named_in_words() {
        assert_eq!(names(&[4], Language::English).as_str(), "bit 4");
        assert_eq!(names(&[4, 5, 6], Language::English).as_str(), "bits 4, 5 and 6");
        assert_eq!(names(&[4, 5, 6], Language::French).as_str(), "bits 4, 5 et 6");
    }
}
