//! What came under a key of a reader: opened, and held against that key. Whatever it is, something arrives of it, or it is refused.

use std::time::Instant;

use teleinfo_proto::{
    seal::OVERHEAD_BYTES,
    wire::{self, MESSAGE_BYTES_MAX, Message, keys},
};

use crate::{
    order::{
        arrival::{Arrival, Refusal},
        received::{Received, is_possible},
    },
    seal::{
        not_believed::NotBelieved,
        readers::{Plain, Readers},
    },
};

/// The longest message: a pair has the reader's key in the clear, too.
pub const BYTES_MAX: usize = MESSAGE_BYTES_MAX + OVERHEAD_BYTES + 32;

/// The end of the key of a hello, whatever version it is of.
const HELLO: &str = "/hello";

/// A message of no more than [`BYTES_MAX`] came by this link, under this key.
pub fn handle_message(readers: &mut Readers, link: usize, key: &str, bytes: &mut [u8], now: Instant) -> Vec<Arrival> {
    if keys::meter_of(key).is_none() && keys::reader_of(key).is_none() && !key.ends_with(HELLO) {
        return vec![stranger(key)];
    }
    let arrivals = match believe(readers, link, key, bytes, now) {
        Ok(plain) => plain.into_iter().map(of_plain).collect(),
        Err(NotBelieved { refused: why, text: Some(text), another }) => vec![Arrival::Told(Refusal::of_seal(why), another, text)],
        Err(NotBelieved { refused: why, .. }) => vec![refused(Refusal::of_seal(why), key, &why.to_string())],
    };
    let proven: Vec<Arrival> = std::iter::from_fn(|| readers.poll_proven()).map(Arrival::Proven).collect();
    first_contact(readers).into_iter().chain(proven).chain(arrivals).collect()
}

/// A longer message came, of which nothing was made, not even a copy.
#[must_use]
pub fn too_large(key: &str, size: usize) -> Arrival {
    refused(Refusal::TooLarge, key, &format!("{size} bytes"))
}

/// Something came under a key that names neither a meter nor a reader.
#[must_use]
pub fn stranger(key: &str) -> Arrival {
    refused(Refusal::Stranger, key, "no meter of this name")
}

/// By what a key expression is for.
fn believe(readers: &mut Readers, link: usize, key: &str, bytes: &mut [u8], now: Instant) -> Result<Vec<Plain>, NotBelieved> {
    match key.rsplit_once('/') {
        _ if key.ends_with(HELLO) => readers.handle_hello(link, key, bytes, now).map(|()| Vec::new()),
        Some((_, "pair")) => readers.handle_pair(link, key, bytes, now).map(|()| Vec::new()),
        _ => readers.handle_message(link, key, bytes, now),
    }
}

fn first_contact(readers: &mut Readers) -> Option<Arrival> {
    readers.poll_met().then(|| Arrival::FirstContact(readers.poll_news()))
}

/// What a reader that is believed has said, held against its key.
fn of_plain(Plain { key, bytes }: Plain) -> Arrival {
    let received = match wire::open(&key, &bytes) {
        Ok(Message::Sample(sample)) if !is_possible(&sample) => {
            return Arrival::Refused(Refusal::Malformed, format!("{key}: sample {} after {} ms", sample.sequence, sample.uptime_ms));
        }
        Ok(Message::Sample(sample)) => Received::without_bytes(&sample),
        Ok(Message::Goodbye(goodbye)) => return Arrival::Goodbye(goodbye.meter),
        Ok(Message::Status(_)) => return Arrival::Report(bytes),
        Err(error) => return Arrival::Refused(Refusal::of(error), format!("{key}: {error}")),
    };
    Arrival::Sample(Received { bytes, ..received })
}

fn refused(refusal: Refusal, key: &str, why: &str) -> Arrival {
    Arrival::Refused(refusal, format!("{key}: {why}"))
}
