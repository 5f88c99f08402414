//! What the decoder finds, and what it says of a frame once it is over.

use crate::tic::{Dataset, Refusal};

/// What the decoder found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// STX.
    FrameStart,
    /// A dataset that passed every check.
    Dataset(Dataset<'a>),
    /// A dataset that did not.
    Refused(Refusal<'a>),
    /// A frame is over, or was broken off.
    FrameEnd(FrameEnd),
}

/// What is known of a frame that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct FrameEnd {
    /// Where it was first seen.
    pub beginning: Beginning,
    /// What ended it.
    pub ending: Ending,
    /// Datasets in it that were taken though the LF before them was damaged or lost.
    pub damaged_line_feeds: u32,
}

/// Where a frame was first seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Beginning {
    /// Somewhere in its middle.
    #[default]
    Missed,
    /// At its STX.
    Stx,
    /// At the meter's address, which is its first dataset: its STX was damaged or lost, and nothing else.
    Address,
}

/// What ended a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// ETX, as it should.
    Etx,
    /// EOT: the meter broke off.
    Eot,
    /// Another frame began, with its STX or with the meter's address: the end was lost.
    Restart,
    /// The line fell silent, says [`Decoder::flush`](super::Decoder::flush).
    Silence,
}

impl FrameEnd {
    pub(super) const fn new(beginning: Beginning, ending: Ending, damaged_line_feeds: u32) -> Self {
        Self { beginning, ending, damaged_line_feeds }
    }

    /// It was seen from its beginning to its ETX. Datasets in it may have been refused.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        matches!(self.ending, Ending::Etx) && !matches!(self.beginning, Beginning::Missed)
    }
}
