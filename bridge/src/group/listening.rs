//! What happens to the meters of other members, for whoever looks at the page of this one; and what happens to ours, for whoever looks there. Pure.
//!
//! A member says that somebody looks at its page, again and again; the others then tell it what happens to their meters, for some seconds each
//! time. What happens is numbered, so that one who did not hear everything knows it, and its browsers ask anew. While nobody looks, nothing is told.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use crate::{
    group::{
        member::Member,
        message::{Happening, Word},
    },
    words::pace::Pace,
};

/// A member says so often that somebody looks at its page, ...
const EVERY: Duration = Duration::from_secs(2);
/// ... and it is believed for so long.
const LEASE: Duration = Duration::from_secs(6);
/// A member of which nothing is heard for so long, though it should, does not work: what browsers have of it is old.
const SILENCE: Duration = Duration::from_secs(5);
/// Browsers ask anew so long after what they missed: by then nobody is answered what was known before.
const LATER: Duration = Duration::from_millis(1_200);
/// What happens is told so often; beyond that it is left out, and browsers ask for what they missed.
const AT_ONCE: u32 = 512;
const A_MINUTE: u32 = 12_000;
/// The longest that is told: a frame has a quarter of it.
pub const PAYLOAD_MAX: usize = 20_000;

/// How far a member was heard.
#[derive(Debug)]
struct Heard {
    number: u64,
    at: Instant,
}

/// Both sides of it.
#[derive(Debug)]
pub struct Listening {
    /// When it is to be said again that somebody looks here; nobody does without one.
    say_due: Option<Instant>,
    heard: BTreeMap<Member, Heard>,
    /// When browsers are told that they have missed something.
    missed_due: Option<Instant>,
    /// Until when somebody looks at another member's page.
    told_until: Option<Instant>,
    /// What happened here was numbered so far.
    number: u64,
    pace: Pace,
    words: VecDeque<Word>,
}

impl Default for Listening {
    fn default() -> Self {
        Self {
            say_due: None,
            heard: BTreeMap::new(),
            missed_due: None,
            told_until: None,
            number: 0,
            pace: Pace::new(AT_ONCE, A_MINUTE),
            words: VecDeque::new(),
        }
    }
}

impl Listening {
    /// Whether somebody looks at the page here, and others are there.
    pub fn handle_audience(&mut self, is_there: bool, now: Instant) {
        if !is_there {
            self.say_due = None;
            self.heard.clear();
        } else if self.say_due.is_none_or(|due| due <= now) {
            self.say_due = Some(now + EVERY);
            self.words.push_back(Word::Listen);
        }
        let before = self.heard.len();
        self.heard.retain(|_, heard| now < heard.at + SILENCE);
        if self.heard.len() < before {
            self.handle_missed(now);
        }
    }

    /// Something happened to a meter of another member, or its numbers are so far. Returns whether somebody looks here.
    pub fn handle_heard(&mut self, member: Member, number: u64, is_something: bool, now: Instant) -> bool {
        if self.say_due.is_none() {
            return false;
        }
        let expected = self.heard.get(&member).and_then(|heard| heard.number.checked_add(is_something.into()));
        if expected != Some(number) {
            self.handle_missed(now);
        }
        self.heard.insert(member, Heard { number, at: now });
        true
    }

    /// Browsers have missed something, or the meters are divided anew: then those of the last other member may be ours.
    pub fn handle_missed(&mut self, now: Instant) {
        self.missed_due.get_or_insert(now + LATER);
    }

    /// Whether it is time to tell browsers that they have missed something.
    pub fn poll_missed(&mut self, now: Instant) -> bool {
        self.missed_due.take_if(|due| *due <= now).is_some()
    }

    /// Somebody looks at another member's page.
    pub fn handle_listener(&mut self, now: Instant) {
        self.told_until = Some(now + LEASE);
        self.words.push_back(Word::Happened(self.number, None));
    }

