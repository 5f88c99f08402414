//! The reader's key and the bridge that it trusts, in two files of the state directory.
//!
//! `key`: 64 hexadecimal digits, drawn at the first start. `bridge`: the public key of the bridge that was pinned, in 64 digits, or the words of
//! the one that shall be: five of its fingerprint, or seven of its pairing code. A file of the bridge that is damaged is never taken for none, or anybody could step
//! into its place.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use teleinfo_proto::seal::{Fingerprint, Identity, Pairing, PairingCode, PublicKey};

use super::files;
use crate::{
    journal,
    language::{Sentence, Words},
};

const KEY: &str = "key";
const BRIDGE: &str = "bridge";
/// What the reader shows of its state where systemd has not said where it is: that of the service.
pub const STATE_DIRECTORY: &str = "/var/lib/teleinfo-reader";

/// Which bridge is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trusted {
    /// The first one that offers itself alone.
    First,
    /// The one of this code.
    Expected(PairingCode),
    /// The one with this key.
    Pinned(PublicKey),
    /// It is not known which: none.
    Nobody,
}

/// The reader's key and its bridge, as the files have them.
#[derive(Debug)]
pub struct Keys {
    /// Its key.
    pub own: Identity,
    /// Its bridge.
    pub trusted: Trusted,
    /// Where they are kept.
    pub directory: Option<PathBuf>,
}

/// Something to be said of the files.
#[derive(Debug, PartialEq, Eq)]
pub struct Remark(Sentence);

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl Keys {
    /// From the files of this directory. A key that is missing is made; where it cannot be kept, it lives as long as this process. With
    /// `by_code`, no bridge is trusted before a person has typed its code.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn load(directory: Option<&Path>, by_code: bool) -> Result<(Self, Vec<Remark>), getrandom::Error> {
        let mut remarks = Vec::new();
        let seed = match directory {
            Some(directory) => seed_of(&directory.join(KEY), &mut remarks)?,
            None => {
                remarks.push(Remark(journal::say(NO_DIRECTORY, &[])));
                draw()?
            }
        };
        let mut trusted = directory.map_or(Trusted::First, |directory| trusted(&directory.join(BRIDGE), &mut remarks));
        if by_code && trusted == Trusted::First {
            remarks.push(Remark(journal::say(NO_CODE, &[&ACCEPT])));
            trusted = Trusted::Nobody;
        }
        Ok((Self { own: Identity::from_seed(&seed), trusted, directory: directory.map(PathBuf::from) }, remarks))
    }

    /// Of a reader that keeps nothing.
    #[must_use]
    pub fn of(seed: &[u8; 32]) -> Self {
        Self { own: Identity::from_seed(seed), trusted: Trusted::First, directory: None }
    }

    /// What the seal needs to know of the trust.
    #[must_use]
    pub fn pairing(&self) -> (Option<PublicKey>, Pairing) {
        match self.trusted {
            Trusted::Pinned(key) => (Some(key), Pairing::FirstContact),
            Trusted::Expected(code) => (None, Pairing::Code(code)),
            Trusted::First | Trusted::Nobody => (None, Pairing::FirstContact),
        }
    }

    /// Where the bridge is kept.
    #[must_use]
    pub fn bridge_file(&self) -> Option<PathBuf> {
        self.directory.as_ref().map(|directory| directory.join(BRIDGE))
    }
}

const NO_DIRECTORY: Words = Words::new(
    "there is no state directory (history.directory): the reader's key is made anew at each start, and the bridge refuses another key of a meter that it knows",
    "il n'y a pas de répertoire d'état (history.directory) : la clé du lecteur change à chaque démarrage, et la passerelle refuse une autre clé d'un compteur connu",
);
const OPEN: Words = Words::new(
    "{}: others may read the reader's key: sudo chmod 600 {}",
    "{} : d'autres peuvent lire la clé du lecteur : sudo chmod 600 {}",
);
const NO_KEY: Words = Words::new(
    "{}: this is no key; a new one is used until it is mended or removed",
    "{} : ce n'est pas une clé ; une nouvelle sert jusqu'à ce qu'elle soit réparée ou enlevée",
);
const NOT_KEPT: Words = Words::new(
    "{}: the key cannot be kept: {}; it is made anew at each start, and the bridge refuses another key of a meter that it knows",
    "{} : la clé ne peut pas être gardée : {} ; elle change à chaque démarrage, et la passerelle refuse une autre clé d'un compteur connu",
);
const NOT_READ: Words = Words::new(
    "{}: the key cannot be read: {}; another one is used, and the bridge refuses another key of a meter that it knows",
    "{} : la clé ne peut pas être lue : {} ; une autre sert, et la passerelle refuse une autre clé d'un compteur connu",
);
const NO_CODE: Words = Words::new(
    "zenoh.pairing is \"code\": no bridge is trusted before its code was typed here: {} CODE; sudo teleinfo-bridge code shows it",
    "zenoh.pairing vaut \"code\" : aucune passerelle n'est crue avant que son code soit tapé ici : {} CODE ; sudo teleinfo-bridge code le montre",
);
const NOBODY: Words = Words::new(
    "{}: {}; no bridge is trusted until it is mended: {}",
    "{} : {} ; aucune passerelle n'est crue tant que ce n'est pas réparé : {}",
);
const DAMAGED: Words = Words::new(
    "{}: damaged; no bridge is trusted until it is mended: {}",
    "{} : abîmé ; aucune passerelle n'est crue tant que ce n'est pas réparé : {}",
);

