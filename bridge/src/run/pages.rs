//! What the main loop does for those who look at a page: it answers, and where there is a group, it asks the other members, answers them, and
//! tells what happens. Nothing of that is done while nobody looks.

use std::time::{Instant, SystemTime};

use teleinfo_proto::tic::MeterId;
use tokio::sync::oneshot;
use tracing::debug;

use super::Bridge;
use crate::{
    archive::{block::Grain, keeper::Archive, prices::Names, shared},
    group::{
        inquiries::{Gathered, Inquiry, Piece, pieces},
        member::Member,
        message::{Happening, Word},
    },
    metrics,
    page::{energy, serve::Question, told},
    run::together::Written,
    words::{language::Language, message::Message, utc},
};

impl Bridge {
    /// Somebody looks at the page, or collects metrics. Whoever has asked may be gone.
    pub(super) fn handle_question(&mut self, question: Question, now: Instant) {
        match question {
            Question::Metrics(answer) => drop(answer.send(metrics::families(&self.hub, now))),
            Question::Now(language, answer) => drop(answer.send(self.told(language, now))),
            Question::Tariffs(meter, answer) => {
                let names = self.hub.meanings(meter).map(Names::of).unwrap_or_default();
                drop(answer.send((names, self.hub.prices(meter).clone())));
            }
            Question::Others(inquiry, answer) => self.ask_others(inquiry, answer, now),
        }
    }

    fn told(&self, language: Language, now: Instant) -> told::Told {
        told::now(&self.hub, &self.feed, language, utc::unix_ms(SystemTime::now()), now)
    }

    fn ask_others(&mut self, inquiry: Inquiry, answer: oneshot::Sender<Gathered>, now: Instant) {
        let neighbours = &mut self.neighbours;
        let members = neighbours.talk.others().cloned().collect();
        if let Some(number) = neighbours.together.ask(neighbours.talk.own(), members, answer, now) {
            neighbours.talk.tell(Word::Ask(number, inquiry));
        }
    }

    /// Another member has answered one.
    pub(super) fn handle_piece(&mut self, member: &Member, asker: &Member, number: u64, piece: &Piece) {
        if asker == self.neighbours.talk.own() {
            self.neighbours.together.inquiries.handle_piece(member, number, piece);
        }
    }

    /// Another member asks this one.
    pub(super) fn handle_inquiry(&mut self, member: Member, number: u64, inquiry: Inquiry, now: Instant) {
        let together = &self.neighbours.together;
        match inquiry {
            Inquiry::Now(language) => {
                let told = self.told(language, now);
                together.write(member, number, move || serde_json::to_string(&told).ok());
            }
            Inquiry::Metrics => {
                let families = metrics::families(&self.hub, now);
                together.write(member, number, move || serde_json::to_string(&families).ok());
            }
            Inquiry::Curves(meter, grain, from, to) => {
                let archive = self.archive.clone();
                together.write(member, number, move || curves(archive.as_ref(), meter, grain, from, to));
            }
        }
    }

    /// An answer is written. One that is too long is none.
    pub(super) fn handle_written(&mut self, (member, number, text): Written) {
        for piece in pieces(text) {
            self.neighbours.talk.tell(Word::Answer(member.clone(), number, piece));
        }
    }

    /// This goes to MQTT: whoever looks at a page is told, here and at other members.
    pub(super) fn show(&mut self, message: &Message, now: Instant) {
        if self.archive.is_some() {
            self.feed.handle_message(message, utc::unix_seconds(SystemTime::now()));
        }
        let listening = &mut self.neighbours.together.listening;
        if listening.is_told(now)
            && let Some((meter, name)) = self.feed.place(&message.topic)
        {
            listening.handle_happened(Happening { meter, name: name.into(), payload: message.text().into() }, now);
        }
    }

    /// Something happened to a meter of another member. What is of a meter that is ours by now is of the past.
    pub(super) fn handle_happened(&mut self, member: Member, number: u64, happening: Option<Happening>, now: Instant) {
        let is_wanted = self.neighbours.together.listening.handle_heard(member, number, happening.is_some(), now);
        if let Some(Happening { meter, name, payload }) = happening.filter(|happening| is_wanted && !self.hub.is_ours(happening.meter)) {
            self.feed.handle_elsewhere(meter, &name, &payload);
        }
    }

    /// Time has passed: what was asked is over, somebody has begun to look, or browsers are to be told what they missed.
    pub(super) fn follow_pages(&mut self, now: Instant) {
        let (talk, together) = (&self.neighbours.talk, &mut self.neighbours.together);
        together.give_out(talk.own(), |member| talk.believes(member), now);
        together.listening.handle_audience(talk.is_heard() && self.feed.is_watched(), now);
        if together.listening.poll_missed(now) {
            self.feed.handle_missed();
        }
    }
}

/// What this bridge remembers of a meter; without a memory that is nothing.
fn curves(archive: Option<&Archive>, meter: MeterId, grain: Grain, from: i64, to: i64) -> Option<String> {
    match archive.map(|archive| energy::remembered(archive, meter, grain, from, to)).transpose() {
        Ok(curves) => shared::written(&curves.unwrap_or_default(), grain),
        Err(error) => {
            debug!("meter {meter}: {error}");
            None
        }
    }
}
