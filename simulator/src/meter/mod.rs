//! A meter in a house: time passes second by second, and everything that the meter shows follows from it.
//!
//! The recipe: the house decides the power of each phase; current and apparent power follow from it, the
//! filter for the day's highest power sees it, the registers count it, the status register tells of it.
//! The same options give the same bytes.

pub mod change;
mod display;
mod house;
mod options;
mod registers;
pub mod tariff;

pub use options::MeterOptions;
pub use registers::energy::Energy;
pub use registers::first::FirstRegisters;

use crate::line::frame::{Fields, Frame, Total};
use crate::line::source::{Burst, Source};
use crate::line::speed::line_time;
use crate::rng::Rng;
use change::Change;
use house::{House, Phase};
use registers::breaker::Breaker;
use registers::first::invented;
use registers::maximum::{Maximum, Reading};
use registers::mean::Mean;
use registers::short_frames::ShortFrames;
use std::rc::Rc;
use std::time::Duration;
use tariff::clock::LocalTime;
use tariff::contract::Peaks;
use tariff::{Tariff, TariffClock};
use teleinfo_proto::tic::Mode;

/// Silence between two frames, in µs (54E §5.3.6).
const SILENCE: (u64, u64) = (16_700, 33_400);
/// The load curve's period, in seconds.
const CURVE: i64 = 1800;
/// The period of the mean voltage, in seconds.
const VOLTAGE: i64 = 600;

/// A simulated meter.
#[derive(Debug)]
pub struct Meter {
    options: MeterOptions,
    identity: String,
    mode: Mode,
    rng: Rng,
    line: Duration,
    frames: u64,
    now: LocalTime,
    tariff_clock: TariffClock,
    tariff: Tariff,
    house: House,
    breaker: Breaker,
    phases: [Phase; 3],
    energy: Energy,
    drawn: Maxima,
    injected: Maximum,
    drawn_curve: Mean,
    injected_curve: Mean,
    voltages: [Mean; 3],
    short_frames: ShortFrames,
}

/// The day's highest drawn power, of the whole and of each phase.
#[derive(Debug)]
struct Maxima {
    total: Maximum,
    phases: [Maximum; 3],
}

impl Meter {
    /// A meter as it stands at its first second.
    #[must_use]
    pub fn new(options: MeterOptions) -> Self {
        let now = LocalTime::at(options.start);
        let mut rng = Rng::named(options.seed, "meter");
        let mut tariff_clock = TariffClock::new(options.contract, options.seed);
        let tariff = tariff_clock.at(now);
        let (power, phases) = (options.reference_power(), options.phases);
        let mut house = House::new(options.seed, phases, power, options.producer);
        let cut_off = f64::from(options.cut_off_power()) * 1000.0 / phases as f64;
        let energy = first_registers(&options, &tariff, &mut rng);
        let mut past = Past { now, rng: &mut rng };
        Self {
            drawn: Maxima { total: past.maximum(3000, 5200), phases: [(); 3].map(|()| past.maximum(1000, 3200)) },
            injected: past.maximum(900, 3200),
            drawn_curve: past.mean(CURVE, 200, 1500),
            injected_curve: past.mean(CURVE, 0, 10),
            voltages: [(); 3].map(|()| past.mean(VOLTAGE, 228, 235)),
            identity: options.identity(),
            mode: options.mode,
            phases: house.step(now, false).map(|phase| phase.times(options.load)),
            breaker: Breaker::new(cut_off),
            short_frames: ShortFrames::default(),
            line: Duration::ZERO,
            frames: 0,
            rng,
            now,
            tariff_clock,
            tariff,
            house,
            energy,
            options,
        }
    }

