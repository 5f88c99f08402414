//! What was drawn costs: each step of an index at the price that held, in integers.
//!
//! The total of the meter decides how much was drawn, and its indexes decide under which tariff. They are rounded apart, so what the total
//! is ahead of them is carried until an index moves. A step over midnight, or over an outage, is shared among its days by time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    hours::day::Day,
    prices::{
        book::Book,
        money::{Amount, Euros, Price},
        tariffs::{Counting, Tariff},
    },
    words::utc,
};

/// What all indexes may be ahead of their total, since each is rounded by itself, in Wh.
const ROUNDING_WH: u64 = 10;
/// What is drawn before the name of its tariff is learnt waits for that: frames, no hours, in Wh.
const CARRIED_MAX: i64 = 1_000;
/// A step is shared among no more days than this.
const DAYS_MAX: i64 = 400;
/// No meter costs more, in euros.
const EUROS_MAX: i64 = 100_000_000;

/// What one index has counted.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// Under which tariff.
    pub counting: Counting<'a>,
    /// In Wh.
    pub wh: u64,
}

/// What was drawn between two times, in s since 1970.
#[derive(Debug, Clone)]
pub struct Drawn<'a> {
    /// What the total has counted, in Wh.
    pub wh: u64,
    /// What its indexes have counted.
    pub steps: Vec<Step<'a>>,
    /// From then on.
    pub from: i64,
    /// Until then.
    pub to: i64,
}

/// The costs of one meter. They outlive the process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Costs {
    /// When they began, in s since 1970.
    since: Option<i64>,
    total: Amount,
    tariffs: BTreeMap<Tariff, Amount>,
    /// The day that runs, and what it has cost.
    day: Option<Day>,
    today: Amount,
    month: Amount,
    /// What was drawn and has no price yet, or was priced too early, in Wh.
    carried: i64,
    /// What was drawn under tariffs without a price, in Wh.
    unpriced: u64,
}

/// What is told of costs: the JSON `cost` of the derived values. In euros.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct CostsTold {
    /// Of the day that runs.
    pub today: Option<Euros>,
    /// Since when, as RFC 3339.
    pub today_since: Option<String>,
    /// Of the month that runs.
    pub month: Option<Euros>,
    /// Since when.
    pub month_since: Option<String>,
    /// What the subscription of the month costs to the end of today.
    pub subscription: Option<Euros>,
    /// Both.
    pub month_with_subscription: Option<Euros>,
    /// In all.
    pub total: Option<Euros>,
    /// Since when.
    pub since: Option<String>,
    /// What was drawn under tariffs without a price, in Wh.
    pub unpriced: Option<u64>,
    /// Of each tariff.
    pub tariffs: BTreeMap<Tariff, Euros>,
}

impl Costs {
    /// Whether these can be the costs of a meter.
    #[must_use]
    pub fn can_be(&self) -> bool {
        let amounts = self.tariffs.values().chain([&self.total, &self.today, &self.month]);
        amounts.into_iter().all(|amount| (Amount::default()..=Amount::euros(EUROS_MAX)).contains(amount))
            && self.carried.unsigned_abs() <= u64::from(u32::MAX)
    }

    /// This was drawn.
    pub fn handle_drawn(&mut self, mut drawn: Drawn<'_>, book: &Book) {
        self.since.get_or_insert(drawn.from);
        self.turn_to(Day::of(drawn.from).0);
        self.carry(&mut drawn);
        for step in &drawn.steps {
            for (at, wh) in pieces(step.wh, drawn.from, drawn.to) {
                self.turn_to(Day::of(at).0);
                self.handle_piece(step.counting, wh, book, at);
            }
        }
        self.turn_to(Day::of(drawn.to).0);
    }

