//! Asks readers for the samples they still hold: the only place that does.
//!
//! There are two ways to ask: from a position, for the order of samples, and everything, for the statistics. An answer is taken as its
//! replies come, up to a limit in samples and in bytes, and for a limited time, so that memory is bounded whatever a reader sends. What is
//! beyond the limit of a question from a position is asked for again from there.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use teleinfo_proto::{
    seal::{KeyId, OVERHEAD_BYTES},
    tic::MeterId,
    wire::{Sample, keys},
};
use tokio::{
    sync::{Mutex as AsyncMutex, Semaphore, mpsc},
    time::timeout,
};
use tracing::debug;
use zenoh::query::{ConsolidationMode, QueryTarget, Reply, ReplyKeyExpr};

use crate::order::{
    answer::Answer,
    intake::{Outcome, Question},
    received::Received,
};

use super::{
    network::{self, Network},
    sealed::Sealed,
};

/// What is taken of one answer.
#[derive(Debug, Clone, Copy)]
struct Limit {
    samples: usize,
    bytes: usize,
}

/// A question from a position is asked again from where its answer was cut.
const FROM_POSITION: Limit = Limit { samples: 1_024, bytes: 1 << 20 };
/// Two days of indexes are a few thousand samples, and a reader's memory is a quarter of this; two readers may hold the same meter.
const EVERYTHING: Limit = Limit { samples: 16_384, bytes: 4 << 20 };
/// Questions under way at a time, over all meters.
const QUESTIONS_MAX: usize = 4;
/// An answer over a slow line: 256 KiB at 64 kbit/s take half a minute.
const PATIENCE: Duration = Duration::from_secs(60);

/// A reader that has said nothing for so long holds up nobody any more: another one may have answered all of it.
const SILENCE: Duration = Duration::from_secs(3);
/// What binds a reply to its question and its place.
const ANSWER_BYTES: usize = 12;

/// Asks, a few questions at a time.
#[derive(Debug, Clone)]
pub struct Historian {
    network: Network,
    sealed: Sealed,
    answers: mpsc::Sender<Answer>,
    slots: Arc<Semaphore>,
    /// Meters that were asked: a reader has one open question at a time.
    turns: Arc<Mutex<HashMap<MeterId, Arc<AsyncMutex<()>>>>>,
}

impl Historian {
    /// The answers to [`Historian::ask`] come through the channel.
    #[must_use]
    pub fn new(network: Network, sealed: Sealed) -> (Self, mpsc::Receiver<Answer>) {
        let (answers, receiver) = mpsc::channel(QUESTIONS_MAX);
        let slots = Arc::new(Semaphore::new(QUESTIONS_MAX));
        (Self { network, sealed, answers, slots, turns: Arc::default() }, receiver)
    }

    /// Asks from a position, in the background; there is always an answer.
    pub fn ask(&self, meter: MeterId, question: Question) {
        let this = self.clone();
        tokio::spawn(async move {
            let selection = format!("from={}:{}", question.boot, question.sequence);
            let (samples, outcome) = this.take(meter, &selection, FROM_POSITION).await;
            let _ = this.answers.send(Answer { meter, samples, outcome }).await;
        });
    }

    /// Everything that the meter's readers still hold, since their clocks may be wrong. Of an answer that failed, what has come of it.
    pub async fn everything(&self, meter: MeterId) -> Vec<Received> {
        let selection = format!("since={};until={}", i64::MIN, i64::MAX);
        self.take(meter, &selection, EVERYTHING).await.0
    }

    /// Asks each reader of the meter that was heard, one after the other.
    async fn take(&self, meter: MeterId, selection: &str, mut limit: Limit) -> (Vec<Received>, Outcome) {
        let turn = self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(meter).or_default().clone();
        let _turn = turn.lock().await;
        let _slot = self.slots.acquire().await;
        let (mut samples, mut outcome) = (Vec::new(), None);
        for reader in self.sealed.with(|readers| readers.heard(meter)) {
            let progress = Arc::new(Progress::new(limit));
            let (replies, ended) = self.ask_reader(meter, reader, selection, &progress).await;
            samples.extend(replies);
            limit = progress.rest();
            outcome = Some(outcome.map_or(ended, |before| both(before, ended)));
        }
        let outcome = outcome.unwrap_or(Outcome::Failed);
        debug!("meter {meter}: history with {selection} has {} samples, {outcome:?}", samples.len());
        (samples, outcome)
    }

    /// Asks one reader, and takes the replies as they come.
    async fn ask_reader(&self, meter: MeterId, reader: KeyId, selection: &str, progress: &Arc<Progress>) -> (Vec<Received>, Outcome) {
        let Some((question, link)) = self.sealed.with(|readers| readers.question(meter, reader, selection)) else {
            return (Vec::new(), Outcome::Failed);
        };
        let (sender, mut replies) = mpsc::channel(progress.limit.samples + 1);
        let (noted, sealed) = (progress.clone(), self.sealed.clone());
        let take = move |reply: Reply| noted.handle_reply(meter, &reply, &sealed, &sender);
        let key = keys::history(&meter);
        let mut asked = 0;
        for (_, session) in network::chosen(self.network.links(), link) {
            let query = session.get(&*key).payload(question.clone());
            // Replies carry the key of the samples, not that of the question; and each of them counts, not only the last of a key.
            let query = query.target(QueryTarget::All).consolidation(ConsolidationMode::None).accept_replies(ReplyKeyExpr::Any);
            match query.callback(take.clone()).timeout(PATIENCE).await {
                Ok(()) => asked += 1,
                Err(error) => debug!("meter {meter}: history: {error}"),
            }
        }
        drop(take);
        if asked == 0 {
            return (Vec::new(), Outcome::Failed);
        }
        let (mut samples, mut is_quiet) = (Vec::new(), false);
        loop {
            match timeout(SILENCE, replies.recv()).await {
                Ok(Some(Some(received))) => samples.extend((received.meter == meter).then_some(received)),
                // The reader has said under its seal that this was all, or the channel closes with the last reply of all who were asked:
                // anybody can declare that he answers, and then say nothing.
                Ok(Some(None) | None) => break,
                Err(_) => {
                    is_quiet = true;
                    break;
                }
            }
        }
        (samples, if is_quiet { Outcome::Quiet } else { progress.outcome() })
    }
}

