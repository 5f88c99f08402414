//! Keys that are right, but do nothing beside the others.

use tracing::warn;

use crate::words::{journal, language::Words};

/// Names those that are set, and says `why` they do nothing.
pub(super) fn warn_of_idle_keys(keys: &[(&str, bool)], why: Words) {
    let idle: Vec<&str> = keys.iter().filter(|(_, set)| *set).map(|(key, _)| *key).collect();
    if !idle.is_empty() {
        warn!("{}", journal::say(why, &[&idle.join(", ")]));
    }
}
