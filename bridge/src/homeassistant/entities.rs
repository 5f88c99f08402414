//! The entity table: one line per thing a person cares about, in both modes.
//!
//! What both modes know under different labels (PAPP and SINSTS) is one line, by the role of these labels: it stays one entity, with its
//! history, when Enedis changes the mode. Two lines share a key where its values differ too. Energy indexes never share one: BASE may be a
//! supplier index or the total, and taking one for the other would show years of consumption in an hour.

use teleinfo_proto::tic::Role::{
    Current, CutOffPower, EnergyInjected, PhasePowerWithdrawn, PowerInjected, PowerWithdrawn, SubscribedCurrent, SubscribedPower, Voltage,
};

use super::{
    choices::{
        COLOUR, CONTRACT, CUT_OFF_DEVICE, EURIDIS, INJECTION, LINE, MODE, PLC, TARIFF_BASE, TARIFF_EJP, TARIFF_HC, TARIFF_TEMPO, TOMORROW,
    },
    entity::{
        Attributes::{Blocks, Derived as Fields, Power as OfPower},
        Choice, Entity,
        Need::{Always, Feature, Label, PriceOf, Prices, Role},
        Source::{Availability, Decoded, Derived, Power, Quality, Time},
    },
    shown::Feature::{
        ContractBase, ContractEjp, ContractOffPeak, ContractTempo, Index, Injecting, InjectingUnseen, MaxPowerOfLinky, MaxPowerOfOlder,
        OffPeakHours, Overload, Peak, PeakDates, Relay, Tempo,
    },
};
use crate::words::{checksum::checksum, language::Language};

/// All entities there can be.
pub fn all() -> impl Iterator<Item = &'static Entity> {
    [ENERGY, POWER, TARIFF, PRICES, STATE, EVENTS, PME_PMI, RECEPTION].into_iter().flatten()
}

/// What tells the words of all choices from those of another language or of another release.
#[must_use]
pub fn wording(language: Language) -> String {
    let words: Vec<&str> = all().flat_map(|entity| entity.options(language)).collect();
    checksum(words.join("\n").as_bytes())
}

/// All choices that an entity of this key has in any form. Where it is text, it shows their words too: when Enedis changes the mode, a state
/// comes before the form that it belongs to, and must be one of the choices of that form.
pub fn choices_of_other_forms(key: &str) -> Vec<&'static Choice> {
    all().filter(|entity| entity.key == key).flat_map(|entity| entity.choices).collect()
}

#[rustfmt::skip]
const ENERGY: &[Entity] = &[
    Entity::label("energy_base",     "BASE",    "Energy BASE",                    "Énergie BASE").energy(),
    Entity::label("energy_hchc",     "HCHC",    "Energy HC (off-peak)",           "Énergie HC (heures creuses)").energy(),
    Entity::label("energy_hchp",     "HCHP",    "Energy HP (peak)",               "Énergie HP (heures pleines)").energy(),
    Entity::label("energy_ejphn",    "EJPHN",   "Energy EJP normal hours",        "Énergie EJP heures normales").energy(),
    Entity::label("energy_ejphpm",   "EJPHPM",  "Energy EJP mobile peak",         "Énergie EJP pointe mobile").energy(),
    Entity::label("energy_bbrhcjb",  "BBRHCJB", "Energy Tempo blue HC",           "Énergie Tempo bleu HC").energy(),
    Entity::label("energy_bbrhpjb",  "BBRHPJB", "Energy Tempo blue HP",           "Énergie Tempo bleu HP").energy(),
    Entity::label("energy_bbrhcjw",  "BBRHCJW", "Energy Tempo white HC",          "Énergie Tempo blanc HC").energy(),
    Entity::label("energy_bbrhpjw",  "BBRHPJW", "Energy Tempo white HP",          "Énergie Tempo blanc HP").energy(),
    Entity::label("energy_bbrhcjr",  "BBRHCJR", "Energy Tempo red HC",            "Énergie Tempo rouge HC").energy(),
    Entity::label("energy_bbrhpjr",  "BBRHPJR", "Energy Tempo red HP",            "Énergie Tempo rouge HP").energy(),
    Entity::sensor("energy_total", Feature(Index), Derived("energy_total"), "Energy total", "Énergie totale").energy(),
    Entity::label("energy_easf01",   "EASF01",  "Energy index 1",                 "Énergie index 1").energy(),
    Entity::label("energy_easf02",   "EASF02",  "Energy index 2",                 "Énergie index 2").energy(),
    Entity::label("energy_easf03",   "EASF03",  "Energy index 3",                 "Énergie index 3").energy(),
    Entity::label("energy_easf04",   "EASF04",  "Energy index 4",                 "Énergie index 4").energy(),
    Entity::label("energy_easf05",   "EASF05",  "Energy index 5",                 "Énergie index 5").energy(),
    Entity::label("energy_easf06",   "EASF06",  "Energy index 6",                 "Énergie index 6").energy(),
    Entity::label("energy_easf07",   "EASF07",  "Energy index 7",                 "Énergie index 7").energy(),
    Entity::label("energy_easf08",   "EASF08",  "Energy index 8",                 "Énergie index 8").energy(),
    Entity::label("energy_easf09",   "EASF09",  "Energy index 9",                 "Énergie index 9").energy(),
    Entity::label("energy_easf10",   "EASF10",  "Energy index 10",                "Énergie index 10").energy(),
    Entity::label("energy_easd01",   "EASD01",  "Energy distributor index 1",     "Énergie index distributeur 1").energy().hidden(),
    Entity::label("energy_easd02",   "EASD02",  "Energy distributor index 2",     "Énergie index distributeur 2").energy().hidden(),
    Entity::label("energy_easd03",   "EASD03",  "Energy distributor index 3",     "Énergie index distributeur 3").energy().hidden(),
    Entity::label("energy_easd04",   "EASD04",  "Energy distributor index 4",     "Énergie index distributeur 4").energy().hidden(),
    Entity::label("energy_injected", "EAIT",    "Energy injected",                "Énergie injectée").energy(),
    Entity::label("reactive_energy_q1", "ERQ1", "Reactive energy Q1",             "Énergie réactive Q1").reactive_energy().diagnostic(),
    Entity::label("reactive_energy_q2", "ERQ2", "Reactive energy Q2",             "Énergie réactive Q2").reactive_energy().diagnostic(),
    Entity::label("reactive_energy_q3", "ERQ3", "Reactive energy Q3",             "Énergie réactive Q3").reactive_energy().diagnostic(),
    Entity::label("reactive_energy_q4", "ERQ4", "Reactive energy Q4",             "Énergie réactive Q4").reactive_energy().diagnostic(),
];

