//! What an index means, and since when: each meaning is an entity of its own in Home Assistant.
//!
//! A label says too little. Under another contract EASF01 is another tariff, BASE may become the total overnight, and a tariff may be given
//! to an index that was another one's. An entity that went on would count what was never drawn. So a meaning ends when mode or contract
//! change, when the tariff of its index gets another name, or when its number jumps; then another one begins.
//!
//! A meaning that comes back goes on only where nothing was counted meanwhile: a register that another contract has moved would show what
//! was drawn under that one. And only within some days: later, Home Assistant has deleted what its statistics go on from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::Mode;

use crate::{
    energy::register::Register,
    meter::{
        tariff_names::{TariffNames, foretold},
        terms::Terms,
    },
};

/// Ended meanings that are kept; the one that ended first goes.
const ENDED_MAX: usize = 16;
/// A meaning goes on that was away for no longer than this, in s. Home Assistant deletes five-minute statistics after ten days.
const GOES_ON: i64 = 8 * 86_400;
/// The total's place among labels.
pub const TOTAL: &str = "total";

/// One meaning of one index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meaning {
    /// The label of the index, or [`TOTAL`].
    pub label: String,
    /// When it began, in s since 1970; 0 where nothing was before.
    pub since: i64,
    /// When it ended, in s since 1970.
    pub ended: Option<i64>,
    /// It may be taken up again. One whose number was replaced is over for good.
    may_go_on: bool,
    /// The mode and the contract that it is of.
    terms: Terms,
    /// The name of its tariff, if the meter has told.
    pub tariff: Option<String>,
    /// Its number when it was last shown.
    wh: u32,
}

impl Meaning {
    /// What tells it from all others of its meter.
    #[must_use]
    pub fn id(&self) -> String {
        if self.since == 0 { self.label.clone() } else { format!("{}@{}", self.label, self.since) }
    }

    /// The name of its tariff: as the meter has told, or as it is known before.
    #[must_use]
    pub fn tariff_name(&self) -> Option<&str> {
        let known_before = || foretold(&self.terms.contract, supplier_index(&self.label)?);
        self.tariff.as_deref().or_else(known_before)
    }

    /// Whether it ends with its contract. Of the others only the mode matters: the historic mode does not show them.
    fn is_of_contract(&self) -> bool {
        Register::of(self.terms.mode, &self.label).is_some_and(|register| register.is_supplier() || register == Register::BASE)
    }
}

/// All meanings of the indexes of a meter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meanings {
    terms: Option<Terms>,
    /// From the oldest to the newest.
    all: Vec<Meaning>,
    /// Indexes that were there when the contract changed, with their numbers: until they move they are left over from the old one.
    left_over: BTreeMap<String, u32>,
    /// The newest beginning of each label among those that were forgotten: their ids are not given again.
    forgotten: BTreeMap<String, i64>,
    /// What was known of this meter is lost, since then: nothing may go on as what it was. 0: nothing was lost.
    born: i64,
}

/// What a meter shows of one index: its label, and its number.
pub type ShownIndex<'a> = (&'a str, u32);

impl Meanings {
    /// Those of a meter that was known before, but nothing is left of it.
    #[must_use]
    pub fn reborn(born: i64) -> Self {
        Self { born, ..Self::default() }
    }

    /// How many things there are in all.
    #[must_use]
    pub fn count(&self) -> usize {
        self.all.len() + self.left_over.len() + self.forgotten.len()
    }

    /// Those that hold now.
    pub fn current(&self) -> impl Iterator<Item = &Meaning> {
        self.all.iter().filter(|meaning| meaning.ended.is_none())
    }

    /// Those that are over.
    pub fn ended(&self) -> impl Iterator<Item = &Meaning> {
        self.all.iter().filter(|meaning| meaning.ended.is_some())
    }

    /// What a label means now.
    #[must_use]
    pub fn of(&self, label: &str) -> Option<&Meaning> {
        self.current().find(|meaning| meaning.label == label)
    }

