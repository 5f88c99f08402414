//! Finding how the meter's line must be read: at which speed, and who checks parity. Nothing is configured unless wanted.
//!
//! A *trial* is one way of reading. Trials follow one another until datasets verify; the one that works is the *proven* one. When bytes
//! keep arriving but nothing verifies any more (the distributor has changed the mode, a modem was replaced, noise), the search starts
//! again and returns to the proven trial between any two others, since noise ends more often than modes change.
//!
//! With 8N1 the bytes themselves tell whether they carry parity: in TIC a good part of all characters has an odd number of ones, so bit 7
//! that is never set means that somebody has already taken the parity off (a pseudo-terminal, a network adapter). Until the first
//! judgement nobody can say which bytes are damaged; `receive.rs` holds them back for that half second.
//!
//! The speed says nothing about the mode: a pseudo-terminal has no speed, and some meters send historic frames at 9600 baud. The mode
//! is that of the datasets.

use std::time::{Duration, Instant};

use teleinfo_proto::tic::{Mode, Parity};

/// At 9600 baud the longest dataset takes 0.12 s, so that much is the most that can be missed before one is seen whole.
const TRY_STANDARD: Duration = Duration::from_millis(1000);
/// At 1200 baud the longest dataset takes 0.25 s.
const TRY_HISTORIC: Duration = Duration::from_millis(1600);
/// A line without a byte tells nothing; still, a UART may see nothing at one setting and something at another.
const TRY_SILENT: Duration = Duration::from_secs(5);
/// A healthy line verifies four datasets a second at least; a noisy one deserves some patience.
const LOST: Duration = Duration::from_millis(2500);
/// Noise and wrong settings give bytes more often than this.
const QUIET: Duration = Duration::from_secs(1);
/// Characters that a judgement on bit 7 takes: half a second at 1200 baud.
pub(super) const JUDGED: u32 = 64;
/// Up to one in so many bytes may have bit 7 by damage while parity is off. With parity on, one in seven has it in the emptiest dataset.
const STRAY: u32 = 16;
/// A dataset whose label we do not know verifies by a six-bit sum only; two of them are no accident.
const UNKNOWN_NEEDED: u32 = 2;

/// Who separates the parity bit from the seven bits of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// 7E1: the UART does, and it marks the bytes in which parity is wrong.
    SevenEven,
    /// 8N1: nobody does; bit 7 arrives as it was sent. The cell is ten bits long in both, so the line looks the same.
    EightNone,
}

/// Who is to check parity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParityChoice {
    /// The hardware if the line takes the setting, else the software; the other one when nothing decodes.
    Auto,
    /// The same the other way round, for a far line: a UART there keeps the errors it finds to itself.
    SoftwareFirst,
    /// The UART, set to 7E1.
    Hardware,
    /// This program, the UART set to 8N1.
    Software,
}

/// Who checks parity in a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The UART (7E1).
    Uart,
    /// This program, from bit 7 (8N1).
    Software,
    /// Nobody can any more: bit 7 is off before the bytes get here (8N1).
    Gone,
}

/// One way to read the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The speed of this mode.
    pub speed: Mode,
    /// Who checks parity.
    pub check: Check,
}

impl Trial {
    /// What the UART does.
    pub fn framing(self) -> Framing {
        match self.check {
            Check::Uart => Framing::SevenEven,
            Check::Software | Check::Gone => Framing::EightNone,
        }
    }

    /// What the decoder does.
    pub fn parity(self) -> Parity {
        match self.check {
            Check::Software => Parity::Even,
            Check::Uart | Check::Gone => Parity::Stripped,
        }
    }

