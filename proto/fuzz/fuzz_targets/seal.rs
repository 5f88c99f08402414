//! Any bytes at both ends of the seal, as they are and with the head of a true message: no panic, and nothing opens.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use teleinfo_proto::{
    seal::{Direction, Fingerprint, Hello, Identity, Looks, Opener, Pairing, PairingCode, PublicKey, ReaderEnd, ReaderPeer, Sealer, Type},
    wire::BootId,
};

const EXPRESSION: &str = "tic/v2/012345678912/sample";
const BOOT: BootId = BootId::new(7);
/// Where a message says whose it is, and in which session.
const HEAD: std::ops::Range<usize> = 4..60;

/// `bytes` with the ids, number and session of a true message.
fn with_head(bytes: &[u8], from: &Identity, to: &PublicKey, direction: Direction) -> Vec<u8> {
    let mut room = [0; 256];
    let mut sealer = Sealer::new(from, to, direction, [4; 32]).expect("these keys are good");
    let truth = sealer.seal(Type::Goodbye, EXPRESSION, &[], &mut room).expect("there is room");
    let mut message = bytes.to_vec();
    if let Some(head) = message.get_mut(HEAD) {
        head.copy_from_slice(&truth[HEAD]);
    }
    message
}

fn as_texts(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(code) = text.parse::<PairingCode>() {
        assert_eq!(code.to_string().parse(), Ok(code));
    }
    let _ = (text.parse::<PublicKey>(), text.parse::<Fingerprint>(), Hello::decode(bytes));
}

fuzz_target!(|bytes: &[u8]| {
    as_texts(bytes);
    let (reader, bridge) = (Identity::from_seed(&[1; 32]), Identity::from_seed(&[2; 32]));
    let mut peer = ReaderPeer::new(*reader.key());
    for mut message in [bytes.to_vec(), with_head(bytes, &reader, bridge.key(), Direction::ToBridge)] {
        assert!(peer.pair(&bridge, EXPRESSION, &mut message.clone(), &mut Looks::new(200), Duration::ZERO).is_err());
        let session = *message.get(28..).and_then(<[u8]>::first_chunk).unwrap_or(&[0; 32]);
        if let Ok(opener) = Opener::new(&bridge, reader.key(), &session, Direction::ToBridge) {
            assert!(opener.open(EXPRESSION, &mut message.clone()).is_err());
        }
        assert!(peer.open(&bridge, EXPRESSION, &mut message, &mut Looks::new(200), Duration::ZERO).is_err());
    }
    let to_reader = with_head(bytes, &bridge, reader.key(), Direction::ToReader(BOOT));
    let mut end = ReaderEnd::new(reader, BOOT, Some(*bridge.key()), Pairing::FirstContact, [3; 32]).expect("these keys are good");
    for mut message in [bytes.to_vec(), to_reader] {
        assert!(end.handle_message(EXPRESSION, &mut message, Duration::ZERO).is_err());
    }
});
