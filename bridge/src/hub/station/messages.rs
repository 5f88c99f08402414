//! What is said of one meter: each message of it is made here, if there is something new to say.

use std::time::Instant;

use teleinfo_proto::tic::Dataset;

use super::{REPEATS, Station};
use crate::{
    meter::{events::Event, figures::Moment, payload},
    words::{message::Message, topics::Topics},
};

impl Station {
    /// The last of state and derived values, for whoever has just begun to listen; the power follows at its next dataset. While the past is
    /// being told that is nothing: the present follows within a frame.
    #[must_use]
    pub fn everything(&mut self) -> Vec<Message> {
        self.home_power.handle_listener();
        if !self.is_present || self.figures.state().is_empty() {
            return Vec::new();
        }
        let topics = self.topics();
        let state = Some(Message::live(topics.state(self.id), self.merged_state()));
        let derived = Message::live_json(topics.derived(self.id), self.figures.derived());
        [state, derived, Some(self.told_home())].into_iter().flatten().collect()
    }

    /// The same, and the report on the reception as it was said last.
    #[must_use]
    pub fn everything_again(&mut self) -> Vec<Message> {
        let mut messages = self.everything();
        messages.extend(self.reception.repeat().map(|report| self.quality(report)));
        messages
    }

    /// The report on the reception, if it differs from the last one: what is retained is repeated by the MQTT side.
    pub fn newest_quality(&mut self, now: Instant) -> Option<Message> {
        let report = self.reception.poll_newest(self.presentation.language, now)?;
        Some(self.quality(report))
    }

    /// An event that something else has found out.
    #[must_use]
    pub fn event(&self, event: &Event, unix_ms: i64) -> Option<Message> {
        Message::event_json(self.topics().event(self.id), &event.dated(unix_ms.div_euclid(1_000)))
    }

    /// The merged state, as it is published.
    #[must_use]
    pub fn merged_state(&self) -> Vec<u8> {
        payload::merged(self.figures.state(), self.announcer.learnt().hours)
    }

    /// Old indexes, with their time: they are no state of now.
    pub(super) fn history_message(&self, datasets: &[Dataset<'_>], moment: Moment) -> Message {
        let hours = self.announcer.learnt().hours;
        Message::live(self.topics().history(self.id), payload::dated(moment.unix_ms, datasets, hours))
    }

    pub(super) fn discovery_message(&mut self, now: Instant) -> Option<Message> {
        let message = self.announcer.poll_discovery(self.figures.state(), self.account.kept_meanings(), now)?;
        self.repeats = REPEATS.iter().map(|after| now + *after).collect();
        Some(message)
    }

    pub(super) fn state_message(&mut self, urgent: bool, now: Instant) -> Option<Message> {
        let message = Message::live(self.topics().state(self.id), self.merged_state());
        self.held_back = !self.cadence.admit(&message.payload, urgent, now);
        Some(message).filter(|_| !self.held_back)
    }

    pub(super) fn derived_message(&mut self) -> Option<Message> {
        let derived = self.figures.derived();
        let digest = derived.digest();
        if std::mem::replace(&mut self.published, digest) == digest {
            return None;
        }
        Message::live_json(self.topics().derived(self.id), derived)
    }

    /// The prices to come, if the owner has given prices and they have changed.
    pub(super) fn prices_message(&mut self) -> Option<Message> {
        let topic = self.topics().prices(self.id);
        if self.presentation.prices_of(self.id).is_empty() {
            // The owner has taken them back.
            let is_left = self.published_prices.is_none() && self.announcer.has_announced_prices();
            self.published_prices = Some(Vec::new());
            return is_left.then(|| Message::delete(topic));
        }
        let message = Message::retained_json(topic, &self.figures.derived().price.rates())?;
        let is_news = self.published_prices.as_ref() != Some(&message.payload);
        self.published_prices = Some(message.payload.clone());
        is_news.then_some(message)
    }

    pub(super) fn home_message(&mut self, moment: Moment) -> Option<Message> {
        let meanings = self.account.meanings().current().map(|meaning| (meaning.label.as_str(), meaning.since));
        let is_news = self.home.handle_frame(self.figures.state(), self.figures.derived(), meanings, moment.unix_ms);
        is_news.then(|| self.told_home())
    }

    /// Time alone has changed what is derived.
    pub(super) fn home_message_of_time(&mut self) -> Option<Message> {
        let is_news = self.home.handle_timeout(self.figures.state(), self.figures.derived());
        is_news.then(|| self.told_home())
    }

    fn told_home(&self) -> Message {
        let told = self.home.told(self.figures.state(), self.figures.derived(), self.announcer.learnt().hours);
        Message::live(self.topics().home(self.id), told)
    }

    pub(super) fn quality_message(&mut self, now: Instant) -> Option<Message> {
        let report = self.reception.poll_report(self.presentation.language, now)?;
        Some(self.quality(report))
    }

    pub(super) fn quality(&self, report: Vec<u8>) -> Message {
        Message::retained(self.topics().quality(self.id), report)
    }

    pub(super) fn event_messages(&self, events: &[Event], moment: Moment) -> Vec<Message> {
        events.iter().filter_map(|event| self.event(event, moment.unix_ms)).collect()
    }

    pub(super) fn topics(&self) -> &Topics {
        &self.presentation.topics
    }
}
