//! What the owner wants to be shown, and where: `[page]`, checked.

use std::net::SocketAddr;

/// Where the bridge answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// The address and the port.
    pub listen: SocketAddr,
    /// Further names of this machine.
    pub hosts: Vec<String>,
}
