//! What a person at the meter can do about trouble on the line: in the log in English, in the monitor in the user's language.

use teleinfo_proto::wire::Cause;

use crate::language::Language;

/// The words of a cause.
#[must_use]
#[rustfmt::skip]
pub(crate) fn advice(cause: Cause, language: Language) -> &'static str {
    let (english, french) = match cause {
        Cause::None => (
            "no trouble",
            "aucun problème",
        ),
        Cause::NoDevice => (
            "the serial device is missing: check the adapter and the name of the device",
            "le port série est absent : vérifier l'adaptateur et le nom du périphérique",
        ),
        Cause::NoPermission => (
            "the serial device may not be opened: sudo teleinfo-reader doctor says what to do",
            "accès refusé au port série : sudo teleinfo-reader doctor dit que faire",
        ),
        Cause::DeviceInUse => (
            "another program holds the serial device: stop it, or free the console (serial-getty)",
            "un autre programme occupe le port série : l'arrêter, ou libérer la console (serial-getty)",
        ),
        Cause::NoSignal => (
            "not a byte from the meter: check the two wires on I1 and I2",
            "aucun octet du compteur : vérifier les deux fils sur I1 et I2",
        ),
        Cause::NotTic => (
            "bytes arrive but are no TIC at 1200 or 9600 baud: check the modem and the wires",
            "des octets arrivent mais ce n'est pas de la TIC à 1200 ou 9600 bauds : vérifier le modem et les fils",
        ),
        Cause::WeakSignal => (
            "bits are lost on the line: check the modem's resistor, the wires and their length",
            "des bits se perdent sur la ligne : vérifier la résistance du modem, les fils et leur longueur",
        ),
        Cause::Noise => (
            "some datasets are damaged: keep the wires away from mains cables, use a twisted pair",
            "des groupes sont abîmés : éloigner les fils des câbles secteur, utiliser une paire torsadée",
        ),
        Cause::NoIdentity => (
            "datasets are good but the meter's address (ADCO or ADSC) never is: check the line's quality",
            "les groupes sont bons mais jamais l'adresse du compteur (ADCO ou ADSC) : vérifier la qualité de la ligne",
        ),
        Cause::Asleep => (
            "the meter sends its address only: its output is asleep, ask the supplier",
            "le compteur n'envoie que son adresse : sa sortie est en veille, demander au fournisseur",
        ),
        Cause::ControlsDamaged => (
            "the control characters between the datasets arrive damaged, the data is whole: check the signal's level and the modem",
            "les caractères de contrôle entre les groupes arrivent abîmés, les données sont bonnes : vérifier le niveau du signal et le modem",
        ),
        Cause::Unknown(_) => (
            "trouble that only a newer release of this program can name: update it",
            "un problème que seule une version plus récente de ce programme sait nommer : le mettre à jour",
        ),
    };
    language.choose(english, french)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_cause_has_words_of_its_own_in_both_languages() {
        for language in [Language::English, Language::French] {
            let said: BTreeSet<_> = Cause::ALL.iter().chain(&[Cause::Unknown(99)]).map(|cause| advice(*cause, language)).collect();
            assert_eq!(said.len(), Cause::ALL.len() + 1, "{language:?}");
        }
        for cause in Cause::ALL {
            let (english, french) = (advice(*cause, Language::English), advice(*cause, Language::French));
            assert!(english != french && english.contains(": ") == french.contains(" : "), "{cause:?}: advice in one language only");
        }
    }
}
