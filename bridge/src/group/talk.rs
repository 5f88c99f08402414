//! A member's ear and mouth: what others tell is opened, held against their tokens, and becomes orders; what is to be told is sealed.
//!
//! Nothing counts twice: a message comes by as many links as there are, and a recording is a number that was heard before.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use teleinfo_proto::wire::keys;
use tracing::Level;

use crate::{
    group::{
        common::Common,
        member::Member,
        membership::{Membership, Step},
        message::{Seal, Way, Word},
        share::Share,
    },
    words::{
        journal,
        language::{Sentence, Words},
        pace::Pace,
    },
};

const NOT_SEALED: Words = Words::new(
    "group: what {} tells does not open: every member needs the same file key in its state directory",
    "groupe : ce que dit {} ne s'ouvre pas : chaque membre a besoin du même fichier key dans son répertoire d'état",
);
const ALONE: Words = Words::new(
    "another bridge, {}, is on this Zenoh network, and the two are no group: with a common key both publish every meter. Set [group] name on both, \
     or stop one",
    "une autre passerelle, {}, est sur ce réseau Zenoh, et les deux ne forment pas un groupe : avec une clé commune, chacune publie tous les \
     compteurs. Réglez [group] name sur les deux, ou arrêtez-en une",
);
const STRANGE: Words = Words::new(
    "another bridge, {}, is on this Zenoh network, and does not belong to this group: set the same [group] name on both, or stop one",
    "une autre passerelle, {}, est sur ce réseau Zenoh et n'appartient pas à ce groupe : réglez le même [group] name sur les deux, ou arrêtez-en une",
);

/// A bridge that does not belong to this one is said after this time: it may be an earlier process of this one, whose token goes with the lease.
const PATIENCE: Duration = Duration::from_secs(10);
/// And again as long as it is there, so that it is not taken to be over.
const STILL_THERE: Duration = Duration::from_secs(300);
/// Tokens of such bridges that are remembered: anybody can declare them.
const STRANGERS_MAX: usize = 64;

/// Messages that wait to be sent.
const OUT_MAX: usize = 16_384;
/// Runs of which is known how far they were heard.
const RUNS_MAX: usize = 256;
/// Messages that do not open, and that are tried all the same: anybody can send them.
const TRIES_AT_ONCE: u32 = 256;
const TRIES_A_MINUTE: u32 = 600;

/// What is to be done because of the group.
#[derive(Debug, Clone, PartialEq)]
pub enum GroupOrder {
    /// The meters are divided so from now on.
    Share(Share),
    /// This member is new here: tell it everything, and then that this was all.
    Tell(Member),
    /// This member has told this.
    Heard(Member, Word),
    /// Leave the Zenoh network and join it anew.
    Rejoin,
    /// Somebody should know this, as long as it lasts.
    Complain(Sentence),
    /// Likewise: another member is set differently.
    Differ(Sentence),
    /// Write this to the log.
    Say(Level, Sentence),
}

/// A member of a group.
#[derive(Debug)]
struct Joined {
    membership: Membership,
    seal: Seal,
    number: u64,
    /// How far each run was heard, and what of it comes behind the rest.
    heard: BTreeMap<(Member, bool), u64>,
    tries: Pace,
    out: VecDeque<Word>,
}

/// This bridge beside others: in a group with them, or not.
#[derive(Debug)]
pub struct Talk {
    group: String,
    own: Member,
    joined: Option<Joined>,
    /// Bridges that do not belong to this one, by the link that sees them, and when somebody is to be told of them.
    strangers: BTreeSet<(usize, Member)>,
    strangers_due: Option<Instant>,
    orders: VecDeque<GroupOrder>,
}

impl Talk {
    /// A bridge that belongs to no group, and only says that there is another one.
    #[must_use]
    pub fn alone(own: Member) -> Self {
        Self::with(keys::NO_GROUP, own, None)
    }