#[rustfmt::skip]
const POWER: &[Entity] = &[
    Entity::sensor("grid_power", Role(PowerWithdrawn), Power("power"), "Grid power", "Puissance réseau").power().attributes(OfPower(&["resolution", "method"])),
    Entity::sensor("headroom_va", Feature(Overload), Derived("headroom_va"), "Head-room", "Marge avant coupure").apparent_power().diagnostic(),
    Entity::sensor("headroom_a",  Feature(Overload), Derived("headroom_a"),  "Head-room in amperes", "Marge avant coupure en ampères").current().hidden(),
    Entity::sensor("share",       Feature(Overload), Derived("share"),       "Share of cut-off power", "Part de la puissance de coupure").percent().icon("mdi:gauge").hidden(),
    Entity::sensor("cutoff_s",    Feature(Overload), Derived("cutoff_s"),    "Time until cut-off", "Temps avant coupure").seconds().attributes(Fields(&["cutoff_method"])).diagnostic(),
    Entity::sensor("injection", Feature(InjectingUnseen), Derived("injection"), "Injected energy", "Énergie injectée : mesure").choices(INJECTION).icon("mdi:solar-power").diagnostic(),
    Entity::role("apparent_power",    PowerWithdrawn,         "Apparent power",         "Puissance apparente").apparent_power().diagnostic(),
    Entity::role("apparent_power_1",  PhasePowerWithdrawn(1), "Apparent power phase 1", "Puissance apparente phase 1").apparent_power().diagnostic(),
    Entity::role("apparent_power_2",  PhasePowerWithdrawn(2), "Apparent power phase 2", "Puissance apparente phase 2").apparent_power().diagnostic(),
    Entity::role("apparent_power_3",  PhasePowerWithdrawn(3), "Apparent power phase 3", "Puissance apparente phase 3").apparent_power().diagnostic(),
    Entity::role("apparent_power_injected", PowerInjected, "Apparent power injected", "Puissance apparente injectée").apparent_power().diagnostic(),
    Entity::sensor("power_estimated", Feature(Index), Derived("power"), "Estimated power", "Puissance estimée").power().diagnostic()
        .attributes(Fields(&["power_resolution", "power_window"])),
    Entity::sensor("power_injected_estimated", Role(EnergyInjected), Derived("power_injected"), "Estimated power injected", "Puissance injectée estimée").power().diagnostic()
        .attributes(Fields(&["power_injected_resolution", "power_injected_window"])),
    Entity::role("current",   Current(1), "Current",         "Intensité").current().single().diagnostic(),
    Entity::role("current_1", Current(1), "Current phase 1", "Intensité phase 1").current().three().diagnostic(),
    Entity::role("current_2", Current(2), "Current phase 2", "Intensité phase 2").current().three().diagnostic(),
    Entity::role("current_3", Current(3), "Current phase 3", "Intensité phase 3").current().three().diagnostic(),
    Entity::role("voltage",   Voltage(1),  "Voltage",         "Tension").voltage().single().diagnostic(),
    Entity::role("voltage_1", Voltage(1),  "Voltage phase 1", "Tension phase 1").voltage().three().diagnostic(),
    Entity::role("voltage_2", Voltage(2),  "Voltage phase 2", "Tension phase 2").voltage().diagnostic(),
    Entity::role("voltage_3", Voltage(3),  "Voltage phase 3", "Tension phase 3").voltage().diagnostic(),
    Entity::label("mean_voltage",   "UMOY1", "Mean voltage",         "Tension moyenne").voltage().timed("UMOY1").single().hidden(),
    Entity::label("mean_voltage_1", "UMOY1", "Mean voltage phase 1", "Tension moyenne phase 1").voltage().timed("UMOY1").three().hidden(),
    Entity::label("mean_voltage_2", "UMOY2", "Mean voltage phase 2", "Tension moyenne phase 2").voltage().timed("UMOY2").hidden(),
    Entity::label("mean_voltage_3", "UMOY3", "Mean voltage phase 3", "Tension moyenne phase 3").voltage().timed("UMOY3").hidden(),
    Entity::sensor("subscribed_power", Role(SubscribedCurrent), Derived("subscribed_power"), "Subscribed power", "Puissance souscrite").fixed_power().diagnostic(),
    Entity::sensor("subscribed_power", Role(SubscribedPower),   Derived("subscribed_power"), "Subscribed power", "Puissance souscrite").fixed_power().diagnostic(),
    Entity::sensor("cut_off_power",    Role(CutOffPower),       Derived("cut_off_power"),    "Cut-off power",    "Puissance de coupure").fixed_power().diagnostic(),
    Entity::role("subscribed_current", SubscribedCurrent, "Subscribed current", "Intensité souscrite").fixed_current().diagnostic(),
    Entity::label("max_current",   "IMAX",  "Highest current",         "Intensité maximale").fixed_current().diagnostic(),
    Entity::label("max_current_1", "IMAX1", "Highest current phase 1", "Intensité maximale phase 1").fixed_current().diagnostic(),
    Entity::label("max_current_2", "IMAX2", "Highest current phase 2", "Intensité maximale phase 2").fixed_current().diagnostic(),
    Entity::label("max_current_3", "IMAX3", "Highest current phase 3", "Intensité maximale phase 3").fixed_current().diagnostic(),
    // A Linky puts yesterday's highest apparent power there, older meters the highest active power.
    Entity::label("max_power_yesterday", "PMAX", "Highest power yesterday", "Puissance maximale de la veille").fixed_power().needs(Feature(MaxPowerOfLinky)).diagnostic(),
    Entity::label("max_power", "PMAX", "Highest power", "Puissance maximale").power().needs(Feature(MaxPowerOfOlder)).diagnostic(),
    Entity::label("max_power_today",     "SMAXSN",    "Highest power today",             "Puissance maximale du jour").fixed_power().timed("SMAXSN").diagnostic(),
    Entity::label("max_power_today",     "SMAXN",     "Highest power today",             "Puissance maximale du jour").fixed_power().timed("SMAXN").diagnostic(),
    Entity::label("max_power_today_1",   "SMAXSN1",   "Highest power today phase 1",     "Puissance maximale du jour phase 1").fixed_power().timed("SMAXSN1").hidden(),
    Entity::label("max_power_today_2",   "SMAXSN2",   "Highest power today phase 2",     "Puissance maximale du jour phase 2").fixed_power().timed("SMAXSN2").hidden(),
    Entity::label("max_power_today_3",   "SMAXSN3",   "Highest power today phase 3",     "Puissance maximale du jour phase 3").fixed_power().timed("SMAXSN3").hidden(),
    Entity::label("max_power_yesterday", "SMAXSN-1",  "Highest power yesterday",         "Puissance maximale de la veille").fixed_power().timed("SMAXSN-1").diagnostic(),
    Entity::label("max_power_yesterday", "SMAXN-1",   "Highest power yesterday",         "Puissance maximale de la veille").fixed_power().timed("SMAXN-1").diagnostic(),
    Entity::label("max_power_yesterday_1", "SMAXSN1-1", "Highest power yesterday phase 1", "Puissance maximale de la veille phase 1").fixed_power().timed("SMAXSN1-1").hidden(),
    Entity::label("max_power_yesterday_2", "SMAXSN2-1", "Highest power yesterday phase 2", "Puissance maximale de la veille phase 2").fixed_power().timed("SMAXSN2-1").hidden(),
    Entity::label("max_power_yesterday_3", "SMAXSN3-1", "Highest power yesterday phase 3", "Puissance maximale de la veille phase 3").fixed_power().timed("SMAXSN3-1").hidden(),
    Entity::label("max_injected_today",     "SMAXIN",   "Highest power injected today",     "Puissance injectée maximale du jour").fixed_power().timed("SMAXIN").diagnostic(),
    Entity::label("max_injected_yesterday", "SMAXIN-1", "Highest power injected yesterday", "Puissance injectée maximale de la veille").fixed_power().timed("SMAXIN-1").hidden(),
    Entity::sensor("max_power_today_time", Label("SMAXSN"), Time("SMAXSN"), "Time of highest power today", "Heure de la puissance maximale du jour").timestamp().hidden(),
    Entity::sensor("max_power_today_time", Label("SMAXN"),  Time("SMAXN"),  "Time of highest power today", "Heure de la puissance maximale du jour").timestamp().hidden(),
    Entity::sensor("max_power_yesterday_time", Label("SMAXSN-1"), Time("SMAXSN-1"), "Time of highest power yesterday", "Heure de la puissance maximale de la veille").timestamp().hidden(),
    Entity::sensor("max_power_yesterday_time", Label("SMAXN-1"),  Time("SMAXN-1"),  "Time of highest power yesterday", "Heure de la puissance maximale de la veille").timestamp().hidden(),
    Entity::sensor("max_injected_today_time", Label("SMAXIN"), Time("SMAXIN"), "Time of highest power injected today", "Heure de la puissance injectée maximale du jour").timestamp().hidden(),
    Entity::label("load_curve",          "CCASN",   "Mean power of the last period", "Puissance moyenne de la dernière période").power().timed("CCASN").diagnostic(),
    Entity::label("load_curve_previous", "CCASN-1", "Mean power of the period before", "Puissance moyenne de la période précédente").power().timed("CCASN-1").hidden(),
    Entity::label("load_curve_injected",          "CCAIN",   "Mean power injected of the last period", "Puissance moyenne injectée de la dernière période").power().timed("CCAIN").diagnostic(),
    Entity::label("load_curve_injected_previous", "CCAIN-1", "Mean power injected of the period before", "Puissance moyenne injectée de la période précédente").power().timed("CCAIN-1").hidden(),
];

