//! What was drawn from the grid in all, in one number that never steps back, whatever the meter shows.
//!
//! It begins at the meter's own total, or at the sum of the indexes that it shows. Then it only adds what registers have counted since they
//! were last seen. What they mean, and which of them are shown, may change: after each change a register that was known before goes on from
//! where it was, and a register that was not is only remembered. So nothing is added that was not counted in front of us.
//!
//! Enedis' own sum is the guide: the total of a meter is the sum of its supplier registers, to the Wh. While only some of them are shown,
//! the total of the meter is carried on by what these have counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::spec::INDEX_MODULUS;

use crate::energy::register::Register;

/// Each register is rounded by itself: the sum of ten may be below their total by so much, in Wh.
const ROUNDING_WH: u64 = 10;
/// No more than this can be drawn from one frame to the next.
const SHORT_WH: u64 = 1_000;
const MODULUS: u64 = INDEX_MODULUS as u64;

/// What the registers of a meter show in one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The meter's own total, and the supplier registers that came with it.
    Total(u32, BTreeMap<Register, u32>),
    /// All registers of a contract in historic mode.
    Contract(BTreeMap<Register, u32>),
    /// BASE: supplier register 1, or the total.
    Base(u32),
}

/// What became of what a frame shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// So much was added, in Wh.
    Added(u64),
    /// Nothing that was known goes on: the total stays, and counts anew from here.
    Anew,
}

/// The total, and the registers as they stood when it was last added to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// In Wh.
    pub wh: u64,
    /// When it was last added to, in ms since 1970.
    pub at_ms: i64,
    /// What is known of the registers at that time. The meter's own total is carried on while it is not shown.
    pub registers: BTreeMap<Register, u64>,
}

impl Total {
    /// Begins with what a meter shows.
    #[must_use]
    pub fn new(shown: &Shown, at_ms: i64) -> Self {
        let wh = match shown {
            Shown::Total(wh, _) | Shown::Base(wh) => u64::from(*wh),
            Shown::Contract(registers) => sum(registers.values()),
        };
        Self::from(wh, shown, at_ms)
    }

    /// Goes on from a number, with a meter that shows this.
    #[must_use]
    pub fn from(wh: u64, shown: &Shown, at_ms: i64) -> Self {
        let mut total = Self { wh, at_ms, registers: BTreeMap::new() };
        total.remember(shown, Counted::Anew);
        total
    }

    /// A frame shows this, and since the last one at most so much was drawn.
    pub fn handle_shown(&mut self, shown: &Shown, possible: u64, at_ms: i64) -> Counted {
        let way = self.ways(shown, possible).into_iter().flatten().find(|way| way.added <= possible);
        let counted = way.map_or(Counted::Anew, |way| Counted::Added(way.added));
        self.wh += way.map_or(0, |way| way.added);
        self.at_ms = at_ms;
        match (shown, way) {
            (Shown::Base(wh), Some(way)) => self.remember_base(u64::from(*wh), way),
            _ => self.remember(shown, counted),
        }
        counted
    }

    /// A supplier register that is not known said this in a frame of the past: what it counted since will be added.
    pub fn handle_past(&mut self, register: Register, wh: u32) {
        if register.is_supplier() {
            self.registers.entry(register).or_insert(u64::from(wh));
        }
    }

