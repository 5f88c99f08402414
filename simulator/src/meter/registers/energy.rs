//! The registers: energy follows the load, watt-second by watt-second.
//!
//! What is drawn is added to the total, to the supplier's index and to the distributor's index in the same
//! step and by the same whole watt-hours, so that EAST = Σ EASF = Σ EASD holds in every frame.

/// Nine digits, then zero again.
pub(crate) const WRAP: u64 = 1_000_000_000;

const WATT_SECONDS: u64 = 3600;

/// Every energy index of a meter, in Wh and VArh.
#[derive(Debug, Clone, Default)]
pub struct Energy {
    /// EAST.
    pub total: u64,
    /// EASF01 to EASF10.
    pub supplier: [u64; 10],
    /// EASD01 to EASD04.
    pub distributor: [u64; 4],
    /// EAIT.
    pub injected: u64,
    /// ERQ1 to ERQ4.
    pub reactive: [u64; 4],
    rest: u64,
    injected_rest: u64,
    reactive_rest: [u64; 4],
}

impl Energy {
    /// Registers of a meter that has run for a while: these supplier and distributor indexes, which must have
    /// the same sum.
    #[must_use]
    pub(crate) fn starting_at(supplier: [u64; 10], distributor: [u64; 4], injected: u64) -> Self {
        debug_assert_eq!(supplier.iter().sum::<u64>(), distributor.iter().sum::<u64>());
        Self {
            total: supplier.iter().sum::<u64>() % WRAP,
            supplier,
            distributor,
            injected,
            reactive: [injected / 9, injected / 7, injected / 11, injected / 5],
            ..Self::default()
        }
    }

    /// One second at this power: W, positive when drawn, and VAr. The indexes in use count from 1.
    pub(crate) fn add_second(&mut self, active: i64, reactive: i64, supplier: u8, distributor: u8) {
        if active >= 0 {
            let hours = carry(&mut self.rest, active.unsigned_abs());
            count(&mut self.total, hours);
            count(&mut self.supplier[usize::from(supplier) - 1], hours);
            count(&mut self.distributor[usize::from(distributor) - 1], hours);
        } else {
            let hours = carry(&mut self.injected_rest, active.unsigned_abs());
            count(&mut self.injected, hours);
        }
        let quadrant = quadrant(active, reactive);
        let hours = carry(&mut self.reactive_rest[quadrant], reactive.unsigned_abs());
        count(&mut self.reactive[quadrant], hours);
    }
}

/// Quadrants count from drawn and inductive, against the clock: 0 to 3 for Q1 to Q4.
fn quadrant(active: i64, reactive: i64) -> usize {
    match (active >= 0, reactive >= 0) {
        (true, true) => 0,
        (false, true) => 1,
        (false, false) => 2,
        (true, false) => 3,
    }
}

fn carry(rest: &mut u64, watt_seconds: u64) -> u64 {
    *rest += watt_seconds;
    let hours = *rest / WATT_SECONDS;
    *rest %= WATT_SECONDS;
    hours
}

fn count(index: &mut u64, hours: u64) {
    *index = (*index + hours) % WRAP;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_is_power_times_time() {
        let mut energy = Energy::default();
        for second in 0..36_000 {
            energy.add_second(1234, 100, 1 + (second / 7 % 3) as u8, 1 + (second / 5 % 4) as u8);
        }
        assert_eq!(energy.total, 12_340);
        assert_eq!(energy.supplier.iter().sum::<u64>(), energy.total);
        assert_eq!(energy.distributor.iter().sum::<u64>(), energy.total);
        assert_eq!(energy.reactive, [1000, 0, 0, 0]);
        assert_eq!(energy.injected, 0);
    }

    #[test]
    fn injection_counts_apart() {
        let mut energy = Energy::default();
        for _ in 0..3600 {
            energy.add_second(-2500, -50, 1, 1);
        }
        assert_eq!((energy.total, energy.injected), (0, 2500));
        assert_eq!(energy.reactive, [0, 0, 50, 0]);
    }

    #[test]
    fn nine_digits_wrap() {
        let mut energy = Energy::starting_at([WRAP - 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], [WRAP - 1, 0, 0, 0], 0);
        energy.add_second(7200, 0, 1, 1);
        assert_eq!((energy.total, energy.supplier[0], energy.distributor[0]), (1, 1, 1));
    }
}
