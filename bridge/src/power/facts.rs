//! What a meter showed last of its phases: currents, voltages, powers, and what it is rated for.

use teleinfo_proto::tic::{Role, spec::VA_PER_SUBSCRIBED_AMPERE};

use super::{current::NOMINAL_VOLTS, forecast::Forecast, trip::CutOff};

/// A meter has at most so many phases.
pub const PHASES_MAX: usize = 3;

/// A number for each phase, where it was shown.
pub type PerPhase = [Option<f64>; PHASES_MAX];

/// What was shown last.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    amperes: PerPhase,
    volts: PerPhase,
    /// The apparent power drawn on each phase, of the frame that is being read.
    drawn: PerPhase,
    /// The phase of the last power that a frame shows, where it shows them at all.
    has_phase_powers: bool,
    /// The cut-off power in VA, and the subscribed current of a phase in A.
    cut_off: Option<f64>,
    subscribed: Option<f64>,
}

impl Facts {
    /// A dataset with this role passed. Returns whether it completes the powers of all phases.
    pub fn handle_dataset(&mut self, role: Role, number: f64) -> bool {
        let place = |phase: u8| usize::from(phase.saturating_sub(1)).min(PHASES_MAX - 1);
        match role {
            Role::Current(phase) => self.amperes[place(phase)] = Some(number),
            Role::Voltage(phase) => self.volts[place(phase)] = Some(number),
            Role::CutOffPower => self.cut_off = Some(number * 1_000.0),
            Role::SubscribedCurrent => self.subscribed = Some(number),
            Role::PowerWithdrawn => self.drawn = PerPhase::default(),
            Role::PhasePowerWithdrawn(phase) => {
                self.has_phase_powers = true;
                self.drawn[place(phase)] = Some(number);
                return self.phase_powers().is_some();
            }
            _ => {}
        }
        false
    }

    /// How many phases the meter has.
    #[must_use]
    pub fn phases(&self) -> usize {
        let has = |values: &PerPhase| values[1..].iter().any(Option::is_some);
        if self.has_phase_powers || has(&self.amperes) || has(&self.volts) { PHASES_MAX } else { 1 }
    }

    /// Whether the frame shows what each phase draws.
    #[must_use]
    pub const fn has_phase_powers(&self) -> bool {
        self.has_phase_powers
    }

    /// What each phase draws, once all of them have passed.
    #[must_use]
    pub fn phase_powers(&self) -> Option<[f64; PHASES_MAX]> {
        Some([self.drawn[0]?, self.drawn[1]?, self.drawn[2]?])
    }

    /// Whether the meter shows a current on any phase.
    #[must_use]
    pub fn current_flows(&self) -> bool {
        self.amperes.iter().flatten().any(|amperes| *amperes >= 1.0)
    }

    /// The current of each phase, 0 where none was shown.
    pub fn amperes(&self) -> impl Iterator<Item = f64> + Clone {
        self.amperes.iter().take(self.phases()).map(|amperes| amperes.unwrap_or(0.0))
    }

    /// The current of a phase, if it was shown.
    #[must_use]
    pub fn amperes_of(&self, phase: usize) -> Option<f64> {
        self.amperes[phase]
    }

    /// The voltage of a phase, or the nominal one.
    #[must_use]
    pub fn volts(&self, phase: usize) -> f64 {
        self.volts[phase].filter(|volts| *volts > 0.0).unwrap_or(NOMINAL_VOLTS)
    }

    /// Tells the forecast what a phase is rated for.
    pub fn rate(&self, cut_off: CutOff, forecast: &mut Forecast) {
        let phases = self.phases();
        let of_power = self.cut_off.map(|power| power / phases as f64);
        let of_current = || self.subscribed.map(|amperes| amperes * VA_PER_SUBSCRIBED_AMPERE as f64);
        if let Some(rating) = of_power.or_else(of_current) {
            forecast.handle_rating(cut_off, rating, phases);
        }
    }
}