/// How an answer of two readers ends: where one of them says nothing, the other one may have all that is missing.
fn both(one: Outcome, other: Outcome) -> Outcome {
    match (one, other) {
        (Outcome::Cut, _) | (_, Outcome::Cut) => Outcome::Cut,
        _ if one == other => one,
        _ => Outcome::Quiet,
    }
}

/// How far an answer has come.
#[derive(Debug)]
struct Progress {
    limit: Limit,
    samples: AtomicUsize,
    bytes: AtomicUsize,
    is_cut: AtomicBool,
    /// The reader has said that this was all, under its seal.
    is_ended: AtomicBool,
}

impl Progress {
    fn new(limit: Limit) -> Self {
        Self {
            limit,
            samples: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            is_cut: AtomicBool::new(false),
            is_ended: AtomicBool::new(false),
        }
    }

    /// Called by Zenoh for each reply. After one that was not taken none is, or the order would have a hole.
    fn handle_reply(&self, meter: MeterId, reply: &Reply, sealed: &Sealed, sender: &mpsc::Sender<Option<Received>>) {
        let Ok(sample) = reply.result() else {
            // Whoever it is of, the reader's own word counts.
            return;
        };
        let size = sample.payload().len();
        if size > Sample::BYTES_MAX + OVERHEAD_BYTES + ANSWER_BYTES {
            return debug!("history of {}: a sample of {size} bytes is refused", sample.key_expr());
        }
        if !self.has_room(size) {
            return self.is_cut.store(true, Ordering::Relaxed);
        }
        let (key, mut message) = (sample.key_expr().as_str(), sample.payload().to_bytes().into_owned());
        let plain = match sealed.with(|readers| readers.handle_reply(meter, key, &mut message, Instant::now())) {
            Ok(Some(plain)) => plain,
            Ok(None) => {
                self.is_ended.store(true, Ordering::Relaxed);
                // Where there is no room for it, the answer was cut.
                let _ = sender.try_send(None);
                return;
            }
            // Another queryable answers for the reader, or the answer has a hole: what is missing is asked for again.
            Err(refused) => return debug!("history of {key}: {refused}"),
        };
        match Received::under(key, plain) {
            Err(error) => debug!("history of {key}: {error}"),
            Ok(received) => {
                if sender.try_send(Some(received)).is_err() {
                    self.is_cut.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    /// Whether one more reply may be taken.
    fn has_room(&self, size: usize) -> bool {
        let samples = self.samples.fetch_add(1, Ordering::Relaxed);
        let bytes = self.bytes.fetch_add(size, Ordering::Relaxed);
        samples < self.limit.samples && bytes + size <= self.limit.bytes && !self.is_cut.load(Ordering::Relaxed)
    }

    /// What may still be taken of the next reader.
    fn rest(&self) -> Limit {
        let (samples, bytes) = (self.samples.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed));
        Limit { samples: self.limit.samples.saturating_sub(samples), bytes: self.limit.bytes.saturating_sub(bytes) }
    }

    fn outcome(&self) -> Outcome {
        if self.is_cut.load(Ordering::Relaxed) {
            Outcome::Cut
        } else if self.is_ended.load(Ordering::Relaxed) {
            Outcome::Complete
        } else {
            Outcome::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_bounded_in_samples_and_in_bytes() {
        for (limit, sizes, taken) in [
            (Limit { samples: 2, bytes: 1_000 }, [10, 10, 10, 10], 2),
            (Limit { samples: 10, bytes: 1_000 }, [400, 400, 400, 10], 2),
            (Limit { samples: 10, bytes: 1_000 }, [400, 400, 100, 100], 4),
        ] {
            let progress = Progress::new(limit);
            progress.is_ended.store(true, Ordering::Relaxed);
            let room = |size: &usize| {
                let room = progress.has_room(*size);
                progress.is_cut.fetch_or(!room, Ordering::Relaxed);
                room
            };
            assert_eq!(sizes.iter().filter(|size| room(size)).count(), taken, "{limit:?}");
            assert_eq!(progress.outcome(), if taken < sizes.len() { Outcome::Cut } else { Outcome::Complete });
            assert!(progress.rest().samples <= limit.samples - taken);
        }
    }

    #[test]
    fn a_reader_that_says_nothing_leaves_the_word_to_the_other() {
        use Outcome::{Complete, Cut, Failed, Quiet};
        for (one, other, outcome) in [
            (Complete, Complete, Complete),
            (Complete, Failed, Quiet),
            (Failed, Failed, Failed),
            (Quiet, Complete, Quiet),
            (Cut, Failed, Cut),
        ] {
            assert_eq!([both(one, other), both(other, one)], [outcome; 2]);
        }
    }
}
