//! Which members there are, and whether this one may publish at all.
//!
//! A member is one whose liveliness token is seen somewhere and that has told, under the seal of the group, that it sees us: a recording
//! cannot, since our run is new. Nobody is dropped before Zenoh says that its token is gone. A member that is new here publishes nothing
//! until all whose tokens it sees have told it what they know ([`Membership::is_settled`]); one whose own token is gone, or that slept,
//! begins so again. No clock, no network: `handle_*` takes what happened, `poll_*` says what to do.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tracing::Level;

use crate::{
    group::{common::Common, member::Member, share::Share},
    words::{
        journal,
        language::{Sentence, Words},
    },
};

const MEMBERS: Words = Words::new("group: the meters are divided among {}", "groupe : les compteurs sont partagés entre {}");
const NOBODY: Words = Words::new("group: no member can publish now", "groupe : aucun membre ne peut publier maintenant");
const SLEPT: Words = Words::new(
    "group: this bridge stood still for {} s; it joins the group anew",
    "groupe : cette passerelle est restée figée {} s ; elle rejoint le groupe à nouveau",
);
const DIFFER: Words = Words::new(
    "group: {} sees other members than this bridge, for {} s already: it joins the group anew; the same meter may have been published twice",
    "groupe : {} voit d'autres membres que cette passerelle, depuis {} s déjà : elle rejoint le groupe à nouveau ; un compteur a pu être publié deux fois",
);
const NAMESAKE: Words = Words::new(
    "group: another bridge is called {} too, so this one publishes nothing: give each its own group.member",
    "groupe : une autre passerelle s'appelle {} aussi, donc celle-ci ne publie rien : donnez à chacune son propre group.member",
);
const NAMESAKE_WAITS: Words = Words::new(
    "group: another bridge is called {} too, and publishes nothing: give each its own group.member",
    "groupe : une autre passerelle s'appelle {} aussi, et ne publie rien : donnez à chacune son propre group.member",
);
// The keys stand early: a complaint has a longest length.
const UNLIKE: Words = Words::new(
    "group: {} has another {} than this bridge: set the same in bridge.toml of both, or what Home Assistant is told of a meter changes as it \
     moves between them",
    "groupe : {} a un autre réglage pour {} que cette passerelle : mettez le même dans les deux bridge.toml, sinon ce que Home Assistant sait d'un \
     compteur change quand il passe de l'une à l'autre",
);

/// Each member tells so often what it sees, and at once when that has changed.
const BEAT_EVERY: Duration = Duration::from_secs(2);
/// But not more often: anybody can declare tokens.
const BEAT_GAP: Duration = Duration::from_millis(20);
/// Tokens of the others, and links to them, need some time to come.
const SETTLE: Duration = Duration::from_millis(1_500);
/// A token whose bridge says nothing is not waited for longer.
const GRACE: Duration = Duration::from_secs(4);
/// After joining anew because views differ, they are compared again after this time.
const PAUSE: Duration = Duration::from_secs(60);
/// That is doubled each time, up to this.
const PAUSE_MAX: Duration = Duration::from_secs(3_600);
/// Settings that differ are said again after this time, so that it is not taken to be over.
pub(super) const STILL_UNLIKE: Duration = Duration::from_secs(300);
/// Tokens that are remembered: anybody can declare them.
const TOKENS_MAX: usize = 64;

/// What a member tells all the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// How much it takes on, compared with others.
    pub weight: u32,
    /// Whether it can publish: it knows what the others know, and its broker is there.
    pub is_able: bool,
    /// All whose tokens it sees.
    pub sees: Vec<Member>,
    /// Those of them that it believes.
    pub believes: Vec<Member>,
    /// How it is set.
    #[serde(default)]
    pub common: Common,
}

/// What follows from whatever happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The meters are divided so from now on.
    Share(Share),
    /// This member is new here: tell it everything.
    Tell(Member),
    /// Leave the network and join it anew.
    Rejoin,
    /// Write this to the log.
    Say(Level, Sentence),
    /// Two bridges have one name.
    Complain(Sentence),
    /// Another member is set differently.
    Differ(Sentence),
}

