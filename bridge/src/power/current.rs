//! What a meter injects that shows no injected power: only the current says how much, to the ampere and without a sign.
//!
//! Meters round the current differently, so that is learnt while energy is drawn, where the apparent power tells the current to a
//! hundredth. What no dataset shows is the *non-active* power of house and inverter, which flows whatever the panels do: it is what the
//! meter shows just when the sign turns.

use serde::{Deserialize, Serialize};

/// The voltage where a meter shows none, in V: the nominal one.
pub const NOMINAL_VOLTS: f64 = 230.0;
/// The rounding is believed after so many seconds of drawing.
const LEARNT_AFTER_S: f64 = 600.0;
/// A mean rest above this many amperes says that the meter cuts off.
const CUTS_OFF_ABOVE: f64 = 0.3;
/// Currents from which the rounding is learnt, in A: where the voltage is not shown, an error of it weighs more with each ampere.
const LEARNS_FROM: f64 = 1.0;
const LEARNS_UNTIL: f64 = 4.0;
/// A turn of the sign with more than this is a large load that was switched, in VA.
const TURN_MAX_VA: f64 = 400.0;
/// How much a turn of the sign that shows more moves what is known of the non-active power. One that shows less is believed at once: some
/// of what a turn shows may be active, never less than nothing.
const TURN_WEIGHT: f64 = 0.1;
/// The non-active power may be so many times what is known of it: for the stated resolution; and what it is where nothing is known, in VA.
const NON_ACTIVE_DOUBT: f64 = 5.0;
const NON_ACTIVE_USUAL_VA: f64 = 120.0;

/// What is learnt of a meter's currents.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Currents {
    /// The sum of what the meter left off of the current, in A × s, and the seconds of that.
    rest: f64,
    seconds: f64,
    /// The non-active power, in VA.
    non_active: Option<f64>,
}

/// The same in whole numbers, as it is kept: mA × s, s and VA.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptCurrents {
    rest: i64,
    seconds: u32,
    non_active: Option<u32>,
}

/// An active power and how far it may be off, in W.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sized {
    /// The apparent power, in VA.
    pub apparent: f64,
    /// The active power, in W.
    pub watts: f64,
    /// How far that may be off, in W.
    pub resolution: f64,
}

impl Currents {
    /// What is to be kept.
    #[must_use]
    pub fn kept(&self) -> KeptCurrents {
        KeptCurrents {
            rest: (self.rest * 1e3).round() as i64,
            seconds: self.seconds.round() as u32,
            non_active: self.non_active.map(|non_active| non_active.round() as u32),
        }
    }

    /// What was kept, if it can be true.
    #[must_use]
    pub fn of_kept(kept: &KeptCurrents) -> Self {
        let learnt = Self { rest: kept.rest as f64 / 1e3, seconds: f64::from(kept.seconds), non_active: kept.non_active.map(f64::from) };
        let is_possible = learnt.rest.abs() <= learnt.seconds && learnt.non_active.is_none_or(|va| va <= TURN_MAX_VA);
        if is_possible { learnt } else { Self::default() }
    }

    /// So many VA were drawn at this voltage for so many seconds, and the meter showed this current.
    pub fn handle_drawn(&mut self, apparent: f64, volts: f64, amperes: f64, seconds: f64) {
        if (LEARNS_FROM..=LEARNS_UNTIL).contains(&amperes) {
            self.rest += (apparent / volts - amperes).clamp(-1.0, 1.0) * seconds;
            self.seconds += seconds;
        }
    }

    /// The sign has turned, and the meter shows so many VA on the side that it knows.
    pub fn handle_turn(&mut self, apparent: f64) {
        if apparent < TURN_MAX_VA {
            let before = self.non_active.unwrap_or(apparent);
            self.non_active = Some(apparent.min(before + TURN_WEIGHT * (apparent - before)));
        }
    }

    /// The non-active power, in VA, once the sign has turned.
    #[must_use]
    pub const fn non_active(&self) -> Option<f64> {
        self.non_active
    }

    /// Where a current lies that the meter shows so, in A.
    fn interval(&self, amperes: f64) -> (f64, f64) {
        let cuts_off = self.seconds > LEARNT_AFTER_S && self.rest / self.seconds > CUTS_OFF_ABOVE;
        if cuts_off { (amperes, amperes + 1.0) } else { ((amperes - 0.5).max(0.0), amperes + 0.5) }
    }

    /// What is injected on one phase that shows this current at this voltage: the middle of what it may be.
    #[must_use]
    pub fn injected(&self, amperes: f64, volts: f64) -> Sized {
        let (low, high) = self.interval(amperes);
        let apparent = volts * (low + high) / 2.0;
        let doubt = apparent - active(apparent, NON_ACTIVE_DOUBT * self.non_active.unwrap_or(NON_ACTIVE_USUAL_VA));
        let non_active = self.non_active.unwrap_or(0.0);
        let watts = (active(volts * low, non_active) + active(volts * high, non_active)) / 2.0;
        Sized { apparent, watts, resolution: volts * (high - low) / 2.0 + doubt }
    }

    /// How much may flow on one phase of which the meter shows no current, in VA.
    #[must_use]
    pub fn unseen(&self, volts: f64) -> f64 {
        self.interval(0.0).1 * volts
    }
}

/// What of an apparent power is active.
fn active(apparent: f64, non_active: f64) -> f64 {
    (apparent * apparent - non_active.min(apparent).powi(2)).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(rounds: fn(f64) -> f64) -> Currents {
        let mut currents = Currents::default();
        for second in 0..3_000_u32 {
            let amperes = 1.0 + f64::from(second % 300) / 100.0;
            currents.handle_drawn(amperes * 230.0, 230.0, rounds(amperes), 1.0);
        }
        currents
    }

    #[test]
    fn a_meter_that_rounds_is_told_from_one_that_cuts_off() {
        assert_eq!(learnt(f64::round).interval(3.0), (2.5, 3.5));
        assert_eq!(learnt(f64::floor).interval(3.0), (3.0, 4.0));
        assert_eq!(Currents::default().interval(0.0), (0.0, 0.5));
    }

    #[test]
    fn the_non_active_power_is_taken_off() {
        let mut currents = Currents::default();
        assert_eq!(currents.injected(10.0, 230.0).watts, 2_300.0);
        currents.handle_turn(300.0);
        currents.handle_turn(4_000.0);
        let sized = currents.injected(2.0, 230.0);
        let active = |apparent: f64| (apparent * apparent - 300.0 * 300.0).sqrt();
        assert!((sized.watts - (active(345.0) + active(575.0)) / 2.0).abs() < 1e-9);
        assert!(sized.resolution >= 460.0, "all of it may be non-active: {sized:?}");
    }

    #[test]
    fn what_cannot_be_is_not_taken_back() {
        assert_eq!(Currents::of_kept(&learnt(f64::floor).kept()).interval(3.0), (3.0, 4.0));
        let kept = KeptCurrents { rest: 9_000, seconds: 3, non_active: None };
        assert_eq!(Currents::of_kept(&kept), Currents::default());
    }
}
