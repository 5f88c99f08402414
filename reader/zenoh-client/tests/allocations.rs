//! Publishing allocates nothing once a session stands: counted by the global allocator, so in a test binary of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by a panic")]

use std::alloc::System;
use std::time::{Duration, Instant};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use teleinfo_zenoh_client::{Declaration, Identity, SendError, Session};
use zenoh_codec::{RCodec, WCodec, Zenoh080};
use zenoh_protocol::core::{Resolution, WhatAmI, ZenohIdProto};
use zenoh_protocol::transport::{InitAck, OpenAck, TransportBody, TransportMessage, init};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn batch(message: impl Into<TransportMessage>) -> Vec<u8> {
    let mut bytes = vec![0, 0];
    Zenoh080::new().write(&mut bytes, &message.into()).unwrap();
    let length = u16::try_from(bytes.len() - 2).unwrap();
    bytes[..2].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// A session that has been through the handshake.
fn established(now: Instant) -> Session {
    let mut session = Session::new(Identity { id: [1; 16], first_sn: 5 }, None, now).unwrap();
    let sent = session.transmit().len();
    session.handle_sent(sent, now);
    let answer = InitAck {
        version: zenoh_protocol::VERSION,
        whatami: WhatAmI::Router,
        zid: ZenohIdProto::try_from([2; 16]).unwrap(),
        resolution: Resolution::default(),
        batch_size: 16_384,
        cookie: vec![7; 64].into(),
        ext_qos: None,
        ext_qos_link: None,
        ext_auth: None,
        ext_mlink: None,
        ext_lowlatency: None,
        ext_compression: None,
        ext_patch: init::ext::PatchType::NONE,
        ext_region_name: None,
    };
    session.handle_bytes(&batch(answer), now).unwrap();
    let body: TransportMessage = Zenoh080::new().read(&mut &session.transmit()[2..]).unwrap();
    assert!(matches!(body.body, TransportBody::OpenSyn(_)));
    let sent = session.transmit().len();
    session.handle_sent(sent, now);
    let answer = OpenAck {
        lease: Duration::from_secs(10),
        initial_sn: 0,
        ext_qos: None,
        ext_auth: None,
        ext_mlink: None,
        ext_lowlatency: None,
        ext_compression: None,
        ext_remote_bound: None,
    };
    session.handle_bytes(&batch(answer), now).unwrap();
    assert!(session.is_up());
    session
}

/// Without the test harness (`harness = false`), whose other thread allocates when it likes.
fn main() {
    let start = Instant::now();
    let mut session = established(start);
    while session.poll_event().is_some() {}
    session.declare(Declaration::Key, "sensors/2/sample");
    let keep_alive = [1, 0, 0x04];
    let region = Region::new(COUNTING);
    let mut bytes = 0;
    for second in 1..=10_000u64 {
        let now = start + Duration::from_secs(second);
        session.handle_bytes(&keep_alive, now).unwrap();
        session.handle_timeout(now).unwrap();
        // One key as text, the other as its number.
        session.publish("sensors/1/sample", &[9; 300]).unwrap();
        session.publish("sensors/2/sample", &[9; 400]).unwrap();
        // The socket takes some of it now and then: the buffer's start moves.
        let taken = session.transmit().len() * (second as usize % 3) / 2;
        session.handle_sent(taken, now);
        bytes += taken;
        while session.poll_event().is_some() {}
    }
    // Nobody reads any more.
    let mut refused = 0;
    for _ in 0..1000 {
        refused += u64::from(session.publish("sensors/1/sample", &[9; 700]) == Err(SendError::Full));
    }
    let Stats { allocations, reallocations, .. } = region.change();
    assert!(bytes > 7_000_000 && refused > 900, "{bytes} bytes, {refused} refused: the test has done its work");
    assert_eq!((allocations, reallocations), (0, 0), "in 21 000 publications");
    println!("no allocation per sample, keep-alive or refusal ... ok");
}
