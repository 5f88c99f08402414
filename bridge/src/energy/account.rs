//! The account of one meter's energy: every sample of the present is judged, counted, and kept.
//!
//! `handle_*` takes what happened and says what may be published of it; [`Account::poll_ledger`] says what is to be kept.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use teleinfo_proto::{
    tic::{Dataset, Label, MeterId, Mode, Role},
    wire::Sample,
};

use crate::energy::{
    judge::{Hearing, Judge, Reading, Verdict},
    ledger::{Ledger, Refusal},
    limit::Limit,
    meaning::Meanings,
    register::Register,
    time::{Clocks, Time},
    total::{Counted, Shown, Total, counted},
};
use crate::{
    meter::{tariff_names::TariffNames, terms::Terms},
    prices::{
        book::Book,
        costs::{Costs, Drawn, Step},
        tariffs::Counting,
    },
};

/// A ledger in which nothing but numbers moved is told this often, ...
const TELL_EVERY: Duration = Duration::from_secs(60);
/// ... and kept on disk this often: an old one does no harm, and an SD card is worn by each.
const KEEP_EVERY: Duration = Duration::from_secs(3_600);

/// The account of one meter.
#[derive(Debug)]
pub struct Account {
    meter: MeterId,
    sequence: u64,
    total: Option<Total>,
    meanings: Meanings,
    /// What was paid for.
    costs: Costs,
    judge: Judge,
    time: Time,
    limit: Limit,
    /// What was kept of an earlier process, before the first sample.
    kept: Option<Ledger>,
    /// This meter was known before.
    was_known: bool,
    /// The meter whose total it goes on from.
    continues: Option<MeterId>,
    /// That total, until it is gone on from, in Wh.
    begins_at: Option<u64>,
    saving: Saving,
}

/// What is not told or kept yet.
#[derive(Debug, Default)]
struct Saving {
    /// Something has changed that cannot be made up for.
    is_structural: bool,
    has_moved: bool,
    /// The past was counted. When the present follows, it is told at once: if this process ended before, and the contract changed
    /// meanwhile, the same past could not be counted again.
    has_caught_up: bool,
    told: Option<Instant>,
    kept: Option<Instant>,
}

/// What becomes of one sample.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// Labels that must not be published.
    pub held_back: BTreeSet<String>,
    /// Labels of which a newer value was published already.
    pub late: BTreeSet<String>,
    /// Labels whose registers were replaced, or mean something else now.
    pub replaced: BTreeSet<String>,
    /// What readers of this meter contradict each other about.
    pub contradictions: Vec<Contradiction>,
    /// The total was added to, or stayed as nothing was drawn.
    pub is_counted: bool,
    /// The meter was known before, but what was kept of it is lost: its meanings are new ones.
    pub is_reborn: bool,
    /// The total counts anew: none of the registers that were known goes on.
    pub is_anew: bool,
}

/// The registers of a sample that are believed.
struct Believed {
    now: BTreeMap<Register, u32>,
    /// What they showed when the first of several samples began to agree on another run of values, and when that was, in ms since 1970.
    first: Option<(BTreeMap<Register, u32>, i64)>,
}

/// What is believed of a frame.
type Frame<'a> = (Mode, &'a [Dataset<'a>], &'a BTreeMap<Register, u32>);

/// Two readers say different things of one index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The label.
    pub label: String,
    /// What was published.
    pub published: u32,
    /// What the other reader says.
    pub said: u32,
}

/// A ledger that is to be told, and perhaps kept on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The ledger.
    pub ledger: Ledger,
    /// It is to be kept on disk as well.
    pub to_disk: bool,
}

impl Judged {
    /// Whether the datasets of this label must not be published as they are.
    #[must_use]
    pub fn is_withheld(&self, label: &str) -> bool {
        self.held_back.contains(label) || self.late.contains(label)
    }
}

impl Account {
    /// The account of a meter, going on from what an earlier process kept. One that was known before, and yet has nothing, begins with
    /// new meanings.
    #[must_use]
    pub fn new(meter: MeterId, kept: Option<Ledger>, was_known: bool) -> Self {
        Self {
            meter,
            sequence: 0,
            total: None,
            meanings: Meanings::default(),
            costs: Costs::default(),
            judge: Judge::default(),
            time: Time::default(),
            limit: Limit::default(),
            kept,
            was_known,
            continues: None,
            begins_at: None,
            saving: Saving::default(),
        }
    }

