//! RPC over a WebSocket: how Home Assistant and Hoymiles read a Shelly. Values are pushed as they come.
//!
//! A value that grows old must not stay with the client for ever. Home Assistant is told `null` once, which it shows as unknown; any other
//! client might take that for 0 W, so its connection is closed.

use std::time::{Duration, Instant, SystemTime};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message},
};

use crate::grid_meter::{
    answer::{OLDEST, fresh},
    shelly::{
        methods::Moment,
        rpc::{self, Asked},
        values,
    },
    sum::Total,
};

/// How `aioshelly`, the library of Home Assistant, begins its name.
const HOME_ASSISTANT: &str = "aios-";
/// How long a connection may be silent: `aioshelly` pings each 55 s.
const SILENCE: Duration = Duration::from_secs(120);
/// How long a client may take to read what it is sent.
const UNREAD: Duration = Duration::from_secs(10);

/// What a meter says to all of its clients.
#[derive(Debug, Clone)]
pub struct Meter {
    /// Twelve hexadecimal digits.
    pub serial: String,
    /// When it began.
    pub started: Instant,
    /// The newest values.
    pub newest: watch::Receiver<Option<Total>>,
}

impl Meter {
    /// Says something of this moment.
    pub fn now<R>(&self, say: impl FnOnce(&Moment<'_>) -> R) -> R {
        let newest = self.newest.borrow();
        let now = Instant::now();
        let uptime = now.saturating_duration_since(self.started);
        say(&Moment { serial: &self.serial, total: fresh(newest.as_ref(), now), uptime, wall: SystemTime::now() })
    }
}

/// One client.
#[derive(Debug, Default)]
struct Client {
    /// What it calls itself; nothing is pushed before it has said so.
    name: Option<String>,
    /// The value that it has grows old at this time.
    old_at: Option<Instant>,
}

/// What to do for a client without being asked.
#[derive(Debug, PartialEq, Eq)]
enum Push {
    Nothing,
    Send(String),
    Close,
}

impl Client {
    /// What is to be sent; nothing at all: the connection ends.
    fn handle_happened(&mut self, happened: Happened, moment: &Moment<'_>, now: Instant) -> Option<Option<String>> {
        match happened {
            Happened::Heard(Some(Ok(Message::Text(text)))) => Some(self.handle_frame(text.as_bytes(), moment)),
            Happened::Heard(Some(Ok(Message::Binary(bytes)))) => Some(self.handle_frame(&bytes, moment)),
            Happened::Heard(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => Some(None),
            Happened::Heard(_) | Happened::Changed(false) => None,
            Happened::Changed(true) | Happened::TimeHasCome => match self.poll_push(moment, now) {
                Push::Send(notice) => Some(Some(notice)),
                Push::Nothing => Some(None),
                Push::Close => None,
            },
        }
    }

    /// A frame came: the answer.
    fn handle_frame(&mut self, bytes: &[u8], moment: &Moment<'_>) -> Option<String> {
        let asked = Asked::new(bytes)?;
        self.name = asked.src().map(str::to_owned).or(self.name.take());
        let (answer, is_result) = asked.answer(moment);
        if is_result {
            self.handle_told(moment);
        }
        Some(answer)
    }

    fn handle_told(&mut self, moment: &Moment<'_>) {
        self.old_at = moment.total.map(|total| total.reading.measured + OLDEST);
    }

    /// There is a newer value, or the one that the client has is old.
    fn poll_push(&mut self, moment: &Moment<'_>, now: Instant) -> Push {
        let Some(name) = self.name.as_deref() else { return Push::Nothing };
        let Some(total) = moment.total else { return self.push_none(moment, now) };
        let energy = values::energy(total).map(|energy| energy.text());
        let notice = rpc::notice(name, &values::power(total).text(), energy.as_deref(), moment);
        self.handle_told(moment);
        Push::Send(notice)
    }

    fn push_none(&mut self, moment: &Moment<'_>, now: Instant) -> Push {
        let (Some(name), Some(_)) = (self.name.as_deref(), self.old_at.filter(|at| *at <= now)) else { return Push::Nothing };
        self.old_at = None;
        if name.starts_with(HOME_ASSISTANT) { Push::Send(rpc::notice(name, &values::none().text(), None, moment)) } else { Push::Close }
    }
}

/// What happened on a connection.
enum Happened {
    Heard(Option<Result<Message, Error>>),
    Changed(bool),
    TimeHasCome,
}

/// One connection, to its end.
pub async fn converse<S: AsyncRead + AsyncWrite + Unpin>(mut socket: WebSocketStream<S>, mut meter: Meter) {
    let (mut client, mut silent_at) = (Client::default(), Instant::now() + SILENCE);
    loop {
        let wake = client.old_at.map_or(silent_at, |old_at| old_at.min(silent_at));
        let happened = tokio::select! {
            heard = socket.next() => Happened::Heard(heard),
            changed = meter.newest.changed() => Happened::Changed(changed.is_ok()),
            () = time::sleep_until(wake.into()) => Happened::TimeHasCome,
        };
        let now = Instant::now();
        if matches!(happened, Happened::Heard(_)) {
            silent_at = now + SILENCE;
        }
        let Some(answer) = meter.now(|moment| client.handle_happened(happened, moment, now)).filter(|_| now < silent_at) else { break };
        // A ping is answered when something is flushed.
        let sent = match answer {
            Some(text) => time::timeout(UNREAD, socket.send(Message::Text(text))).await,
            None => time::timeout(UNREAD, socket.flush()).await,
        };
        if !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
    let _ = time::timeout(UNREAD, socket.close(None)).await;
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::grid_meter::shelly::values::tests::total;

    /// What a client of this name is pushed while its value is fresh, and once it is old.
    fn pushed(name: &str) -> [Push; 3] {
        let total = total();
        let start = total.reading.measured;
        let moment = |total| Moment { serial: "0a1861000001", total, uptime: Duration::ZERO, wall: UNIX_EPOCH };
        let mut client = Client::default();
        assert_eq!(client.poll_push(&moment(Some(&total)), start), Push::Nothing, "who it is, is not known");
        let asks = format!(r#"{{"id":1,"src":"{name}","method":"EM.GetStatus"}}"#);
        assert!(client.handle_frame(asks.as_bytes(), &moment(Some(&total))).is_some());
        let fresh = client.poll_push(&moment(Some(&total)), start);
        assert_eq!(client.poll_push(&moment(None), start + OLDEST / 2), Push::Nothing);
        let old = start + OLDEST + Duration::from_millis(1);
        [fresh, client.poll_push(&moment(None), old), client.poll_push(&moment(None), old)]
    }

    #[test]
    fn home_assistant_is_told_once_that_there_is_no_value() {
        let [fresh, old, again] = pushed("aios-7");
        assert!(matches!(fresh, Push::Send(text) if text.contains(r#""total_act_power":-412.0"#)));
        assert!(matches!(old, Push::Send(text) if text.contains(r#""total_act_power":null"#)));
        assert_eq!(again, Push::Nothing);
    }

    #[test]
    fn any_other_client_is_left() {
        assert_eq!(pushed("hoymiles")[1], Push::Close);
    }
}
