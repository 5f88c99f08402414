//! What the owner wants to be shown, and where: `[page]`, checked.

use std::net::{Ipv4Addr, SocketAddr};

/// Where the page is, if nothing else is said: this machine alone reaches it.
pub const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8_080);

/// Where the bridge answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// The address and the port.
    pub listen: SocketAddr,
    /// Whether the owner has said so: then it must not fail in silence.
    pub is_wanted: bool,
    /// Further names of this machine.
    pub hosts: Vec<String>,
}
