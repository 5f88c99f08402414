//! Which key this bridge has, and which readers it believes for which meter: what a person compares with `teleinfo-reader doctor`.

use std::{fs::File, io, path::Path};

use serde_json::Value;
use teleinfo_people::report::{Advice, Report};

use crate::{
    config::file::Pairing,
    doctor::broker::Findings,
    seal::pins::{self, Pins},
    trust::{directory, words_of},
    words::{
        language::{Sentence, Words},
        printable::printable,
        topics::Topics,
    },
};

const KEY: Words = Words::new("key", "clé");
const FINGERPRINT: Words = Words::new("the fingerprint of this bridge is {}", "l'empreinte de cette passerelle est {}");
const BY_CODE: Words = Words::new(
    "new readers come in with the code of this bridge only: sudo teleinfo-bridge code shows it",
    "de nouveaux lecteurs n'entrent qu'avec le code de cette passerelle : sudo teleinfo-bridge code le montre",
);
const BELIEVED: Words = Words::new("meter {} is believed from {}", "le compteur {} est cru de {}");
const NOBODY: Words = Words::new(
    "meter {} is believed from nobody: all its readers were refused",
    "le compteur {} n'est cru de personne : tous ses lecteurs ont été refusés",
);
const NOT_READ: Words =
    Words::new("which readers are believed can only be read by root:", "seul root peut lire quels lecteurs sont crus :");

/// The key by what the running bridge says of itself; the readers by its file.
pub(super) fn check(report: &mut Report<'_>, findings: &Findings, topics: &Topics, pairing: Pairing) {
    let quality: Value = findings.text(&topics.bridge_quality()).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    if let Some(words) = quality["fingerprint"].as_str() {
        report.good(KEY, &report.say(FINGERPRINT, &[&printable(words)]));
    }
    if pairing == Pairing::Code {
        report.good(KEY, &report.say(BY_CODE, &[]));
    }
    let directory = directory();
    match pins::load(Some(&directory)) {
        _ if is_closed(&directory) => {
            report.skip(KEY, &report.say(NOT_READ, &[]), &[Advice::Type("sudo teleinfo-bridge accept --list".into())]);
        }
        Ok(pins) => readers(report, &pins),
        Err(text) => report.doubt(KEY, &Sentence::of(text), &[]),
    }
}

fn is_closed(directory: &Path) -> bool {
    File::open(directory.join(pins::FILE)).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

fn readers(report: &mut Report<'_>, pins: &Pins) {
    for (meter, pins) in pins.iter() {
        match pins {
            [] => report.doubt(KEY, &report.say(NOBODY, &[meter]), &[Advice::Type(format!("sudo teleinfo-bridge accept {meter}"))]),
            pins => {
                let words: Vec<String> = pins.iter().map(words_of).collect();
                report.good(KEY, &report.say(BELIEVED, &[meter, &words.join(", ")]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use teleinfo_people::report::said;
    use teleinfo_proto::seal::Identity;

    use super::*;

    #[test]
    fn each_meter_is_a_line_with_the_words_of_its_readers() {
        let (mut known, meter) = (Pins::default(), "012345678912".parse().unwrap());
        let keys = [1, 2].map(|number| *Identity::from_seed(&[number; 32]).key());
        known.claim(Some(meter), &keys[0]);
        known.accept(meter, Some(keys[1].fingerprint()), |_| false);
        let (text, _) = said(|report| readers(report, &known));
        let [one, two] = keys.map(|key| key.fingerprint());
        assert!(
            text.split_whitespace().collect::<Vec<_>>().join(" ").contains(&format!("meter {meter} is believed from {one}, {two}")),
            "{text}"
        );
        assert!(keys.iter().all(|key| known.refuse(meter, key.fingerprint())));
        assert!(said(|report| readers(report, &known)).0.contains("believed from nobody"));
    }
}
