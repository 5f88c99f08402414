//! One life: what happens, drawn by its seed, and what must hold all the time and at its end.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use teleinfo_bridge::order::arrival::Arrival;
use teleinfo_proto::tic::{MeterId, Mode};
use teleinfo_simulator::{
    line::frame::Frame,
    meter::{Energy, FirstRegisters, Meter, MeterOptions, change::Change, tariff::contract::Contract},
    rng::Rng,
};

use crate::{
    bridge::Bridge,
    listener::Listener,
    reader::Reader,
    truth::{Display, Mark, Moment, START_MS},
};

const METER: &str = "900061000001";
/// What happens in one life.
const HAPPENINGS: u64 = 14;
/// Registers that other contracts have left are so far apart that no time of a life explains the difference.
const LEFT: (u64, u64) = (2_000_000, 9_000_000);

/// Samples that must agree on another run of values, and the time for which another reader is asked first.
const AGREEING: u64 = 3;
const HEARD: Duration = Duration::from_secs(61);
/// The broker's ledger is at most so old.
const TOLD: Duration = Duration::from_secs(61);
/// Marks of what the second reader says begin here.
const LIES: u64 = 999_000;

type Happening = fn(&mut Life);

/// What can happen, and how often of a hundred times.
#[rustfmt::skip]
const TABLE: &[(u64, Happening)] = &[
    (24, Life::ordinary),
    (10, Life::lossy),
    (10, Life::cut),
    (6,  Life::nobody_reads),
    (12, Life::contract),
    (8,  Life::mode),
    (6,  Life::reader_restarts),
    (8,  Life::bridge_crashes),
    (4,  Life::bridge_stops),
    (5,  Life::broker_forgets),
    (4,  Life::broker_away),
    (5,  Life::second_reader_lies),
    (4,  Life::history_again),
    (8,  Life::too_much),
];

/// Plays a life.
///
/// # Panics
/// Something that must hold does not.
pub fn play(seed: u64) {
    let mut life = Life::begin(seed);
    for _ in 0..HAPPENINGS {
        let mut at = life.rng.below(TABLE.iter().map(|(share, _)| share).sum());
        let (_, happen) = TABLE.iter().find(|(share, _)| at.checked_sub(*share).map(|rest| at = rest).is_none()).unwrap();
        happen(&mut life);
    }
    life.end();
}

/// The bridge ends without warning, and is back.
struct Crash {
    at: Duration,
    back: Duration,
}

struct Life {
    rng: Rng,
    now: Duration,
    meter: Meter,
    mode: Mode,
    contract: &'static Contract,
    reader: Reader,
    second: Reader,
    bridge: Bridge,
    listener: Listener,
    /// What the frame that is being sent shows.
    energy: Energy,
    /// Each frame that the meter has sent, by its mark.
    moments: Vec<Moment>,
    /// The samples that were given to a reader and held at some time after.
    heard: Vec<Mark>,
    loss: f64,
    /// The reader hears the meter, and is heard by the bridge.
    reads: bool,
    joined: bool,
    /// The reader answers with more than it is asked for.
    tells_all: bool,
    /// When the second reader was heard, and when the bridge crashed.
    lies: Vec<Duration>,
    crashes: Vec<Crash>,
    /// A bridge that does not know where it was begins with what it hears then.
    begins: Mark,
    /// What happened, for whoever has to find out what went wrong.
    story: Vec<String>,
}

