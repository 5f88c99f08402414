//! What Home Assistant is told of a meter, and when: which entities there are follows what the meter has shown, under which mode and
//! contract. Nothing is removed or taken over on the word of a damaged frame.

use std::{sync::Arc, time::Instant};

use teleinfo_proto::tic::{Dataset, Label, MeterId, Mode};

use crate::{
    energy::meaning::{Meanings, TOTAL},
    homeassistant::{
        component::Context,
        discovery::{Discovery, entities_of},
        energies, entities,
        entity::{Entity, Source},
        memory::Memory,
        predecessor::Migrate,
        presentation::Presentation,
        shown::Feature,
        statistic::Statistic,
        subject::Subject,
        takeover::Takeover,
    },
    hours::calendar::Calendar,
    meter::{
        agreement::Agreement,
        derived::Learnt,
        profile_hours::SwitchWatch,
        state::{Part, State},
        tariff_names::{Naming, TariffNames},
        terms::Terms,
        told::Told,
    },
    power::signed::KeptPower,
    words::message::Message,
};

/// After so many frames a meter is announced although none of them was whole. Entities that are added later do no harm.
const FRAMES_BEFORE_DISCOVERY: u32 = 5;
/// The same number where entities are taken over: old ones without a label here are deleted, so all labels must be known first.
const FRAMES_BEFORE_TAKEOVER: u32 = 100;

/// A change of mode or contract removes entities for good. So it is believed once two whole frames tell it, or six others on a line that
/// brings no whole ones.
const POINTS_TO_BELIEVE: u32 = 6;
const POINTS_OF_WHOLE: u32 = 3;

/// What was learnt of one meter, and how far it was told.
#[derive(Debug)]
pub struct Announcer {
    id: MeterId,
    settings: Arc<Presentation>,
    memory: Memory,
    /// The memory has changed since it was last handed out.
    is_news: bool,
    /// Counts what frames have taught.
    learnt: u64,
    terms: Agreement<Terms>,
    namings: Agreement<Naming>,
    switches: SwitchWatch,
    /// Those of the labels of the last frame that have been shown.
    labels: Vec<Option<&'static Label>>,
    discovery: Discovery,
    takeover: Takeover,
    /// Frames since mode or contract last changed.
    frames: u32,
    /// Frames that are still to come before it is announced for the first time.
    awaited: u32,
    /// One of these frames was whole.
    whole: bool,
    /// There are several meters.
    is_one_of_several: bool,
    /// Another meter must let go of its total first, until then.
    held_until: Option<Instant>,
    /// The broker is away: messages that must go out in order wait.
    away: bool,
}

impl Announcer {
    /// `memory` is what an earlier process learnt.
    #[must_use]
    pub fn new(id: MeterId, settings: Arc<Presentation>, memory: Memory) -> Self {
        Self {
            id,
            settings,
            memory,
            is_news: false,
            learnt: 0,
            terms: Agreement::default(),
            namings: Agreement::default(),
            switches: SwitchWatch::default(),
            labels: Vec::new(),
            discovery: Discovery::default(),
            takeover: Takeover::default(),
            frames: 0,
            awaited: 0,
            whole: false,
            is_one_of_several: false,
            held_until: None,
            away: false,
        }
    }

