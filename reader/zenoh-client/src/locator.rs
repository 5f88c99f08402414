//! Where a router listens: `tcp/host:port`, as Zenoh writes it. The host is an address, `[v6]`, `[v6%interface]`, or a name.
//!
//! A link-local IPv6 address (RFC 4291, section 2.5.6) is the same on every interface, so it needs the interface (RFC 4007, section 11).
//!
//! Only TCP is spoken. Zenoh's `?metadata` and `#config` parts are refused: silently dropping what somebody asked for (an interface,
//! say) would be worse than an error.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::str::FromStr;

use nix::net::if_::if_nametoindex;

/// The port Zenoh routers listen on.
const USUAL_PORT: u16 = 7447;

/// A router's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locator {
    host: Host,
    port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    /// An address that counts on one interface, given by its name or its number.
    Scoped(Ipv6Addr, String),
    Name(String),
}

/// What is wrong with a locator. Its words name the locator and what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatorError {
    text: String,
    problem: Problem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Problem {
    Protocol,
    Options,
    Port,
    Host,
    Brackets,
    Interface,
}

impl Locator {
    /// A router of this machine, where routers usually listen.
    #[must_use]
    pub const fn this_machine() -> Self {
        Self { host: Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST)), port: USUAL_PORT }
    }

    /// The address, when no name has to be looked up for it, and its interface is there.
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.host {
            Host::Address(ip) => Some(SocketAddr::new(*ip, self.port)),
            Host::Scoped(ip, interface) => Some(SocketAddrV6::new(*ip, self.port, 0, index(interface)?).into()),
            Host::Name(_) => None,
        }
    }

    /// The host name, when there is one to look up.
    pub fn name(&self) -> Option<&str> {
        if let Host::Name(name) = &self.host { Some(name) } else { None }
    }

    /// The network interface that the address counts on, when it names one.
    pub fn interface(&self) -> Option<&str> {
        if let Host::Scoped(_, interface) = &self.host { Some(interface) } else { None }
    }

    /// The same, on this interface if the address says nothing without one: the router said it there.
    pub(crate) fn on_interface(self, interface: &str) -> Self {
        match self.host {
            Host::Address(IpAddr::V6(ip)) if ip.is_unicast_link_local() => Self { host: Host::Scoped(ip, interface.into()), ..self },
            _ => self,
        }
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Locator {
    type Err = LocatorError;

    fn from_str(text: &str) -> Result<Self, LocatorError> {
        parse(text).map_err(|problem| LocatorError { text: text.into(), problem })
    }
}

fn parse(text: &str) -> Result<Locator, Problem> {
    let rest = text.strip_prefix("tcp/").ok_or(Problem::Protocol)?;
    if rest.contains(['?', '#']) {
        return Err(Problem::Options);
    }
    let (host, port) = rest.rsplit_once(':').ok_or(Problem::Port)?;
    let port = port.parse().ok().filter(|port| *port != 0).ok_or(Problem::Port)?;
    Ok(Locator { host: parse_host(host)?, port })
}

fn parse_host(host: &str) -> Result<Host, Problem> {
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or(Problem::Brackets)?;
        if let Some((ip, interface)) = inner.split_once('%') {
            return scoped(ip, interface).ok_or(Problem::Interface);
        }
        return inner.parse().map(|ip| Host::Address(IpAddr::V6(ip))).map_err(|_| Problem::Brackets);
    }
    if host.contains(':') {
        return Err(Problem::Brackets);
    }
    if let Ok(ip) = host.parse() {
        return Ok(Host::Address(IpAddr::V4(ip)));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    match !host.is_empty() && host.len() <= 253 && host.bytes().all(allowed) {
        true => Ok(Host::Name(host.into())),
        false => Err(Problem::Host),
    }
}

/// An interface of Linux has a name of up to 15 characters, without `/` and spaces.
fn scoped(ip: &str, interface: &str) -> Option<Host> {
    let is_name = (1..=15).contains(&interface.len()) && interface.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
    ip.parse().ok().filter(|_| is_name).map(|ip| Host::Scoped(ip, interface.into()))
}

/// The number of an interface that is there now.
fn index(interface: &str) -> Option<u32> {
    interface.parse().ok().or_else(|| if_nametoindex(interface).ok())
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(ip) => write!(f, "tcp/{}", SocketAddr::new(*ip, self.port)),
            Host::Scoped(ip, interface) => write!(f, "tcp/[{ip}%{interface}]:{}", self.port),
            Host::Name(name) => write!(f, "tcp/{name}:{}", self.port),
        }
    }
}

