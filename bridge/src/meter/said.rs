//! What the merged state says of hours and of Tempo's colour, as [`crate::hours`] takes it. Nothing is taken from LTARF or from the contact.

use teleinfo_proto::tic::{Colour, Role, TariffPeriod, Value};

use crate::{
    hours::{
        calendar::Said,
        off_peak::{SaidHours, Tariff},
    },
    meter::{profile_hours::ProfileHours, state::State, tariff_names::squeeze},
};

/// What a state says, read with what was learnt of its hours.
#[must_use]
pub fn said(state: &State, hours: ProfileHours) -> Said {
    let tariff = tariff(state);
    Said {
        hours: SaidHours {
            contract: contract(state),
            tariff,
            today: day_number(state, "NJOURF"),
            tomorrow: day_number(state, "NJOURF+1"),
            profile: match state.value("PJOURF+1") {
                Some(Value::DayProfile(profile)) => hours.blocks(&profile),
                _ => None,
            },
        },
        colour: tariff.and_then(|tariff| colour(state, tariff)),
        date: state.time("DATE").map(|date| date.unix_seconds()),
    }
}

fn tariff(state: &State) -> Option<Tariff> {
    match state.value("PTEC") {
        Some(Value::Period(period)) => Some(Tariff::Period(period)),
        _ => Some(Tariff::Index(state.number("NTARF")?.try_into().ok()?)),
    }
}

fn contract(state: &State) -> Option<String> {
    state.with_role(Role::Contract).map(|dataset| squeeze(dataset.data()))
}

fn day_number(state: &State, label: &str) -> Option<u8> {
    state.number(label)?.try_into().ok()
}

/// By the index, two for each colour (54E §6.1.1): the bits of STGE may still hold the day before. They only tell that days have colours.
fn colour(state: &State, tariff: Tariff) -> Option<Colour> {
    match (tariff, state.value("STGE")) {
        (Tariff::Period(TariffPeriod::Tempo(colour, _)), _) => Some(colour),
        (Tariff::Index(index @ 1..=6), Some(Value::Status(register))) if register.today().is_some() => {
            Colour::ALL.get(usize::from(index - 1) / 2).copied()
        }
        _ => None,
    }
}
