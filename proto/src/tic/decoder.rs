//! Bytes in, events out (54E §5.3.6, 02E §1.5).
//!
//! The decoder accepts what real lines send: streams that start and end anywhere, datasets ended by LF instead of CR and frames without
//! ETX (a terminal in cooked mode), frames broken off by EOT, frames of one dataset. It refuses what is damaged one dataset at a time,
//! and never looks beyond the bytes it was given: how the input is split changes nothing.

use super::{
    Dataset, Mode, Parity, Reason, Refusal, dataset,
    spec::{CR, EOT, ETX, LF, STX},
};

/// The widest dataset is PJOURF+1 with 111 bytes; this leaves room for newer meters and bounds the buffer.
const DATASET_BYTES_MAX: usize = 256;

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

/// How a frame ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameEnd {
    /// ETX, as it should; `whole` if its STX was seen too.
    Etx {
        /// The frame was seen from its beginning.
        whole: bool,
    },
    /// EOT: the meter broke off.
    Eot,
    /// Another STX: the end was lost.
    Restart,
    /// The line fell silent, says [`Decoder::flush`].
    Silence,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between datasets.
    Between,
    /// Behind an LF.
    Inside,
    /// Characters where an LF should be: it was lost, and so is the dataset.
    Stray,
    /// A dataset grew beyond any size.
    TooLong,
}

/// Turns bytes into events. Holds one dataset, allocates nothing.
#[derive(Clone)]
pub struct Decoder {
    clean: &'static [u8; 256],
    state: State,
    in_frame: bool,
    any_dataset: bool,
    frame_mode: Option<Mode>,
    offset: u64,
    started: u64,
    length: usize,
    damage: u8,
    bytes: [u8; DATASET_BYTES_MAX],
}

/// What [`Decoder::advance`] came to; it borrows nothing, so the loop stays simple.
enum Step {
    FrameStart,
    FrameEnd(FrameEnd),
    DatasetEnd(State),
}

