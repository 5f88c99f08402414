//! The bridge as the grid meter of a battery, a wallbox or an energy manager: it answers as a meter would that they know already.
//!
//! Nothing is served unless the configuration asks for it, and nothing can be changed by asking. No value older than [`answer::OLDEST`] is
//! ever told: those who steer by it get an error of their protocol instead.
//! Begin with [`reading`], what a meter measures; [`source`] takes it from samples, [`taken`] says how old these are, [`sum`] adds several
//! meters, [`answer`] says when which reading is told. [`setup`] is what the owner wants, [`identity`] what the meter is called, [`ecotracker`] and [`homewizard`] are
//! what is answered, [`announce`] lets them be found, [`serve`] carries it.

pub mod announce;
pub mod answer;
pub mod ecotracker;
pub mod homewizard;
pub mod identity;
pub mod reading;
pub mod serve;
pub mod setup;
pub mod source;
pub mod sum;
pub mod taken;
