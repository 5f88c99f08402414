//! What the energy registers show at a meter's first second: invented by the seed, or as they are named.
//!
//! A meter that has had other contracts keeps what their indexes counted (54E §6.2.3): such a meter is named index by index.

use crate::meter::registers::energy::{Energy, WRAP};
use crate::rng::Rng;
use std::str::FromStr;

/// Registers by name, in Wh; what is not named is 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirstRegisters {
    /// EASF01 to EASF10.
    pub supplier: [u64; 10],
    /// EAIT.
    pub injected: u64,
}

impl FromStr for FirstRegisters {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut registers = Self::default();
        for one in text.split(',') {
            let wanted = || format!("{one}: LABEL=WH is expected, with EASF01 to EASF10 or EAIT and nine digits at most");
            let (label, value) = one.split_once('=').ok_or_else(wanted)?;
            let register = registers.named(label).ok_or_else(wanted)?;
            *register = value.parse().ok().filter(|value| *value < WRAP).ok_or_else(wanted)?;
        }
        Ok(registers)
    }
}

impl FirstRegisters {
    /// One supplier index alone, which counts from 1.
    pub(crate) fn one(index: u8, value: u64) -> Self {
        Self { supplier: one_of(index, value % WRAP), injected: 0 }
    }

    /// With them, the distributor's index in use has counted all that was drawn.
    pub(crate) fn energy(&self, distributor: u8) -> Energy {
        Energy::starting_at(self.supplier, one_of(distributor, self.supplier.iter().sum()), self.injected)
    }

    fn named(&mut self, label: &str) -> Option<&mut u64> {
        if label == "EAIT" {
            return Some(&mut self.injected);
        }
        let number = label.strip_prefix("EASF").filter(|digits| digits.len() == 2)?;
        self.supplier.get_mut(number.parse::<usize>().ok()?.checked_sub(1)?)
    }
}

/// All registers 0 but this one, which counts from 1.
fn one_of<const N: usize>(number: u8, value: u64) -> [u64; N] {
    let mut registers = [0; N];
    registers[usize::from(number) - 1] = value;
    registers
}

/// The registers of a meter that has run for a while with this many indexes.
pub(crate) fn invented(indexes: usize, producer: bool, rng: &mut Rng) -> Energy {
    let (mut supplier, mut distributor) = ([0; 10], [0; 4]);
    for index in supplier.iter_mut().take(indexes) {
        *index = rng.between(200_000, 9_000_000);
    }
    let mut left: u64 = supplier.iter().sum();
    for index in &mut distributor {
        *index = rng.below(left / 2 + 1);
        left -= *index;
    }
    distributor[3] += left;
    let injected = if producer { rng.between(100_000, 6_000_000) } else { 0 };
    Energy::starting_at(supplier, distributor, injected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_named_by_their_labels() {
        let registers: FirstRegisters = "EASF01=15506794,EASF10=2,EAIT=55".parse().unwrap();
        assert_eq!((registers.supplier[0], registers.supplier[9], registers.injected), (15_506_794, 2, 55));
        assert_eq!(registers.supplier.iter().sum::<u64>(), 15_506_796);
    }

    #[test]
    fn what_is_no_register_is_refused_by_name() {
        for text in ["", "EASF01", "EASF00=1", "EASF11=1", "EASF1=1", "EAST=1", "EASF01=1000000000", "EASF01=-1"] {
            let error = text.parse::<FirstRegisters>().unwrap_err();
            assert!(error.starts_with(text) && error.contains("EASF01 to EASF10"), "{error}");
        }
    }
}
