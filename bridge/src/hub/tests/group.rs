//! Two bridges of a group with one broker and one reader: a meter goes from one to the other, in an orderly way or not.

use super::*;
use crate::{
    energy::ledger::Ledger,
    group::{part::HOLD, share::Share},
};

/// Both members, and what of their orders the others have heard.
struct Group {
    members: [Bench; 2],
    heard: [usize; 2],
    reader: Reader,
    /// Which of them hears the reader, and is heard by the broker.
    is_there: [bool; 2],
    /// What the broker got, in its order: whether it is of the present, and the power.
    told: Vec<(bool, u64)>,
    ledger: Option<Ledger>,
}

const NAMES: [&str; 2] = ["a", "b"];
const BOTH: &[usize] = &[0, 1];

impl Group {
    fn new() -> Self {
        let member = |name| {
            let mut bench = Bench::of_group(Some(name), Kept::default(), true, BTreeMap::new(), Language::English);
            bench.mqtt("teleinfo/bridge/marker", "7");
            bench
        };
        let mut group = Self {
            members: NAMES.map(member),
            heard: [0; 2],
            reader: Reader::new(METER),
            is_there: [true; 2],
            told: Vec::new(),
            ledger: None,
        };
        group.exchange();
        group
    }

    /// The meters are divided among these, as far as a member knows.
    fn share(&mut self, of: &[usize], among: &[usize]) {
        for member in of {
            let share = Share::new(NAMES[*member], among.iter().map(|other| (NAMES[*other].to_owned(), 1)));
            self.members[*member].happens(|hub, now| hub.handle_share(share, now));
        }
        self.exchange();
    }

    /// What the members say to the broker and to each other arrives.
    fn exchange(&mut self) {
        while let Some(from) = (0..2).find(|member| self.heard[*member] < self.members[*member].orders.len()) {
            let order = self.members[from].orders[self.heard[from]].clone();
            self.heard[from] += 1;
            if !self.is_there[from] {
                continue;
            }
            match order {
                Order::Publish(message) => self.broker_gets(&message),
                Order::Keep(meter, memory) if self.members[from].hub.is_ours(meter) => {
                    self.members[1 - from].happens(|hub, _| hub.handle_learnt(meter, *memory));
                }
                Order::Ask(_, question) => {
                    let answer = self.reader.answer(question);
                    self.members[from].happens(|hub, now| hub.handle_answer(answer, now));
                }
                _ => {}
            }
            self.tell_positions(from);
        }
    }

    fn tell_positions(&mut self, from: usize) {
        let own = self.members[from].hub.is_ours(id(METER));
        let Some(marks) = self.members[from].hub.marks(id(METER)).filter(|_| own) else { return };
        let marks: Vec<_> = marks.iter().copied().collect();
        self.members[1 - from].happens(|hub, _| hub.handle_positions(id(METER), &marks));
    }

    fn broker_gets(&mut self, message: &Message) {
        let value: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
        let power = value["PAPP"]["value"].as_u64();
        match message.topic.strip_prefix(&format!("teleinfo/{METER}")) {
            Some("") if self.told.last() != power.map(|power| (true, power)).as_ref() => {
                self.told.extend(power.map(|power| (true, power)));
            }
            Some("/history") => self.told.extend(power.map(|power| (false, power))),
            Some("/ledger") => self.ledger = Ledger::read(id(METER), &message.payload).ok(),
            _ => {}
        }
        if message.retain {
            let (topic, payload) = (message.topic.clone(), message.text().to_owned());
            BOTH.iter().for_each(|member| self.members[*member].mqtt(&topic, &payload));
        }
    }

    /// A second with a frame, in which a watt-hour is drawn.
    fn second(&mut self) {
        self.reader.drawn += 1;
        let received = self.reader.frame(self.members[0].now);
        for member in BOTH {
            if self.is_there[*member] {
                self.members[*member].arrives(Arrival::Sample(received.clone()));
            }
        }
        self.exchange();
        self.pass(SECOND);
    }

    fn pass(&mut self, time: Duration) {
        let steps = time.as_millis() / 50;
        for _ in 0..steps {
            self.members.iter_mut().for_each(|member| member.pass(Duration::from_millis(50)));
            self.exchange();
        }
    }

