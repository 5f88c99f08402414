//! What can be chosen about a meter. Everything not chosen follows from the seed.

use crate::meter::change::PlannedChange;
use crate::meter::registers::first::FirstRegisters;
use crate::meter::tariff::contract::Contract;
use crate::rng::Rng;
use teleinfo_proto::tic::Mode;

/// A meter to simulate.
#[derive(Debug, Clone)]
pub struct MeterOptions {
    /// What it speaks.
    pub mode: Mode,
    /// What it is programmed for.
    pub contract: &'static Contract,
    /// 1 or 3.
    pub phases: usize,
    /// Producer mode, with panels behind it.
    pub producer: bool,
    /// Decides the house, the calendar, the first indexes and the serial number.
    pub seed: u64,
    /// ADCO or ADSC, 12 digits; none = from the seed.
    pub id: Option<String>,
    /// The first second, since 1970.
    pub start: i64,
    /// Subscribed power in kVA; none = 6, or 12 with three phases.
    pub power: Option<u8>,
    /// Cut-off power in kVA; none = the subscribed power.
    pub cut_off: Option<u8>,
    /// The first value of the index in use, in Wh; the other indexes are then 0.
    pub index: Option<u64>,
    /// The first values of registers that are named; the others are then 0.
    pub registers: Option<FirstRegisters>,
    /// How many times as much the house draws and injects as such a house usually does.
    pub load: f64,
    /// What changes meanwhile.
    pub changes: Vec<PlannedChange>,
    /// MSG1; MSG2 carries its beginning in the first frame.
    pub message: Option<String>,
}

impl MeterOptions {
    /// A single-phase consumer's meter with the BASE contract.
    #[must_use]
    pub fn new(mode: Mode, contract: &'static Contract, start: i64) -> Self {
        Self {
            mode,
            contract,
            phases: 1,
            producer: false,
            seed: 1,
            id: None,
            start,
            power: None,
            cut_off: None,
            index: None,
            registers: None,
            load: 1.0,
            changes: Vec::new(),
            message: None,
        }
    }

    /// Subscribed power, in kVA.
    #[must_use]
    pub fn reference_power(&self) -> u8 {
        self.power.unwrap_or(if self.phases == 3 { 12 } else { 6 })
    }

    /// Cut-off power, in kVA.
    #[must_use]
    pub fn cut_off_power(&self) -> u8 {
        self.cut_off.unwrap_or(self.reference_power())
    }

    /// The meter's address. 90 is a manufacturer code that nobody has.
    #[must_use]
    pub fn identity(&self) -> String {
        let serial = Rng::named(self.seed, "serial").below(1_000_000);
        let kind = if self.phases == 3 { 76 } else { 61 };
        self.id.clone().unwrap_or(format!("9024{kind}{serial:06}"))
    }
}