/// Remembers a bridge.
///
/// # Errors
/// Those of the file system.
pub fn pin(file: &Path, bridge: &PublicKey) -> io::Result<()> {
    files::write(file, &format!("{bridge}\n"))
}

/// Forgets the bridge of this directory, and waits for the one of this code, or for any.
///
/// # Errors
/// Those of the file system.
pub fn accept(directory: &Path, bridge: Option<PairingCode>) -> io::Result<()> {
    let file = directory.join(BRIDGE);
    match bridge {
        Some(code) => files::write(&file, &format!("{code}\n")),
        None => files::remove(&file),
    }
}

/// The fingerprints of the reader and of its bridge, for those who only look: nothing is made.
///
/// # Errors
/// Those of the file system.
pub fn look(directory: &Path) -> io::Result<(Option<Fingerprint>, Trusted)> {
    let own = files::read(&directory.join(KEY))?.and_then(|content| seed(&content.text));
    Ok((own.map(|seed| Identity::from_seed(&seed).key().fingerprint()), trusted(&directory.join(BRIDGE), &mut Vec::new())))
}

fn seed_of(path: &Path, remarks: &mut Vec<Remark>) -> Result<[u8; 32], getrandom::Error> {
    let shown = path.display();
    match files::read(path) {
        Ok(Some(content)) => {
            if content.is_open_to_others {
                remarks.push(Remark(journal::say(OPEN, &[&shown, &shown])));
            }
            if let Some(seed) = seed(&content.text) {
                return Ok(seed);
            }
            remarks.push(Remark(journal::say(NO_KEY, &[&shown])));
            draw()
        }
        Ok(None) => {
            let seed = draw()?;
            if let Err(error) = files::write(path, &format!("{}\n", PublicKey::from_bytes(seed))) {
                remarks.push(Remark(journal::say(NOT_KEPT, &[&shown, &error])));
            }
            Ok(seed)
        }
        Err(error) => {
            remarks.push(Remark(journal::say(NOT_READ, &[&shown, &error])));
            draw()
        }
    }
}

/// A secret is written as a public key is: 64 digits.
fn seed(text: &str) -> Option<[u8; 32]> {
    text.trim_end().parse::<PublicKey>().ok().map(|digits| *digits.as_bytes())
}

fn draw() -> Result<[u8; 32], getrandom::Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(seed)
}

fn trusted(path: &Path, remarks: &mut Vec<Remark>) -> Trusted {
    let text = match files::read(path) {
        Ok(None) => return Trusted::First,
        Ok(Some(content)) => content.text,
        Err(error) => {
            remarks.push(Remark(journal::say(NOBODY, &[&path.display(), &error, &ACCEPT])));
            return Trusted::Nobody;
        }
    };
    let text = text.trim_end();
    let words = || text.parse().ok().map(Trusted::Expected);
    text.parse().ok().map(Trusted::Pinned).or_else(words).unwrap_or_else(|| {
        remarks.push(Remark(journal::say(DAMAGED, &[&path.display(), &ACCEPT])));
        Trusted::Nobody
    })
}

/// The command that begins again.
pub const ACCEPT: &str = "sudo teleinfo-reader accept";

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn load(directory: &Path) -> (Keys, Vec<Remark>) {
        Keys::load(Some(directory), false).unwrap()
    }

    #[test]
    fn the_key_is_made_once_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let (first, remarks) = load(directory.path());
        assert_eq!((remarks, first.trusted), (vec![], Trusted::First));
        let (second, _) = load(directory.path());
        assert_eq!(first.own.key(), second.own.key());
        assert_eq!(look(directory.path()).unwrap(), (Some(first.own.key().fingerprint()), Trusted::First));
        let (other, remarks) = Keys::load(None, false).unwrap();
        assert!(other.own.key() != first.own.key() && remarks.len() == 1);
    }

    #[test]
    fn a_key_that_cannot_be_kept_or_read_is_replaced_for_this_process_and_said() {
        let directory = tempfile::tempdir().unwrap();
        files::write(&directory.path().join(KEY), "rubbish").unwrap();
        for path in [directory.path(), Path::new("/nowhere")] {
            let (keys, remarks) = load(path);
            assert_eq!(remarks.len(), 1, "{remarks:?}");
            assert!(keys.own.key() != load(path).0.own.key());
        }
        assert_eq!(fs::read_to_string(directory.path().join(KEY)).unwrap(), "rubbish", "nothing is written over");
    }

    #[test]
    fn a_bridge_is_pinned_accepted_by_its_words_and_never_guessed_from_a_damaged_file() {
        let directory = tempfile::tempdir().unwrap();
        let bridge = *Identity::from_seed(&[2; 32]).key();
        let file = directory.path().join(BRIDGE);
        pin(&file, &bridge).unwrap();
        assert_eq!(load(directory.path()).0.trusted, Trusted::Pinned(bridge));
        for code in [PairingCode::from(bridge.fingerprint()), PairingCode { bridge: bridge.fingerprint(), secret: 7 }] {
            accept(directory.path(), Some(code)).unwrap();
            assert_eq!(load(directory.path()).0.trusted, Trusted::Expected(code));
        }
        accept(directory.path(), None).unwrap();
        assert_eq!(load(directory.path()).0.trusted, Trusted::First);
        let (by_code, remarks) = Keys::load(Some(directory.path()), true).unwrap();
        assert_eq!((by_code.trusted, remarks.len()), (Trusted::Nobody, 1), "no first contact without the code");
        fs::write(&file, "damaged").unwrap();
        let (keys, remarks) = load(directory.path());
        assert_eq!((keys.trusted, remarks.len()), (Trusted::Nobody, 1));
    }
}
