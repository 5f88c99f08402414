//! A house through a meter: frames of true length, whose datasets show what the meter knew when each of them was sent.

use std::time::Duration;

use teleinfo_bridge::power::{
    layout,
    reading::Power,
    signed::{KeptPower, SignedPower, WholeFrame},
    trip::LINKY,
};
use teleinfo_proto::tic::{Dataset, Mode, Role};

use super::house::House;

const PROFILE: &str = "00008001 NONUTILE NONUTILE NONUTILE NONUTILE NONUTILE NONUTILE NONUTILE NONUTILE NONUTILE NONUTILE";

/// What a kind of meter sends. The labels that say nothing of power are there for their length.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) mode: Mode,
    /// From one frame to the next, in s.
    pub(crate) period: f64,
    /// The last digit of the apparent power, in VA.
    pub(crate) digit: f64,
    labels: &'static [(&'static str, &'static str)],
}

pub(crate) const STANDARD: Kind = Kind {
    name: "standard, 0.92 s",
    mode: Mode::Standard,
    period: 0.92,
    digit: 1.0,
    labels: &[
        ("PJOURF+1", PROFILE),
        ("EAST", ""),
        ("PPOINTE", PROFILE),
        ("PPOINTE", PROFILE),
        ("PPOINTE", PROFILE),
        ("IRMS1", ""),
        ("URMS1", ""),
        ("PREF", "09"),
        ("PCOUP", "09"),
        ("SINSTS", ""),
        ("PPOINTE", PROFILE),
        ("PPOINTE", PROFILE),
        ("PPOINTE", PROFILE),
    ],
};

pub(crate) const PRODUCER: Kind = Kind {
    name: "standard, producer, 1.11 s",
    mode: Mode::Standard,
    period: 1.11,
    digit: 1.0,
    labels: &[
        ("PJOURF+1", PROFILE),
        ("EAST", ""),
        ("PPOINTE", PROFILE),
        ("PPOINTE", PROFILE),
        ("EAIT", ""),
        ("PPOINTE", PROFILE),
        ("IRMS1", ""),
        ("URMS1", ""),
        ("PREF", "09"),
        ("PCOUP", "09"),
        ("SINSTS", ""),
        ("PPOINTE", PROFILE),
        ("SINSTI", ""),
        ("PPOINTE", PROFILE),
        ("PPOINTE", PROFILE),
        ("PPOINTE", PROFILE),
    ],
};

pub(crate) const HISTORIC: Kind = Kind {
    name: "historic HC, 1.45 s",
    mode: Mode::Historic,
    period: 1.45,
    digit: 10.0,
    labels: &[
        ("ADCO", "042161000021"),
        ("OPTARIF", "HC.."),
        ("ISOUSC", "45"),
        ("HCHC", "000000000"),
        ("HCHP", ""),
        ("PTEC", "HP.."),
        ("IINST", ""),
        ("IMAX", "090"),
        ("PAPP", ""),
        ("HHPHC", "A"),
        ("MOTDETAT", "000000"),
    ],
};

/// How a meter shows its current.
pub(crate) type Rounds = fn(f64) -> f64;

/// One meter on one house.
pub(crate) struct Feed<'a> {
    kind: &'a Kind,
    house: &'a House,
    rounds: Rounds,
    /// Wh drawn and injected up to each second.
    drawn: Vec<f64>,
    injected: Vec<f64>,
}

/// A power that was said, and the truth of the second that the meter had measured then.
pub(crate) struct Said {
    /// When it was said, in s.
    pub(crate) at: f64,
    pub(crate) power: Power,
    /// The true power, in W.
    pub(crate) truth: f64,
    /// What the index showed in that frame, in Wh.
    pub(crate) index: u64,
}

impl<'a> Feed<'a> {
    pub(crate) fn new(kind: &'a Kind, house: &'a House, rounds: Rounds) -> Self {
        let sum = |part: fn(f64) -> f64| {
            let mut wh = 0.37;
            let each = house.active.iter().map(|watts| {
                wh += part(*watts) / 3_600.0;
                wh
            });
            std::iter::once(0.37).chain(each).collect()
        };
        Self { kind, house, rounds, drawn: sum(|watts| watts.max(0.0)), injected: sum(|watts| (-watts).max(0.0)) }
    }

