//! The label that never passes: in every frame it is refused, and the rest of the frame is whole. That is no noise, which hits at random.

use teleinfo_proto::tic::Label;

/// Frames in a row that refuse the same label before it is named.
const FRAMES: u32 = 8;
/// Frames in a row after which it is likely, for somebody who does not listen for long.
const LIKELY: u32 = 3;

/// Follows the label that was refused last, from frame to frame.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Culprit {
    label: Option<&'static Label>,
    frames: u32,
}

impl Culprit {
    /// A frame in which this label was refused, or none. Returns how many frames before it were explained by another label, which has
    /// turned out to be none that never passes.
    pub(super) fn handle_frame(&mut self, refused: Option<&'static Label>) -> u32 {
        if refused.is_some() && refused == self.label {
            self.frames += 1;
            return 0;
        }
        let before = std::mem::replace(self, Self { label: refused, frames: refused.is_some().into() });
        if before.is_named() { 0 } else { before.frames }
    }

    /// The label that was refused last.
    pub(super) const fn suspect(&self) -> Option<&'static Label> {
        self.label
    }

    /// The label that never passes.
    pub(super) fn named(&self) -> Option<&'static Label> {
        self.label.filter(|_| self.is_named())
    }

    /// The label that seems never to pass.
    pub(super) fn likely(&self) -> Option<&'static Label> {
        self.label.filter(|_| self.frames >= LIKELY)
    }

    const fn is_named(&self) -> bool {
        self.frames >= FRAMES
    }
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::Mode;

    use super::*;

    #[test]
    fn a_label_is_named_once_many_frames_in_a_row_refuse_it() {
        let label = |code| Label::find(Mode::Standard, code);
        let mut culprit = Culprit::default();
        for _ in 1..FRAMES {
            assert_eq!(culprit.handle_frame(label("EASD02")), 0);
            assert_eq!(culprit.named(), None);
        }
        culprit.handle_frame(label("EASD02"));
        assert_eq!(culprit.named(), label("EASD02"));
        assert_eq!(culprit.handle_frame(None), 0);
        assert_eq!(culprit.named(), None, "it has passed");
    }

    #[test]
    fn what_hits_one_label_after_the_other_is_handed_back() {
        let label = |code| Label::find(Mode::Standard, code);
        let mut culprit = Culprit::default();
        let handed_back = ["EAST", "EAST", "URMS1", "PREF"].map(|code| culprit.handle_frame(label(code)));
        assert_eq!(handed_back, [0, 0, 2, 1]);
    }
}
