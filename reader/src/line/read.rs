//! What one read of a line comes to, whichever kind of line it is.

/// What a read came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Read {
    /// Bytes in the buffer.
    pub(super) count: usize,
    /// There may be more in the line.
    pub(super) more: bool,
}
