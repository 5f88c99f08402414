//! Takes readings from the samples of one meter as they arrive, whether or not a broker is there.
//!
//! The power is the signed one of [`crate::power`], at the end of its own dataset. The meter says how it is spread over the phases, where
//! it can; else their currents do.

use std::time::{Duration, Instant};

use teleinfo_proto::{
    tic::{Dataset, MeterId, Mode, Role},
    wire::{BootId, Sample, SampleKind},
};

use crate::{
    grid_meter::{
        answer::OLDEST,
        reading::{PHASES, Phase, Reading},
        taken::Taken,
    },
    meter::steering::Steering,
    power::{reading::Power, signed::KeptPower},
};

/// A frame's length until two frames are seen, and the most that is believed of it.
const FRAME_FIRST: Duration = Duration::from_millis(1_500);
const FRAME_MAX: Duration = Duration::from_secs(3);
/// No meter sends a frame with a power in less. Frames that come faster waited in the reader's machine while the reader was stopped.
const FRAME_MIN: Duration = Duration::from_millis(300);

/// What is known of one meter.
#[derive(Debug)]
pub struct Source {
    steering: Steering,
    taken: Taken,
    /// The last frame: until there was one of this run and this mode, a dataset alone says too little.
    last: Option<Last>,
    /// Frames come as a line sends them. After a silence the first ones may have waited, so they are not told.
    is_steady: bool,
    lines: [Line; PHASES],
    phases: usize,
    drawn: Option<u64>,
    injected: Option<u64>,
    frame: Duration,
}

/// Where a frame stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Last {
    boot: BootId,
    mode: Mode,
    sequence: u64,
    uptime: Duration,
}

/// What the meter says of one phase.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    /// VA drawn, where it is told phase by phase.
    drawn: Option<u64>,
    current: Option<u64>,
    voltage: Option<u64>,
}

impl Last {
    fn of(sample: &Sample<'_>) -> Self {
        let Sample { boot, mode, sequence, uptime_ms, .. } = *sample;
        Self { boot, mode, sequence, uptime: Duration::from_millis(uptime_ms) }
    }

    fn is_of_run(&self, other: &Self) -> bool {
        (self.boot, self.mode) == (other.boot, other.mode)
    }
}

impl Source {
    /// A meter that nothing is known of yet.
    #[must_use]
    pub fn new(meter: &MeterId, mode: Mode) -> Self {
        Self {
            steering: Steering::new(meter, mode, &KeptPower::default()),
            taken: Taken::default(),
            last: None,
            is_steady: false,
            lines: [Line::default(); PHASES],
            phases: 1,
            drawn: None,
            injected: None,
            frame: FRAME_FIRST,
        }
    }

    /// What is learnt of a meter's power is learnt in one place, from samples in their order.
    pub fn handle_learnt(&mut self, of: &Steering) {
        self.steering.take_learnt(of);
    }

    /// A sample of the present arrived. Returns a reading if it tells a power that was not told before.
    pub fn handle_sample(&mut self, sample: &Sample<'_>, now: Instant) -> Option<Reading> {
        let (this, last) = (Last::of(sample), self.last);
        let goes_on = last.filter(|last| last.is_of_run(&this));
        let power = match sample.kind {
            SampleKind::Live => {
                goes_on.filter(|last| last.sequence <= this.sequence)?;
                let datasets = self.datasets(sample);
                self.steering.handle_live(sample, &datasets)
            }
            SampleKind::Frame { .. } => {
                if goes_on.is_some_and(|last| last.sequence >= this.sequence) {
                    return None;
                }
                self.handle_place(this, goes_on);
                let datasets = self.datasets(sample);
                self.handle_indexes(sample.mode, &datasets);
                self.steering.handle_frame(sample, &datasets, None)
            }
            _ => None,
        };
        self.taken.handle_arrival(this.boot, this.uptime, now);
        power.filter(|_| self.is_steady).map(|power| self.reading(&power, now))
    }

    /// A frame follows the last one, or is the first of its run and mode.
    fn handle_place(&mut self, this: Last, goes_on: Option<Last>) {
        match goes_on {
            Some(last) => {
                let gap = this.uptime.saturating_sub(last.uptime);
                self.frame = gap.min(FRAME_MAX);
                self.is_steady = gap <= OLDEST && (self.is_steady || gap >= FRAME_MIN);
            }
            None => {
                self.is_steady = false;
                self.steering.handle_break(this.mode);
                self.lines = [Line::default(); PHASES];
            }
        }
        self.last = Some(this);
    }