    /// Makes the steps the total: what is too much of them is dropped, what they lack is carried to the largest.
    fn carry(&mut self, drawn: &mut Drawn<'_>) {
        let most = drawn.wh + ROUNDING_WH;
        drawn.steps.retain(|step| step.wh <= most);
        let sum = |steps: &[Step<'_>]| steps.iter().map(|step| step.wh).sum::<u64>();
        if sum(&drawn.steps) > most {
            drawn.steps.clear();
        }
        self.carried += drawn.wh.cast_signed() - sum(&drawn.steps).cast_signed();
        if let Some(largest) = drawn.steps.iter_mut().max_by_key(|step| step.wh) {
            let wh = largest.wh.cast_signed() + self.carried;
            (largest.wh, self.carried) = (wh.max(0).cast_unsigned(), wh.min(0));
        }
    }

    fn handle_piece(&mut self, counting: Counting<'_>, wh: u64, book: &Book, at: i64) {
        let price = book.at(at).and_then(|list| list.price(counting));
        match price {
            Some((tariff, price)) => self.add(tariff, price, wh),
            None if counting.name.is_none() && self.carried + wh.cast_signed() <= CARRIED_MAX => self.carried += wh.cast_signed(),
            None => self.unpriced += wh,
        }
    }

    fn add(&mut self, tariff: Tariff, price: Price, wh: u64) {
        let amount = price.of(wh);
        for sum in [&mut self.total, &mut self.today, &mut self.month, self.tariffs.entry(tariff).or_default()] {
            *sum += amount;
        }
    }

    /// Another day, and perhaps another month, begins.
    fn turn_to(&mut self, day: Day) {
        match self.day {
            Some(before) if before >= day => return,
            Some(before) if before.first_of_month() == day.first_of_month() => self.today = Amount::default(),
            _ => (self.today, self.month) = Default::default(),
        }
        self.day = Some(day);
    }

    /// What is told of them.
    #[must_use]
    pub fn told(&self, book: &Book) -> CostsTold {
        let (Some(day), Some(since)) = (self.day, self.since) else { return CostsTold::default() };
        let since_day = |day: Day| Some(utc::rfc3339(day.at(0).max(since)));
        let subscription = subscription(day.first_of_month().max(Day::of(since).0), day, book);
        CostsTold {
            today: Some(Euros(self.today)),
            today_since: since_day(day),
            month: Some(Euros(self.month)),
            month_since: since_day(day.first_of_month()),
            subscription: subscription.map(Euros),
            month_with_subscription: subscription.map(|subscription| Euros(subscription + self.month)),
            total: Some(Euros(self.total)),
            since: Some(utc::rfc3339(since)),
            unpriced: Some(self.unpriced),
            tariffs: self.of_tariffs(book),
        }
    }
}

impl Costs {
    /// What each tariff has cost: nothing yet where it has a price and has not counted.
    fn of_tariffs(&self, book: &Book) -> BTreeMap<Tariff, Euros> {
        let priced = Tariff::all().filter(|tariff| book.prices(*tariff)).map(|tariff| (tariff, Euros(Amount::default())));
        priced.chain(self.tariffs.iter().map(|(tariff, amount)| (*tariff, Euros(*amount)))).collect()
    }
}

/// What the subscription costs from one day to another of the same month, both included, where each of them has one.
fn subscription(first: Day, last: Day, book: &Book) -> Option<Amount> {
    let days = last.first_of_month().days_of_month();
    let mut sum = Amount::default();
    let mut day = first;
    while day <= last {
        sum += book.at(day.at(0))?.subscription?.share(1, days);
        day = day.next();
    }
    Some(sum)
}

/// The pieces of a step, each with a time of its day.
fn pieces(wh: u64, from: i64, to: i64) -> Vec<(i64, u64)> {
    let (first, last) = (Day::of(from).0, Day::of(to).0);
    if first >= last || last.number() - first.number() > DAYS_MAX {
        return vec![(from, wh)];
    }
    let midnights = std::iter::successors(Some(first.next()), |day| Some(day.next())).take_while(|day| *day <= last).map(|day| day.at(0));
    let edges: Vec<i64> = [from].into_iter().chain(midnights).chain([to]).collect();
    let until = |time: i64| wh * (time - from).unsigned_abs() / (to - from).unsigned_abs();
    edges.windows(2).map(|edge| (edge[0], until(edge[1]) - until(edge[0]))).collect()
}

#[cfg(test)]
mod tests {
    use super::{Costs, Drawn, Step};
    use crate::{
        hours::day::Day,
        prices::{
            book::{Book, PriceList},
            money::Price,
            tariffs::{Counting, Tariff},
        },
    };

    const HC: Counting<'static> = Counting { index: 1, name: Some("HC") };
    const HP: Counting<'static> = Counting { index: 2, name: Some("HP") };
    const UNNAMED: Counting<'static> = Counting { index: 1, name: None };

    fn book() -> Book {
        let list = |from: &str, hc, hp| {
            let kwh = [("HC", hc), ("HP", hp)].map(|(name, micro)| (Tariff::named(name).unwrap(), Price::micro_euros(micro)));
            PriceList { from: Day::from(from), subscription: Some(Price::micro_euros(31_000_000)), kwh: kwh.into() }
        };
        Book::new(vec![list("2026-08-01", 100_000, 200_000), list("2026-12-02", 1_000_000, 2_000_000)])
    }

