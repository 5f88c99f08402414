//! Asks a reader for the samples it still holds.
//!
//! The answer is taken up to a limit; what is beyond is asked for again from there, so that memory is bounded whatever a reader sends.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use teleinfo_proto::{tic::MeterId, wire::keys};
use tokio::sync::{Semaphore, mpsc};
use tracing::debug;
use zenoh::{
    Session,
    query::{ConsolidationMode, QueryTarget, Reply, ReplyKeyExpr},
};

use super::arrivals::bytes;
use crate::order::{
    answer::Answer,
    intake::{Outcome, Question},
    received::Received,
};

/// Samples taken of one answer: at most 2.5 MB, in practice a third of it.
const SAMPLES_MAX: usize = 1_024;
/// Questions under way at a time, over all meters.
const QUESTIONS_MAX: usize = 4;
/// An answer over a slow line: 256 KiB at 64 kbit/s take half a minute.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks, a few questions at a time.
#[derive(Debug, Clone)]
pub struct Historian {
    session: Session,
    answers: mpsc::Sender<Answer>,
    turns: Arc<Semaphore>,
}

impl Historian {
    /// The answers come through the channel.
    #[must_use]
    pub fn new(session: Session) -> (Self, mpsc::Receiver<Answer>) {
        let (answers, receiver) = mpsc::channel(QUESTIONS_MAX);
        let turns = Arc::new(Semaphore::new(QUESTIONS_MAX));
        (Self { session, answers, turns }, receiver)
    }

    /// Asks in the background; there is always an answer.
    pub fn ask(&self, meter: MeterId, question: Question) {
        let this = self.clone();
        tokio::spawn(async move {
            let _turn = this.turns.acquire().await;
            let (samples, outcome) = this.answer(meter, question).await;
            let _ = this.answers.send(Answer { meter, samples, outcome }).await;
        });
    }

    async fn answer(&self, meter: MeterId, question: Question) -> (Vec<Received>, Outcome) {
        let selector = format!("{}?from={}:{}", keys::history(&meter), question.boot, question.sequence);
        let (sender, mut replies) = mpsc::channel(SAMPLES_MAX);
        let course = Arc::new(Course::default());
        let noted = course.clone();
        let take = move |reply: Reply| noted.take(&reply, &sender);
        // Replies carry the key of the samples, not that of the question; and each of them counts, not only the last of a key.
        let query = self.session.get(selector).target(QueryTarget::All).consolidation(ConsolidationMode::None);
        let asked = query.accept_replies(ReplyKeyExpr::Any).callback(take).timeout(PATIENCE).await;
        if let Err(error) = asked {
            debug!("meter {meter}: history: {error}");
            return (Vec::new(), Outcome::Failed);
        }
        // The channel closes with the last reply.
        let mut samples = Vec::new();
        while let Some(received) = replies.recv().await {
            if received.meter == meter {
                samples.push(received);
            }
        }
        let outcome = course.outcome();
        debug!("meter {meter}: history after {} has {} samples, {outcome:?}", question.sequence, samples.len());
        (samples, outcome)
    }
}

/// What happens while replies come.
#[derive(Debug, Default)]
struct Course {
    taken: AtomicUsize,
    cut: AtomicBool,
    failed: AtomicBool,
}

impl Course {
    /// Called by Zenoh for each reply. After one that was not taken none is, or the order would have a hole.
    fn take(&self, reply: &Reply, sender: &mpsc::Sender<Received>) {
        let Ok(sample) = reply.result() else {
            self.failed.store(true, Ordering::Relaxed);
            return;
        };
        match bytes(sample).and_then(|bytes| Received::new(sample.key_expr().as_str(), bytes)) {
            Err(error) => debug!("history of {}: {error}", sample.key_expr()),
            Ok(received) => {
                let room = self.taken.fetch_add(1, Ordering::Relaxed) < SAMPLES_MAX;
                if !room || self.cut.load(Ordering::Relaxed) || sender.try_send(received).is_err() {
                    self.cut.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    fn outcome(&self) -> Outcome {
        if self.cut.load(Ordering::Relaxed) {
            Outcome::Cut
        } else if self.failed.load(Ordering::Relaxed) {
            Outcome::Failed
        } else {
            Outcome::Complete
        }
    }
}