    /// The ways to know what was drawn, the surest first.
    fn ways(&self, shown: &Shown, possible: u64) -> Vec<Option<Way>> {
        match shown {
            Shown::Total(wh, suppliers) => {
                let first = suppliers.get(&Register::first()).map(|wh| u64::from(*wh));
                let total = self.since(Register::WITHDRAWN, u64::from(*wh)).or_else(|| self.rounded_away(u64::from(*wh)));
                let all = self.sum_known().and_then(|sum| Way::new(Register::WITHDRAWN, sum, u64::from(*wh)));
                let known = likeliest([self.sum_since(suppliers), all], possible);
                [vec![total], known, likeliest(self.since_base([first, Some(u64::from(*wh))]), possible)].concat()
            }
            Shown::Contract(suppliers) => {
                let (first, sum) = (suppliers.get(&Register::first()).map(|wh| u64::from(*wh)), sum(suppliers.values()));
                let known = likeliest([self.sum_since(suppliers), self.since_known(suppliers)], possible);
                let base = likeliest(self.since_base([first, Some(sum)]), possible);
                [vec![self.since_by_all(suppliers)], known, base, vec![self.since(Register::WITHDRAWN, sum)]].concat()
            }
            Shown::Base(wh) => {
                let wh = u64::from(*wh);
                let by_sum = self.sum_known().filter(|_| self.suppliers_known() > 1).and_then(|sum| Way::new(Register::WITHDRAWN, sum, wh));
                let fresh = likeliest([self.since(Register::first(), wh), self.since(Register::WITHDRAWN, wh), by_sum], possible);
                [vec![self.since(Register::BASE, wh)], fresh].concat()
            }
        }
    }

    /// What a register has counted since it was last known.
    fn since(&self, register: Register, wh: u64) -> Option<Way> {
        Way::new(register, *self.registers.get(&register)?, wh)
    }

    /// Nothing, where the meter's total is below the one that was carried on because its registers are rounded.
    fn rounded_away(&self, wh: u64) -> Option<Way> {
        let carried = self.registers.get(&Register::WITHDRAWN)?;
        let is_rounded = carried.checked_sub(wh).is_some_and(|below| below <= ROUNDING_WH);
        is_rounded.then_some(Way { goes_on: Register::WITHDRAWN, added: 0 })
    }

    /// What those registers have counted that were known before.
    fn sum_since(&self, suppliers: &BTreeMap<Register, u32>) -> Option<Way> {
        let known = suppliers.iter().filter(|(register, _)| self.registers.contains_key(register));
        let ways: Vec<Option<Way>> = known.map(|(register, wh)| self.since(*register, u64::from(*wh))).collect();
        let added = ways.iter().map(|way| way.map(|way| way.added)).sum::<Option<u64>>()?;
        (!ways.is_empty()).then_some(Way { goes_on: Register::first(), added })
    }

    /// What the meter's total has counted, where all of its registers are known: those that are not shown have not moved.
    fn since_by_all(&self, shown: &BTreeMap<Register, u32>) -> Option<Way> {
        let newest = |register| shown.get(&register).map(|wh| u64::from(*wh)).or_else(|| self.registers.get(&register).copied());
        let sum = Register::suppliers().map(newest).sum::<Option<u64>>()? % MODULUS;
        self.since(Register::WITHDRAWN, sum).or_else(|| self.rounded_away(sum))
    }

    /// What was counted since BASE last stood for one of these.
    fn since_base(&self, goes_on: [Option<u64>; 2]) -> [Option<Way>; 2] {
        goes_on.map(|wh| self.since(Register::BASE, wh?))
    }

    /// What was counted since the sum of the known registers was that of the meter, if all of these are shown.
    fn since_known(&self, shown: &BTreeMap<Register, u32>) -> Option<Way> {
        let are_shown = self.registers.keys().all(|register| !register.is_supplier() || shown.contains_key(register));
        self.sum_known().filter(|_| are_shown).and_then(|known| Way::new(Register::WITHDRAWN, known, sum(shown.values())))
    }

    /// The sum of the supplier registers that are known: the meter's total, if it has no others.
    fn sum_known(&self) -> Option<u64> {
        let known = self.registers.iter().filter(|(register, _)| register.is_supplier());
        (self.suppliers_known() > 0).then(|| known.map(|(_, wh)| wh).sum())
    }

    fn suppliers_known(&self) -> usize {
        self.registers.keys().filter(|register| register.is_supplier()).count()
    }

