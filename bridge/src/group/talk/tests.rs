//! Groups in a made-up network: tokens appear at once and vanish at the lease, messages arrive at once, time is ours.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::group::{
    membership::STILL_UNLIKE,
    part::{HOLD, Part},
};

const LEASE: Duration = Duration::from_secs(4);
const STEP: Duration = Duration::from_millis(50);
/// What is taken over is taken over by then.
const SOON: Duration = HOLD.saturating_add(Duration::from_millis(100));
/// After this time nothing is in motion any more.
const CALM: Duration = Duration::from_secs(20);
const SECRET: [u8; 32] = [7; 32];

/// One member, and how the world stands for it.
struct Node {
    talk: Talk,
    part: Part,
    is_running: bool,
    is_stopped_until: Option<Instant>,
    /// What it has heard of the others' words.
    words: Vec<Word>,
    complaints: Vec<String>,
    /// What was said of members that are set differently.
    differences: Vec<String>,
    rejoined: u32,
}

struct World {
    now: Instant,
    start: Instant,
    nodes: Vec<Node>,
    /// Which nodes do not reach each other.
    cut: BTreeSet<(usize, usize)>,
    /// Tokens that each node sees, with the time at which they go.
    seen: BTreeMap<(usize, Member), Option<Instant>>,
    runs: u64,
}

impl World {
    fn new(names: &[&str]) -> Self {
        let now = Instant::now();
        let mut world = Self { now, start: now, nodes: Vec::new(), cut: BTreeSet::new(), seen: BTreeMap::new(), runs: 0 };
        names.iter().for_each(|name| world.join(name, &SECRET));
        world
    }

    fn join(&mut self, name: &str, secret: &[u8; 32]) {
        self.runs += 1;
        let own = Member { name: name.into(), run: self.runs };
        let mut talk = Talk::member("home", own, 1, secret, LEASE, self.now);
        talk.handle_able(true, self.now);
        let part = Part::of_nothing(name);
        self.nodes.push(Node {
            talk,
            part,
            is_running: true,
            is_stopped_until: None,
            words: Vec::new(),
            complaints: Vec::new(),
            differences: Vec::new(),
            rejoined: 0,
        });
    }

    fn reaches(&self, one: usize, other: usize) -> bool {
        let is_there = |node: &Node| node.is_running && node.is_stopped_until.is_none();
        let is_cut = self.cut.contains(&(one.min(other), one.max(other)));
        one == other || is_there(&self.nodes[one]) && is_there(&self.nodes[other]) && !is_cut
    }

    /// A process that is gone is gone at once; whoever hangs, or is cut off, at the lease.
    fn kill(&mut self, node: usize) {
        self.nodes[node].is_running = false;
        let token = self.nodes[node].talk.own().clone();
        (0..self.nodes.len()).for_each(|observer| self.lose(observer, &token));
    }

    fn lose(&mut self, observer: usize, token: &Member) {
        if self.seen.remove(&(observer, token.clone())).is_some() && self.nodes[observer].is_running {
            let key = format!("tic/v2/bridge/home/{token}");
            self.nodes[observer].talk.handle_token(0, &key, false, self.now);
        }
    }

    fn see_tokens(&mut self) {
        for observer in 0..self.nodes.len() {
            if !self.nodes[observer].is_running || self.nodes[observer].is_stopped_until.is_some() {
                continue;
            }
            for other in 0..self.nodes.len() {
                let token = self.nodes[other].talk.own().clone();
                if self.nodes[other].is_running && self.reaches(observer, other) {
                    let is_new = self.seen.insert((observer, token.clone()), None).is_none();
                    if is_new {
                        let key = format!("tic/v2/bridge/home/{token}");
                        self.nodes[observer].talk.handle_token(0, &key, true, self.now);
                    }
                } else if let Some(goes) = self.seen.get_mut(&(observer, token.clone())) {
                    let goes = *goes.get_or_insert(self.now + LEASE);
                    if goes <= self.now {
                        self.lose(observer, &token);
                    }
                }
            }
        }
    }