    /// A meter under these terms shows these indexes. Returns whether any meaning began or ended.
    pub fn handle_shown<'a>(
        &mut self,
        terms: &Terms,
        shown: impl Iterator<Item = ShownIndex<'a>> + Clone,
        names: &TariffNames,
        now: i64,
    ) -> bool {
        let mut changed = self.terms.as_ref() != Some(terms);
        if changed {
            self.change_terms(terms, shown.clone(), now);
        }
        if self.of(TOTAL).is_none() {
            self.begin(terms, (TOTAL, 0), None, now);
        }
        for (label, wh) in shown {
            changed |= self.follow(terms, label, wh, names, now);
        }
        self.forget_oldest();
        changed
    }

    /// The number of this label was replaced by another one: what it meant is over, also where it has ended a moment before with its
    /// contract. It begins anew when it is next shown.
    pub fn handle_replaced(&mut self, label: &str, now: i64) {
        for meaning in self.all.iter_mut().filter(|meaning| meaning.label == label) {
            meaning.ended = meaning.ended.or(Some(now));
            meaning.may_go_on = false;
        }
    }

    fn change_terms<'a>(&mut self, terms: &Terms, shown: impl Iterator<Item = ShownIndex<'a>>, now: i64) {
        let same_mode = self.terms.as_ref().is_some_and(|old| old.mode == terms.mode);
        let ends = |meaning: &Meaning| meaning.label != TOTAL && (meaning.is_of_contract() || !same_mode);
        for meaning in self.all.iter_mut().filter(|meaning| meaning.ended.is_none() && ends(meaning)) {
            meaning.ended = Some(now);
        }
        // In standard mode all registers are shown, whatever the contract; in historic mode the labels are those of the contract.
        let stays = |label: &str| Register::of(terms.mode, label).is_some_and(Register::is_supplier);
        let is_standard = same_mode && terms.mode == Mode::Standard;
        self.left_over = shown.filter(|(label, _)| is_standard && stays(label)).map(|(label, wh)| (label.to_owned(), wh)).collect();
        self.terms = Some(terms.clone());
    }

    /// Returns whether a meaning began, ended or got its name.
    fn follow(&mut self, terms: &Terms, label: &str, wh: u32, names: &TariffNames, now: i64) -> bool {
        let tariff = tariff(label, names);
        let is_renamed = |meaning: &Meaning| meaning.tariff.is_some() && tariff.is_some() && meaning.tariff.as_deref() != tariff;
        match self.all.iter_mut().find(|meaning| meaning.label == label && meaning.ended.is_none()) {
            Some(meaning) if is_renamed(meaning) => {
                meaning.ended = Some(now);
                self.begin(terms, (label, wh), tariff, now);
            }
            Some(meaning) => {
                meaning.wh = wh;
                let gets_its_name = meaning.tariff.is_none() && tariff.is_some();
                meaning.tariff = meaning.tariff.take().or_else(|| tariff.map(str::to_owned));
                return gets_its_name;
            }
            None if self.left_over.get(label) == Some(&wh) => return false,
            None => {
                self.left_over.remove(label);
                self.begin(terms, (label, wh), tariff, now);
            }
        }
        true
    }

    fn begin(&mut self, terms: &Terms, (label, wh): ShownIndex<'_>, tariff: Option<&str>, now: i64) {
        let is_it = |meaning: &&mut Meaning| {
            let same_tariff = meaning.tariff.is_none() || tariff.is_none() || meaning.tariff.as_deref() == tariff;
            let is_recent = meaning.may_go_on && meaning.ended.is_some_and(|ended| now - ended <= GOES_ON);
            let is_unmoved = meaning.wh == wh || !meaning.is_of_contract();
            meaning.label == label && meaning.terms == *terms && same_tariff && is_recent && is_unmoved
        };
        if let Some(meaning) = self.all.iter_mut().rev().find(is_it) {
            meaning.ended = None;
            return;
        }
        let tariff = tariff.map(str::to_owned);
        let first = Meaning { label: label.to_owned(), since: 0, ended: None, may_go_on: true, terms: terms.clone(), tariff, wh };
        let kept = self.all.iter().filter(|meaning| meaning.label == label).map(|meaning| meaning.since);
        let newest = kept.chain(self.forgotten.get(label).copied()).max();
        if self.born == 0 && newest.is_none() {
            self.all.push(first);
            return;
        }
        if newest.is_none() {
            // What was there before, and is lost.
            self.all.push(Meaning { ended: Some(self.born), may_go_on: false, ..first.clone() });
        }
        self.all.push(Meaning { since: now.max(newest.unwrap_or(0) + 1), ..first });
    }

    fn forget_oldest(&mut self) {
        while self.ended().count() > ENDED_MAX {
            let Some(oldest) = self.ended().map(|meaning| meaning.ended).min() else { return };
            let Some(place) = self.all.iter().position(|meaning| meaning.ended == oldest) else { return };
            let Meaning { label, since, .. } = self.all.remove(place);
            let newest = self.forgotten.entry(label).or_insert(since);
            *newest = since.max(*newest);
        }
    }
}

