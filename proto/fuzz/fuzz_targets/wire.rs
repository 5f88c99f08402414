//! Any bytes as a message: no panic, and what is read can be written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teleinfo_proto::wire::{self, Goodbye, Sample, Status};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(sample) = Sample::decode(bytes) {
        let _ = sample.datasets.iter(sample.mode).count();
        let mut buffer = vec![0; bytes.len() + 64];
        let written = sample.encode(&mut buffer).expect("no longer than what was read");
        assert_eq!(Sample::decode(written), Ok(sample));
    }
    let _ = (Status::decode(bytes), Goodbye::decode(bytes), wire::open("tic/v2/reader/pi/status", bytes));
});
