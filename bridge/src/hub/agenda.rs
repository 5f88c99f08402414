//! Which meters have something to do now, and when time brings something to the others.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Instant,
};

use teleinfo_proto::tic::MeterId;

/// Meters whose history is asked for, or waits to be told, at a time: so many answers are held at most.
pub(super) const ASKED_MAX: usize = 8;

/// Samples of one meter in a row, if several wait: the older ones are told as the past in one message each, so that its newest is the present
/// again within one turn, however much comes. More than may wait, and fewer than an answer of a history may bring.
const TURN_MAX: u32 = 40;

/// What came of the turn of a meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// A sample was told; there may be another.
    Told,
    /// There is nothing more to do.
    Over,
    /// There is only the past, and no room for it.
    PastWaits,
    /// It would ask for its past, and enough others have asked.
    QuestionWaits,
}

/// Meters that wait, each once.
#[derive(Debug, Default)]
struct Waiting {
    meters: VecDeque<MeterId>,
    members: BTreeSet<MeterId>,
}

impl Waiting {
    fn push_back(&mut self, meter: MeterId) {
        if self.members.insert(meter) {
            self.meters.push_back(meter);
        }
    }

    fn push_front(&mut self, meter: MeterId) {
        if !self.members.insert(meter) {
            self.meters.retain(|other| *other != meter);
        }
        self.meters.push_front(meter);
    }

    fn pop(&mut self) -> Option<MeterId> {
        let meter = self.meters.pop_front()?;
        self.members.remove(&meter);
        Some(meter)
    }
}

/// The meters that are to be looked at, now or later.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    /// Those that may have a sample to hand on or a question to ask, in turn.
    busy: Waiting,
    /// Those that have nothing left but the past, for which there was no room.
    past: Waiting,
    /// Those that would ask for their past, once others have told theirs.
    asking: Waiting,
    /// Those that have something that must not wait, until they have told it.
    urgent: BTreeSet<MeterId>,
    /// Samples in a row of the meter whose turn it is.
    in_a_row: u32,
    /// One deadline for each meter at most.
    deadlines: BTreeSet<(Instant, MeterId)>,
    deadline_of: BTreeMap<MeterId, Instant>,
}

impl Agenda {
    /// This meter may have something to do now: its turn comes after that of the others.
    pub(super) fn push_busy(&mut self, meter: MeterId) {
        self.busy.push_back(meter);
    }

    /// This meter has nothing but the past, and there is no room for that: it comes after the others of which the same is true.
    pub(super) fn push_past(&mut self, meter: MeterId) {
        self.past.push_back(meter);
        self.handle_turn_over(meter);
    }

    /// This meter would ask for its past, and enough others do.
    pub(super) fn push_asking(&mut self, meter: MeterId) {
        self.asking.push_back(meter);
        self.handle_turn_over(meter);
    }

    /// This meter has something that must not wait: its turn is the next one.
    pub(super) fn push_first(&mut self, meter: MeterId) {
        self.urgent.insert(meter);
        self.busy.push_front(meter);
        self.in_a_row = 0;
    }

    /// This meter, whose turn it is, had a sample and may have another: it goes on until it had a whole turn.
    pub(super) fn push_on(&mut self, meter: MeterId) {
        self.in_a_row += 1;
        if self.in_a_row >= TURN_MAX {
            self.push_busy(meter);
            self.in_a_row = 0;
        } else {
            self.busy.push_front(meter);
        }
    }

    /// This meter, whose turn it is, had a sample and may have another, and there is not room for all: the others come first, unless it has something
    /// that must not wait.
    pub(super) fn push_after_others(&mut self, meter: MeterId) {
        if self.urgent.contains(&meter) {
            return self.push_on(meter);
        }
        self.push_busy(meter);
        self.in_a_row = 0;
    }

    /// The meter whose turn it was has nothing more: the next one has a whole turn.
    pub(super) fn handle_turn_over(&mut self, meter: MeterId) {
        self.urgent.remove(&meter);
        self.in_a_row = 0;
    }

    /// The meter whose turn it is.
    pub(super) fn pop_busy(&mut self) -> Option<MeterId> {
        self.busy.pop()
    }

    /// A meter of which the past may be told now.
    pub(super) fn pop_past(&mut self) -> Option<MeterId> {
        self.past.pop()
    }

    /// A meter that may ask for its past now.
    pub(super) fn pop_asking(&mut self) -> Option<MeterId> {
        self.asking.pop()
    }

    /// Whether this meter's turn is still to come.
    #[must_use]
    pub(super) fn is_busy(&self, meter: MeterId) -> bool {
        [&self.busy, &self.past, &self.asking].iter().any(|waiting| waiting.members.contains(&meter))
    }

