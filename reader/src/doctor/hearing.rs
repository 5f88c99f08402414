//! What can be heard on the line in a few seconds: bytes, how they have to be read, frames good and bad, what the meter says of itself.
//!
//! Ends early when enough was heard, and in any case in good time: somebody stands there and waits.

use std::time::{Duration, Instant};

use teleinfo_proto::{
    tic::{Beginning, Dataset, Event, FrameEnd, MeterId, Mode, Role, Timestamp, Value},
    wire::{BootId, Cause},
};

use crate::{
    line::{Fault, Listener, Notice, Source},
    reading::{Output, ParityChoice, Reading, ReadingState, Trial},
};

/// A meter pauses for 33 ms at most (54E §5.3.6), but a UART may be deaf at one setting: two of them get their time (see `detect`).
const SILENT: Duration = Duration::from_secs(7);
/// All ways to read a line, and some.
const SEARCH: Duration = Duration::from_secs(8);
/// A frame takes three seconds at most, so this is enough for several of them.
const MEASURE: Duration = Duration::from_secs(5);
/// After this time two whole frames are no longer waited for.
const MEASURE_MAX: Duration = Duration::from_secs(8);
const FRAMES_WANTED: u32 = 2;
/// Longer than this nobody waits.
const LONGEST: Duration = Duration::from_secs(14);
/// Between two looks at the clock.
const TURN: Duration = Duration::from_millis(50);

/// All that was heard.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    /// Bytes, by the speed at which they were read: historic, standard.
    pub(super) bytes: [Vec<u8>; 2],
    /// How it was read at last, and in which mode.
    pub(super) found: Option<(Trial, Mode)>,
    /// Datasets that verified.
    pub(super) good: u32,
    /// Datasets that did not, since the first that did.
    pub(super) refused: u32,
    /// Whole frames without a refused dataset.
    pub(super) frames_good: u32,
    /// Other frames.
    pub(super) frames_bad: u32,
    /// Whose line it is.
    pub(super) meter: Option<MeterId>,
    /// What is likely to be wrong with a line that is read.
    pub(super) trouble: Option<ReadingState>,
    /// The meter's clock, and when it was read.
    pub(super) clock: Option<(Timestamp, Instant)>,
    /// How long bytes came.
    pub(super) time: Duration,
    latest: Vec<LatestData>,
    refused_in_frame: u32,
}

/// A label, what it is for, and what it said last.
#[derive(Debug)]
struct LatestData {
    label: String,
    role: Option<Role>,
    data: String,
}

impl Hearing {
    /// The last data of a label that has this role.
    pub(super) fn said(&self, role: Role) -> Option<&str> {
        self.latest.iter().find(|said| said.role == Some(role)).map(|said| said.data.as_str())
    }

    /// Share of what verified, in %.
    pub(super) fn share(good: u32, bad: u32) -> Option<u32> {
        (good + bad > 0).then(|| good * 100 / (good + bad))
    }

    pub(super) fn handle_event(&mut self, event: &Event<'_>) {
        match event {
            Event::FrameStart => {}
            Event::Dataset(dataset) => self.handle_dataset(dataset),
            // Until something verifies, what is refused was read in the wrong way.
            Event::Refused(_) if self.good == 0 => {}
            Event::Refused(_) => {
                self.refused += 1;
                self.refused_in_frame += 1;
            }
            Event::FrameEnd(end) => self.handle_frame_end(*end),
        }
    }

    fn handle_dataset(&mut self, dataset: &Dataset<'_>) {
        self.good += 1;
        match dataset.value() {
            Value::Identity(meter) => self.meter = Some(meter),
            Value::Nothing => self.clock = dataset.time().map(|time| (time, Instant::now())),
            _ => {}
        }
        match self.latest.iter_mut().find(|said| said.label == dataset.label()) {
            Some(said) => said.data.replace_range(.., dataset.data()),
            None => self.latest.push(LatestData { label: dataset.label().into(), role: dataset.role(), data: dataset.data().into() }),
        }
    }

    /// The first frame was mostly joined in its middle, and says nothing.
    fn handle_frame_end(&mut self, end: FrameEnd) {
        let refused = std::mem::take(&mut self.refused_in_frame);
        if end.beginning != Beginning::Missed && self.good > 0 {
            let whole = end.is_whole() && refused == 0;
            self.frames_good += u32::from(whole);
            self.frames_bad += u32::from(!whole);
        }
    }

    /// Is there more to be learnt?
    fn is_enough(&self, clock: &Clock, now: Instant) -> bool {
        let frames = self.frames_good + self.frames_bad;
        match (clock.first_byte, clock.first_good) {
            _ if now >= clock.start + LONGEST => true,
            (None, _) => now >= clock.start + SILENT,
            (Some(first), None) => now >= first + SEARCH,
            (Some(_), Some(good)) => now >= good + MEASURE_MAX || now >= good + MEASURE && frames >= FRAMES_WANTED,
        }
    }
}

/// When things happened first.
struct Clock {
    start: Instant,
    first_byte: Option<Instant>,
    first_good: Option<Instant>,
}

/// Listens, whatever the configuration says of mode and parity: what is found is what counts.
///
/// # Errors
/// The line cannot be opened, or went away meanwhile.
pub(super) fn listen(source: &Source) -> Result<Hearing, Fault> {
    let start = Instant::now();
    let parity = if let Source::Remote(_) = source { ParityChoice::SoftwareFirst } else { ParityChoice::Auto };
    let reading = Reading::new(BootId::new(0), None, parity, start);
    let mut listener = Listener::new(source, reading).map_err(|error| Fault::of_system(&error))?;
    let mut hearing = Hearing::default();
    let mut clock = Clock { start, first_byte: None, first_good: None };
    while !hearing.is_enough(&clock, Instant::now()) {
        let speed = listener.reading.trial().speed as usize;
        let notice = listener.turn(TURN, &mut |output| match output {
            Output::Event(event) => hearing.handle_event(&event),
            Output::Sample(_) => {}
        });
        if let Some(Notice::Fault(fault)) = notice {
            return Err(fault);
        }
        hearing.bytes[speed].extend_from_slice(listener.bytes());
        if !listener.bytes().is_empty() {
            clock.first_byte.get_or_insert_with(Instant::now);
        }
        if hearing.good > 0 {
            clock.first_good.get_or_insert_with(Instant::now);
        }
        let reading = &listener.reading;
        hearing.found = reading.state(Instant::now()).mode.map(|mode| (reading.trial(), mode)).or(hearing.found);
    }
    let state = listener.reading.state_so_far(Instant::now());
    hearing.trouble = Some(state).filter(|state| state.cause != Cause::None);
    hearing.time = clock.first_byte.map(|first| first.elapsed()).unwrap_or_default();
    Ok(hearing)
}
