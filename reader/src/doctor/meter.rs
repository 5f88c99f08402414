//! What the meter says of itself: who made it, which contract, how much is drawn now.

use teleinfo_people::report::{Advice, Report};
use teleinfo_proto::{
    tic::{MeterId, Role},
    wire::Cause,
};

use super::hearing::Hearing;
use crate::{
    advice::advice_on,
    daemon::exit::ExitCode,
    language::{Language, Sentence, Words},
};

const METER: Words = Words::new("meter", "compteur");
const NO_ADDRESS: Words = Words::new("it has not said its address (ADCO or ADSC)", "il n'a pas dit son adresse (ADCO ou ADSC)");
const NOTHING_SENT: Words = Words::new(
    "nothing can be sent without it: look at the frames above",
    "rien ne peut être envoyé sans elle : voyez les trames ci-dessus",
);
const CONTRACT: Words = Words::new("contract", "contrat");
const POWER: Words = Words::new("power", "puissance");
const NOT_SAID: Words = Words::new("not said in these seconds", "pas dit dans ces secondes");
const MADE_IN: Words = Words::new("made in {}", "fabriqué en {}");
const DRAWN: Words = Words::new("{} VA drawn now", "{} VA soutirés en ce moment");
const INJECTED: Words = Words::new("{} VA injected", "{} VA injectés");

/// Says who made the meter, its contract and the power of now.
pub(super) fn check(report: &mut Report<'_>, hearing: &Hearing) {
    match hearing.meter {
        Some(meter) => report.good(METER, &who(&meter, report.language())),
        None => {
            let is_nameless = |cause| matches!(cause, Cause::YellowMeter | Cause::IceMeter);
            let nameless = hearing.trouble.filter(|state| is_nameless(state.cause));
            let why = nameless.map(|state| Sentence::of(advice_on(&state, report.language())));
            let advice = [Advice::Do(why.unwrap_or_else(|| report.say(NOTHING_SENT, &[])))];
            report.wrong(METER, ExitCode::Unavailable, &report.say(NO_ADDRESS, &[]), &advice);
        }
    }
    if hearing.found.is_some() {
        told(report, CONTRACT, contract(hearing));
        told(report, POWER, power(hearing, report.language()));
    }
}

fn told(report: &mut Report<'_>, topic: Words, text: Option<String>) {
    match text {
        Some(text) => report.good(topic, &Sentence::of(text)),
        None => report.skip(topic, &report.say(NOT_SAID, &[]), &[]),
    }
}

fn who(meter: &MeterId, language: Language) -> Sentence {
    let mut parts = vec![meter.to_string()];
    parts.extend(meter.manufacturer().map(str::to_owned));
    parts.extend(meter.kind().map(|kind| Words::new(kind.name, kind.french).get(language).to_owned()));
    parts.extend(meter.year().map(|year| MADE_IN.say(language, &[&year]).to_string()));
    Sentence::of(parts.join(", "))
}

/// Its name, and the power or current that goes with it.
fn contract(hearing: &Hearing) -> Option<String> {
    let name = match hearing.said(Role::Contract)?.trim_matches(['.', ' ']) {
        // Its last character is a programme of switches, not a name (02E table 1).
        tempo if tempo.starts_with("BBR") => "Tempo",
        name => name,
    };
    let limits = [(Role::SubscribedCurrent, "A"), (Role::SubscribedPower, "kVA")];
    let limit = limits.iter().find_map(|(role, unit)| Some(format!(", {} {unit}", trimmed(hearing.said(*role)?))));
    Some(format!("{name}{}", limit.unwrap_or_default()))
}

fn power(hearing: &Hearing, language: Language) -> Option<String> {
    let drawn = hearing.said(Role::PowerWithdrawn)?;
    let injected = hearing.said(Role::PowerInjected).filter(|power| power.bytes().any(|digit| digit != b'0'));
    let injected = injected.map(|power| format!(", {}", INJECTED.say(language, &[&trimmed(power)]))).unwrap_or_default();
    Some(format!("{}{injected}", DRAWN.say(language, &[&trimmed(drawn)])))
}

/// Without leading zeros.
fn trimmed(digits: &str) -> &str {
    match digits.trim_start_matches('0') {
        "" => "0",
        rest => rest,
    }
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::{Decoder, Parity};

    use super::*;

    fn heard(mut bytes: &[u8]) -> Hearing {
        let (mut decoder, mut hearing) = (Decoder::new(Parity::Stripped), Hearing::default());
        while let Some(event) = decoder.next_event(&mut bytes) {
            hearing.handle_event(&event);
        }
        hearing
    }

    #[test]
    fn power_and_contract_are_found_by_what_labels_are_for() {
        let pilot = heard(include_bytes!("../../../proto/tests/frames/syn-std-g1-pilot-labels.tic"));
        assert_eq!(power(&pilot, Language::English).as_deref(), Some("640 VA drawn now"), "a pilot meter says SINST1");
        let producer = heard(include_bytes!("../../../proto/tests/frames/syn-std-producer-mono.tic"));
        assert!(power(&producer, Language::English).unwrap().ends_with(" VA injected"), "{:?}", power(&producer, Language::English));
        let historic = heard(include_bytes!("../../../proto/tests/frames/syn-hist-tempo-mono.tic"));
        assert!(contract(&historic).unwrap().starts_with("Tempo, "), "{:?}", contract(&historic));
        assert!(power(&historic, Language::English).is_some() && power(&Hearing::default(), Language::English).is_none());
    }
}
