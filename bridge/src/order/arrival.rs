//! What readers send by themselves, before it is put in order.

use std::time::SystemTime;

use teleinfo_proto::{tic::MeterId, wire::Error};

use crate::order::received::Received;

/// Something came from a reader.
#[derive(Debug)]
pub enum Arrival {
    /// A sample, received then.
    Sample(Received, SystemTime),
    /// A reader's report on itself, as bytes.
    Report(Vec<u8>),
    /// A reader reads this meter, or no longer does.
    Token(MeterId, bool),
    /// A reader leaves this meter by its own will.
    Farewell(MeterId),
    /// Something this release does not understand came under this key.
    Strange(String, Error),
}