#[rustfmt::skip]
const TARIFF: &[Entity] = &[
    Entity::sensor("tariff", Feature(ContractBase),    Derived("tariff"), "Tariff", "Tarif en cours").choices(TARIFF_BASE).icon("mdi:clock-outline"),
    Entity::sensor("tariff", Feature(ContractOffPeak), Derived("tariff"), "Tariff", "Tarif en cours").choices(TARIFF_HC).icon("mdi:clock-outline"),
    Entity::sensor("tariff", Feature(ContractEjp),     Derived("tariff"), "Tariff", "Tarif en cours").choices(TARIFF_EJP).icon("mdi:clock-outline"),
    Entity::sensor("tariff", Feature(ContractTempo),   Derived("tariff"), "Tariff", "Tarif en cours").choices(TARIFF_TEMPO).icon("mdi:clock-outline"),
    // Suppliers invent names as they like, so this one is text: an enum would refuse the next one.
    Entity::sensor("tariff", Label("LTARF"), Derived("tariff"), "Tariff", "Tarif en cours").icon("mdi:clock-outline"),
    Entity::label("tariff_index", "NTARF", "Tariff index", "Index tarifaire en cours").icon("mdi:counter").diagnostic(),
    Entity::sensor("contract", Label("OPTARIF"), Derived("contract"), "Contract", "Contrat").choices(CONTRACT).icon("mdi:file-document-outline").diagnostic(),
    Entity::sensor("contract", Label("NGTF"),    Derived("contract"), "Contract", "Contrat").icon("mdi:file-document-outline").diagnostic(),
    Entity::sensor("tempo_today",    Feature(Tempo), Derived("tempo_today"),    "Tempo today",    "Tempo aujourd'hui").choices(COLOUR).icon("mdi:palette"),
    Entity::sensor("tempo_tomorrow", Feature(Tempo), Derived("tempo_tomorrow"), "Tempo tomorrow", "Tempo demain").choices(TOMORROW).icon("mdi:palette-outline"),
    Entity::sensor("tempo_blue_left",  Feature(Tempo), Derived("tempo_season.blue_left"),  "Tempo blue days left",  "Jours Tempo bleus restants").days(),
    Entity::sensor("tempo_white_left", Feature(Tempo), Derived("tempo_season.white_left"), "Tempo white days left", "Jours Tempo blancs restants").days(),
    Entity::sensor("tempo_red_left",   Feature(Tempo), Derived("tempo_season.red_left"),   "Tempo red days left",   "Jours Tempo rouges restants").days(),
    Entity::sensor("tempo_blue_used",  Feature(Tempo), Derived("tempo_season.blue_used"),  "Tempo blue days used",  "Jours Tempo bleus utilisés").days(),
    Entity::sensor("tempo_white_used", Feature(Tempo), Derived("tempo_season.white_used"), "Tempo white days used", "Jours Tempo blancs utilisés").days(),
    Entity::sensor("tempo_red_used",   Feature(Tempo), Derived("tempo_season.red_used"),   "Tempo red days used",   "Jours Tempo rouges utilisés").days(),
    Entity::binary("offpeak", Feature(OffPeakHours), Derived("offpeak"), "Off-peak hours", "Heures creuses").icon("mdi:clock-check-outline"),
    Entity::sensor("offpeak_next_start", Feature(OffPeakHours), Derived("offpeak_next_start"), "Next start of off-peak hours", "Prochain début des heures creuses").timestamp().diagnostic(),
    Entity::sensor("offpeak_next_end",   Feature(OffPeakHours), Derived("offpeak_next_end"),   "Next end of off-peak hours",   "Prochaine fin des heures creuses").timestamp().diagnostic(),
    Entity::sensor("offpeak_today",    Feature(OffPeakHours), Derived("offpeak_today.hours"),    "Off-peak hours today",    "Heures creuses aujourd'hui").icon("mdi:calendar-today")
        .attributes(Fields(&["offpeak_today.periods"])).diagnostic(),
    Entity::sensor("offpeak_tomorrow", Feature(OffPeakHours), Derived("offpeak_tomorrow.hours"), "Off-peak hours tomorrow", "Heures creuses demain").icon("mdi:calendar-arrow-right")
        .attributes(Fields(&["offpeak_tomorrow.periods"])).diagnostic(),
    Entity::binary("peak_notice",  Feature(Peak), Derived("peak_notice"),  "Mobile peak notice", "Préavis de pointe mobile").icon("mdi:bell-alert").diagnostic(),
    Entity::binary("peak_running", Feature(Peak), Derived("peak_running"), "Mobile peak",        "Pointe mobile").icon("mdi:transmission-tower").diagnostic(),
    Entity::sensor("peak_start", Feature(PeakDates), Derived("peak_start"), "Mobile peak start", "Début de pointe mobile").timestamp().diagnostic(),
    Entity::sensor("peak_end",   Feature(PeakDates), Derived("peak_end"),   "Mobile peak end",   "Fin de pointe mobile").timestamp().diagnostic(),
    Entity::sensor("tomorrow_profile", Label("PJOURF+1"), Derived("tomorrow_profile"), "Tomorrow's tariffs", "Tarifs de demain").icon("mdi:calendar-clock")
        .attributes(Fields(&["tomorrow.blocks"])).diagnostic(),
    Entity::sensor("peak_profile", Label("PPOINTE"), Derived("peak_profile"), "Next peak day's tariffs", "Tarifs du prochain jour de pointe").icon("mdi:calendar-alert")
        .attributes(Blocks("PPOINTE")).diagnostic(),
    Entity::label("day_profile",          "NJOURF",   "Day profile",          "Profil du jour").hidden(),
    Entity::label("day_profile_tomorrow", "NJOURF+1", "Day profile tomorrow", "Profil de demain").hidden(),
    Entity::label("off_peak_programme",   "HHPHC",    "Off-peak programme",   "Programme heures creuses").hidden(),
];