    fn datasets<'s>(&mut self, sample: &Sample<'s>) -> Vec<Dataset<'s>> {
        let datasets: Vec<Dataset<'_>> = sample.datasets.iter(sample.mode).filter_map(Result::ok).collect();
        datasets.iter().for_each(|dataset| self.handle_dataset(dataset));
        datasets
    }

    fn handle_dataset(&mut self, dataset: &Dataset<'_>) {
        let Some((role, number)) = dataset.role().zip(dataset.value().number()) else { return };
        match role {
            // Counters never step back.
            Role::EnergyInjected => self.injected = Some(number).max(self.injected),
            Role::PhasePowerWithdrawn(n) => self.line(n).drawn = Some(number),
            Role::Current(n) => self.line(n).current = Some(number),
            Role::Voltage(n) => self.line(n).voltage = Some(number),
            _ => {}
        }
    }

    /// The sum of a frame's indexes. A frame that lacks one has a smaller sum, which is not told.
    fn handle_indexes(&mut self, mode: Mode, datasets: &[Dataset<'_>]) {
        let indexes = datasets.iter().filter(|dataset| counts(mode, dataset)).map(|dataset| dataset.value().number());
        self.drawn = indexes.sum::<Option<u64>>().filter(|sum| *sum > 0).max(self.drawn);
    }

    fn line(&mut self, phase: u8) -> &mut Line {
        let n = usize::from(phase).clamp(1, PHASES);
        if n > 1 {
            self.phases = PHASES;
        }
        &mut self.lines[n - 1]
    }

    fn reading(&self, power: &Power, now: Instant) -> Reading {
        let (watts, apparent) = (to_float(power.watts), to_float(power.apparent));
        let shares = self.shares(power);
        let phase = |(line, share): (&Line, f64)| phase_of(line, watts * share, apparent * share);
        Reading {
            power: watts,
            phases: self.lines.iter().zip(shares).take(self.phases).map(phase).collect(),
            drawn: self.drawn,
            injected: self.injected,
            measured: self.taken.at(power.at, now),
            frame: self.frame,
        }
    }

    /// How much of the power is on each phase: as the power itself knows, else what is drawn there, else by the currents, else equally.
    fn shares(&self, power: &Power) -> [f64; PHASES] {
        if self.phases == 1 {
            return [1.0, 0.0, 0.0];
        }
        if let Some(phases) = power.phases.filter(|_| power.watts != 0) {
            return phases.map(|phase| to_float(phase) / to_float(power.watts));
        }
        let drawn = self.lines.map(|line| line.drawn.filter(|_| power.watts > 0).map_or(0.0, to_float));
        let currents = self.lines.map(|line| line.current.map_or(0.0, to_float));
        let parts = [drawn, currents, [1.0; PHASES]].into_iter().find(|parts| parts.iter().sum::<f64>() > 0.0).unwrap_or_default();
        let sum: f64 = parts.iter().sum();
        parts.map(|part| part / sum)
    }
}

/// Whether a dataset is one of the indexes whose sum is all that was drawn.
fn counts(mode: Mode, dataset: &Dataset<'_>) -> bool {
    match dataset.role() {
        Some(Role::EnergyWithdrawn) => mode == Mode::Standard,
        Some(Role::IndexOf(_)) => mode == Mode::Historic,
        _ => false,
    }
}

/// The meter tells whole amperes: where there is a voltage, VA and voltage say it finer.
fn phase_of(line: &Line, power: f64, apparent: f64) -> Phase {
    let voltage = line.voltage.map(to_float).filter(|voltage| *voltage > 0.0);
    let current = voltage.map(|voltage| apparent.abs() / voltage).or(line.current.map(to_float));
    Phase { power, apparent, current, voltage }
}

