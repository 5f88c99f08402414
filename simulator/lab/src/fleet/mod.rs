//! How many readers a bridge bears: `readers` is a fleet of them in one process, `measure` puts `bridges` and a broker of its own under the
//! fleet and says what came out of it and what that cost. What a bridge costs is read in `process`; `slow` is a way to the broker that is
//! too narrow, and `routers` are those of buildings. `plot` draws the rows. Begin with `readers`.

mod bridges;
pub mod measure;
pub(crate) mod plot;
mod process;
pub mod readers;
pub mod routers;
mod slow;
