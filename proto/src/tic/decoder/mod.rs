//! Bytes in, events out (54E §5.3.6, 02E §1.5).
//!
//! The decoder accepts what real lines send: streams that start and end anywhere, datasets ended by LF instead of CR and frames without
//! ETX (a terminal in cooked mode), frames broken off by EOT, frames of one dataset. It refuses what is damaged one dataset at a time,
//! and never looks beyond the bytes it was given: how the input is split changes nothing.
//!
//! A dataset is known by its structure, not by what stands before it. Some lines damage every LF or STX for weeks and leave the datasets
//! whole. So the characters before a dataset may be damaged or lost:
//!
//! * One control character, or one byte of wrong parity, may be what became of an LF, and so may one of an ETX.
//! * One byte of any kind may be what became of an STX, if what follows can be the first dataset of a frame.
//! * What follows is taken if its label is known and every check holds from the first byte of that label. An unknown label is refused.
//! * Only the end of a dataset opens such a place. Text that ran into the dataset before it stays a part of that, and both are refused.
//! * A frame without its STX begins with the meter's address. A frame without STX and ETX ends where the next one repeats the address.
//!
//! A dataset that is all there and undamaged is taken in one go. All else goes byte by byte through the states, which would come to the same.
//! What runs for nearly every dataset, here and in the files that it calls, is inlined and the rest is not: so it fits into the registers of a processor, which is worth a fifth of
//! the speed (`benches/decode`).
//!
//! `event` is what comes out, `frame` what is known of the frame in progress. `tic/walk` looks at single bytes, `tic/dataset` at the rest.

mod event;
mod frame;

pub use event::{Beginning, Ending, Event, FrameEnd};

use frame::Frame;

use super::{
    Dataset, Parity, Reason, Refusal, dataset,
    parity::DAMAGED,
    spec::{CR, EOT, ETX, LF, STX},
    walk::{DATASET_BYTES_MAX, Walk, ends_a_dataset, is_character},
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between datasets.
    Between,
    /// Behind an LF.
    Inside,
    /// Behind something else where an LF should be.
    Stray,
}

/// Turns bytes into events. Holds one dataset, allocates nothing.
#[derive(Clone)]
pub struct Decoder {
    parity: Parity,
    state: State,
    frame: Frame,
    offset: u64,
    started: u64,
    /// The dataset in progress has grown beyond any size, and what was kept of it is worthless.
    is_too_long: bool,
    length: usize,
    /// Of what was found last.
    place: Place,
    walk: Walk,
    bytes: Buffer,
}

/// Begins where a processor likes to read several bytes at once.
#[derive(Clone)]
#[repr(align(16))]
struct Buffer([u8; DATASET_BYTES_MAX]);

/// What [`Decoder::advance`] came to; it borrows nothing, so the loop stays simple.
enum Step {
    FrameStart,
    FrameEnd(FrameEnd),
    /// A dataset, at its `place`.
    Dataset,
    /// What is no dataset, at its `place`.
    Refused(Reason),
}

/// Where a dataset stands in the buffer.
#[derive(Clone, Copy, Default)]
struct Place {
    /// So many bytes are before it, where its LF should be.
    from: usize,
    is_line_feed_damaged: bool,
}

