//! What the owner wants to be shown, and where: `[page]`, checked.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::daemon::credentials::Secret;

/// Where the page is, if nothing else is said: this machine alone reaches it.
pub const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8_080);

/// The same where there is a password: the whole network.
pub const LISTEN_LOCKED: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8_080);

/// Where the bridge answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// The address and the port.
    pub listen: SocketAddr,
    /// Whether the owner has said so: then it must not fail in silence.
    pub is_wanted: bool,
    /// Further names of this machine.
    pub hosts: Vec<String>,
    /// Those who have checked already who asks, and under which name: they need no password.
    pub proxies: Vec<IpAddr>,
    /// What everybody else has to know, if anything.
    pub password: Option<Secret>,
}