    /// What was drawn in all, in Wh.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total.as_ref().map(|total| total.wh)
    }

    /// Whether samples were counted: no ledger can be taken over any more.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.saving.has_moved || self.sequence > 0 || self.total.is_some()
    }

    /// What was drawn in all, or what an earlier process kept of it, in Wh.
    #[must_use]
    pub fn kept_total(&self) -> Option<u64> {
        self.total().or_else(|| self.kept.as_ref()?.total.as_ref().map(|total| total.wh))
    }

    /// What was paid for.
    #[must_use]
    pub const fn costs(&self) -> &Costs {
        &self.costs
    }

    /// What its indexes mean.
    #[must_use]
    pub const fn meanings(&self) -> &Meanings {
        &self.meanings
    }

    /// What its indexes mean, or meant to an earlier process while no sample was counted.
    #[must_use]
    pub fn kept_meanings(&self) -> &Meanings {
        self.kept.as_ref().map_or(&self.meanings, |kept| &kept.meanings)
    }

    /// Somebody has kept something of this meter from an earlier run.
    pub fn handle_known(&mut self) {
        self.was_known = true;
    }

    /// No reader of it is there any more.
    pub const fn handle_gone(&mut self) {
        self.judge.handle_gone();
    }

    /// The total goes on from that of another meter. A ledger that did so before goes on by itself.
    pub fn handle_continued(&mut self, old: MeterId, wh: u64) {
        self.continues = Some(old);
        self.begins_at = Some(wh);
    }

    /// A meter under these terms has shown these labels. Returns whether a meaning began or ended.
    pub fn handle_learnt<'a>(&mut self, terms: &Terms, labels: impl Iterator<Item = &'a str> + Clone, names: &TariffNames) -> bool {
        let believed = self.judge.believed();
        let shown = labels.filter_map(|label| {
            let register = Register::of(terms.mode, label).filter(|register| *register != Register::WITHDRAWN)?;
            Some((label, believed.get(&register)?.wh))
        });
        let changed = self.meanings.handle_shown(terms, shown, names, self.time.now_s());
        self.saving.is_structural |= changed;
        self.saving.has_moved |= changed;
        changed
    }

    /// What the total is beyond the sum of these labels, in Wh.
    #[must_use]
    pub fn offset(&self, mode: Mode, labels: &[&str]) -> i64 {
        let Some(total) = &self.total else { return 0 };
        let registers = labels.iter().filter_map(|label| Register::of(mode, label));
        let sum: u64 = registers.filter_map(|register| total.registers.get(&register)).sum();
        total.wh.cast_signed() - sum.cast_signed()
    }

    /// Another ledger of this meter was found. It counts if it is newer, as long as no sample was counted. Returns why it does not.
    pub fn handle_ledger(&mut self, ledger: Ledger) -> Option<Refusal> {
        if self.has_begun() {
            return None;
        }
        let (newer, refusal) = Ledger::newest(self.kept.take(), ledger);
        self.kept = Some(newer);
        refusal
    }

    /// A sample of the present: which of its indexes may be published.
    pub fn handle_sample(
        &mut self,
        sample: &Sample<'_>,
        datasets: &[Dataset<'_>],
        three_phase: bool,
        prices: &Book,
        unix_ms: i64,
    ) -> Judged {
        self.begin();
        self.time.handle_sample(Clocks::of(sample, unix_ms));
        self.limit.handle_datasets(datasets, three_phase);
        let mut judged = Judged { is_reborn: self.begin_anew(), ..Judged::default() };
        let Believed { now: believed, first } = self.judge_indexes(sample, datasets, &mut judged);
        // What the samples that agree have counted among themselves was drawn in front of us, unless other registers have counted it already.
        let is_new = |at_ms: i64| self.total.as_ref().is_none_or(|total| total.at_ms <= at_ms);
        let first = first.filter(|(_, at_ms)| is_new(*at_ms));
        for (believed, at_ms) in first.iter().map(|(first, at_ms)| (first, *at_ms)).chain([(&believed, self.time.now_ms())]) {
            if let Some(shown) = shown(sample.mode, datasets, believed) {
                let before = self.before(prices);
                self.count(&shown, at_ms, &mut judged);
                self.pay(before, (sample.mode, datasets, believed), prices);
            }
        }
        for label in &judged.replaced {
            self.meanings.handle_replaced(label, self.time.now_s());
        }
        self.saving.is_structural |= !judged.replaced.is_empty() || judged.is_anew || std::mem::take(&mut self.saving.has_caught_up);
        self.saving.has_moved |= !believed.is_empty();
        judged
    }

    /// A sample of the past. What it counted is added to the total, if it is later than that and follows from it: the display may have
    /// changed since. Returns the labels of the indexes that cannot follow from what was published.
    pub fn handle_past(&mut self, sample: &Sample<'_>, datasets: &[Dataset<'_>], prices: &Book, unix_ms: i64) -> BTreeSet<String> {
        self.begin();
        let follows = |(register, _, wh): &(Register, &str, u32)| self.judge.could_follow(*register, *wh, &self.limit, unix_ms);
        let (following, implausible): (Vec<_>, Vec<_>) = indexes(sample.mode, datasets).partition(follows);
        let implausible = implausible.into_iter().map(|(_, label, _)| label.to_owned()).collect();
        let is_later = self.total.as_ref().is_some_and(|total| total.at_ms < unix_ms);
        if is_later && self.time.handle_past(Clocks::of(sample, unix_ms)) {
            self.count_past(sample, datasets, following.into_iter().map(|(register, _, wh)| (register, wh)).collect(), prices);
        }
        implausible
    }

    /// A sample of the past, of before one that was counted already: nothing of it is counted. Returns the labels of the indexes that cannot lead
    /// to what was published.
    #[must_use]
    pub fn handle_overtaken(&self, sample: &Sample<'_>, datasets: &[Dataset<'_>], unix_ms: i64) -> BTreeSet<String> {
        let leads = |(register, _, wh): &(Register, &str, u32)| self.judge.could_precede(*register, *wh, &self.limit, unix_ms);
        indexes(sample.mode, datasets).filter(|index| !leads(index)).map(|(_, label, _)| label.to_owned()).collect()
    }

    fn count_past(&mut self, sample: &Sample<'_>, datasets: &[Dataset<'_>], believed: BTreeMap<Register, u32>, prices: &Book) {
        let hearing = Hearing { boot: sample.boot, time: &self.time, limit: &self.limit };
        believed.iter().for_each(|(register, wh)| self.judge.handle_past(*register, *wh, &hearing));
        let mut judged = Judged::default();
        if let Some(shown) = shown(sample.mode, datasets, &believed) {
            let before = self.before(prices);
            self.count(&shown, self.time.now_ms(), &mut judged);
            self.pay(before, (sample.mode, datasets, &believed), prices);
        }
        self.saving.is_structural |= judged.is_anew;
        self.saving.has_moved |= judged.is_counted;
        self.saving.has_caught_up |= judged.is_counted;
    }

    /// What is to be told and kept now; at the last everything.
    pub fn poll_ledger(&mut self, is_last: bool, now: Instant) -> Option<Due> {
        let is_due = is_last || self.saving.is_structural || self.saving.told.is_none_or(|told| told + TELL_EVERY <= now);
        if !self.saving.has_moved || !is_due {
            return None;
        }
        let keep_due = |kept: Instant| now.saturating_duration_since(kept) >= KEEP_EVERY;
        let to_disk = is_last || self.saving.is_structural || self.saving.kept.is_none_or(keep_due);
        let kept = if to_disk { Some(now) } else { self.saving.kept };
        self.saving = Saving { is_structural: false, has_moved: false, told: Some(now), kept, ..self.saving };
        self.sequence += 1;
        Some(Due { ledger: self.written(), to_disk })
    }

    /// What must never be forgotten, as it was last kept or as it was found.
    #[must_use]
    pub fn ledger(&self) -> Option<Ledger> {
        if self.has_begun() { Some(self.written()) } else { self.kept.clone() }
    }

    fn written(&self) -> Ledger {
        let (indexes, meanings) = (self.judge.believed().clone(), self.meanings.clone());
        let mut ledger = Ledger::new(self.meter, self.sequence, self.time.now_ms(), self.total.clone(), indexes, meanings);
        ledger.continues = self.continues.map(|old| old.to_string());
        ledger.costs = self.costs.clone();
        ledger
    }

    /// When to call [`Account::poll_ledger`], if nothing happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.saving.told.filter(|_| self.saving.has_moved).map(|told| told + TELL_EVERY)
    }

    /// Goes on from what was kept.
    fn begin(&mut self) {
        let Some(kept) = self.kept.take() else { return };
        self.meanings = kept.meanings;
        self.sequence = kept.sequence;
        self.total = kept.total;
        self.costs = kept.costs;
        self.judge = Judge::new(kept.indexes);
        let goes_on = self.continues.is_some_and(|old| kept.continues.as_deref() == Some(old.as_str()));
        self.begins_at = self.begins_at.filter(|_| !goes_on);
        if let (Some(total), Some(wh)) = (&mut self.total, self.begins_at) {
            // What this meter counted before is in the history of its own entity.
            (total.wh, self.begins_at) = (wh, None);
        }
    }

    /// What was kept of a meter that was known is lost: its total begins at what the meter shows, so no entity may go on. Returns whether that
    /// is so.
    fn begin_anew(&mut self) -> bool {
        let is_reborn = std::mem::take(&mut self.was_known) && !self.has_begun() && self.begins_at.is_none();
        if is_reborn {
            self.meanings = Meanings::reborn(self.time.now_s());
        }
        is_reborn
    }

    /// The registers of a sample that are believed.
    fn judge_indexes(&mut self, sample: &Sample<'_>, datasets: &[Dataset<'_>], judged: &mut Judged) -> Believed {
        let hearing = Hearing { boot: sample.boot, time: &self.time, limit: &self.limit };
        let (mut believed, mut first) = (BTreeMap::new(), BTreeMap::<Register, Reading>::new());
        for (register, label, wh) in indexes(sample.mode, datasets) {
            let published = self.judge.believed().get(&register).map_or(0, |reading| reading.wh);
            match self.judge.handle_index(register, wh, &hearing) {
                Verdict::Plausible => {
                    believed.insert(register, wh);
                }
                Verdict::NewTruth(reading) => {
                    believed.insert(register, wh);
                    first.insert(register, reading);
                    judged.replaced.insert(label.to_owned());
                }
                Verdict::Late => {
                    judged.late.insert(label.to_owned());
                }
                verdict => {
                    judged.held_back.insert(label.to_owned());
                    let contradicts =
                        (verdict == Verdict::Contradiction).then(|| Contradiction { label: label.to_owned(), published, said: wh });
                    judged.contradictions.extend(contradicts);
                }
            }
        }
        let wh_then = |register: &Register, wh: &u32| first.get(register).map_or(*wh, |reading| reading.wh);
        let then = || believed.iter().map(|(register, wh)| (*register, wh_then(register, wh))).collect();
        let first = first.values().map(|reading| reading.at_ms).min().map(|at_ms| (then(), at_ms));
        Believed { now: believed, first }
    }

    /// The total, where what it counts next is paid for.
    fn before(&self, prices: &Book) -> Option<Total> {
        self.total.as_ref().filter(|_| !prices.is_empty()).cloned()
    }

    /// What the total has counted since then is paid for, under the tariffs of the indexes that have moved.
    fn pay(&mut self, before: Option<Total>, (mode, datasets, believed): Frame<'_>, prices: &Book) {
        let (Some(before), Some(total), false) = (before, &self.total, prices.is_empty()) else { return };
        let steps = indexes(mode, datasets).filter_map(|(register, label, _)| {
            let counting = Counting { index: register.index()?, name: name_of(&self.meanings, mode, label) };
            let wh = counted(*before.registers.get(&register)?, u64::from(*believed.get(&register)?))?;
            (wh > 0).then_some(Step { counting, wh })
        });
        let steps = steps.collect();
        let drawn = Drawn { wh: total.wh - before.wh, steps, from: before.at_ms.div_euclid(1_000), to: total.at_ms.div_euclid(1_000) };
        self.costs.handle_drawn(drawn, prices);
    }

    /// Counts what the meter showed then.
    fn count(&mut self, shown: &Shown, at_ms: i64, judged: &mut Judged) {
        judged.is_counted = true;
        let Some(total) = &mut self.total else {
            let begun = |wh| Total::from(wh, shown, at_ms);
            self.total = Some(self.begins_at.take().map_or_else(|| Total::new(shown, at_ms), begun));
            self.saving.is_structural = true;
            return;
        };
        let possible = self.limit.possible(true, self.time.since(total.at_ms));
        let registers = total.registers.len();
        judged.is_anew |= total.handle_shown(shown, possible, at_ms) == Counted::Anew;
        self.saving.is_structural |= total.registers.len() != registers;
    }
}

