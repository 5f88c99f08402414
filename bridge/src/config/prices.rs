//! What the owner says of prices, checked: `[prices.2026-08-01]`, for all meters or for one.

use std::collections::BTreeMap;

use crate::{
    config::file::PriceKeys,
    daemon::exit::Failure,
    prices::{
        book::{Book, PriceList},
        money::{MICRO, Price},
        tariffs::Tariff,
    },
    words::printable::printable,
};

/// No kWh costs more, in millionths of a euro: a larger number is one in cents.
const KWH_MAX: i64 = 10 * MICRO;
/// Nor does a month of any supply that this bridge reads.
const SUBSCRIPTION_MAX: i64 = 1_000 * MICRO;
/// In millionths of a %.
const VAT_MAX: i64 = 100 * MICRO;

/// The prices of a table of the configuration, which is called this.
///
/// # Errors
/// A date that is none, a tariff that there is none of, or a number that cannot be.
pub fn checked(lists: BTreeMap<String, PriceKeys>, table: &str) -> Result<Book, Failure> {
    lists.into_iter().map(|(date, keys)| list(&date, &keys, table)).collect::<Result<_, _>>().map(Book::new)
}

fn list(date: &str, keys: &PriceKeys, table: &str) -> Result<PriceList, Failure> {
    let key = format!("{table}.{}", printable(date));
    let from = date.parse().map_err(|expected| Failure::config(format!("{key}: {expected}, the first day on which the prices hold")))?;
    let vat = bounded(keys.vat.map_or(0, |vat| vat.micro()), VAT_MAX, &format!("{key}.vat"), "a percentage such as 20")?;
    let with_tax = |micro| Price::micro_euros(micro).with_tax(vat / 100);
    let month = |micro| bounded(micro, SUBSCRIPTION_MAX, &format!("{key}.subscription"), "euros a month such as 15.86");
    let subscription = keys.subscription.map(|subscription| month(subscription.micro())).transpose()?;
    if keys.kwh.is_empty() {
        return Err(Failure::config(format!("{key}.kwh: there is no price, expected something like kwh = {{ HC = 0.1589, HP = 0.2142 }}")));
    }
    let mut kwh = BTreeMap::new();
    for (name, price) in &keys.kwh {
        let key = format!("{key}.kwh.{}", printable(name));
        let price = bounded(price.micro(), KWH_MAX, &key, "euros for a kWh such as 0.1589")?;
        if kwh.insert(tariff(name, &key)?, with_tax(price)).is_some() {
            return Err(Failure::config(format!("{key}: this tariff has a price already, under another of its names")));
        }
    }
    Ok(PriceList { from, subscription: subscription.map(with_tax), kwh })
}

fn tariff(name: &str, key: &str) -> Result<Tariff, Failure> {
    Tariff::named(name).ok_or_else(|| {
        let titles = Tariff::titles();
        Failure::config(format!(
            "{key}: there is no such tariff; expected one of {titles}, or for any other the number of its index, 1 to 10"
        ))
    })
}

fn bounded(micro: i64, max: i64, key: &str, expected: &str) -> Result<i64, Failure> {
    if micro <= max { Ok(micro) } else { Err(Failure::config(format!("{key}: this is too much; expected {expected}"))) }
}

#[cfg(test)]
mod tests {
    use super::checked;
    use crate::{
        config::file::Config,
        prices::{book::Book, money::Price, tariffs::Counting},
    };

    const AUGUST: &str = "[prices.2026-08-01]\n";

    fn check(text: &str) -> Result<Book, String> {
        checked(Config::parse(text).unwrap().prices, "prices").map_err(|failure| failure.to_string())
    }

    #[test]
    fn prices_are_taken_with_their_taxes() {
        let book = check(&format!("{AUGUST}vat = 5.5\nsubscription = 10\nkwh = {{ HC = 0.1, \"hp\" = 0.2 }}\n")).unwrap();
        let list = book.at(1_800_000_000).unwrap();
        assert_eq!(list.subscription, Some(Price::micro_euros(10_550_000)));
        assert_eq!(list.price(Counting { index: 2, name: Some("HP") }).unwrap().1, Price::micro_euros(211_000));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (text, expected) in [
            ("[prices.2026-13-01]\nkwh = { HC = 0.1 }", "prices.2026-13-01: expected a date"),
            ("[prices.august]\nkwh = { HC = 0.1 }", "prices.august: expected a date"),
            (AUGUST, "prices.2026-08-01.kwh: there is no price"),
            (
                &format!("{AUGUST}kwh = {{ HCC = 0.1 }}"),
                "prices.2026-08-01.kwh.HCC: there is no such tariff; expected one of BASE, HC, HP, HN",
            ),
            (&format!("{AUGUST}kwh = {{ 11 = 0.1 }}"), "the number of its index, 1 to 10"),
            (&format!("{AUGUST}kwh = {{ HC = 15.89 }}"), "prices.2026-08-01.kwh.HC: this is too much; expected euros"),
            (&format!("{AUGUST}kwh = {{ HC = 0.1, HCHC = 0.1 }}"), "has a price already"),
            (&format!("{AUGUST}subscription = 1200\nkwh = {{ HC = 0.1 }}"), "prices.2026-08-01.subscription: this is too much"),
            (&format!("{AUGUST}vat = 200\nkwh = {{ HC = 0.1 }}"), "prices.2026-08-01.vat"),
        ] {
            let failure = check(text).unwrap_err();
            assert!(failure.contains(expected), "{text}: {failure}");
        }
    }
}