impl Decoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub fn new(parity: Parity) -> Self {
        Self {
            parity,
            state: State::Between,
            frame: Frame::default(),
            offset: 0,
            started: 0,
            is_too_long: false,
            length: 0,
            place: Place::default(),
            walk: Walk::default(),
            bytes: Buffer([0; DATASET_BYTES_MAX]),
        }
    }

    /// Bytes read so far.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// What has come of the dataset in progress, from behind its LF, or from behind what came before it where that is damaged. `None` between
    /// two datasets.
    #[must_use]
    pub fn in_progress(&self) -> Option<&[u8]> {
        (self.state != State::Between).then(|| &self.bytes.0[..self.length])
    }

    /// Takes bytes off `input` until they amount to an event; `None` when it is used up.
    pub fn next_event(&mut self, input: &mut &[u8]) -> Option<Event<'_>> {
        let step = match self.take_whole(input) {
            Some(step) => step,
            None => self.advance(input)?,
        };
        Some(match step {
            Step::FrameStart => Event::FrameStart,
            Step::FrameEnd(end) => Event::FrameEnd(end),
            Step::Dataset => self.judge(),
            Step::Refused(reason) => self.refuse(reason),
        })
    }

    /// The line fell silent: a dataset in progress is lost, a frame in progress is over.
    pub fn flush(&mut self) -> Option<FrameEnd> {
        self.state = State::Between;
        self.frame.end(Ending::Silence)
    }

    /// Takes a dataset that is all there and undamaged, from its LF to its CR. What it does not take is for [`Self::advance`].
    fn take_whole(&mut self, input: &mut &[u8]) -> Option<Step> {
        let rest = input.strip_prefix(&[LF]).filter(|_| self.state == State::Between)?;
        self.walk = Walk::default();
        let (length, end) = self.walk.collect(rest, self.parity, &mut self.bytes.0);
        let bytes = &self.bytes.0[..length];
        let is_plain = end == Some(CR) && !self.walk.is_odd() && bytes.first().copied().is_some_and(is_character);
        if !is_plain || self.frame.has_address() && is_address(bytes) {
            return None;
        }
        *input = rest.get(length + 1..)?;
        self.started = self.offset + 1;
        self.offset = self.started + length as u64 + 1;
        (self.length, self.place) = (length, Place::default());
        Some(Step::Dataset)
    }

    #[inline(never)]
    fn advance(&mut self, input: &mut &[u8]) -> Option<Step> {
        loop {
            let step = if self.state == State::Between { self.between(input)? } else { self.within(input)? };
            if step.is_some() {
                return step;
            }
        }
    }

    /// Takes one byte between two datasets. `None` without one.
    fn between(&mut self, input: &mut &[u8]) -> Option<Option<Step>> {
        let (first, rest) = input.split_first()?;
        // What nearly always stands here. It has even parity, so it looks the same whoever checks that.
        if *first == LF {
            (*input, self.offset) = (rest, self.offset + 1);
            self.begin(State::Inside);
            return Some(None);
        }
        let byte = self.parity.table()[usize::from(*first)];
        if !ends_a_dataset(byte) {
            self.begin(State::Stray);
            return Some(None);
        }
        if byte == STX
            && let Some(end) = self.frame.end(Ending::Restart)
        {
            // Left in place: it ended one frame, and then begins the next.
            return Some(Some(Step::FrameEnd(end)));
        }
        *input = rest;
        self.offset += 1;
        Some(self.control(byte))
    }

    fn control(&mut self, byte: u8) -> Option<Step> {
        match byte {
            STX => {
                self.frame.handle_start();
                return Some(Step::FrameStart);
            }
            ETX => return self.frame.end(Ending::Etx).map(Step::FrameEnd),
            EOT => return self.frame.end(Ending::Eot).map(Step::FrameEnd),
            _ => {}
        }
        None
    }

    fn begin(&mut self, state: State) {
        self.state = state;
        self.length = 0;
        self.is_too_long = false;
        self.walk = Walk::default();
        self.started = self.offset;
    }

    /// Takes the rest of a dataset. `None` while its end has not come.
    fn within(&mut self, input: &mut &[u8]) -> Option<Option<Step>> {
        let end = self.collect(input)?;
        let step = self.find_dataset();
        if let Some(Step::Dataset) = step
            && self.frame.has_address()
            && is_address(self.dataset())
        {
            // What ends it is left in place, so it is found once more, as the first dataset of the next frame.
            return Some(self.frame.end(Ending::Restart).map(Step::FrameEnd));
        }
        if end == CR {
            *input = &input[1..];
            self.offset += 1;
        }
        self.state = State::Between;
        Some(step)
    }

    /// Collects bytes up to what ends the dataset, which is returned and left in place.
    fn collect(&mut self, input: &mut &[u8]) -> Option<u8> {
        loop {
            let (taken, end) = self.walk.collect(input, self.parity, &mut self.bytes.0[self.length..]);
            self.length += taken;
            self.offset += taken as u64;
            *input = &input[taken..];
            if end.is_some() {
                return end;
            }
            if self.length < DATASET_BYTES_MAX {
                return None;
            }
            (self.is_too_long, self.length) = (true, 0);
        }
    }

    /// What the collected bytes are. Noise outside of frames is nothing.
    fn find_dataset(&mut self) -> Option<Step> {
        // An LF may be what became of STX.
        let is_stray = self.state == State::Stray || lead(&self.bytes.0[..self.length]) > 0;
        self.place = Place { from: 0, is_line_feed_damaged: is_stray };
        if self.is_too_long {
            let is_worth_a_word = !is_stray || self.frame.is_open();
            return is_worth_a_word.then_some(Step::Refused(Reason::TooLong));
        }
        if is_stray { self.find_stray() } else { (self.length > 0).then_some(Step::Dataset) }
    }

    /// Where a dataset begins whose LF is damaged or lost, and perhaps ETX and STX before it.
    fn find_stray(&mut self) -> Option<Step> {
        let behind = |from| &self.bytes.0[from..self.length];
        let first = lead(behind(0));
        let second = (first + 1).min(self.length);
        let second = second + lead(behind(second));
        self.place.from = first;
        if is_known(behind(first)) {
            Some(Step::Dataset)
        } else if self.is_first_dataset(behind(second)) {
            self.place.from = second;
            Some(Step::Dataset)
        } else if self.frame.is_open() && first < self.length {
            let bytes = behind(first);
            Some(Step::Refused(check_again(bytes).map_or_else(|reason| reason, |_| Reason::LineFeed)))
        } else {
            None
        }
    }

    /// Whether they can be the first dataset of a frame, so that an STX should stand before them.
    fn is_first_dataset(&self, bytes: &[u8]) -> bool {
        if self.frame.is_open() { is_address(bytes) } else { is_known(bytes) }
    }

    fn dataset(&self) -> &[u8] {
        &self.bytes.0[self.place.from..self.length]
    }

    fn judge(&mut self) -> Event<'_> {
        let place = self.place;
        let bytes = &self.bytes.0[place.from..self.length];
        let checked = if place.from == 0 { check(bytes, &self.walk) } else { check_again(bytes) };
        let reason = match checked {
            Ok(dataset) if self.frame.handle_dataset(&dataset, place.is_line_feed_damaged) => return Event::Dataset(dataset),
            Ok(dataset) => Reason::Mode { found: dataset.mode() },
            Err(reason) => reason,
        };
        self.frame.handle_refusal();
        refusal(self.started, bytes, reason)
    }

    fn refuse(&mut self, reason: Reason) -> Event<'_> {
        self.frame.handle_refusal();
        refusal(self.started, self.dataset(), reason)
    }
}

