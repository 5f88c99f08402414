//! From bytes to a sample in the history: in the steady state nothing is allocated. (The Zenoh client's `allocations` holds the rest
//! of the way, to the socket, to the same.)

use std::{alloc::System, time::Duration, time::Instant};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use teleinfo_proto::{tic::Mode, wire::BootId};
use teleinfo_reader::{
    config::file::ParityChoice,
    history::History,
    reading::{
        assemble::{Assembler, Moment},
        diagnosis::Diagnosis,
        receive::Receiver,
    },
};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const FRAMES: [(Mode, &[u8]); 2] = [
    (Mode::Standard, include_bytes!("../../proto/tests/frames/syn-std-tempo-blue.tic")),
    (Mode::Historic, include_bytes!("../../proto/tests/frames/syn-hist-tempo-mono.tic")),
];

#[test]
fn a_frame_costs_no_allocation() {
    for (mode, frame) in FRAMES {
        let mut now = Instant::now();
        let mut receiver = Receiver::new(None, ParityChoice::Software, now);
        let mut assembler = Assembler::new(BootId::new(1));
        let (mut history, mut diagnosis) = (History::new(64 * 1024), Diagnosis::new(now));
        let (mut samples, mut uptime_ms) = (0, 0);
        let mut frame_through = || {
            for chunk in frame.chunks(16) {
                (now, uptime_ms) = (now + Duration::from_millis(20), uptime_ms + 20);
                let moment = Moment { uptime_ms, unix_ms: 1_700_000_000_000 + uptime_ms as i64 };
                let mut sink = |event: teleinfo_proto::tic::Event<'_>| {
                    assembler.handle(&event, moment);
                    while let Some(made) = assembler.next_sample() {
                        diagnosis.handle_sample(&made.sample);
                        history.push(&made.sample, made.encoded);
                        samples += 1;
                    }
                };
                receiver.handle_timeout(now, &mut sink);
                receiver.handle_bytes(chunk, now, &mut sink);
            }
        };
        for _ in 0..200 {
            frame_through();
        }
        let region = Region::new(ALLOCATOR);
        for _ in 0..1000 {
            frame_through();
        }
        let change = region.change();
        assert_eq!((change.allocations, change.reallocations), (0, 0), "{mode}: {change:?}");
        assert!(samples >= 1100, "{mode}: {samples} samples");
    }
}
