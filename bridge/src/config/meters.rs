//! What the owner says of meters, checked: `[meter."021861000001"]`, with the prices of each in [`prices`].

use std::collections::{BTreeMap, BTreeSet};

use teleinfo_proto::tic::MeterId;

use crate::{
    config::{file::MeterKeys, prices},
    daemon::exit::Failure,
    homeassistant::presentation::MeterWishes,
    words::printable::printable,
};

/// Home Assistant shows a longer name badly.
const NAME_MAX: usize = 64;

/// The meters of a configuration, by their addresses.
///
/// # Errors
/// An address that is none, a name that is none, or meters that cannot go on from each other so.
pub fn checked(meters: BTreeMap<String, MeterKeys>) -> Result<BTreeMap<MeterId, MeterWishes>, Failure> {
    let wishes = meters.into_iter().map(|(digits, keys)| {
        let key = format!("meter.\"{}\"", printable(&digits));
        let continues = keys.continues.map(|old| address(&old, &format!("{key}.continues"))).transpose()?;
        let name = keys.name.map(|name| checked_name(name, &key)).transpose()?;
        let prices = keys.prices.map(|lists| prices::checked(lists, &format!("{key}.prices"))).transpose()?;
        Ok((address(&digits, &key)?, MeterWishes { name, continues, prices }))
    });
    let wishes = wishes.collect::<Result<_, Failure>>()?;
    check_succession(&wishes)?;
    Ok(wishes)
}

fn address(digits: &str, key: &str) -> Result<MeterId, Failure> {
    let text = printable(digits);
    digits
        .parse()
        .map_err(|_| Failure::config(format!("{key}: \"{text}\" is no address of a meter; expected its twelve digits (ADCO, ADSC)")))
}

fn checked_name(name: String, key: &str) -> Result<String, Failure> {
    let is_name = !name.trim().is_empty() && name.chars().count() <= NAME_MAX && !name.chars().any(char::is_control);
    if is_name { Ok(name) } else { Err(Failure::config(format!("{key}.name: expected 1 to {NAME_MAX} characters"))) }
}

/// A total can go on in one meter only, and not in a circle.
fn check_succession(wishes: &BTreeMap<MeterId, MeterWishes>) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    for (id, old) in wishes.iter().filter_map(|(id, wishes)| Some((id, wishes.continues?))) {
        if !seen.insert(old) {
            return Err(Failure::config(format!("meter.\"{id}\".continues: another meter continues {old} already")));
        }
        let mut earlier = Some(old);
        for _ in 0..=wishes.len() {
            earlier = earlier.and_then(|meter| wishes.get(&meter)?.continues);
        }
        if old == *id || earlier.is_some() {
            return Err(Failure::config(format!("meter.\"{id}\".continues: a meter cannot continue itself")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::file::Config, prices::tariffs::Tariff};

    const OLD: &str = "021428000001";
    const NEW: &str = "021861000001";

    fn check(meters: &[(&str, Option<&str>, Option<&str>)]) -> Result<BTreeMap<MeterId, MeterWishes>, Failure> {
        let keys = |name: &Option<&str>, continues: &Option<&str>| MeterKeys {
            name: name.map(str::to_owned),
            continues: continues.map(str::to_owned),
            prices: None,
        };
        checked(meters.iter().map(|(id, name, continues)| ((*id).to_owned(), keys(name, continues))).collect())
    }

    #[test]
    fn a_meter_has_a_name_and_goes_on_from_another() {
        let wishes = check(&[(NEW, Some("Maison"), Some(OLD))]).unwrap();
        let of_new = &wishes[&NEW.parse().unwrap()];
        assert_eq!(of_new, &MeterWishes { name: Some("Maison".into()), continues: Some(OLD.parse().unwrap()), prices: None });
    }

    #[test]
    fn a_meter_has_prices_of_its_own_or_none_at_all() {
        let read = |text: &str| checked(Config::parse(text).unwrap().meter).map_err(|failure| failure.to_string());
        let text = format!("[meter.\"{NEW}\".prices.2026-08-01]\nkwh = {{ BASE = 0.2 }}\n[meter.\"{OLD}\".prices]\n");
        let wishes = read(&text).unwrap();
        let of = |id: &str| wishes[&id.parse().unwrap()].prices.clone().unwrap();
        assert!(of(NEW).prices(Tariff::BASE) && of(OLD).is_empty());
        let failure = read(&text.replace("BASE", "BAS")).unwrap_err();
        assert!(failure.starts_with(&format!("meter.\"{NEW}\".prices.2026-08-01.kwh.BAS: there is no such tariff")), "{failure}");
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (meters, expected) in [
            (&[("maison", None, None)][..], "meter.\"maison\""),
            (&[(NEW, Some(" "), None)], ".name"),
            (&[(NEW, None, Some("1"))], ".continues"),
            (&[(NEW, None, Some(NEW))], "itself"),
            (&[(NEW, None, Some(OLD)), (OLD, None, Some(NEW))], "itself"),
            (&[(NEW, None, Some(OLD)), ("021861000002", None, Some(OLD))], "already"),
        ] {
            let failure = check(meters).unwrap_err();
            assert!(failure.to_string().contains(expected), "{failure}");
        }
    }
}
