//! The values of enumerations: the code that stands in our JSON, and the words shown for it.

use crate::{homeassistant::entity::Choice, words::language::Words};

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
    choice("base", "Base", "Base"),
    choice("hc", "Peak / off-peak", "Heures creuses"),
    choice("ejp", "EJP", "EJP"),
    choice("tempo", "Tempo", "Tempo"),
];

/// The colour of a Tempo day that has begun.
pub(super) const COLOUR: &[Choice] = &[choice("blue", "Blue", "Bleu"), choice("white", "White", "Blanc"), choice("red", "Red", "Rouge")];

/// The colour of tomorrow; until about 20:00 it is not announced.
pub(super) const TOMORROW: &[Choice] = &[
    choice("unknown", "Not announced", "Non annoncé"),
    choice("blue", "Blue", "Bleu"),
    choice("white", "White", "Blanc"),
    choice("red", "Red", "Rouge"),
];

/// STGE bits 1 to 3, under the names of [`teleinfo_proto::tic::CutOff::name`].
pub(super) const CUT_OFF_DEVICE: &[Choice] = &[
    choice("closed", "Closed", "Fermé"),
    choice("open-over-power", "Open: over-power", "Ouvert : surpuissance"),
    choice("open-over-voltage", "Open: over-voltage", "Ouvert : surtension"),
    choice("open-load-shedding", "Open: load shedding", "Ouvert : délestage"),
    choice("open-remote-order", "Open: remote order", "Ouvert : ordre CPL ou Euridis"),
    choice(
        "open-overheating-above-switching-current",
        "Open: overheating, current too high to switch",
        "Ouvert : surchauffe, courant trop fort pour couper",
    ),
    choice("open-overheating", "Open: overheating", "Ouvert : surchauffe"),
];

/// STGE bits 19 and 20.
pub(super) const EURIDIS: &[Choice] = &[
    choice("off", "Off", "Désactivée"),
    choice("on-without-security", "On", "Activée sans sécurité"),
    choice("on-with-security", "On, with security", "Activée avec sécurité"),
];

/// STGE bits 21 and 22.
pub(super) const PLC: &[Choice] = &[
    choice("new-unlocked", "New, unlocked", "Nouveau, déverrouillé"),
    choice("new-locked", "New, locked", "Nouveau, verrouillé"),
    choice("registered", "Registered", "Enregistré"),
];

/// What the mode of the meter's output is.
pub(super) const MODE: &[Choice] = &[choice("historic", "Historic", "Historique"), choice("standard", "Standard", "Standard")];

/// What the serial line is doing.
pub(super) const LINE: &[Choice] = &[
    choice("absent", "No serial device", "Pas de port série"),
    choice("denied", "No permission", "Accès refusé"),
    choice("busy", "Port in use", "Port occupé"),
    choice("silent", "Silent", "Silencieuse"),
    choice("searching", "Nothing readable", "Rien de lisible"),
    choice("reading", "Reading", "En lecture"),
    choice("unreachable", "Reader not reachable", "Lecteur injoignable"),
];

/// The events of a meter; the codes are their types, never translated.
pub(super) const EVENTS: &[Choice] = &[
    choice("overload_begin", "", ""),
    choice("overload_end", "", ""),
    choice("tariff_change", "", ""),
    choice("contract_change", "", ""),
    choice("tempo_announcement", "", ""),
    choice("peak_notice", "", ""),
    choice("peak_begin", "", ""),
    choice("peak_end", "", ""),
    choice("mode_change", "", ""),
    choice("cut_off_change", "", ""),
    choice("message", "", ""),
    choice("index_reset", "", ""),
    choice("history_filled", "", ""),
];
