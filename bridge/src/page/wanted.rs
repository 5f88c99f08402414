//! What somebody wants to know of the energies of a meter: what follows the question mark of `/api/energy`. Pure.

use teleinfo_proto::tic::MeterId;

use crate::{
    archive::periods::{Period, Step},
    hours::day::Day,
    page::query,
};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Of which meter.
    pub meter: MeterId,
    pub(super) step: Step,
    /// From this day on.
    pub(super) from: Day,
    /// Until this day, which is not included.
    pub(super) to: Day,
}

impl Wanted {
    /// By what follows the question mark.
    ///
    /// # Errors
    /// What is missing, or too long.
    pub fn of(text: &str) -> Result<Self, &'static str> {
        let meter = query::value(text, "meter").and_then(|meter| meter.parse().ok()).ok_or("meter=041876097767 is missing")?;
        let step = query::value(text, "step").and_then(Step::named).ok_or("step=half-hour, hour, day or month is missing")?;
        let day = |name| query::value(text, name).and_then(|day| day.parse::<Day>().ok());
        let (from, to) = day("from").zip(day("to")).ok_or("from=2026-08-01 and to=2026-09-01 are missing")?;
        match to.number() - from.number() {
            days if days < 1 => Err("to must be later than from"),
            days if days > step.days_max() => Err("that is too long for this step"),
            _ => Ok(Self { meter, step, from, to }),
        }
    }

    /// The periods that are told of.
    #[must_use]
    pub fn periods(&self) -> Vec<Period> {
        self.step.periods(self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_bounded() {
        let asked = |rest: &str| Wanted::of(&format!("meter=041876097767&{rest}"));
        assert!(asked("step=day&from=2026-11-01&to=2026-12-01").is_ok());
        assert_eq!(Wanted::of("step=day"), Err("meter=041876097767 is missing"));
        assert_eq!(asked("step=year&from=2026-11-01&to=2026-12-01"), Err("step=half-hour, hour, day or month is missing"));
        assert_eq!(asked("step=day&from=2026-11-01"), Err("from=2026-08-01 and to=2026-09-01 are missing"));
        assert_eq!(asked("step=day&from=2026-11-01&to=2026-11-01"), Err("to must be later than from"));
        assert_eq!(asked("step=half-hour&from=2026-10-01&to=2026-12-01"), Err("that is too long for this step"));
    }
}
