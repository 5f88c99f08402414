//! The bridge's own node of Zenoh: the router that readers connect to, with the MQTT plugin inside if there is one.
//!
//! A guest of other routers goes there by [links](crate::zenoh::links). Its own node is a *peer* that is connected to nobody: there is the plugin.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use zenoh::{
    Config, Session,
    config::EndPoint,
    internal::{
        plugins::PluginsManager,
        runtime::{Runtime, RuntimeBuilder},
    },
};
use zenoh_plugin_mqtt::MqttPlugin;

use crate::{
    config::{file::ZenohMode, settings::Zenoh},
    daemon::exit::{ExitCode, Failure},
    words::limits::Limits,
};

/// Silence after which a reader gives this router up, and tries again until it is there. Less than Zenoh's ten seconds: TCP's pauses
/// between two tries have grown beyond two seconds by then, so that a new connection is back sooner than the old one.
pub const LEASE_MS: u32 = 4_000;
/// How long connections may take to say who they are: silent ones must not keep readers out.
const ACCEPT_MS: u32 = 3_000;
/// The longest message that Zenoh puts together: a reader's are 20 times shorter.
pub const MESSAGE_BYTES_MAX: usize = 65_536;
/// What Zenoh sets aside to receive into, for each connection: one batch as large as a reader's, not the four that its default makes of it.
const RECEIVE_BYTES: usize = 8_192;

/// A running Zenoh, with the session that the bridge uses.
pub struct Node {
    runtime: Runtime,
    session: Session,
    hosts_plugin: bool,
}

