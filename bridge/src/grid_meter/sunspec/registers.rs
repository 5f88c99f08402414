//! The registers: who this is (model 1), then what is measured, as whole numbers with scale factors or as floating-point numbers.
//!
//! Without a fresh value the registers of the measurement cannot be read, while all others can: whoever looks for a meter finds it. What a
//! Linky does not have is 0, as in the emulations that work. The model of identity has 65 registers, as a Fronius meter has; the pad of
//! the standard would move all that follows from where a GEN24 reads it.

use crate::grid_meter::{
    reading::{PHASES, Phase},
    sum::Total,
};

/// Where the registers begin. Readers try other places too, and are refused there at once.
const BASE: u16 = 40_000;
/// Where the measurement begins.
const MEASURED: u16 = 40_071;
/// The most registers in one answer (MODBUS Application Protocol V1.1b3 §6.3).
const COUNT_MAX: u16 = 125;
const NOMINAL_HERTZ: f64 = 50.0;
const NOMINAL_VOLTS: f64 = 230.0;

/// How a measurement is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// 201: one phase, whole numbers.
    SinglePhase,
    /// 203: three phases, whole numbers.
    ThreePhase,
    /// 211: one phase, floating-point numbers.
    SinglePhaseFloat,
    /// 213: three phases, floating-point numbers. A GEN24 is known to take it, also of one phase.
    ThreePhaseFloat,
}

impl Model {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::SinglePhase, Self::ThreePhase, Self::SinglePhaseFloat, Self::ThreePhaseFloat];

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::SinglePhase => 201,
            Self::ThreePhase => 203,
            Self::SinglePhaseFloat => 211,
            Self::ThreePhaseFloat => 213,
        }
    }

    const fn is_float(self) -> bool {
        matches!(self, Self::SinglePhaseFloat | Self::ThreePhaseFloat)
    }

    const fn length(self) -> u16 {
        if self.is_float() { 124 } else { 105 }
    }
}

/// Why something cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There are no such registers.
    Address,
    /// No register, or more than an answer holds.
    Count,
    /// There is no fresh value.
    NoValue,
}

/// A meter of this kind.
#[derive(Debug, Clone)]
pub struct Layout {
    /// How it writes what it measures.
    pub model: Model,
    /// Its serial number.
    pub serial: String,
    /// One number is so many powers of ten of W; readers take it for constant.
    pub scale_of_watts: i16,
}

impl Layout {
    /// Reads so many registers from an address on.
    ///
    /// # Errors
    /// Not here, not so many, or no fresh value.
    pub fn read(&self, address: u16, count: u16, total: Option<&Total>) -> Result<Vec<u16>, Refusal> {
        if count == 0 || count > COUNT_MAX {
            return Err(Refusal::Count);
        }
        let (first, end) = (u32::from(address), u32::from(address) + u32::from(count));
        let measured = u32::from(MEASURED)..u32::from(MEASURED + self.model.length());
        if total.is_none() && first < measured.end && end > measured.start {
            return Err(Refusal::NoValue);
        }
        let from = usize::from(address.checked_sub(BASE).ok_or(Refusal::Address)?);
        let all = self.all(total);
        all.get(from..from + usize::from(count)).map(<[u16]>::to_vec).ok_or(Refusal::Address)
    }

    fn all(&self, total: Option<&Total>) -> Vec<u16> {
        let mut all = vec![0x5375, 0x6e53, 1, 65];
        for (text, length) in [("Fronius", 16), ("Smart Meter 63A", 16), ("", 8), ("1.0", 8), (self.serial.as_str(), 16)] {
            all.extend(text_registers(text, length));
        }
        all.extend([1, self.model.number(), self.model.length()]);
        all.extend(match total {
            None => vec![0; usize::from(self.model.length())],
            Some(total) if self.model.is_float() => floats(&Measured::of(total)),
            Some(total) => self.integers(&Measured::of(total)),
        });
        all.extend([0xffff, 0]);
        all
    }

