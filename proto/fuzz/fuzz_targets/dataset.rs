//! Any bytes between LF and CR: no panic, and what is taken is taken again from its fields.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teleinfo_proto::tic::Dataset;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(dataset) = Dataset::try_from(bytes) {
        let again = Dataset::new(dataset.mode(), dataset.label(), dataset.timestamp(), dataset.data());
        assert_eq!(again, Ok(dataset));
        let _ = (dataset.value(), dataset.time().map(|time| time.unix_seconds()));
    }
});