    fn speak(&mut self, node: usize) {
        while let Some(order) = self.nodes[node].talk.poll_order() {
            match order {
                GroupOrder::Share(share) => self.nodes[node].part.handle_share(share, self.now),
                GroupOrder::Tell(member) => self.nodes[node].talk.tell(Word::Told(member)),
                GroupOrder::Heard(_, word) => self.nodes[node].words.push(word),
                GroupOrder::Complain(text) => self.nodes[node].complaints.push(text.to_string()),
                GroupOrder::Differ(text) => self.nodes[node].differences.push(text.to_string()),
                GroupOrder::Say(..) => {}
                GroupOrder::Rejoin => {
                    let old = self.nodes[node].talk.own().clone();
                    (0..self.nodes.len()).for_each(|observer| self.lose(observer, &old));
                    self.runs += 1;
                    let (run, now) = (self.runs, self.now);
                    self.seen.retain(|(observer, _), _| *observer != node);
                    self.nodes[node].talk.handle_rejoined(run, now);
                    self.nodes[node].rejoined += 1;
                }
            }
        }
        while let Some((_, key, bytes)) = self.nodes[node].talk.poll_message(self.now) {
            for other in 0..self.nodes.len() {
                if other != node && self.reaches(node, other) {
                    self.nodes[other].talk.handle_message(&key, &bytes, self.now);
                }
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.now += STEP;
            let now = self.now;
            for node in &mut self.nodes {
                if node.is_stopped_until.is_some_and(|until| until <= now) {
                    node.is_stopped_until = None;
                    node.talk.handle_slept(Duration::from_secs(8));
                }
            }
            self.see_tokens();
            for node in 0..self.nodes.len() {
                if self.nodes[node].is_running && self.nodes[node].is_stopped_until.is_none() {
                    self.nodes[node].part.handle_timeout(now);
                    if self.nodes[node].talk.poll_timeout().is_some_and(|at| at <= now) {
                        self.nodes[node].talk.handle_timeout(now);
                    }
                    self.speak(node);
                }
            }
        }
    }

    fn stop(&mut self, node: usize, time: Duration) {
        self.nodes[node].is_stopped_until = Some(self.now + time);
    }

    fn owners(&self, meter: u32) -> Vec<usize> {
        let meter = format!("{:012}", 21_861_000_000_u64 + u64::from(meter));
        let works = |node: &usize| self.nodes[*node].is_running && self.nodes[*node].is_stopped_until.is_none();
        (0..self.nodes.len()).filter(works).filter(|node| self.nodes[*node].part.is_ours(&meter)).collect()
    }

    /// How many of a hundred meters nobody publishes, and how many several do.
    fn unowned_and_double(&self) -> (usize, usize) {
        let owners = (0..100).map(|meter| self.owners(meter).len());
        owners.fold((0, 0), |(none, several), count| (none + usize::from(count == 0), several + usize::from(count > 1)))
    }
}

#[test]
fn three_that_start_together_divide_the_meters_and_nobody_publishes_before() {
    let mut world = World::new(&["a", "b", "c"]);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.unowned_and_double(), (100, 0), "nobody knows the others yet");
    world.pass(Duration::from_secs(1) + SOON);
    assert_eq!(world.unowned_and_double(), (0, 0));
    assert!((0..3).all(|node| (0..100).filter(|meter| world.owners(*meter) == [node]).count() > 20));
    assert!(world.nodes.iter().all(|node| node.complaints.is_empty() && node.rejoined == 0));
}

#[test]
fn one_that_comes_gets_its_part_and_takes_nothing_before_it_was_told_everything() {
    let mut world = World::new(&["a", "b"]);
    world.pass(CALM);
    let before: Vec<_> = (0..100).map(|meter| world.owners(meter)).collect();
    world.join("c", &SECRET);
    for _ in 0..80 {
        world.pass(STEP);
        assert_eq!(world.unowned_and_double().1, 0, "{:?}", world.now - world.start);
    }
    assert_eq!(world.unowned_and_double(), (0, 0));
    let moved = (0..100).filter(|meter| world.owners(*meter) != before[*meter as usize]);
    assert!(moved.clone().count() > 20 && moved.clone().all(|meter| world.owners(meter) == [2]));
}

#[test]
fn one_that_is_killed_is_followed_at_once_and_one_that_hangs_within_the_lease() {
    let mut world = World::new(&["a", "b", "c"]);
    world.pass(CALM);
    world.kill(0);
    world.pass(SOON);
    assert_eq!(world.unowned_and_double(), (0, 0));
    world.stop(1, Duration::from_secs(8));
    world.pass(LEASE + SOON);
    assert_eq!(world.unowned_and_double(), (0, 0));
    for _ in 0..200 {
        world.pass(STEP);
        assert_eq!(world.unowned_and_double().1, 0, "whoever wakes up publishes nothing that another one has");
    }
    assert_eq!((world.nodes[1].rejoined, world.unowned_and_double()), (1, (0, 0)));
    assert!((0..100).any(|meter| world.owners(meter) == [1]));
}

