//! The prices that the owner has given: lists, each from a date on.

use std::collections::BTreeMap;

use crate::{
    hours::day::Day,
    prices::{
        money::Price,
        tariffs::{Counting, Tariff},
    },
};

/// The prices that hold from a date until the next list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceList {
    /// The first day.
    pub from: Day,
    /// Of a month.
    pub subscription: Option<Price>,
    /// Of a kWh, taxes included.
    pub kwh: BTreeMap<Tariff, Price>,
}

/// All lists, from the oldest to the newest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book(Vec<PriceList>);

impl Book {
    /// Of these lists.
    #[must_use]
    pub fn new(mut lists: Vec<PriceList>) -> Self {
        lists.sort_by_key(|list| list.from);
        Self(lists)
    }

    /// Whether the owner has given none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any list has a price of this tariff.
    #[must_use]
    pub fn prices(&self, tariff: Tariff) -> bool {
        self.0.iter().any(|list| list.kwh.contains_key(&tariff))
    }

    /// The list that holds at a time.
    #[must_use]
    pub fn at(&self, unix_seconds: i64) -> Option<&PriceList> {
        let (day, _) = Day::of(unix_seconds);
        self.0.iter().rev().find(|list| list.from <= day)
    }
}

impl PriceList {
    /// What a kWh costs under this tariff, and as which tariff: by its name, else by the number of its index.
    #[must_use]
    pub fn price(&self, counting: Counting<'_>) -> Option<(Tariff, Price)> {
        let named = counting.name.and_then(Tariff::named);
        let of = |tariff: Tariff| Some((tariff, *self.kwh.get(&tariff)?));
        let by_index = || Tariff::of_index(counting.index).filter(|_| self.tells_by_index(named)).and_then(of);
        named.and_then(of).or_else(by_index)
    }

    /// Whether an index alone tells the tariff. In historic mode BASE is also what shows the total of a calendar that this mode cannot show:
    /// then its index says nothing where several have prices.
    fn tells_by_index(&self, named: Option<Tariff>) -> bool {
        named != Some(Tariff::BASE) || self.kwh.len() == 1
    }
}

#[cfg(test)]
mod tests {
    use super::{Book, PriceList};
    use crate::{
        hours::day::Day,
        prices::{
            money::Price,
            tariffs::{Counting, Tariff},
        },
    };

    fn list(from: &str, kwh: &[(&str, i64)]) -> PriceList {
        let kwh = kwh.iter().map(|(name, micro)| (Tariff::named(name).unwrap(), Price::micro_euros(*micro))).collect();
        PriceList { from: Day::from(from), subscription: None, kwh }
    }

    fn price(list: &PriceList, index: u8, name: Option<&str>) -> Option<Price> {
        list.price(Counting { index, name }).map(|(_, price)| price)
    }

    #[test]
    fn a_list_holds_from_midnight_until_the_next() {
        let book = Book::new(vec![list("2026-08-01", &[("HC", 158_900)]), list("2026-02-01", &[("HC", 157_900)])]);
        let midnight = Day::from("2026-08-01").at(0);
        let from = |time| book.at(time).map(|list| list.from.to_string());
        assert_eq!([midnight - 1, midnight].map(from), [Some("2026-02-01".into()), Some("2026-08-01".into())]);
        assert_eq!(from(Day::from("2026-01-31").at(1_439)), None, "what was before is not known");
    }

    #[test]
    fn a_tariff_is_found_by_its_name_and_else_by_its_index() {
        let list = list("2026-08-01", &[("HEURE CREUSE", 1), ("2", 2)]);
        assert_eq!(price(&list, 1, Some("HCHC")), Some(Price::micro_euros(1)));
        assert_eq!(price(&list, 2, Some("HCHP")), Some(Price::micro_euros(2)));
        assert_eq!(price(&list, 2, None), Some(Price::micro_euros(2)));
        assert_eq!((price(&list, 3, Some("HEURE WEEK-END")), price(&list, 1, None)), (None, None));
    }

    #[test]
    fn base_is_no_index_of_a_calendar_that_the_mode_cannot_show() {
        assert_eq!(price(&list("2026-08-01", &[("1", 1), ("2", 2)]), 1, Some("BASE")), None);
        assert_eq!(price(&list("2026-08-01", &[("1", 1)]), 1, Some("BASE")), Some(Price::micro_euros(1)));
    }
}