impl Life {
    fn begin(seed: u64) -> Self {
        let mut rng = Rng::named(seed, "life");
        let contract = *rng.pick(&Contract::all().iter().collect::<Vec<_>>());
        let mode = *rng.pick(&Mode::ALL);
        let mut registers = FirstRegisters::default();
        registers.supplier.iter_mut().for_each(|wh| *wh = rng.between(LEFT.0, LEFT.1));
        let options = MeterOptions {
            seed,
            id: Some(METER.into()),
            registers: Some(registers),
            ..MeterOptions::new(mode, contract, START_MS / 1_000)
        };
        let id: MeterId = METER.parse().unwrap();
        let mut life = Self {
            now: Duration::ZERO,
            meter: Meter::new(options),
            mode,
            contract,
            reader: Reader::new(id, 1),
            second: Reader::new(id, 2),
            bridge: Bridge::new(),
            listener: Listener::new(METER),
            energy: Energy::default(),
            moments: Vec::new(),
            heard: Vec::new(),
            loss: 0.0,
            reads: true,
            joined: true,
            tells_all: false,
            lies: Vec::new(),
            crashes: Vec::new(),
            begins: Mark(0),
            story: vec![format!("SEED={seed}: {mode} {}", contract.name)],
            rng,
        };
        life.bridge.start(Duration::ZERO);
        life.frames(8);
        life
    }

    fn tell(&mut self, what: impl Into<String>) {
        self.story.push(format!("{:.0} s: {}", self.now.as_secs_f64(), what.into()));
    }

    /// The meter sends so many frames.
    fn frames(&mut self, number: u64) {
        for _ in 0..number {
            let (frame, silence) = self.next_frame();
            self.pass(frame.line_time());
            self.sent(&frame);
            self.pass(silence);
        }
    }

    /// The next frame shows what the meter has counted when it begins.
    fn next_frame(&mut self) -> (Frame, Duration) {
        self.meter.skip(Duration::ZERO);
        self.energy = self.meter.energy().clone();
        self.meter.next_frame()
    }

    fn sent(&mut self, frame: &Frame) {
        let mark = Mark(self.moments.len() as u64);
        self.moments.push(Moment::new(frame, Display::of(self.mode, self.contract), &self.energy, self.now));
        if !self.reads || frame.groups.is_empty() {
            return;
        }
        self.heard.push(mark);
        let sample = self.reader.hear(frame, mark, self.now);
        if !self.joined || self.rng.chance(self.loss) {
            return;
        }
        let twice = self.rng.chance(self.loss);
        self.bridge.arrives(Arrival::Sample(sample.clone()), self.now);
        if twice {
            self.bridge.arrives(Arrival::Sample(sample), self.now);
        }
        self.settle();
    }