#[test]
fn both_sides_of_a_split_work_and_it_heals() {
    let mut world = World::new(&["a", "b", "c"]);
    world.pass(CALM);
    world.cut.extend([(0, 1), (0, 2)]);
    world.pass(CALM);
    assert!((0..100).all(|meter| world.owners(meter).contains(&0) && world.owners(meter).len() == 2));
    world.cut.clear();
    world.pass(Duration::from_secs(3));
    assert_eq!(world.unowned_and_double(), (0, 0));
}

#[test]
fn members_that_see_different_others_say_so_and_join_anew() {
    let mut world = World::new(&["a", "b", "c"]);
    world.pass(CALM);
    world.cut.insert((0, 1));
    world.pass(LEASE * 4);
    assert!(world.nodes.iter().any(|node| node.rejoined > 0));
    world.cut.clear();
    world.pass(Duration::from_secs(120));
    assert_eq!(world.unowned_and_double(), (0, 0));
    let rejoined: u32 = world.nodes.iter().map(|node| node.rejoined).sum();
    world.pass(Duration::from_secs(3_600));
    assert_eq!(world.nodes.iter().map(|node| node.rejoined).sum::<u32>(), rejoined, "it has healed");
}

#[test]
fn one_without_a_broker_leaves_its_part_to_the_others() {
    let mut world = World::new(&["a", "b"]);
    world.pass(CALM);
    let now = world.now;
    world.nodes[0].talk.handle_able(false, now);
    world.pass(SOON);
    assert!((0..100).all(|meter| world.owners(meter) == [1]));
    world.nodes[1].talk.handle_able(false, world.now);
    world.pass(SOON);
    assert_eq!(world.unowned_and_double(), (100, 0));
    let now = world.now;
    world.nodes[0].talk.handle_able(true, now);
    world.pass(SOON);
    assert!((0..100).all(|meter| world.owners(meter) == [0]));
}

#[test]
fn a_bridge_with_another_key_takes_nothing_and_is_told_of() {
    let mut world = World::new(&["a"]);
    world.pass(CALM);
    world.join("b", &[8; 32]);
    world.pass(Duration::from_secs(60));
    assert!((0..100).all(|meter| world.owners(meter).contains(&0)));
    let complaint = &world.nodes[0].complaints[0];
    assert!(complaint.contains("b") && complaint.contains("key"), "{complaint}");
}

#[test]
fn of_two_with_one_name_one_works_and_both_say_so() {
    let mut world = World::new(&["a", "b"]);
    world.pass(CALM);
    world.join("a", &SECRET);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.unowned_and_double(), (0, 0));
    assert!(!world.nodes[0].complaints.is_empty() && !world.nodes[2].complaints.is_empty());
    assert!((0..100).all(|meter| !world.owners(meter).contains(&2)));
    world.kill(0);
    world.pass(CALM);
    assert!((0..100).any(|meter| world.owners(meter) == [2]), "once it is alone with the name, it works");
    let mut both_new = World::new(&["a", "a"]);
    both_new.pass(Duration::from_secs(60));
    assert_eq!(both_new.unowned_and_double(), (0, 0));
}

#[test]
fn a_member_that_starts_again_is_no_namesake_of_itself() {
    let mut world = World::new(&["a", "b"]);
    world.pass(CALM);
    world.stop(0, Duration::from_secs(3_600));
    world.join("a", &SECRET);
    world.pass(CALM);
    assert_eq!(world.unowned_and_double(), (0, 0));
    assert!(world.nodes[2].complaints.is_empty());
    assert!((0..100).any(|meter| world.owners(meter) == [2]));
}

