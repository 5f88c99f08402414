//! What the meter says of itself: who made it, which contract, how much is drawn now.

use teleinfo_proto::tic::{MeterId, Mode};

use super::{hearing::Hearing, report::Report};
use crate::daemon::exit::Code;

/// Says it.
pub(super) fn check(report: &mut Report<'_>, hearing: &Hearing) {
    match hearing.meter {
        Some(meter) => report.good("meter", &who(&meter)),
        None => {
            let text = "it has not said its address (ADCO or ADSC)";
            report.wrong("meter", Code::Unavailable, text, &["nothing can be sent without it: look at the frames above"]);
        }
    }
    if let Some((_, mode)) = hearing.found {
        told(report, "contract", contract(hearing, mode));
        told(report, "power", power(hearing, mode));
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
fn contract(hearing: &Hearing, mode: Mode) -> Option<String> {
    let (name, limit, unit) = match mode {
        Mode::Historic => ("OPTARIF", "ISOUSC", "A"),
        Mode::Standard => ("NGTF", "PREF", "kVA"),
    };
    let name = match hearing.get(name)?.trim_matches(['.', ' ']) {
        // Its last character is a programme of switches, not a name (02E table 1).
        tempo if tempo.starts_with("BBR") => "Tempo",
        name => name,
    };
    Some(match hearing.get(limit) {
        Some(limit) => format!("{name}, {} {unit}", trimmed(limit)),
        None => name.into(),
    })
}

fn power(hearing: &Hearing, mode: Mode) -> Option<String> {
    let drawn = match mode {
        Mode::Historic => hearing.get("PAPP"),
        Mode::Standard => hearing.get("SINSTS"),
    }?;
    let injected = hearing.get("SINSTI").filter(|power| power.bytes().any(|digit| digit != b'0'));
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
