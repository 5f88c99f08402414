//! Opens a port as soon as that is possible: an address may come later than the bridge, and MQTT must not wait for it.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{net::TcpListener, time};

/// A port that does not open is tried again after this time.
const AGAIN: Duration = Duration::from_secs(10);

/// The port, once it is open. Why it could not be opened is told once.
pub async fn opened(address: SocketAddr, tell: impl Fn(&io::Error) + Send) -> TcpListener {
    let mut is_told = false;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(error) if !is_told => {
                is_told = true;
                tell(&error);
            }
            Err(_) => {}
        }
        time::sleep(AGAIN).await;
    }
}
