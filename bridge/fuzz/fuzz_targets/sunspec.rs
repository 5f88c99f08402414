//! Any registers of a SunSpec meter: as many as were asked for, or a refusal, and never a measurement where there is none.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teleinfo_bridge_fuzz::{
    Measured,
    grid_meter::sunspec::registers::{Layout, Model, Refusal},
};

/// Where identity ends and the measurement begins, in the register map of the specification.
const MEASURED: u32 = 40_071;
const SHORTEST_MODEL: u32 = 105;

#[derive(arbitrary::Arbitrary, Debug)]
struct Input {
    measured: Option<Measured>,
    model: u8,
    serial: String,
    scale: bool,
    address: u16,
    count: u16,
}

fuzz_target!(|input: Input| {
    let model = Model::ALL[usize::from(input.model) % Model::ALL.len()];
    let layout = Layout { model, serial: input.serial, scale_of_watts: i16::from(input.scale) };
    let total = input.measured.as_ref().map(Measured::total);
    // Most addresses are far from all registers.
    for address in [input.address, 40_000 + input.address % 256] {
        match layout.read(address, input.count, total.as_ref()) {
            Ok(registers) => {
                assert_eq!(registers.len(), usize::from(input.count));
                let (first, end) = (u32::from(address), u32::from(address) + u32::from(input.count));
                assert!(total.is_some() || first >= MEASURED + SHORTEST_MODEL || end <= MEASURED, "a measurement that is none");
            }
            Err(Refusal::NoValue) => assert!(total.is_none()),
            Err(Refusal::Count) => assert!(input.count == 0 || input.count > 125),
            Err(Refusal::Address) => {}
        }
    }
});