#[rustfmt::skip]
const PRICES: &[Entity] = &[
    Entity::sensor("price", Prices, Derived("price.now"), "Price of a kWh", "Prix du kWh").price_now()
        .attributes(Fields(&["price.forecast", "price.forecast_end", "price.missing"])),
    Entity::sensor("price_next", Prices, Derived("price.next"), "Next price of a kWh", "Prochain prix du kWh").price().diagnostic(),
    Entity::sensor("price_next_time", Prices, Derived("price.next_time"), "Next change of price", "Prochain changement de prix").timestamp().diagnostic(),
    Entity::sensor("cost_today", Prices, Derived("cost.today"), "Cost today", "Coût du jour").cost().since("cost.today_since"),
    Entity::sensor("cost_month", Prices, Derived("cost.month"), "Cost this month", "Coût du mois").cost().since("cost.month_since").diagnostic()
        .attributes(Fields(&["cost.subscription", "cost.month_with_subscription"])),
    Entity::sensor("cost_total", Prices, Derived("cost.total"), "Cost in all", "Coût total").cost().diagnostic()
        .attributes(Fields(&["cost.since", "cost.unpriced"])),
    Entity::sensor("cost_base", PriceOf("base"), Derived("cost.tariffs.base"), "Cost BASE", "Coût BASE").cost().hidden(),
    Entity::sensor("cost_hc", PriceOf("hc"), Derived("cost.tariffs.hc"), "Cost HC", "Coût HC").cost().hidden(),
    Entity::sensor("cost_hp", PriceOf("hp"), Derived("cost.tariffs.hp"), "Cost HP", "Coût HP").cost().hidden(),
    Entity::sensor("cost_hn", PriceOf("hn"), Derived("cost.tariffs.hn"), "Cost HN", "Coût HN").cost().hidden(),
    Entity::sensor("cost_pm", PriceOf("pm"), Derived("cost.tariffs.pm"), "Cost PM", "Coût PM").cost().hidden(),
    Entity::sensor("cost_hc_bleu", PriceOf("hc_bleu"), Derived("cost.tariffs.hc_bleu"), "Cost HC BLEU", "Coût HC BLEU").cost().hidden(),
    Entity::sensor("cost_hp_bleu", PriceOf("hp_bleu"), Derived("cost.tariffs.hp_bleu"), "Cost HP BLEU", "Coût HP BLEU").cost().hidden(),
    Entity::sensor("cost_hc_blanc", PriceOf("hc_blanc"), Derived("cost.tariffs.hc_blanc"), "Cost HC BLANC", "Coût HC BLANC").cost().hidden(),
    Entity::sensor("cost_hp_blanc", PriceOf("hp_blanc"), Derived("cost.tariffs.hp_blanc"), "Cost HP BLANC", "Coût HP BLANC").cost().hidden(),
    Entity::sensor("cost_hc_rouge", PriceOf("hc_rouge"), Derived("cost.tariffs.hc_rouge"), "Cost HC ROUGE", "Coût HC ROUGE").cost().hidden(),
    Entity::sensor("cost_hp_rouge", PriceOf("hp_rouge"), Derived("cost.tariffs.hp_rouge"), "Cost HP ROUGE", "Coût HP ROUGE").cost().hidden(),
    Entity::sensor("cost_weekend", PriceOf("weekend"), Derived("cost.tariffs.weekend"), "Cost HEURE WEEK-END", "Coût HEURE WEEK-END").cost().hidden(),
    Entity::sensor("cost_hc_weekend", PriceOf("hc_weekend"), Derived("cost.tariffs.hc_weekend"), "Cost HC WEEK END", "Coût HC WEEK END").cost().hidden(),
    Entity::sensor("cost_hp_mercredi", PriceOf("hp_mercredi"), Derived("cost.tariffs.hp_mercredi"), "Cost HP MERCREDI", "Coût HP MERCREDI").cost().hidden(),
    Entity::sensor("cost_index_1", PriceOf("index_1"), Derived("cost.tariffs.index_1"), "Cost index 1", "Coût index 1").cost().hidden(),
    Entity::sensor("cost_index_2", PriceOf("index_2"), Derived("cost.tariffs.index_2"), "Cost index 2", "Coût index 2").cost().hidden(),
    Entity::sensor("cost_index_3", PriceOf("index_3"), Derived("cost.tariffs.index_3"), "Cost index 3", "Coût index 3").cost().hidden(),
    Entity::sensor("cost_index_4", PriceOf("index_4"), Derived("cost.tariffs.index_4"), "Cost index 4", "Coût index 4").cost().hidden(),
    Entity::sensor("cost_index_5", PriceOf("index_5"), Derived("cost.tariffs.index_5"), "Cost index 5", "Coût index 5").cost().hidden(),
    Entity::sensor("cost_index_6", PriceOf("index_6"), Derived("cost.tariffs.index_6"), "Cost index 6", "Coût index 6").cost().hidden(),
    Entity::sensor("cost_index_7", PriceOf("index_7"), Derived("cost.tariffs.index_7"), "Cost index 7", "Coût index 7").cost().hidden(),
    Entity::sensor("cost_index_8", PriceOf("index_8"), Derived("cost.tariffs.index_8"), "Cost index 8", "Coût index 8").cost().hidden(),
    Entity::sensor("cost_index_9", PriceOf("index_9"), Derived("cost.tariffs.index_9"), "Cost index 9", "Coût index 9").cost().hidden(),
    Entity::sensor("cost_index_10", PriceOf("index_10"), Derived("cost.tariffs.index_10"), "Cost index 10", "Coût index 10").cost().hidden(),
];