    /// Models 201 and 203.
    fn integers(&self, of: &Measured) -> Vec<u16> {
        let mut block = Block(vec![0; usize::from(self.model.length())]);
        let scaled = [
            (0, &of.amperes, 4, -2),
            (5, &of.volts, 13, -1),
            (16, &of.watts, 20, self.scale_of_watts),
            (21, &of.volt_amperes, 25, self.scale_of_watts),
            (31, &of.factors, 35, -2),
        ];
        for (place, values, place_of_scale, scale) in scaled {
            values.iter().enumerate().for_each(|(n, value)| block.integer(place + n, value / 10_f64.powi(scale.into())));
            block.integer(place_of_scale, scale.into());
        }
        block.integer(14, NOMINAL_HERTZ * 100.0);
        block.integer(15, -2.0);
        block.counter(36, of.injected);
        block.counter(44, of.drawn);
        block.0
    }
}

/// What is measured: of all phases, then of each.
struct Measured {
    amperes: [f64; 4],
    volts: [f64; 4],
    watts: [f64; 4],
    volt_amperes: [f64; 4],
    factors: [f64; 4],
    injected: u64,
    drawn: u64,
}

impl Measured {
    fn of(total: &Total) -> Self {
        let reading = &total.reading;
        let each = |of: fn(&Phase) -> f64| -> [f64; PHASES] { [0, 1, 2].map(|n| reading.phases.get(n).map_or(0.0, of)) };
        let with_sum = |each: [f64; PHASES]| [each.iter().sum(), each[0], each[1], each[2]];
        let volts = each(|phase| phase.voltage.unwrap_or(NOMINAL_VOLTS));
        let mut watts = with_sum(each(|phase| phase.power));
        watts[0] = reading.power;
        Self {
            amperes: with_sum(each(current)),
            volts: [volts[0], volts[0], volts[1], volts[2]],
            factors: with_sum(each(factor)).map(|factor| factor.clamp(-1.0, 1.0)),
            volt_amperes: with_sum(each(|phase| phase.apparent.abs())),
            watts,
            injected: reading.injected.unwrap_or_default(),
            drawn: reading.drawn.unwrap_or_default(),
        }
    }
}

fn current(phase: &Phase) -> f64 {
    phase.current.unwrap_or_else(|| phase.apparent.abs() / phase.voltage.unwrap_or(NOMINAL_VOLTS))
}

fn factor(phase: &Phase) -> f64 {
    if phase.apparent == 0.0 { 0.0 } else { phase.power / phase.apparent }
}

/// Models 211 and 213.
fn floats(of: &Measured) -> Vec<u16> {
    let mut block = Block(vec![0; usize::from(Model::ThreePhaseFloat.length())]);
    for (place, values) in [(0, &of.amperes), (8, &of.volts), (26, &of.watts), (34, &of.volt_amperes), (50, &of.factors)] {
        values.iter().enumerate().for_each(|(n, value)| block.float(place + 2 * n, *value));
    }
    block.float(24, NOMINAL_HERTZ);
    block.float(58, watt_hours(of.injected));
    block.float(66, watt_hours(of.drawn));
    block.0
}

#[expect(clippy::cast_precision_loss, reason = "an index has nine digits")]
fn watt_hours(wh: u64) -> f64 {
    wh as f64
}

/// The registers of one measurement.
struct Block(Vec<u16>);

impl Block {
    fn put<const N: usize>(&mut self, place: usize, registers: [u16; N]) {
        if let Some(target) = self.0.get_mut(place..place + N) {
            target.copy_from_slice(&registers);
        }
    }

    /// The lowest number means "not there", so it is not used.
    #[expect(clippy::cast_possible_truncation, reason = "it was brought into range")]
    fn integer(&mut self, place: usize, value: f64) {
        let number = value.round().clamp(f64::from(i16::MIN + 1), f64::from(i16::MAX)) as i16;
        self.put(place, [number.cast_unsigned()]);
    }

    #[expect(clippy::cast_possible_truncation, reason = "24 bits are what the model has")]
    fn float(&mut self, place: usize, value: f64) {
        let [a, b, c, d] = (value as f32).to_be_bytes();
        self.put(place, [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]);
    }