    fn seconds(&mut self, count: u32) {
        (0..count).for_each(|_| self.second());
    }

    /// The powers are the numbers of the frames: each came, none twice, and the present never stepped back.
    fn check(&self) {
        let mut powers: Vec<u64> = self.told.iter().map(|(_, power)| *power).collect();
        powers.sort_unstable();
        assert_eq!(powers, (1..=self.reader.sequence).collect::<Vec<_>>(), "{:?}", self.told);
        let present: Vec<u64> = self.told.iter().filter(|(is_present, _)| *is_present).map(|(_, power)| *power).collect();
        assert!(present.is_sorted(), "{present:?}");
    }

    fn total(&self) -> u64 {
        self.ledger.as_ref().and_then(|ledger| ledger.total.as_ref()).map(|total| total.wh).unwrap()
    }

    /// The last of the energy is told some time later.
    fn settle(&mut self) {
        self.pass(Duration::from_secs(65));
    }

    fn availability(&self) -> Vec<Value> {
        self.members.iter().flat_map(|member| member.availability(METER)).collect()
    }
}

#[test]
fn one_publishes_the_other_follows_and_says_nothing() {
    let mut group = Group::new();
    group.share(BOTH, &[0]);
    group.pass(HOLD);
    group.seconds(10);
    group.check();
    assert!(group.members[1].published(&format!("teleinfo/{METER}")).is_empty() && group.availability() == ["online"]);
    assert!(group.members[1].orders.iter().all(|order| !matches!(order, Order::Ask(..))));
    assert!(group.members[1].hub.stations().next().is_none());
}

#[test]
fn a_meter_is_handed_over_and_nothing_is_missing_twice_or_offline() {
    let mut group = Group::new();
    group.share(BOTH, &[0]);
    group.pass(HOLD);
    group.seconds(10);
    for owner in [1, 0, 1] {
        group.share(BOTH, &[owner]);
        assert!(group.members[1 - owner].orders.contains(&Order::LetGo(id(METER))));
        group.seconds(10);
        group.check();
    }
    assert_eq!(group.availability().iter().filter(|state| *state == "offline").count(), 0, "{:?}", group.availability());
    group.settle();
    assert_eq!(group.total(), 2_815_235 + 40);
}

#[test]
fn the_history_fills_the_time_until_a_crash_was_noticed() {
    let mut group = Group::new();
    group.share(BOTH, &[0]);
    group.pass(HOLD);
    group.seconds(10);
    group.is_there[0] = false;
    group.seconds(5);
    assert_eq!(group.told.last(), Some(&(true, 10)));
    group.share(&[1], &[1]);
    group.seconds(3);
    group.check();
    assert!(group.told.contains(&(false, 11)) && group.told.contains(&(true, 18)), "{:?}", group.told);
    group.settle();
    assert_eq!(group.total(), 2_815_235 + 18, "what was drawn meanwhile counts once");
}

#[test]
fn what_a_member_that_hung_wakes_up_with_is_not_published() {
    let mut group = Group::new();
    group.share(BOTH, &[0]);
    group.pass(HOLD);
    group.seconds(10);
    group.is_there[0] = false;
    group.share(&[1], &[1]);
    group.seconds(10);
    // It wakes up: first it knows nobody, and its ledger is old.
    group.is_there[0] = true;
    let before = group.ledger.clone();
    group.share(&[0], &[]);
    assert_eq!(group.ledger, before);
    group.seconds(3);
    group.share(&[0], &[1]);
    group.seconds(10);
    group.check();
    group.share(BOTH, &[0]);
    group.seconds(10);
    group.check();
    group.settle();
    assert_eq!(group.total(), 2_815_235 + 43);
}

#[test]
fn what_a_member_was_about_to_say_when_it_stood_still_is_told_as_the_past() {
    let mut group = Group::new();
    group.share(BOTH, &[0]);
    group.pass(HOLD);
    group.seconds(10);
    let owner = &mut group.members[0];
    let (now, wall) = (owner.start + owner.now, UNIX_EPOCH + Duration::from_millis(START_MS) + owner.now);
    let received = group.reader.frame(owner.now);
    owner.hub.handle_arrival(Arrived { arrival: Arrival::Sample(received), at: now, wall }, now);
    // It has begun to tell it.
    while !matches!(owner.hub.poll_order(ROOM, now), Some(Order::Publish(_))) {}
    assert!(owner.hub.unsaid().all(|origin| origin.sequence == 11) && owner.hub.unsaid().count() > 0, "nobody is told that it is told");
    owner.hub.handle_slept(now);
    assert_eq!(owner.hub.unsaid().count(), 0);
    group.seconds(2);
    assert!(group.told.contains(&(false, 11)), "{:?}", group.told);
    group.check();
}