    /// Time passes: what the bridge asks is answered, what it says is heard.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        self.bridge.pass(self.now, end);
        self.now = end;
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(question) = self.bridge.questions.pop() {
            let mut answer = self.reader.answer(question);
            answer.samples.extend(self.second.answer(question).samples);
            if self.tells_all {
                answer.samples = [self.reader.everything(), self.reader.everything()].concat();
            }
            if !self.joined {
                answer.samples.clear();
                answer.outcome = teleinfo_bridge::order::intake::Outcome::Failed;
            }
            self.bridge.answers(answer, self.now);
        }
        for message in std::mem::take(&mut self.bridge.said) {
            self.listener.hear(&message, self.now);
        }
    }

    /// Nobody hears the meter for a while.
    fn silence(&mut self, low: u64, high: u64) {
        let time = Duration::from_secs(self.rng.between(low, high));
        self.meter.skip(time);
        self.pass(time);
    }

    // What can happen.

    fn ordinary(&mut self) {
        let number = self.rng.between(3, 20);
        self.frames(number);
    }

    fn lossy(&mut self) {
        self.tell("lossy network");
        self.loss = 0.4;
        self.frames(20);
        self.loss = 0.0;
    }

    /// The reader is cut off, and comes back.
    fn cut(&mut self) {
        self.tell("cut off");
        self.joined = false;
        let number = self.rng.between(1, 120);
        self.frames(number);
        self.joined = true;
        self.tell("joined again");
        self.bridge.arrives(Arrival::Token(METER.parse().unwrap(), true), self.now);
        self.frames(3);
    }

    fn nobody_reads(&mut self) {
        self.tell("nobody reads");
        self.reads = false;
        self.silence(60, 1_800);
        self.reads = true;
    }

    fn contract(&mut self) {
        self.contract = *self.rng.pick(&Contract::all().iter().collect::<Vec<_>>());
        self.meter.change(Change::Contract(self.contract));
        self.tell(format!("contract {}", self.contract.name));
        self.frames(1);
    }

    fn mode(&mut self) {
        self.mode = if self.mode == Mode::Historic { Mode::Standard } else { Mode::Historic };
        self.meter.change(Change::Mode(self.mode));
        self.tell(format!("{} mode", self.mode));
        self.frames(1);
    }

    fn reader_restarts(&mut self) {
        let keeps = self.rng.chance(0.7);
        self.tell(if keeps { "reader restarts" } else { "reader restarts, its history is lost" });
        self.reader.restart(keeps, self.now);
        self.bridge.arrives(Arrival::Token(METER.parse().unwrap(), false), self.now);
        self.silence(2, 20);
        self.bridge.arrives(Arrival::Token(METER.parse().unwrap(), true), self.now);
        self.frames(3);
    }

    fn bridge_crashes(&mut self) {
        let lost = self.rng.index(self.bridge.writes() + 1);
        self.tell(format!("bridge crashes, {lost} writes lost"));
        self.bridge.crash(lost);
        self.crashes.push(Crash { at: self.now, back: self.now });
        self.away();
    }

    fn bridge_stops(&mut self) {
        self.tell("bridge stops");
        self.bridge.stop(self.now);
        self.settle();
        self.away();
    }

    /// Things go on without the bridge.
    fn away(&mut self) {
        let number = self.rng.between(0, 60);
        self.frames(number);
        if self.rng.chance(0.3) {
            self.contract();
        }
        self.tell("bridge starts");
        if !self.bridge.knows_where_it_was() {
            self.begins = Mark(self.moments.len() as u64 + 1);
        }
        self.bridge.start(self.now);
        self.frames(5);
        let now = self.now;
        self.crashes.last_mut().filter(|crash| crash.back == crash.at).into_iter().for_each(|crash| crash.back = now);
    }

    fn broker_forgets(&mut self) {
        self.tell("broker forgets");
        self.bridge.disconnect(self.now);
        self.bridge.broker.retained.clear();
        self.frames(3);
        self.bridge.connect(self.now);
        self.frames(2);
    }

    fn broker_away(&mut self) {
        self.tell("broker away");
        self.bridge.disconnect(self.now);
        let number = self.rng.between(5, 60);
        self.frames(number);
        self.bridge.connect(self.now);
        self.tell("broker back");
        self.frames(2);
    }

    /// Another reader of the same meter has a digit wrong, for some frames, and says so between those of the other.
    fn second_reader_lies(&mut self) {
        self.tell("a second reader lies");
        for _ in 0..self.rng.between(1, 10) {
            self.frames(1);
            let (frame, silence) = self.next_frame();
            self.pass(frame.line_time());
            self.sent(&frame);
            let lie = self.damaged(&frame);
            let mark = Mark(LIES + self.moments.len() as u64 % 1_000);
            let sample = self.second.hear(&lie, mark, self.now);
            self.bridge.arrives(Arrival::Sample(sample), self.now);
            self.lies.push(self.now);
            self.pass(silence);
        }
        self.frames(2);
    }

    fn damaged(&mut self, frame: &Frame) -> Frame {
        let mut frame = frame.clone();
        let is_index = |label: &str| ["BASE", "HCH", "EJPH", "BBR", "EAS"].iter().any(|start| label.starts_with(start));
        for group in frame.groups.iter_mut().filter(|group| is_index(group.label)) {
            let at = self.rng.index(3);
            let digit = self.rng.below(10).to_string();
            group.data.replace_range(at..=at, &digit);
        }
        frame
    }

    /// The reader is asked, and tells all that it holds, twice.
    fn history_again(&mut self) {
        self.tell("history again");
        self.tells_all = true;
        self.bridge.arrives(Arrival::Token(METER.parse().unwrap(), true), self.now);
        self.frames(2);
        self.tells_all = false;
    }

    /// More comes than goes out: the newest is told, and the rest afterwards. A contract that changes meanwhile is seen where no frame is lost.
    fn too_much(&mut self) {
        self.tell("too much comes");
        // Of two frames that come at once one has to wait.
        let burst = |life: &mut Self, number| {
            life.bridge.hold(true);
            life.frames(number);
            life.bridge.hold(false);
            life.bridge.press(true, life.now);
        };
        self.bridge.press(true, self.now);
        let changes = self.rng.chance(0.5);
        self.loss = if changes { 0.0 } else { 0.2 };
        for _ in 0..self.rng.between(1, 6) {
            let number = self.rng.between(1, 9);
            burst(self, number);
            if changes && self.rng.chance(0.3) {
                self.contract();
            }
        }
        self.loss = 0.0;
        self.bridge.press(false, self.now);
        self.tell("it goes out again");
        self.frames(2);
    }

    /// Everything is there again for a while; then all must be right.
    fn end(mut self) {
        self.frames(30);
        let faults = self.faults();
        assert!(faults.is_empty(), "{}\n{}", faults.join("\n"), self.story.join("\n"));
    }

    fn faults(&self) -> Vec<String> {
        [self.total_faults(), self.index_faults(), self.present_faults(), self.told_faults()].concat()
    }

    /// What was drawn in all until then.
    fn drawn(&self, now: Duration) -> u64 {
        let moment = self.moments.iter().rev().find(|moment| moment.now <= now);
        moment.map_or(0, |moment| moment.energy.total)
    }

    /// `energy_total` is what was drawn while somebody looked, and never steps back.
    fn total_faults(&self) -> Vec<String> {
        let counts: Vec<_> = self.listener.counts.iter().filter(|count| count.entity.ends_with("energy_total")).collect();
        let mut faults = Vec::new();
        for pair in counts.windows(2) {
            let below = pair[0].wh.saturating_sub(pair[1].wh);
            if below > 0 && !self.crashes.iter().any(|crash| self.may_forget(crash, pair[1].now, below)) {
                faults.push(format!("energy_total steps back from {} to {} at {:?}", pair[0].wh, pair[1].wh, pair[1].now));
            }
        }
        let Some((first, last)) = counts.first().zip(counts.last()) else { return vec!["there is no energy_total".into()] };
        let (seen, drawn) = self.seen_since(first.now);
        let counted = last.wh.saturating_sub(first.wh);
        if !(seen..=drawn).contains(&counted) {
            faults.push(format!("energy_total counted {counted} Wh instead of {seen} to {drawn}"));
        }
        faults
    }

    /// Whether the display changed between the ledger that a crash has left and the return.
    fn is_other_display(&self, crash: &Crash) -> bool {
        let since = self.moments.iter().filter(|moment| (crash.at.saturating_sub(TOLD)..=crash.back).contains(&moment.now));
        let displays: Vec<Display> = since.map(|moment| moment.display).collect();
        displays.windows(2).any(|pair| pair[0] != pair[1])
    }

    /// Whether what a sample of this time counted may be forgotten by a crash.
    fn is_forgotten(&self, crash: &Crash, now: Duration) -> bool {
        (crash.at.saturating_sub(TOLD)..=crash.back).contains(&now) && self.is_other_display(crash)
    }

    /// Whether the total may be lower by so much at this time: what was drawn since the ledger was told.
    fn may_forget(&self, crash: &Crash, now: Duration, wh: u64) -> bool {
        let told = crash.at.saturating_sub(TOLD);
        self.is_other_display(crash) && (crash.at..=crash.back).contains(&now) && wh <= self.drawn(crash.at) - self.drawn(told)
    }

    /// What was certainly seen, and what was drawn, from the sample that was told at this time.
    fn seen_since(&self, now: Duration) -> (u64, u64) {
        let present: BTreeSet<Mark> = self.listener.present.iter().map(|(mark, _)| *mark).collect();
        let told: BTreeSet<Mark> = self.listener.past.iter().map(|(mark, _)| *mark).chain(present.iter().copied()).collect();
        let from = self.listener.present.iter().find(|(_, at)| *at >= now).map_or(Mark(0), |(mark, _)| *mark);
        let moments: Vec<(Mark, &Moment)> = told
            .range(from..)
            .filter_map(|mark| Some((*mark, self.moments.get(mark.0 as usize)?)))
            .filter(|(_, moment)| moment.complete)
            .collect();
        let (mut seen, mut drawn, mut unsure) = (0, 0, 0);
        for pair in moments.windows(2) {
            let ((_, before), (mark, after)) = (pair[0], pair[1]);
            let (mut certainly, truly) = before.drawn_until(after);
            if self.crashes.iter().any(|crash| self.is_forgotten(crash, after.now)) {
                certainly = 0;
            }
            if before.may_jump(after) {
                unsure = AGREEING;
            }
            seen += if unsure == 0 { certainly } else { 0 };
            drawn += truly;
            let alone = !self.lies.iter().any(|lie| (after.now.saturating_sub(HEARD)..=after.now).contains(lie));
            unsure -= u64::from(unsure > 0 && alone && present.contains(&mark));
        }
        (seen, drawn)
    }

    /// No entity steps back, nor counts more than was drawn.
    fn index_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let entities: BTreeSet<&str> = self.listener.counts.iter().map(|count| count.entity.as_str()).collect();
        for entity in entities.into_iter().filter(|entity| !entity.ends_with("energy_total")) {
            let counts: Vec<_> = self.listener.counts.iter().filter(|count| count.entity == entity).collect();
            for pair in counts.windows(2) {
                // What an entity was last told is shown for a moment when it holds again.
                let before = counts.iter().rev().find(|count| count.now < pair[1].now).unwrap_or(&pair[0]);
                let drawn = self.drawn(pair[1].now) - self.drawn(before.now);
                let counted = i128::from(pair[1].wh) - i128::from(pair[0].wh);
                // A frame shows what was drawn until it began, some Wh before it was told.
                if counted < 0 || counted > i128::from(drawn) + 20 {
                    faults.push(format!(
                        "{entity} goes from {} to {} at {:?}, where {drawn} Wh were drawn",
                        pair[0].wh, pair[1].wh, pair[1].now
                    ));
                }
            }
        }
        faults
    }

    /// The present never steps back.
    fn present_faults(&self) -> Vec<String> {
        let own: Vec<_> = self.listener.present.iter().filter(|(mark, _)| mark.0 < LIES).collect();
        let back = own.windows(2).find(|pair| pair[1].0 <= pair[0].0);
        back.map(|pair| format!("the present steps back from frame {} to {} at {:?}", pair[0].0.0, pair[1].0.0, pair[1].1))
            .into_iter()
            .collect()
    }

    /// What the reader holds at the end was told, each sample once as the present or the past; again only as the past, by a bridge that
    /// has crashed since.
    fn told_faults(&self) -> Vec<String> {
        let mut told: BTreeMap<Mark, Vec<(bool, Duration)>> = BTreeMap::new();
        for (list, is_present) in [(&self.listener.present, true), (&self.listener.past, false)] {
            list.iter().filter(|(mark, _)| mark.0 < LIES).for_each(|(mark, at)| told.entry(*mark).or_default().push((is_present, *at)));
        }
        let crashed = |from: Duration, to: Duration| self.crashes.iter().any(|crash| (from..=to).contains(&crash.at));
        let twice = told.iter().filter(|(_, times)| {
            let presents = times.iter().filter(|(is_present, _)| *is_present).count();
            let mut at: Vec<Duration> = times.iter().map(|(_, at)| *at).collect();
            at.sort();
            presents > 1 || at.windows(2).any(|pair| !crashed(pair[0], pair[1]))
        });
        let mut faults: Vec<String> = twice.take(3).map(|(mark, times)| format!("frame {} was told {times:?}", mark.0)).collect();
        let held = self.heard[self.heard.len().saturating_sub(self.reader.held())..].iter().filter(|mark| **mark >= self.begins);
        let lost: Vec<u64> = held.filter(|mark| !told.contains_key(mark)).map(|mark| mark.0).collect();
        if !lost.is_empty() {
            faults.push(format!("frames {lost:?} are held, and were not told"));
        }
        faults
    }
}
