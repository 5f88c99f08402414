//! One meter and all machines that belong to it: the order of its samples, its figures, its presence, and what Home Assistant is told of it.
//!
//! No clock, no I/O: `handle_*` takes what happened and returns the messages that follow from it (`messages`); `poll_*` says what else there
//! is to do (`polls`).

mod messages;
mod polls;

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use teleinfo_proto::{
    seal::Fingerprint,
    tic::{Dataset, MeterId, Mode},
    wire::{BootId, LineState, Sample, SampleKind, Status},
};

use crate::{
    archive::readings::{Readings, Turns},
    energy::{
        account::{Account, Contradiction, Judged},
        ledger::{Ledger, Refusal},
    },
    homeassistant::{
        announcer::Announcer,
        home::Home,
        home_power::HomePower,
        memory::Memory,
        presentation::Presentation,
        statistic::{Sources, Statistic},
    },
    meter::{
        cadence::{Cadence, Policy},
        derived::Derived,
        events::Event,
        figures::{Figures, Moment, UNSEEN},
        presence::Presence,
        reception::Reception,
        record::{Picker, Record},
        state::Part,
        told::Told,
    },
    order::{
        answer::Answer,
        intake::{Intake, Tally},
        marks::Marks,
        received::{ReaderClock, Received},
    },
    power::reading::Power,
    prices::book::Book,
    words::{
        another_reader, journal,
        language::{Sentence, Words},
        message::Message,
        utc,
    },
};

const CONTRADICTION: Words = Words::new(
    "meter {}: its readers contradict each other about {}: {} was published, another says {}",
    "compteur {} : ses lecteurs se contredisent sur {} : {} a été publié, un autre dit {}",
);
const REBORN: Words = Words::new(
    "meter {}: what was kept of its energy is lost, in the state directory and on the broker. Its total begins at what the meter shows, and its \
     energies are new entities: choose those that are available in the Energy dashboard",
    "compteur {} : ce qui était gardé de son énergie est perdu, dans le répertoire d'état et sur le broker. Son total part de ce que montre le \
     compteur, et ses énergies sont de nouvelles entités : choisissez celles qui sont disponibles dans le tableau de bord Énergie",
);
const REPLACED: Words = Words::new(
    "meter {}: {} goes on from another number, which is not counted as consumption",
    "compteur {} : {} continue à partir d'un autre nombre, ce qui n'est pas compté comme consommation",
);
const NO_PRICE: Words =
    Words::new("meter {}: no price for {}: add it to kwh of [{}]", "compteur {} : pas de prix pour {} : à ajouter à kwh de [{}]");
const NO_LIST: Words = Words::new(
    "meter {}: no price holds yet: add a table with an earlier date to [{}]",
    "compteur {} : aucun prix ne vaut encore : ajoutez à [{}] un bloc d'une date antérieure",
);
const ANEW: Words = Words::new(
    "meter {}: the total counts anew from here: no index goes on from what was known",
    "compteur {} : le total recommence ici : aucun index ne continue ce qui était connu",
);

/// A frame takes no longer: its power was told within this time.
const FRAME: Duration = Duration::from_secs(3);
/// Home Assistant subscribes some time after it has read a discovery payload; what is only sent on change is said again then.
const REPEATS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(8)];

/// Samples with events that are remembered until the broker has surely got them; a broker that is silent is noticed within 20 s.
const EVENTS_REMEMBERED: usize = 16;

/// What is the same for all meters.
#[derive(Debug, Clone)]
pub struct StationOptions {
    /// How meters are presented.
    pub presentation: Arc<Presentation>,
    /// How often a state is published.
    pub policy: Policy,
    /// How often measurements are told to Home Assistant; zero: with each frame.
    pub pace: Duration,
    /// Time without a frame after which a meter is offline.
    pub offline_after: Duration,
    /// Whether the bridge has a memory of what meters showed.
    pub archive: bool,
    /// Where figures are written somewhere: how often.
    pub records: Option<Duration>,
}

