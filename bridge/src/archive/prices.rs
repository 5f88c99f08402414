//! What periods cost: each register at the price that holds when its piece of the period begins.

use std::collections::BTreeMap;

use serde::Serialize;
use teleinfo_proto::tic::{Label, Mode, Role};

use crate::{
    archive::{
        block::Curves,
        periods::{Counted, Period, Step, counted},
    },
    energy::{meaning::Meanings, register::Register},
    prices::{
        book::Book,
        money::{Amount, Euros},
        tariffs::Counting,
    },
};

/// What registers of a meter were called, and when.
#[derive(Debug, Clone, Default)]
pub struct Names(Vec<Name>);

#[derive(Debug, Clone)]
struct Name {
    register: String,
    since: i64,
    ended: Option<i64>,
    tariff: String,
}

impl Names {
    /// As the meanings say that are known.
    #[must_use]
    pub fn of(meanings: &Meanings) -> Self {
        let name = |meaning: &crate::energy::meaning::Meaning| {
            let tariff = meaning.tariff_name()?.to_owned();
            Some(Name { register: meaning.label.clone(), since: meaning.since, ended: meaning.ended, tariff })
        };
        Self(meanings.ended().chain(meanings.current()).filter_map(name).collect())
    }

    /// The name of a register's tariff at a time; in historic mode the label is one.
    #[must_use]
    pub fn at(&self, register: &str, time: i64) -> Option<&str> {
        let holds = |name: &&Name| name.register == register && name.since <= time && name.ended.is_none_or(|ended| time < ended);
        let newest = || self.0.iter().rfind(|name| name.register == register);
        self.0.iter().rfind(holds).or_else(newest).map(|name| name.tariff.as_str())
    }
}

/// What a register is in a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// All that was drawn: the sum of the others.
    Total,
    /// What was drawn under one tariff.
    Tariff,
    /// What was injected.
    Injected,
}

impl Part {
    /// By its label in either mode.
    #[must_use]
    pub fn of(register: &str) -> Self {
        let role = Mode::ALL.into_iter().find_map(|mode| Label::find(mode, register)?.role);
        match role {
            Some(Role::EnergyWithdrawn) => Self::Total,
            Some(Role::EnergyInjected) => Self::Injected,
            _ => Self::Tariff,
        }
    }
}

/// What was counted in one period, and what it cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// In s since 1970.
    pub start: i64,
    /// In s since 1970.
    pub end: i64,
    /// What was drawn, in Wh.
    pub withdrawn: Option<u64>,
    /// What was injected, in Wh.
    pub injected: Option<u64>,
    /// In euros; nothing if no price is known of a part of it.
    pub cost: Option<Euros>,
    /// Nothing of it is missing.
    pub whole: bool,
    /// Each register, in Wh, in the order of the table.
    pub registers: Vec<Option<u64>>,
    /// What each of them cost.
    pub costs: Vec<Option<Euros>>,
}

/// What a meter has counted from the first period to the last one.
pub struct Table<'a> {
    step: Step,
    curves: &'a Curves,
    names: &'a Names,
    book: &'a Book,
}

impl<'a> Table<'a> {
    /// From these indexes, under these names and prices.
    #[must_use]
    pub const fn new(step: Step, curves: &'a Curves, names: &'a Names, book: &'a Book) -> Self {
        Self { step, curves, names, book }
    }

    /// The row of one period.
    #[must_use]
    pub fn row(&self, period: Period) -> Row {
        let all: BTreeMap<&str, Counted> =
            self.curves.iter().filter_map(|(register, curve)| Some((register.as_str(), counted(curve, period)?))).collect();
        let of = |part: Part| all.iter().filter(move |(register, _)| Part::of(register) == part);
        let sum = |part: Part| of(part).map(|(_, counted)| counted.wh).reduce(|sum, wh| sum + wh);
        let registers: Vec<Option<u64>> = self.curves.keys().map(|register| Some(all.get(register.as_str())?.wh)).collect();
        let costs: Vec<Option<Amount>> =
            self.curves.keys().zip(&registers).map(|(register, wh)| self.cost(register, (*wh)?, period)).collect();
        let is_priced =
            of(Part::Tariff).all(|(register, counted)| counted.wh == 0 || self.place(register).is_some_and(|at| costs[at].is_some()));
        let cost = costs.iter().flatten().copied().reduce(|sum, cost| sum + cost).filter(|_| is_priced);
        Row {
            start: period.start,
            end: period.end,
            withdrawn: sum(Part::Total).or_else(|| sum(Part::Tariff)),
            injected: sum(Part::Injected),
            cost: cost.map(Euros),
            whole: !all.is_empty() && all.values().all(|counted| counted.is_whole),
            registers,
            costs: costs.into_iter().map(|cost| cost.map(Euros)).collect(),
        }
    }