fn refusal(offset: u64, bytes: &[u8], reason: Reason) -> Event<'_> {
    Event::Refused(Refusal { offset, label: dataset::label_of(bytes), reason })
}

/// How many bytes at the start may be what became of an LF: a control character, a byte of wrong parity, or nothing.
fn lead(bytes: &[u8]) -> usize {
    usize::from(bytes.first().is_some_and(|byte| !is_character(*byte)))
}

/// Whether they are a dataset that passes every check, with a label that is known.
fn is_known(bytes: &[u8]) -> bool {
    Dataset::try_from(bytes).is_ok_and(|dataset| dataset.info().is_some())
}

/// Whether they are the meter's address. The first comparison spares most datasets a second look.
fn is_address(bytes: &[u8]) -> bool {
    bytes.starts_with(b"AD") && Dataset::try_from(bytes).is_ok_and(|dataset| dataset.is_identity())
}

#[inline(always)]
fn check<'a>(bytes: &'a [u8], walk: &Walk) -> Result<Dataset<'a>, Reason> {
    if walk.is_odd() && bytes.iter().any(|byte| byte & DAMAGED != 0) {
        return Err(Reason::Parity);
    }
    Dataset::walked(bytes, walk)
}

/// The same, of bytes that are not the ones that were walked over.
#[inline(never)]
fn check_again(bytes: &[u8]) -> Result<Dataset<'_>, Reason> {
    check(bytes, &Walk::over(bytes))
}

#[cfg(test)]
mod tests;