/// The name of the tariff of a supplier index.
fn tariff<'a>(label: &str, names: &'a TariffNames) -> Option<&'a str> {
    names.get(supplier_index(label)?)
}

/// Which supplier index a label of the standard mode is, 1 to 10.
fn supplier_index(label: &str) -> Option<u8> {
    let register = Register::of(Mode::Standard, label).filter(|register| register.is_supplier())?;
    let place = Register::suppliers().position(|supplier| supplier == register)?;
    u8::try_from(place + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::tariff_names::Naming;

    const DAY: i64 = 86_400;
    const START: i64 = 1_800_000_000;

    fn terms(mode: Mode, contract: &str) -> Terms {
        Terms { mode, contract: contract.into() }
    }

    fn names(pairs: &[(u8, &str)]) -> TariffNames {
        let mut names = TariffNames::default();
        pairs.iter().for_each(|(index, name)| {
            names.handle_naming(Naming::new(*index, name));
        });
        names
    }

    /// The ids of what holds and of what is over, without the total.
    fn ids(meanings: &Meanings) -> (Vec<String>, Vec<String>) {
        let of_indexes = |meaning: &&Meaning| meaning.label != TOTAL;
        (meanings.current().filter(of_indexes).map(Meaning::id).collect(), meanings.ended().filter(of_indexes).map(Meaning::id).collect())
    }

    fn show(meanings: &mut Meanings, terms: &Terms, shown: &[(&str, u32)], days: i64) {
        meanings.handle_shown(terms, shown.iter().copied(), &names(&[]), START + days * DAY);
    }

    #[test]
    fn the_first_meaning_of_each_label_has_a_plain_id() {
        let mut meanings = Meanings::default();
        show(&mut meanings, &terms(Mode::Historic, "hc"), &[("HCHC", 1), ("HCHP", 2)], 0);
        assert_eq!(ids(&meanings), (vec!["HCHC".into(), "HCHP".into()], vec![]));
        assert_eq!(meanings.of(TOTAL).unwrap().id(), TOTAL);
    }

    #[test]
    fn a_contract_that_comes_back_goes_on_only_soon_and_where_nothing_moved() {
        let (hc, tempo) = (terms(Mode::Historic, "hc"), terms(Mode::Historic, "tempo"));
        let anew = |days: i64| format!("HCHC@{}", START + days * DAY);
        for (days, wh, expected) in [(7, 1, "HCHC".to_owned()), (7, 5, anew(7)), (9, 1, anew(9))] {
            let mut meanings = Meanings::default();
            show(&mut meanings, &hc, &[("HCHC", 1)], -1);
            show(&mut meanings, &tempo, &[("BBRHCJB", 1)], 0);
            assert_eq!(ids(&meanings), (vec!["BBRHCJB".into()], vec!["HCHC".into()]));
            show(&mut meanings, &hc, &[("HCHC", wh)], days);
            assert_eq!(ids(&meanings).0, [expected]);
            assert_eq!(meanings.of(TOTAL).unwrap().id(), TOTAL, "the total goes on");
        }
    }

    #[test]
    fn an_index_that_stands_still_after_a_change_begins_when_it_moves() {
        let (hc, base) = (terms(Mode::Standard, "H PLEINE/CREUSE"), terms(Mode::Standard, "BASE"));
        let mut meanings = Meanings::default();
        meanings.handle_shown(&hc, [("EASF01", 7), ("EASF02", 5)].into_iter(), &names(&[(2, "HEURE PLEINE")]), START);
        show(&mut meanings, &base, &[("EASF01", 8), ("EASF02", 5), ("EAIT", 9)], 1);
        show(&mut meanings, &base, &[("EASF01", 9), ("EASF02", 5), ("EAIT", 9)], 1);
        let began = format!("EASF01@{}", START + DAY);
        assert_eq!(ids(&meanings), (vec!["EAIT".into(), began], vec!["EASF01".into(), "EASF02".into()]));
        let ended: Vec<_> = meanings.ended().map(|meaning| meaning.tariff.as_deref()).collect();
        assert_eq!(ended, [None, Some("HEURE PLEINE")], "it keeps its name");
        show(&mut meanings, &base, &[("EASF02", 6)], 2);
        assert!(ids(&meanings).0.contains(&format!("EASF02@{}", START + 2 * DAY)));
    }

    #[test]
    fn another_name_of_a_tariff_is_another_meaning_and_the_first_name_is_not() {
        let terms = terms(Mode::Standard, "SAISONS");
        let mut meanings = Meanings::default();
        for (day, name) in [(0, None), (1, Some("HC HIVER")), (2, None), (3, Some("HC ETE")), (4, Some("HC HIVER"))] {
            let names = name.map_or_else(|| names(&[]), |name| names(&[(1, name)]));
            meanings.handle_shown(&terms, [("EASF01", 7)].into_iter(), &names, START + day * DAY);
            let expected = if day == 3 { format!("EASF01@{}", START + 3 * DAY) } else { "EASF01".into() };
            assert_eq!(ids(&meanings).0, [expected], "day {day}");
        }
    }

    #[test]
    fn a_number_that_jumps_is_another_meaning_for_good() {
        let base = terms(Mode::Historic, "base");
        let mut meanings = Meanings::default();
        for day in 0..3 {
            show(&mut meanings, &base, &[("BASE", 1)], day);
            meanings.handle_replaced("BASE", START + day * DAY);
        }
        show(&mut meanings, &base, &[("BASE", 1)], 3);
        let id = |day: i64| format!("BASE@{}", START + day * DAY);
        assert_eq!(ids(&meanings), (vec![id(3)], vec!["BASE".into(), id(1), id(2)]));
    }

    #[test]
    fn the_id_of_a_meaning_that_was_forgotten_is_not_given_again() {
        let mut meanings = Meanings::default();
        show(&mut meanings, &terms(Mode::Historic, "base"), &[("BASE", 1)], 0);
        for day in 1..40 {
            let wh = u32::try_from(day).unwrap() * 2;
            let contract = terms(Mode::Standard, &format!("{day}"));
            [wh, wh + 1].into_iter().for_each(|wh| show(&mut meanings, &contract, &[("EASF01", wh)], day));
        }
        assert!(meanings.ended().all(|meaning| meaning.label != "BASE"), "it is forgotten");
        show(&mut meanings, &terms(Mode::Historic, "base"), &[("BASE", 6_000_000)], 40);
        assert_eq!(ids(&meanings).0, [format!("BASE@{}", START + 40 * DAY)]);
    }

    #[test]
    fn what_does_not_depend_on_the_contract_ends_with_the_mode() {
        let mut meanings = Meanings::default();
        show(&mut meanings, &terms(Mode::Standard, "TEMPO"), &[("EAIT", 1), ("EASD01", 1)], 0);
        show(&mut meanings, &terms(Mode::Standard, "BASE"), &[("EAIT", 1), ("EASD01", 1)], 1);
        assert_eq!(ids(&meanings).0, ["EAIT", "EASD01"]);
        show(&mut meanings, &terms(Mode::Historic, "base"), &[("BASE", 1)], 2);
        assert_eq!(ids(&meanings), (vec!["BASE".into()], vec!["EAIT".into(), "EASD01".into()]));
    }

    #[test]
    fn where_all_was_lost_nothing_goes_on_as_what_it_was() {
        let mut meanings = Meanings::reborn(START);
        show(&mut meanings, &terms(Mode::Historic, "base"), &[("BASE", 1)], 0);
        let current: Vec<String> = meanings.current().map(Meaning::id).collect();
        assert_eq!(current, [format!("total@{START}"), format!("BASE@{START}")]);
        assert_eq!(meanings.ended().map(Meaning::id).collect::<Vec<_>>(), ["total", "BASE"]);
    }

    #[test]
    fn ended_ones_are_bounded() {
        let mut meanings = Meanings::default();
        for day in 0..100 {
            show(&mut meanings, &terms(Mode::Historic, if day % 2 == 0 { "hc" } else { "base" }), &[("HCHC", 1)], day * 20);
        }
        assert_eq!((meanings.current().count(), meanings.ended().count()), (2, ENDED_MAX));
    }
}
