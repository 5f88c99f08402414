//! How long the line need not be looked at, because nothing that is waited for can be complete before.
//!
//! A line gives a byte every millisecond, or every eight, and waking for each costs more than all else that the reader does. What is
//! waited for are ends: of a live dataset, and of a frame. What has stood behind each label is known from the frames before (`layout`), and
//! the length of each dataset from its label. So a number of bytes must still come, and a line gives them no faster than its rate.
//!
//! * It is the shortest way of all that were seen: a dataset that comes and goes makes nothing late. Only what stands in another place than
//!   ever before is noticed later, once, and so is a frame that was cut.
//! * It holds for a line that has kept to its rate for a whole frame. A pseudo-terminal in a hurry is looked at for each byte.

use std::time::{Duration, Instant};

use teleinfo_proto::tic::{Event, Label, Mode, spec};

use super::layout::Layout;

/// A line may be this much faster than its rate, in thousandths: meters and adapters are off by one in a hundred (54E §5.3.5).
const HASTE: u32 = 50;
/// A USB adapter tells of a byte up to so much after it came, and a loop's timers are as coarse.
const MARGIN: Duration = Duration::from_millis(2);
/// A shorter rest is not worth its own work.
const SHORTEST_REST: Duration = Duration::from_millis(3);
/// After a longer rest what the line does would be judged too late.
const LONGEST_REST: Duration = Duration::from_millis(500);

/// What the bytes that come next stand behind.
#[derive(Clone, Copy)]
enum Behind {
    Frame,
    Dataset(&'static Label),
    /// Something refused or unknown, so anything may come.
    Other,
}

/// Follows a line, frame by frame.
pub(super) struct Pace {
    behind: Behind,
    layout: Layout,
    bytes: u64,
    /// When the line was read last: what has not come by then comes later.
    read: Option<Instant>,
    /// When the frame in progress began, and how many bytes had come by then.
    begun: Option<(Instant, u64)>,
    keeps_rate: bool,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self { behind: Behind::Other, layout: Layout::new(), bytes: 0, read: None, begun: None, keeps_rate: false }
    }

    /// The line was opened or set: nothing is known of what it gives.
    pub(super) fn handle_line_changed(&mut self) {
        *self = Self::new();
    }

    /// So many bytes were read, and there were no more.
    pub(super) fn handle_bytes(&mut self, count: usize, now: Instant) {
        self.bytes += count as u64;
        self.read = Some(now);
    }

    /// The decoder has found something in what was read.
    pub(super) fn handle_event(&mut self, event: &Event<'_>, mode: Option<Mode>, now: Instant) {
        match event {
            Event::FrameStart => (self.behind, self.begun) = (Behind::Frame, Some((now, self.bytes))),
            Event::Dataset(dataset) => self.handle_dataset(dataset.info(), mode),
            Event::Refused(_) => self.behind = Behind::Other,
            Event::FrameEnd(end) => {
                let begun = self.begun.take().filter(|_| end.is_whole());
                self.keeps_rate = begun.zip(mode).is_some_and(|((at, bytes), mode)| now - at >= least_time(self.bytes - bytes, mode));
                if let (Some(mode), Behind::Dataset(last), true) = (mode, self.behind, end.is_whole()) {
                    self.layout.handle_frame_end(Some(last), mode);
                }
                self.behind = Behind::Frame;
            }
        }
    }

    fn handle_dataset(&mut self, label: Option<&'static Label>, mode: Option<Mode>) {
        if let (Some(label), Some(mode)) = (label, mode) {
            match self.behind {
                Behind::Frame => self.layout.handle_dataset(None, label, mode),
                Behind::Dataset(before) => self.layout.handle_dataset(Some(before), label, mode),
                Behind::Other => {}
            }
        }
        self.behind = label.map_or(Behind::Other, Behind::Dataset);
    }

    /// Until when the line may be left alone, where `in_progress` is what has come of a dataset. `None`: each byte counts.
    pub(super) fn poll_rest(&self, in_progress: Option<&[u8]>, mode: Mode, now: Instant) -> Option<Instant> {
        let read = self.read.filter(|_| self.keeps_rate)?;
        // The next byte may be just about to come.
        let certain = self.bytes_to_come(in_progress, mode) as u64 - 1;
        let until = read + least_time(certain, mode).saturating_sub(MARGIN).min(LONGEST_REST);
        (until >= now + SHORTEST_REST).then_some(until)
    }