    fn remember(&mut self, shown: &Shown, counted: Counted) {
        match shown {
            Shown::Total(wh, suppliers) => {
                // While the rounded total is behind the one that was carried on, nothing is counted twice.
                let is_behind = counted == Counted::Added(0) && self.rounded_away(u64::from(*wh)).is_some();
                if !is_behind {
                    self.registers.insert(Register::WITHDRAWN, u64::from(*wh));
                }
                self.remember_suppliers(suppliers);
            }
            Shown::Contract(suppliers) => {
                self.carry_on(counted);
                self.remember_suppliers(suppliers);
            }
            // It goes on as no register that is known, so nothing is known any more.
            Shown::Base(wh) => self.registers = BTreeMap::from([(Register::BASE, u64::from(*wh))]),
        }
    }

    fn remember_suppliers(&mut self, suppliers: &BTreeMap<Register, u32>) {
        self.registers.remove(&Register::BASE);
        self.registers.extend(suppliers.iter().map(|(register, wh)| (*register, u64::from(*wh))));
    }

    /// BASE goes on as the register whose number it had, unless it has become another one.
    fn remember_base(&mut self, wh: u64, way: Way) {
        let before = self.registers.get(&Register::BASE).copied();
        let is_the_same = way.goes_on == Register::BASE && before.is_some();
        let had_its_number = |register| is_the_same && self.registers.get(&register).copied() == before;
        let is_first = way.goes_on == Register::first() || had_its_number(Register::first());
        let is_total = way.goes_on == Register::WITHDRAWN || had_its_number(Register::WITHDRAWN);
        self.carry_on(Counted::Added(way.added));
        if is_first {
            self.registers.insert(Register::first(), wh);
        } else {
            // Registers that are not shown may count as well.
            self.registers.retain(|register, _| !register.is_supplier());
        }
        if is_total {
            self.registers.insert(Register::WITHDRAWN, wh);
        }
        self.registers.insert(Register::BASE, wh);
    }

    /// The meter's own total, while it is not shown.
    fn carry_on(&mut self, counted: Counted) {
        match (counted, self.registers.get_mut(&Register::WITHDRAWN)) {
            (Counted::Added(added), Some(wh)) => *wh = (*wh + added) % MODULUS,
            _ => {
                self.registers.remove(&Register::WITHDRAWN);
            }
        }
    }
}

/// One way to know what was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Way {
    /// The register that goes on.
    goes_on: Register,
    /// What it has counted.
    added: u64,
}

impl Way {
    fn new(goes_on: Register, from: u64, to: u64) -> Option<Self> {
        counted(from, to).map(|added| Self { goes_on, added })
    }
}

/// Where several registers could be meant, the likeliest comes first. From one frame to the next, a few Wh in a register that was not known
/// were drawn: what an old contract leaves is more. After a long time it may be either, and the least is taken.
fn likeliest<const N: usize>(mut ways: [Option<Way>; N], possible: u64) -> Vec<Option<Way>> {
    ways.sort_by_key(|way| way.map_or(u64::MAX, |way| way.added));
    if possible <= SHORT_WH {
        ways.reverse();
    }
    ways.to_vec()
}

/// What was counted from one number of an index to another: past its last digit it goes on from zero.
#[must_use]
pub fn counted(from: u64, to: u64) -> Option<u64> {
    let passed_the_end = || (from < MODULUS && from.saturating_sub(to) > MODULUS / 2).then(|| to + MODULUS - from);
    to.checked_sub(from).or_else(passed_the_end)
}

