//! The machine that is looked at: this one, or a folder that a test has made to look like one.

use std::path::PathBuf;

/// The machine that is looked at.
pub(super) struct Machine {
    /// Where its files begin.
    pub(super) root: PathBuf,
}
