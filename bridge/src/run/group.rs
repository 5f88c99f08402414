//! What the main loop does for a group: what other bridges say goes to the hub, and what this one has done to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use teleinfo_proto::{tic::MeterId, wire::BootId};
use tracing::error;

use super::{Bridge, say};
use crate::{
    group::{
        member::Member,
        message::{Runs, Word},
        talk::{GroupOrder, Talk},
    },
    homeassistant::memory::Memory,
    hub::complaints::Complaint,
    order::marks::{Mark, Marks},
    run::neighbourhood::draw_run,
    seal::readers::Shared,
    store::{memories, positions},
    zenoh::links::Neighbour,
};

/// Meters in one message, and bytes of lines.
const METERS_AT_ONCE: usize = 200;
const LINES_AT_ONCE: usize = 40_000;
/// At the end, time for what is said last to be sent.
const LAST_WORDS: Duration = Duration::from_millis(300);

impl Bridge {
    /// Something came from another bridge.
    pub(super) fn handle_neighbour(&mut self, neighbour: Neighbour, now: Instant) {
        let talk = &mut self.neighbours.talk;
        match neighbour {
            Neighbour::Token(link, key, is_present) => talk.handle_token(link, &key, is_present, now),
            Neighbour::Message(key, message) => talk.handle_message(&key, &message, now),
            Neighbour::Closed(link) => talk.handle_link_closed(link, now),
        }
    }

    /// Before anything is published: what follows from the others, and from the time that this process stood still.
    pub(super) fn follow_group(&mut self, now: Instant) {
        if let Some(slept) = self.neighbours.poll_slept(now) {
            // What time alone has brought since it woke up is of a past in which others may have taken its place.
            self.hub.handle_slept(now);
            self.neighbours.talk.handle_slept(slept);
        }
        self.neighbours.talk.handle_able(self.hub.can_publish(), now);
        if self.neighbours.talk.poll_timeout().is_some_and(|at| at <= now) {
            self.neighbours.talk.handle_timeout(now);
        }
        while let Some(order) = self.neighbours.talk.poll_order() {
            self.obey_group(order, now);
        }
        self.follow_pages(now);
        self.tell_others(now);
    }

    /// Sends what the others are to hear.
    pub(super) fn tell_others(&mut self, now: Instant) {
        while let Some(word) = self.neighbours.together.listening.poll_word() {
            self.neighbours.talk.tell(word);
        }
        while let Some((way, key, message)) = self.neighbours.talk.poll_message(now) {
            self.neighbours.links.tell(way, key, message);
        }
    }

    fn obey_group(&mut self, order: GroupOrder, now: Instant) {
        match order {
            GroupOrder::Share(share) => {
                self.hub.handle_share(share, now);
                self.neighbours.together.listening.handle_missed(now);
            }
            GroupOrder::Tell(member) => self.tell_everything(member),
            GroupOrder::Heard(member, word) => self.handle_word(member, word, now),
            GroupOrder::Rejoin => {
                let run = draw_run();
                self.neighbours.links.rejoin(run);
                self.neighbours.talk.handle_rejoined(run, now);
            }
            GroupOrder::Differ(text) => self.hub.handle_complaint(Complaint::Settings, text.as_str(), now),
            GroupOrder::Complain(text) => self.hub.handle_complaint(Complaint::Group, text.as_str(), now),
            GroupOrder::Say(level, text) => say(level, text.as_str()),
        }
    }

    /// Another member has told something.
    fn handle_word(&mut self, member: Member, word: Word, now: Instant) {
        match word {
            Word::Positions(meters) => {
                for (meter, runs) in meters {
                    if let Ok(meter) = meter.parse() {
                        self.hub.handle_positions(meter, &marks_of(&runs));
                    }
                }
            }
            Word::Memory(meter, text) => {
                if let (Ok(meter), Some(memory)) = (meter.parse(), memories::parse(text.as_bytes())) {
                    self.hub.handle_learnt(meter, memory);
                }
            }
            Word::Readers(lines, is_new) => {
                let replaces = is_new || !self.neighbours.talk.is_settled();
                let Shared { untold, all } = self.sealed.with(|readers| readers.handle_shared(&lines, replaces));
                if let Some(text) = untold {
                    self.tell_readers(&text);
                    self.keep_readers(text);
                }
                if let Some(text) = all {
                    self.neighbours.readers.clone_from(&text);
                    self.keep_readers(text);
                }
            }
            Word::Ask(number, inquiry) => self.handle_inquiry(member, number, inquiry, now),
            Word::Answer(asker, number, piece) => self.handle_piece(&member, &asker, number, &piece),
            Word::Listen => self.neighbours.together.listening.handle_listener(now),
            Word::Happened(number, happening) => self.handle_happened(member, number, happening, now),
            Word::Beat(_) | Word::Told(_) => {}
        }
    }

    /// All that a new member needs to go on with any of the meters of this one.
    fn tell_everything(&mut self, member: Member) {
        let readers = self.sealed.with(|readers| readers.shared());
        for lines in chunks(&readers) {
            self.neighbours.talk.tell(Word::Readers(lines, false));
        }
        for (meter, memory) in self.hub.learnt() {
            tell_memory(&mut self.neighbours.talk, meter, &memory);
        }
        self.tell_positions();
        self.neighbours.talk.tell(Word::Told(member));
    }

