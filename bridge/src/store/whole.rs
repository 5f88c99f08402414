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

/// What the content of a file must outlive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlives {
    /// The end of this process: the file system is in memory, or the content is of use for a short time only.
    Process,
    /// A power cut too.
    PowerCut,
}

/// Writes a file whole or not at all.
///
/// # Errors
/// What the file system says. An empty file is refused: nothing that is kept here is empty.
pub fn write_whole(path: &Path, bytes: &[u8], outlives: Outlives) -> io::Result<()> {
    if bytes.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "nothing to write"));
    }
    let new = beside(path);
    let mut file = File::create(&new)?;
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
