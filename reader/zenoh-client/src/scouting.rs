//! Finding a router without being told where: Zenoh's scouting. A Scout goes by UDP multicast to 224.0.0.224:7446 from every interface,
//! routers answer its sender with a Hello that lists their locators.
//!
//! One socket per interface, bound to the interface's own IPv4 address: that makes Linux send the multicast through that interface
//! without any socket option, and the answers come back to it. The interfaces are listed anew for every Scout, since at boot the
//! network comes up later than the program. No IPv6 scouting: Zenoh routers do not listen for it by default.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use zenoh_codec::{RCodec, WCodec, Zenoh080};
use zenoh_protocol::core::WhatAmI;
use zenoh_protocol::core::whatami::WhatAmIMatcher;
use zenoh_protocol::scouting::{HelloProto, Scout};

use crate::locator::Locator;

/// Where Zenoh routers listen for Scouts.
pub(crate) const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 224), 7446);

/// Interfaces asked at most: as many tokens of the loop are set aside.
pub(crate) const SOCKETS_MAX: usize = 8;

/// The pauses between Scouts: short at first, longer while no router answers.
const INTERVALS: [Duration; 4] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// How long to wait for more Hellos after the first one, so that a second router is known too.
const SETTLE: Duration = Duration::from_millis(200);

/// Locators remembered at most.
pub(crate) const LOCATORS_MAX: usize = 16;

/// Bytes of a datagram taken. A Hello has a few hundred; what does not fit is none.
const DATAGRAM: usize = 4096;

/// A search in progress.
#[derive(Debug)]
pub(crate) struct Scouting {
    group: SocketAddrV4,
    first_token: usize,
    /// With the interface that each goes out from.
    sockets: Vec<(String, UdpSocket)>,
    found: Vec<Locator>,
    scouts: usize,
    next: Instant,
    settled: Option<Instant>,
}

impl Scouting {
    /// Begins at the next `handle_timeout`. Sockets get the tokens from `first_token` on.
    pub(crate) fn new(group: SocketAddrV4, first_token: usize, now: Instant) -> Self {
        Self { group, first_token, sockets: Vec::new(), found: Vec::new(), scouts: 0, next: now, settled: None }
    }

