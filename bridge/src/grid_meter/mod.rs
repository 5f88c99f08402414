//! The bridge as the grid meter of a battery, a wallbox or an energy manager: it answers as a meter would that they know already.
//!
//! Nothing is served unless the configuration asks for it, and nothing can be changed by asking. No value older than [`answer::OLDEST`] is
//! ever told: those who steer by it get an error of their protocol instead.
//! Begin with [`reading`], what a meter measures; [`source`] takes it from samples, [`taken`] says how old these are, [`sum`] adds several
//! meters, [`answer`] says when which reading is told. [`setup`] is what the owner wants, [`identity`] what the meter is called, [`ecotracker`], [`homewizard`] and
//! [`shelly`] are what is answered by HTTP, [`site`] says where, [`sunspec`] by Modbus; [`announce`] lets them be found, [`serve`] opens their ports.

pub mod announce;
pub mod answer;
pub mod ecotracker;
pub mod homewizard;
pub mod identity;
pub mod reading;
pub mod serve;
pub mod setup;
pub mod shelly;
pub mod site;
pub mod source;
pub mod sum;
pub mod sunspec;
pub mod taken;