    /// The next frame and the silence after it. It begins where the last one ended on the line, and its
    /// values are those of that second.
    pub fn next_frame(&mut self) -> (Frame, Duration) {
        self.advance_to(self.line);
        let short = self.short_frames.next_is_short();
        let fields = if short { self.short_fields() } else { self.fields() };
        let mut frame = Frame::compose(self.mode, self.frames, self.now.unix, &fields);
        frame.energy = Total { drawn: self.energy.total, injected: self.energy.injected };
        self.frames += 1;
        let silence = self.changes_during(&mut frame).unwrap_or_else(|| {
            self.send(&mut frame, short);
            Duration::from_micros(self.rng.between(SILENCE.0, SILENCE.1))
        });
        self.line += frame.line_time() + silence;
        (frame, silence)
    }

    /// Time passes, and nobody hears what the meter sends.
    pub fn skip(&mut self, time: Duration) {
        self.line += time;
        self.advance_to(self.line);
    }

    /// Something changes now. It shows in the next frame.
    pub fn change(&mut self, change: Change) {
        match change {
            Change::Mode(mode) => {
                self.mode = mode;
                self.short_frames = ShortFrames::default();
            }
            Change::Contract(contract) => {
                self.options.contract = contract;
                self.tariff_clock = TariffClock::new(contract, self.options.seed);
                self.tariff = self.tariff_clock.at(self.now);
            }
            Change::Producer => {
                self.options.producer = true;
                self.house.add_panels();
            }
            Change::Exchanged(address) => {
                self.identity = address;
                self.energy = Energy::default();
            }
        }
    }

    /// What the meter has counted by the second that it lives in, whatever it shows of it.
    #[must_use]
    pub fn energy(&self) -> &Energy {
        &self.energy
    }

    /// Makes the planned changes that fall into this frame. Where one of them silences the line, the frame is broken off there, and the
    /// silence is returned.
    fn changes_during(&mut self, frame: &mut Frame) -> Option<Duration> {
        let end = self.line + frame.line_time();
        let due = self.options.changes.extract_if(.., |planned| planned.after < end).collect::<Vec<_>>();
        let at = due.iter().find(|planned| planned.change.silence().is_some()).map(|planned| planned.after);
        let silence = due.iter().filter_map(|planned| planned.change.silence()).max();
        if let Some(at) = at {
            let sent = at.saturating_sub(self.line).as_secs_f64() / frame.line_time().as_secs_f64();
            frame.break_off((sent * frame.bytes.len() as f64) as usize);
        }
        due.into_iter().for_each(|planned| self.change(planned.change));
        silence
    }

    /// Lets the seconds pass in which the frame is sent: an overload that begins breaks a long frame off.
    fn send(&mut self, frame: &mut Frame, short: bool) {
        for sent in 1..=frame.bytes.len() {
            self.advance_to(self.line + line_time(sent, frame.mode.baud()));
            if !short && self.short_frames.take_begun() {
                frame.break_after_group(sent);
                return;
            }
        }
    }

    fn advance_to(&mut self, line: Duration) {
        let target = self.options.start + line.as_secs() as i64;
        while self.now.unix < target {
            self.second();
        }
    }

    fn second(&mut self) {
        self.now = LocalTime::at(self.now.unix + 1);
        if self.now.stamp.second() == 0 {
            self.tariff = self.tariff_clock.at(self.now);
        }
        let phases = if self.breaker.is_open() { self.house.step_dark() } else { self.house.step(self.now, self.off_peak()) };
        self.phases = phases.map(|phase| phase.times(self.options.load));
        self.measure();
        self.watch();
    }

    /// Whether the water heater may run: by the dry contact, or by its own timer where no tariff moves it.
    fn off_peak(&self) -> bool {
        let own_timer = self.options.contract.tariffs.len() == 1 && !(6..23).contains(&self.now.hour());
        self.tariff.contact || own_timer
    }

    fn measure(&mut self) {
        let active = self.active();
        let reactive: f64 = self.phases.iter().map(|phase| phase.reactive).sum();
        let (index, distributor) = (self.tariff.index, self.tariff.distributor);
        self.energy.add_second(active.round() as i64, reactive.round() as i64, index, distributor);
        let now = self.now;
        self.drawn.total.add_second(self.drawn_power(), now);
        self.injected.add_second(self.injected_power(), now);
        for (maximum, phase) in self.drawn.phases.iter_mut().zip(&self.phases) {
            maximum.add_second(phase.signed().max(0.0), now);
        }
        self.drawn_curve.add_second(active.max(0.0), now.unix);
        self.injected_curve.add_second((-active).max(0.0), now.unix);
        for (mean, phase) in self.voltages.iter_mut().zip(&self.phases) {
            mean.add_second(phase.voltage, now.unix);
        }
    }

