//! Sealing allocates nothing, from the beginning of a session on. A program of one thread, because everything else would be counted, too.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{alloc::System, time::Duration};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use teleinfo_proto::{
    seal::{Identity, Looks, Opened, Pairing, ReaderEnd, ReaderPeer, Type},
    wire::BootId,
};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let region = Region::new(ALLOCATOR);
    let bridge = Identity::from_seed(&[2; 32]);
    let reader = Identity::from_seed(&[1; 32]);
    let mut peer = ReaderPeer::new(*reader.key());
    let mut end = ReaderEnd::new(reader, BootId::new(7), Some(*bridge.key()), Pairing::FirstContact, [3; 32]).unwrap();
    let (mut looks, mut out) = (Looks::new(200), [0; 1600]);
    for _ in 0..100 {
        let length = end.seal(Type::Sample, "tic/v2/012345678912/sample", &[7; 1400], &mut out).unwrap().len();
        let opened = peer.open(&bridge, "tic/v2/012345678912/sample", &mut out[..length], &mut looks, Duration::ZERO);
        assert!(matches!(opened, Ok(Opened::Unproven(Type::Sample, ..))));
    }
    assert_eq!(region.change().allocations, 0);
}