#[test]
fn what_was_recorded_is_not_heard() {
    let mut world = World::new(&["a"]);
    world.pass(CALM);
    let (mut victim, now) = (Talk::member("home", "v@00000000000000ff".parse().unwrap(), 1, &SECRET, LEASE, world.now), world.now);
    // The recording of a member that saw another run of this one, and of one that sees it.
    let a = world.nodes[0].talk.own().clone();
    world.nodes[0].talk.handle_token(0, "tic/v2/bridge/home/v@00000000000000fe", true, now);
    let (_, key, old) = world.nodes[0].talk.poll_message(now).unwrap();
    world.nodes[0].talk.handle_token(0, "tic/v2/bridge/home/v@00000000000000ff", true, now);
    let (_, _, new) = world.nodes[0].talk.poll_message(now + Duration::from_secs(2)).unwrap();
    victim.handle_token(0, "tic/v2/bridge/home/v@00000000000000ff", true, now);
    victim.handle_token(0, &format!("tic/v2/bridge/home/{a}"), true, now);
    victim.handle_message(&key, &old, now);
    assert!(!victim.is_heard());
    victim.handle_message(&key, &new, now);
    assert!(victim.is_heard());
    // It goes, and its token is forged.
    victim.handle_token(0, &format!("tic/v2/bridge/home/{a}"), false, now);
    victim.handle_token(0, &format!("tic/v2/bridge/home/{a}"), true, now);
    victim.handle_message(&key, &new, now);
    assert!(!victim.is_heard());
}

#[test]
fn what_is_told_for_a_page_is_heard_once_and_of_members_alone() {
    let mut world = World::new(&["a"]);
    world.pass(CALM);
    let (mut victim, now) = (Talk::member("home", "v@00000000000000ff".parse().unwrap(), 1, &SECRET, LEASE, world.now), world.now);
    let listens = |talk: &mut Talk| {
        talk.tell(Word::Listen);
        let mut messages = std::iter::from_fn(|| talk.poll_message(now + Duration::from_secs(2)));
        messages.find(|(way, ..)| *way == Way::Behind).map(|(_, key, bytes)| (key, bytes)).unwrap()
    };
    let hears = |talk: &mut Talk, (key, bytes): &(String, Vec<u8>)| {
        talk.handle_message(key, bytes, now);
        std::iter::from_fn(|| talk.poll_order()).filter(|order| matches!(order, GroupOrder::Heard(_, Word::Listen))).count()
    };
    let a = world.nodes[0].talk.own().clone();
    let recorded = listens(&mut world.nodes[0].talk);
    world.nodes[0].talk.handle_token(0, "tic/v2/bridge/home/v@00000000000000ff", true, now);
    victim.handle_token(0, &format!("tic/v2/bridge/home/{a}"), true, now);
    assert_eq!(hears(&mut victim, &recorded), 0, "it is not believed yet");
    let (_, key, beat) = world.nodes[0].talk.poll_message(now + Duration::from_secs(4)).unwrap();
    victim.handle_message(&key, &beat, now);
    assert_eq!(hears(&mut victim, &recorded), 0, "what is from before");
    let new = listens(&mut world.nodes[0].talk);
    assert_eq!((hears(&mut victim, &new), hears(&mut victim, &new)), (1, 0));
    let mut stranger = Talk::member("home", a, 1, &[8; 32], LEASE, now);
    assert_eq!(hears(&mut victim, &listens(&mut stranger)), 0, "one with another key");
}

#[test]
fn members_that_are_set_differently_say_so_with_the_keys_until_they_are_alike() {
    let mut world = World::new(&[]);
    let join = |world: &mut World, name: &str, settings: [(&str, &str); 2]| {
        world.join(name, &SECRET);
        let node = world.nodes.pop().unwrap();
        let talk = node.talk.set(Common::new(settings.map(|(key, set)| (key, set.to_owned()))));
        world.nodes.push(Node { talk, ..node });
    };
    join(&mut world, "a", [("language", "French"), ("prices", "0.2")]);
    join(&mut world, "b", [("language", "English"), ("prices", "0.2")]);
    // One of a release that tells nothing of its settings.
    world.join("c", &SECRET);
    world.pass(CALM);
    let said = |world: &World, node: usize| world.nodes[node].differences.clone();
    assert!(
        said(&world, 0).len() == 1 && said(&world, 0)[0].contains("group: b has another language than this bridge:"),
        "{:?}",
        said(&world, 0)
    );
    assert!(said(&world, 1)[0].contains("group: a has another language than"));
    assert_eq!(said(&world, 2), [""; 0]);
    world.pass(STILL_UNLIKE);
    assert_eq!(said(&world, 0).len(), 2, "as long as it lasts");
    world.kill(1);
    join(&mut world, "b", [("language", "French"), ("prices", "0.2")]);
    world.pass(STILL_UNLIKE * 2);
    assert_eq!([0, 3].map(|node| said(&world, node).len()), [2, 0]);
}

