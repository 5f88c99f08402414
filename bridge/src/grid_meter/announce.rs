//! Announces grid meters on the local network by mDNS, so that a battery finds them by itself.
//!
//! Only by IPv4: many clients know nothing else, and Home Assistant refuses the rest. Nothing that listens on the loopback alone is
//! announced, since nobody could reach it. avahi on the same machine is no obstacle: both share the port.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use mdns_sd::{IfKind, ServiceDaemon, ServiceInfo};
use tokio::{
    task,
    time::{self, Duration},
};
use tracing::{debug, warn};

use crate::words::{journal, language::Words};

const NO_MDNS: Words = Words::new(
    "grid-meter: mDNS does not work, so batteries have to be given an address: {}",
    "grid-meter : mDNS ne marche pas, il faut donc donner une adresse aux batteries : {}",
);
const NOT_ANNOUNCED: Words =
    Words::new("grid-meter: {} cannot be announced by mDNS: {}", "grid-meter : {} ne peut être annoncé par mDNS : {}");

/// An address of documentation (RFC 5737) that lies behind the default route. Nothing is sent there.
const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_millis(500);

/// What is announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The type, as in `_everhome._tcp`.
    pub kind: &'static str,
    /// The instance, which is the name of the host too.
    pub name: String,
    /// What its TXT record tells.
    pub properties: Vec<(&'static str, String)>,
}

/// The responder.
#[derive(Clone)]
pub struct Announcer {
    daemon: ServiceDaemon,
}

impl Announcer {
    /// Takes its place among the responders of this machine. Without it clients need to be given an address.
    #[must_use]
    pub fn start() -> Option<Self> {
        let daemon = ServiceDaemon::new().and_then(|daemon| {
            daemon.disable_interface(vec![IfKind::IPv6, IfKind::LoopbackV4])?;
            Ok(daemon)
        });
        match daemon {
            Ok(daemon) => Some(Self { daemon }),
            Err(error) => {
                warn!("{}", journal::say(NO_MDNS, &[&error]));
                None
            }
        }
    }

    /// Announces what listens there.
    pub fn announce(&self, listen: SocketAddr, service: &Service) {
        match info(listen, service).and_then(|info| self.daemon.register(info)) {
            Ok(()) => debug!("grid-meter: {} is announced as {}", service.name, service.kind),
            Err(error) => warn!("{}", journal::say(NOT_ANNOUNCED, &[&service.name, &error])),
        }
    }

    /// Takes everything back, so that nobody looks for what has gone.
    pub async fn close(self) {
        let Ok(closed) = self.daemon.shutdown() else { return };
        let _ = time::timeout(GOODBYE, task::spawn_blocking(move || closed.recv_timeout(GOODBYE))).await;
    }
}

/// Whether others can reach what listens there.
#[must_use]
pub const fn is_reachable(listen: SocketAddr) -> bool {
    matches!(listen.ip(), IpAddr::V4(ip) if !ip.is_loopback()) || listen.ip().is_unspecified()
}

/// The address by which this machine is reached. Without a route there is none.
#[must_use]
pub fn own_address(listen: SocketAddr) -> Option<Ipv4Addr> {
    let routed = || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
        socket.connect(ANYWHERE).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    let address = if listen.ip().is_unspecified() { routed()? } else { listen.ip() };
    if let IpAddr::V4(address) = address { Some(address) } else { None }
}

fn info(listen: SocketAddr, service: &Service) -> mdns_sd::Result<ServiceInfo> {
    let Service { kind, name, properties } = service;
    let (kind, host) = (format!("{kind}.local."), format!("{name}.local."));
    let addresses = if listen.ip().is_unspecified() { Vec::new() } else { vec![listen.ip()] };
    let info = ServiceInfo::new(&kind, name, &host, &addresses[..], listen.port(), &properties[..])?;
    Ok(if addresses.is_empty() { info.enable_addr_auto() } else { info })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_properties_are_taken_as_they_are() {
        let properties = vec![("serial", "021861000001".to_owned()), ("productid", "1137".to_owned())];
        let service = Service { kind: "_everhome._tcp", name: "ecotracker-021861000001".into(), properties };
        let info = info("192.168.1.2:80".parse().unwrap(), &service).unwrap();
        assert_eq!(info.get_fullname(), "ecotracker-021861000001._everhome._tcp.local.");
        assert_eq!((info.get_hostname(), info.get_port()), ("ecotracker-021861000001.local.", 80));
        assert_eq!(info.get_property_val_str("productid"), Some("1137"));
        assert_eq!(info.get_addresses().len(), 1);
    }

    #[test]
    fn what_nobody_reaches_is_not_announced() {
        for (listen, expected) in
            [("0.0.0.0:80", true), ("[::]:80", true), ("192.168.1.2:80", true), ("127.0.0.2:80", false), ("[::1]:80", false)]
        {
            assert_eq!(is_reachable(listen.parse().unwrap()), expected, "{listen}");
        }
        assert_eq!(own_address("192.168.1.2:80".parse().unwrap()), Some(Ipv4Addr::new(192, 168, 1, 2)));
    }
}
