//! Messages out: to a broker ([`external`]), or to MQTT clients directly through the plugin in this process ([`embedded`]).
//!
//! Both are a task behind one [`Outlet`]. It never blocks and never queues without bound: before a sample is taken from its intake, the
//! caller asks for [`Outlet::room`]. Retained messages are remembered here, the last of each topic, so that they can be said again: to a
//! broker that came back without its memory, or to clients of the plugin, which retains nothing.

pub mod embedded;
pub mod external;
pub mod retained;
pub mod trouble;
mod unacknowledged;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{mpsc, oneshot};

use retained::Retained;

use crate::words::{inbound::Inbound, message::Message};

/// Messages on their way to the outlet's task; a sample makes one to five.
const ORDERS_MAX: usize = 256;

/// What the outlet's task is asked to do.
#[derive(Debug)]
enum Order {
    Publish(Message),
    Refresh,
    Close(oneshot::Sender<()>),
}

/// The way out, whichever it is.
#[derive(Debug)]
pub struct Outlet {
    orders: mpsc::Sender<Order>,
    shared: Arc<Shared>,
}

/// What the outlet and its task both see.
#[derive(Debug, Default)]
struct Shared {
    up: AtomicBool,
    retained: Mutex<Retained>,
}

impl Shared {
    fn retained(&self) -> MutexGuard<'_, Retained> {
        // The map is whole after each change, so a panic elsewhere does not spoil it.
        self.retained.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task's end of an outlet.
#[derive(Debug)]
struct Inlet {
    orders: mpsc::Receiver<Order>,
    shared: Arc<Shared>,
    events: mpsc::Sender<Inbound>,
}

/// An outlet, the other end of it, and what it reports.
fn pair() -> (Outlet, Inlet, mpsc::Receiver<Inbound>) {
    let (sender, orders) = mpsc::channel(ORDERS_MAX);
    let (events, reports) = mpsc::channel(ORDERS_MAX);
    let shared = Arc::new(Shared::default());
    let outlet = Outlet { orders: sender, shared: shared.clone() };
    (outlet, Inlet { orders, shared, events }, reports)
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

    /// Sends a message, or remembers it if it is a retained one and the broker is away. `false`: it is lost.
    pub fn publish(&self, message: Message) -> bool {
        let retain = message.retain;
        if retain {
            self.shared.retained().insert(&message);
        }
        if !self.is_up() {
            return retain;
        }
        let sent = self.orders.try_send(Order::Publish(message)).is_ok();
        if retain && !sent {
            self.shared.retained().mark_stale();
        }
        sent || retain
    }

    /// Whether just this is retained on its topic, or will be as soon as the broker is back.
    #[must_use]
    pub fn retains(&self, message: &Message) -> bool {
        message.retain && self.shared.retained().get(&message.topic).is_some_and(|last| last == *message)
    }

    /// Says again what was retained.
    pub fn refresh(&self) {
        let _ = self.orders.try_send(Order::Refresh);
    }

    /// Catches up on retained messages that found no room; to be called now and then.
    pub fn tend(&self) {
        if self.room() > ORDERS_MAX / 2 && self.shared.retained().take_stale() {
            self.refresh();
        }
    }

    /// Sends what was ordered so far, ends the connection in peace (the last will stays unsent) and returns.
    pub async fn close(&self) {
        if !self.is_up() {
            return;
        }
        let (done, finished) = oneshot::channel();
        if self.orders.send(Order::Close(done)).await.is_ok() {
            let _ = finished.await;
        }
    }
}
