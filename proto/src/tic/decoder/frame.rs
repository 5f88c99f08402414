//! The frame in progress: whether there is one, where it was first seen, and what its datasets have in common.

use super::{Beginning, Ending, FrameEnd};
use crate::tic::{Dataset, Mode};

/// What is known of the frame in progress.
#[derive(Clone, Copy, Default)]
pub(super) struct Frame {
    is_open: bool,
    has_address: bool,
    beginning: Beginning,
    mode: Option<Mode>,
    damaged_line_feeds: u32,
}

impl Frame {
    /// Whether it has begun: with its STX, or with a dataset where the line was joined in its middle.
    pub(super) const fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether it has told the meter's address. A second one is that of the next frame.
    pub(super) const fn has_address(&self) -> bool {
        self.has_address
    }

    /// STX.
    pub(super) const fn handle_start(&mut self) {
        self.is_open = true;
        self.beginning = Beginning::Stx;
    }

    /// A dataset was refused.
    pub(super) const fn handle_refusal(&mut self) {
        self.is_open = true;
    }

    /// A dataset verified; whether it is of the frame's mode.
    pub(super) fn handle_dataset(&mut self, dataset: &Dataset<'_>, is_line_feed_damaged: bool) -> bool {
        if dataset.is_identity() {
            self.has_address = true;
            if !self.is_open {
                self.beginning = Beginning::Address;
            }
        }
        self.is_open = true;
        self.damaged_line_feeds += u32::from(is_line_feed_damaged);
        *self.mode.get_or_insert(dataset.mode()) == dataset.mode()
    }

    /// What is to be said of it now that it is over. Nothing if there was none.
    pub(super) fn end(&mut self, ending: Ending) -> Option<FrameEnd> {
        let Self { is_open, beginning, damaged_line_feeds, .. } = core::mem::take(self);
        is_open.then_some(FrameEnd::new(beginning, ending, damaged_line_feeds))
    }
}
