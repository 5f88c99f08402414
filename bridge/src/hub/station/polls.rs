//! What there is to do about one meter: samples to hand on, questions to ask, and what is to be kept, counted or said.

use std::time::Instant;

use super::Station;
use crate::{
    energy::{account::Due, ledger::Ledger, meaning::Meaning},
    homeassistant::{
        memory::Memory,
        statistic::{Sources, Statistic},
    },
    order::{
        intake::{InOrder, Question, Room, Tally},
        marks::Marks,
        received::ReaderClock,
    },
    words::language::Sentence,
};

impl Station {
    /// The next sample in order, for [`Station::handle_sample`]; it counts as handed on.
    pub fn poll_sample(&mut self, room: Room, now: Instant) -> Option<InOrder> {
        self.intake.poll_sample(room, now)
    }

    /// What to ask the reader's history now.
    pub fn poll_question(&mut self, now: Instant) -> Option<Question> {
        self.intake.poll_question(now)
    }

    /// Whether the meter is online, if that has changed.
    pub fn poll_presence(&mut self, now: Instant) -> Option<bool> {
        self.presence.poll_change(now)
    }

    /// What a restart must not forget, if that has changed; at the last everything.
    pub fn poll_memory(&mut self, is_last: bool, now: Instant) -> Option<&Memory> {
        let power = self.figures.poll_kept_power(is_last, now);
        self.announcer.poll_memory(self.figures.told(), self.figures.calendar(), power)
    }

    /// What another bridge must know that goes on with this meter, and when the last samples were by the clock of this machine.
    #[must_use]
    pub fn handed_over(&self) -> (Memory, Option<Ledger>, Marks, ReaderClock) {
        (self.announcer.memory().clone(), self.account.ledger(), self.intake.marks().clone(), self.clock)
    }

    /// What must never be forgotten of its energy, if it is time to keep it; at the last everything.
    pub fn poll_ledger(&mut self, is_last: bool, now: Instant) -> Option<Due> {
        self.account.poll_ledger(is_last, now)
    }

    /// What its readers contradict each other about, since the last call.
    pub fn poll_contradiction(&mut self) -> Option<Sentence> {
        self.contradiction.take()
    }

    /// What has happened to its energy that somebody should know, since the last call.
    pub fn poll_energy_news(&mut self) -> Option<Sentence> {
        self.energy_news.take()
    }

    /// The energy that Home Assistant keeps statistics of, if that has changed: it follows from what was learnt of the meter, from what its
    /// indexes mean, and from what its total is the sum of.
    pub fn poll_statistics(&mut self, has_learnt: bool) -> Option<&[Statistic]> {
        let state = self.figures.state();
        let indexes = state.total_indexes();
        let offset = self.account.offset(state.mode(), &indexes);
        let sources = Sources { meanings: self.account.meanings().current().map(Meaning::id).collect(), indexes, offset };
        if !has_learnt && self.sources == sources {
            return None;
        }
        self.sources = sources;
        let statistics = self.statistics();
        (statistics != self.statistics).then(|| {
            self.statistics = statistics;
            self.statistics.as_slice()
        })
    }

    /// The energy that Home Assistant keeps statistics of.
    #[must_use]
    pub fn statistics(&self) -> Vec<Statistic> {
        let state = self.figures.state();
        self.announcer.statistics(state, self.account.meanings(), self.account.offset(state.mode(), &state.total_indexes()))
    }

    /// What became of samples since the last call.
    pub fn poll_tally(&mut self) -> Tally {
        let tally = self.intake.tally();
        tally.since(&std::mem::replace(&mut self.counted, tally))
    }

    /// What the history brought back, and what is lost for good, once all of it has been handed on. The lost ones are counted.
    pub fn poll_recovery(&mut self) -> Option<Tally> {
        let tally = self.intake.tally();
        let news = tally.since(&self.logged);
        if self.intake.is_catching_up() || (news.recovered, news.lost) == (0, 0) {
            return None;
        }
        self.logged = tally;
        self.reception.handle_lost(news.lost);
        Some(news)
    }
}