fn sum<'a>(values: impl Iterator<Item = &'a u32>) -> u64 {
    values.map(|wh| u64::from(*wh)).sum()
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::Mode;

    use super::*;

    /// More than a house draws between two frames.
    const POSSIBLE: u64 = 50;

    fn suppliers(values: &[(&str, u32)]) -> BTreeMap<Register, u32> {
        let register = |label: &str| Mode::ALL.into_iter().find_map(|mode| Register::of(mode, label)).unwrap();
        values.iter().map(|(label, wh)| (register(label), *wh)).collect()
    }

    fn contract(values: &[(&str, u32)]) -> Shown {
        Shown::Contract(suppliers(values))
    }

    /// Standard mode: all ten registers, of which these are not zero.
    fn standard(values: &[(&str, u32)]) -> Shown {
        let mut all: BTreeMap<Register, u32> = Register::suppliers().map(|register| (register, 0)).collect();
        all.extend(suppliers(values));
        Shown::Total(u32::try_from(sum(all.values())).unwrap(), all)
    }

    /// What the first frame makes of the total, and what each of the others adds.
    fn life(frames: &[Shown]) -> (u64, Vec<Option<u64>>) {
        let mut total = Total::new(&frames[0], 0);
        let begin = total.wh;
        let added = |counted| if let Counted::Added(wh) = counted { Some(wh) } else { None };
        let steps = frames[1..].iter().map(|shown| added(total.handle_shown(shown, POSSIBLE, 0))).collect();
        (begin, steps)
    }

    #[test]
    fn it_begins_at_what_the_meter_shows_and_adds_its_steps() {
        let (hc, more) = (contract(&[("HCHC", 1_000), ("HCHP", 2_000)]), contract(&[("HCHC", 1_003), ("HCHP", 2_001)]));
        assert_eq!(life(&[hc, more.clone(), more]), (3_000, vec![Some(4), Some(0)]));
        assert_eq!(life(&[Shown::Base(500), Shown::Base(507)]), (500, vec![Some(7)]));
        assert_eq!(life(&[standard(&[("EASF01", 5), ("EASF03", 7)]), standard(&[("EASF01", 6), ("EASF03", 9)])]), (12, vec![Some(3)]));
    }

    #[test]
    fn registers_go_on_through_contracts_and_new_ones_add_nothing_by_themselves() {
        let hc = contract(&[("HCHC", 1_000), ("HCHP", 2_000)]);
        let tempo = |blue, red| {
            contract(&[("BBRHCJB", blue), ("BBRHPJB", 2_000), ("BBRHCJW", 900_000), ("BBRHPJW", 0), ("BBRHCJR", red), ("BBRHPJR", 0)])
        };
        let back = contract(&[("HCHC", 1_009), ("HCHP", 2_000)]);
        assert_eq!(life(&[hc, tempo(1_004, 70), tempo(1_004, 75), back]), (3_000, vec![Some(4), Some(5), Some(5)]));
    }

    #[test]
    fn modes_change_both_ways_whatever_is_left_of_old_contracts() {
        let standard = |first, second| standard(&[("EASF01", first), ("EASF02", second), ("EASF04", 6_000_000)]);
        let historic = |first, second| contract(&[("HCHC", first), ("HCHP", second)]);
        let frames = [historic(100, 50), standard(103, 50), standard(104, 50), historic(104, 60), standard(105, 60)];
        assert_eq!(life(&frames), (150, vec![Some(3), Some(1), Some(10), Some(1)]));
    }

    #[test]
    fn a_register_that_a_damaged_frame_lacked_before_a_change_is_counted_once() {
        let mut lacking = suppliers(&[("EASF01", 100)]);
        lacking.extend(Register::suppliers().skip(2).map(|register| (register, 0)));
        let frames = [standard(&[("EASF01", 100), ("EASF02", 50)]), Shown::Total(160, lacking), contract(&[("HCHC", 100), ("HCHP", 61)])];
        assert_eq!(life(&frames).1, [Some(10), Some(1)]);
    }

    #[test]
    fn base_is_the_register_that_its_number_goes_on_from() {
        // Register 1, then in standard mode; what was left in others is not counted.
        assert_eq!(life(&[Shown::Base(500), standard(&[("EASF01", 503), ("EASF02", 6_000)])]).1, [Some(3)]);
        // The total: registers 1 and 2 go on in it.
        assert_eq!(life(&[Shown::Base(500), standard(&[("EASF01", 203), ("EASF02", 300)])]).1, [Some(3)]);
        // Both at once, and some Wh in a register that was not known.
        assert_eq!(life(&[Shown::Base(500), standard(&[("EASF01", 503), ("EASF02", 12)])]).1, [Some(15)]);
        // Neither.
        assert_eq!(life(&[Shown::Base(500), standard(&[("EASF01", 9_000), ("EASF02", 1)])]).1, [None]);
        // A supplier's own calendar after HC shows the sum, then HC again.
        let hc = |first, second| contract(&[("HCHC", first), ("HCHP", second)]);
        assert_eq!(life(&[hc(100, 50), Shown::Base(152), Shown::Base(160), hc(108, 53)]).1, [Some(2), Some(8), Some(1)]);
    }

    #[test]
    fn base_that_becomes_the_total_overnight_is_no_consumption() {
        let frames = [Shown::Base(22_239_005), Shown::Base(28_298_002), Shown::Base(28_298_004), Shown::Base(22_239_010)];
        assert_eq!(life(&frames), (22_239_005, vec![None, Some(2), None]));
        // Known from a life in standard mode, it is counted to the Wh.
        let known = standard(&[("EASF01", 500), ("EASF02", 6_000)]);
        let frames = [known, Shown::Base(502), Shown::Base(6_505), Shown::Base(6_509), standard(&[("EASF01", 511), ("EASF02", 6_000)])];
        assert_eq!(life(&frames), (6_500, vec![Some(2), Some(3), Some(4), Some(2)]));
    }

    #[test]
    fn base_that_becomes_the_total_is_no_longer_the_first_register() {
        let all = |first, second, third| standard(&[("EASF01", first), ("EASF02", second), ("EASF03", third)]);
        let frames =
            [all(3_000, 50_000, 900_009), Shown::Base(3_001), Shown::Base(953_041), contract(&[("HCHC", 3_001), ("HCHP", 50_000)])];
        let (_, added) = life(&[&frames[..], &[all(3_001, 50_000, 900_040)]].concat());
        assert_eq!((&added[..2], added.iter().flatten().sum::<u64>()), (&[Some(1), Some(31)][..], 32), "each of them once");
    }

    #[test]
    fn nothing_that_is_too_much_is_added_and_it_never_steps_back() {
        let frames = [Shown::Base(500), Shown::Base(500 + 51), Shown::Base(20), Shown::Base(22)];
        assert_eq!(life(&frames).1, [None, None, Some(2)]);
    }

    #[test]
    fn rounded_registers_do_not_count_twice() {
        let historic = |first, second| contract(&[("HCHC", first), ("HCHP", second)]);
        let total = |wh| {
            Shown::Total(wh, Register::suppliers().map(|register| (register, 0)).chain(suppliers(&[("HCHC", 106), ("HCHP", 55)])).collect())
        };
        let frames = [standard(&[("EASF01", 100), ("EASF02", 50)]), historic(106, 55), total(160), total(161), total(162)];
        assert_eq!(life(&frames).1, [Some(11), Some(0), Some(0), Some(1)]);
    }

    #[test]
    fn an_index_that_runs_over_its_digits_goes_on() {
        assert_eq!(life(&[Shown::Base(999_999_998), Shown::Base(3)]), (999_999_998, vec![Some(5)]));
        assert_eq!(counted(5, 3), None);
    }

    #[test]
    fn a_frame_of_the_past_tells_where_a_new_register_began() {
        let mut total = Total::new(&contract(&[("HCHC", 100), ("HCHP", 50)]), 0);
        let [first, _, third] = [0, 1, 2].map(|place| Register::suppliers().nth(place).unwrap());
        total.handle_past(third, 900_000);
        total.handle_past(first, 900_000);
        let tempo = contract(&[("BBRHCJB", 101), ("BBRHPJB", 50), ("BBRHCJW", 900_007), ("BBRHPJW", 0), ("BBRHCJR", 0), ("BBRHPJR", 0)]);
        assert_eq!(total.handle_shown(&tempo, POSSIBLE, 0), Counted::Added(8));
    }
}
