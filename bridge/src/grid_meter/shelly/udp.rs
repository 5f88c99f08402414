//! RPC by UDP, one frame a datagram: how Marstek's batteries read a Shelly, which they find by broadcast.
//!
//! Without a value there is no answer, as from the emulations that batteries are known to accept. Each address is answered a bounded number of
//! times a second, so that nobody can be flooded by way of us.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use tokio::{net::UdpSocket, time};
use tracing::{info, warn};

use crate::words::{journal, language::Words};

const ANSWERS: Words =
    Words::new("the grid meter shelly answers by UDP at {}", "le compteur de réseau shelly répond en UDP à l'adresse {}");
const CANNOT: Words = Words::new(
    "grid-meter: shelly cannot answer by UDP at {}, which is tried again: {}",
    "grid-meter : shelly ne peut répondre en UDP à l'adresse {}, nouvel essai : {}",
);

/// Where batteries ask: a B2500 at the second from firmware 226 on, all others at the first.
pub const PORTS: [u16; 2] = [1010, 2220];
/// Answers to one address in a second; a Venus asks at most 2.5 times.
const ANSWERS_MAX: u32 = 10;
/// Addresses that are answered in a second.
const ADDRESSES_MAX: usize = 64;
/// A request has about a hundred bytes.
const REQUEST_MAX: usize = 1_024;
/// A port that does not open, or fails, is tried again after this time.
const AGAIN: Duration = Duration::from_secs(10);

/// Answers at this port for ever.
pub async fn serve(address: SocketAddr, answer: impl Fn(&[u8]) -> Option<String>) {
    let mut is_said = false;
    loop {
        match UdpSocket::bind(address).await {
            Ok(socket) => {
                info!("{}", journal::say(ANSWERS, &[&address]));
                is_said = false;
                converse(&socket, &answer).await;
            }
            Err(error) if !is_said => {
                is_said = true;
                warn!("{}", journal::say(CANNOT, &[&address, &error]));
            }
            Err(_) => {}
        }
        time::sleep(AGAIN).await;
    }
}

async fn converse(socket: &UdpSocket, answer: &impl Fn(&[u8]) -> Option<String>) {
    let (mut limit, mut request) = (Limit::default(), [0; REQUEST_MAX]);
    loop {
        let Ok((length, client)) = socket.recv_from(&mut request).await else { return };
        if !limit.handle_request(client.ip(), Instant::now()) {
            continue;
        }
        if let Some(answer) = request.get(..length).and_then(answer) {
            // A client that has gone is no fault of the socket.
            let _ = socket.send_to(answer.as_bytes(), client).await;
        }
    }
}

/// How often each address was answered in this second.
#[derive(Debug, Default)]
struct Limit {
    second: Option<Instant>,
    answered: HashMap<IpAddr, u32>,
}

impl Limit {
    /// Whether a request may be answered.
    fn handle_request(&mut self, client: IpAddr, now: Instant) -> bool {
        if self.second.is_none_or(|second| now.saturating_duration_since(second) >= Duration::from_secs(1)) {
            self.second = Some(now);
            self.answered.clear();
        }
        if !self.answered.contains_key(&client) && self.answered.len() == ADDRESSES_MAX {
            return false;
        }
        let count = self.answered.entry(client).or_default();
        *count += 1;
        *count <= ANSWERS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_flooded() {
        let (mut limit, start) = (Limit::default(), Instant::now());
        let mut answers = |last: u8, at: Instant| (0..100).filter(|_| limit.handle_request([10, 0, 0, last].into(), at)).count();
        assert_eq!((answers(1, start), answers(1, start), answers(2, start)), (10, 0, 10));
        assert_eq!(answers(1, start + Duration::from_secs(1)), 10);
        let addresses = (1..=255).filter(|last| answers(*last, start + Duration::from_secs(3)) > 0).count();
        assert_eq!(addresses, ADDRESSES_MAX);
    }
}
