//! What a member of a group has asked the others because somebody looks at its page, who waits for that, and the answers that it writes for them.
//!
//! What costs time to read or to write is done on another thread.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task,
};

use crate::group::{
    inquiries::{Gathered, Inquiries},
    listening::Listening,
    member::Member,
};

/// Answers that are written at a time; whoever asks more is not answered.
const WRITING: usize = 8;

/// An answer to this member, under its number.
pub(super) type Written = (Member, u64, String);

/// What is asked, and who listens.
#[derive(Debug)]
pub(super) struct Together {
    pub(super) inquiries: Inquiries,
    pub(super) listening: Listening,
    /// Who waits for what was gathered, by the number of the inquiry.
    waiting: BTreeMap<u64, oneshot::Sender<Gathered>>,
    written: mpsc::Sender<Written>,
    places: Arc<Semaphore>,
}

impl Together {
    /// Nothing is asked yet. Answers that are written come by the channel.
    pub(super) fn new() -> (Self, mpsc::Receiver<Written>) {
        let (written, to_tell) = mpsc::channel(WRITING);
        let (inquiries, listening) = (Inquiries::default(), Listening::default());
        (Self { inquiries, listening, waiting: BTreeMap::new(), written, places: Arc::new(Semaphore::new(WRITING)) }, to_tell)
    }

    /// These members are asked something. Returns the number of the inquiry; if there are too many, the answer is that nobody answers.
    pub(super) fn ask(&mut self, own: &Member, members: Vec<Member>, answer: oneshot::Sender<Gathered>, now: Instant) -> Option<u64> {
        let number = self.inquiries.handle_asked(members.clone(), now);
        match number {
            Some(number) => _ = self.waiting.insert(number, answer),
            None => {
                let silent = members.into_iter().map(|member| member.name).collect();
                let _ = answer.send(Gathered { own: Some(own.name.clone()), answers: Vec::new(), silent });
            }
        }
        number
    }

    /// What was asked and is over goes to those who wait for it. Members that have gone are not waited for.
    pub(super) fn give_out(&mut self, own: &Member, is_there: impl Fn(&Member) -> bool, now: Instant) {
        self.inquiries.handle_timeout(is_there, now);
        while let Some((number, gathered)) = self.inquiries.poll_gathered() {
            if let Some(answer) = self.waiting.remove(&number) {
                // Whoever has asked may be gone.
                let _ = answer.send(Gathered { own: Some(own.name.clone()), ..gathered });
            }
        }
    }

    /// Writes an answer to this member, if there is a place for it and something to write.
    pub(super) fn write(&self, member: Member, number: u64, work: impl FnOnce() -> Option<String> + Send + 'static) {
        let Ok(place) = self.places.clone().try_acquire_owned() else { return };
        let written = self.written.clone();
        task::spawn_blocking(move || {
            if let Some(text) = work() {
                let _ = written.blocking_send((member, number, text));
            }
            drop(place);
        });
    }

    /// When the main loop must go on at the latest.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.inquiries.poll_timeout().into_iter().chain(self.listening.poll_timeout()).min()
    }
}