    /// The least number of bytes up to and with the next end that is waited for; one at the least.
    fn bytes_to_come(&self, in_progress: Option<&[u8]>, mode: Mode) -> usize {
        let before = match self.behind {
            Behind::Frame => None,
            Behind::Dataset(label) => Some(label),
            Behind::Other if in_progress.is_none() => return 1,
            Behind::Other => None,
        };
        let Some(begun) = in_progress else { return self.layout.bytes_behind(before, mode) };
        let to_come = |label: &'static Label| {
            let rest = label.dataset_bytes_min().saturating_sub(begun.len()).max(1);
            if label.live { rest } else { rest + self.layout.bytes_behind(Some(label), mode) }
        };
        if let Some(end) = begun.iter().position(|byte| [spec::SP, spec::HT].contains(byte)) {
            return str::from_utf8(&begun[..end]).ok().and_then(|code| Label::find(mode, code)).map_or(1, to_come);
        }
        let fits = |label: &&'static Label| label.code.as_bytes().starts_with(begun);
        let expected = self.layout.next(before, mode).filter(fits).map(to_come).min();
        expected.or_else(|| Label::all(mode).iter().filter(fits).map(to_come).min()).unwrap_or(1)
    }
}

/// The least time that so many bytes take on the line.
fn least_time(bytes: u64, mode: Mode) -> Duration {
    let us = bytes * u64::from(spec::BITS_PER_CHARACTER) * 1_000_000 / u64::from(mode.baud());
    Duration::from_micros(us * u64::from(1_000 - HASTE) / 1_000)
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::{Decoder, Parity};

    use super::{super::layout, *};

    const HISTORIC: &[u8] = include_bytes!("../../../proto/tests/frames/syn-hist-adps-mono.tic");
    const SHORT_FRAMES: &[u8] = include_bytes!("../../../proto/tests/frames/syn-hist-tri-short.tic");
    const TEMPO: &[u8] = include_bytes!("../../../proto/tests/frames/syn-hist-tempo-mono.tic");
    const STANDARD: &[u8] = include_bytes!("../../../proto/tests/frames/syn-std-tempo-blue.tic");
    const PRODUCER: &[u8] = include_bytes!("../../../proto/tests/frames/syn-std-producer-tri.tic");
    const PILOT: &[u8] = include_bytes!("../../../proto/tests/frames/syn-std-g1-pilot-labels.tic");

    /// A line that is read in a certain way, and what came of it.
    struct Line {
        start: Instant,
        mode: Mode,
        decoder: Decoder,
        pace: Pace,
        random: u32,
        /// Each byte, and when it came.
        came: Vec<(u8, Duration)>,
        /// The places of the bytes that are waited for, and when each was read.
        ends: Vec<(usize, Duration)>,
        reads: usize,
    }

    impl Line {
        /// Bytes at so many thousandths of the rate, with a pause of up to 33 ms before each LF.
        fn new(mode: Mode, bytes: &[u8], rate: u64) -> Self {
            let start = Instant::now();
            let (decoder, pace) = (Decoder::new(Parity::Stripped), Pace::new());
            let mut line = Self { start, mode, decoder, pace, random: 1, came: vec![], ends: vec![], reads: 0 };
            let mut at = Duration::ZERO;
            for byte in bytes {
                line.random = line.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let pause = if *byte == spec::LF { u64::from(line.random >> 24) * 33_000 / 255 } else { 0 };
                at += Duration::from_micros(10_000_000 * 1_000 / u64::from(mode.baud()) / rate + pause);
                line.came.push((*byte, at));
            }
            line
        }

        /// Reads it whenever a byte comes, or once a rest is over.
        fn run(mut self) -> Self {
            let (mut place, mut now) = (0, Duration::ZERO);
            while place < self.came.len() {
                now = now.max(self.came[place].1);
                let end = place + self.came[place..].iter().take_while(|(_, at)| *at <= now).count();
                self.read(place, end, now);
                place = end;
                let rest = self.poll_rest(now);
                now = rest.unwrap_or(now);
                if rest.is_some() {
                    assert!(self.poll_rest(now).is_none(), "a rest that is over is over, though no byte has come");
                }
            }
            self
        }

        fn poll_rest(&self, now: Duration) -> Option<Duration> {
            let until = self.pace.poll_rest(self.decoder.in_progress(), self.mode, self.start + now)?;
            Some(until - self.start)
        }

        fn read(&mut self, from: usize, end: usize, now: Duration) {
            self.reads += 1;
            self.pace.handle_bytes(end - from, self.start + now);
            for place in from..end {
                let mut input = &[self.came[place].0][..];
                while let Some(event) = self.decoder.next_event(&mut input) {
                    let is_live = matches!(event, Event::Dataset(dataset) if dataset.info().is_some_and(|label| label.live));
                    if is_live || matches!(event, Event::FrameEnd(end) if end.is_whole()) {
                        self.ends.push((place, now));
                    }
                    self.pace.handle_event(&event, Some(self.mode), self.start + now);
                }
            }
        }

        /// How many ends were read late.
        fn late(&self) -> usize {
            self.ends.iter().filter(|(place, read)| *read > self.came[*place].1).count()
        }
    }

    #[test]
    fn nothing_is_late_and_few_bytes_wake() {
        let historic = [HISTORIC, SHORT_FRAMES, TEMPO].map(|frames| (Mode::Historic, frames));
        let standard = [STANDARD, PRODUCER, PILOT].map(|frames| (Mode::Standard, frames));
        for (mode, frames) in historic.into_iter().chain(standard) {
            for rate in [985, 1_000, 1_015] {
                let line = Line::new(mode, &frames.repeat(20), rate).run();
                let share = line.reads as f64 / line.came.len() as f64;
                println!("{mode}, {rate}: {} late of {}, {share:.2} reads a byte", line.late(), line.ends.len());
                // The second frame that ends with another label than the first.
                assert!(line.ends.len() > 60 && line.late() <= 1, "{mode}, {rate}: {} late", line.late());
                assert!(share < 0.4, "{mode}, {rate}: {share}");
            }
        }
    }

    #[test]
    fn a_line_that_is_faster_than_its_rate_never_rests() {
        for rate in [1_100, 10_000] {
            let line = Line::new(Mode::Historic, &HISTORIC.repeat(5), rate).run();
            let until_trusted = line.pace.keeps_rate;
            // Its pauses may hide that it is a little too fast, but not that it is much too fast.
            assert!(line.late() == 0 || rate == 1_100, "{rate}: {} late", line.late());
            assert!(rate == 1_100 || !until_trusted && line.reads == line.came.len(), "{rate}: {} reads", line.reads);
        }
    }

    #[test]
    fn noise_and_a_change_of_mode_end_all_rest_until_the_next_whole_frame() {
        let mut line = Line::new(Mode::Standard, &STANDARD.repeat(3), 1_000).run();
        assert!(line.pace.keeps_rate);
        line.pace.handle_line_changed();
        assert_eq!(line.poll_rest(Duration::ZERO), None);
        let mut noisy = HISTORIC.to_vec();
        noisy.extend(b"\x02\nADCO 0218");
        noisy.extend([b'\n', 0x81, b'P', b'A']);
        let line = Line::new(Mode::Historic, &noisy, 1_000).run();
        assert_eq!(line.pace.bytes_to_come(line.decoder.in_progress(), Mode::Historic), 1, "what is damaged may be anything");
    }

    #[test]
    fn a_dataset_is_as_long_as_its_label_says() {
        let pace = Pace::new();
        let to_come = |begun: &[u8]| pace.bytes_to_come(Some(begun), Mode::Historic);
        // LF stands before it, CR is its last byte.
        assert_eq!((to_come(b"PAPP 00"), to_come(b"PAPP 00540 "), to_come(b"PAPP 00540 +")), (6, 2, 1));
        assert_eq!(to_come(b"ADPS "), 6);
        let shortest = layout::shortest_live(Mode::Historic);
        assert_eq!((shortest, to_come(b"BASE 0000")), (12, 7 + 12), "a concentrator's index has eight digits");
        assert_eq!((to_come(b"UNKNOWN 1"), to_come(b"XYZ")), (1, 1));
    }
}
