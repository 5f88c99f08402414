//! What browsers are told as it happens: the messages that go to MQTT, and the last minutes of power.
//!
//! A browser that reads slowly misses messages and is told so; it then asks for everything. Nobody waits for it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use futures_util::{Stream, stream};
use hyper::body::Bytes;
use serde::Deserialize;
use teleinfo_proto::tic::MeterId;
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time,
};

use crate::words::{message::Message, topics::Topics};

/// Messages that may wait for one browser.
const WAITING: usize = 64;
/// Something is said this often, so that a connection that is cut is noticed.
const ALIVE: Duration = Duration::from_secs(15);
/// The first words of each stream: when to come back after a cut, in ms.
const HELLO: &str = "retry: 2000\n\n";
const STILL_HERE: &str = ": \n\n";
const MISSED: &str = "event: missed\ndata: {}\n\n";

/// The last minutes have a point every so many seconds, ...
const POINT_S: i64 = 5;
/// ... and so many points.
const POINTS: usize = 121;
/// Meters of which they are kept.
const METERS_MAX: usize = 64;
/// Topics of a meter that browsers are told of: under each the event of the same name; the state has no name.
const TOLD: [&str; 6] = ["", "power", "derived", "availability", "quality", "event"];

/// A power at a time, in s since 1970 and in W.
pub type Point = (i64, i64);

/// Tells browsers.
pub struct Feed {
    events: broadcast::Sender<Bytes>,
    topics: Topics,
    minutes: BTreeMap<MeterId, VecDeque<Point>>,
}

#[derive(Deserialize)]
struct Watts {
    power: i64,
}

impl Feed {
    /// Nobody listens yet.
    #[must_use]
    pub fn new(topics: Topics) -> Self {
        Self { events: broadcast::Sender::new(WAITING), topics, minutes: BTreeMap::new() }
    }

    /// Where browsers come in.
    #[must_use]
    pub fn door(&self) -> Door {
        Door(self.events.clone())
    }

    /// This goes to MQTT now, at this time in s since 1970.
    pub fn handle_message(&mut self, message: &Message, unix_seconds: i64) {
        let Some((meter, name)) = self.place(&message.topic) else { return };
        if name == "power" {
            self.handle_power(meter, &message.payload, unix_seconds);
        }
        self.tell(meter, name, &message.payload);
    }

    /// Another member of the group says that this happened to a meter of its own.
    pub fn handle_elsewhere(&self, meter: MeterId, name: &str, payload: &str) {
        if let Some(name) = TOLD.into_iter().find(|told| *told == name) {
            self.tell(meter, name, payload.as_bytes());
        }
    }

    /// Browsers have missed something.
    pub fn handle_missed(&self) {
        let _ = self.events.send(Bytes::from_static(MISSED.as_bytes()));
    }

    /// Whether somebody looks at the page.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.events.receiver_count() > 0
    }

    fn tell(&self, meter: MeterId, name: &str, payload: &[u8]) {
        if self.is_watched()
            && let Some(event) = event(meter, name, payload)
        {
            let _ = self.events.send(event);
        }
    }

    /// The last minutes of a meter, from the oldest to the newest.
    pub fn minutes(&self, meter: MeterId) -> impl Iterator<Item = Point> {
        self.minutes.get(&meter).into_iter().flatten().copied()
    }

    /// All meters of which minutes are known, with them.
    pub fn all_minutes(&self) -> impl Iterator<Item = (MeterId, impl Iterator<Item = Point>)> {
        self.minutes.iter().map(|(meter, points)| (*meter, points.iter().copied()))
    }

    /// Which meter a topic is of, and what of it, if browsers are told of that.
    #[must_use]
    pub fn place<'a>(&self, topic: &'a str) -> Option<(MeterId, &'static str)>
    where
        Self: 'a,
    {
        let rest = topic.strip_prefix(self.topics.base())?.strip_prefix('/')?;
        let (meter, name) = rest.split_once('/').unwrap_or((rest, ""));
        Some((meter.parse().ok()?, TOLD.into_iter().find(|told| *told == name)?))
    }

    /// A payload is only read where a point is due.
    fn handle_power(&mut self, meter: MeterId, payload: &[u8], unix_seconds: i64) {
        if self.minutes.len() >= METERS_MAX && !self.minutes.contains_key(&meter) {
            return;
        }
        let last = self.minutes.get(&meter).and_then(VecDeque::back);
        if last.is_some_and(|(at, _)| (0..POINT_S).contains(&(unix_seconds - at))) {
            return;
        }
        let Ok(Watts { power }) = serde_json::from_slice(payload) else { return };
        let points = self.minutes.entry(meter).or_default();
        if points.len() >= POINTS {
            points.pop_front();
        }
        points.push_back((unix_seconds, power));
    }
}

