//! How much an index can have counted in a time: what the meter lets through.

use teleinfo_proto::tic::{Dataset, Role, spec::VA_PER_SUBSCRIBED_AMPERE};

/// The largest supply of a meter of this kind, in VA: taken while the subscribed power is not known.
const LARGEST_VA: u64 = 36_000;
/// The smallest limit that Enedis sets, for unpaid bills, in VA.
const SMALLEST_VA: u64 = 1_000;
/// For a short while a meter lets three times the subscribed power pass (54E §7: 2.5 times for 40 s), ...
const SHORT_MS: u64 = 60_000;
const SHORT_SHARE: u64 = 30;
/// ... and 1.3 times for ever (54E §7); in tenths, with a margin for a voltage above 200 V.
const LONG_SHARE: u64 = 16;
/// An index may be as old as its frame, and the one before it as fresh as can be: two of the longest frames.
const SLACK_MS: u64 = 6_000;
/// 1 Wh, in VA times milliseconds.
const WH: u64 = 3_600_000;

/// What a meter lets through.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limit {
    subscribed_va: Option<u64>,
}

impl Limit {
    /// Takes what a frame says of the subscription; what was said before holds where it is silent.
    pub fn handle_datasets(&mut self, datasets: &[Dataset<'_>], three_phase: bool) {
        let said = datasets.iter().filter_map(|dataset| subscribed_va(dataset, three_phase)).max();
        self.subscribed_va = said.or(self.subscribed_va);
    }

    /// The most that can have been counted in this time, in Wh.
    #[must_use]
    pub fn possible(&self, is_withdrawn: bool, elapsed_ms: u64) -> u64 {
        let va = self.subscribed_va.filter(|_| is_withdrawn).unwrap_or(LARGEST_VA).max(SMALLEST_VA);
        let elapsed = elapsed_ms.saturating_add(SLACK_MS);
        let (short, long) = (elapsed.min(SHORT_MS), elapsed.saturating_sub(SHORT_MS));
        va.saturating_mul(long.saturating_mul(LONG_SHARE).saturating_add(SHORT_SHARE * short)) / 10 / WH
    }
}

fn subscribed_va(dataset: &Dataset<'_>, three_phase: bool) -> Option<u64> {
    let phases = if three_phase { 3 } else { 1 };
    let number = || dataset.value().number();
    match dataset.role()? {
        Role::SubscribedPower | Role::CutOffPower => number().map(|kilo| kilo * 1_000),
        Role::SubscribedCurrent => number().map(|amperes| amperes * VA_PER_SUBSCRIBED_AMPERE * phases),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::Mode;

    use super::*;

    const HOUR_MS: u64 = 3_600_000;

    fn limit(mode: Mode, label: &str, data: &str, three_phase: bool) -> Limit {
        let mut limit = Limit::default();
        limit.handle_datasets(&[Dataset::new(mode, label, None, data).unwrap()], three_phase);
        limit
    }

    #[test]
    fn the_bound_is_that_of_the_subscription_and_grows_with_time() {
        let six = limit(Mode::Standard, "PREF", "06", false);
        assert!((9_600..10_000).contains(&six.possible(true, HOUR_MS)), "{}", six.possible(true, HOUR_MS));
        assert_eq!(limit(Mode::Historic, "ISOUSC", "30", false).possible(true, HOUR_MS), six.possible(true, HOUR_MS));
        assert!(limit(Mode::Historic, "ISOUSC", "30", true).possible(true, HOUR_MS) > 2 * six.possible(true, HOUR_MS));
        assert!((30..45).contains(&six.possible(true, 2_000)), "{}", six.possible(true, 2_000));
        assert!(six.possible(true, 48 * HOUR_MS) > 400_000, "an outage of days is legitimate");
    }

    #[test]
    fn nothing_known_is_the_largest_supply_and_no_time_overflows() {
        let nothing = Limit::default();
        assert!((57_000..60_000).contains(&nothing.possible(true, HOUR_MS)));
        assert_eq!(limit(Mode::Standard, "PREF", "06", false).possible(false, HOUR_MS), nothing.possible(false, HOUR_MS));
        assert!(nothing.possible(true, u64::MAX) > 1_000_000_000);
    }
}
