//! What must be said twice. A checksum of six bits lets some damage through that no table can tell from the truth; but a meter repeats
//! itself in every frame, and chance does not.
//!
//! * A label that is not in the tables may come from a meter newer than this release, or be a damaged one: it is believed when the frame
//!   before had it too.
//! * A text stays for months, and any characters may be in it: it is believed when the frame before said the same, or was clean and had no
//!   such label. LTARF changes several times a day, together with NTARF, and is believed at once unless it has characters that damage makes:
//!   the sum does not see bit 6, which turns a space into `` ` ``, digits and signs into small letters.

use std::mem;

use teleinfo_proto::tic::{Dataset, LabelKind, Role, spec::LABEL_WIDTH_MAX};

/// More unknown labels than any meter sends in a frame; what is beyond is not believed.
const STATEMENTS_MAX: usize = 80;
/// The digest of what is no text.
const NO_TEXT: u32 = 0;
/// From here on stands what a wrong bit 6 makes of the characters from space to `?`.
const BIT_6_WRONG: u8 = 0x60;

/// A label, and what it said: nothing for an unknown label, whose value may change with each frame.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Statement {
    label: [u8; LABEL_WIDTH_MAX],
    digest: u32,
}

/// What one frame said that is worth remembering.
#[derive(Clone, Copy)]
struct FrameStatements {
    statements: [Statement; STATEMENTS_MAX],
    count: usize,
}

impl FrameStatements {
    const NOTHING: Self = Self { statements: [Statement { label: [0; LABEL_WIDTH_MAX], digest: 0 }; STATEMENTS_MAX], count: 0 };

    fn find(&self, statement: &Statement) -> Option<&Statement> {
        self.statements[..self.count].iter().find(|other| other.label == statement.label)
    }

    fn add(&mut self, statement: Statement) {
        if let Some(place) = self.statements.get_mut(self.count) {
            *place = statement;
            self.count += 1;
        }
    }
}

/// Remembers this frame and the one before.
pub(super) struct Repetition {
    before: FrameStatements,
    this: FrameStatements,
    clean: bool,
}

impl Default for Repetition {
    fn default() -> Self {
        Self { before: FrameStatements::NOTHING, this: FrameStatements::NOTHING, clean: true }
    }
}

impl Repetition {
    /// Another frame begins; `clean` if it is whole and nothing in it was refused.
    pub(super) fn next_frame(&mut self, clean: bool) {
        if !mem::replace(&mut self.clean, clean) {
            self.keep_texts();
        }
        self.before = self.this;
        self.this.count = 0;
    }

    /// A text that a damaged frame lacks is still what was said last.
    fn keep_texts(&mut self) {
        let before = self.before;
        let texts = before.statements[..before.count].iter().filter(|statement| statement.digest != NO_TEXT);
        texts.for_each(|text| {
            if self.this.find(text).is_none() {
                self.this.add(*text);
            }
        });
    }

    /// Whether a dataset of this frame is beyond doubt.
    pub(super) fn believes(&mut self, dataset: &Dataset<'_>) -> bool {
        let text = match dataset.info() {
            Some(known) if known.kind != LabelKind::Text => return true,
            Some(_) => Some(dataset.data()),
            None => None,
        };
        let statement = Statement { label: padded(dataset.label()), digest: text.map_or(NO_TEXT, digest) };
        let before = self.before.find(&statement);
        let believed = match text {
            None => before.is_some(),
            Some(text) => {
                let same = before.is_none_or(|before| *before == statement);
                // The name of the tariff may change from one frame to the next.
                same || dataset.role() == Some(Role::Tariff) && text.bytes().all(|byte| byte < BIT_6_WRONG)
            }
        };
        self.this.add(statement);
        believed
    }
}

fn padded(label: &str) -> [u8; LABEL_WIDTH_MAX] {
    let mut name = [0; LABEL_WIDTH_MAX];
    for (place, byte) in name.iter_mut().zip(label.bytes()) {
        *place = byte;
    }
    name
}

