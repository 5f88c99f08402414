//! What the owner wants of a group: `[group]`, checked.

use zenoh_protocol::core::EndPoint;

/// The group that a bridge belongs to.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Its name.
    pub name: String,
    /// The name of this member.
    pub member: String,
    /// How many meters it takes on, compared with others.
    pub weight: u32,
    /// Where the other members are, if they are the routers of their readers.
    pub connect: Vec<EndPoint>,
}
