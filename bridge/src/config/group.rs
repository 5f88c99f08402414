//! The group that this bridge belongs to, checked: `[group]`.

use std::fs;

use teleinfo_proto::wire::keys;

use super::{
    file::{GroupKeys, ZenohMode},
    locators,
};
use crate::{daemon::exit::Failure, group::setup::Setup, words::printable::printable};

/// More is a mistake: a member with a hundred times the weight of another leaves it next to nothing.
const WEIGHT_MAX: u32 = 100;

/// The group; none without a name. `has_broker`: MQTT goes to a broker; `is_linked`: `zenoh.connect` names further routers.
///
/// # Errors
/// Names that cannot be part of a key, and what does not go together with a group.
pub fn checked(written: GroupKeys, mode: ZenohMode, has_broker: bool, is_linked: bool) -> Result<Option<Setup>, Failure> {
    let is_written = written != GroupKeys::default();
    let Some(name) = written.name else {
        return if is_written { Err(Failure::config("group.name: a group needs a name, the same for all members")) } else { Ok(None) };
    };
    let name = named("group.name", name)?;
    if name == keys::NO_GROUP {
        return Err(Failure::config("group.name: \"-\" stands for no group; choose another name"));
    }
    let member = written.member.map_or_else(own_name, |member| named("group.member", member))?;
    if !(1..=WEIGHT_MAX).contains(&written.weight) {
        return Err(Failure::config(format!("group.weight: {} is no weight; expected 1 to {WEIGHT_MAX}", written.weight)));
    }
    if !has_broker {
        return Err(Failure::config("mqtt.url: a group shares what one broker keeps, so all its members name the same: mqtt://host"));
    }
    let connect = locators::to_connect("group.connect", &written.connect)?;
    match mode {
        ZenohMode::Router if connect.is_empty() => Err(Failure::config(
            "group.connect: name the other members, for instance [\"tcp/192.168.1.11:7447\"]; each names all others, so that all hear every reader",
        )),
        ZenohMode::Router if is_linked => {
            Err(Failure::config("zenoh.connect: members of a group are not linked as routers; name them in group.connect"))
        }
        ZenohMode::Client if !connect.is_empty() => {
            Err(Failure::config("group.connect: only for bridges that are the routers of their readers; clients meet at zenoh.connect"))
        }
        _ => Ok(Some(Setup { name, member, weight: written.weight, connect })),
    }
}

fn named(key: &str, name: String) -> Result<String, Failure> {
    if keys::is_name(&name) {
        return Ok(name);
    }
    let text = printable(&name);
    Err(Failure::config(format!("{key}: \"{text}\" is no name; use up to 64 letters, digits, '-', '_' and '.'")))
}

fn own_name() -> Result<String, Failure> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim().to_owned();
    if keys::is_name(&host) {
        return Ok(host);
    }
    Err(Failure::config("group.member: the name of this machine cannot be used; give this member a name that no other one has"))
}

#[cfg(test)]
mod tests {
    use crate::{
        config::{
            file::Config,
            settings::{Mqtt, Settings},
        },
        daemon::cli::Cli,
    };

    fn check(text: &str) -> Result<Settings, String> {
        Settings::new(Config::parse(text).unwrap(), &Cli::default()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_group_needs_a_name_a_broker_and_the_others() {
        let broker = "[mqtt]\nurl = \"mqtt://b\"\n";
        let of = |keys: &str| check(&format!("{broker}[group]\n{keys}\n"));
        let group = of("name = \"home\"\nmember = \"attic\"\nconnect = [\"tcp/10.0.0.2:7447\"]").unwrap().group.unwrap();
        assert_eq!((group.name.as_str(), group.member.as_str(), group.weight, group.connect.len()), ("home", "attic", 1, 1));
        assert!(check(broker).unwrap().group.is_none());
        // Two members on one machine are two clients of the broker.
        let client_id = |keys: &str| match of(keys).unwrap().mqtt {
            Mqtt::External(external) => external.client_id,
            Mqtt::Embedded(_) => String::new(),
        };
        assert_eq!(client_id("name = \"home\"\nmember = \"attic\"\nconnect = [\"tcp/10.0.0.2:7447\"]"), "teleinfo-bridge-attic");
        for (keys, key) in [
            ("name = \"home\"", "group.connect: name the other members"),
            ("name = \"a/b\"", "group.name: "),
            ("name = \"-\"", "group.name: "),
            ("member = \"attic\"", "group.name: "),
            ("name = \"home\"\nmember = \"*\"", "group.member: "),
            ("name = \"home\"\nmember = \"a\"\nweight = 0", "group.weight: "),
            ("name = \"home\"\nmember = \"a\"\nconnect = [\"x\"]", "group.connect: "),
            (
                "name = \"home\"\nmember = \"a\"\nconnect = [\"tcp/b:1\"]\n[zenoh]\nconnect = [\"tcp/c:1\"]",
                "zenoh.connect: members of a group",
            ),
            (
                "name = \"home\"\nmember = \"a\"\nconnect = [\"tcp/b:1\"]\n[zenoh]\nmode = \"client\"\nconnect = [\"tcp/c:1\"]",
                "group.connect: only for bridges",
            ),
        ] {
            let failure = of(keys).unwrap_err();
            assert!(failure.contains(key), "{keys}: {failure}");
        }
        let clients = of("name = \"home\"\nmember = \"a\"\n[zenoh]\nmode = \"client\"\nconnect = [\"tcp/c:1\"]");
        assert!(clients.unwrap().group.is_some());
        let failure = check("[group]\nname = \"home\"\nmember = \"a\"\nconnect = [\"tcp/b:1\"]").unwrap_err();
        assert!(failure.contains("mqtt.url: a group"), "{failure}");
    }
}