    /// Whether nobody has anything to do now, but for the past.
    #[must_use]
    pub(super) fn is_idle(&self) -> bool {
        self.busy.meters.is_empty()
    }

    /// Whether the past of some meter waits.
    #[must_use]
    pub(super) fn is_past_waiting(&self) -> bool {
        !self.past.meters.is_empty()
    }

    /// Whether some meter would ask for its past.
    #[must_use]
    pub(super) fn is_asking(&self) -> bool {
        !self.asking.meters.is_empty()
    }

    /// Time brings something to this meter then, and not at any time set before.
    pub(super) fn set_deadline(&mut self, meter: MeterId, at: Option<Instant>) {
        if let Some(old) = self.deadline_of.remove(&meter) {
            self.deadlines.remove(&(old, meter));
        }
        if let Some(at) = at {
            self.deadlines.insert((at, meter));
            self.deadline_of.insert(meter, at);
        }
    }

    /// The next deadline of all.
    #[must_use]
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// A meter whose deadline has passed; it has none any more.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<MeterId> {
        let (_, meter) = self.deadlines.first().copied().filter(|(at, _)| *at <= now)?;
        self.set_deadline(meter, None);
        Some(meter)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn meters() -> [MeterId; 2] {
        ["012345678912", "042161000021"].map(|id| id.parse().unwrap())
    }

    #[test]
    fn turns_come_round() {
        let (mut agenda, [a, b]) = (Agenda::default(), meters());
        [a, b, a].into_iter().for_each(|meter| agenda.push_busy(meter));
        assert!(agenda.is_busy(a));
        assert_eq!((agenda.pop_busy(), agenda.is_busy(a)), (Some(a), false));
        agenda.push_busy(a);
        assert_eq!([agenda.pop_busy(), agenda.pop_busy(), agenda.pop_busy()], [Some(b), Some(a), None]);
    }

    #[test]
    fn a_turn_goes_on_while_there_are_samples_and_ends_in_any_case() {
        let (mut agenda, [a, b]) = (Agenda::default(), meters());
        [a, b].into_iter().for_each(|meter| agenda.push_busy(meter));
        let turn = |agenda: &mut Agenda, samples: u32| {
            let meter = agenda.pop_busy();
            meter.into_iter().for_each(|meter| if samples > 0 { agenda.push_on(meter) } else { agenda.handle_turn_over(meter) });
            meter
        };
        assert_eq!([turn(&mut agenda, 2), turn(&mut agenda, 1), turn(&mut agenda, 0)], [Some(a); 3], "what waits goes at once");
        assert!((0..TURN_MAX).all(|_| turn(&mut agenda, 1) == Some(b)));
        agenda.push_busy(a);
        assert_eq!([turn(&mut agenda, 0), turn(&mut agenda, 0), turn(&mut agenda, 0)], [Some(b), Some(a), None]);
    }

    #[test]
    fn what_must_not_wait_goes_before_all_turns() {
        let (mut agenda, [a, b]) = (Agenda::default(), meters());
        [a, b].into_iter().for_each(|meter| agenda.push_busy(meter));
        agenda.push_first(b);
        agenda.push_first(b);
        assert_eq!([agenda.pop_busy(), agenda.pop_busy(), agenda.pop_busy()], [Some(b), Some(a), None]);
        agenda.push_first(a);
        agenda.push_busy(b);
        let told_a = |agenda: &mut Agenda| assert_eq!(agenda.pop_busy(), Some(a));
        told_a(&mut agenda);
        agenda.push_after_others(a);
        told_a(&mut agenda);
        agenda.push_past(a);
        assert_eq!((agenda.pop_busy(), agenda.pop_past()), (Some(b), Some(a)));
        [b, a].into_iter().for_each(|meter| agenda.push_after_others(meter));
        assert_eq!([agenda.pop_busy(), agenda.pop_busy()], [Some(b), Some(a)], "nothing is urgent any more");
    }

    #[test]
    fn each_meter_has_one_deadline() {
        let (mut agenda, [a, b], now) = (Agenda::default(), meters(), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        agenda.set_deadline(a, Some(at(1)));
        agenda.set_deadline(b, Some(at(2)));
        agenda.set_deadline(a, Some(at(3)));
        assert_eq!(agenda.next_deadline(), Some(at(2)));
        assert_eq!(
            [agenda.pop_due(at(1)), agenda.pop_due(at(3)), agenda.pop_due(at(3)), agenda.pop_due(at(3))],
            [None, Some(b), Some(a), None]
        );
        assert_eq!(agenda.next_deadline(), None);
    }
}
