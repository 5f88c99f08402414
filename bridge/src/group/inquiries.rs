//! What the other members are asked because somebody looks at the page of this one: who was asked, what has come, and who is no longer waited
//! for. Pure.
//!
//! An answer comes in pieces, since a message has a bound. It is whole, or it is none.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::MeterId;

use crate::{archive::block::Grain, group::member::Member, words::language::Language};

/// A member that has not answered by then is named, and not waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Inquiries at a time: the page asks for few at once.
const OPEN_MAX: usize = 8;
/// Bytes of a piece. In a message each of them may take two.
const PIECE: usize = 24_000;
/// Bytes of an answer: the metrics of a thousand meters.
pub const ANSWER_MAX: usize = 4_000_000;

/// What a member asks the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inquiry {
    /// What is known now of its meters and of itself, in this language.
    Now(Language),
    /// Its metrics.
    Metrics,
    /// What the registers of a meter showed, as far as it remembers, from one minute since 1970 to another.
    Curves(MeterId, Grain, i64, i64),
}

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Its number, from 0.
    pub number: usize,
    /// Whether none follows.
    pub is_last: bool,
    /// What it says.
    pub text: String,
}

/// What came of an inquiry. Without a group that is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gathered {
    /// The name of this member.
    pub own: Option<String>,
    /// What others have said, by their names.
    pub answers: Vec<(String, String)>,
    /// Those who did not answer.
    pub silent: Vec<String>,
}

/// What has come of one member.
#[derive(Debug, Default)]
struct Coming {
    text: String,
    pieces: usize,
    is_whole: bool,
}

#[derive(Debug)]
struct Open {
    due: Instant,
    asked: BTreeMap<Member, Coming>,
}

/// The inquiries of this member.
#[derive(Debug, Default)]
pub struct Inquiries {
    last: u64,
    open: BTreeMap<u64, Open>,
    gathered: VecDeque<(u64, Gathered)>,
}

impl Inquiries {
    /// These members are asked something. Returns the number of the inquiry; nothing if there are too many already.
    pub fn handle_asked(&mut self, members: impl IntoIterator<Item = Member>, now: Instant) -> Option<u64> {
        if self.open.len() >= OPEN_MAX {
            return None;
        }
        self.last += 1;
        let asked = members.into_iter().map(|member| (member, Coming::default())).collect();
        self.open.insert(self.last, Open { due: now + PATIENCE, asked });
        Some(self.last)
    }

    /// A member has answered.
    pub fn handle_piece(&mut self, from: &Member, number: u64, piece: &Piece) {
        let Some(open) = self.open.get_mut(&number) else { return };
        if let Some(coming) = open.asked.get_mut(from) {
            coming.handle_piece(piece);
        }
        if open.asked.values().all(|coming| coming.is_whole) {
            self.close(number);
        }
    }

    /// Time has passed, and these members are there: nobody else is waited for.
    pub fn handle_timeout(&mut self, is_there: impl Fn(&Member) -> bool, now: Instant) {
        let is_over = |open: &Open| open.due <= now || open.asked.iter().all(|(member, coming)| coming.is_whole || !is_there(member));
        let over: Vec<u64> = self.open.iter().filter(|(_, open)| is_over(open)).map(|(number, _)| *number).collect();
        over.into_iter().for_each(|number| self.close(number));
    }

    /// When [`Inquiries::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.open.values().map(|open| open.due).min()
    }

    /// The next inquiry that is over.
    pub fn poll_gathered(&mut self) -> Option<(u64, Gathered)> {
        self.gathered.pop_front()
    }

    fn close(&mut self, number: u64) {
        let Some(open) = self.open.remove(&number) else { return };
        let mut gathered = Gathered::default();
        for (member, coming) in open.asked {
            match coming.is_whole {
                true => gathered.answers.push((member.name, coming.text)),
                false => gathered.silent.push(member.name),
            }
        }
        self.gathered.push_back((number, gathered));
    }
}

impl Coming {
    /// Pieces come in their order. After one that was lost nothing more of the answer is taken.
    fn handle_piece(&mut self, piece: &Piece) {
        if self.is_whole || piece.number != self.pieces || self.text.len() + piece.text.len() > ANSWER_MAX {
            return;
        }
        self.text.push_str(&piece.text);
        self.pieces += 1;
        self.is_whole = piece.is_last;
    }
}

