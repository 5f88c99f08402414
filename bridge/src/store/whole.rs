//! A file is written whole or not at all: whatever happens, the old one or the new one is there afterwards.
//!
//! The new content goes to a file beside it, which reaches the disk before it takes the place of the old one; then the directory, which
//! holds the name, reaches the disk too.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::words::language::Words;

/// What the content of a file must outlive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlives {
    /// The end of this process: the file system is in memory, or the content is of use for a short time only.
    Process,
    /// A power cut too.
    PowerCut,
}

/// What is said of a file that could not be written, and why.
pub const NOT_KEPT: Words = Words::new("cannot keep {}: {}", "impossible d'enregistrer {} : {}");

/// Writes a file whole or not at all.
///
/// # Errors
/// What the file system says. An empty file is refused: nothing that is kept here is empty.
pub fn write_whole(path: &Path, bytes: &[u8], outlives: Outlives) -> io::Result<()> {
    if bytes.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "nothing to write"));
    }
    let new = beside(path);
    let mut file = create_new(&new)?;
    file.write_all(bytes)?;
    if outlives == Outlives::PowerCut {
        file.sync_all()?;
    }
    fs::rename(&new, path)?;
    match path.parent() {
        Some(directory) if outlives == Outlives::PowerCut => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}

/// The same where another user does it for the one whose file it is: it stays theirs.
///
/// # Errors
/// As above; the file has no owner, or may not be given to it.
pub fn write_whole_for_owner(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let owner = fs::metadata(path)?;
    write_whole(path, bytes, Outlives::PowerCut)?;
    std::os::unix::fs::chown(path, Some(owner.uid()), Some(owner.gid()))
}

/// A new file, where one of a stop at a bad moment, or a link to somewhere else, may be in its place.
fn create_new(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => File::create_new(path),
    }
}

/// Reads a file of ours. A link, a device or a pipe in its place was not put there by us.
///
/// # Errors
/// What the file system says, or that this is no file.
pub fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a link or a device, and no file"));
    }
    fs::read(path)
}

/// The file beside it: two files whose names differ must not share it.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_content_takes_the_place_of_the_old() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("positions.state");
        for text in ["old and longer", "new"] {
            write_whole(&path, text.as_bytes(), Outlives::PowerCut).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn nothing_is_read_or_written_through_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let [path, new, other] = ["a.state", "a.state.new", "other"].map(|name| directory.path().join(name));
        fs::write(&other, "other").unwrap();
        for link in [&path, &new] {
            std::os::unix::fs::symlink(&other, link).unwrap();
        }
        assert_eq!(read_whole(&path).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        write_whole(&path, b"mine", Outlives::PowerCut).unwrap();
        assert_eq!((read_whole(&path).unwrap(), fs::read_to_string(&other).unwrap()), (b"mine".to_vec(), "other".to_owned()));
        assert_eq!(read_whole(Path::new("/dev/zero")).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn what_cannot_be_written_leaves_the_old() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("positions.state");
        write_whole(&path, b"old", Outlives::Process).unwrap();
        assert!(write_whole(&path, b"", Outlives::PowerCut).is_err(), "an empty file is no content");
        fs::create_dir(directory.path().join("positions.state.new")).unwrap();
        assert!(write_whole(&path, b"new", Outlives::PowerCut).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }
}