impl Decoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub const fn new(parity: Parity) -> Self {
        Self {
            clean: parity.table(),
            state: State::Between,
            in_frame: false,
            any_dataset: false,
            frame_mode: None,
            offset: 0,
            started: 0,
            length: 0,
            damage: 0,
            bytes: [0; DATASET_BYTES_MAX],
        }
    }

    /// Bytes read so far.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes bytes off `input` until they amount to an event; `None` when it is used up.
    pub fn next_event(&mut self, input: &mut &[u8]) -> Option<Event<'_>> {
        Some(match self.advance(input)? {
            Step::FrameStart => Event::FrameStart,
            Step::FrameEnd(end) => Event::FrameEnd(end),
            Step::DatasetEnd(state) => self.finish(state),
        })
    }

    /// The line fell silent: a dataset in progress is lost, a frame in progress is over.
    pub fn flush(&mut self) -> Option<Event<'_>> {
        self.state = State::Between;
        self.end_frame().then_some(Event::FrameEnd(FrameEnd::Silence))
    }

    fn advance(&mut self, input: &mut &[u8]) -> Option<Step> {
        loop {
            if self.state == State::Between {
                let (first, rest) = input.split_first()?;
                let byte = self.clean[usize::from(*first)];
                if self.in_frame && !ends_a_dataset(byte) {
                    self.begin(State::Stray);
                    continue;
                }
                if byte == STX && self.end_frame() {
                    // Left in place: it ended one frame, and then begins the next.
                    return Some(Step::FrameEnd(FrameEnd::Restart));
                }
                *input = rest;
                self.offset += 1;
                if let Some(step) = self.control(byte) {
                    return Some(step);
                }
            } else {
                let ended = self.collect(input)?;
                if self.length > 0 {
                    return Some(Step::DatasetEnd(ended));
                }
            }
        }
    }

    fn control(&mut self, byte: u8) -> Option<Step> {
        match byte {
            LF => {
                self.begin(State::Inside);
                None
            }
            STX => {
                self.in_frame = true;
                Some(Step::FrameStart)
            }
            ETX => {
                let whole = self.in_frame;
                self.end_frame().then_some(Step::FrameEnd(FrameEnd::Etx { whole }))
            }
            EOT => self.end_frame().then_some(Step::FrameEnd(FrameEnd::Eot)),
            _ => None,
        }
    }

    fn begin(&mut self, state: State) {
        self.state = state;
        self.length = 0;
        self.damage = 0;
        self.started = self.offset;
    }

    /// Whether there was a frame to end: one that began, or datasets of one joined in its middle.
    fn end_frame(&mut self) -> bool {
        self.frame_mode = None;
        core::mem::take(&mut self.in_frame) | core::mem::take(&mut self.any_dataset)
    }

    /// Copies bytes up to the end of the dataset. A CR is taken with it; what else ends a dataset begins something and is left.
    fn collect(&mut self, input: &mut &[u8]) -> Option<State> {
        let (clean, room) = (self.clean, self.bytes.len() - self.length);
        let (mut taken, mut damage, mut end) = (0, 0, None);
        for (raw, place) in input.iter().zip(&mut self.bytes[self.length..]) {
            let byte = clean[usize::from(*raw)];
            // The first comparison is for speed: almost every byte of a dataset is above CR.
            if byte <= CR && ends_a_dataset(byte) {
                end = Some(byte);
                break;
            }
            *place = byte;
            damage |= byte;
            taken += 1;
        }
        self.damage |= damage;
        self.length += taken;
        let consumed = taken + usize::from(end == Some(CR));
        self.offset += consumed as u64;
        *input = &input[consumed..];
        match end {
            Some(_) => Some(core::mem::replace(&mut self.state, State::Between)),
            None if taken == room => {
                // Full and not at an end: what was kept is worthless, and one byte stays to say that something was there.
                self.state = State::TooLong;
                self.length = 1;
                if input.is_empty() { None } else { self.collect(input) }
            }
            None => None,
        }
    }

    fn finish(&mut self, state: State) -> Event<'_> {
        self.any_dataset = true;
        let bytes = &self.bytes[..self.length];
        let refused = |reason| Event::Refused(Refusal { offset: self.started, label: dataset::label_of(bytes), reason });
        match state {
            State::TooLong => return refused(Reason::TooLong),
            State::Stray | State::Between => return refused(Reason::Malformed),
            State::Inside if self.damage & 0x80 != 0 => return refused(Reason::Parity),
            State::Inside => {}
        }
        match Dataset::try_from(bytes) {
            Ok(dataset) if *self.frame_mode.get_or_insert(dataset.mode()) != dataset.mode() => {
                refused(Reason::Mode { found: dataset.mode() })
            }
            Ok(dataset) => Event::Dataset(dataset),
            Err(reason) => refused(reason),
        }
    }
}