/// The pieces of an answer; none if it is too long.
#[must_use]
pub fn pieces(mut text: String) -> Vec<Piece> {
    let mut pieces = Vec::new();
    while text.len() <= ANSWER_MAX {
        let end = (0..=PIECE.min(text.len())).rfind(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let rest = text.split_off(end);
        let piece = Piece { number: pieces.len(), is_last: rest.is_empty(), text: mem::replace(&mut text, rest) };
        pieces.push(piece);
        if text.is_empty() {
            break;
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str) -> Member {
        Member { name: name.into(), run: 7 }
    }

    fn piece(text: &str) -> Piece {
        Piece { number: 0, is_last: true, text: text.into() }
    }

    #[test]
    fn who_does_not_answer_in_time_is_named_and_nobody_waits_for_who_has_gone() {
        let (mut inquiries, now) = (Inquiries::default(), Instant::now());
        let number = inquiries.handle_asked([member("a"), member("b"), member("c")], now).unwrap();
        inquiries.handle_piece(&member("a"), number, &piece("one"));
        inquiries.handle_piece(&member("a"), number, &piece("again"));
        inquiries.handle_piece(&Member { run: 8, ..member("b") }, number, &piece("of another run"));
        inquiries.handle_piece(&member("stranger"), number, &piece("not asked"));
        inquiries.handle_piece(&member("b"), number + 1, &piece("of another inquiry"));
        inquiries.handle_timeout(|_| true, now + PATIENCE / 2);
        assert_eq!((inquiries.poll_gathered(), inquiries.poll_timeout()), (None, Some(now + PATIENCE)));
        inquiries.handle_timeout(|_| true, now + PATIENCE);
        let gathered = Gathered { own: None, answers: vec![("a".into(), "one".into())], silent: vec!["b".into(), "c".into()] };
        assert_eq!(inquiries.poll_gathered(), Some((number, gathered)));
        let number = inquiries.handle_asked([member("a"), member("b")], now).unwrap();
        inquiries.handle_piece(&member("a"), number, &piece("one"));
        inquiries.handle_timeout(|member| member.name != "b", now);
        assert_eq!(inquiries.poll_gathered().unwrap().1.silent, ["b"]);
        assert_eq!(inquiries.poll_timeout(), None);
    }

    #[test]
    fn an_answer_in_pieces_is_whole_or_none() {
        let (mut inquiries, now) = (Inquiries::default(), Instant::now());
        let text = "é\"x".repeat(PIECE);
        let parts = pieces(text.clone());
        assert!(parts.len() > 3 && parts.iter().all(|part| part.text.len() <= PIECE));
        let whole = inquiries.handle_asked([member("a")], now).unwrap();
        parts.iter().for_each(|part| inquiries.handle_piece(&member("a"), whole, part));
        assert_eq!(inquiries.poll_gathered().unwrap().1.answers, [("a".into(), text)]);
        let holed = inquiries.handle_asked([member("a")], now).unwrap();
        parts.iter().filter(|part| part.number != 1).for_each(|part| inquiries.handle_piece(&member("a"), holed, part));
        inquiries.handle_timeout(|_| true, now + PATIENCE);
        assert_eq!(inquiries.poll_gathered().unwrap().1.silent, ["a"]);
        assert_eq!(pieces(String::new()), [piece("")], "an answer that says nothing is one");
    }

    #[test]
    fn inquiries_and_answers_are_bounded() {
        let (mut inquiries, now) = (Inquiries::default(), Instant::now());
        assert_eq!((0..100).filter_map(|_| inquiries.handle_asked([member("a")], now)).count(), OPEN_MAX);
        assert!(pieces("x".repeat(ANSWER_MAX + 1)).is_empty());
        let endless = |number| Piece { number, is_last: false, text: "x".repeat(PIECE) };
        (0..1_000).for_each(|number| inquiries.handle_piece(&member("a"), 1, &endless(number)));
        assert!(inquiries.open[&1].asked[&member("a")].text.len() <= ANSWER_MAX);
    }
}