    /// A member of a group.
    #[must_use]
    pub fn member(group: &str, own: Member, weight: u32, secret: &[u8; 32], lease: Duration, now: Instant) -> Self {
        let joined = Joined {
            membership: Membership::new(own.clone(), weight, lease, now),
            seal: Seal::new(group, secret),
            number: 0,
            heard: BTreeMap::new(),
            tries: Pace::new(TRIES_AT_ONCE, TRIES_A_MINUTE),
            out: VecDeque::new(),
        };
        Self::with(group, own, Some(joined))
    }

    fn with(group: &str, own: Member, joined: Option<Joined>) -> Self {
        Self { group: group.into(), own, joined, strangers: BTreeSet::new(), strangers_due: None, orders: VecDeque::new() }
    }

    /// Set so: all members must be set alike.
    #[must_use]
    pub fn set(self, common: Common) -> Self {
        let joined = self.joined.map(|joined| Joined { membership: joined.membership.set(common), ..joined });
        Self { joined, ..self }
    }

    /// This process, as others know it.
    #[must_use]
    pub const fn own(&self) -> &Member {
        &self.own
    }

    /// The group of its token.
    #[must_use]
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The names of those who work.
    pub fn working(&self) -> impl Iterator<Item = &str> {
        self.joined.iter().flat_map(|joined| joined.membership.share().names())
    }

    /// A token of a bridge is seen by this link, or no longer is.
    pub fn handle_token(&mut self, link: usize, key: &str, is_present: bool, now: Instant) {
        let Some((group, member)) = Member::of_token(key) else { return };
        match &mut self.joined {
            Some(joined) if group == self.group => joined.membership.handle_token(link, member, is_present, now),
            _ if member == self.own => {}
            _ if !is_present => _ = self.strangers.remove(&(link, member)),
            _ if self.strangers.len() < STRANGERS_MAX => {
                self.strangers.insert((link, member));
                self.strangers_due.get_or_insert(now + PATIENCE);
            }
            _ => {}
        }
        self.follow();
    }

    /// Somebody should know of a bridge that does not belong to this one, as long as it is there.
    fn tell_of_strangers(&mut self, now: Instant) {
        if self.strangers_due.is_none_or(|at| now < at) {
            return;
        }
        self.strangers_due = self.strangers.first().map(|_| now + STILL_THERE);
        if let Some((_, member)) = self.strangers.first() {
            let words = if self.joined.is_some() { STRANGE } else { ALONE };
            self.orders.push_back(GroupOrder::Complain(journal::say(words, &[&member.name])));
        }
    }

    /// A link ends.
    pub fn handle_link_closed(&mut self, link: usize, now: Instant) {
        self.strangers.retain(|(other, _)| *other != link);
        self.work(|joined| joined.membership.handle_link_closed(link, now));
    }

    /// A message came under a key of the group.
    pub fn handle_message(&mut self, expression: &str, message: &[u8], now: Instant) {
        let Some(joined) = &mut self.joined else { return };
        let Some(claimed) = joined.seal.claimed(expression, message).filter(|claimed| *claimed != self.own) else { return };
        let Some((member, number, word)) = joined.seal.open(expression, message) else {
            if joined.tries.take(now) {
                self.orders.push_back(GroupOrder::Complain(journal::say(NOT_SEALED, &[&claimed.name])));
            }
            return;
        };
        let stream = (member, word.way() != Way::First);
        if joined.heard.get(&stream).is_some_and(|heard| number <= *heard) {
            return;
        }
        let member = &stream.0;
        match word {
            Word::Beat(beat) => {
                // What is not believed yet may be the recording of an earlier run: it leaves nothing behind.
                if joined.membership.handle_beat(member, beat, now) {
                    joined.note(stream, number);
                }
            }
            _ if !joined.membership.believes(member) => {}
            Word::Told(own) => {
                if own == self.own {
                    joined.membership.handle_told(member, now);
                }
                joined.note(stream, number);
            }
            word => {
                self.orders.push_back(GroupOrder::Heard(member.clone(), word));
                joined.note(stream, number);
            }
        }
        self.follow();
    }