/// One event as it is written. The payload of MQTT is JSON of one line, or a word.
fn event(meter: MeterId, name: &str, payload: &[u8]) -> Option<Bytes> {
    let text = std::str::from_utf8(payload).ok().filter(|text| !text.contains(['\r', '\n']))?;
    let value = if text.starts_with('{') { text.to_owned() } else { serde_json::to_string(text).ok()? };
    let name = if name.is_empty() { "state" } else { name };
    Some(format!("event: {name}\ndata: {{\"meter\":\"{meter}\",\"value\":{value}}}\n\n").into())
}

/// Where browsers come in.
#[derive(Clone)]
pub struct Door(broadcast::Sender<Bytes>);

impl Door {
    /// All events from now on.
    pub fn events(&self) -> impl Stream<Item = Bytes> + Send + use<> {
        let listener = self.0.subscribe();
        stream::unfold((true, listener), |(is_first, mut listener)| async move {
            if is_first {
                return Some((Bytes::from_static(HELLO.as_bytes()), (false, listener)));
            }
            let event = match time::timeout(ALIVE, listener.recv()).await {
                Ok(Ok(event)) => event,
                Ok(Err(RecvError::Lagged(_))) => {
                    // What is still held is old as well.
                    listener = listener.resubscribe();
                    Bytes::from_static(MISSED.as_bytes())
                }
                Ok(Err(RecvError::Closed)) => return None,
                Err(_) => Bytes::from_static(STILL_HERE.as_bytes()),
            };
            Some((event, (false, listener)))
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    fn message(topic: &str, payload: &str) -> Message {
        Message::live(topic, payload)
    }

    #[tokio::test]
    async fn what_goes_to_mqtt_goes_to_browsers() {
        let mut feed = Feed::new(Topics::default());
        let mut events = Box::pin(feed.door().events());
        assert_eq!(events.next().await.unwrap(), HELLO);
        for (topic, payload) in [
            ("teleinfo/bridge/state", "online"),
            ("teleinfo/041876097767/ledger", "{}"),
            ("teleinfo/041876097767/availability", "online"),
            ("teleinfo/041876097767/power", "{\"power\":-12}"),
            ("teleinfo/041876097767", "{\"PAPP\":{}}"),
        ] {
            feed.handle_message(&message(topic, payload), 100);
        }
        let meter = "\"meter\":\"041876097767\"";
        for expected in [
            format!("event: availability\ndata: {{{meter},\"value\":\"online\"}}\n\n"),
            format!("event: power\ndata: {{{meter},\"value\":{{\"power\":-12}}}}\n\n"),
            format!("event: state\ndata: {{{meter},\"value\":{{\"PAPP\":{{}}}}}}\n\n"),
        ] {
            assert_eq!(events.next().await.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn what_happens_at_another_member_is_told_as_well() {
        let feed = Feed::new(Topics::default());
        assert!(!feed.is_watched());
        let mut events = Box::pin(feed.door().events());
        events.next().await;
        assert!(feed.is_watched());
        let meter = "041876097767".parse().unwrap();
        feed.handle_elsewhere(meter, "ledger", "{}");
        feed.handle_elsewhere(meter, "power", "{}\n\nevent: x");
        feed.handle_elsewhere(meter, "", "{}");
        feed.handle_missed();
        assert_eq!(events.next().await.unwrap(), "event: state\ndata: {\"meter\":\"041876097767\",\"value\":{}}\n\n");
        assert_eq!(events.next().await.unwrap(), MISSED);
    }

    #[tokio::test]
    async fn a_slow_browser_is_told_that_it_missed_something() {
        let mut feed = Feed::new(Topics::default());
        let mut events = Box::pin(feed.door().events());
        events.next().await;
        (0..1_000).for_each(|at| feed.handle_message(&message("teleinfo/041876097767/power", "{\"power\":1}"), at));
        assert_eq!(events.next().await.unwrap(), MISSED);
        feed.handle_message(&message("teleinfo/041876097767/availability", "offline"), 0);
        assert!(events.next().await.unwrap().starts_with(b"event: availability"), "and goes on with the newest");
    }

    #[test]
    fn the_last_minutes_are_bounded() {
        let mut feed = Feed::new(Topics::default());
        (0..3_000).for_each(|at| feed.handle_message(&message("teleinfo/041876097767/power", &format!("{{\"power\":{at}}}")), at));
        let minutes: Vec<Point> = feed.minutes("041876097767".parse().unwrap()).collect();
        assert_eq!((minutes.len(), minutes[0], minutes[120]), (POINTS, (2_395, 2_395), (2_995, 2_995)));
    }
}
