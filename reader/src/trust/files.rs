//! Small files that only their owner may read. They are written whole or not at all, and reach the disk. What is no plain file is refused:
//! a symbolic link may lead anywhere, and a device may never end.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, chown},
    path::Path,
};

use nix::fcntl::OFlag;

/// Longer than any of these files.
const BYTES_MAX: u64 = 4096;
/// The owner reads and writes, nobody else does anything.
const OWNER_ONLY: u32 = 0o600;

/// What a file says, and whether others than its owner may read it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) text: String,
    pub(super) is_open_to_others: bool,
}

/// `None` if there is no such file.
///
/// # Errors
/// Those of the file system, and `InvalidData` for what is no plain file of a few bytes.
pub(super) fn read(path: &Path) -> io::Result<Option<Content>> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = match OpenOptions::new().read(true).custom_flags(flags.bits()).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "this is no small plain file"));
    }
    let mut text = String::new();
    file.take(BYTES_MAX).read_to_string(&mut text)?;
    Ok(Some(Content { text, is_open_to_others: metadata.mode() & 0o077 != 0 }))
}

/// Writes a file whole. It gets the owner of its directory, so that a command of root's leaves it to the service.
///
/// # Errors
/// Those of the file system; the old file is then still there.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    remove(&beside)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&beside)?;
    file.write_all(text.as_bytes())?;
    let directory = path.parent().unwrap_or(Path::new("/"));
    let (owner, own) = (fs::metadata(directory)?, file.metadata()?);
    if owner.uid() != own.uid() {
        chown(&beside, Some(owner.uid()), Some(owner.gid()))?;
    }
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(directory)?.sync_all()
}

/// Removes a file, if it is there.
///
/// # Errors
/// Those of the file system.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn only_the_owner_may_read_what_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        assert_eq!(read(&path).unwrap(), None);
        for text in ["first", "second"] {
            write(&path, text).unwrap();
            assert_eq!(read(&path).unwrap(), Some(Content { text: text.into(), is_open_to_others: false }));
        }
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, OWNER_ONLY);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read(&path).unwrap().unwrap().is_open_to_others);
    }

    #[test]
    fn what_is_no_plain_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (path, target) = (directory.path().join("key"), directory.path().join("target"));
        fs::write(&target, "a secret").unwrap();
        symlink(&target, &path).unwrap();
        assert!(read(&path).is_err());
        assert!(read(Path::new("/dev/zero")).is_err() && read(directory.path()).is_err());
        fs::write(&target, vec![b'a'; 5000]).unwrap();
        assert!(read(&target).is_err(), "too long");
    }
}