    /// The mode that entities are about: for some frames after a change the meter is ahead of it.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        self.memory.mode()
    }

    /// What follows from a frame is read with this.
    #[must_use]
    pub fn learnt(&self) -> Learnt<'_> {
        Learnt {
            names: &self.memory.names,
            hours: self.memory.hours,
            three_phase: self.memory.shown.three_phase(),
            prices: self.settings.prices_of(self.id),
            revision: self.learnt,
        }
    }

    /// Whether Home Assistant was told of prices.
    #[must_use]
    pub fn has_announced_prices(&self) -> bool {
        self.memory.announced.contains("price")
    }

    /// What a restart must not forget, if that has changed since this was last called; what was told, what is known of hours and days, and
    /// what was learnt of the power if it is time to keep that, belong to it.
    pub fn poll_memory(&mut self, told: &Told, calendar: &Calendar, power: Option<KeptPower>) -> Option<&Memory> {
        if let Some(power) = power.filter(|power| self.memory.power != *power) {
            (self.memory.power, self.is_news) = (power, true);
        }
        if self.memory.calendar != *calendar {
            (self.memory.calendar, self.is_news) = (calendar.clone(), true);
        }
        if self.memory.told != *told {
            (self.memory.told, self.is_news) = (told.clone(), true);
        }
        std::mem::take(&mut self.is_news).then_some(&self.memory)
    }

    /// What a restart must not forget, as it was when that was last asked.
    #[must_use]
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Under which terms which labels were shown, and what their tariffs are called.
    pub fn shown(&self) -> Option<(&Terms, impl Iterator<Item = &str> + Clone, &TariffNames)> {
        let Memory { terms, shown, names, .. } = &self.memory;
        terms.as_ref().map(|terms| (terms, shown.labels(), names))
    }

    /// The total goes on from that of another meter, under its unique id; that meter lets go of it until then.
    pub fn handle_continued(&mut self, total_id: String, held_until: Option<Instant>) {
        self.is_news |= !self.memory.is_continued || self.memory.total_id.as_ref() != Some(&total_id);
        self.memory.total_id = Some(total_id);
        self.memory.is_continued = true;
        self.held_until = held_until;
    }

    /// The unique id of the total, for a meter that goes on from it, and whether it is announced here at the moment.
    #[must_use]
    pub fn handed_on(&self) -> (String, bool) {
        (
            self.total_id(self.memory.mode().unwrap_or(Mode::Standard)),
            self.memory.announced.components().any(|(key, _)| energies::is_total(key)),
        )
    }

    /// Another meter goes on from the total of this one: it is let go of, whether the meter is still heard of or not.
    pub fn handle_succeeded(&mut self, now: Instant) {
        self.is_news |= !std::mem::replace(&mut self.memory.is_succeeded, true);
        self.whole = true;
        self.discovery.handle_change(now);
    }

    /// Nobody knew this meter before: it is announced with this frame, counted from one.
    pub const fn handle_newcomer(&mut self, frames: u32) {
        self.awaited = frames;
    }

    /// The words of choices have changed since it was announced: it is announced at once, as it was known before. One whose entities are still
    /// to be taken over waits for its labels as ever.
    pub fn handle_reworded(&mut self, now: Instant) {
        if self.settings.migrate == Migrate::None || self.memory.migrated {
            self.whole = true;
            self.discovery.handle_change(now);
        }
    }

    /// There is one meter, or there are several.
    pub fn handle_others(&mut self, is_one_of_several: bool, now: Instant) {
        if std::mem::replace(&mut self.is_one_of_several, is_one_of_several) != is_one_of_several && self.frames > 0 {
            self.discovery.handle_change(now);
        }
    }

    fn continues(&self) -> Option<MeterId> {
        self.settings.predecessor(self.id).filter(|_| self.memory.is_continued)
    }

    /// An index means something else now.
    pub fn handle_meanings(&mut self, now: Instant) {
        self.discovery.handle_change(now);
    }

    /// The meter injects, and shows nothing of it but a current.
    pub fn handle_unseen_injection(&mut self, now: Instant) {
        if self.memory.shown.handle_feature(Feature::InjectingUnseen) {
            self.is_news = true;
            self.discovery.handle_change(now);
        }
    }

    /// The meter sent the datasets of one sample.
    pub fn handle_datasets(&mut self, part: Part, mode: Mode, datasets: &[Dataset<'_>], now: Instant) {
        let mut is_learnt = self.memory.hours.handle_datasets(&mut self.switches, &self.id, datasets);
        let said = Terms::of(mode, datasets, part == Part::Whole);
        let mut changed = said.as_ref().is_some_and(|said| self.follow(said, part));
        // A short frame of a three-phase meter says nothing of its terms.
        if part == Part::Whole && said.is_some() {
            changed |= !std::mem::replace(&mut self.whole, true);
        }
        // Labels that come with other terms are taken once those terms are believed.
        if self.memory.mode() == Some(mode) && (said.is_none() || said == self.memory.terms) {
            let naming = Naming::agreed(&mut self.namings, datasets);
            let is_shown = self.memory.shown.handle_datasets(&mut self.labels, &self.id, datasets)
                | naming.is_some_and(|naming| self.memory.names.handle_naming(naming));
            changed |= is_shown;
            is_learnt |= is_shown;
        }
        self.is_news |= is_learnt;
        self.learnt += u64::from(is_learnt);
        self.frames += 1;
        self.awaited = self.awaited.saturating_sub(1);
        if changed || self.frames == FRAMES_BEFORE_DISCOVERY {
            self.discovery.handle_change(now);
        }
    }

    /// Takes other terms over, once they are believed; the first terms always are. Returns whether they were taken over.
    fn follow(&mut self, said: &Terms, part: Part) -> bool {
        let points = self.terms.handle_said(said.clone(), if part == Part::Whole { POINTS_OF_WHOLE } else { 1 });
        let believed = points >= POINTS_TO_BELIEVE || self.memory.terms.is_none();
        let others = believed && self.memory.terms.as_ref() != Some(said);
        if others {
            self.memory.begin(said.clone());
            self.labels.clear();
            (self.frames, self.whole, self.is_news) = (0, false, true);
            self.learnt += 1;
        }
        others
    }

    /// The broker is gone. A takeover that was under way begins again when it is back.
    pub fn handle_disconnected(&mut self, now: Instant) {
        self.away = true;
        if self.takeover.handle_disconnected() {
            self.discovery.handle_doubt(now);
        }
    }

    /// The broker is there.
    pub const fn handle_connected(&mut self) {
        self.away = false;
    }

    /// Home Assistant has started: the meter is announced again after a time that is drawn from `random`.
    pub fn handle_birth(&mut self, random: u64, now: Instant) {
        if self.frames > 0 {
            self.discovery.handle_birth(random, now);
        }
    }

    /// The device of a meter in this state, whose indexes mean this, if it is time to announce it.
    pub fn poll_discovery(&mut self, state: &State, meanings: &Meanings, now: Instant) -> Option<Message> {
        let mode = self.memory.mode()?;
        let due = self.settings.discovery && self.discovery.is_due(now) && self.knows_enough(FRAMES_BEFORE_DISCOVERY);
        let is_held = self.held_until.is_some_and(|until| now < until);
        if self.away || is_held || !due || !self.may_announce(mode, now) {
            return None;
        }
        let total_id = self.total_id(mode);
        let subject = Subject {
            name: self.settings.name(self.id).map(str::to_owned),
            continues: self.continues(),
            has_successor: self.memory.is_succeeded && self.settings.has_successor(self.id),
            is_one_of_several: self.is_one_of_several,
            context: Context { topics: &self.settings.topics, meter: &self.id, language: self.settings.language },
            shown: &self.memory.shown,
            mode,
            version: state.number("VTIC"),
            meanings,
            total_id: &total_id,
            prices: Some(self.settings.prices_of(self.id)).filter(|prices| !prices.is_empty()),
            migrate: self.settings.migrate,
        };
        let before = self.memory.announced.clone();
        let message = self.discovery.poll(&subject, &mut self.memory.announced, now);
        self.is_news |= self.memory.announced != before;
        let message = message?;
        let (total_id, wording) = (Some(total_id), Some(entities::wording(self.settings.language)));
        self.is_news |= (&self.memory.total_id, &self.memory.wording) != (&total_id, &wording);
        (self.memory.total_id, self.memory.wording) = (total_id, wording);
        self.takeover.handle_announced(now);
        Some(message)
    }

    /// When to call [`Announcer::poll_discovery`] and [`Announcer::poll_takeover`], if nothing happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.away {
            return None;
        }
        let free = self.settings.migrate == Migrate::None || self.memory.migrated || self.takeover.may_announce();
        let may_announce = self.settings.discovery && free && self.knows_enough(FRAMES_BEFORE_DISCOVERY);
        let discovery = self.discovery.poll_timeout().filter(|_| may_announce).max(self.held_until.filter(|_| may_announce));
        let discovery = discovery.filter(|_| self.discovery.poll_timeout().is_some());
        discovery.into_iter().chain(self.takeover.poll_timeout()).min()
    }

    fn knows_enough(&self, frames: u32) -> bool {
        self.awaited == 0 && (self.whole || self.frames >= frames)
    }

    /// Entities of another program are let go of first.
    fn may_announce(&mut self, mode: Mode, now: Instant) -> bool {
        if self.settings.migrate == Migrate::None || self.memory.migrated {
            return true;
        }
        if !self.knows_enough(FRAMES_BEFORE_TAKEOVER) {
            return false;
        }
        let entities: Vec<_> = entities_of(&self.memory.shown).collect();
        self.takeover.begin(self.settings.migrate, &self.settings.topics, &self.id, mode, &entities, now);
        self.takeover.may_announce()
    }

    /// What goes out to take entities over.
    pub fn poll_takeover(&mut self, now: Instant) -> Vec<Message> {
        if self.away {
            return Vec::new();
        }
        let messages = self.takeover.poll(now);
        self.is_news |= !self.memory.migrated && self.takeover.is_done();
        self.memory.migrated |= self.takeover.is_done();
        messages
    }

    /// The energy that Home Assistant keeps statistics of, as far as it is known which indexes it is the sum of; `offset` is the total
    /// beyond the sum of its own.
    #[must_use]
    pub fn statistics(&self, state: &State, meanings: &Meanings, offset: i64) -> Vec<Statistic> {
        let Some(mode) = self.memory.mode() else { return Vec::new() };
        let labels = |entity: &Entity| match entity.source {
            Source::Label(label) => (vec![label.to_owned()], 0),
            _ => (state.total_indexes().iter().map(|label| (*label).to_owned()).collect(), offset),
        };
        let total_id = self.total_id(mode);
        let energy = energies::current(&self.memory.shown, meanings).filter(|energy| energy.entity.class == Some("energy"));
        energy
            .map(|energy| {
                let (labels, offset) = labels(energy.entity);
                Statistic { unique_id: energy.unique_id(self.settings.migrate, mode, &self.id, &total_id), labels, offset }
            })
            .filter(|statistic| !statistic.labels.is_empty())
            .collect()
    }

    /// The total keeps the unique id that it first had.
    fn total_id(&self, mode: Mode) -> String {
        let first = || {
            let total = entities::all().find(|entity| energies::shows(entity) == Some(TOTAL));
            total.map(|total| self.settings.migrate.unique_id(total, mode, &self.id)).unwrap_or_default()
        };
        self.memory.total_id.clone().unwrap_or_else(first)
    }
}
