//! Labels of the historic mode (54E §6.1, 02E §2), in the order in which meters send them.

use crate::tic::{
    Label,
    LabelKind::{
        self, ActivePower, ApparentPower, Current, Energy, Identity, Minutes, MissingPhases, Period, Programme, StatusWord, Tomorrow,
    },
    Role, TariffOption,
};

const MONO: &str = "54E §6.1.1";
const TRI: &str = "54E §6.1.2";

/// Digits of an index that a concentrator repeats (02E table 1).
const CONCENTRATOR: u8 = 8;

/// The three-phase short frame begins with its ADIRn, so they stand first.
#[rustfmt::skip]
pub(in crate::tic) const HISTORIC: &[Label] = &[
    Label::new("ADIR1",    Current,       3,  TRI,  "current above the subscribed one, phase 1",   "avertissement de dépassement d'intensité, phase 1").three().role(Role::Overload(Some(1))).live(),
    Label::new("ADIR2",    Current,       3,  TRI,  "current above the subscribed one, phase 2",   "avertissement de dépassement d'intensité, phase 2").three().role(Role::Overload(Some(2))).live(),
    Label::new("ADIR3",    Current,       3,  TRI,  "current above the subscribed one, phase 3",   "avertissement de dépassement d'intensité, phase 3").three().role(Role::Overload(Some(3))).live(),
    Label::new("ADCO",     Identity,      12, MONO, "meter address",                               "adresse du compteur"),
    Label::new("OPTARIF",  LabelKind::TariffOption,  4,  MONO, "tariff option",                               "option tarifaire choisie").role(Role::Contract),
    Label::new("ISOUSC",   Current,       2,  MONO, "subscribed current",                          "intensité souscrite").role(Role::SubscribedCurrent),
    Label::new("BASE",     Energy,        9,  MONO, "index, all hours",                            "index option Base").at_least(CONCENTRATOR).role(Role::IndexOf(TariffOption::Base)),
    Label::new("HCHC",     Energy,        9,  MONO, "index, off-peak hours",                       "index heures creuses").at_least(CONCENTRATOR).role(Role::IndexOf(TariffOption::OffPeak)),
    Label::new("HCHP",     Energy,        9,  MONO, "index, peak hours",                           "index heures pleines").at_least(CONCENTRATOR).role(Role::IndexOf(TariffOption::OffPeak)),
    Label::new("EJPHN",    Energy,        9,  MONO, "index, EJP normal hours",                     "index EJP, heures normales").at_least(CONCENTRATOR).role(Role::IndexOf(TariffOption::Ejp)),
    Label::new("EJPHPM",   Energy,        9,  MONO, "index, EJP mobile-peak hours",                "index EJP, heures de pointe mobile").at_least(CONCENTRATOR).role(Role::IndexOf(TariffOption::Ejp)),
    Label::new("BBRHCJB",  Energy,        9,  MONO, "index, Tempo blue days, off-peak",            "index Tempo, heures creuses jours bleus").role(Role::IndexOf(TariffOption::Tempo)),
    Label::new("BBRHPJB",  Energy,        9,  MONO, "index, Tempo blue days, peak",                "index Tempo, heures pleines jours bleus").role(Role::IndexOf(TariffOption::Tempo)),
    Label::new("BBRHCJW",  Energy,        9,  MONO, "index, Tempo white days, off-peak",           "index Tempo, heures creuses jours blancs").role(Role::IndexOf(TariffOption::Tempo)),
    Label::new("BBRHPJW",  Energy,        9,  MONO, "index, Tempo white days, peak",               "index Tempo, heures pleines jours blancs").role(Role::IndexOf(TariffOption::Tempo)),
    Label::new("BBRHCJR",  Energy,        9,  MONO, "index, Tempo red days, off-peak",             "index Tempo, heures creuses jours rouges").role(Role::IndexOf(TariffOption::Tempo)),
    Label::new("BBRHPJR",  Energy,        9,  MONO, "index, Tempo red days, peak",                 "index Tempo, heures pleines jours rouges").role(Role::IndexOf(TariffOption::Tempo)),
    Label::new("PEJP",     Minutes,       2,  MONO, "notice of an EJP peak",                       "préavis début EJP"),
    Label::new("PTEC",     Period,        4,  MONO, "current tariff period",                       "période tarifaire en cours").role(Role::Tariff),
    Label::new("DEMAIN",   Tomorrow,      4,  MONO, "Tempo colour of tomorrow",                    "couleur du lendemain"),
    Label::new("IINST",    Current,       3,  MONO, "current",                                     "intensité instantanée").single().role(Role::Current(1)).live(),
    Label::new("IINST1",   Current,       3,  TRI,  "current, phase 1",                            "intensité instantanée, phase 1").three().role(Role::Current(1)).live(),
    Label::new("IINST2",   Current,       3,  TRI,  "current, phase 2",                            "intensité instantanée, phase 2").three().role(Role::Current(2)).live(),
    Label::new("IINST3",   Current,       3,  TRI,  "current, phase 3",                            "intensité instantanée, phase 3").three().role(Role::Current(3)).live(),
    Label::new("ADPS",     Current,       3,  MONO, "current above the subscribed one",            "avertissement de dépassement de puissance souscrite").single().role(Role::Overload(None)).live(),
    Label::new("IMAX",     Current,       3,  MONO, "highest current",                             "intensité maximale appelée").single(),
    Label::new("IMAX1",    Current,       3,  TRI,  "highest current, phase 1",                    "intensité maximale, phase 1").three(),
    Label::new("IMAX2",    Current,       3,  TRI,  "highest current, phase 2",                    "intensité maximale, phase 2").three(),
    Label::new("IMAX3",    Current,       3,  TRI,  "highest current, phase 3",                    "intensité maximale, phase 3").three(),
    // In W says the table; a Linky puts the highest apparent power of the day before there, in VA.
    Label::new("PMAX",     ActivePower,   5,  TRI,  "highest three-phase power",                   "puissance maximale triphasée atteinte").three(),
    Label::new("PAPP",     ApparentPower, 5,  MONO, "apparent power",                              "puissance apparente").role(Role::PowerWithdrawn).live(),
    Label::new("HHPHC",    Programme,     1,  MONO, "off-peak programme",                          "horaire heures pleines heures creuses"),
    Label::new("MOTDETAT", StatusWord,    6,  MONO, "status word of the meter",                    "mot d'état du compteur"),
    Label::new("PPOT",     MissingPhases, 2,  TRI,  "phases without voltage",                      "présence des potentiels").three(),
];