    /// Whether this bridge could publish: the broker is there, and all that it retains was read.
    pub fn handle_able(&mut self, can_publish: bool, now: Instant) {
        self.work(|joined| joined.membership.handle_able(can_publish, now));
    }

    /// This process stood still for so long.
    pub fn handle_slept(&mut self, slept: Duration) {
        self.work(|joined| joined.membership.handle_slept(slept));
    }

    /// The network was left, and is joined anew as this run.
    pub fn handle_rejoined(&mut self, run: u64, now: Instant) {
        self.own.run = run;
        self.work(|joined| {
            joined.number = 0;
            joined.membership.handle_rejoined(run, now);
        });
    }

    /// To be called when [`Talk::poll_timeout`] is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.tell_of_strangers(now);
        self.work(|joined| joined.membership.handle_timeout(now));
    }

    /// Tells the others something, if there is a group.
    pub fn tell(&mut self, word: Word) {
        if let Some(joined) = &mut self.joined
            && joined.out.len() < OUT_MAX
        {
            joined.out.push_back(word);
        }
    }

    /// The other members.
    pub fn others(&self) -> impl Iterator<Item = &Member> {
        self.joined.iter().flat_map(|joined| joined.membership.others())
    }

    /// Whether this member is there, and believed.
    #[must_use]
    pub fn believes(&self, member: &Member) -> bool {
        self.joined.as_ref().is_some_and(|joined| joined.membership.believes(member))
    }

    /// Whether others may listen to what is told.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.joined.as_ref().is_some_and(|joined| joined.membership.has_others())
    }

    /// Whether all that others know was told: what they tell from then on is news, and not what this member has missed.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.joined.as_ref().is_none_or(|joined| joined.membership.is_settled())
    }

    /// The next message that is to go: its way, its key and its bytes.
    pub fn poll_message(&mut self, now: Instant) -> Option<(Way, String, Vec<u8>)> {
        let joined = self.joined.as_mut()?;
        let word = joined.membership.poll_beat(now).map(Word::Beat).or_else(|| joined.out.pop_front())?;
        joined.number += 1;
        let bytes = joined.seal.seal(&self.own, joined.number, &word).unwrap_or_default();
        Some((word.way(), joined.seal.expression(&self.own.name), bytes))
    }

    /// The next thing to do.
    pub fn poll_order(&mut self) -> Option<GroupOrder> {
        self.orders.pop_front()
    }

    /// When [`Talk::handle_timeout`] and [`Talk::poll_message`] are due, if nothing happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let joined = self.joined.as_ref().and_then(|joined| joined.membership.poll_timeout());
        joined.into_iter().chain(self.strangers_due).min()
    }

    fn work(&mut self, work: impl FnOnce(&mut Joined)) {
        if let Some(joined) = &mut self.joined {
            work(joined);
        }
        self.follow();
    }

    /// Steps become orders.
    fn follow(&mut self) {
        let Some(joined) = &mut self.joined else { return };
        while let Some(step) = joined.membership.poll_step() {
            self.orders.push_back(match step {
                Step::Share(share) => GroupOrder::Share(share),
                Step::Tell(member) => GroupOrder::Tell(member),
                Step::Rejoin => GroupOrder::Rejoin,
                Step::Say(level, text) => GroupOrder::Say(level, text),
                Step::Complain(text) => GroupOrder::Complain(text),
                Step::Differ(text) => GroupOrder::Differ(text),
            });
        }
    }
}

impl Joined {
    /// A run was heard so far. The one that was there first makes room.
    fn note(&mut self, stream: (Member, bool), number: u64) {
        if self.heard.len() >= RUNS_MAX
            && !self.heard.contains_key(&stream)
            && let Some(gone) = self.heard.keys().find(|(known, _)| !self.membership.believes(known)).cloned()
        {
            self.heard.remove(&gone);
        }
        // What comes behind and is from before the first word that was believed is a recording.
        if !stream.1 && !self.heard.contains_key(&stream) {
            self.heard.insert((stream.0.clone(), true), number);
        }
        self.heard.insert(stream, number);
    }
}

#[cfg(test)]
mod tests;