/// What is known of another member.
#[derive(Debug)]
struct Other {
    beat: Beat,
    /// When its last beat came.
    at: Instant,
    /// It has told everything that it knows.
    has_told: bool,
}

/// How this member may work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The own token is not seen, so nothing is known.
    Outside,
    /// The own token has been seen since then; others may still tell something.
    Settling(Instant),
    /// Everything is known.
    Settled,
}

/// All members, as seen from one of them.
#[derive(Debug)]
pub struct Membership {
    own: Member,
    weight: u32,
    lease: Duration,
    phase: Phase,
    /// The broker is there, and all that it retains was read.
    can_publish: bool,
    /// By which links each token is seen.
    tokens: BTreeMap<Member, BTreeSet<usize>>,
    others: BTreeMap<Member, Other>,
    /// Since when another bridge with this name is there.
    namesake: Option<Instant>,
    /// How this member is set.
    common: Common,
    /// When it is said again that another one is set differently; nothing if none is.
    unlike_due: Option<Instant>,
    /// Since when a member sees others than this one.
    differs: Option<Instant>,
    pause: Duration,
    /// When it may have heard enough.
    settle_due: Option<Instant>,
    beat_due: Instant,
    last_beat: Option<Instant>,
    /// Whether it said that it could publish.
    told_able: bool,
    share: Share,
    steps: Vec<Step>,
}

impl Membership {
    /// A member that has not joined yet. `lease` is the time after which Zenoh drops who is silent.
    #[must_use]
    pub fn new(own: Member, weight: u32, lease: Duration, now: Instant) -> Self {
        let share = Share::of_nobody(&own.name);
        Self {
            own,
            weight,
            lease,
            phase: Phase::Outside,
            can_publish: false,
            tokens: BTreeMap::new(),
            others: BTreeMap::new(),
            namesake: None,
            common: Common::default(),
            unlike_due: None,
            differs: None,
            pause: PAUSE,
            settle_due: None,
            beat_due: now,
            last_beat: None,
            told_able: false,
            share,
            steps: Vec::new(),
        }
    }

    /// Set so: the others are told, and compared with it.
    #[must_use]
    pub fn set(self, common: Common) -> Self {
        Self { common, ..self }
    }

    /// This member, as the others know it.
    #[must_use]
    pub const fn own(&self) -> &Member {
        &self.own
    }

    /// How the meters are divided.
    #[must_use]
    pub const fn share(&self) -> &Share {
        &self.share
    }