#[test]
fn whoever_speaks_for_the_bridge_says_its_quality_although_nothing_has_changed() {
    let mut group = Group::new();
    let said = |group: &Group, member: usize| {
        let is_quality = |order: &&Order| matches!(order, Order::Publish(message) if message.topic == "teleinfo/bridge/quality");
        group.members[member].orders.iter().filter(is_quality).count()
    };
    let mut before = [0; 2];
    for speaker in [1, 0, 1] {
        group.share(BOTH, &[speaker]);
        group.pass(HOLD + SECOND);
        let now = [said(&group, 0), said(&group, 1)];
        assert!(now[speaker] > before[speaker] && now[1 - speaker] == before[1 - speaker], "{before:?} {now:?}");
        before = now;
    }
}

#[test]
fn one_that_takes_a_meter_over_that_it_does_not_hear_makes_it_offline_for_no_longer_than_a_moment() {
    let mut group = Group::new();
    group.share(BOTH, &[0]);
    group.pass(HOLD);
    group.seconds(10);
    // A split: both take all, and the reader is on one side.
    group.share(&[1], &[1]);
    group.pass(HOLD);
    for _ in 0..60 {
        group.reader.drawn += 1;
        let received = group.reader.frame(group.members[0].now);
        group.members[0].arrives(Arrival::Sample(received));
        group.exchange();
        group.pass(SECOND);
    }
    let said = [&group.members[1], &group.members[0]].map(|member| member.availability(METER).pop().unwrap());
    assert_eq!(said, ["offline", "online"], "whoever hears it puts it right");
    // It heals.
    group.share(BOTH, &[1]);
    group.seconds(10);
    group.settle();
    assert_eq!(group.total(), 2_815_235 + 80);
}

#[test]
fn where_others_go_on_a_clean_stop_takes_nothing_offline() {
    let mut group = Group::new();
    group.share(BOTH, &[0, 1]);
    group.pass(HOLD);
    group.seconds(10);
    let owner = usize::from(group.members[1].hub.is_ours(id(METER)));
    group.members[owner].happens(Hub::handle_stop);
    group.exchange();
    assert!(group.members[owner].published("teleinfo/bridge/state").iter().all(|state| state == "online"));
    assert_eq!(group.availability(), ["online"]);
    let mut alone = Group::new();
    alone.share(&[0], &[0]);
    alone.pass(HOLD);
    alone.seconds(10);
    alone.members[0].happens(Hub::handle_stop);
    assert_eq!(alone.availability(), ["online", "offline"]);
}

#[test]
fn whoever_has_it_and_however_it_moves_each_frame_is_told_once_and_each_watt_hour_counts_once() {
    // A number that is never the same twice, from a seed that is.
    let mut seed = 1_u64;
    let mut draw = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut group = Group::new();
    group.share(BOTH, &[0]);
    group.pass(HOLD);
    group.seconds(5);
    for _ in 0..60 {
        let owner = usize::from(draw(2) == 1);
        match draw(4) {
            0 => {
                // The one that has it dies or hangs, and comes back.
                let is_lost: usize = 1 - owner;
                group.is_there[is_lost] = false;
                group.seconds(u32::try_from(draw(4)).unwrap());
                group.share(&[owner], &[owner]);
                group.seconds(u32::try_from(draw(6)).unwrap());
                group.share(&[is_lost], &[]);
                group.is_there[is_lost] = true;
                group.share(BOTH, &[owner]);
            }
            1 => group.share(BOTH, &[]),
            _ => group.share(BOTH, &[owner]),
        }
        group.seconds(u32::try_from(draw(8)).unwrap());
    }
    group.share(BOTH, &[1]);
    group.seconds(10);
    group.check();
    group.settle();
    assert_eq!(group.total(), 2_815_235 + u64::from(group.reader.drawn));
}