    /// Whether somebody looks at another member's page.
    #[must_use]
    pub fn is_told(&self, now: Instant) -> bool {
        self.told_until.is_some_and(|until| now < until)
    }

    /// This happened to a meter here.
    pub fn handle_happened(&mut self, happening: Happening, now: Instant) {
        self.number += 1;
        if happening.payload.len() <= PAYLOAD_MAX && self.pace.take(now) {
            self.words.push_back(Word::Happened(self.number, Some(happening)));
        }
    }

    /// The next thing to tell.
    pub fn poll_word(&mut self) -> Option<Word> {
        self.words.pop_front()
    }

    /// When [`Listening::handle_audience`] and [`Listening::poll_missed`] are due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.say_due.into_iter().chain(self.missed_due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member() -> Member {
        Member { name: "attic".into(), run: 7 }
    }

    fn happening() -> Happening {
        Happening { meter: "021861000001".parse().unwrap(), name: "power".into(), payload: "{\"power\":1}".into() }
    }

    #[test]
    fn while_nobody_looks_nothing_is_said_and_nothing_is_told() {
        let (mut here, now) = (Listening::default(), Instant::now());
        for second in 0..10 {
            here.handle_audience(false, now + Duration::from_secs(second));
        }
        assert!(here.poll_word().is_none() && here.poll_timeout().is_none() && !here.is_told(now));
        assert!(!here.handle_heard(member(), 1, true, now), "one who still tells is not listened to");
        here.handle_audience(true, now);
        here.handle_audience(true, now + EVERY / 2);
        here.handle_audience(true, now + EVERY);
        assert_eq!(std::iter::from_fn(|| here.poll_word()).collect::<Vec<_>>(), [Word::Listen, Word::Listen]);
        let mut there = Listening::default();
        there.handle_listener(now);
        assert_eq!(there.poll_word(), Some(Word::Happened(0, None)));
        assert!(there.is_told(now + EVERY * 2) && !there.is_told(now + LEASE));
    }

    #[test]
    fn who_has_missed_something_knows_it() {
        let (mut here, now) = (Listening::default(), Instant::now());
        here.handle_audience(true, now);
        assert!(here.handle_heard(member(), 40, false, now));
        assert!(!here.poll_missed(now) && here.poll_missed(now + LATER), "what happened before it was heard");
        for (number, is_something) in [(41, true), (42, true), (42, false)] {
            here.handle_heard(member(), number, is_something, now + LATER);
        }
        assert!(!here.poll_missed(now + LATER * 3));
        for (number, is_something) in [(44, true), (46, false), (u64::MAX, true), (u64::MAX, true), (0, true)] {
            here.handle_heard(member(), number, is_something, now + LATER);
            assert!(here.poll_missed(now + LATER * 2), "{number}");
        }
        here.handle_audience(true, now + LATER + SILENCE);
        assert!(here.poll_missed(now + LATER * 2 + SILENCE), "one who is silent");
    }

    #[test]
    fn when_the_last_other_member_has_gone_browsers_ask_anew() {
        let (mut here, now) = (Listening::default(), Instant::now());
        here.handle_audience(true, now);
        here.handle_missed(now);
        here.handle_audience(false, now);
        assert_eq!(here.poll_timeout(), Some(now + LATER));
        assert!(here.poll_missed(now + LATER) && here.poll_timeout().is_none());
    }

    #[test]
    fn what_is_told_is_bounded_and_what_is_left_out_is_numbered() {
        let (mut there, now) = (Listening::default(), Instant::now());
        there.handle_happened(Happening { payload: "x".repeat(PAYLOAD_MAX + 1), ..happening() }, now);
        (0..AT_ONCE * 2).for_each(|_| there.handle_happened(happening(), now));
        assert_eq!(there.words.len(), AT_ONCE as usize);
        there.words.clear();
        there.handle_happened(happening(), now + Duration::from_secs(60));
        assert_eq!(there.poll_word(), Some(Word::Happened(u64::from(AT_ONCE) * 2 + 2, Some(happening()))));
    }
}
