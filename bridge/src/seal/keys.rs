//! The key of this bridge: 64 hexadecimal digits in the file `key` of the state directory, drawn at the first start. The bridges of a group
//! have the same one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use teleinfo_proto::seal::{Identity, PublicKey};

use crate::words::{
    journal,
    language::{Sentence, Words},
};

/// Its name in the state directory.
pub const FILE: &str = "key";
const NO_DIRECTORY: Words = Words::new(
    "there is no state directory (STATE_DIRECTORY): the bridge's key is made anew at each start, and readers refuse another bridge than the one they know",
    "il n'y a pas de répertoire d'état (STATE_DIRECTORY) : la clé de la passerelle change à chaque démarrage, et les lecteurs refusent une autre passerelle que la leur",
);
const OPEN: Words = Words::new(
    "{}: others may read the bridge's key: sudo chmod 600 {}",
    "{} : d'autres peuvent lire la clé de la passerelle : sudo chmod 600 {}",
);
const NOT_KEPT: Words = Words::new(
    "{}: the bridge's key cannot be kept: {}; it is made anew at each start, and readers refuse another bridge than the one they know",
    "{} : la clé de la passerelle ne peut pas être gardée : {} ; elle change à chaque démarrage, et les lecteurs refusent une autre passerelle que la leur",
);
const NOT_USED: Words = Words::new(
    "{}: the bridge's key cannot be used: {}; another one is used until it is mended, and readers refuse it",
    "{} : la clé de la passerelle ne peut pas servir : {} ; une autre sert jusqu'à ce qu'elle soit réparée, et les lecteurs la refusent",
);

/// The key of a state directory, made if there is none; and what is to be said of it. Where it cannot be kept, it lives as long as this
/// process.
///
/// # Errors
/// The system has no random numbers.
pub fn load(directory: Option<&Path>) -> Result<(Identity, Option<Sentence>), getrandom::Error> {
    let Some(path) = directory.map(|directory| directory.join(FILE)) else {
        return Ok((Identity::from_seed(&draw()?), Some(journal::say(NO_DIRECTORY, &[]))));
    };
    let shown = path.display();
    let (seed, remark) = match read(&path) {
        Ok(Some((seed, false))) => (seed, None),
        Ok(Some((seed, true))) => (seed, Some(journal::say(OPEN, &[&shown, &shown]))),
        Ok(None) => {
            let seed = draw()?;
            let written = write(&path, &format!("{}\n", PublicKey::from_bytes(seed)));
            (seed, written.err().map(|error| journal::say(NOT_KEPT, &[&shown, &error])))
        }
        Err(error) => (draw()?, Some(journal::say(NOT_USED, &[&shown, &error]))),
    };
    Ok((Identity::from_seed(&seed), remark))
}

/// The key of a file, and whether others than its owner may read it.
///
/// # Errors
/// Those of the file system; `InvalidData` for what is no plain file with a key.
pub fn read(path: &Path) -> io::Result<Option<([u8; 32], bool)>> {
    let Some((text, is_open)) = read_text(path)? else { return Ok(None) };
    let key = text.trim_end().parse::<PublicKey>().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "this is no key"))?;
    Ok(Some((*key.as_bytes(), is_open)))
}

/// The text of a small plain file, and whether others than its owner may read it.
pub(super) fn read_text(path: &Path) -> io::Result<Option<(String, bool)>> {
    let is_link = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    match fs::symlink_metadata(path) {
        Err(error) if is_link(&error) => return Ok(None),
        Ok(metadata) if metadata.is_file() && metadata.len() <= 4096 => {}
        Ok(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, "this is no small plain file")),
        Err(error) => return Err(error),
    }
    let file = File::open(path)?;
    let is_open = file.metadata()?.mode() & 0o077 != 0;
    let mut text = String::new();
    file.take(4096).read_to_string(&mut text)?;
    Ok(Some((text, is_open)))
}

pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    if beside.exists() {
        fs::remove_file(&beside)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

fn draw() -> Result<[u8; 32], getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn the_key_is_made_once_kept_for_its_owner_and_never_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let (first, remark) = load(Some(directory.path())).unwrap();
        assert_eq!(remark, None);
        let path = directory.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(load(Some(directory.path())).unwrap().0.key(), first.key());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let (again, remark) = load(Some(directory.path())).unwrap();
        assert!(again.key() == first.key() && remark.unwrap().as_str().contains("chmod 600"));
        fs::write(&path, "rubbish").unwrap();
        assert!(load(Some(directory.path())).unwrap().1.is_some());
        assert_eq!(fs::read_to_string(&path).unwrap(), "rubbish");
        assert!(load(None).unwrap().1.is_some() && load(Some(Path::new("/nowhere"))).unwrap().1.is_some());
    }

    #[test]
    fn a_symbolic_link_and_a_device_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join(FILE);
        symlink("/dev/zero", &link).unwrap();
        assert!(read(&link).is_err() && read(Path::new("/dev/zero")).is_err());
    }
}
