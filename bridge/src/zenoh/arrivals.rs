//! What readers send by themselves: samples, reports, and the tokens that say whether a meter is being read.

use std::time::SystemTime;

use teleinfo_proto::wire::{self, Error, MESSAGE_BYTES_MAX, Message, keys};
use tokio::sync::mpsc;
use tracing::debug;
use zenoh::{
    Session,
    sample::{Sample, SampleKind},
};

use crate::order::{arrival::Arrival, received::Received};

/// Arrivals that wait for the main task. Beyond it they are dropped: samples are in their reader's history, reports come again.
const ARRIVALS_MAX: usize = 1_024;

/// Listens to all readers.
///
/// # Errors
/// What Zenoh says.
pub async fn listen(session: &Session) -> zenoh::Result<mpsc::Receiver<Arrival>> {
    let (sender, arrivals) = mpsc::channel(ARRIVALS_MAX);
    let reports = sender.clone();
    let tokens = sender.clone();
    session.declare_subscriber(keys::SAMPLES).callback(move |sample| forward(&sender, Some(of_message(&sample)))).background().await?;
    session.declare_subscriber(keys::STATUSES).callback(move |sample| forward(&reports, Some(of_message(&sample)))).background().await?;
    session
        .liveliness()
        .declare_subscriber(keys::ALIVES)
        .history(true)
        .callback(move |sample| forward(&tokens, of_token(&sample)))
        .background()
        .await?;
    Ok(arrivals)
}

/// Zenoh calls from its own threads: never wait here.
fn forward(sender: &mpsc::Sender<Arrival>, arrival: Option<Arrival>) {
    if let Some(Err(_)) = arrival.map(|arrival| sender.try_send(arrival)) {
        debug!("too much arrives at once; some of it is dropped");
    }
}

/// What came under a key of a reader, held against that key. A Zenoh DELETE has no content, so it is refused with what cannot be read.
fn of_message(sample: &Sample) -> Arrival {
    let key = sample.key_expr().as_str();
    read(key, sample).unwrap_or_else(|error| Arrival::Strange(key.to_owned(), error))
}

fn read(key: &str, sample: &Sample) -> Result<Arrival, Error> {
    let bytes = bytes(sample)?;
    let received = match wire::open(key, &bytes)? {
        Message::Sample(sample) => Received::without_bytes(&sample),
        Message::Goodbye(goodbye) => return Ok(Arrival::Farewell(goodbye.meter)),
        Message::Status(_) => return Ok(Arrival::Report(bytes)),
    };
    Ok(Arrival::Sample(Received { bytes, ..received }, SystemTime::now()))
}

fn of_token(sample: &Sample) -> Option<Arrival> {
    let meter = keys::meter_of(sample.key_expr().as_str())?;
    Some(Arrival::Token(meter, sample.kind() == SampleKind::Put))
}

/// The bytes of a message. What is too large is not even copied.
///
/// # Errors
/// [`Error::TooLong`].
pub(super) fn bytes(sample: &Sample) -> Result<Vec<u8>, Error> {
    let payload = sample.payload();
    if payload.len() > MESSAGE_BYTES_MAX { Err(Error::TooLong) } else { Ok(payload.to_bytes().into_owned()) }
}