/// One meter.
#[derive(Debug)]
pub struct Station {
    id: MeterId,
    presentation: Arc<Presentation>,
    intake: Intake,
    clock: ReaderClock,
    presence: Presence,
    figures: Figures,
    account: Account,
    reception: Reception,
    announcer: Announcer,
    cadence: Cadence,
    /// What tells the derived values that were last published from others.
    published: u64,
    /// The prices to come as they were last published.
    published_prices: Option<Vec<u8>>,
    /// The state has changed since it was published.
    held_back: bool,
    /// What Home Assistant's entities are told.
    home: Home,
    home_power: HomePower,
    /// The power that was last told, and when.
    power: Option<(Power, Instant)>,
    /// The merged state is the present: nothing of the past has completed it since.
    is_present: bool,
    /// When everything is said again.
    repeats: Vec<Instant>,
    /// The statistics as they were last handed out, and what they follow from.
    statistics: Vec<Statistic>,
    sources: Sources,
    /// What had been told before the samples that brought the last events.
    told_before: VecDeque<((BootId, u64), Told)>,
    /// The samples that the memory is made of, if there is one.
    turns: Option<Turns>,
    /// What is written elsewhere is picked from the samples here.
    picker: Option<Picker>,
    /// The tally as the log last spoke of it, and as it was last counted.
    logged: Tally,
    counted: Tally,
    /// What readers contradict each other about, and what has happened to the energy, not said yet.
    contradiction: Option<Sentence>,
    energy_news: Option<Sentence>,
}

impl Station {
    /// A meter not heard of since the start; `memory`, `marks` and `ledger` are what an earlier process kept.
    #[must_use]
    pub fn new(id: MeterId, options: &StationOptions, memory: Memory, marks: Marks, ledger: Option<Ledger>) -> Self {
        let (told, power, calendar) = (memory.told.clone(), memory.power.clone(), memory.calendar.clone());
        let was_known = memory != Memory::default() || !marks.is_empty();
        let announcer = Announcer::new(id, options.presentation.clone(), memory);
        Self {
            id,
            presentation: options.presentation.clone(),
            intake: Intake::new(marks),
            clock: ReaderClock::default(),
            presence: Presence::new(options.offline_after),
            figures: Figures::new(&id, announcer.mode().unwrap_or(Mode::Historic), told, &power, calendar),
            account: Account::new(id, ledger, was_known),
            reception: Reception::default(),
            announcer,
            cadence: Cadence::new(options.policy),
            home: Home::new(options.pace),
            home_power: HomePower::new(options.pace),
            power: None,
            published: Derived::default().digest(),
            published_prices: None,
            held_back: false,
            is_present: false,
            repeats: Vec::new(),
            statistics: Vec::new(),
            sources: Sources::default(),
            told_before: VecDeque::new(),
            turns: options.archive.then(Turns::default),
            picker: options.records.map(|every| Picker::new(id, i64::try_from(every.as_millis()).unwrap_or(0))),
            logged: Tally::default(),
            counted: Tally::default(),
            contradiction: None,
            energy_news: None,
        }
    }

    /// The order of its samples.
    #[must_use]
    pub const fn intake(&self) -> &Intake {
        &self.intake
    }

    /// How it is read.
    #[must_use]
    pub const fn reception(&self) -> &Reception {
        &self.reception
    }

    /// Its figures.
    #[must_use]
    pub const fn figures(&self) -> &Figures {
        &self.figures
    }

    /// The power that was last told, and when.
    #[must_use]
    pub fn power(&self) -> Option<(&Power, Instant)> {
        self.power.as_ref().map(|(power, at)| (power, *at))
    }

    /// The account of its energy.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// What energy costs at this meter.
    #[must_use]
    pub fn prices(&self) -> &Book {
        self.presentation.prices_of(self.id)
    }

    /// The clock of the reader that reads it.
    #[must_use]
    pub const fn clock(&self) -> ReaderClock {
        self.clock
    }