    fn draw(costs: &mut Costs, wh: u64, steps: &[(Counting<'static>, u64)], from: i64, to: i64) {
        let steps = steps.iter().map(|(counting, wh)| Step { counting: *counting, wh: *wh }).collect();
        costs.handle_drawn(Drawn { wh, steps, from, to }, &book());
    }

    /// Today, month and total in euros.
    fn told(costs: &Costs) -> [f64; 3] {
        let told = serde_json::to_value(costs.told(&book())).unwrap();
        ["today", "month", "total"].map(|key| told[key].as_f64().unwrap())
    }

    fn noon(day: &str) -> i64 {
        Day::from(day).at(720)
    }

    #[test]
    fn each_index_costs_its_price() {
        let (mut costs, now) = (Costs::default(), noon("2026-12-01"));
        draw(&mut costs, 3_000, &[(HC, 1_000), (HP, 2_000)], now, now + 60);
        assert_eq!(told(&costs), [0.5; 3]);
        let tariffs = serde_json::to_value(costs.told(&book())).unwrap()["tariffs"].clone();
        assert_eq!(tariffs, serde_json::json!({ "hc": 0.1, "hp": 0.4 }));
    }

    #[test]
    fn a_million_small_steps_lose_nothing() {
        let (mut costs, now) = (Costs::default(), noon("2026-12-01"));
        for step in 0..100_000 {
            // Each register is rounded by itself: now the total is ahead, now the index.
            draw(&mut costs, 1, if step % 2 == 0 { &[] } else { &[(HC, 2)] }, now, now);
        }
        assert_eq!(told(&costs), [10.0; 3]);
    }

    #[test]
    fn an_outage_over_midnight_is_shared_among_days_and_prices() {
        let mut costs = Costs::default();
        draw(&mut costs, 4_000, &[(HC, 4_000)], noon("2026-11-30"), noon("2026-12-02"));
        // 1 kWh on the first day, 2 on the second, and 1 on the third at the new price.
        assert_eq!(told(&costs), [1.0, 1.2, 1.3]);
        draw(&mut costs, 0, &[], noon("2026-12-02"), Day::from("2026-12-03").at(1));
        assert_eq!(told(&costs), [0.0, 1.2, 1.3], "a day begins without anything being drawn");
    }

    #[test]
    fn a_step_that_is_no_consumption_costs_nothing() {
        let (mut costs, now) = (Costs::default(), noon("2026-12-01"));
        draw(&mut costs, 1_000, &[(HC, 6_000_000), (HP, 1_000)], now, now);
        assert_eq!(told(&costs), [0.2; 3]);
        draw(&mut costs, 1_000, &[(HC, 6_000_000)], now, now);
        draw(&mut costs, 1_000, &[(HP, 1_000)], now, now);
        assert_eq!(told(&costs), [0.6; 3], "and what was drawn meanwhile is in the next step");
    }

    #[test]
    fn what_has_no_name_yet_waits_and_what_has_no_price_is_counted_apart() {
        let (mut costs, now) = (Costs::default(), noon("2026-12-01"));
        draw(&mut costs, 10, &[(UNNAMED, 10)], now, now);
        draw(&mut costs, 10, &[(HC, 10)], now, now);
        assert_eq!(told(&costs), [0.002; 3]);
        draw(&mut costs, 5_000, &[(Counting { index: 3, name: Some("HEURE WEEK-END") }, 5_000)], now, now);
        assert_eq!((told(&costs), costs.told(&book()).unpriced), ([0.002; 3], Some(5_000)));
    }

    #[test]
    fn the_subscription_of_a_month_is_that_of_its_days() {
        let mut costs = Costs::default();
        draw(&mut costs, 1_000, &[(HC, 1_000)], noon("2026-11-30"), noon("2026-12-03"));
        let told = serde_json::to_value(costs.told(&book())).unwrap();
        assert_eq!((told["subscription"].as_f64(), told["month_since"].as_str()), (Some(3.0), Some("2026-11-30T23:00:00Z")));
    }

    #[test]
    fn they_are_kept_to_the_last_part_of_a_cent() {
        let (mut costs, now) = (Costs::default(), noon("2026-12-01"));
        draw(&mut costs, 7, &[(HC, 7)], now, now);
        let kept: Costs = serde_json::from_str(&serde_json::to_string(&costs).unwrap()).unwrap();
        assert!(kept == costs && kept.can_be());
        assert!(!Costs { carried: i64::MAX, ..costs }.can_be());
    }
}