    /// Reads the answers that have arrived on one socket.
    pub(crate) fn handle_event(&mut self, token: Token, now: Instant) {
        let Some((interface, socket)) = token.0.checked_sub(self.first_token).and_then(|index| self.sockets.get(index)) else { return };
        let mut datagram = [0; DATAGRAM];
        loop {
            match socket.recv_from(&mut datagram) {
                Ok((length, _)) => take_hello(&mut self.found, interface, &datagram[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    log::debug!("scouting: {error}");
                    break;
                }
            }
        }
        if !self.found.is_empty() && self.settled.is_none() {
            self.settled = Some(now + SETTLE);
        }
    }

    /// Sends the next Scout when it is due.
    pub(crate) fn handle_timeout(&mut self, registry: &Registry, now: Instant) {
        if now < self.next {
            return;
        }
        self.next = now + INTERVALS[self.scouts.min(INTERVALS.len() - 1)];
        self.scouts = self.scouts.saturating_add(1);
        self.open_sockets(registry);
        self.send();
    }

    pub(crate) fn poll_timeout(&self) -> Instant {
        self.settled.map_or(self.next, |settled| settled.min(self.next))
    }

    /// The locators found, once there has been time for all to answer.
    pub(crate) fn poll_found(&mut self, now: Instant) -> Option<Vec<Locator>> {
        self.settled.filter(|settled| now >= *settled).map(|_| std::mem::take(&mut self.found))
    }

    /// Scouts sent so far.
    pub(crate) fn scouts(&self) -> usize {
        self.scouts
    }

    /// A router has answered; there is still time for others.
    pub(crate) fn has_found(&self) -> bool {
        self.settled.is_some()
    }

    fn open_sockets(&mut self, registry: &Registry) {
        self.sockets.clear();
        for (interface, address) in interfaces() {
            let token = Token(self.first_token + self.sockets.len());
            match open(registry, token, address) {
                Ok(socket) => self.sockets.push((interface, socket)),
                Err(error) => log::debug!("scouting from {address}: {error}"),
            }
        }
    }

    fn send(&self) {
        let message = scout();
        for (_, socket) in &self.sockets {
            if let Err(error) = socket.send_to(&message, SocketAddr::V4(self.group)) {
                log::debug!("scouting from {:?}: {error}", socket.local_addr());
            }
        }
    }
}

fn open(registry: &Registry, token: Token, address: Ipv4Addr) -> io::Result<UdpSocket> {
    let mut socket = UdpSocket::bind(SocketAddr::from((address, 0)))?;
    registry.register(&mut socket, token, Interest::READABLE)?;
    Ok(socket)
}

/// The interfaces that are up and know multicast, with their IPv4 addresses, and loopback: the router may run on this very machine.
fn interfaces() -> Vec<(String, Ipv4Addr)> {
    let wanted = InterfaceFlags::IFF_MULTICAST | InterfaceFlags::IFF_LOOPBACK;
    let Ok(list) = getifaddrs() else { return Vec::new() };
    let mut addresses: Vec<(String, Ipv4Addr)> = list
        .filter(|interface| interface.flags.contains(InterfaceFlags::IFF_UP) && interface.flags.intersects(wanted))
        .filter_map(|interface| Some((interface.interface_name, interface.address?.as_sockaddr_in()?.ip())))
        .collect();
    addresses.dedup();
    addresses.truncate(SOCKETS_MAX);
    addresses
}

fn scout() -> Vec<u8> {
    let message = Scout { version: zenoh_protocol::VERSION, what: WhatAmIMatcher::empty().router(), zid: None };
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = Zenoh080::new().write(&mut bytes, &message);
    bytes
}

/// Adds the locators of a Hello that we can speak to; anybody may send anything to this socket.
pub(crate) fn take_hello(found: &mut Vec<Locator>, interface: &str, mut datagram: &[u8]) {
    let hello: Result<HelloProto, _> = Zenoh080::new().read(&mut datagram);
    let Ok(hello) = hello else { return };
    if hello.version != zenoh_protocol::VERSION || hello.whatami != WhatAmI::Router {
        log::debug!("scouting: no router of this protocol version: {hello:?}");
        return;
    }
    for locator in hello.locators {
        match locator.as_str().parse().map(|locator: Locator| locator.on_interface(interface)) {
            Ok(locator) if found.len() < LOCATORS_MAX && !found.contains(&locator) => found.push(locator),
            Ok(_) => {}
            Err(error) => log::debug!("scouting: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zenoh_protocol::core::ZenohIdProto;

    fn hello(version: u8, whatami: WhatAmI, locators: &[&str]) -> Vec<u8> {
        let locators = locators.iter().map(|locator| locator.parse().unwrap()).collect();
        let mut bytes = Vec::new();
        let message = HelloProto { version, whatami, zid: ZenohIdProto::try_from([1; 16]).unwrap(), locators };
        Zenoh080::new().write(&mut bytes, &message).unwrap();
        bytes
    }

    #[test]
    fn only_routers_we_can_speak_to_are_taken() {
        let mut found = Vec::new();
        take_hello(
            &mut found,
            "eth0",
            &hello(zenoh_protocol::VERSION, WhatAmI::Router, &["tcp/10.0.0.1:7447", "tls/10.0.0.1:7448", "tcp/10.0.0.1:7447"]),
        );
        take_hello(&mut found, "eth0", &hello(zenoh_protocol::VERSION, WhatAmI::Peer, &["tcp/10.0.0.2:7447"]));
        take_hello(&mut found, "eth0", &hello(zenoh_protocol::VERSION + 1, WhatAmI::Router, &["tcp/10.0.0.3:7447"]));
        take_hello(&mut found, "eth0", b"garbage");
        take_hello(&mut found, "eth0", b"");
        assert_eq!(found, ["tcp/10.0.0.1:7447".parse().unwrap()]);
    }

    #[test]
    fn a_link_local_address_is_reached_through_the_interface_that_it_was_heard_on() {
        let mut found = Vec::new();
        take_hello(&mut found, "eth0", &hello(zenoh_protocol::VERSION, WhatAmI::Router, &["tcp/[fe80::1]:7447", "tcp/[fd00::1]:7447"]));
        assert_eq!(found, ["tcp/[fe80::1%eth0]:7447".parse().unwrap(), "tcp/[fd00::1]:7447".parse().unwrap()]);
    }

    #[test]
    fn the_list_is_bounded() {
        let mut found = Vec::new();
        for port in 1..1000 {
            take_hello(&mut found, "eth0", &hello(zenoh_protocol::VERSION, WhatAmI::Router, &[&format!("tcp/10.0.0.1:{port}")]));
        }
        assert_eq!(found.len(), LOCATORS_MAX);
    }

    /// What fuzzing begins with, behind the length that all datagrams of one input have; `TELEINFO_WRITE_SEEDS=1` writes it anew.
    #[test]
    fn seeds_are_hellos() {
        let two = ["tcp/10.0.0.1:7447", "tcp/[fe80::1]:7447"];
        let one = hello(zenoh_protocol::VERSION, WhatAmI::Router, &two[..1]);
        let length = u8::try_from(one.len()).unwrap();
        let seeds = [
            ("one", [&[0][..], &one].concat()),
            ("two", [&[0][..], &hello(zenoh_protocol::VERSION, WhatAmI::Router, &two)].concat()),
            ("several", [&[length][..], &one, &hello(zenoh_protocol::VERSION, WhatAmI::Router, &["tcp/10.0.0.2:7447"]), &one].concat()),
            ("peer", [&[0][..], &hello(zenoh_protocol::VERSION, WhatAmI::Peer, &two)].concat()),
            ("locator", b"tcp/bridge.local:7447".to_vec()),
        ];
        let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/scouting");
        for (name, bytes) in seeds {
            let path = directory.join(name);
            if std::env::var_os("TELEINFO_WRITE_SEEDS").is_some() {
                std::fs::create_dir_all(&directory).unwrap();
                std::fs::write(&path, &bytes).unwrap();
            }
            assert_eq!(std::fs::read(&path).unwrap_or_default(), bytes, "{}: TELEINFO_WRITE_SEEDS=1 writes it", path.display());
        }
    }

    #[test]
    fn loopback_is_among_the_interfaces() {
        assert!(interfaces().contains(&("lo".into(), Ipv4Addr::LOCALHOST)));
    }
}
