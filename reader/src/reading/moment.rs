//! When something happened.

/// When something happened, on the two clocks that a sample carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Milliseconds since the process started.
    pub(crate) uptime_ms: u64,
    /// Wall clock, milliseconds since 1970.
    pub(crate) unix_ms: i64,
}