    /// Whether it is being read, as it was last said.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.presence.is_online()
    }

    /// The name of the reader that reads it, or last did.
    #[must_use]
    pub fn reader(&self) -> Option<&str> {
        self.reception.reader()
    }

    /// Whether a sample that just came warns of something that is not known: it must not wait for the turn of its meter.
    #[must_use]
    pub fn is_warned(&self, received: &Received) -> bool {
        let state = self.figures.state();
        received.sample().is_ok_and(|sample| {
            let datasets: Vec<Dataset<'_>> = sample.datasets.iter(sample.mode).filter_map(Result::ok).collect();
            sample.mode == state.mode() && state.is_warned(&datasets)
        })
    }

    /// A sample came from the reader, at this time of the wall clock. It waits for [`Station::poll_sample`].
    pub fn handle_arrival(&mut self, received: Received, wall: SystemTime, now: Instant) {
        self.clock.observe(&received, wall);
        if matches!(received.kind, SampleKind::Frame { .. }) {
            self.presence.handle_frame(now);
        }
        self.intake.handle_arrival(received, now);
    }

    /// The reader's liveliness token appeared or vanished. Returns whether the reader has come back after its token was gone.
    pub fn handle_token(&mut self, present: bool, now: Instant) -> bool {
        let back = present && self.presence.is_gone();
        self.presence.handle_token(present, now);
        if present {
            self.intake.handle_alive();
        } else {
            self.account.handle_gone();
        }
        back
    }

    /// Nobody knew this meter before: it is announced once it has sent so many samples.
    pub const fn handle_newcomer(&mut self, samples: u32) {
        self.announcer.handle_newcomer(samples);
    }

    /// The words of choices have changed since it was announced. One of whose indexes nothing is known yet would lose their entities: it is
    /// announced when it is heard.
    pub fn handle_reworded(&mut self, now: Instant) {
        if self.account.kept_meanings().count() > 0 {
            self.announcer.handle_reworded(now);
        }
    }

    /// The reader has proven that it lives: it may have samples that never counted.
    pub fn handle_proven(&mut self) {
        self.intake.handle_alive();
    }

    /// Another bridge has followed the meter so far, and its reader's clock stood so.
    pub const fn handle_clock(&mut self, clock: ReaderClock) {
        self.clock = clock;
    }

    /// The reader leaves this meter by its own will.
    pub fn handle_goodbye(&mut self, now: Instant) {
        self.presence.handle_goodbye(now);
    }

    /// The total goes on from that of another meter, which lets go of it until then.
    pub fn handle_continued(&mut self, old: MeterId, wh: u64, total_id: String, held_until: Option<Instant>) {
        self.account.handle_continued(old, wh);
        self.announcer.handle_continued(total_id, held_until);
    }

    /// Another meter goes on from the total of this one. Returns its unique id, and whether it is still to be let go of.
    pub fn handle_succeeded(&mut self, now: Instant) -> (String, bool) {
        let (total_id, is_announced) = self.announcer.handed_on();
        self.announcer.handle_succeeded(now);
        (total_id, is_announced)
    }

    /// There is one meter, or there are several.
    pub fn handle_others(&mut self, is_one_of_several: bool, now: Instant) {
        self.announcer.handle_others(is_one_of_several, now);
    }

    /// The broker holds something of this meter from an earlier run.
    pub fn handle_known(&mut self) {
        self.account.handle_known();
    }

    /// The broker still says `online` of this meter from an earlier run.
    pub fn handle_remembered(&mut self, now: Instant) {
        self.presence.handle_remembered(now);
    }

    /// The broker says `online` of this meter, because another bridge has followed it so far.
    pub fn handle_followed(&mut self, now: Instant) {
        self.presence.handle_followed(now);
    }

    /// The reader's history answered.
    pub fn handle_answer(&mut self, answer: Answer) {
        self.intake.handle_answer(answer.samples, answer.outcome);
    }

    /// The broker holds this ledger of an earlier run. Returns why it is not used.
    pub fn handle_ledger(&mut self, ledger: Ledger) -> Option<Refusal> {
        self.account.handle_ledger(ledger)
    }

    /// The reader reported on itself.
    pub fn handle_report(&mut self, status: &Status<'_>, now: Instant) -> Option<Message> {
        self.presence.handle_line(status.line == LineState::Reading);
        self.reception.handle_status(status, now);
        self.quality_message(now)
    }

    /// Another reader than those that are believed, the one with these words if they are known, speaks for the meter; or nothing is to be said
    /// of one any more.
    pub fn handle_another(&mut self, reader: Option<Option<Fingerprint>>, now: Instant) -> Option<Message> {
        let sentence = reader.map(|words| another_reader::sentence(self.id, words, self.presentation.language).to_string());
        self.reception.handle_another(sentence, now);
        self.quality_message(now)
    }

    /// The broker is gone: what it was told last is soon no longer the present.
    pub fn handle_disconnected(&mut self, now: Instant) {
        self.is_present = false;
        self.published = Derived::default().digest();
        self.cadence.handle_lost();
        self.announcer.handle_disconnected(now);
    }

    /// The messages of these samples, oldest first, did not reach the broker: what they told is told as the past, and an event that is still
    /// one of now once more.
    pub fn handle_given_up(&mut self, samples: &[(BootId, u64)]) {
        let is_given_up = |sample: &(BootId, u64)| samples.iter().any(|(boot, sequence)| *boot == sample.0 && *sequence <= sample.1);
        if let Some(first) = self.told_before.iter().position(|(sample, _)| is_given_up(sample)) {
            let told = self.told_before.drain(first..).next();
            told.into_iter().for_each(|(_, told)| self.figures.take_back(told));
        }
        self.intake.handle_given_up(samples);
    }

    /// The broker is there.
    pub const fn handle_connected(&mut self) {
        self.announcer.handle_connected();
    }

    /// Home Assistant has started: everything again after a while, drawn from `random`.
    pub fn handle_birth(&mut self, random: u64, now: Instant) {
        self.announcer.handle_birth(random, now);
    }

    /// Takes one sample of the past: it is told with its time, and nothing of it is said as the present. It is remembered all the
    /// same: what a damaged frame lacks afterwards is completed from the frame before it, not from one before the gap.
    #[must_use]
    pub fn handle_past(&mut self, sample: &Sample<'_>, moment: Moment) -> Message {
        let datasets: Vec<Dataset<'_>> = sample.datasets.iter(sample.mode).filter_map(Result::ok).collect();
        self.take_past(sample, &datasets, moment);
        self.history_message(&datasets, moment)
    }

    /// Takes what waits before a sample that goes ahead of it, which is told next: it is told later.
    pub fn handle_ahead(&mut self, now: Instant) {
        for received in self.intake.poll_overtaken() {
            let Ok(sample) = received.sample() else { continue };
            let datasets: Vec<Dataset<'_>> = sample.datasets.iter(sample.mode).filter_map(Result::ok).collect();
            let moment = Moment { at: now, unix_ms: self.time_of(&received) };
            self.take_past(&sample, &datasets, moment);
        }
    }

    fn take_past(&mut self, sample: &Sample<'_>, datasets: &[Dataset<'_>], moment: Moment) {
        let implausible = self.account.handle_past(sample, datasets, self.presentation.prices_of(self.id), moment.unix_ms);
        if let Some(part) = Part::of(sample.kind) {
            self.is_present = false;
            let plausible = without(datasets, &implausible);
            self.figures.handle_past(part, sample.mode, &plausible);
            self.remember_indexes(&plausible, moment);
            self.record(&plausible, false, moment);
        }
    }

    /// Tells a sample that something newer has overtaken. The state and the total are of after it, and stay as they are.
    #[must_use]
    pub fn handle_overtaken(&mut self, sample: &Sample<'_>, moment: Moment) -> Message {
        let datasets: Vec<Dataset<'_>> = sample.datasets.iter(sample.mode).filter_map(Result::ok).collect();
        let plausible = without(&datasets, &self.account.handle_overtaken(sample, &datasets, moment.unix_ms));
        if Part::of(sample.kind).is_some() {
            self.remember_indexes(&plausible, moment);
            self.record(&plausible, false, moment);
        }
        self.history_message(&datasets, moment)
    }

    /// Takes one sample of the present; each only once, and in order.
    pub fn handle_sample(&mut self, sample: &Sample<'_>, moment: Moment) -> Vec<Message> {
        let mut datasets: Vec<Dataset<'_>> = sample.datasets.iter(sample.mode).filter_map(Result::ok).collect();
        if sample.kind == SampleKind::Snapshot {
            return vec![self.history_message(&datasets, moment)];
        }
        if sample.kind == SampleKind::Live {
            return self.handle_live(sample, &datasets, moment);
        }
        // The place in the order is taken; what an unknown kind means is for a newer release.
        let Some(part) = Part::of(sample.kind) else { return Vec::new() };
        self.is_present = true;
        let mut events: Vec<Event> = self.figures.handle_mode(sample.mode).into_iter().collect();
        let resets = self.reception.handle_sample(sample.boot, &sample.counters, moment.at);
        events.extend(self.figures.handle_run(sample.boot, resets));
        let judged = self.judge(sample, &datasets, moment);
        let late = self.as_published(&judged);
        datasets.retain(|dataset| !judged.is_withheld(dataset.label()));
        datasets.extend(late.iter().filter_map(|(label, data)| Dataset::new(sample.mode, label, None, data).ok()));
        self.handle_judged(&judged, moment.at);
        self.remember_indexes(&datasets, moment);
        let total = self.account.total().filter(|_| judged.is_counted);
        if !self.figures.handle_datasets(part, sample, &datasets, total, moment) {
            return self.event_messages(&events, moment);
        }
        self.announcer.handle_datasets(part, sample.mode, &datasets, moment.at);
        let shown = self.announcer.shown();
        if shown.is_some_and(|(terms, labels, names)| self.account.handle_learnt(terms, labels, names)) {
            self.announcer.handle_meanings(moment.at);
        }
        let power = self.figures.handle_frame(sample, &datasets, total);
        events.extend(self.figures.derive(self.announcer.learnt(), moment));
        if self.figures.derived().injection == Some(UNSEEN) {
            self.announcer.handle_unseen_injection(moment.at);
        }
        self.remember_events((sample.boot, sample.sequence));
        let mut messages = self.power_message(power, sample.uptime_ms, moment);
        self.record(&datasets, true, moment);
        messages.extend(self.messages_of_a_frame(&events, moment));
        messages
    }

    /// Judges and counts the indexes of a sample, and what they cost.
    fn judge(&mut self, sample: &Sample<'_>, datasets: &[Dataset<'_>], moment: Moment) -> Judged {
        let (three_phase, prices) = (self.announcer.learnt().three_phase, self.presentation.prices_of(self.id));
        let judged = self.account.handle_sample(sample, datasets, three_phase, prices, moment.unix_ms);
        if !prices.is_empty() {
            self.figures.handle_costs(self.account.costs().told(prices));
        }
        judged
    }

    /// Takes what is said before the end of its frame: power is told at once, and so is what warns. The merged state follows with the frame.
    fn handle_live(&mut self, sample: &Sample<'_>, datasets: &[Dataset<'_>], moment: Moment) -> Vec<Message> {
        // Until the state of now is known, so is not what a dataset of another mode or another run would mean.
        if !self.is_present || sample.mode != self.figures.state().mode() {
            return Vec::new();
        }
        let (power, warns) = self.figures.handle_live(sample, datasets);
        let mut messages = self.power_message(power, sample.uptime_ms, moment);
        if warns {
            let events = self.figures.derive(self.announcer.learnt(), moment);
            // If they do not arrive, the frame that follows tells them.
            self.remember_events((sample.boot, sample.sequence.saturating_add(1)));
            messages.extend(self.derived_message());
            messages.extend(self.home_message(moment));
            messages.extend(self.event_messages(&events, moment));
        }
        messages
    }

    /// A power, with the time at which its dataset ended: the sample came at this time, and was made at this uptime of the reader.
    fn power_message(&mut self, power: Option<Power>, uptime_ms: u64, moment: Moment) -> Vec<Message> {
        let Some(power) = power else { return Vec::new() };
        self.power = Some((power, moment.at));
        let age = Duration::from_millis(uptime_ms).saturating_sub(power.at);
        let unix_ms = moment.unix_ms - i64::try_from(age.as_millis()).unwrap_or(0);
        let message = power.message(utc::rfc3339_ms(unix_ms));
        let told = self.home_power.handle_power(&power, unix_ms).then(|| self.topics().home_power(self.id));
        [Some(self.topics().power(self.id)), told].into_iter().flatten().filter_map(|topic| Message::live_json(topic, &message)).collect()
    }

    /// Time has passed: to be called when [`Station::poll_timeout`] is due.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<Message> {
        let mut messages = self.announcer.poll_takeover(now);
        messages.extend(self.discovery_message(now));
        if self.repeats.iter().any(|at| *at <= now) {
            self.repeats.retain(|at| *at > now);
            // What a meter that is away said last is not said again as if it were new.
            if self.is_online() {
                messages.extend(self.everything());
            }
            messages.extend(self.reception.repeat().map(|report| self.quality(report)));
        }
        if self.held_back && self.is_present {
            messages.extend(self.state_message(false, now));
        }
        self.figures.handle_timeout(now);
        if let Some(derived) = self.derived_message() {
            messages.push(derived);
            messages.extend(self.home_message_of_time());
        }
        messages.extend(self.quality_message(now));
        messages
    }

    /// When to call [`Station::handle_timeout`], if nothing happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadlines = [
            self.presence.poll_timeout(),
            self.figures.poll_timeout(),
            self.reception.poll_timeout(),
            self.announcer.poll_timeout(),
            self.account.poll_timeout(),
            self.cadence.poll_timeout().filter(|_| self.held_back && self.is_present),
            self.repeats.iter().min().copied(),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// When a sample was made, by the clock of this machine, in ms since 1970.
    #[must_use]
    pub fn time_of(&self, received: &Received) -> i64 {
        let since = self.clock.time_of(received).duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// Where another reader has said a newer number a moment before, that number still stands: label and data.
    fn as_published(&self, judged: &Judged) -> Vec<(String, String)> {
        let published = |label: &String| Some((label.clone(), self.figures.state().get(label)?.data().to_owned()));
        judged.late.iter().filter_map(published).collect()
    }

    /// Which of its tariffs have no price, and where to add it, where the owner has given prices.
    #[must_use]
    pub fn unpriced(&self) -> Option<Sentence> {
        let price = &self.figures.derived().price;
        let (table, tariffs) = (self.presentation.prices_table(self.id), price.missing.join(", "));
        match price.list {
            _ if price.missing.is_empty() => None,
            Some(from) => Some(journal::say(NO_PRICE, &[&self.id, &tariffs, &format!("{table}.{from}")])),
            None => Some(journal::say(NO_LIST, &[&self.id, &table])),
        }
    }

    /// What the memory is to be told, since the last call.
    pub fn poll_readings(&mut self) -> Vec<Readings> {
        self.turns.as_mut().map(Turns::poll_picked).unwrap_or_default()
    }

    /// What is to be written elsewhere, since the last call.
    pub fn poll_records(&mut self) -> Vec<Record> {
        self.picker.as_mut().map(Picker::poll_picked).unwrap_or_default()
    }

    /// Notes what is to be said of a judgement.
    fn handle_judged(&mut self, judged: &Judged, now: Instant) {
        if let Some(Contradiction { label, published, said }) = judged.contradictions.first() {
            self.reception.handle_contradiction(format!("{label}: {published}, {said}"), now);
            self.contradiction = Some(journal::say(CONTRADICTION, &[&self.id, label, published, said]));
        }
        if judged.is_reborn {
            self.energy_news = Some(journal::say(REBORN, &[&self.id]));
        } else if !judged.replaced.is_empty() {
            self.figures.forget_slopes();
            let labels = judged.replaced.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            self.energy_news = Some(journal::say(REPLACED, &[&self.id, &labels]));
        } else if judged.is_anew {
            self.energy_news = Some(journal::say(ANEW, &[&self.id]));
        }
    }

    /// These are believed.
    fn remember_indexes(&mut self, datasets: &[Dataset<'_>], moment: Moment) {
        if let Some(turns) = &mut self.turns {
            turns.handle_datasets(datasets, moment.unix_ms);
        }
    }

    /// These are believed. The power was told at its own dataset of this frame, or not at all.
    fn record(&mut self, datasets: &[Dataset<'_>], is_present: bool, moment: Moment) {
        if let Some(picker) = &mut self.picker {
            let is_of_this_frame = |at: &Instant| is_present && moment.at.saturating_duration_since(*at) <= FRAME;
            let power = self.power.as_ref().filter(|(_, at)| is_of_this_frame(at)).map(|(power, _)| power);
            picker.handle_datasets(datasets, power, moment.unix_ms);
        }
    }

    /// Of the sample with this number.
    fn remember_events(&mut self, sample: (BootId, u64)) {
        let Some(before) = self.figures.take_told_before() else { return };
        if self.told_before.len() == EVENTS_REMEMBERED {
            self.told_before.pop_front();
        }
        self.told_before.push_back((sample, before));
    }

    fn messages_of_a_frame(&mut self, events: &[Event], moment: Moment) -> Vec<Message> {
        let mut messages: Vec<Message> = self.discovery_message(moment.at).into_iter().collect();
        let is_first = !self.presence.is_online();
        messages.extend(self.state_message(!events.is_empty() || is_first, moment.at));
        self.presence.handle_told();
        messages.extend(self.derived_message());
        messages.extend(self.home_message(moment));
        messages.extend(self.prices_message());
        messages.extend(self.event_messages(events, moment));
        messages.extend(self.quality_message(moment.at));
        messages
    }
}

/// The datasets that have none of these labels.
fn without<'a>(datasets: &[Dataset<'a>], labels: &BTreeSet<String>) -> Vec<Dataset<'a>> {
    datasets.iter().filter(|dataset| !labels.contains(dataset.label())).copied().collect()
}
