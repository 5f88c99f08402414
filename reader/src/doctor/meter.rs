//! What the meter says of itself: who made it, which contract, how much is drawn now.

use teleinfo_proto::{
    tic::{MeterId, Role},
    wire::Cause,
};

use super::{hearing::Hearing, report::Report};
use crate::daemon::exit::ExitCode;

/// Says who made the meter, its contract and the power of now.
pub(super) fn check(report: &mut Report<'_>, hearing: &Hearing) {
    match hearing.meter {
        Some(meter) => report.good("meter", &who(&meter)),
        None => {
            let text = "it has not said its address (ADCO or ADSC)";
            let never = hearing.cause.as_ref().filter(|(cause, _)| matches!(cause, Cause::YellowMeter | Cause::IceMeter));
            let advice = never.map_or("nothing can be sent without it: look at the frames above", |(_, words)| words);
            report.wrong("meter", ExitCode::Unavailable, text, &[advice]);
        }
    }
    if hearing.found.is_some() {
        told(report, "contract", contract(hearing));
        told(report, "power", power(hearing));
    }
}

fn told(report: &mut Report<'_>, topic: &'static str, text: Option<String>) {
    match text {
        Some(text) => report.good(topic, &text),
        None => report.skip(topic, "not said in these seconds"),
    }
}

fn who(meter: &MeterId) -> String {
    let mut parts = vec![meter.to_string()];
    parts.extend(meter.manufacturer().map(str::to_owned));
    parts.extend(meter.kind().map(|kind| kind.name.to_owned()));
    parts.extend(meter.year().map(|year| format!("made in {year}")));
    parts.join(", ")
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

fn power(hearing: &Hearing) -> Option<String> {
    let drawn = hearing.said(Role::PowerWithdrawn)?;
    let injected = hearing.said(Role::PowerInjected).filter(|power| power.bytes().any(|digit| digit != b'0'));
    let injected = injected.map(|power| format!(", {} VA injected", trimmed(power))).unwrap_or_default();
    Some(format!("{} VA drawn now{injected}", trimmed(drawn)))
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
        assert_eq!(power(&pilot).as_deref(), Some("640 VA drawn now"), "a pilot meter says SINST1");
        let producer = heard(include_bytes!("../../../proto/tests/frames/syn-std-producer-mono.tic"));
        assert!(power(&producer).unwrap().ends_with(" VA injected"), "{:?}", power(&producer));
        let historic = heard(include_bytes!("../../../proto/tests/frames/syn-hist-tempo-mono.tic"));
        assert!(contract(&historic).unwrap().starts_with("Tempo, "), "{:?}", contract(&historic));
        assert!(power(&historic).is_some() && power(&Hearing::default()).is_none());
    }
}
