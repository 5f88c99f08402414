//! The frames of a meter in that house, a dataset at a time: each shows what the meter knew when it began to be sent.

use super::home::Shown;
use std::ops::Range;
use teleinfo_proto::tic::encode::FrameWriter;
use teleinfo_proto::tic::{Label, Mode, Role, Timestamp};
use teleinfo_simulator::failure::{Code, Failure, OrFail, Outcome};
use teleinfo_simulator::line::frame::{Frame, Group};
use teleinfo_simulator::meter::tariff::contract::Contract;
use teleinfo_simulator::meter::{Meter, MeterOptions};

const CR: u8 = 0x0D;
/// Before any frame of these two modes ends.
const BYTES_MAX: usize = 4096;
/// The first second of the meter.
const START: i64 = 1_782_900_000;
/// The historic meter counts apparent power in tens of VA (54E §6.1).
const TEN: f64 = 10.0;

/// A meter whose powers, currents, voltage and indexes come from a house. All else stays as it is.
pub(super) struct HouseMeter {
    mode: Mode,
    groups: Vec<Group>,
    /// Where STX, each dataset, and ETX lie in a frame: widths never change.
    pieces: Vec<Range<usize>>,
    /// Drawn and injected, in Wh.
    pub(super) drawn: f64,
    pub(super) injected: f64,
    seconds: i64,
}

impl HouseMeter {
    /// In standard mode a producer's, in historic mode a consumer's, which shows nothing of what is injected but its current.
    pub(super) fn new(mode: Mode) -> Outcome<Self> {
        let contract = Contract::find("base").map_err(|words| Failure::new(Code::Software, words))?;
        let options = MeterOptions { producer: mode == Mode::Standard, power: Some(9), ..MeterOptions::new(mode, contract, START) };
        let (Frame { groups, bytes, .. }, _) = Meter::new(options).next_frame();
        let index = |role| groups.iter().find(|group| role_of(mode, group) == role).and_then(|group| group.data.parse().ok());
        let drawn = index(Some(Role::EnergyWithdrawn)).unwrap_or(7_000_000.0);
        Ok(Self { mode, drawn, injected: index(Some(Role::EnergyInjected)).unwrap_or(0.0), pieces: pieces(&bytes), groups, seconds: 0 })
    }

    /// Pieces of a frame.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// How many bytes a piece has.
    pub(super) fn bytes_of(&self, piece: usize) -> usize {
        self.pieces[piece].len()
    }

    /// One second of this power has passed.
    pub(super) fn count(&mut self, watts: f64) {
        self.seconds += 1;
        self.drawn += watts.max(0.0) / 3_600.0;
        self.injected += (-watts).max(0.0) / 3_600.0;
    }

    /// A piece as it is sent when it begins now.
    pub(super) fn compose(&mut self, piece: usize, shown: Shown) -> Outcome<Vec<u8>> {
        if let Some(place) = piece.checked_sub(1).filter(|place| *place < self.groups.len()) {
            self.refresh(place, shown);
        }
        let mut buffer = [0; BYTES_MAX];
        let written = FrameWriter::new(&mut buffer, self.mode).and_then(|mut writer| {
            self.groups.iter().try_for_each(|group| writer.dataset(group.label, group.timestamp.as_deref(), &group.data))?;
            writer.finish()
        });
        Ok(written.or_fail(Code::Software, || "a frame without room".into())?[self.pieces[piece].clone()].to_vec())
    }

    fn refresh(&mut self, place: usize, shown: Shown) {
        let role = role_of(self.mode, &self.groups[place]);
        let now = Timestamp::from_unix(START + self.seconds).to_string();
        let number = role.and_then(|role| self.number(role, shown));
        let group = &mut self.groups[place];
        if group.label == "DATE" {
            group.timestamp = Some(now);
        }
        if let Some(number) = number {
            group.data = format!("{number:0width$}", width = group.data.len());
        }
    }

    fn number(&self, role: Role, shown: Shown) -> Option<u64> {
        let digit = if self.mode == Mode::Historic { TEN } else { 1.0 };
        let power = |flows: bool| if flows { ((shown.apparent / digit).round() * digit) as u64 } else { 0 };
        Some(match role {
            Role::PowerWithdrawn | Role::PhasePowerWithdrawn(_) => power(shown.active >= 0.0),
            Role::PowerInjected => power(shown.active < 0.0),
            Role::Current(_) => (shown.apparent / shown.volts).round() as u64,
            Role::Voltage(_) => shown.volts.round() as u64,
            Role::EnergyWithdrawn | Role::IndexOf(_) => self.drawn as u64,
            Role::EnergyInjected => self.injected as u64,
            _ => return None,
        })
    }
}

fn role_of(mode: Mode, group: &Group) -> Option<Role> {
    Label::find(mode, group.label)?.role
}

/// STX alone, datasets up to their CR, ETX alone.
fn pieces(bytes: &[u8]) -> Vec<Range<usize>> {
    let ends = (1..=bytes.len()).filter(|end| *end == 1 || *end == bytes.len() || bytes[end - 1] == CR);
    let mut from = 0;
    ends.map(|end| std::mem::replace(&mut from, end)..end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use teleinfo_proto::tic::Dataset;

    #[test]
    fn pieces_make_a_frame_that_shows_the_house() {
        for (mode, expected) in [(Mode::Standard, "SINSTI 00512"), (Mode::Historic, "PAPP 00000")] {
            let mut meter = HouseMeter::new(mode).unwrap();
            let shown = Shown { active: -500.0, apparent: 511.6, volts: 233.6 };
            let frame: Vec<u8> = (0..meter.len()).flat_map(|piece| meter.compose(piece, shown).unwrap()).collect();
            let text = String::from_utf8(frame).unwrap().replace('\t', " ");
            assert!(text.starts_with("\x02\n") && text.ends_with("\r\x03"), "{text}");
            assert!(text.contains(expected), "{text}");
            assert_eq!(meter.len(), meter.groups.len() + 2);
            for group in &meter.groups {
                Dataset::new(mode, group.label, group.timestamp.as_deref(), &group.data).unwrap();
            }
        }
    }
}
