//! How many readers a bridge bears: `readers` is a fleet of them in one process, `measure` puts `bridges` and a broker of its own under the
//! fleet and says what came out of it and what that cost. What a bridge costs is read in `process`; `slow` is a way to the broker that is
//! too narrow, `share` makes a machine of a bridge that is too slow, and `routers` are those of buildings. `plot` draws the rows.
//! `failover` takes members of a group away. Begin with `readers`.

mod bridges;
pub mod failover;
pub mod measure;
pub(crate) mod plot;
mod process;
pub mod readers;
pub mod routers;
mod share;
mod slow;