#[rustfmt::skip]
const STATE: &[Entity] = &[
    Entity::binary("overload", Feature(Overload), Derived("overload"), "Overload", "Dépassement de puissance").class("problem").diagnostic()
        .attributes(Fields(&["overload_phases"])),
    Entity::binary("overvoltage",   Label("STGE"), Decoded("STGE", "overvoltage"), "Overvoltage", "Surtension").class("problem").diagnostic(),
    Entity::binary("missing_phase", Label("PPOT"), Derived("missing_phase"), "Missing phase", "Absence de phase").class("problem").diagnostic()
        .attributes(Fields(&["missing_phases"])),
    Entity::binary("dry_contact", Label("STGE"), Decoded("STGE", "dry_contact_closed"), "Dry contact", "Contact sec").icon("mdi:electric-switch").diagnostic(),
    Entity::binary("virtual_contact_1", Feature(Relay(2)), Decoded("RELAIS", "relay_2"), "Virtual contact 1", "Contact virtuel 1").icon("mdi:electric-switch").diagnostic(),
    Entity::binary("virtual_contact_2", Feature(Relay(3)), Decoded("RELAIS", "relay_3"), "Virtual contact 2", "Contact virtuel 2").icon("mdi:electric-switch").diagnostic(),
    Entity::binary("virtual_contact_3", Feature(Relay(4)), Decoded("RELAIS", "relay_4"), "Virtual contact 3", "Contact virtuel 3").icon("mdi:electric-switch").diagnostic(),
    Entity::binary("virtual_contact_4", Feature(Relay(5)), Decoded("RELAIS", "relay_5"), "Virtual contact 4", "Contact virtuel 4").icon("mdi:electric-switch").diagnostic(),
    Entity::binary("virtual_contact_5", Feature(Relay(6)), Decoded("RELAIS", "relay_6"), "Virtual contact 5", "Contact virtuel 5").icon("mdi:electric-switch").diagnostic(),
    Entity::binary("virtual_contact_6", Feature(Relay(7)), Decoded("RELAIS", "relay_7"), "Virtual contact 6", "Contact virtuel 6").icon("mdi:electric-switch").diagnostic(),
    Entity::binary("virtual_contact_7", Feature(Relay(8)), Decoded("RELAIS", "relay_8"), "Virtual contact 7", "Contact virtuel 7").icon("mdi:electric-switch").diagnostic(),
    Entity::sensor("cut_off_device", Label("STGE"), Decoded("STGE", "cut_off_device"), "Cut-off device", "Organe de coupure").choices(CUT_OFF_DEVICE).icon("mdi:electric-switch-closed").diagnostic(),
    Entity::binary("terminal_cover", Label("STGE"), Decoded("STGE", "terminal_cover_open"), "Terminal cover", "Cache-bornes").class("opening").diagnostic(),
    Entity::binary("clock_degraded", Label("STGE"), Decoded("STGE", "clock_degraded"), "Meter clock", "Horloge du compteur").class("problem").diagnostic(),
    Entity::binary("producer_mode", Label("STGE"), Decoded("STGE", "producer"), "Producer mode", "Mode producteur").icon("mdi:solar-power").diagnostic(),
    Entity::binary("injecting", Feature(Injecting), Decoded("STGE", "injecting"), "Injecting", "Injection en cours").icon("mdi:transmission-tower-import").diagnostic(),
    Entity::sensor("euridis", Label("STGE"), Decoded("STGE", "euridis"), "Euridis output", "Sortie Euridis").choices(EURIDIS).hidden(),
    Entity::sensor("plc", Label("STGE"), Decoded("STGE", "plc"), "PLC", "CPL").choices(PLC).hidden(),
    Entity::sensor("message", Label("MSG1"), Derived("message"), "Message", "Message").icon("mdi:message-text").diagnostic(),
    Entity::sensor("message_ultra_short", Label("MSG2"), Derived("message_ultra_short"), "Ultra-short message", "Message ultra-court").icon("mdi:message-flash").diagnostic(),
    Entity::label("delivery_point", "PRM", "Delivery point", "Point de livraison (PRM)").icon("mdi:identifier").hidden(),
    Entity::label("status_word", "MOTDETAT", "Status word", "Mot d'état").hidden(),
    Entity::sensor("meter_time", Label("DATE"), Time("DATE"), "Meter time", "Heure du compteur").timestamp().hidden(),
];