/// CR should; the others begin something else, or end the frame.
const fn ends_a_dataset(byte: u8) -> bool {
    matches!(byte, STX | ETX | EOT | LF | CR)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{format, string::String, vec, vec::Vec};

    use super::{Decoder, Event, FrameEnd};
    use crate::tic::{Parity, encode};

    /// The events as text, with the input given in pieces of `step` bytes.
    fn events(parity: Parity, bytes: &[u8], step: usize) -> Vec<String> {
        let mut decoder = Decoder::new(parity);
        let mut seen = vec![];
        for mut piece in bytes.chunks(step.max(1)) {
            while let Some(event) = decoder.next_event(&mut piece) {
                seen.push(match event {
                    Event::FrameStart => "start".into(),
                    Event::Dataset(dataset) => format!("{}={}", dataset.label(), dataset.data()),
                    Event::Refused(refusal) => format!("{refusal}"),
                    Event::FrameEnd(end) => format!("{end:?}"),
                });
            }
        }
        seen
    }

    fn stripped(bytes: &[u8]) -> Vec<String> {
        events(Parity::Stripped, bytes, bytes.len())
    }

    const WHOLE: &str = "Etx { whole: true }";

    #[test]
    fn a_frame() {
        assert_eq!(stripped(b"\x02\nPAPP 00540 *\r\nPTEC HP..  \r\x03"), ["start", "PAPP=00540", "PTEC=HP..", WHOLE]);
    }

    #[test]
    fn joined_in_the_middle() {
        assert_eq!(stripped(b"540 *\r\nPTEC HP..  \r\x03\x02"), ["PTEC=HP..", "Etx { whole: false }", "start"]);
    }

    #[test]
    fn cooked_terminal() {
        let cooked = b"\x02\n\nPAPP 00540 *\n\nPTEC HP..  \n\x02\nPAPP 00540 *\n\n\x03";
        assert_eq!(stripped(cooked), ["start", "PAPP=00540", "PTEC=HP..", "Restart", "start", "PAPP=00540", WHOLE]);
    }

    #[test]
    fn broken_off() {
        assert_eq!(
            stripped(b"\x02\nPAPP 00540 *\r\nPTE\x04"),
            ["start", "PAPP=00540", "dataset ? at byte 16: expected label, data and checksum, but a separator or more is lost", "Eot"]
        );
    }

    #[test]
    fn silence_drops_what_was_in_progress() {
        let mut decoder = Decoder::new(Parity::Stripped);
        let mut input: &[u8] = b"\x02\nPAPP 00540 *\r\nPTEC HP..  ";
        while decoder.next_event(&mut input).is_some() {}
        assert_eq!(decoder.flush(), Some(Event::FrameEnd(FrameEnd::Silence)));
        assert_eq!(decoder.flush(), None);
        let mut input: &[u8] = b"\r\x02";
        assert_eq!(decoder.next_event(&mut input), Some(Event::FrameStart));
    }

    #[test]
    fn lost_line_feed_and_lost_carriage_return() {
        let seen = stripped(b"\x02PAPP 00540 *\r\nPTEC HP..  \x0c\nIINST 009  \r\x03");
        assert_eq!(seen.len(), 5, "{seen:?}");
        assert!(seen[1].contains("PAPP") && seen[1].contains("lost"), "{seen:?}");
        assert!(seen[2].contains("PTEC"), "{seen:?}");
        assert_eq!(seen[3], "IINST=009");
    }

    #[test]
    fn overlong_dataset_is_bounded() {
        for length in [255, 256, 257, 4_000] {
            let mut bytes = b"\x02\n".to_vec();
            bytes.resize(2 + length, b'X');
            bytes.extend(b"\r\nPAPP 00540 *\r\x03");
            for step in [1, 7, bytes.len()] {
                let seen = events(Parity::Stripped, &bytes, step);
                assert_eq!(seen.len(), 4, "{seen:?}");
                assert_eq!(seen[2], "PAPP=00540");
            }
        }
    }

    #[test]
    fn parity_is_checked_and_removed() {
        let mut bytes = *b"\x02\nPAPP 00540 *\r\nPTEC HP..  \r\x03";
        encode::even_parity(&mut bytes);
        assert_eq!(events(Parity::Even, &bytes, 3), ["start", "PAPP=00540", "PTEC=HP..", WHOLE]);
        bytes[8] ^= 0x40;
        let seen = events(Parity::Even, &bytes, 3);
        assert_eq!(seen[1], "dataset PAPP at byte 2: a byte was damaged on the line (parity)");
        assert_eq!(seen[2], "PTEC=HP..");
    }

    #[test]
    fn one_mode_per_frame() {
        let seen = stripped(b"\x02\nVTIC\t02\tJ\r\nPAPP 00540 *\r\x03\x02\nPAPP 00540 *\r\x03");
        assert_eq!(seen[2], "dataset PAPP at byte 13: a dataset of the historic mode in a frame of the other");
        assert_eq!(seen[5], "PAPP=00540");
    }

    #[test]
    fn noise_between_frames_is_nothing() {
        assert!(stripped(b"\xff\x00abc\r\r\x03\x04def").is_empty());
    }
}