    /// How far the samples of all meters are at the broker.
    pub(super) fn tell_positions(&mut self) {
        let untold = self.untold();
        let told: Vec<(String, Runs)> = self
            .hub
            .positions()
            .map(|(meter, marks)| (meter.to_string(), runs_of(positions::told(*meter, marks, &untold).iter())))
            .collect();
        for meters in told.chunks(METERS_AT_ONCE) {
            self.neighbours.talk.tell(Word::Positions(meters.to_vec()));
        }
    }

    /// So much more is at the broker: the others would go on from there.
    pub(super) fn tell_delivered(&mut self, delivered: &[(MeterId, Mark)]) {
        if !self.neighbours.talk.is_heard() {
            return;
        }
        let mut meters: BTreeMap<MeterId, Marks> = BTreeMap::new();
        delivered.iter().for_each(|(meter, mark)| meters.entry(*meter).or_default().merge(&[*mark]));
        let told: Vec<(String, Runs)> = meters.iter().map(|(meter, marks)| (meter.to_string(), runs_of(marks.iter()))).collect();
        for meters in told.chunks(METERS_AT_ONCE) {
            self.neighbours.talk.tell(Word::Positions(meters.to_vec()));
        }
    }

    /// Something new was learnt of a meter.
    pub(super) fn tell_learnt(&mut self, meter: MeterId, memory: &Memory) {
        if self.neighbours.talk.is_heard() && self.hub.is_ours(meter) {
            tell_memory(&mut self.neighbours.talk, meter, memory);
        }
    }

    /// Another reader is known, or one no longer is: these are the lines of all.
    pub(super) fn tell_readers(&mut self, text: &str) {
        if self.neighbours.talk.is_heard() {
            let news = news_of(&self.neighbours.readers, text);
            for lines in chunks(&news) {
                self.neighbours.talk.tell(Word::Readers(lines, true));
            }
        }
        text.clone_into(&mut self.neighbours.readers);
    }

    /// A clean stop, before the last messages: others go on with the meters of this one.
    pub(super) fn leave_group(&mut self, now: Instant) {
        if self.hub.is_followed() {
            self.neighbours.talk.handle_able(false, now);
            while let Some(order) = self.neighbours.talk.poll_order() {
                self.obey_group(order, now);
            }
        }
    }

    /// And after them: how far everything is at the broker.
    pub(super) async fn say_last_words(&mut self, now: Instant) {
        if !self.neighbours.talk.is_heard() {
            return;
        }
        self.tell_positions();
        self.tell_others(now);
        tokio::time::sleep(LAST_WORDS).await;
    }
}

fn tell_memory(talk: &mut Talk, meter: MeterId, memory: &Memory) {
    match memories::text(memory).map(String::from_utf8) {
        Ok(Ok(text)) => talk.tell(Word::Memory(meter.to_string(), text)),
        Ok(Err(failure)) => error!("{failure}"),
        Err(failure) => error!("{failure}"),
    }
}

fn marks_of(runs: &Runs) -> Vec<Mark> {
    runs.iter().map(|(boot, sequence, unix_ms)| Mark { boot: BootId::new(*boot), sequence: *sequence, unix_ms: *unix_ms }).collect()
}

fn runs_of<'m>(marks: impl Iterator<Item = &'m Mark>) -> Runs {
    marks.map(|mark| (mark.boot.get(), mark.sequence, mark.unix_ms)).collect()
}

/// The lines of those meters of which something has changed. A meter whose lines are all gone made room for another, which is no news.
fn news_of(before: &str, after: &str) -> String {
    let by_meter = |text: &'_ str| {
        let mut meters: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in text.lines() {
            let (meter, _) = line.split_once(' ').unwrap_or((line, ""));
            meters.entry(meter.into()).or_default().insert(line.into());
        }
        meters
    };
    let (known, now) = (by_meter(before), by_meter(after));
    let changed = |line: &&str| line.split_once(' ').is_some_and(|(meter, _)| known.get(meter) != now.get(meter));
    after.lines().filter(changed).map(|line| format!("{line}\n")).collect()
}

/// A text in parts of whole lines. All lines of a meter stand behind each other, and stay in one part.
fn chunks(text: &str) -> Vec<String> {
    let mut chunks: Vec<String> = Vec::new();
    let mut last = "";
    for line in text.lines() {
        let (meter, _) = line.split_once(' ').unwrap_or((line, ""));
        match chunks.last_mut().filter(|chunk| chunk.len() < LINES_AT_ONCE || meter == last) {
            Some(chunk) => chunk.push_str(line),
            None => chunks.push(line.into()),
        }
        chunks.iter_mut().rev().take(1).for_each(|chunk| chunk.push('\n'));
        last = meter;
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_of_meters_that_have_changed_are_news() {
        let (before, after) = ("1 a\n1 b\n2 c\n3 d\n", "1 a\n2 c\n4 e\n- f\n");
        assert_eq!(news_of(before, after), "1 a\n4 e\n- f\n");
        assert_eq!(news_of(after, after), "");
    }

    #[test]
    fn long_texts_go_in_parts_of_whole_meters() {
        let text: String = (0..2_000).flat_map(|meter| ["a", "b"].map(|key| format!("{meter:012} {key}{:0>60}\n", ""))).collect();
        let parts = chunks(&text);
        assert!(parts.len() > 3 && parts.concat() == text);
        let meters = parts.iter().map(|part| part.lines().map(|line| &line[..12]).collect::<BTreeSet<_>>().len()).sum::<usize>();
        assert_eq!(meters, 2_000, "no meter is in two parts");
        assert!(chunks("").is_empty());
    }
}
