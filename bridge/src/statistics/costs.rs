//! What the cost of some hours should be, once the energy of these hours is right.
//!
//! Home Assistant prices what came in too late at the moment of the return. So the hours of a gap lack their cost, the hour of the return
//! has all of it, at its own price, and what was drawn around an unclean end of Home Assistant may have none. The true cost of each hour is
//! its energy at the price that held in it. Sums are in the unit of the statistic, whatever currency that is.

use std::collections::BTreeMap;

use crate::statistics::hours::HOUR;

/// Two sums of money that differ by less are the same.
pub const CENT_HALF: f64 = 0.005;

/// The sums of a statistic at the ends of hours, by the start of the hour.
pub type Sums = BTreeMap<i64, f64>;

/// The hours of a gap: from the first that lacks something to the one of the return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Start of the first hour.
    pub first: i64,
    /// Start of the hour of the return.
    pub back: i64,
}

impl Gap {
    /// All its hours, the one of the return too.
    pub fn hours(self) -> impl Iterator<Item = i64> {
        (0..=(self.back - self.first) / HOUR).map(move |hour| self.first + hour * HOUR)
    }
}

/// What the sums of the cost should be, hour by hour to that of the return. `energy` are the sums of the energy in Wh, now right; `price`
/// tells the price of a kWh in an hour, or nothing for any hour where nobody knows it. Nothing, if there is nothing to go by.
#[must_use]
pub fn right_sums(gap: Gap, energy: &Sums, cost: &Sums, price: impl Fn(i64) -> Option<f64>) -> Option<Sums> {
    let before = *cost.range(..gap.first).next_back()?.1;
    let mut last = *energy.range(..gap.first).next_back()?.1;
    let mut sum = before;
    let mut right = Sums::new();
    for hour in gap.hours() {
        let wh = energy.get(&hour).copied().unwrap_or(last);
        sum += (wh - last) / 1_000.0 * price(hour)?;
        last = wh;
        right.insert(hour, sum);
    }
    Some(right)
}

/// The same for a cost whose price nobody tells: what stands there is shared among the hours by their energy. Nothing, if an hour of the
/// gap already has more than its share: then that cost follows something else than our energy, and is left alone.
#[must_use]
pub fn shared_sums(gap: Gap, energy: &Sums, cost: &Sums) -> Option<Sums> {
    let at = |sums: &Sums, hour: i64| sums.range(..=hour).next_back().map(|(_, sum)| *sum);
    let (begin, end) = (gap.first - HOUR, gap.back);
    let (money, wh) = (at(cost, end)? - at(cost, begin)?, at(energy, end)? - at(energy, begin)?);
    if wh <= 0.0 {
        return None;
    }
    let right = right_sums(gap, energy, cost, |_| Some(money / wh * 1_000.0))?;
    let has_too_much = |hour: &i64| at(cost, *hour).is_some_and(|sum| sum > right[hour] + CENT_HALF);
    let follows = !gap.hours().filter(|hour| *hour < gap.back).any(|hour| has_too_much(&hour));
    follows.then_some(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it was seen in Home Assistant: hour 0 lacks 300 Wh, hour 1 has all 800 at the price of the return.
    const GAP: Gap = Gap { first: 0, back: HOUR };

    fn sums(rows: &[(i64, f64)]) -> Sums {
        rows.iter().map(|(hour, sum)| (hour * HOUR, *sum)).collect()
    }

    fn are(found: Option<Sums>, right: &[(i64, f64)]) {
        let found = found.unwrap();
        let right = sums(right);
        assert_eq!(found.len(), right.len());
        assert!(found.iter().zip(&right).all(|(one, other)| one.0 == other.0 && (one.1 - other.1).abs() < 1e-9), "{found:?}");
    }

    #[test]
    fn each_hour_costs_its_energy_at_its_price() {
        let (energy, cost) = (sums(&[(-1, 0.0), (0, 300.0), (1, 800.0)]), sums(&[(-1, 1.0), (1, 1.16)]));
        are(right_sums(GAP, &energy, &cost, |_| Some(0.2)), &[(0, 1.06), (1, 1.16)]);
        are(right_sums(GAP, &energy, &cost, |hour| Some(if hour == 0 { 0.2 } else { 0.1 })), &[(0, 1.06), (1, 1.11)]);
        assert_eq!(right_sums(GAP, &energy, &cost, |hour| (hour != 0).then_some(0.2)), None, "a price that nobody knows");
        assert_eq!(right_sums(GAP, &energy, &sums(&[(1, 0.16)]), |_| Some(0.2)), None, "no cost before it");
    }

    #[test]
    fn a_cost_without_a_price_is_shared_by_energy() {
        let energy = sums(&[(-1, 0.0), (0, 300.0), (1, 800.0)]);
        are(shared_sums(GAP, &energy, &sums(&[(-1, 1.0), (1, 1.16)])), &[(0, 1.06), (1, 1.16)]);
        let own_way = sums(&[(-1, 1.0), (0, 1.12), (1, 1.16)]);
        assert_eq!(shared_sums(GAP, &energy, &own_way), None, "it was dear in the first hour, and is right");
        assert_eq!(shared_sums(GAP, &sums(&[(-1, 5.0)]), &own_way), None, "nothing was drawn");
    }
}
