//! Hours that a command hands to the memory, in a file of the state directory: the bridge alone writes the memory, and need not stop for them. It takes them
//! within seconds, or when it starts.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::MeterId;

use crate::{
    archive::fill::Curve,
    store::{
        checked::{self, Checked},
        whole::{Outlives, write_whole},
    },
};

/// Its name in the state directory.
const FILE: &str = "import.state";

/// Hours of one register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// The meter.
    pub meter: MeterId,
    /// The label of the register.
    pub register: String,
    /// Indexes in Wh, by the minute since 1970.
    pub hours: Curve,
}

/// Leaves them for the bridge.
///
/// # Errors
/// Those of the file system.
pub fn leave(directory: &Path, handed: &[Handed]) -> io::Result<()> {
    let path = directory.join(FILE);
    write_whole(&path, &checked::text(handed)?, Outlives::PowerCut)?;
    // The bridge is another user than root, and must be able to read it.
    let owner = fs::metadata(directory)?;
    std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid()))
}

/// Whether the bridge has still to take them.
#[must_use]
pub fn is_left(directory: &Path) -> bool {
    path(directory).is_some()
}

/// What was left, and nothing if there is none. They stay there until [`remove`].
#[must_use]
pub fn left(directory: &Path) -> Option<Checked<Handed>> {
    path(directory).map(|path| checked::read(&path))
}

/// They were taken.
///
/// # Errors
/// Those of the file system.
pub fn remove(directory: &Path) -> io::Result<()> {
    fs::remove_file(directory.join(FILE))
}

fn path(directory: &Path) -> Option<PathBuf> {
    let path = directory.join(FILE);
    fs::symlink_metadata(&path).is_ok().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_stays_until_it_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        assert!(left(directory.path()).is_none() && !is_left(directory.path()));
        let hours = Curve::from([(29_000_160, 7), (29_000_220, 9)]);
        let handed = [Handed { meter: "041876097767".parse().unwrap(), register: "BASE".into(), hours }];
        leave(directory.path(), &handed).unwrap();
        assert_eq!(left(directory.path()).unwrap(), Checked { records: handed.into(), damage: None });
        remove(directory.path()).unwrap();
        assert!(!is_left(directory.path()));
    }
}
