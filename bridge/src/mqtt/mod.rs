//! Messages out: to a broker ([`external`]), or to MQTT clients directly through the plugin in this process ([`embedded`]).
//!
//! Both are a task behind one [`Outlet`]. It never blocks and never queues without bound: before a sample is taken from its intake, the
//! caller asks for [`Outlet::room`]. Retained messages are remembered here, the last of each topic, so that they can be sent again: to a
//! broker that came back without its memory, or to clients of the plugin, which retains nothing.
//!
//! What is said, and when, is not decided here. Read this file, then [`external`] with [`trouble`] and its private parts
//! `unacknowledged`, `size_limit`, `echoes` and `backoff`, then [`embedded`] and [`clients`], the bounds of whoever connects to it. `brief` is a
//! connection for a command.

mod backoff;
pub(crate) mod brief;
pub mod clients;
mod echoes;
pub mod embedded;
pub mod external;
pub mod retained;
mod size_limit;
pub mod trouble;
mod unacknowledged;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

use retained::Retained;
use unacknowledged::Untold;

use crate::{
    hub::{
        ROOM_FOR_PAST,
        counters::{Counter, Counters},
    },
    words::{
        inbound::Inbound,
        limits::Limits,
        message::{Message, Origin},
    },
};

/// Messages on their way to the outlet's task; a sample makes one to five.
const ORDERS_MAX: usize = 256;
/// Of the room that there is, such a part is for retained messages that found none before.
const STALE_SHARE: usize = 4;

const _: () = assert!(ROOM_FOR_PAST < ORDERS_MAX, "the past would find no room");

/// What the outlet's task is asked to do.
#[derive(Debug)]
enum Request {
    /// A message is to be sent.
    Publish(Message),
    /// The connection is to be ended; the sender is dropped once it is.
    Close(oneshot::Sender<()>),
}

/// The way out, whichever it is.
#[derive(Debug)]
pub struct Outlet {
    orders: mpsc::Sender<Request>,
    shared: Arc<Shared>,
}

/// What the outlet and its task both see.
#[derive(Debug)]
struct Shared {
    up: AtomicBool,
    counters: Counters,
    retained: Mutex<Retained>,
    untold: Mutex<Untold>,
}

impl Shared {
    fn retained(&self) -> MutexGuard<'_, Retained> {
        // The map is whole after each change, so a panic elsewhere does not spoil it.
        self.retained.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn untold(&self) -> MutexGuard<'_, Untold> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the MQTT side reports. A copy reports to the same place.
#[derive(Debug, Clone)]
struct Reporter {
    sender: mpsc::Sender<Inbound>,
    counters: Counters,
}

impl Reporter {
    /// Reports at once, or not at all: others must not be able to stop the MQTT side by publishing to the bridge.
    fn report(&self, inbound: Inbound) {
        if self.sender.try_send(inbound).is_err() {
            self.counters.count(Counter::InboundDropped);
        }
    }

    /// Reports what must not be missed. `false`: the main loop has ended.
    async fn report_surely(&self, inbound: Inbound) -> bool {
        self.sender.send(inbound).await.is_ok()
    }
}

/// The task's end of an outlet.
#[derive(Debug)]
struct Inlet {
    orders: mpsc::Receiver<Request>,
    shared: Arc<Shared>,
    reporter: Reporter,
}

/// An outlet, the other end of it, and what it reports.
fn pair(limits: Limits, counters: Counters) -> (Outlet, Inlet, mpsc::Receiver<Inbound>) {
    let (sender, orders) = mpsc::channel(ORDERS_MAX);
    let (reports, inbound) = mpsc::channel(ORDERS_MAX);
    let reporter = Reporter { sender: reports, counters: counters.clone() };
    let shared =
        Arc::new(Shared { up: AtomicBool::default(), counters, retained: Mutex::new(Retained::within(limits)), untold: Mutex::default() });
    let outlet = Outlet { orders: sender, shared: shared.clone() };
    (outlet, Inlet { orders, shared, reporter }, inbound)
}

impl Outlet {
    /// How many messages can be taken now; none while the broker is away.
    #[must_use]
    pub fn room(&self) -> usize {
        if self.is_up() { self.orders.capacity() } else { 0 }
    }

    /// Whether messages flow.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.shared.up.load(Ordering::Relaxed)
    }

    /// Resolves when at least half of the room is free; while the broker is away too, so ask [`Outlet::is_up`] first.
    pub async fn wait_for_room(&self) {
        let _ = self.orders.reserve_many(ORDERS_MAX / 2).await;
    }

