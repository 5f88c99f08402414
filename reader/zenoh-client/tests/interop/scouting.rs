//! Finding a router without being told where, over multicast on the loopback interface.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::Duration;

use teleinfo_zenoh_client::{Event, Options};
use zenoh::{Session, Wait};

use crate::harness::{Program, free_port, open, router, tcp};

fn free_group() -> SocketAddrV4 {
    let port = UdpSocket::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 224), port)
}

fn scoutable(port: u16, group: SocketAddrV4) -> Session {
    open(&format!(
        r#"{{ mode: "router", listen: {{ endpoints: ["tcp/127.0.0.1:{port}"] }},
              scouting: {{ multicast: {{ enabled: true, address: "{group}", interface: "lo" }}, gossip: {{ enabled: false }} }} }}"#
    ))
}

fn scout(group: SocketAddrV4) -> Program {
    Program::new(Options { scouting: group, ..Options::default() })
}

#[test]
fn a_router_is_found_lost_and_found_elsewhere() {
    let group = free_group();
    let port = free_port();
    let first = scoutable(port, group);
    let mut program = scout(group);
    assert_eq!(program.expect_connected(), tcp(port));
    first.close().wait().unwrap();
    let (reason, _) = program.expect_disconnected();
    assert!(reason.contains(&port.to_string()), "{reason}");
    let elsewhere = free_port();
    let _second = scoutable(elsewhere, group);
    assert_eq!(program.expect_connected(), tcp(elsewhere));
}

#[test]
fn a_router_that_comes_later_is_found_and_its_absence_was_said_once() {
    let group = free_group();
    let mut program = scout(group);
    assert_eq!(program.next_event(), Event::NoRouter { group });
    program.run(Duration::from_secs(3));
    assert_eq!(program.pending_event(), None);
    let port = free_port();
    let _router = scoutable(port, group);
    assert_eq!(program.expect_connected(), tcp(port));
}

/// A router that multicast does not reach, as that of a machine which has a loopback only.
#[test]
fn the_router_of_this_machine_is_tried_while_none_answers() {
    let (group, port) = (free_group(), free_port());
    let mut program = Program::new(Options { scouting: group, local: Some(tcp(port)), ..Options::default() });
    assert_eq!(program.next_event(), Event::NoRouter { group }, "that nobody listens here is not told apart");
    let first = router(port, "");
    assert_eq!(program.expect_connected(), tcp(port));
    first.close().wait().unwrap();
    program.expect_disconnected();
    // One that can be found goes first: that of this machine may have gone for good.
    let elsewhere = free_port();
    let _second = scoutable(elsewhere, group);
    assert_eq!(program.expect_connected(), tcp(elsewhere));
}

#[test]
fn a_router_that_answers_is_preferred_to_that_of_this_machine() {
    let (group, port, local) = (free_group(), free_port(), free_port());
    let (_found, _local) = (scoutable(port, group), router(local, ""));
    let mut program = Program::new(Options { scouting: group, local: Some(tcp(local)), ..Options::default() });
    assert_eq!(program.expect_connected(), tcp(port));
}