    /// Overloads: the breaker and the short frames.
    fn watch(&mut self) {
        let highest = if self.is_three_phase() {
            let phases = self.drawn.phases.iter().map(Maximum::power);
            phases.fold(0.0, f64::max)
        } else {
            self.drawn.total.power()
        };
        if self.breaker.step(highest) {
            self.drawn.total.settle();
            self.drawn.phases.iter_mut().for_each(Maximum::settle);
        }
        if self.is_three_phase() && self.mode == Mode::Historic {
            let overload = (0..3).any(|phase| self.overload(phase).is_some());
            self.short_frames.second(overload, self.now.unix);
        }
    }

    fn fields(&self) -> Fields {
        match self.mode {
            Mode::Historic => self.historic_fields(),
            Mode::Standard => self.standard_fields(),
        }
    }

    fn is_three_phase(&self) -> bool {
        self.options.phases == 3
    }

    /// Active power of all phases, in W, positive when drawn.
    fn active(&self) -> f64 {
        self.phases.iter().map(|phase| phase.active).sum()
    }

    /// Apparent power of all phases together (54E §6.2.3.10): the sum of the signed ones, without its sign.
    fn apparent(&self) -> f64 {
        self.phases.iter().map(Phase::signed).sum::<f64>().abs()
    }

    fn drawn_power(&self) -> f64 {
        if self.active() >= 0.0 { self.apparent() } else { 0.0 }
    }

    fn injected_power(&self) -> f64 {
        if self.active() < 0.0 { self.apparent() } else { 0.0 }
    }

    /// Subscribed current of a phase, in A (54E §6.1): at 200 V.
    fn subscribed_current(&self) -> u64 {
        u64::from(self.options.reference_power()) * 1000 / 200 / self.options.phases as u64
    }

    fn current(&self, phase: usize) -> u64 {
        self.phases[phase].current().round() as u64
    }

    /// The current of a phase while it is above the subscribed one.
    fn overload(&self, phase: usize) -> Option<u64> {
        Some(self.current(phase)).filter(|current| *current > self.subscribed_current())
    }

    fn is_ejp(&self) -> bool {
        self.options.contract.peaks == Peaks::Ejp
    }
}

impl Source for Meter {
    fn next_burst(&mut self) -> Option<Burst> {
        let (frame, silence) = self.next_frame();
        Some(Burst { bytes: frame.bytes.clone(), baud: frame.mode.baud(), silence, frame: Some(Rc::new(frame)), faults: Vec::new() })
    }
}

/// What the meter measured before the simulation began, invented.
struct Past<'r> {
    now: LocalTime,
    rng: &'r mut Rng,
}

impl Past<'_> {
    fn maximum(&mut self, low: u64, high: u64) -> Maximum {
        let evening = tariff::clock::moment(self.now.day - 1, 19 * 60);
        let reading = Reading { value: self.rng.between(low, high), unix: evening + self.rng.below(3600) as i64 };
        Maximum::new(self.now, reading)
    }

    fn mean(&mut self, period: i64, low: u64, high: u64) -> Mean {
        let (last, before) = (self.rng.between(low, high), self.rng.between(low, high));
        Mean::new(period, self.now.unix, last, before)
    }
}

fn first_registers(options: &MeterOptions, tariff: &Tariff, rng: &mut Rng) -> Energy {
    let one = || options.index.map(|index| FirstRegisters::one(tariff.index, index));
    match options.registers.clone().or_else(one) {
        Some(registers) => registers.energy(tariff.distributor),
        None => invented(options.contract.tariffs.len(), options.producer, rng),
    }
}

#[cfg(test)]
mod tests;