    /// Whether all that others know was told.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::Settled)
    }

    /// Whether this member is believed: its token is seen, and it sees us.
    #[must_use]
    pub fn believes(&self, member: &Member) -> bool {
        self.others.contains_key(member)
    }

    /// The other members that are believed.
    pub fn others(&self) -> impl Iterator<Item = &Member> {
        self.others.keys()
    }

    /// Whether any other member is believed.
    #[must_use]
    pub fn has_others(&self) -> bool {
        !self.others.is_empty()
    }

    /// A token is seen by this link, or no longer is.
    pub fn handle_token(&mut self, link: usize, member: Member, is_present: bool, now: Instant) {
        if is_present {
            if self.tokens.contains_key(&member) || self.tokens.len() < TOKENS_MAX || member == self.own {
                let links = self.tokens.entry(member).or_default();
                if links.insert(link) && links.len() == 1 {
                    self.beat_soon(now);
                }
            }
        } else if let Some(links) = self.tokens.get_mut(&member)
            && links.remove(&link)
            && links.is_empty()
        {
            self.tokens.remove(&member);
            self.others.remove(&member);
            self.beat_soon(now);
        }
        self.settle(now);
    }

    /// A link ends: what was seen by it is no longer seen.
    pub fn handle_link_closed(&mut self, link: usize, now: Instant) {
        let seen: Vec<Member> = self.tokens.iter().filter(|(_, links)| links.contains(&link)).map(|(member, _)| member.clone()).collect();
        seen.into_iter().for_each(|member| self.handle_token(link, member, false, now));
    }

    /// A member has told what it sees, under the seal of the group. Returns whether it is believed.
    pub fn handle_beat(&mut self, member: &Member, beat: Beat, now: Instant) -> bool {
        if *member == self.own || !self.tokens.contains_key(member) {
            return false;
        }
        match self.others.get_mut(member) {
            // If it no longer sees us, its view differs from ours.
            Some(other) => (other.beat, other.at) = (beat, now),
            None if !beat.sees.contains(&self.own) => return false,
            None => {
                self.others.insert(member.clone(), Other { beat, at: now, has_told: false });
                self.steps.push(Step::Tell(member.clone()));
                self.beat_soon(now);
            }
        }
        self.compare_settings(now);
        self.settle(now);
        true
    }

    /// A member has told this one everything that it knows.
    pub fn handle_told(&mut self, member: &Member, now: Instant) {
        if let Some(other) = self.others.get_mut(member) {
            other.has_told = true;
            self.settle(now);
        }
    }

    /// Whether this member could publish: its broker is there, or is not.
    pub fn handle_able(&mut self, can_publish: bool, now: Instant) {
        if self.can_publish != can_publish {
            self.can_publish = can_publish;
            self.settle(now);
        }
    }

    /// This process stood still for so long. Beyond half of the lease others may have taken its place, and what it sees is old.
    pub fn handle_slept(&mut self, slept: Duration) {
        if slept > self.lease / 2 {
            self.steps.push(Step::Say(Level::WARN, journal::say(SLEPT, &[&slept.as_secs()])));
            self.rejoin();
        }
    }

    /// The network was left and is joined anew, as this run.
    pub fn handle_rejoined(&mut self, run: u64, now: Instant) {
        self.own.run = run;
        self.tokens.clear();
        self.others.clear();
        self.beat_soon(now);
        self.settle(now);
    }

    /// To be called when [`Membership::poll_timeout`] is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.settle(now);
        self.compare(now);
    }

    /// What is to be told to all now.
    pub fn poll_beat(&mut self, now: Instant) -> Option<Beat> {
        if self.phase == Phase::Outside || now < self.beat_due {
            return None;
        }
        (self.beat_due, self.last_beat, self.told_able) = (now + BEAT_EVERY, Some(now), self.is_able());
        Some(Beat {
            weight: self.weight,
            is_able: self.is_able(),
            sees: self.tokens.keys().cloned().collect(),
            believes: self.others.keys().cloned().collect(),
            common: self.common.clone(),
        })
    }

    /// The next thing that follows.
    pub fn poll_step(&mut self) -> Option<Step> {
        (!self.steps.is_empty()).then(|| self.steps.remove(0))
    }

    /// When something is due, if nothing happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.phase == Phase::Outside {
            return None;
        }
        self.settle_due.into_iter().chain([self.beat_due]).min()
    }

    fn is_able(&self) -> bool {
        self.is_settled() && self.can_publish
    }

    fn beat_soon(&mut self, now: Instant) {
        self.beat_due = self.last_beat.map_or(now, |last| now.max(last + BEAT_GAP)).min(self.beat_due);
    }

    fn rejoin(&mut self) {
        self.phase = Phase::Outside;
        self.tokens.clear();
        self.others.clear();
        (self.namesake, self.differs) = (None, None);
        self.steps.push(Step::Rejoin);
        self.settle_due = None;
        self.divide();
    }

    /// Whatever happened: whether this member may work now, and what is its part.
    fn settle(&mut self, now: Instant) {
        let is_seen = self.tokens.contains_key(&self.own);
        self.phase = match self.phase {
            _ if !is_seen => Phase::Outside,
            Phase::Outside => Phase::Settling(now),
            phase => phase,
        };
        self.give_way(now);
        if let Phase::Settling(since) = self.phase
            && self.namesake.is_none()
            && now >= since + SETTLE
            && (now >= since + GRACE || self.has_heard_all())
        {
            self.phase = Phase::Settled;
        }
        self.settle_due = match self.phase {
            Phase::Settling(since) => [since + SETTLE, since + GRACE].into_iter().find(|at| *at > now),
            _ => None,
        };
        if self.is_able() != self.told_able {
            self.beat_soon(now);
        }
        self.divide();
    }

    fn has_heard_all(&self) -> bool {
        let mut others = self.tokens.keys().filter(|member| **member != self.own);
        others.all(|member| self.others.get(member).is_some_and(|other| other.has_told))
    }

    /// Another bridge with the own name: the token of an earlier run goes within the lease. One that stays is a mistake in the settings: who
    /// works already goes on, and of two that work, or do not, the one with the lower run.
    fn give_way(&mut self, now: Instant) {
        let Some(other) = self.tokens.keys().find(|member| member.name == self.own.name && **member != self.own) else {
            self.namesake = None;
            return;
        };
        let since = *self.namesake.get_or_insert(now);
        if now < since + self.lease * 5 / 4 {
            return;
        }
        let is_able = self.others.get(other).is_some_and(|other| other.beat.is_able);
        let yields = (is_able, other.run < self.own.run) > (self.is_settled(), self.own.run < other.run);
        let words = if yields { NAMESAKE } else { NAMESAKE_WAITS };
        self.steps.push(Step::Complain(journal::say(words, &[&self.own.name])));
        // It is said again after as long a time.
        self.namesake = Some(now);
        if yields && self.is_settled() {
            self.phase = Phase::Settling(now);
        } else if !yields && !self.is_settled() && self.phase != Phase::Outside {
            self.phase = Phase::Settled;
        }
    }

    /// Who works, and what follows if that has changed.
    fn divide(&mut self) {
        let able =
            self.others.iter().filter(|(_, other)| other.beat.is_able).map(|(member, other)| (member.name.clone(), other.beat.weight));
        let own = self.is_able().then(|| (self.own.name.clone(), self.weight));
        let share = if self.is_settled() { Share::new(&self.own.name, able.chain(own)) } else { Share::of_nobody(&self.own.name) };
        if share == self.share {
            return;
        }
        self.share = share.clone();
        let names = share.names().collect::<Vec<_>>().join(", ");
        if self.is_settled() {
            let said = if names.is_empty() { journal::say(NOBODY, &[]) } else { journal::say(MEMBERS, &[&names]) };
            self.steps.push(Step::Say(Level::INFO, said));
        }
        self.steps.push(Step::Share(share));
    }

    /// Somebody should know of a member that is set differently, as long as it is.
    fn compare_settings(&mut self, now: Instant) {
        let keys = |other: &Other| self.common.differing(&other.beat.common).collect::<Vec<_>>().join(", ");
        let unlike = self.others.iter().map(|(member, other)| (member, keys(other))).find(|(_, keys)| !keys.is_empty());
        let Some((member, keys)) = unlike else {
            self.unlike_due = None;
            return;
        };
        if self.unlike_due.is_none_or(|due| due <= now) {
            self.unlike_due = Some(now + STILL_UNLIKE);
            self.steps.push(Step::Differ(journal::say(UNLIKE, &[&member.name, &keys])));
        }
    }

    /// Members that see each other see the same others.
    fn compare(&mut self, now: Instant) {
        let ours: BTreeSet<&Member> = self.others.keys().chain([&self.own]).collect();
        let differs = |member: &Member, other: &Other| {
            let theirs: BTreeSet<&Member> = other.beat.believes.iter().chain([member]).collect();
            now < other.at + BEAT_EVERY * 2 && theirs != ours
        };
        let Some((member, _)) = self.others.iter().find(|(member, other)| differs(member, other)) else {
            self.differs = None;
            return;
        };
        let since = *self.differs.get_or_insert(now);
        if self.is_settled() && now >= since + self.lease * 2 {
            let said = journal::say(DIFFER, &[&member.name, &(now - since).as_secs()]);
            self.steps.push(Step::Say(Level::WARN, said));
            self.rejoin();
            self.differs = Some(now + self.pause);
            self.pause = (self.pause * 2).min(PAUSE_MAX);
        }
    }
}
