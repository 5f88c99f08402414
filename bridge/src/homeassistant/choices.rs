//! The values of enumerations: the code that stands in our JSON, and the words shown for it.
//!
//! A code that the protocol names is not spelled here again: it is the name of the enum's variant.

use teleinfo_proto::{
    tic::{Colour, CutOff, EuridisOutput, PlcStatus, TariffOption},
    wire::LineState,
};

use crate::{
    homeassistant::entity::Choice,
    meter::{
        figures::{MEASURED, UNSEEN},
        reception,
    },
    words::language::Words,
};

const fn choice(code: &'static str, english: &'static str, french: &'static str) -> Choice {
    (code, Words::new(english, french))
}

/// PTEC on a flat-rate contract.
pub(super) const TARIFF_BASE: &[Choice] = &[choice("TH", "All hours", "Toutes heures")];

/// PTEC on a peak and off-peak contract.
pub(super) const TARIFF_HC: &[Choice] = &[choice("HC", "Off-peak (HC)", "Heures creuses"), choice("HP", "Peak (HP)", "Heures pleines")];

/// PTEC on an EJP contract.
pub(super) const TARIFF_EJP: &[Choice] = &[choice("HN", "Normal hours", "Heures normales"), choice("PM", "Mobile peak", "Pointe mobile")];

/// PTEC on a Tempo contract.
pub(super) const TARIFF_TEMPO: &[Choice] = &[
    choice("HCJB", "Blue off-peak (HC)", "Bleu heures creuses"),
    choice("HPJB", "Blue peak (HP)", "Bleu heures pleines"),
    choice("HCJW", "White off-peak (HC)", "Blanc heures creuses"),
    choice("HPJW", "White peak (HP)", "Blanc heures pleines"),
    choice("HCJR", "Red off-peak (HC)", "Rouge heures creuses"),
    choice("HPJR", "Red peak (HP)", "Rouge heures pleines"),
];

/// OPTARIF.
pub(super) const CONTRACT: &[Choice] = &[
    choice(TariffOption::Base.name(), "Base", "Base"),
    choice(TariffOption::OffPeak.name(), "Peak / off-peak", "Heures creuses"),
    choice(TariffOption::Ejp.name(), "EJP", "EJP"),
    choice(TariffOption::Tempo.name(), "Tempo", "Tempo"),
];

/// The colour of a Tempo day that has begun.
pub(super) const COLOUR: &[Choice] = &[
    choice(Colour::Blue.name(), "Blue", "Bleu"),
    choice(Colour::White.name(), "White", "Blanc"),
    choice(Colour::Red.name(), "Red", "Rouge"),
];

/// The colour of tomorrow; until about 20:00 it is not announced.
pub(super) const TOMORROW: &[Choice] = &[choice("unknown", "Not announced", "Non annoncé"), COLOUR[0], COLOUR[1], COLOUR[2]];

/// STGE bits 1 to 3.
#[rustfmt::skip]
pub(super) const CUT_OFF_DEVICE: &[Choice] = &[
    choice(CutOff::Closed.name(),             "Closed",              "Fermé"),
    choice(CutOff::OpenOverPower.name(),      "Open: over-power",    "Ouvert : surpuissance"),
    choice(CutOff::OpenOverVoltage.name(),    "Open: over-voltage",  "Ouvert : surtension"),
    choice(CutOff::OpenLoadShedding.name(),   "Open: load shedding", "Ouvert : délestage"),
    choice(CutOff::OpenRemoteOrder.name(),    "Open: remote order",  "Ouvert : ordre CPL ou Euridis"),
    choice(CutOff::OpenOverheatingAboveSwitchingCurrent.name(), "Open: overheating, current too high to switch", "Ouvert : surchauffe, courant trop fort pour couper"),
    choice(CutOff::OpenOverheating.name(),    "Open: overheating",   "Ouvert : surchauffe"),
];

/// STGE bits 19 and 20.
pub(super) const EURIDIS: &[Choice] = &[
    choice(EuridisOutput::Off.name(), "Off", "Désactivée"),
    choice(EuridisOutput::OnWithoutSecurity.name(), "On", "Activée sans sécurité"),
    choice(EuridisOutput::OnWithSecurity.name(), "On, with security", "Activée avec sécurité"),
];

/// STGE bits 21 and 22.
pub(super) const PLC: &[Choice] = &[
    choice(PlcStatus::NewUnlocked.name(), "New, unlocked", "Nouveau, déverrouillé"),
    choice(PlcStatus::NewLocked.name(), "New, locked", "Nouveau, verrouillé"),
    choice(PlcStatus::Registered.name(), "Registered", "Enregistré"),
];

/// What the mode of the meter's output is.
pub(super) const MODE: &[Choice] = &[choice("historic", "Historic", "Historique"), choice("standard", "Standard", "Standard")];

/// What the meter says of the energy that is injected.
pub(super) const INJECTION: &[Choice] = &[
    choice(MEASURED, "Measured by the meter", "Mesurée par le compteur"),
    choice(UNSEEN, "Not measured: ask Enedis for producer mode", "Non mesurée : demandez à Enedis le mode producteur"),
];

/// What the serial line is doing.
pub(super) const LINE: &[Choice] = &[
    choice(LineState::Absent.name(), "No serial device", "Pas de port série"),
    choice(LineState::Denied.name(), "No permission", "Accès refusé"),
    choice(LineState::Busy.name(), "Port in use", "Port occupé"),
    choice(LineState::Silent.name(), "Silent", "Silencieuse"),
    choice(LineState::Searching.name(), "Nothing readable", "Rien de lisible"),
    choice(LineState::Reading.name(), "Reading", "En lecture"),
    choice(reception::UNREACHABLE, "Reader not reachable", "Lecteur injoignable"),
];