impl Node {
    /// Starts Zenoh; with the MQTT plugin inside if there is a configuration for it.
    ///
    /// # Errors
    /// A port that cannot be opened, or a configuration that Zenoh does not take.
    pub async fn start(zenoh: &Zenoh, limits: Limits, plugin: Option<&serde_json::Value>) -> Result<Self, Failure> {
        let mut listen = Vec::new();
        for endpoint in &zenoh.listen {
            listen.push(usable(endpoint).await?);
        }
        let config = config(zenoh, limits, &listen, plugin).map_err(|error| Failure::config(format!("Zenoh: {error}")))?;
        let mut plugins = PluginsManager::static_plugins_only();
        if plugin.is_some() {
            plugins.declare_static_plugin::<MqttPlugin, &str>("mqtt", true);
        }
        let mut runtime = RuntimeBuilder::new(config).plugins_manager(plugins).build().await.map_err(|error| internal(&error))?;
        runtime.start().await.map_err(|error| internal(&error))?;
        let session = zenoh::session::init(runtime.clone().into()).await.map_err(|error| internal(&error))?;
        Ok(Self { runtime, session, hosts_plugin: plugin.is_some() })
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Leaves the network. The process must end soon after.
    pub async fn close(self) {
        if self.hosts_plugin {
            // The plugin's connections live on threads of their own and cannot be waited for. Zenoh panics when they undeclare their
            // subscriptions after it was closed, so it is left open for the rest of the process.
            std::mem::forget(self);
            return;
        }
        let _ = self.session.close().await;
        let _ = self.runtime.close().await;
    }
}

fn internal(error: &zenoh::Error) -> Failure {
    Failure::new(ExitCode::Unavailable, format!("Zenoh does not start: {error}"))
}

fn config(zenoh: &Zenoh, limits: Limits, listen: &[EndPoint], plugin: Option<&serde_json::Value>) -> zenoh::Result<Config> {
    let mut config = Config::default();
    let mut set = |key: &str, value: serde_json::Value| config.insert_json5(key, &value.to_string());
    let router = zenoh.mode == ZenohMode::Router;
    set("mode", if router { "router" } else { "peer" }.into())?;
    set("listen/endpoints", if router { endpoints(listen) } else { endpoints(&[]) })?;
    set("connect/endpoints", endpoints(&zenoh.connect))?;
    set("connect/timeout_ms", (-1).into())?;
    set("connect/exit_on_failure", false.into())?;
    set("transport/link/tx/lease", LEASE_MS.into())?;
    set("transport/unicast/max_sessions", limits.sessions().into())?;
    set("transport/unicast/accept_pending", limits.pending().into())?;
    set("transport/unicast/accept_timeout", ACCEPT_MS.into())?;
    set("transport/link/rx/max_message_size", MESSAGE_BYTES_MAX.into())?;
    if router {
        set("transport/link/rx/buffer_size", RECEIVE_BYTES.into())?;
    }
    set("access_control", nobody_touches_mqtt())?;
    set("scouting/multicast/enabled", (router && zenoh.scouting).into())?;
    // Without it Zenoh warns of a peer, although nobody is there whom it could tell.
    set("scouting/gossip/enabled", (!router).into())?;
    if let Some(login) = &zenoh.login {
        set("transport/auth/usrpwd/user", login.user.as_str().into())?;
        set("transport/auth/usrpwd/password", login.password.reveal().into())?;
    }
    if let Some(file) = zenoh.users_file.as_deref().filter(|_| router) {
        set("transport/auth/usrpwd/dictionary_file", file.to_string_lossy().into())?;
    }
    if let Some(plugin) = plugin {
        set("plugins_loading/enabled", true.into())?;
        set("plugins/mqtt", plugin.clone())?;
    }
    Ok(config)
}

/// What MQTT clients say and hear is no matter of whoever comes by Zenoh: the password of the one is not that of the other.
fn nobody_touches_mqtt() -> serde_json::Value {
    serde_json::json!({
        "enabled": true,
        "default_permission": "allow",
        "rules": [{
            "id": "mqtt",
            "permission": "deny",
            "messages": ["put", "delete", "declare_subscriber", "query", "declare_queryable", "reply", "liveliness_token",
                         "declare_liveliness_subscriber", "liveliness_query"],
            "flows": ["ingress", "egress"],
            "key_exprs": ["mqtt/**"],
        }],
        "subjects": [{ "id": "anybody" }],
        "policies": [{ "rules": ["mqtt"], "subjects": ["anybody"] }],
    })
}

fn endpoints(endpoints: &[EndPoint]) -> serde_json::Value {
    endpoints.iter().map(ToString::to_string).collect::<Vec<_>>().into()
}

/// Finds out whether a TCP port can be had, since Zenoh's own words for it are hard to read. On a machine without IPv6 the address that
/// stands for all of them becomes that of IPv4.
async fn usable(endpoint: &EndPoint) -> Result<EndPoint, Failure> {
    if endpoint.protocol().as_str() != "tcp" {
        return Ok(endpoint.clone());
    }
    let text = endpoint.address().as_str().to_owned();
    let address = resolve(&text).await.ok_or_else(|| Failure::config(format!("zenoh.listen: {endpoint}: no such address")))?;
    match TcpListener::bind(address) {
        Ok(_) => Ok(endpoint.clone()),
        Err(_) if address.ip().is_unspecified() && address.is_ipv6() && ipv6_is_missing() => {
            let all = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
            format!("tcp/{all}").parse().map_err(|_| Failure::config(format!("zenoh.listen: {endpoint}")))
        }
        Err(error) => Err(refused(endpoint, address, &error)),
    }
}

async fn resolve(address: &str) -> Option<SocketAddr> {
    tokio::net::lookup_host(address).await.ok()?.next()
}

fn ipv6_is_missing() -> bool {
    TcpListener::bind("[::]:0").is_err()
}

fn refused(endpoint: &EndPoint, address: SocketAddr, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AddrInUse => Failure::new(
            ExitCode::Unavailable,
            format!(
                "Zenoh port {} is in use, perhaps by a Zenoh router or another bridge: set zenoh.mode = \"client\" to join it, or zenoh.listen to another port",
                address.port()
            ),
        ),
        io::ErrorKind::PermissionDenied => {
            Failure::new(ExitCode::Permission, format!("zenoh.listen: not allowed to listen on {endpoint}; use a port above 1023"))
        }
        _ => Failure::config(format!("zenoh.listen: cannot listen on {endpoint}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::Pairing;

    #[test]
    fn readers_are_told_the_short_lease() {
        let zenoh = Zenoh {
            mode: ZenohMode::Router,
            listen: Vec::new(),
            connect: Vec::new(),
            scouting: false,
            pairing: Pairing::FirstContact,
            users_file: None,
            login: None,
        };
        let config = config(&zenoh, Limits::default(), &[], None).unwrap();
        assert_eq!(config.get_json("transport/link/tx/lease").unwrap(), LEASE_MS.to_string());
    }
}
