//! Any bytes between MQTT clients and the broker in the bridge: no panic, what is held stays within its bounds, how a stream is cut changes nothing, and
//! what a client gets are whole packets.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teleinfo_bridge_fuzz::mqtt::clients::{
    outbox::{Outbox, Shared, Unserved},
    packets::{Packets, Part},
};

const OWN: usize = 500;
const SHARED: usize = 1_000;
/// What the memory of one packet costs beside its bytes, at least.
const EACH: usize = 16;

/// All that a client may be sent now.
fn taken(outbox: &mut Outbox, at_once: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while !outbox.next_bytes().is_empty() {
        let piece = outbox.next_bytes();
        let piece = piece[..at_once.min(piece.len())].to_vec();
        outbox.handle_sent(piece.len());
        all.extend(piece);
    }
    all
}

/// What a client with room for everything gets.
fn roomy(stream: &[u8], cut: usize) -> (Vec<u8>, Option<Unserved>) {
    let mut outbox = Outbox::new(usize::MAX >> 1, Shared::new(0));
    let end = stream.chunks(cut).find_map(|chunk| outbox.handle_bytes(chunk).err());
    assert_eq!(outbox.take_dropped(), 0);
    (taken(&mut outbox, cut), end)
}

/// A client with little room, which takes what waits only now and then.
fn narrow(stream: &[u8], cut: usize) {
    let shared = Shared::new(SHARED);
    let mut outbox = Outbox::new(OWN, shared.clone());
    let mut all = Vec::new();
    for (number, chunk) in stream.chunks(cut).enumerate() {
        let end = outbox.handle_bytes(chunk);
        assert!(outbox.held() <= OWN + SHARED && shared.taken() == outbox.held().saturating_sub(OWN));
        if end.is_err() {
            break;
        }
        if number % 7 == 0 {
            all.extend(taken(&mut outbox, 3));
        }
    }
    all.extend(taken(&mut outbox, 1_000));
    let (mut packets, mut rest, mut left) = (Packets::default(), &all[..], 0);
    while let Ok(Some(part)) = packets.next_part(&mut rest) {
        match part {
            Part::Head(head) => left = head.body,
            Part::Body(body) => left -= body.len(),
        }
    }
    assert!(left == 0 || left + EACH <= OWN + SHARED, "the last packet alone may still be on its way");
    drop(outbox);
    assert_eq!(shared.taken(), 0);
}

fuzz_target!(|bytes: &[u8]| {
    let Some((cut, stream)) = bytes.split_first() else { return };
    let cut = usize::from(*cut).max(1);
    // A packet may say that it has 268 MB: only what was taken from elsewhere says less.
    let (mut packets, mut rest) = (Packets::default(), stream);
    while let Ok(Some(part)) = packets.next_part(&mut rest) {
        if matches!(part, Part::Head(head) if head.packet_bytes() > 1 << 20) {
            return narrow(stream, cut);
        }
    }
    let (whole, end) = roomy(stream, stream.len().max(1));
    assert!(stream.starts_with(&whole));
    assert_eq!(roomy(stream, cut), (whole, end));
    narrow(stream, cut);
});
