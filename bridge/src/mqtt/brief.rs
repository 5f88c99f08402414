//! A short connection to the broker, under a name of its own so that the running bridge is not disturbed.

use std::{sync::Arc, time::Duration};

use rumqttc::{AsyncClient, ConnectionError, EventLoop};
use rustls::ClientConfig;
use tokio::time::timeout;

use crate::{
    config::settings::External,
    daemon::tls,
    mqtt::{external, trouble::Trouble},
    words::language::Language,
};

/// Time for the broker to accept or refuse.
const CONNECT: Duration = Duration::from_secs(5);
/// Messages in the client's own queue.
const CLIENT_QUEUE: usize = 16;

/// Connects as `teleinfo-<purpose>-<process>`, with room for some messages. What goes wrong is said in this language.
///
/// # Errors
/// The broker cannot be reached, or refuses.
pub(crate) async fn connect(broker: &External, purpose: &str, language: Language) -> Result<(AsyncClient, EventLoop), Trouble> {
    let name = format!("teleinfo-{purpose}-{}", std::process::id());
    let (client, mut connection) = AsyncClient::new(external::options(broker, &name, certificates(broker)?), CLIENT_QUEUE);
    let answer = timeout(CONNECT, connection.poll()).await;
    match answer.unwrap_or(Err(ConnectionError::NetworkTimeout)) {
        Ok(_) => Ok((client, connection)),
        Err(error) => Err(Trouble::new(&error, broker, language)),
    }
}

fn certificates(broker: &External) -> Result<Option<Arc<ClientConfig>>, Trouble> {
    let wanted = broker.url.tls.then(|| tls::client(broker.authorities.as_deref(), "set mqtt.ca-file"));
    wanted.transpose().map_err(|problem| Trouble { lasting: true, ..Trouble::of(&format!("mqtt.ca-file: {problem}")) })
}