/// Powers and currents of a meter have at most six digits.
#[expect(clippy::cast_precision_loss, reason = "numbers of a meter are far below 2^52")]
fn to_float<N: TryInto<i64>>(number: N) -> f64 {
    number.try_into().map_or(0.0, |number| number as f64)
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::wire::{Counters, DatasetsWriter};

    use super::*;

    const METER: &str = "021861000001";
    const FRAME: SampleKind = SampleKind::Frame { complete: true };

    struct Desk {
        mode: Mode,
        source: Source,
        start: Instant,
    }

    impl Desk {
        fn new(mode: Mode) -> Self {
            let mut desk = Self { mode, source: Source::new(&METER.parse().unwrap(), mode), start: Instant::now() };
            // Two frames that show a line, and nothing else.
            (1..=2).for_each(|n| assert_eq!(desk.read(FRAME, n, n * 1_000, &[]), None));
            desk
        }

        /// What is read of a sample with this number, made and come at this millisecond.
        fn read(&mut self, kind: SampleKind, sequence: u64, ms: u64, lines: &[(&str, &str)]) -> Option<Reading> {
            let mut block = [0; 512];
            let mut writer = DatasetsWriter::resume(&mut block, 0);
            for (label, data) in lines {
                writer.push(&Dataset::new(self.mode, label, None, data).unwrap()).unwrap();
            }
            let sample = Sample {
                boot: BootId::new(1),
                sequence,
                kind,
                unix_ms: 0,
                uptime_ms: ms,
                mode: self.mode,
                meter: METER.parse().unwrap(),
                counters: Counters::default(),
                datasets: writer.finish(),
            };
            self.source.handle_sample(&sample, self.start + Duration::from_millis(ms))
        }
    }

    /// The readings of these frames, one each second.
    fn readings(mode: Mode, frames: &[&[(&str, &str)]]) -> Vec<Reading> {
        let mut desk = Desk::new(mode);
        (3..).zip(frames).filter_map(|(n, lines)| desk.read(FRAME, n, n * 1_000, lines)).collect()
    }

    const EXPORT: &[(&str, &str)] =
        &[("EAST", "027785280"), ("EAIT", "001101330"), ("URMS1", "234"), ("SINSTS", "00000"), ("SINSTI", "00468")];

    #[test]
    fn what_is_injected_is_negative() {
        let told = readings(Mode::Standard, &[EXPORT]);
        let Phase { power, apparent, current, voltage } = told[0].phases[0];
        assert_eq!((apparent, current, voltage), (-468.0, Some(2.0), Some(234.0)));
        assert!((-468.0..-300.0).contains(&power) && told[0].power == power, "{power} W");
        assert_eq!((told[0].drawn, told[0].injected), (Some(27_785_280), Some(1_101_330)));
    }

    #[test]
    fn a_power_is_told_at_the_end_of_its_own_dataset_and_not_again_with_the_frame() {
        let mut desk = Desk::new(Mode::Standard);
        assert!(desk.read(FRAME, 3, 3_000, EXPORT).is_some());
        assert_eq!(desk.read(SampleKind::Live, 3, 3_500, &[("SINSTS", "00000")]), None, "what is injected follows");
        let live = desk.read(SampleKind::Live, 3, 3_520, &[("SINSTI", "00936")]).unwrap();
        assert_eq!((live.phases[0].apparent, live.measured), (-936.0, desk.start + Duration::from_millis(3_520)));
        assert_eq!(desk.read(FRAME, 4, 4_000, &EXPORT[..4]), None, "told before");
        assert_eq!(desk.read(SampleKind::Live, 3, 4_010, &[("SINSTI", "00001")]), None, "its frame has come");
        assert_eq!(desk.read(FRAME, 4, 4_500, EXPORT), None, "twice");
    }

    #[test]
    fn what_waited_while_the_reader_was_stopped_is_not_told() {
        let mut desk = Desk::new(Mode::Standard);
        assert!(desk.read(FRAME, 3, 3_000, EXPORT).is_some());
        for (n, ms) in (4..).zip([60_000, 60_010, 60_020]) {
            assert_eq!(desk.read(FRAME, n, ms, EXPORT), None);
            assert_eq!(desk.read(SampleKind::Live, n, ms + 5, &[("SINSTS", "00500")]), None);
        }
        assert!(desk.read(FRAME, 7, 60_900, EXPORT).is_some(), "the line is heard again");
    }

    #[test]
    fn three_phases_add_up() {
        let told = readings(
            Mode::Standard,
            &[
                &[("SINSTS", "03000"), ("SINSTS1", "02000"), ("SINSTS2", "01000"), ("SINSTS3", "00000"), ("SINSTI", "00000")],
                &[("IRMS1", "002"), ("IRMS2", "002"), ("IRMS3", "004"), ("SINSTS", "00000"), ("SINSTI", "02000")],
            ],
        );
        let apparent = |n: usize| told[n].phases.iter().map(|phase| phase.apparent.round()).collect::<Vec<_>>();
        assert_eq!(apparent(0), [2_000.0, 1_000.0, 0.0]);
        assert_eq!(apparent(1), [-500.0, -500.0, -1_000.0]);
        for reading in told {
            let sum: f64 = reading.phases.iter().map(|phase| phase.power).sum();
            assert!((sum - reading.power).abs() < 1.0, "{sum} is {}", reading.power);
        }
    }

    #[test]
    fn historic_indexes_are_added_and_never_step_back() {
        let both: &[(&str, &str)] = &[("HCHC", "001000000"), ("HCHP", "002000000"), ("IINST", "002"), ("PAPP", "00460")];
        let told = readings(Mode::Historic, &[both, &[("HCHC", "001000000"), ("IINST", "000"), ("PAPP", "00000")]]);
        assert_eq!(told.iter().map(|reading| reading.drawn).collect::<Vec<_>>(), [Some(3_000_000); 2]);
        assert_eq!(told[1].power, 0.0, "0 VA is 0 W");
        assert_eq!(told[1].frame, Duration::from_secs(1));
        let Phase { apparent, current, voltage, .. } = told[0].phases[0];
        assert_eq!((apparent, current, voltage), (460.0, Some(2.0), None));
    }
}