impl fmt::Display for LocatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.text;
        match self.problem {
            Problem::Protocol => {
                write!(f, "locator {text:?}: expected tcp/host:port (only TCP is spoken), for example tcp/192.168.1.10:{USUAL_PORT}")
            }
            Problem::Options => write!(f, "locator {text:?}: options after ? or # are not supported, expected tcp/host:port"),
            Problem::Port => write!(f, "locator {text:?}: expected a port from 1 to 65535 after the last colon, usually :{USUAL_PORT}"),
            Problem::Host => write!(f, "locator {text:?}: expected an address or a host name between tcp/ and the port"),
            Problem::Interface => {
                write!(f, "locator {text:?}: expected an IPv6 address and an interface, for example tcp/[fe80::1%eth0]:{USUAL_PORT}")
            }
            Problem::Brackets => {
                write!(f, "locator {text:?}: expected an IPv6 address in brackets, for example tcp/[fd00::1]:{USUAL_PORT}")
            }
        }
    }
}

impl std::error::Error for LocatorError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_are_told_apart() {
        for (text, address) in
            [("tcp/192.168.1.10:7447", "192.168.1.10:7447"), ("tcp/[fd00::1]:7447", "[fd00::1]:7447"), ("tcp/[::]:1", "[::]:1")]
        {
            let locator: Locator = text.parse().unwrap();
            assert_eq!(locator.address(), Some(address.parse().unwrap()), "{text}");
            assert_eq!(locator.name(), None);
            assert_eq!(locator.to_string(), text);
        }
        let named: Locator = "tcp/bridge.local:7447".parse().unwrap();
        assert_eq!((named.address(), named.name(), named.port()), (None, Some("bridge.local"), 7447));
        assert_eq!(named.to_string(), "tcp/bridge.local:7447");
    }

    #[test]
    fn a_link_local_address_counts_on_its_interface() {
        for text in ["tcp/[fe80::1%lo]:7447", "tcp/[fe80::1%1]:7447"] {
            let locator: Locator = text.parse().unwrap();
            assert_eq!(locator.address(), Some("[fe80::1%1]:7447".parse().unwrap()), "lo is the first interface");
            assert_eq!(locator.to_string(), text);
        }
        let absent: Locator = "tcp/[fe80::1%nowhere0]:7447".parse().unwrap();
        assert_eq!((absent.address(), absent.name(), absent.interface()), (None, None, Some("nowhere0")));
        let on = |text: &str| text.parse::<Locator>().unwrap().on_interface("eth0").to_string();
        assert_eq!(on("tcp/[fe80::1]:7447"), "tcp/[fe80::1%eth0]:7447");
        for other in ["tcp/[fd00::1]:7447", "tcp/10.0.0.1:7447", "tcp/bridge.lan:7447", "tcp/[fe80::1%lo]:7447"] {
            assert_eq!(on(other), other);
        }
    }

    #[test]
    fn an_error_names_the_locator_and_what_to_write() {
        for (text, hint) in [
            ("", "expected tcp/host:port"),
            ("192.168.1.10", "expected tcp/host:port"),
            ("tls/bridge:7447", "only TCP is spoken"),
            ("udp/bridge:7447", "only TCP is spoken"),
            ("tcp/bridge", "usually :7447"),
            ("tcp/bridge:", "usually :7447"),
            ("tcp/bridge:0", "from 1 to 65535"),
            ("tcp/bridge:65536", "from 1 to 65535"),
            ("tcp/bridge:7447#iface=eth0", "options after ? or #"),
            ("tcp/bridge:7447?rel=1", "options after ? or #"),
            ("tcp/fd00::1:7447", "in brackets"),
            ("tcp/[fd00::1:7447", "in brackets"),
            ("tcp/[bridge]:7447", "in brackets"),
            ("tcp/[fe80::1%]:7447", "%eth0"),
            ("tcp/[1.2.3.4%eth0]:7447", "%eth0"),
            ("tcp/[fe80::1%a/b]:7447", "%eth0"),
            ("tcp/:7447", "a host name"),
            ("tcp/my bridge:7447", "a host name"),
        ] {
            let error = text.parse::<Locator>().unwrap_err().to_string();
            assert!(error.contains(hint) && error.contains(&format!("{text:?}")), "{text}: {error}");
        }
    }
}