/// By kind: Home Assistant shows the last event of an entity alone, and an automation waits for one entity.
#[rustfmt::skip]
const EVENTS: &[Entity] = &[
    Entity::event("event_power", Feature(Overload), &["overload_begin", "overload_end"], "Power alert", "Alerte de puissance").icon("mdi:flash-alert").diagnostic(),
    Entity::event("event_cut_off_alert", Feature(Overload), &["cut_off_coming", "cut_off_near", "cut_off_averted"], "Cut-off alert", "Alerte de coupure").icon("mdi:flash-off").diagnostic(),
    Entity::event("event_tariff", Always, &["tariff_change"], "Tariff change", "Changement de tarif").icon("mdi:clock-outline").diagnostic(),
    Entity::event("event_tempo", Feature(Tempo), &["tempo_announcement"], "Tempo announcement", "Annonce Tempo").icon("mdi:calendar").diagnostic(),
    Entity::event("event_hours", Feature(OffPeakHours), &["offpeak_hours_change"], "Off-peak hours change", "Changement d'heures creuses").icon("mdi:calendar-refresh").diagnostic(),
    Entity::event("event_peak", Feature(Peak), &["peak_notice", "peak_begin", "peak_end"], "Mobile peak alert", "Alerte de pointe mobile").icon("mdi:bell-alert").diagnostic(),
    Entity::event("event_message", Label("MSG1"), &["message"], "New message", "Nouveau message").icon("mdi:message-badge").diagnostic(),
    Entity::event("event_contract", Always, &["contract_change"], "Contract change", "Changement de contrat").icon("mdi:file-document-outline").diagnostic(),
    Entity::event("event_mode", Always, &["mode_change"], "TIC mode change", "Changement de mode TIC").icon("mdi:swap-horizontal").diagnostic(),
    Entity::event("event_cut_off", Label("STGE"), &["cut_off_change"], "Cut-off change", "Changement de l'organe de coupure").icon("mdi:electric-switch").diagnostic(),
    Entity::event("event_data", Always, &["index_reset", "history_filled"], "Data corrected", "Données corrigées").icon("mdi:database-edit").diagnostic(),
];

