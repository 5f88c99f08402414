//! The serial number of a grid meter: always the same for the same meter, and no other device's.
//!
//! It is an octet of our own, and the last ten digits of the meter's address. The octet has the bit of addresses that are assigned locally,
//! and differs from product to product: Home Assistant joins devices that have one address.

use teleinfo_proto::tic::MeterId;

use crate::grid_meter::setup::{Product, Setup};

/// Added where several meters are summed.
const OF_SUM: u8 = 0x10;

/// Twelve hexadecimal digits, in lower case.
#[must_use]
pub fn serial(setup: &Setup) -> String {
    let own = match setup.product {
        Product::Ecotracker => 0x02,
        Product::Homewizard => 0x06,
        Product::Shelly => 0x0a,
        Product::Sunspec => 0x0e,
    };
    let own = if setup.meters.len() > 1 { own + OF_SUM } else { own };
    let digits = setup.meters.first().map(MeterId::as_str).and_then(|id| id.get(2..)).unwrap_or_default();
    format!("{own:02x}{}", digits.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid_meter::sunspec::registers::Model;

    #[test]
    fn a_serial_number_is_of_one_device() {
        let [one, other] = ["021861000001", "042161000021"].map(|id| id.parse().unwrap());
        let of = |product, meters: &[MeterId]| {
            serial(&Setup {
                product,
                listen: ([0, 0, 0, 0], 80).into(),
                meters: meters.to_vec(),
                model: Model::ThreePhaseFloat,
                announce: true,
            })
        };
        assert_eq!(of(Product::Ecotracker, &[one]), "021861000001");
        assert_eq!(of(Product::Homewizard, &[one]), "061861000001");
        assert_eq!(of(Product::Homewizard, &[one, other]), "161861000001");
    }
}
