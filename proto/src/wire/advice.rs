//! What a person at the meter can do about a [`Cause`], in English and in French.
//!
//! It stands beside the causes because both programs say it: the reader in its log, `doctor` and `monitor`, the bridge in Home Assistant.

use super::Cause;

/// The same advice in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// English.
    pub english: &'static str,
    /// French.
    pub french: &'static str,
}

impl Cause {
    /// What a person at the meter can do about it. A cause that is not known comes from a newer release, and the advice is to update.
    #[must_use]
    pub fn advice(self) -> Advice {
        let row = WORDS.iter().find(|(known, ..)| *known == self);
        let (english, french) = row.map_or(NEWER, |(_, english, french)| (*english, *french));
        Advice { english, french }
    }
}

/// English and French.
#[rustfmt::skip]
const WORDS: &[(Cause, &str, &str)] = &[
    (Cause::None,
        "no trouble",
        "aucun problème"),
    (Cause::NoDevice,
        "the serial device is missing: check the adapter and the name of the device",
        "le port série est absent : vérifier l'adaptateur et le nom du périphérique"),
    (Cause::NoPermission,
        "the serial device may not be opened: sudo teleinfo-reader doctor says what to do",
        "accès refusé au port série : sudo teleinfo-reader doctor dit que faire"),
    (Cause::DeviceInUse,
        "another program holds the serial device: stop it, or free the console (serial-getty)",
        "un autre programme occupe le port série : l'arrêter, ou libérer la console (serial-getty)"),
    (Cause::NoSignal,
        "not a byte from the meter: check the two wires on I1 and I2, and that no other program reads the line",
        "aucun octet du compteur : vérifier les deux fils sur I1 et I2, et qu'aucun autre programme ne lit la ligne"),
    (Cause::NotTic,
        "bytes arrive but are no TIC at 1200 or 9600 baud: check the modem and the wires",
        "des octets arrivent mais ce n'est pas de la TIC à 1200 ou 9600 bauds : vérifier le modem et les fils"),
    (Cause::WeakSignal,
        "bits are lost on the line: check the modem's resistor, the wires and their length",
        "des bits se perdent sur la ligne : vérifier la résistance du modem, les fils et leur longueur"),
    (Cause::Noise,
        "some datasets are damaged: keep the wires away from mains cables, use a twisted pair",
        "des groupes sont abîmés : éloigner les fils des câbles secteur, utiliser une paire torsadée"),
    (Cause::NoIdentity,
        "datasets are good but the meter's address (ADCO or ADSC) never is: check the line's quality",
        "les groupes sont bons mais jamais l'adresse du compteur (ADCO ou ADSC) : vérifier la qualité de la ligne"),
    (Cause::Asleep,
        "the meter sends its address only: its output is asleep, ask the supplier",
        "le compteur n'envoie que son adresse : sa sortie est en veille, demander au fournisseur"),
    (Cause::ControlsDamaged,
        "the control characters between the datasets arrive damaged, the data is whole: check the signal's level and the modem",
        "les caractères de contrôle entre les groupes arrivent abîmés, les données sont bonnes : vérifier le niveau du signal et le modem"),
    (Cause::BytesMissing,
        "bytes are missing, and those that come are whole: another program reads this line too (sudo fuser -v names it), or the adapter loses them",
        "il manque des octets, et ceux qui arrivent sont bons : un autre programme lit aussi cette ligne (sudo fuser -v le nomme), ou l'adaptateur en perd"),
    (Cause::BytesTaken,
        "another program reads the same line and takes bytes away: stop it (sudo fuser -v names it)",
        "un autre programme lit la même ligne et prend des octets : l'arrêter (sudo fuser -v le nomme)"),
    (Cause::LabelRefused,
        "this label is refused in every frame, the others are good: the meter sends it in a form that is not expected, please report it",
        "cette étiquette est refusée dans chaque trame, les autres sont bonnes : le compteur l'envoie sous une forme inattendue, merci de le signaler"),
    (Cause::YellowMeter,
        "this is a yellow meter (CJE), the line is good: it never sends an address, so it cannot be told apart and is not read",
        "c'est un compteur jaune (CJE), la ligne est bonne : il n'envoie jamais d'adresse, donc rien ne l'identifie et il n'est pas lu"),
    (Cause::IceMeter,
        "this is an ICE meter, the line is good: it never sends an address, so it cannot be told apart and is not read",
        "c'est un compteur ICE, la ligne est bonne : il n'envoie jamais d'adresse, donc rien ne l'identifie et il n'est pas lu"),
];

/// What there is to say of a cause that only a newer release knows.
const NEWER: (&str, &str) = (
    "trouble that only a newer release of this program can name: update it",
    "un problème que seule une version plus récente de ce programme sait nommer : le mettre à jour",
);

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_cause_has_advice_of_its_own_in_both_languages() {
        let all = || Cause::ALL.iter().chain(&[Cause::Unknown(99)]).map(|cause| cause.advice());
        for said in [all().map(|advice| advice.english).collect::<BTreeSet<_>>(), all().map(|advice| advice.french).collect()] {
            assert_eq!(said.len(), Cause::ALL.len() + 1);
        }
        for Advice { english, french } in all() {
            assert!(english != french && english.contains(": ") == french.contains(" : "), "{english}: advice in one language only");
        }
    }
}
