//! The grid meters that the owner wants served, checked: `[[grid-meter]]`.

use std::{collections::BTreeSet, net::SocketAddr};

use teleinfo_proto::tic::MeterId;

use crate::{
    config::file::GridMeterKeys,
    daemon::exit::Failure,
    grid_meter::{
        setup::{Product, Setup},
        sunspec::registers::Model,
    },
    words::printable::printable,
};

/// More than any house has devices that look for a meter.
const GRID_METERS_MAX: usize = 8;
/// Where clients look for a meter that speaks HTTP: some of them cannot be told another port.
const HTTP: u16 = 80;
/// Where a GEN24 looks for a meter, and nowhere else.
const MODBUS: u16 = 502;

/// The grid meters of a configuration, in their order.
///
/// # Errors
/// An address that is none, no meter, or two grid meters at one address.
pub fn checked(all: Vec<GridMeterKeys>) -> Result<Vec<Setup>, Failure> {
    if all.len() > GRID_METERS_MAX {
        return Err(Failure::config(format!("grid-meter: at most {GRID_METERS_MAX} of them")));
    }
    let setups = all.into_iter().map(setup).collect::<Result<Vec<_>, _>>()?;
    for (n, one) in setups.iter().enumerate() {
        if one.product == Product::Shelly && setups.iter().take(n).any(|other| other.product == Product::Shelly && shares(one, other)) {
            return Err(Failure::config("grid-meter.listen: two meters of the protocol shelly need two addresses: both answer by UDP too"));
        }
        if let Some(other) = setups.iter().take(n).find(|other| meet(one.listen, other.listen)) {
            return Err(Failure::config(format!(
                "grid-meter.listen: {} and {} cannot both answer at {}; give each an address of its own",
                other.product.name(),
                one.product.name(),
                one.listen
            )));
        }
    }
    Ok(setups)
}

/// Whether two answer at one address, whatever the port.
fn shares(one: &Setup, other: &Setup) -> bool {
    let at = |setup: &Setup| SocketAddr::new(setup.listen.ip(), HTTP);
    meet(at(one), at(other))
}

/// Whether two addresses cannot be listened on at once.
pub fn meet(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port() && (one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified())
}

fn setup(keys: GridMeterKeys) -> Result<Setup, Failure> {
    let meters: Vec<MeterId> = keys.meters.iter().map(|digits| meter(digits)).collect::<Result<_, _>>()?;
    let distinct: BTreeSet<&MeterId> = meters.iter().collect();
    if distinct.is_empty() || distinct.len() != meters.len() {
        return Err(Failure::config("grid-meter.meters: expected the addresses of one or more meters, each once"));
    }
    let listen = listen(keys.protocol, keys.listen.as_deref())?;
    Ok(Setup { product: keys.protocol, listen, meters, model: model(keys.protocol, keys.model)?, announce: keys.announce })
}

fn meter(digits: &str) -> Result<MeterId, Failure> {
    digits.parse().map_err(|_| {
        let text = printable(digits);
        Failure::config(format!("grid-meter.meters: \"{text}\" is no address of a meter; expected its twelve digits (ADCO, ADSC)"))
    })
}

fn model(product: Product, number: Option<u16>) -> Result<Model, Failure> {
    let Some(number) = number else { return Ok(Model::ThreePhaseFloat) };
    if product != Product::Sunspec {
        return Err(Failure::config("grid-meter.model: only the protocol sunspec has models"));
    }
    let model = Model::ALL.into_iter().find(|model| model.number() == number);
    model.ok_or_else(|| Failure::config(format!("grid-meter.model: {number} is none of 201, 203, 211 and 213")))
}

fn listen(product: Product, text: Option<&str>) -> Result<SocketAddr, Failure> {
    let usual = match product {
        Product::Ecotracker | Product::Homewizard | Product::Shelly => HTTP,
        Product::Sunspec => MODBUS,
    };
    let Some(text) = text else { return Ok(([0, 0, 0, 0], usual).into()) };
    let address = text.parse().ok().filter(|address: &SocketAddr| address.port() != 0);
    address.ok_or_else(|| {
        Failure::config(format!("grid-meter.listen: \"{}\" is no address; expected something like 0.0.0.0:{usual}", printable(text)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const METER: &str = "021861000001";

    fn check(all: &[(Product, &[&str], Option<&str>)]) -> Result<Vec<Setup>, Failure> {
        let keys = |(protocol, meters, listen): &(Product, &[&str], Option<&str>)| GridMeterKeys {
            protocol: *protocol,
            meters: meters.iter().map(|id| (*id).to_owned()).collect(),
            listen: listen.map(str::to_owned),
            model: None,
            announce: true,
        };
        checked(all.iter().map(keys).collect())
    }

    #[test]
    fn the_usual_port_is_that_of_the_protocol() {
        let setups = check(&[(Product::Homewizard, &[METER], None)]).unwrap();
        assert_eq!(
            setups,
            [Setup {
                product: Product::Homewizard,
                listen: ([0, 0, 0, 0], 80).into(),
                meters: vec![METER.parse().unwrap()],
                model: Model::ThreePhaseFloat,
                announce: true
            }]
        );
    }

    #[test]
    fn what_cannot_be_is_named() {
        let (product, one) = (Product::Ecotracker, [METER]);
        for (product, number, is_right) in [(Product::Sunspec, 203, true), (Product::Sunspec, 204, false), (product, 203, false)] {
            assert_eq!(model(product, Some(number)).is_ok(), is_right, "{number}");
        }
        for (all, expected) in [
            (&[(product, &[][..], None)][..], ".meters"),
            (&[(product, &["1"], None)], ".meters"),
            (&[(product, &[METER, METER], None)], ".meters"),
            (&[(product, &one, Some("80"))], ".listen"),
            (&[(product, &one, Some("0.0.0.0:0"))], ".listen"),
            (&[(product, &one, None), (Product::Homewizard, &one, Some("192.168.1.2:80"))], ".listen"),
            (&[(product, &one[..], Some("127.0.0.2:80")); 9], "at most"),
            (&[(Product::Shelly, &one, None), (Product::Shelly, &one, Some("192.168.1.2:8080"))], "two addresses"),
        ] {
            let failure = check(all).unwrap_err();
            assert!(failure.to_string().contains(expected), "{failure}");
        }
    }
}
