//! Any bytes, in two ways of splitting them: no panic, and the same events.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teleinfo_proto::tic::{Decoder, Parity};

fn events(parity: Parity, pieces: [&[u8]; 2]) -> Vec<String> {
    let mut decoder = Decoder::new(parity);
    let mut seen = vec![];
    for mut piece in pieces {
        while let Some(event) = decoder.next_event(&mut piece) {
            seen.push(format!("{event:?}"));
        }
    }
    seen.extend(decoder.flush().map(|end| format!("{end:?}")));
    seen
}

fuzz_target!(|input: (bool, u8, &[u8])| {
    let (even, cut, bytes) = input;
    let parity = if even { Parity::Even } else { Parity::Stripped };
    let split = bytes.split_at(usize::from(cut).min(bytes.len()));
    assert_eq!(events(parity, split.into()), events(parity, [bytes, &[]]));
});