#[test]
fn two_bridges_without_a_group_say_that_there_is_another() {
    let (mut talk, now) = (Talk::alone("a@0000000000000001".parse().unwrap()), Instant::now());
    talk.handle_token(0, "tic/v2/bridge/-/a@0000000000000001", true, now);
    assert_eq!(talk.poll_order(), None, "its own");
    assert_eq!(talk.poll_timeout(), None);
    talk.handle_token(0, "tic/v2/bridge/-/b@0000000000000002", true, now);
    assert_eq!(talk.poll_order(), None, "it may be an earlier process of this one");
    for due in [PATIENCE, PATIENCE + STILL_THERE] {
        assert_eq!(talk.poll_timeout(), Some(now + due));
        talk.handle_timeout(now + due);
        let Some(GroupOrder::Complain(text)) = talk.poll_order() else { panic!() };
        assert!(text.as_str().contains("[group]"), "{text}");
    }
    talk.handle_token(0, "tic/v2/bridge/-/b@0000000000000002", false, now);
    talk.handle_timeout(now + STILL_THERE * 3);
    assert_eq!((talk.poll_order(), talk.poll_timeout()), (None, None));
    let mut member = Talk::member("home", "a@0000000000000001".parse().unwrap(), 1, &SECRET, LEASE, now);
    member.handle_token(0, "tic/v2/bridge/other/b@0000000000000002", true, now);
    member.handle_timeout(now + PATIENCE);
    assert!(matches!(member.poll_order(), Some(GroupOrder::Complain(_))));
}

/// Something happens to a member.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Join,
    Kill(usize),
    Stop(usize, u64),
    Cut(usize, usize),
    Heal,
    Broker(usize, bool),
    Wait(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        Just(Happening::Join),
        (0..6_usize).prop_map(Happening::Kill),
        (0..6_usize, 1..20_u64).prop_map(|(node, seconds)| Happening::Stop(node, seconds)),
        (0..6_usize, 0..6_usize).prop_map(|(one, other)| Happening::Cut(one, other)),
        Just(Happening::Heal),
        (0..6_usize, any::<bool>()).prop_map(|(node, is_there)| Happening::Broker(node, is_there)),
        (0..120_u64).prop_map(Happening::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_from_strangers_changes_nothing(
        key in "(tic/v2/bridge/home/)?[a-z@/*.-]{0,30}", message in proptest::collection::vec(any::<u8>(), 0..80), is_present: bool
    ) {
        let now = Instant::now();
        let mut talk = Talk::member("home", "a@0000000000000001".parse().unwrap(), 1, &SECRET, LEASE, now);
        talk.handle_token(0, &key, is_present, now);
        talk.handle_message(&key, &message, now);
        prop_assert!(!talk.is_heard());
        let orders = std::iter::from_fn(|| talk.poll_order());
        prop_assert!(orders.into_iter().all(|order| matches!(order, GroupOrder::Complain(_))));
    }

    #[test]
    fn whatever_happened_once_it_is_over_every_meter_has_one_owner(life in proptest::collection::vec(happening(), 1..24)) {
        let mut world = World::new(&["m0", "m1"]);
        for happening in life {
            let count = world.nodes.len();
            match happening {
                Happening::Join if count < 6 => world.join(&format!("m{count}"), &SECRET),
                Happening::Kill(node) if node < count => world.kill(node),
                Happening::Stop(node, seconds) if node < count => world.stop(node, Duration::from_secs(seconds)),
                Happening::Cut(one, other) if one < other => _ = world.cut.insert((one, other)),
                Happening::Heal => world.cut.clear(),
                Happening::Broker(node, is_there) if node < count => {
                    let now = world.now;
                    world.nodes[node].talk.handle_able(is_there, now);
                }
                Happening::Wait(seconds) => world.pass(Duration::from_secs(seconds)),
                _ => {}
            }
        }
        world.cut.clear();
        world.join("last", &SECRET);
        // Members that see different others wait before they join anew a second time.
        world.pass(Duration::from_secs(200));
        prop_assert_eq!(world.unowned_and_double(), (0, 0));
    }
}
