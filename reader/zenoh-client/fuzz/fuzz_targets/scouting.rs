//! Anybody answers a Scout with anything: no panic, few locators, and each one says the same when it is written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teleinfo_zenoh_client::{Locator, fuzzing};

/// Datagrams of one input: its first byte says how long each is, so that several Hellos meet.
fn datagrams(bytes: &[u8]) -> Vec<&[u8]> {
    match bytes.split_first() {
        Some((length, rest)) if *length > 0 => rest.chunks(usize::from(*length)).collect(),
        _ => vec![bytes.get(1..).unwrap_or_default()],
    }
}

fuzz_target!(|bytes: &[u8]| {
    let found = fuzzing::hellos("eth0", datagrams(bytes));
    assert!(found.len() <= fuzzing::FOUND_MAX);
    for (place, locator) in found.iter().enumerate() {
        assert_ne!(locator.port(), 0);
        assert_eq!(locator.to_string().parse::<Locator>().as_ref(), Ok(locator));
        assert!(!found[..place].contains(locator), "the same locator twice");
    }
    if let Ok(text) = str::from_utf8(bytes)
        && let Ok(locator) = text.parse::<Locator>()
    {
        assert_eq!(locator.to_string().parse(), Ok(locator));
    }
});