    fn patience(self) -> Duration {
        match self.speed {
            Mode::Historic => TRY_HISTORIC,
            Mode::Standard => TRY_STANDARD,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Search {
    /// A trial has begun, no byte yet; at this moment another one is due.
    Waiting(Instant),
    /// Bytes arrive; at this moment the trial has failed.
    Trying(Instant),
    /// This mode verifies. Bytes since the last dataset: the moments of the first and the last, if any.
    Found(Mode, Option<(Instant, Instant)>),
}

/// Finds the trial that works, and notices when it works no more.
#[derive(Debug)]
pub(super) struct Detector {
    speed: Option<Mode>,
    parity: ParityChoice,
    uart_refused: bool,
    proven: Option<Trial>,
    trial: Trial,
    step: usize,
    search: Search,
    unknown: u32,
    bit7: Bit7,
    judging: bool,
}

impl Detector {
    /// `speed` and `parity` as configured; the search for the rest begins at once.
    pub(super) fn new(speed: Option<Mode>, parity: ParityChoice, now: Instant) -> Self {
        let trial = Trial { speed: Mode::Standard, check: Check::Software };
        let search = Search::Waiting(now);
        let bit7 = Bit7::default();
        let mut detector =
            Self { speed, parity, uart_refused: false, proven: None, trial, step: 0, search, unknown: 0, bit7, judging: false };
        detector.handle_opened(now);
        detector
    }

    /// How the line is to be read at the moment. Look again after each `handle_*`.
    pub(super) fn trial(&self) -> Trial {
        self.trial
    }

    /// Bit 7 has not been judged yet: hold the bytes back.
    pub(super) fn is_judging(&self) -> bool {
        self.judging
    }

    /// The mode, while datasets verify.
    pub(super) fn mode(&self) -> Option<Mode> {
        match self.search {
            Search::Found(mode, _) => Some(mode),
            Search::Waiting(_) | Search::Trying(_) => None,
        }
    }

    /// The line was opened again, perhaps on another device.
    pub(super) fn handle_opened(&mut self, now: Instant) {
        self.uart_refused = false;
        self.step = 0;
        self.begin(self.proven.unwrap_or_else(|| self.nth(0)), now);
    }

    /// The line did not take the trial's settings; 7E1 is what a line can do without.
    pub(super) fn handle_setting_refused(&mut self, now: Instant) {
        if self.trial.check == Check::Uart {
            self.uart_refused = true;
            self.proven = self.proven.filter(|proven| proven.check != Check::Uart);
            self.begin(Trial { check: Check::Software, ..self.trial }, now);
        }
    }

    /// Bytes have arrived, before what they amount to is handed in.
    pub(super) fn handle_bytes(&mut self, bytes: &[u8], now: Instant) {
        match &mut self.search {
            Search::Waiting(_) => self.search = Search::Trying(now + self.trial.patience()),
            Search::Trying(_) => {}
            Search::Found(_, doubt) => *doubt = Some((doubt.map_or(now, |(first, _)| first), now)),
        }
        if self.trial.framing() == Framing::EightNone {
            self.bit7.count(bytes);
            if let Some(carried) = self.bit7.verdict() {
                self.judge(carried, now);
            }
        }
    }

    /// A dataset has verified; `known` if its label is in our tables.
    pub(super) fn handle_dataset(&mut self, mode: Mode, known: bool) {
        self.bit7 = Bit7::default();
        self.unknown += u32::from(!known);
        if known || self.unknown >= UNKNOWN_NEEDED || self.mode() == Some(mode) {
            self.unknown = 0;
            self.proven = Some(self.trial);
            self.search = Search::Found(mode, None);
        }
    }

    /// When [`Detector::handle_timeout`] is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.search {
            Search::Waiting(at) | Search::Trying(at) => Some(at),
            Search::Found(_, doubt) => doubt.map(|(first, _)| first + LOST),
        }
    }

    /// Time has passed.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return;
        }
        match self.search {
            // Too few bytes for a sure judgement, but no more are coming.
            Search::Trying(_) if self.judging => return self.judge(self.bit7.set > 0, now),
            // A few bytes and then silence: the meter was cut off, which is no reason to search.
            Search::Found(mode, Some((_, last))) if now - last > QUIET => return self.search = Search::Found(mode, None),
            Search::Found(..) => self.step = 0,
            Search::Waiting(_) | Search::Trying(_) => self.step += 1,
        }
        self.begin(self.nth(self.step), now);
    }

    fn begin(&mut self, trial: Trial, now: Instant) {
        self.trial = trial;
        self.search = Search::Waiting(now + TRY_SILENT);
        self.unknown = 0;
        self.bit7 = Bit7::default();
        self.judging = trial.framing() == Framing::EightNone && self.proven != Some(trial);
    }

    /// The trial of a step of the search.
    fn nth(&self, step: usize) -> Trial {
        let Some(proven) = self.proven else {
            let all = self.trials();
            return all[step % all.len()];
        };
        let mut others = self.trials();
        others.retain(|other| other.speed != proven.speed || other.framing() != proven.framing());
        // First the most likely change: the distributor's, which leaves parity as it is.
        others.sort_by_key(|other| (other.framing() != proven.framing(), other.speed == proven.speed));
        if others.is_empty() || step % 2 == 1 { proven } else { others[step / 2 % others.len()] }
    }

    fn trials(&self) -> Vec<Trial> {
        let checks: &[Check] = match self.parity {
            _ if self.uart_refused => &[Check::Software],
            ParityChoice::Auto => &[Check::Uart, Check::Software],
            ParityChoice::SoftwareFirst => &[Check::Software, Check::Uart],
            ParityChoice::Hardware => &[Check::Uart],
            ParityChoice::Software => &[Check::Software],
        };
        let speeds = [Mode::Standard, Mode::Historic];
        let wanted = |speed: &Mode| self.speed.is_none_or(|given| given == *speed);
        checks.iter().flat_map(|&check| speeds.into_iter().filter(wanted).map(move |speed| Trial { speed, check })).collect()
    }

    /// Many bytes and nothing verified: parity is in them, or it is not.
    fn judge(&mut self, carried: bool, now: Instant) {
        let check = if carried { Check::Software } else { Check::Gone };
        if check != self.trial.check || self.judging {
            self.trial.check = check;
            if let Search::Trying(until) = &mut self.search {
                *until = (*until).max(now + self.trial.patience());
            }
        }
        self.judging = false;
        self.bit7 = Bit7::default();
    }
}

/// Counts bytes and those with bit 7 since the last verified dataset.
#[derive(Debug, Default)]
struct Bit7 {
    bytes: u32,
    set: u32,
}

impl Bit7 {
    fn count(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u32;
        self.set += bytes.iter().filter(|byte| **byte & 0x80 != 0).count() as u32;
    }

    /// After enough bytes: does bit 7 carry something?
    fn verdict(&self) -> Option<bool> {
        let carried = self.set * STRAY > self.bytes;
        // Yes is sure much earlier than no.
        (self.bytes >= JUDGED || carried && self.bytes >= JUDGED / 4).then_some(carried)
    }
}

#[cfg(test)]
mod tests;
