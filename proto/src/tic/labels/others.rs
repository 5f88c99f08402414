//! Labels of meters that are no household's: PME-PMI, and one each of CJE and ICE (02E §2.6 to §2.10). They speak like the historic mode.
//!
//! They print the unit behind the number, and widths vary. A CJE and an ICE never send an address, so what they say belongs to nobody:
//! of these there is the label that tells what they are.

use crate::tic::{
    Label,
    LabelKind::{Identity, Printed, Text},
    MeterFamily::{self, Ice, PmePmi, Yellow},
    Role,
    Unit::{KiloWatt, KiloWattHour, VarHour, WattHour},
};

const SECTION: &str = "02E §2.6-2.10";
/// Digits and the unit.
const PRINTED: u8 = 14;

const fn pme(code: &'static str, kind: crate::tic::LabelKind, width: u8, english: &'static str, french: &'static str) -> Label {
    Label::new(code, kind, width, SECTION, english, french).at_least(1).only(PmePmi)
}

const fn header(code: &'static str, family: MeterFamily, english: &'static str, french: &'static str) -> Label {
    Label::new(code, Text, 64, SECTION, english, french).at_least(1).only(family)
}

#[rustfmt::skip]
pub(in crate::tic) const OTHERS: &[Label] = &[
    Label::new("ADS", Identity, 12, SECTION, "meter address", "adresse du compteur").only(PmePmi),
    pme("MESURES1", Text, 16, "name of the tariff scheme", "nom du traitement tarifaire").role(Role::Contract),
    pme("PTCOUR1",  Text, 16, "current tariff period", "période tarifaire courante").role(Role::Tariff),
    pme("EA_s",   Printed(WattHour),     PRINTED, "active energy withdrawn since the last period of integration", "énergie active soutirée depuis le dernier top"),
    pme("ER+_s",  Printed(VarHour),      PRINTED, "positive reactive energy since then, while withdrawing", "énergie réactive positive depuis le dernier top, en soutirage"),
    pme("ER-_s",  Printed(VarHour),      PRINTED, "negative reactive energy since then, while withdrawing", "énergie réactive négative depuis le dernier top, en soutirage"),
    pme("EA_i",   Printed(WattHour),     PRINTED, "active energy injected since then", "énergie active injectée depuis le dernier top"),
    pme("PA1_s",  Printed(KiloWatt),     PRINTED, "mean power withdrawn, last period", "puissance moyenne soutirée, dernière période"),
    pme("PA1_i",  Printed(KiloWatt),     PRINTED, "mean power injected, last period", "puissance moyenne injectée, dernière période"),
    pme("PA1MN",  Printed(KiloWatt),     PRINTED, "mean power of one minute", "puissance active 1 minute"),
    pme("EAP_s",  Printed(KiloWattHour), PRINTED, "energy withdrawn in this billing period, current tariff", "énergie soutirée de la période, tarif en cours"),
    pme("EAP_i",  Printed(KiloWattHour), PRINTED, "energy injected in this billing period, current tariff", "énergie injectée de la période, tarif en cours"),
    pme("PS",      Text, 16, "subscribed power", "puissance souscrite"),
    pme("PMAX_s",  Text, 16, "highest power withdrawn", "puissance maximale soutirée"),
    pme("PREAVIS", Text, 16, "notice", "préavis"),
    header("JAUNE",   Yellow, "header of a yellow meter (CJE)", "en-tête d'un compteur jaune (CJE)"),
    header("CONTRAT", Ice,    "contract of an ICE meter", "contrat d'un compteur ICE"),
];
