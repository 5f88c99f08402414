//! What readers send by themselves: samples, reports, and the tokens that say whether a meter is being read.

use std::time::SystemTime;

use teleinfo_proto::wire::keys;
use tokio::sync::mpsc;
use tracing::debug;
use zenoh::{
    Session,
    sample::{Sample, SampleKind},
};

use crate::order::{arrival::{Arrival, Refusal}, received::Received};

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
    session.declare_subscriber(keys::SAMPLES).callback(move |sample| forward(&sender, of_sample(&sample))).background().await?;
    session
        .declare_subscriber(keys::STATUSES)
        .callback(move |sample| forward(&reports, Some(Arrival::Report(bytes(&sample)))))
        .background()
        .await?;
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

fn of_sample(sample: &Sample) -> Option<Arrival> {
    if sample.kind() == SampleKind::Delete {
        return keys::meter_of(sample.key_expr().as_str()).map(Arrival::Goodbye);
    }
    Some(match Received::new(bytes(sample)) {
        Ok(received) => Arrival::Sample(received, SystemTime::now()),
        Err(error) => Arrival::Refused(Refusal::of(error), format!("{}: {error}", sample.key_expr())),
    })
}

fn of_token(sample: &Sample) -> Option<Arrival> {
    let meter = keys::meter_of(sample.key_expr().as_str())?;
    Some(Arrival::Token(meter, sample.kind() == SampleKind::Put))
}

fn bytes(sample: &Sample) -> Vec<u8> {
    sample.payload().to_bytes().into_owned()
}
