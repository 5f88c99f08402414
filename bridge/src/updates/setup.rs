//! What the owner wants to be asked, and where: `[updates]`, checked.

use std::path::PathBuf;

use hyper::Uri;

/// Where the newest version is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// By a server.
    Server(Uri),
    /// In a file of this machine.
    File(PathBuf),
}