    /// A meter's power, begun with what was kept.
    pub(crate) fn begin(&self, kept: &KeptPower) -> SignedPower {
        SignedPower::new(self.kind.mode, LINKY, kept)
    }

    /// Plays the seconds from one to another.
    pub(crate) fn play(&self, power: &mut SignedPower, from: f64, until: f64, mut said: impl FnMut(Said)) {
        let mode = self.kind.mode;
        let still: Vec<Option<Dataset<'_>>> = self
            .kind
            .labels
            .iter()
            .map(|(label, data)| (!data.is_empty()).then(|| Dataset::new(mode, label, None, data).unwrap()))
            .collect();
        let width = |label: &str| usize::from(teleinfo_proto::tic::Label::find(mode, label).unwrap().width);
        let zeros: Vec<String> = self.kind.labels.iter().map(|(label, _)| "0".repeat(width(label))).collect();
        let shape: Vec<Dataset<'_>> = self
            .kind
            .labels
            .iter()
            .zip(&zeros)
            .zip(&still)
            .map(|(((label, _), zeros), still)| still.unwrap_or_else(|| Dataset::new(mode, label, None, zeros).unwrap()))
            .collect();
        let ages: Vec<f64> =
            layout::ages(mode, &shape, Some(Duration::from_secs_f64(self.kind.period))).iter().map(Duration::as_secs_f64).collect();
        let mut at = from.max(3.0);
        let mut data = zeros.clone();
        while at < until.min(self.house.active.len() as f64 - 1.0) {
            at += self.kind.period;
            let mut frame = shape.clone();
            let mut index = (0, None);
            for (place, (dataset, age)) in shape.iter().zip(&ages).enumerate() {
                let moment = at - age;
                let Some(number) = self.shows(dataset.role(), still[place].is_none(), moment) else { continue };
                match dataset.role() {
                    Some(Role::EnergyInjected) => index.1 = Some(number),
                    Some(Role::EnergyWithdrawn | Role::IndexOf(_)) => index.0 = number,
                    _ => {}
                }
                data[place] = format!("{number:0width$}", width = zeros[place].len());
            }
            for (place, dataset) in frame.iter_mut().enumerate().filter(|(place, _)| still[*place].is_none()) {
                *dataset = Dataset::new(mode, self.kind.labels[place].0, None, &data[place]).unwrap();
            }
            let whole = WholeFrame {
                datasets: &frame,
                is_complete: true,
                drawn: Some(index.0),
                injected: index.1,
                at: Duration::from_secs_f64(at),
            };
            if let Some(power) = power.handle_frame(&whole) {
                let truth = self.house.active[measured(power.at.as_secs_f64())];
                said(Said { at, power, truth, index: index.0 });
            }
        }
    }

    /// What the meter shows for a role at a moment.
    fn shows(&self, role: Option<Role>, moves: bool, moment: f64) -> Option<u64> {
        let second = measured(moment);
        let (active, apparent) = (self.house.active[second], self.house.apparent[second]);
        let power = |flows: bool| if flows { ((apparent / self.kind.digit).round() * self.kind.digit) as u64 } else { 0 };
        Some(match role.filter(|_| moves)? {
            Role::EnergyWithdrawn | Role::IndexOf(_) => self.drawn[moment as usize] as u64,
            Role::EnergyInjected => self.injected[moment as usize] as u64,
            Role::PowerWithdrawn => power(active >= 0.0),
            Role::PowerInjected => power(active < 0.0),
            Role::Current(_) => (self.rounds)(apparent / volts(active)) as u64,
            Role::Voltage(_) => volts(active).round() as u64,
            _ => return None,
        })
    }
}

/// The voltage sinks under load and rises under injection.
fn volts(active: f64) -> f64 {
    233.0 - 0.0012 * active
}

/// The second that a meter has measured at a moment: the last whole one.
fn measured(moment: f64) -> usize {
    moment as usize - 1
}