/// FNV-1a: two texts of one length that differ in one character never have the same.
fn digest(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::{Dataset, Mode};

    use super::Repetition;

    /// Stands for a dataset that never came.
    const REFUSED: (&str, &str) = ("", "");

    /// Which of these datasets are believed; every item is a frame.
    fn believed<const N: usize>(frames: [&[(&str, &str)]; N]) -> [Vec<bool>; N] {
        let mut repetition = Repetition::default();
        frames.map(|frame| {
            repetition.next_frame(!frame.contains(&REFUSED));
            frame
                .iter()
                .filter(|dataset| **dataset != REFUSED)
                .map(|(label, data)| repetition.believes(&Dataset::new(Mode::Standard, label, None, data).unwrap()))
                .collect()
        })
    }

    #[test]
    fn an_unknown_label_is_believed_from_the_second_frame_on() {
        let frames: [&[(&str, &str)]; 3] =
            [&[("NEW", "1"), ("ONCE", "1")], &[("NEW", "2"), ("CHANCE", "1")], &[("NEW", "3"), ("ONCE", "1")]];
        assert_eq!(believed(frames), [[false, false], [true, false], [true, false]]);
    }

    const BASE: &str = "      BASE      ";
    const TEMPO: &str = "     TEMPO      ";

    #[test]
    fn another_text_is_believed_when_it_is_said_again() {
        let frames: [&[(&str, &str)]; 4] = [&[("NGTF", BASE)], &[("NGTF", TEMPO)], &[("NGTF", BASE)], &[("NGTF", BASE)]];
        assert_eq!(believed(frames), [[true], [false], [false], [true]]);
        assert_eq!(believed([&[("NGTF", BASE)], &[("NGTF", TEMPO)], &[("NGTF", TEMPO)]]), [[true], [false], [true]]);
    }

    #[test]
    fn a_damaged_frame_does_not_make_a_text_new() {
        assert_eq!(believed([&[("NGTF", BASE)], &[], &[("NGTF", TEMPO)]]), [vec![true], vec![], vec![true]]);
        assert_eq!(believed([&[("NGTF", BASE)], &[REFUSED], &[("NGTF", TEMPO)]]), [vec![true], vec![], vec![false]]);
        assert_eq!(believed([&[("NGTF", BASE)], &[REFUSED], &[("NGTF", BASE)]]), [vec![true], vec![], vec![true]]);
    }

    #[test]
    fn the_text_that_changes_is_believed_unless_it_looks_damaged() {
        const PEAK: &str = "    HP  BLEU    ";
        const OFF_PEAK: &str = "    HC  BLEU    ";
        /// With bit 6 of a space wrong.
        const DAMAGED: &str = "   `HP  BLEU    ";
        let frames: [&[(&str, &str)]; 4] = [&[("LTARF", PEAK)], &[("LTARF", OFF_PEAK)], &[("LTARF", DAMAGED)], &[("LTARF", OFF_PEAK)]];
        assert_eq!(believed(frames), [[true], [true], [false], [true]]);
    }

    #[test]
    fn what_comes_anew_is_believed_and_so_is_all_that_is_no_text() {
        assert_eq!(believed([&[], &[("MSG2", "Info au 09 ...  ")]]), [vec![], vec![true]]);
        assert_eq!(believed([&[("NTARF", "01")], &[("NTARF", "02")]]), [[true], [true]]);
    }

    #[test]
    fn a_flood_is_bounded() {
        let mut repetition = Repetition::default();
        for _ in 0..3 {
            repetition.next_frame(true);
            let labels: Vec<String> = (0..1_000).map(|number| format!("L{number}")).collect();
            let of = |label| Dataset::new(Mode::Standard, label, None, "1").unwrap();
            let believed = labels.iter().filter(|label| repetition.believes(&of(label))).count();
            assert!(believed <= super::STATEMENTS_MAX);
        }
    }
}