    fn counter(&mut self, place: usize, wh: u64) {
        let [a, b, c, d] = u32::try_from(wh).unwrap_or(u32::MAX).to_be_bytes();
        self.put(place, [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]);
    }
}

fn text_registers(text: &str, length: usize) -> Vec<u16> {
    let mut bytes = text.bytes().chain(std::iter::repeat(0));
    let mut next = || bytes.next().unwrap_or_default();
    (0..length).map(|_| u16::from_be_bytes([next(), next()])).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::grid_meter::shelly::values::tests::total;

    fn layout(model: Model) -> Layout {
        Layout { model, serial: "0e1861000001".into(), scale_of_watts: 0 }
    }

    fn float(registers: &[u16]) -> f32 {
        f32::from_bits(u32::from(registers[0]) << 16 | u32::from(registers[1]))
    }

    #[test]
    fn each_value_stands_where_the_model_has_it() {
        let total = total();
        let floats = layout(Model::ThreePhaseFloat);
        let at = |address| float(&floats.read(address, 2, Some(&total)).unwrap());
        assert_eq!((at(40_097), at(40_099), at(40_101)), (-412.0, -412.0, 0.0));
        assert_eq!((at(40_129), at(40_137), at(40_095)), (1_101_330.0, 27_785_280.0, 50.0));
        let integers = layout(Model::ThreePhase);
        let at = |address| integers.read(address, 1, Some(&total)).unwrap()[0].cast_signed();
        assert_eq!((at(40_087), at(40_091), at(40_071), at(40_075), at(40_076), at(40_084)), (-412, 0, 179, -2, 2_340, -1));
        let counter = integers.read(40_115, 2, Some(&total)).unwrap();
        assert_eq!(u32::from(counter[0]) << 16 | u32::from(counter[1]), 27_785_280);
    }

    #[test]
    fn who_it_is_can_be_read_without_a_value_and_nothing_else() {
        for model in Model::ALL {
            let layout = layout(model);
            assert_eq!(layout.read(40_000, 4, None).unwrap(), [0x5375, 0x6e53, 1, 65]);
            assert_eq!(layout.read(40_069, 2, None).unwrap(), [model.number(), model.length()]);
            assert_eq!(layout.read(MEASURED + model.length(), 2, None).unwrap(), [0xffff, 0]);
            assert_eq!(layout.read(40_070, 2, None), Err(Refusal::NoValue));
            assert_eq!(layout.read(MEASURED + model.length() - 1, 1, None), Err(Refusal::NoValue));
        }
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let layout = layout(Model::ThreePhaseFloat);
        for (address, count, expected) in [
            (0, 3, Refusal::Address),
            (50_000, 3, Refusal::Address),
            (40_197, 1, Refusal::Address),
            (40_000, 0, Refusal::Count),
            (40_000, 126, Refusal::Count),
        ] {
            assert_eq!(layout.read(address, count, Some(&total())), Err(expected), "{address}");
        }
    }

    #[test]
    fn a_power_too_large_is_the_largest_and_several_meters_have_another_scale() {
        let mut total = total();
        total.reading.power = 40_000.0;
        let at = |scale_of_watts| Layout { scale_of_watts, ..layout(Model::ThreePhase) }.read(40_087, 1, Some(&total)).unwrap()[0];
        assert_eq!((at(0), at(1)), (32_767, 4_000));
    }

    proptest! {
        #[test]
        fn any_split_reads_the_same(address in any::<u16>(), count in any::<u16>(), split in 1_u16..125) {
            let (layout, total) = (layout(Model::ThreePhaseFloat), total());
            if let Ok(whole) = layout.read(address, count, Some(&total)) {
                prop_assert_eq!(whole.len(), usize::from(count));
                if split < count {
                    let mut parts = layout.read(address, split, Some(&total)).unwrap();
                    parts.extend(layout.read(address + split, count - split, Some(&total)).unwrap());
                    prop_assert_eq!(whole, parts);
                }
            }
        }
    }
}