/// What the tariff of an index is called: in historic mode its label says it.
fn name_of<'a>(meanings: &'a Meanings, mode: Mode, label: &'a str) -> Option<&'a str> {
    match mode {
        Mode::Historic => Some(label),
        Mode::Standard => meanings.of(label)?.tariff_name(),
    }
}

/// The indexes among datasets: register, label, number.
fn indexes<'a>(mode: Mode, datasets: &'a [Dataset<'_>]) -> impl Iterator<Item = (Register, &'a str, u32)> {
    datasets.iter().filter_map(move |dataset| {
        let register = Register::of(mode, dataset.label())?;
        Some((register, dataset.label(), dataset.value().number()?.try_into().ok()?))
    })
}

/// What a frame shows of the meter's total: nothing, where it lacks one of several indexes.
fn shown(mode: Mode, datasets: &[Dataset<'_>], believed: &BTreeMap<Register, u32>) -> Option<Shown> {
    if mode == Mode::Standard {
        let suppliers = believed.iter().filter(|(register, _)| register.is_supplier());
        return Some(Shown::Total(*believed.get(&Register::WITHDRAWN)?, suppliers.map(|(register, wh)| (*register, *wh)).collect()));
    }
    let role = datasets.iter().filter_map(Dataset::role).find(|role| matches!(role, Role::IndexOf(_)))?;
    let of_contract = Label::with_role(mode, role).map(|label| {
        let register = Register::of(mode, label.code)?;
        Some((register, *believed.get(&register)?))
    });
    let registers: BTreeMap<Register, u32> = of_contract.collect::<Option<_>>()?;
    Some(registers.get(&Register::BASE).map_or(Shown::Contract(registers.clone()), |wh| Shown::Base(*wh)))
}
