//! How fast frames are decoded, in MB/s on one core: `cargo bench -p teleinfo-proto`.

use std::path::Path;

use divan::{Bencher, black_box, counter::BytesCount};
use teleinfo_proto::tic::{Decoder, Event, Parity, encode};

const FILES: [&str; 4] = ["syn-hist-hc-mono.tic", "syn-hist-tempo-mono.tic", "syn-std-hc-mono.tic", "syn-std-producer-tri.tic"];

/// About a megabyte of one file over and over, with parity in bit 7 if asked for.
#[expect(clippy::panic, reason = "a benchmark without its input has nothing to say")]
fn stream(name: &str, parity: Parity) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frames").join(name);
    let once = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut bytes = once.repeat(1_000_000 / once.len());
    if parity == Parity::Even {
        encode::even_parity(&mut bytes);
    }
    bytes
}

fn decode(bencher: Bencher<'_, '_>, name: &str, parity: Parity) {
    let bytes = stream(name, parity);
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| {
        let (mut decoder, mut input, mut sum) = (Decoder::new(parity), black_box(bytes.as_slice()), 0_u64);
        while let Some(event) = decoder.next_event(&mut input) {
            if let Event::Dataset(dataset) = event {
                sum = sum.wrapping_add(dataset.value().number().unwrap_or_default());
            }
        }
        sum
    });
}

#[divan::bench(args = FILES)]
fn stripped(bencher: Bencher<'_, '_>, name: &str) {
    decode(bencher, name, Parity::Stripped);
}

#[divan::bench(args = FILES)]
fn software_parity(bencher: Bencher<'_, '_>, name: &str) {
    decode(bencher, name, Parity::Even);
}

fn main() {
    divan::main();
}
