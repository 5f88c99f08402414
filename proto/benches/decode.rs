//! How fast frames are decoded, in MB/s on one core: `cargo bench -p teleinfo-proto`.
//!
//! `checksums_only` gives the figures a scale: the same bytes, cut at each CR and added up, and nothing else done with them.

use std::path::Path;

use divan::{Bencher, black_box, counter::BytesCount};
use teleinfo_proto::tic::{Decoder, Event, Parity, checksum, encode, spec::CR};

const FILES: [&str; 4] = ["syn-hist-hc-mono.tic", "syn-hist-tempo-mono.tic", "syn-std-hc-mono.tic", "syn-std-producer-tri.tic"];

/// Bytes that are decoded in one go: so few that a sample is shorter than what a busy machine gives a program at a time.
const STREAM_BYTES: usize = 100_000;
/// Many samples, because only the fastest counts on a busy machine.
const SAMPLES: u32 = 2_000;

/// One file over and over, with parity in bit 7 if asked for.
#[expect(clippy::panic, reason = "a benchmark without its input has nothing to say")]
fn stream(name: &str, parity: Parity) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frames").join(name);
    let once = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut bytes = once.repeat(STREAM_BYTES / once.len());
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

#[divan::bench(args = FILES, sample_count = SAMPLES, sample_size = 1)]
fn stripped(bencher: Bencher<'_, '_>, name: &str) {
    decode(bencher, name, Parity::Stripped);
}

#[divan::bench(args = FILES, sample_count = SAMPLES, sample_size = 1)]
fn software_parity(bencher: Bencher<'_, '_>, name: &str) {
    decode(bencher, name, Parity::Even);
}

#[divan::bench(args = FILES, sample_count = SAMPLES, sample_size = 1)]
fn checksums_only(bencher: Bencher<'_, '_>, name: &str) {
    let bytes = stream(name, Parity::Stripped);
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| {
        black_box(bytes.as_slice()).split(|byte| *byte == CR).fold(0_u64, |sum, dataset| sum + u64::from(checksum(dataset)))
    });
}

fn main() {
    divan::main();
}
