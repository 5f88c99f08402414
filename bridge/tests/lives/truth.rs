//! What the meter really did: its registers in each of its frames, and which of them the frame shows.

use std::time::Duration;

use teleinfo_proto::tic::Mode;
use teleinfo_simulator::{
    line::frame::Frame,
    meter::{
        Energy,
        tariff::contract::{Contract, Indexes},
    },
};

/// 2024-01-07T17:00:00Z.
pub const START_MS: i64 = 1_704_646_800_000;

/// The number of a frame, written where a frame has room that nobody counts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub u64);

impl Mark {
    /// What stands there instead of this label's own data.
    pub fn of(self, mode: Mode, label: &str) -> Option<String> {
        match (mode, label) {
            (Mode::Historic, "MOTDETAT") => Some(format!("{:06}", self.0)),
            (Mode::Standard, "MSG1") => Some(format!("{:<32}", self.0)),
            _ => None,
        }
    }

    /// The mark in what was published of a frame.
    pub fn in_payload(payload: &serde_json::Value) -> Option<Self> {
        let raw = |label: &str| payload[label]["raw"].as_str()?.trim().parse().ok().map(Self);
        raw("MOTDETAT").or_else(|| raw("MSG1"))
    }
}

/// What a display shows of the registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    /// The total and all supplier registers.
    Standard,
    /// So many supplier registers, from the first.
    First(usize),
    /// BASE, which is the first supplier register or the total: nothing tells which.
    Base(&'static str),
}

impl Display {
    pub fn of(mode: Mode, contract: &Contract) -> Self {
        match (mode, contract.historic.indexes) {
            (Mode::Standard, _) => Self::Standard,
            (Mode::Historic, Indexes::Supplier([_])) => Self::Base("first"),
            (Mode::Historic, Indexes::Supplier(labels)) => Self::First(labels.len()),
            (Mode::Historic, Indexes::Total(_)) => Self::Base("total"),
        }
    }

    /// How many supplier registers it shows, each by itself.
    fn registers(self) -> usize {
        match self {
            Self::Standard => 10,
            Self::First(number) => number,
            Self::Base(_) => 0,
        }
    }
}

/// One frame: when, what it shows, and what the registers were.
#[derive(Debug, Clone)]
pub struct Moment {
    pub now: Duration,
    pub display: Display,
    pub energy: Energy,
    pub complete: bool,
}

impl Moment {
    pub fn new(frame: &Frame, display: Display, energy: &Energy, now: Duration) -> Self {
        Self { now, display, energy: energy.clone(), complete: frame.complete }
    }

    /// Whether BASE may mean another register in the later frame, so that several must agree on it.
    pub fn may_jump(&self, later: &Self) -> bool {
        let is_base = |moment: &Self| matches!(moment.display, Display::Base(_));
        self.display != later.display && (is_base(self) || is_base(later))
    }

    /// What was certainly seen to be drawn between two frames, and what was drawn.
    pub fn drawn_until(&self, later: &Self) -> (u64, u64) {
        let drawn = later.energy.total - self.energy.total;
        let seen = match (self.display, later.display) {
            (Display::Standard, Display::Standard) => drawn,
            (Display::Base(before), Display::Base(after)) if before == after && before == "total" => drawn,
            (Display::Base(before), Display::Base(after)) if before == after => later.energy.supplier[0] - self.energy.supplier[0],
            (before, after) => {
                let both = before.registers().min(after.registers());
                later.energy.supplier[..both].iter().sum::<u64>() - self.energy.supplier[..both].iter().sum::<u64>()
            }
        };
        (seen, drawn)
    }
}
