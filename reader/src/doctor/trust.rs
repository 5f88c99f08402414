//! Whom the reader trusts: the words that a person compares with those of the bridge.

use std::path::{Path, PathBuf};

use teleinfo_people::report::{Advice, Report};

use crate::{
    config::Settings,
    daemon::exit::ExitCode,
    language::{Sentence, Words},
    trust::keys::{ACCEPT, STATE_DIRECTORY, Trusted, look},
};

const KEY: Words = Words::new("key of this reader", "clé de ce lecteur");
const BRIDGE: Words = Words::new("trusted bridge", "passerelle de confiance");
const NOT_YET: Words = Words::new("none yet: the reader makes it when it starts", "pas encore : le lecteur la crée à son démarrage");
const FIRST: Words = Words::new("none yet: the first one that offers itself", "aucune encore : la première qui se présente");
const NO_CODE: Words = Words::new("none yet: zenoh.pairing is \"code\"", "aucune encore : zenoh.pairing vaut \"code\"");
const TYPE_CODE: Words =
    Words::new("type the code that `sudo teleinfo-bridge code` shows:", "taper le code que montre `sudo teleinfo-bridge code` :");
const EXPECTED: Words = Words::new("{}, which has not come yet", "{}, qui n'est pas encore venue");
const NOBODY: Words = Words::new("the file that names it is damaged", "le fichier qui la nomme est abîmé");
const BEGIN_AGAIN: Words = Words::new("begin again with the bridge:", "recommencer avec la passerelle :");
const ROOT_MAY: Words = Words::new("root may read it:", "root peut le lire :");

/// Shows both fingerprints.
pub(super) fn check(report: &mut Report<'_>, settings: &Settings) {
    let directory = settings.state_directory.clone().unwrap_or_else(|| PathBuf::from(STATE_DIRECTORY));
    check_directory(report, &directory, settings.by_code);
}

fn check_directory(report: &mut Report<'_>, directory: &Path, by_code: bool) {
    let (own, trusted) = match look(directory) {
        Ok(found) => found,
        Err(error) => {
            let advice = [report.advise(ROOT_MAY, &[]), Advice::Type("sudo teleinfo-reader doctor".into())];
            return report.skip(KEY, &Sentence::of(format!("{}: {error}", directory.display())), &advice);
        }
    };
    match own {
        Some(words) => report.good(KEY, &Sentence::of(words)),
        None => report.skip(KEY, &report.say(NOT_YET, &[]), &[]),
    }
    match trusted {
        Trusted::Pinned(key) => report.good(BRIDGE, &Sentence::of(key.fingerprint())),
        Trusted::Expected(words) => report.good(BRIDGE, &report.say(EXPECTED, &[&words.bridge])),
        Trusted::First if by_code => {
            let advice = [report.advise(TYPE_CODE, &[]), Advice::Type(format!("{ACCEPT} CODE"))];
            report.wrong(BRIDGE, ExitCode::Config, &report.say(NO_CODE, &[]), &advice);
        }
        Trusted::First => report.skip(BRIDGE, &report.say(FIRST, &[]), &[]),
        Trusted::Nobody => {
            let advice = [report.advise(BEGIN_AGAIN, &[]), Advice::Type(ACCEPT.into())];
            report.wrong(BRIDGE, ExitCode::Config, &report.say(NOBODY, &[]), &advice);
        }
    }
}

#[cfg(test)]
mod tests {
    use teleinfo_people::report::said;
    use teleinfo_proto::seal::Identity;

    use super::*;
    use crate::trust::keys::{Keys, pin};

    #[test]
    fn both_fingerprints_are_shown_and_a_damaged_file_is_a_fault() {
        let directory = tempfile::tempdir().unwrap();
        let (text, code) = said(|report| check_directory(report, directory.path(), false));
        assert!(code.is_none() && text.contains("none yet"), "{text}");
        let (keys, _) = Keys::load(Some(directory.path()), false).unwrap();
        let (text, code) = said(|report| check_directory(report, directory.path(), true));
        assert!(code.is_some() && text.contains("sudo teleinfo-reader accept CODE"), "{text}");
        let bridge = *Identity::from_seed(&[2; 32]).key();
        pin(&directory.path().join("bridge"), &bridge).unwrap();
        let (text, code) = said(|report| check_directory(report, directory.path(), false));
        let words = [keys.own.key().fingerprint(), bridge.fingerprint()];
        assert!(code.is_none() && words.iter().all(|words| text.contains(&words.to_string())), "{text}");
        std::fs::write(directory.path().join("bridge"), "x").unwrap();
        let (text, code) = said(|report| check_directory(report, directory.path(), false));
        assert!(code.is_some() && text.contains(ACCEPT), "{text}");
    }
}
