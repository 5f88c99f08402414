//! What the owner wants to be written, and where: `[influxdb]`, checked.

use std::{path::PathBuf, time::Duration};

use hyper::Uri;

use crate::daemon::credentials::Secret;

/// Everything that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// Where lines go.
    pub target: Target,
    /// A line of each meter in this time; zero: of each frame.
    pub every: Duration,
}

/// Where lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// To a server, at the whole address of its interface for writing, with this token.
    Server(Uri, Option<Secret>),
    /// To whoever listens at a socket of this machine.
    Socket(PathBuf),
    /// To the end of a file.
    File(PathBuf),
}
