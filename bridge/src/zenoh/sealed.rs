//! The readers behind the seal, for Zenoh's threads and the main task alike, and the task that sends what they are to be told.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::{
    seal::readers::Readers,
    zenoh::{keys::Inboxes, network::Network},
};

/// A handle: a copy leads to the same readers.
#[derive(Debug, Clone)]
pub struct Sealed {
    readers: Arc<Mutex<Readers>>,
    wanted: Arc<Notify>,
}

impl Sealed {
    /// Sends in the background what readers are to be told.
    #[must_use]
    pub fn start(network: &Network, readers: Readers) -> Self {
        let sealed = Self { readers: Arc::new(Mutex::new(readers)), wanted: Arc::default() };
        let (this, network) = (sealed.clone(), network.clone());
        tokio::spawn(async move {
            let mut inboxes = Inboxes::default();
            loop {
                this.wanted.notified().await;
                while let Some(message) = this.with_quietly(Readers::poll_message) {
                    inboxes.put(&network, message).await;
                }
            }
        });
        sealed
    }

    /// Does something with the readers. Nothing in them waits, so Zenoh's threads may do it too.
    pub fn with<T>(&self, work: impl FnOnce(&mut Readers) -> T) -> T {
        let result = self.with_quietly(work);
        self.wanted.notify_one();
        result
    }

    fn with_quietly<T>(&self, work: impl FnOnce(&mut Readers) -> T) -> T {
        // The readers are whole after each change, so a panic elsewhere does not spoil them.
        work(&mut self.readers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
