//! The wall clock, which may jump: it is for stamps only, and nothing is decided by it.

use nix::time::{ClockId, clock_gettime};

/// Milliseconds since 1970; 0 where there is no clock.
///
/// Not `SystemTime`: in the static reader for 32-bit Pis the standard library ends with a panic once the seconds need more than 32 bits, in
/// January 2038. The crate libc behind nix is told to count in 64 (`deploy/cargo-static`), and `deploy/test/pi` shows that it does.
#[expect(clippy::useless_conversion, reason = "on 32 bits the nanoseconds are of another type")]
pub(crate) fn unix_ms() -> i64 {
    clock_gettime(ClockId::CLOCK_REALTIME).map_or(0, |now| i64::from(now.tv_sec()) * 1000 + i64::from(now.tv_nsec()) / 1_000_000)
}