/// A PME-PMI meter has no index that only counts up: its energies begin anew with each top and with each tariff. So none of them is
/// offered to the Energy dashboard, which would take each new beginning for consumption.
#[rustfmt::skip]
const PME_PMI: &[Entity] = &[
    Entity::sensor("tariff",   Label("PTCOUR1"),  Derived("tariff"),   "Tariff",   "Tarif en cours").icon("mdi:clock-outline"),
    Entity::sensor("contract", Label("MESURES1"), Derived("contract"), "Contract", "Contrat").icon("mdi:file-document-outline").diagnostic(),
    Entity::label("power_mean",          "PA1_s",  "Mean power",                         "Puissance moyenne").kilowatts(),
    Entity::label("power_mean_injected", "PA1_i",  "Mean power injected",                "Puissance moyenne injectée").kilowatts(),
    Entity::label("power_minute",        "PA1MN",  "Mean power of one minute",           "Puissance moyenne sur une minute").kilowatts(),
    Entity::label("energy_since_top",          "EA_s",  "Energy since the last top",          "Énergie depuis le dernier top").count_of("Wh"),
    Entity::label("energy_injected_since_top", "EA_i",  "Energy injected since the last top", "Énergie injectée depuis le dernier top").count_of("Wh"),
    Entity::label("energy_of_period",          "EAP_s", "Energy of this period, current tariff",          "Énergie de la période, tarif en cours").count_of("kWh"),
    Entity::label("energy_injected_of_period", "EAP_i", "Energy injected of this period, current tariff", "Énergie injectée de la période, tarif en cours").count_of("kWh"),
    Entity::label("subscribed_power_text", "PS",      "Subscribed power", "Puissance souscrite").diagnostic(),
    Entity::label("max_power_text",        "PMAX_s",  "Highest power",    "Puissance maximale").diagnostic(),
    Entity::label("notice",                "PREAVIS", "Notice",           "Préavis").diagnostic(),
];