    fn place(&self, register: &str) -> Option<usize> {
        self.curves.keys().position(|known| known == register)
    }

    /// What is known piece by piece costs what it did then; what is only known of the whole costs what it did at its beginning.
    fn cost(&self, register: &str, wh: u64, period: Period) -> Option<Amount> {
        if Part::of(register) != Part::Tariff {
            return None;
        }
        let curve = self.curves.get(register)?;
        let (mut cost, mut rest) = (Amount::default(), wh);
        for piece in self.step.pieces(period) {
            let counted = counted(curve, piece).map_or(0, |counted| counted.wh).min(rest);
            rest -= counted;
            if counted > 0 {
                cost += self.priced(register, counted, piece.start)?;
            }
        }
        Some(cost + if rest > 0 { self.priced(register, rest, period.start)? } else { Amount::default() })
    }

    fn priced(&self, register: &str, wh: u64, at: i64) -> Option<Amount> {
        let index = Mode::ALL.into_iter().find_map(|mode| Register::of(mode, register))?.index()?;
        let counting = Counting { index, name: Some(self.names.at(register, at).unwrap_or(register)) };
        let (_, price) = self.book.at(at)?.price(counting)?;
        Some(price.of(wh))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        hours::day::Day,
        prices::{book::PriceList, money::Price, tariffs::Tariff},
    };

    fn book() -> Book {
        let kwh = [("HC", 100_000), ("HP", 200_000)].map(|(name, micro)| (Tariff::named(name).unwrap(), Price::micro_euros(micro)));
        Book::new(vec![PriceList { from: Day::from("2026-01-01"), subscription: None, kwh: kwh.into() }])
    }

    fn curve(indexes: &[(i64, u32)]) -> BTreeMap<i64, u32> {
        let start = Day::from("2026-11-28").at(0) / 60;
        indexes.iter().map(|(hour, wh)| (start + hour * 60, *wh)).collect()
    }

    #[test]
    fn a_day_of_two_tariffs() {
        let curves = Curves::from([
            ("HCHC".into(), curve(&[(0, 1_000), (6, 3_000), (12, 3_000), (24, 3_000)])),
            ("HCHP".into(), curve(&[(0, 500), (6, 500), (12, 1_500), (24, 4_500)])),
        ]);
        let (names, book) = (Names::default(), book());
        let table = Table::new(Step::Day, &curves, &names, &book);
        let [day] = Step::Day.periods(Day::from("2026-11-28"), Day::from("2026-11-29"))[..] else { panic!() };
        let row = table.row(day);
        assert_eq!((row.withdrawn, row.injected, row.whole), (Some(6_000), None, true));
        assert_eq!(row.registers, [Some(2_000), Some(4_000)]);
        // 2 kWh at 0.10 and 4 kWh at 0.20.
        assert_eq!(serde_json::to_string(&row.cost).unwrap(), "1.0");
        let free = Book::default();
        assert_eq!(Table::new(Step::Day, &curves, &names, &free).row(day).cost, None, "no price is known");
    }

    #[test]
    fn the_total_of_a_meter_counts_where_it_is_shown() {
        let curves = Curves::from([
            ("EAST".into(), curve(&[(0, 10_000), (24, 16_001)])),
            ("EASF01".into(), curve(&[(0, 1_000), (24, 7_000)])),
            ("EAIT".into(), curve(&[(0, 5), (24, 9)])),
        ]);
        let (names, book) = (Names::default(), Book::default());
        let [day] = Step::Day.periods(Day::from("2026-11-28"), Day::from("2026-11-29"))[..] else { panic!() };
        let row = Table::new(Step::Day, &curves, &names, &book).row(day);
        assert_eq!((row.withdrawn, row.injected), (Some(6_001), Some(4)));
    }
}
