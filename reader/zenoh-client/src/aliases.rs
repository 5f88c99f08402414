//! The router's short names for keys: it may declare a number for a key once and use the number afterwards.

use std::collections::BTreeMap;

use zenoh_protocol::core::WireExpr;
use zenoh_protocol::network::Mapping;

/// Names held at most. A router sends few to a client that subscribes to little; more would only fill the memory.
const ALIASES_MAX: usize = 256;

/// The longest key taken, in bytes. Zenoh's own limit is 64 kB; keys in use have some tens.
const KEY_LENGTH_MAX: usize = 1024;

/// Number to key.
#[derive(Debug, Default)]
pub(crate) struct Aliases(BTreeMap<u16, String>);

impl Aliases {
    /// Remembers `id` for a key, or says that this is too much.
    pub(crate) fn declare(&mut self, id: u16, key: &WireExpr<'_>) -> bool {
        match self.resolve(key) {
            Some(key) if key.len() <= KEY_LENGTH_MAX && (self.0.len() < ALIASES_MAX || self.0.contains_key(&id)) => {
                self.0.insert(id, key);
                true
            }
            _ => false,
        }
    }

    pub(crate) fn undeclare(&mut self, id: u16) {
        self.0.remove(&id);
    }

    /// The whole key; nothing if it builds on a number that was never declared. Our own numbers are not known here but in `Entities`.
    pub(crate) fn resolve(&self, key: &WireExpr<'_>) -> Option<String> {
        match (key.scope, key.mapping) {
            (0, _) => Some(key.suffix.to_string()),
            (scope, Mapping::Sender) => self.0.get(&scope).map(|prefix| format!("{prefix}{}", key.suffix)),
            (_, Mapping::Receiver) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(scope: u16, suffix: &'static str, mapping: Mapping) -> WireExpr<'static> {
        WireExpr { scope, suffix: suffix.into(), mapping }
    }

    #[test]
    fn a_number_stands_for_its_key_until_it_is_withdrawn() {
        let mut aliases = Aliases::default();
        assert!(aliases.declare(1, &key(0, "sensors", Mapping::Sender)));
        assert!(aliases.declare(2, &key(1, "/1", Mapping::Sender)));
        assert_eq!(aliases.resolve(&key(2, "/history", Mapping::Sender)).as_deref(), Some("sensors/1/history"));
        assert_eq!(aliases.resolve(&key(2, "", Mapping::Receiver)), None);
        aliases.undeclare(2);
        assert_eq!(aliases.resolve(&key(2, "", Mapping::Sender)), None);
        assert!(!aliases.declare(3, &key(9, "x", Mapping::Sender)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut aliases = Aliases::default();
        let taken = (1..1000).filter(|id| aliases.declare(*id, &key(0, "a", Mapping::Sender))).count();
        assert_eq!(taken, ALIASES_MAX);
        assert!(aliases.declare(1, &key(0, "b", Mapping::Sender)), "a number may be declared anew");
    }
}
