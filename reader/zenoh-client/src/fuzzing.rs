//! The door for fuzz targets into what is nobody else's business. Only `.ci/fuzz` compiles it.

use crate::{
    locator::Locator,
    scouting::{LOCATORS_MAX, take_hello},
};

/// Locators that are remembered of all Hellos together.
pub const FOUND_MAX: usize = LOCATORS_MAX;

/// What is remembered of datagrams that came to the socket of this interface, one after the other.
#[must_use]
pub fn hellos<'a>(interface: &str, datagrams: impl IntoIterator<Item = &'a [u8]>) -> Vec<Locator> {
    let mut found = Vec::new();
    for datagram in datagrams {
        take_hello(&mut found, interface, datagram);
    }
    found
}