#[rustfmt::skip]
const RECEPTION: &[Entity] = &[
    Entity::binary("reading", Always, Availability, "Meter reading", "Lecture du compteur").class("connectivity").reading(),
    Entity::sensor("last_frame", Always, Derived("last_frame"), "Last frame", "Dernière trame").timestamp().reading(),
    Entity::sensor("mode", Always, Derived("mode"), "TIC mode", "Mode TIC").choices(MODE).icon("mdi:swap-horizontal").diagnostic(),
    Entity::sensor("line", Always, Quality("line"), "Serial line", "Ligne série").choices(LINE).icon("mdi:serial-port").reading(),
    Entity::sensor("reception", Always, Quality("reception"), "Reception quality", "Qualité de réception").percent().icon("mdi:signal").reading(),
    Entity::sensor("reception_cause", Always, Quality("cause_text"), "Reception diagnosis", "Diagnostic de réception").icon("mdi:stethoscope").reading(),
    Entity::binary("readers_contradict", Always, Quality("contradiction"), "Readers contradict each other", "Lecteurs en contradiction").class("problem").reading(),
    Entity::sensor("parity_errors",   Always, Quality("refused.parity"),   "Parity errors",   "Erreurs de parité").icon("mdi:alert-circle-outline").count().reading(),
    Entity::sensor("checksum_errors", Always, Quality("refused.checksum"), "Checksum errors", "Erreurs de checksum").icon("mdi:alert-circle-outline").count().reading(),
    Entity::sensor("reader_version", Always, Quality("reader.version"), "Reader version", "Version du lecteur").icon("mdi:tag").reading(),
    Entity::sensor("bridge_version", Always, Quality("bridge.version"), "Bridge version", "Version de la passerelle").icon("mdi:tag").reading(),
];