    /// The same when there is room for the past.
    pub async fn wait_for_room_for_past(&self) {
        let _ = self.orders.reserve_many(ROOM_FOR_PAST).await;
    }

    /// Sends a message, or remembers it if it is a retained one and the broker is away. `false`: it is lost.
    pub fn publish(&self, message: Message) -> bool {
        let remembered = message.retain && self.remember(&message);
        self.shared.untold().handle_published(&message);
        if !self.is_up() {
            return remembered;
        }
        self.send(message, remembered) || remembered
    }

    /// Whether there was room; what is remembered then goes out later, and nothing else again because of it.
    fn send(&self, message: Message, is_remembered: bool) -> bool {
        match self.orders.try_send(Request::Publish(message)) {
            Ok(()) => true,
            Err(TrySendError::Full(Request::Publish(message)) | TrySendError::Closed(Request::Publish(message))) => {
                if is_remembered {
                    self.shared.retained().mark_stale(&message.topic);
                }
                false
            }
            Err(_) => false,
        }
    }

    fn remember(&self, message: &Message) -> bool {
        let remembered = self.shared.retained().insert(message);
        if !remembered {
            self.shared.counters.count(Counter::TopicsBeyondLimit);
        }
        remembered
    }

    /// The samples whose messages the broker has not acknowledged, oldest first. Those that were reported as given up are among them until
    /// [`Outlet::handle_taken_back`].
    #[must_use]
    pub fn untold(&self) -> Vec<Origin> {
        self.shared.untold().all()
    }

    /// So many samples that were reported as given up no longer count as handed on.
    pub fn handle_taken_back(&self, count: usize) {
        self.shared.untold().handle_taken_back(count);
    }

    /// Whether exactly this message is retained on its topic, or will be as soon as the broker is back.
    #[must_use]
    pub fn retains(&self, message: &Message) -> bool {
        message.retain && self.shared.retained().get(&message.topic).is_some_and(|last| last == *message)
    }

    /// Whoever publishes these topics from now on, it is not this bridge: they are not sent again.
    pub fn forget(&self, is_others: impl Fn(&str) -> bool) {
        self.shared.retained().forget(is_others);
    }

    /// Sends the retained messages that found no room, as far as a part of the room goes: the rest is for what comes. To be called whenever there is
    /// something to do anyway.
    pub fn send_stale(&self) {
        let limit = self.room() / STALE_SHARE;
        if limit > 0 {
            let messages = self.shared.retained().take_stale(limit);
            messages.into_iter().for_each(|message| _ = self.send(message, true));
        }
    }

    /// Sends what was ordered so far and ends the connection with a goodbye, so that the broker does not publish the last will.
    pub async fn close(&self) {
        if !self.is_up() {
            return;
        }
        let (done, finished) = oneshot::channel();
        if self.orders.send(Request::Close(done)).await.is_ok() {
            let _ = finished.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retained_message_that_found_no_room_goes_out_alone_once_there_is_room() {
        let (outlet, mut inlet, _inbound) = pair(Limits::default(), Counters::default());
        inlet.shared.up.store(true, Ordering::Relaxed);
        let topics = || (0..ORDERS_MAX + 2).map(|n| format!("{n:03}"));
        assert!(topics().all(|topic| outlet.publish(Message::retained(topic, "1"))));
        let mut sent = || -> Vec<String> {
            let requests = std::iter::from_fn(|| inlet.orders.try_recv().ok());
            requests.map(|request| if let Request::Publish(message) = request { message.topic } else { String::new() }).collect()
        };
        outlet.send_stale();
        assert_eq!(sent(), topics().take(ORDERS_MAX).collect::<Vec<_>>(), "the room is full");
        outlet.send_stale();
        assert_eq!(sent(), topics().skip(ORDERS_MAX).collect::<Vec<_>>());
        outlet.send_stale();
        assert!(sent().is_empty());
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let counters = Counters::default();
        let (outlet, inlet, _inbound) = pair(Limits { meters: 1 }, counters.clone());
        let topics_max = Limits { meters: 1 }.topics();
        for n in 0..=topics_max {
            let kept = outlet.publish(Message::retained(format!("{n}"), "x"));
            assert_eq!(kept, n < topics_max, "nobody is connected: what is not remembered is lost");
        }
        assert_eq!(counters.get(Counter::TopicsBeyondLimit), 1);
        for _ in 0..ORDERS_MAX + 3 {
            inlet.reporter.report(Inbound::Listener);
        }
        assert_eq!(counters.get(Counter::InboundDropped), 3);
    }
}
